"""The V2 token, from a file that only the service can read."""

from __future__ import annotations

import logging
import stat
from pathlib import Path

from optimizer.errors import ConfigError, ConfigProblem

_log = logging.getLogger(__name__)


def read_token(path: Path) -> str:
    """Return the token that a file holds, blanks around it removed; warn if others can read the file.

    Raises
    ------
    ConfigError
        If the file cannot be read, is empty, or holds more than one line. The message never quotes its content.
    """
    try:
        token = path.read_text(encoding="ascii").strip()
        mode = path.stat().st_mode
    except OSError as error:
        raise _problem(path, f"cannot be read ({error.strerror}); create it with the token alone, mode 0600") from error
    except UnicodeDecodeError:
        # The cause would carry the bytes of the file.
        raise _problem(path, "holds more than plain text; it must hold the token alone") from None
    except ValueError as error:
        raise _problem(path, "is no path: it holds a null character") from error
    if not token:
        raise _problem(path, "is empty; put the token there, alone (battery's own page, Software-Integration)")
    if len(token.split()) > 1:
        raise _problem(path, "holds more than one word; it must hold the token alone")
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        _log.warning("%s can be read or written by every user of this machine: chmod 600 it", path)
    return token


def _problem(path: Path, message: str) -> ConfigError:
    return ConfigError("battery token", [ConfigProblem(path="battery.token_file", message=f"{path} {message}")])
