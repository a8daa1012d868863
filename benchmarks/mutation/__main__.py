"""Mutation testing of the parts that bring the battery back: what the tests would let pass.

    pip install mutmut
    python benchmarks/mutation [--parts "NAME NAME"] [--list] [--keep FOLDER [--again]]

mutmut (3.8) makes small changes in a module, one at a time, and runs the tests that reach the changed function; a
change that no test notices survives. Each part of ``parts.toml`` is a module with the tests that specify it. All
happens in a copy in a temporary folder, one process at a time. Printed are each survivor, with its change, that
``survivors.toml`` does not explain, each entry there that no survivor bears out any more, and a table.

What the tool does not change: constants of a module, decorated functions other than class and static methods, text
inside of f-strings, the order of statements. The score is the share of the mutants that were noticed, those left out
that change nothing (``equivalent``).

Exit code 1 where a survivor is not explained.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import tomllib
from pathlib import Path

from mutants import Change, Part, Result, mutate

HERE = Path(__file__).parent
EQUIVALENT = "equivalent"
HEAD = f"{'part':<16}{'mutants':>8}{'noticed':>8}{'of them late':>13}{'survive':>8}{'equivalent':>11}{'score':>8}"


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
        result, known = _result(part, arguments), explained.get(part.name, {})
        rows.append(_row(part, result, known))
        print(rows[-1], flush=True)
        unexplained += _tell(result, known)
    print("\n".join(["", HEAD, *rows]))
    return 1 if unexplained else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--parts", default="", help="names, separated by spaces; default: all")
    parser.add_argument("--list", action="store_true", help="only list the parts")
    parser.add_argument("--keep", type=Path, help="work in this folder and leave it")
    parser.add_argument("--again", action="store_true", help="try only what survived in that folder before")
    return parser.parse_args()


def _parts() -> list[Part]:
    table = tomllib.loads((HERE / "parts.toml").read_text(encoding="utf-8"))
    return [Part(name=name, **{**part, "tests": tuple(part["tests"])}) for name, part in table.items()]


def _explained() -> dict[str, dict[Change, str]]:
    """Return, for each part, the survivors that are known and what kind each is."""
    table = tomllib.loads((HERE / "survivors.toml").read_text(encoding="utf-8"))
    return {
        part: {Change(one["in"], one["was"], one["now"]): one["kind"] for one in known} for part, known in table.items()
    }


def _result(part: Part, arguments: argparse.Namespace) -> Result:
    if arguments.keep is not None:
        return mutate(part, arguments.keep / part.name, again=arguments.again)
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        return mutate(part, Path(folder), again=False)


def _tell(result: Result, known: dict[Change, str]) -> int:
    """Tell what is not explained, and what is without need; return how many survivors are not."""
    unexplained = {name: change for name, change in result.survivors.items() if change not in known}
    for name, change in unexplained.items():
        print(f"\n  survives: {name}\n    {change}", flush=True)
    for change in known.keys() - set(result.survivors.values()):
        print(f"\n  explained, but does not survive: {change}", flush=True)
    return len(unexplained)


def _row(part: Part, result: Result, known: dict[Change, str]) -> str:
    total, survivors = len(result.verdicts), len(result.survivors)
    equivalent = sum(known.get(change, "") == EQUIVALENT for change in result.survivors.values())
    late = list(result.verdicts.values()).count("timeout")
    score = (total - survivors) / (total - equivalent)
    return f"{part.name:<16}{total:>8}{total - survivors:>8}{late:>13}{survivors:>8}{equivalent:>11}{score:>8.1%}"


if __name__ == "__main__":
    sys.exit(main())
