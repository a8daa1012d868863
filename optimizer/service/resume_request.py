"""The owner's word that a stand-down is over: a small file in the runtime folder, taken by the service's next step.

Only who may write to that folder can leave it there: the service's own user and root. A signal would do as well, but
kills a service that does not know it yet, as after an upgrade without a restart.
"""

from __future__ import annotations

import json
import logging
import os
from contextlib import suppress
from pathlib import Path

from optimizer.clock import Clock

logger = logging.getLogger("sunshift.service")

RESUME_NAME = "resume.json"
MODE = 0o644
LARGEST_BYTES = 4096
"""What is larger is no request."""


class ResumeRequest:
    """The request in a runtime folder, seen from both sides.

    Parameters
    ----------
    runtime_dir
        The folder.
    clock
        The time.
    """

    def __init__(self, runtime_dir: Path, clock: Clock) -> None:
        self.path = runtime_dir / RESUME_NAME
        self._clock = clock

    def leave(self, *, service_pid: int, valid_s: float) -> None:
        """Leave it for one run of the service, for a while.

        Raises
        ------
        OSError
            The folder cannot be written to.
        """
        said = {"pid": service_pid, "until_s": self._clock.elapsed() + valid_s, "valid_s": valid_s}
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, MODE), "w") as file:
                os.fchmod(file.fileno(), MODE)  # past root's umask: the service's user reads it
                json.dump(said, file)
            beside.replace(self.path)
        finally:
            beside.unlink(missing_ok=True)

    @property
    def waits(self) -> bool:
        """Whether it lies there still."""
        return os.path.lexists(self.path)

    def withdraw(self) -> None:
        """Take it back where nobody took it."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

    def take(self) -> bool:
        """Take the request, if one lies there; return whether it is for this run and still fresh. Never raises.

        One that cannot be removed counts for nothing: it would end every stand-down to come.
        """
        if not self.waits:
            return False
        said = self._read()
        try:
            self.path.unlink()
        except OSError as error:
            logger.debug("%s: cannot be taken (%s)", self.path, error.strerror)
            return False
        return said is not None and self._is_for_us(said)

    def _read(self) -> object:
        # Neither a pipe that nobody fills nor a link to somewhere else holds the service up.
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(self.path, flags)
        except OSError:
            return None
        try:
            # Not by a file object: one that is refused, as for a folder, leaves its descriptor open.
            return json.loads(os.read(descriptor, LARGEST_BYTES))
        except (OSError, ValueError, RecursionError):
            return None
        finally:
            os.close(descriptor)

    def _is_for_us(self, said: object) -> bool:
        if not isinstance(said, dict):
            return False
        pid, until_s, valid_s = (said.get(key) for key in ("pid", "until_s", "valid_s"))
        if not isinstance(until_s, float) or not isinstance(valid_s, float):
            return False
        # With more time left than it was given it was left before the computer started anew.
        return pid == os.getpid() and 0.0 <= until_s - self._clock.elapsed() <= valid_s
