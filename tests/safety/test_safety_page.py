"""The catalogue of faults and the threat model name tests that exist, and own up to what has none."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = {name: (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("safety.md", "threat-model.md")}
PAGE = "\n".join(PAGES.values())
NAMED = sorted(set(re.findall(r"`((?:\w+/)+test_\w+\.py)(?:::(\w+))?`", PAGE)))
ROWS = [
    line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(("| fault |", "| threat |"))
]
FAULTS = [line.split(" | ")[0] for line in PAGES["safety.md"].splitlines() if line in ROWS]
CATALOGUE = (
    # the device
    "| refused", "no answer", "hangs;", "drips bytes", "reset in mid-body", "HTML, empty", "truncated", "nested",
    "wrong types", "strings", "null", "NaN, ", "1e999", "duplicate keys", "missing and renamed", "SoC -1, 101, 255",
    "200 kW", "| frozen timestamp", "hour that occurs twice", "404", "401, 403", "5xx, 429", "ReturnCode", "redirect",
    "gzip", "| answer lost", "two-step write", "accepted but not followed", "nightly restart", "battery care",
    "off-grid", "another controller that says zero", "another controller, the owner's app", "another device",
    # tariff and time
    "prices late", "prices missing", "prices doubled", "cents", "hourly", "negative", "spikes", "92 and 100",
    "clock steps", "boot without a clock", "| suspend", "wrong zone",
    # planner
    "NaN in", "infeasible", "time limit", "slow machine", "killed solver", "worse than doing nothing", "plan run out",
    # process
    "kill -9", "| hang", "memory exhausted", "job that always raises", "job that never ends", "SIGTERM", "start limit",
    "broken config", "two instances", "reboot, power cut", "disk full", "corrupt or locked", "log flood",
    "upgrade", "downgrade",
    # network
    "link down", "partition and return", "dies in a partition", "internet gone",
)  # fmt: skip
"""What tells one fault of the catalogue from the others."""


@pytest.mark.parametrize(("file", "function"), NAMED)
def test_a_named_test_exists(file: str, function: str) -> None:
    """Every file that the page names is there, with the function."""
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert functions if not function else function in functions


@pytest.mark.parametrize("row", ROWS)
def test_a_row_names_a_test_or_says_that_it_has_none(row: str) -> None:
    """No row is silent about how it is known."""
    assert ("test_" in row) != ("**no test**" in row)


def test_the_threat_model_is_whole() -> None:
    """It speaks of everything the project promises: readers, secrets, sandbox, dependencies, and what remains."""
    rows = [line for line in PAGES["threat-model.md"].splitlines() if line in ROWS]
    words = ("spoofing", "denial of service", "disclosure", "elevation", "repudiation", "token", "redirect", "pinned")
    assert [word for word in words if not any(word in row for row in rows)] == []
    assert all(row.count(" | ") + row.count(" |\n") >= 3 for row in rows)


def test_the_catalogue_is_whole() -> None:
    """Each fault has a row of its own, and the benchmarks that the page speaks of exist."""
    assert [word for word in CATALOGUE if sum(word in fault for fault in FAULTS) != 1] == []
    for name in re.findall(r"`(benchmarks/\w+\.py)`", PAGE):
        assert (ROOT / name).is_file()
