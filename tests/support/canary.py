"""The token of every battery in the tests: whatever shows it has told a secret."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from optimizer.release.tokens import TOKEN_FILE_NAME

CANARY = "canary-3f9d-sings-nowhere"


def sings(text: str | bytes | None) -> bool:
    """Return whether a text, or what was read from a pipe, tells the token."""
    told = text.decode(errors="replace") if isinstance(text, bytes) else text
    return CANARY in (told or "")


def keep_in(file: Path, *, end: str = "") -> Path:
    """Write the token to a file for its owner alone, and return that."""
    file.touch(mode=0o600)
    file.write_text(CANARY + end)
    return file


def told_in(folder: Path) -> Iterator[str]:
    """Yield the files that hold the token, but for token files; the one that the service leaves must be private."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        content, mode = path.read_bytes(), path.stat().st_mode & 0o777
        first_alone = content.split()[:1] == [CANARY.encode()] and content.count(CANARY.encode()) == 1
        is_a_token_file = first_alone and (path.name != TOKEN_FILE_NAME or mode == 0o600)
        if CANARY.encode() in content and not is_a_token_file:
            yield f"{path.relative_to(folder)} (mode {mode:o})"
