"""Mutation testing of the parts that bring the battery back: what the tests would let pass.

    pip install mutmut
    python benchmarks/mutation [--parts "NAME NAME"] [--list] [--keep FOLDER]

mutmut (3.8) makes small changes in a module, one at a time, and runs the tests that reach the changed function; a
change that no test notices survives. Each part of ``parts.toml`` is a module with the tests that specify it. All
happens in a copy in a temporary folder, one process at a time. Printed are a table and each survivor, with its change,
that ``survivors.toml`` does not explain; an entry there whose mutant no longer survives is told as well.

What the tool does not change: constants of a module, decorated functions other than class and static methods, text
inside of f-strings, the order of statements. The score is the share of the mutants that were noticed, those left out
that change nothing (``equivalent``).

Exit code 1 where a survivor is not explained.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
COPIED = ("optimizer", "strategies", "tests", "config", "systemd", "docs", "pyproject.toml", "README.md")
NOTICED = ("killed", "timeout", "segfault", "suspicious")
"""Verdicts of mutmut that mean that a test failed or did not end."""
EQUIVALENT = "equivalent"
SPINNER = tuple("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")

AT_START = """
import os
import sys
# A copy would be compiled anew, for longer than most tests take: the recursion runs in plain Python.
sys.modules["numba"] = None
# While mutmut finds out which test reaches what, it counts in its own process; another one could not tell it.
if os.environ.get("MUTANT_UNDER_TEST") == "stats":
    os.environ["MUTANT_UNDER_TEST"] = ""
"""

CONFIGURATION = """
[tool.mutmut]
source_paths = ["optimizer"]
only_mutate = ["{source}"]
also_copy = ["strategies", "config", "systemd", "docs", "README.md"]
pytest_add_cli_args = ["-p", "no:cacheprovider", "--timeout=10", "-k", "not ({but_for})"]
pytest_add_cli_args_test_selection = [{tests}]
use_git_change_detection = false
timeout_multiplier = 2.0
timeout_constant = 2.0
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A module and the tests that specify it."""

    name: str
    source: str
    tests: tuple[str, ...]
    but_for: str = ""
    """Words in the names of tests that take too long for a thousand runs, separated by ``or``."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a mutant changes, however the tool numbers it."""

    function: str
    was: str
    now: str

    def __str__(self) -> str:
        return f"in {self.function}\n    - {self.was}\n    + {self.now}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of the mutants of one part."""

    verdicts: Counter[str]
    survivors: dict[str, Change]
    """By the tool's own name."""


def main() -> int:
    arguments = _arguments()
    parts = [part for part in _parts() if not arguments.parts or part.name in arguments.parts.split()]
    if arguments.list:
        for part in parts:
            print(f"{part.name:<16} {part.source:<36} {' '.join(part.tests)}")
        return 0
    explained = _explained()
    rows, unexplained = [], 0
    for part in parts:
        result = _mutate(part, arguments.keep)
        found, known = set(result.survivors.values()), explained.get(part.name, {})
        rows.append(_row(part, result, known))
        print(rows[-1], flush=True)
        for name, change in result.survivors.items():
            if change not in known:
                unexplained += 1
                print(f"\n  survives: {name}\n    {change}", flush=True)
        for change in known.keys() - found:
            print(f"\n  explained, but does not survive: {change}", flush=True)
    print("\n" + "\n".join([HEAD, *rows]))
    return 1 if unexplained else 0


HEAD = f"{'part':<16}{'mutants':>8}{'noticed':>8}{'of them late':>13}{'survive':>8}{'equivalent':>11}{'score':>8}"


def _row(part: Part, result: Result, known: dict[Change, str]) -> str:
    total, survivors = result.verdicts.total(), len(result.survivors)
    equivalent = sum(known.get(change, "") == EQUIVALENT for change in result.survivors.values())
    late = result.verdicts["timeout"]
    score = (total - survivors) / (total - equivalent)
    return f"{part.name:<16}{total:>8}{total - survivors:>8}{late:>13}{survivors:>8}{equivalent:>11}{score:>8.1%}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--parts", default="", help="names, separated by spaces; default: all")
    parser.add_argument("--list", action="store_true", help="only list the parts")
    parser.add_argument("--keep", type=Path, help="work in this folder and leave it, to look at the tool's own files")
    return parser.parse_args()


def _parts() -> list[Part]:
    table = tomllib.loads((HERE / "parts.toml").read_text(encoding="utf-8"))
    return [
        Part(name=name, **{key: tuple(value) if key == "tests" else value for key, value in part.items()})
        for name, part in table.items()
    ]


def _explained() -> dict[str, dict[Change, str]]:
    """Return, for each part, the survivors that are known and what kind each is."""
    table = tomllib.loads((HERE / "survivors.toml").read_text(encoding="utf-8"))
    return {
        part: {Change(one["in"], one["was"], one["now"]): one["kind"] for one in known} for part, known in table.items()
    }


def _mutate(part: Part, keep: Path | None) -> Result:
    if keep is not None:
        return _mutate_in(keep / part.name, part)
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        return _mutate_in(Path(folder), part)


def _mutate_in(folder: Path, part: Part) -> Result:
    _copy(folder, part)
    run = _mutmut(folder, "run", "--max-children", "1")
    if run.returncode:
        told = [line for line in run.stdout.splitlines() if not line.startswith(SPINNER)]
        sys.exit("\n".join([f"{part.name}: mutmut ended with {run.returncode}", *told[-60:], run.stderr[-3000:]]))
    results = [
        line.strip().rpartition(": ") for line in _mutmut(folder, "results", "--all", "true").stdout.splitlines()
    ]
    verdicts = {name: verdict for name, _, verdict in results if name}
    source = (folder / "mutants" / part.source).read_text(encoding="utf-8")
    functions = {node.name: node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}
    survivors = [name for name, verdict in verdicts.items() if verdict not in NOTICED]
    return Result(
        verdicts=Counter(verdicts.values()),
        survivors={name: _change(source, functions, name) for name in survivors},
    )


def _copy(folder: Path, part: Part) -> None:
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True
            )
        else:
            shutil.copy2(ROOT / name, folder / name)
    for name in ("startup", "mutants"):  # both are on the path, where a folder that comes later is not looked into
        (folder / name).mkdir(exist_ok=True)
    (folder / "startup" / "sitecustomize.py").write_text(AT_START, encoding="utf-8")
    tests = ", ".join(f'"{test}"' for test in part.tests)
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(CONFIGURATION.format(source=part.source, tests=tests, but_for=part.but_for or "nothing"))


def _mutmut(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    # Derandomised property tests; and a process that a test starts takes the mutated copy as well.
    path = os.pathsep.join((str(folder / "startup"), str(folder / "mutants")))
    environment = {**os.environ, "CI": "true", "PYTHONPATH": path}
    command = [str(Path(sys.executable).with_name("mutmut")), *words]
    try:
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        sys.exit("mutmut is not installed here: pip install mutmut")


def _change(source: str, functions: dict[str, ast.FunctionDef], name: str) -> Change:
    """Return what a mutant changes: mutmut writes each as a copy of its function, beside the original's."""
    mangled, mark, _ = name.rpartition(".")[2].rpartition("__mutmut_")
    was, now = (
        [line.strip() for line in _lines(source, functions[one])]
        for one in (f"{mangled}{mark}orig", name.rpartition(".")[2])
    )
    lines = list(difflib.unified_diff(was[1:], now[1:], lineterm="", n=0))[2:]
    old, new = (" ".join(line[1:] for line in lines if line.startswith(sign)) for sign in "-+")
    return Change(mangled.removeprefix("x_").removeprefix("xǁ").replace("ǁ", "."), old, new)


def _lines(source: str, function: ast.FunctionDef) -> list[str]:
    return source.splitlines()[function.lineno - 1 : function.end_lineno]


if __name__ == "__main__":
    sys.exit(main())
