"""Where the way back finds the token of API V2. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

TOKEN_FILE_NAME = "sunshift-token"  # noqa: S105 - a file's name
"""Name of the token in ``$CREDENTIALS_DIRECTORY``, and of the copy that the service leaves in ``$RUNTIME_DIRECTORY``
(0600), because systemd takes the credentials away before the commands that clean up."""


def token_of_settings(table: Mapping[str, object], folder: Path, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the token from the first place that has one, else why each has none.

    Parameters
    ----------
    table
        ``[battery]`` of a configuration, with or without ``token_file``.
    folder
        Where a relative path lies.
    environ
        With systemd's folders.
    """
    named = [folder / expanded(Path(str(table["token_file"])))] if table.get("token_file") else []
    places = [*named, *_in(environ, "CREDENTIALS_DIRECTORY"), *_in(environ, "RUNTIME_DIRECTORY")]
    found, reasons = _first_token(places)
    missing = [] if named else ["is missing: name the file that holds the token"]
    return found, "; ".join([*missing, *reasons])


def token_left_behind(environ: Mapping[str, str]) -> str:
    """Return the token that the service has left, empty where it has left none.

    It is the one of the battery that was commanded, whatever the configuration says by now.
    """
    return _first_token(_in(environ, "RUNTIME_DIRECTORY"))[0]


def _in(environ: Mapping[str, str], variable: str) -> list[Path]:
    """Return where the token lies in a folder of systemd's, which separates several by colons."""
    return [Path(part) / TOKEN_FILE_NAME for part in environ.get(variable, "").split(":") if part]


def _first_token(places: Iterable[Path]) -> tuple[str, list[str]]:
    reasons = []
    for place in places:
        found, why = _first_word(place)
        if found:
            return found, []
        reasons.append(f"{place} {why}")
    return "", reasons


def expanded(path: Path) -> Path:
    """Return a path with ``~`` replaced, as it is where there is no such home: the next place may have the token."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def _first_word(path: Path) -> tuple[str, str]:
    """Return the first word of a file, else why there is none; the reason never quotes the file."""
    try:
        words = path.read_text(encoding="ascii").split()
    except OSError as error:
        return "", f"cannot be read ({error.strerror})"
    except UnicodeError:
        return "", "holds more than plain text"
    except ValueError:  # a null character
        return "", "is no path"
    return (words[0], "") if words else ("", "is empty")
