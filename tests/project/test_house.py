"""What must hold of the project as a whole."""

from __future__ import annotations

import re
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOP_LEVEL = {"optimizer", "strategies"}


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
