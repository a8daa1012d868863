"""Runs mutmut on a copy of one module's surroundings and reads what became of its mutants."""

from __future__ import annotations

import ast
import difflib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
COPIED = ("optimizer", "strategies", "tests", "config", "systemd", "docs", "pyproject.toml", "README.md")
NOTICED = ("killed", "timeout", "segfault", "suspicious")
"""Verdicts of mutmut that mean that a test failed or did not end."""
SPINNER = tuple("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
VERDICTS = "verdicts.json"

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

AT_START = """
import os
import sys
# A copy would be compiled anew, for longer than most tests take: the recursion runs in plain Python.
sys.modules["numba"] = None
# While mutmut finds out which test reaches what, it counts in its own process; another one could not tell it.
if os.environ.get("MUTANT_UNDER_TEST") == "stats":
    os.environ["MUTANT_UNDER_TEST"] = ""
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

    verdicts: dict[str, str]
    """In the tool's words, by its names."""
    survivors: dict[str, Change]


def mutate(part: Part, folder: Path, *, again: bool) -> Result:
    """Test every mutant of a part in a folder; ``again``: only those that survived there before."""
    before = _verdicts_before(folder, part) if again else {}
    _copy(folder, part)
    run = _mutmut(folder, "run", "--max-children", "1", *survivors_among(before))
    if run.returncode:
        told = [line for line in run.stdout.splitlines() if not line.startswith(SPINNER)]
        sys.exit("\n".join([f"{part.name}: mutmut ended with {run.returncode}", *told[-60:], run.stderr[-3000:]]))
    lines = _mutmut(folder, "results", "--all", "true").stdout.splitlines()
    found = {name: verdict for name, _, verdict in (line.strip().rpartition(": ") for line in lines) if name}
    verdicts = {**found, **{name: verdict for name, verdict in before.items() if verdict in NOTICED}}
    (folder / VERDICTS).write_text(json.dumps(verdicts), encoding="utf-8")
    return Result(verdicts=verdicts, survivors=_changes(folder / "mutants" / part.source, survivors_among(verdicts)))


def survivors_among(verdicts: dict[str, str]) -> list[str]:
    """Return the mutants that no test noticed."""
    return [name for name, verdict in verdicts.items() if verdict not in NOTICED]


def _verdicts_before(folder: Path, part: Part) -> dict[str, str]:
    """Return what an earlier run found, if the module is still the same."""
    if (folder / part.source).read_bytes() != (ROOT / part.source).read_bytes():
        return {}
    verdicts: dict[str, str] = json.loads((folder / VERDICTS).read_text(encoding="utf-8"))
    return verdicts


def _copy(folder: Path, part: Part) -> None:
    for name in COPIED:
        if (ROOT / name).is_dir():
            rest = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=rest, dirs_exist_ok=True)
        else:
            shutil.copy2(ROOT / name, folder / name)
    # What a test reached when it was last run says nothing of a test that was changed since.
    (folder / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)
    for name in ("startup", "mutants"):  # both are on the path, where a folder that comes later is not looked into
        (folder / name).mkdir(exist_ok=True)
    (folder / "startup" / "sitecustomize.py").write_text(AT_START, encoding="utf-8")
    tests, but_for = ", ".join(f'"{test}"' for test in part.tests), part.but_for or "no_test_is_called_so"
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(CONFIGURATION.format(source=part.source, tests=tests, but_for=but_for))


def _mutmut(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    # Derandomised property tests; and a process that a test starts takes the mutated copy as well.
    path = os.pathsep.join((str(folder / "startup"), str(folder / "mutants")))
    environment = {**os.environ, "CI": "true", "PYTHONPATH": path}
    command = [str(Path(sys.executable).with_name("mutmut")), *words]
    try:
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        sys.exit("mutmut is not installed here: pip install mutmut")


def _changes(path: Path, names: list[str]) -> dict[str, Change]:
    """Return what mutants change: mutmut writes each as a copy of its function, beside the original's."""
    lines = path.read_text(encoding="utf-8").splitlines()
    functions = {
        node.name: [line.strip().replace(node.name, "") for line in lines[node.lineno - 1 : node.end_lineno]]
        for node in ast.walk(ast.parse("\n".join(lines)))
        if isinstance(node, ast.FunctionDef)
    }
    return {name: _change(functions, name.rpartition(".")[2]) for name in names}


def _change(functions: dict[str, list[str]], mutant: str) -> Change:
    mangled, mark, _ = mutant.rpartition("__mutmut_")
    differ = difflib.unified_diff(functions[f"{mangled}{mark}orig"], functions[mutant], lineterm="", n=0)
    lines = list(differ)[2:]
    was, now = (" ".join(line[1:] for line in lines if line.startswith(sign)) for sign in "-+")
    # x_name for a function, xǁClassǁname for a method
    return Change(mangled.removeprefix("x_").removeprefix("xǁ").replace("ǁ", "."), was, now)
