"""What is printed, where nobody can take it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


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
