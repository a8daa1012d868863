"""The bill of materials that CI builds is held against what is pinned."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CHECK = Path(__file__).parents[2] / ".ci" / "check_bom.py"
pytestmark = pytest.mark.skipif(not CHECK.exists(), reason="a source archive has no CI")

PINS = "requests==2.34.2 \\\n    --hash=sha256:00\ncolorama==0.4.6 ; sys_platform == 'win32' \\\n    --hash=sha256:00\n"
OURS = {"name": "sunshift", "version": "0.1.0", "licenses": [{"license": {"id": "MIT"}}]}
REQUESTS = {"name": "Requests", "version": "2.34.2"}


@pytest.mark.parametrize(
    ("components", "code", "says"),
    [
        ([OURS, REQUESTS], 0, "2 components"),
        ([OURS], 1, "not in the bill of materials: requests==2.34.2"),
        ([OURS, {**REQUESTS, "version": "2.34.1"}], 1, "not in the bill of materials: requests==2.34.2"),
        ([REQUESTS], 1, "sunshift itself"),
    ],
)
def test_what_is_pinned_for_this_machine_must_be_in_it(
    components: list[dict[str, Any]], code: int, says: str, tmp_path: Path
) -> None:
    """A component that is missing or of another version is named; what is pinned for other systems is not asked for."""
    (tmp_path / "bom.json").write_text(json.dumps({"specVersion": "1.6", "components": components}))
    (tmp_path / "pins.txt").write_text(PINS)
    command = [sys.executable, str(CHECK), str(tmp_path / "bom.json"), str(tmp_path / "pins.txt")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (code, "")
    assert says in done.stdout
