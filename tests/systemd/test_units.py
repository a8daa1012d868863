"""The unit file: accepted by systemd, closed to everything the service does not need, true to the program."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from optimizer.cli.main import EXIT_CONFIG
from optimizer.release.tokens import TOKEN_FILE_NAME

FOLDER = Path(__file__).parents[2] / "systemd"
UNIT = FOLDER / "sunshift.service"
SERVICES = sorted(path.name for path in FOLDER.glob("*.service"))
LARGEST_EXPOSURE = 1.5

needs_systemd_analyze = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing")


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """Return a folder of the units with programs that exist here in the place of those that are installed."""
    for unit in (*FOLDER.glob("*.service"), *FOLDER.glob("*.timer")):
        (tmp_path / unit.name).write_text(re.sub(r"/opt/sunshift/bin/\w+", "/bin/true", unit.read_text()))
    return tmp_path


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )


@needs_systemd_analyze
def test_systemd_accepts_the_units(units: Path) -> None:
    """`systemd-analyze verify` ends without an error and without a word."""
    done = analyze("verify", *units.iterdir())
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd_analyze
@pytest.mark.parametrize("name", SERVICES)
def test_the_sandbox_is_tight(name: str, units: Path) -> None:
    """`systemd-analyze security` rates the exposure at 1.5 of 10 at most."""
    done = analyze("security", "--offline=true", units / name)
    found = re.search(r"Overall exposure level for .*: ([0-9.]+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    assert float(found[1]) <= LARGEST_EXPOSURE


@pytest.mark.parametrize("name", SERVICES)
def test_all_ways_back_run_as_one_user_in_one_sandbox(name: str) -> None:
    """Guard and failure unit can clear what the service left, and may do no more than it may."""
    sandbox = UNIT.read_text().partition("RestrictAddressFamilies")[2].partition("[Install]")[0]
    wanted = {line for line in sandbox.splitlines() if line and not line.startswith("#")}
    lines = (FOLDER / name).read_text().splitlines()
    assert wanted - {sandbox.splitlines()[0]} <= set(lines)
    assert {"DynamicUser=yes", "User=sunshift", "RuntimeDirectory=sunshift", "RuntimeDirectoryPreserve=yes"} <= set(
        lines
    )
    assert any(line.endswith("/etc/sunshift/sunshift.toml") and "ExecSt" in line for line in lines)


def test_the_unit_and_the_program_agree() -> None:
    """Exit code, credential, the release after every end and the watchdog mean the same in both."""
    text = UNIT.read_text()
    assert f"RestartPreventExitStatus={EXIT_CONFIG}" in text
    assert f"LoadCredential={TOKEN_FILE_NAME}:" in text
    assert re.search(r"^ExecStopPost=.* -m optimizer\.release --after-service --config ", text, re.MULTILINE)
    watchdog = re.search(r"^WatchdogSec=(\d+)$", text, re.MULTILINE)
    assert watchdog is not None
    assert int(watchdog[1]) > 60
