"""What ``sunshift release`` needs after the service is gone.

systemd takes credentials away before ``ExecStopPost=`` runs, so the token is left in the runtime folder, readable by
the service's own user alone, until the battery is handed back.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path

from pydantic import SecretStr

from optimizer.errors import SunshiftError
from optimizer.release.tokens import TOKEN_FILE_NAME
from optimizer.release.word import NOTHING_TO_RELEASE

logger = logging.getLogger("sunshift.service")


def leave_token(runtime_dir: Path, token: SecretStr | None, address: str) -> None:
    """Leave a battery's token for the release, mode 0600; a full disk is told and does not keep control away."""
    if token is None:
        return
    path = runtime_dir / TOKEN_FILE_NAME
    try:
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{token.get_secret_value()} {address}\n")
    except OSError as error:
        why = f"{path}: the token cannot be left for the release ({error.strerror})"
        logger.warning("%s: make room there, or only battery.token_file can tell it", why)


def take_token_back(runtime_dir: Path) -> None:
    """Remove the token: there is nothing left to release."""
    with suppress(OSError):
        (runtime_dir / TOKEN_FILE_NAME).unlink(missing_ok=True)


def leave_word(runtime_dir: Path, *, standing: bool) -> None:
    """Leave word whether a command may stand at the battery; where none is left, one may.

    Raises
    ------
    SunshiftError
        The word of an earlier run, that nothing stands, cannot be taken back: a release would trust it.
    """
    word = runtime_dir / NOTHING_TO_RELEASE
    try:
        if standing:
            word.unlink(missing_ok=True)
        else:
            word.touch(mode=0o644)
    except OSError as error:
        if standing:
            msg = f"{word}: cannot be removed ({error.strerror}); make the folder writable for the service's user"
            raise SunshiftError(msg) from error
        # Nothing is lost by it: without the word the battery is released once more.
        logger.warning("%s: cannot be written (%s)", word, error.strerror)
