"""A folder that is there whole or not at all, whenever the power goes."""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """Hand out a draft beside ``out`` that takes its place when the block ends well; else nothing is left of it.

    Whoever looks at ``out`` meanwhile, or after a kill, sees the old results or the new ones. Where ``out`` is a link,
    it stays one, and the folder that it leads to is replaced.
    """
    out = _real(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=_prefix(out)) as scratch:
        draft = Path(scratch) / "new"
        draft.mkdir()
        yield draft
        if not _exchanged(draft, out):
            if out.exists():
                out.replace(Path(scratch) / "old")
            draft.replace(out)


def remove_leftovers(out: Path) -> None:
    """Remove the drafts of runs that were killed while they wrote."""
    out = _real(out)
    for draft in out.parent.glob(f"{_prefix(out)}*"):
        shutil.rmtree(draft, ignore_errors=True)


def try_to_write_beside(out: Path) -> None:
    """Make a folder where the draft of ``out`` will be, or the first folder above it, and remove it again.

    Raises
    ------
    OSError
        Nothing can be written there.
    """
    place = _real(out).parent
    while not place.exists():
        place = place.parent
    with tempfile.TemporaryDirectory(dir=place, prefix=_prefix(out)):
        pass


def cannot_write(path: Path, error: OSError) -> str:
    """Return what to tell a person whose results cannot be written."""
    return f"{path}: cannot be written ({error.strerror or error}); name a folder that you may write with --out"


def is_in_use(out: Path) -> bool:
    """Return whether this process works in ``out``, or somewhere below it."""
    return Path.cwd().is_relative_to(_real(out))


def _real(out: Path) -> Path:
    return Path(os.path.realpath(out))


def _prefix(out: Path) -> str:
    return f".{out.name}.draft-"


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two folders in one step, where the system can: a Linux file system, and both there."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    done: int = rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    return done == 0
