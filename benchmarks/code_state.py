"""Which state of the code a result was had with: a hash of all that it rests on."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path

import optimizer
import strategies

BENCHMARKS = Path(__file__).parent
PACKAGES = (optimizer, strategies)


def code_state(bench: str = "faults") -> str:
    """Return a word for the state of the program, with its data, and of one bench: any change makes another word.

    Of the files as they are, for a copy without a repository has no commit, and a change may not be committed yet.

    Parameters
    ----------
    bench
        A module of the benchmarks; what it imports of them counts with it.
    """
    folders = [Path(str(package.__file__)).parent for package in PACKAGES]
    return state_of(folders, [BENCHMARKS / f"{name}.py" for name in sorted(modules_of(bench))])


def state_of(folders: list[Path], files: list[Path]) -> str:
    """Return a word for the contents of folders and files, and the names of them."""
    found = [(path.relative_to(folder.parent), path) for folder in folders for path in _sources(folder)]
    found += [(Path(path.name), path) for path in files]
    digest = hashlib.sha256()
    for name, path in found:
        content = path.read_bytes()
        digest.update(f"{name.as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def _sources(folder: Path) -> Iterator[Path]:
    """Yield what a folder holds, without what Python makes of it."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path


def modules_of(bench: str) -> set[str]:
    """Return a benchmark and those that it imports, and so on."""
    found: set[str] = set()
    todo = [bench]
    while todo:
        name = todo.pop()
        path = BENCHMARKS / f"{name}.py"
        if name not in found and path.exists():
            found.add(name)
            todo += _imported(path)
    return found


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
