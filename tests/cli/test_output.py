"""What is printed, where nobody can take it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = Path(__file__).parents[2] / "config" / "sunshift.toml"


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("words", [["strategies"], ["config", "init"]])
def test_output_into_a_full_disk_is_one_line_and_a_failure(words: list[str], unbuffered: str) -> None:
    """No traceback, whether the disk says so at once or when the buffer goes out."""
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        done = subprocess.run(
            [sys.executable, "-m", "optimizer", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )
    assert done.returncode == 1
    assert done.stderr == "sunshift: the output cannot be written (No space left on device); make room for it\n"


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    """Whoever works in a folder that somebody removed learns that, and sees no stack."""
    gone = tmp_path / "gone"
    gone.mkdir()
    words = ["backtest", "--config", str(CONFIG), "--recording", "a", "--out", "b"]
    program = (
        f"import os; os.rmdir({str(gone)!r}); from optimizer.cli.main import main; raise SystemExit(main({words}))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=gone, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "sunshift: the folder you are in is no longer there; go to another\n"
