"""What ``sunshift release`` needs after the service is gone.

systemd takes credentials away before ``ExecStopPost=`` runs, so the token is left in the runtime folder, readable by
the service's own user alone; systemd removes the folder when the unit has ended.
"""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import SecretStr

from optimizer.release_config import NOTHING_TO_RELEASE, TOKEN_FILE_NAME


def leave_token(runtime_dir: Path, token: SecretStr | None) -> None:
    """Leave the battery's token for the release, mode 0600.

    Raises
    ------
    OSError
        The folder cannot be written to.
    """
    if token is None:
        return
    path = runtime_dir / TOKEN_FILE_NAME
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(token.get_secret_value() + "\n")


def leave_word(runtime_dir: Path, *, standing: bool) -> None:
    """Leave word whether a command may stand at the battery; where none is left, one may.

    Raises
    ------
    OSError
        The folder cannot be written to.
    """
    word = runtime_dir / NOTHING_TO_RELEASE
    if standing:
        word.unlink(missing_ok=True)
    else:
        word.touch(mode=0o644)
