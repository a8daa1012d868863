"""What must hold of the project as a whole."""

from __future__ import annotations

import ast
import re
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOP_LEVEL = {"optimizer", "strategies"}
NO_READING = {"time.sleep"}


def tracked_files() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listing.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listing.stdout.decode().split("\0") if name]


def test_no_other_distribution_owns_our_import_names() -> None:
    """`optimizer` and `strategies` are generic names: a clash in the environment would import somebody else's code."""
    owners = metadata.packages_distributions()
    assert {name: set(owners.get(name, ["sunshift"])) for name in TOP_LEVEL} == {
        name: {"sunshift"} for name in TOP_LEVEL
    }


@pytest.mark.parametrize("folder", ["config", "systemd"])
def test_configuration_and_units_hold_no_python(folder: str) -> None:
    """`config/` and `systemd/` are read, never imported."""
    assert not list((ROOT / folder).rglob("*.py"))


def test_no_lock_file_or_index_address_is_committed() -> None:
    """The pinned requirements name versions and hashes; where they come from is the reader's own setting."""
    names = {path.name for path in tracked_files()}
    assert "uv.lock" not in names
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        assert "--hash=sha256:" in text
        assert not re.search(r"https?://|--index|--find-links", text), path


def test_every_pinned_runtime_requirement_is_also_pinned_for_development() -> None:
    """Tests run against the versions that are installed for users."""
    pins = {
        name: set(re.findall(r"^([a-z0-9._-]+==[^ ;\\]+)", (ROOT / "requirements" / name).read_text(), re.MULTILINE))
        for name in ("runtime.txt", "dev.txt")
    }
    assert pins["runtime.txt"] <= pins["dev.txt"]


def readings_of_a_clock(tree: ast.Module) -> set[str]:
    """Return by what a module reads a clock by itself."""
    modules = {one.name for node in ast.walk(tree) if isinstance(node, ast.Import) for one in node.names}
    named = {
        f"time.{one.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "time"
        for one in node.names
    }
    dotted = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    of_time = {name for name in dotted if name.startswith("time.") and "time" in modules}
    return (named | of_time | dotted & {"datetime.now", "datetime.utcnow", "date.today"}) - NO_READING


@pytest.mark.parametrize("folder", sorted(TOP_LEVEL))
def test_time_is_read_in_one_place(folder: str) -> None:
    """Service, guard and way back take ages by one clock: leases and requests pass from one to the other."""
    read = {
        path.relative_to(ROOT).as_posix(): readings_of_a_clock(ast.parse(path.read_text(encoding="utf-8")))
        for path in (ROOT / folder).rglob("*.py")
    }
    assert {name for name, by in read.items() if by} == {name for name in read if name == "optimizer/clock.py"}
