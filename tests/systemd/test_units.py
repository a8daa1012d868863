"""The unit file: accepted by systemd, closed to everything the service does not need, true to the program."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from optimizer.cli.ending import EXIT_CONFIG
from optimizer.release.hand_back import DEADLINE_S
from optimizer.release.tokens import TOKEN_FILE_NAME
from optimizer.service import hand_back, scheduler_runner
from optimizer.service.log_stream import LAST_WORDS_S
from optimizer.service.signals import LAST_WORD_S
from optimizer.settings.battery import BatterySettings
from optimizer.settings.plausibility import REQUESTS_A_STEP

FOLDER = Path(__file__).parents[2] / "systemd"
UNIT = FOLDER / "sunshift.service"
SERVICES = sorted(path.name for path in FOLDER.glob("*.service"))
LARGEST_EXPOSURE = 1.0
"""What README and threat model claim."""
LOCAL = "localhost link-local 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 fc00::/7"
WALLS = {
    "listens on no port": ("SocketBindDeny=any",),
    "no other addresses than the local ones": ("IPAddressDeny=any", f"IPAddressAllow={LOCAL}"),
    "no other kinds of network": ("RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",),
    "owns nothing but two folders": (
        "DynamicUser=yes",
        "ProtectSystem=strict",
        "StateDirectory=sunshift",
        "RuntimeDirectory=sunshift",
        "PrivateTmp=yes",
    ),
    "the record of the home is for its owner alone": ("StateDirectoryMode=0750", "UMask=0077"),
    "no homes": ("ProtectHome=yes",),
    "no devices": ("PrivateDevices=yes", "DevicePolicy=closed"),
    "no other processes": ("ProtectProc=invisible", "ProcSubset=pid"),
    "no privileges": (
        "CapabilityBoundingSet=",
        "AmbientCapabilities=",
        "NoNewPrivileges=yes",
        "PrivateUsers=yes",
        "RestrictSUIDSGID=yes",
        "SystemCallFilter=@system-service",
        "SystemCallFilter=~@privileged @resources",
    ),
    "memory that cannot become code": ("MemoryDenyWriteExecute=yes",),
}
"""The directives that each promise of the threat model rests on."""
LEASE_ENDS_WITHIN_S, START_S = 30.0, 2.0
"""How long a command may outlive its lease, and how long a look takes to start on a small computer [s]."""

needs_systemd_analyze = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing")


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """Return a folder of the units with programs that exist here in the place of those that are installed."""
    for unit in (*FOLDER.glob("*.service"), *FOLDER.glob("*.timer")):
        (tmp_path / unit.name).write_text(re.sub(r"/opt/sunshift/bin/\w+", "/bin/true", unit.read_text()))
    return tmp_path


def settings_of(name: str) -> list[str]:
    """Return the directives of a unit, in order."""
    return [line for line in (FOLDER / name).read_text().splitlines() if "=" in line and not line.startswith("#")]


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
    """`systemd-analyze security` rates the exposure at 1.0 of 10 at most."""
    done = analyze("security", "--offline=true", units / name)
    found = re.search(r"Overall exposure level for .*: ([0-9.]+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    assert float(found[1]) <= LARGEST_EXPOSURE


@pytest.mark.parametrize("promise", WALLS)
@pytest.mark.parametrize("name", SERVICES)
def test_the_sandbox_has_every_wall_that_the_threat_model_rests_on(name: str, promise: str) -> None:
    """Each by its own name, which a rating of the whole cannot tell, and none opened again further down."""
    lines = settings_of(name)
    for wall in WALLS[promise]:
        key = f"{wall.partition('=')[0]}="
        assert wall in lines
        assert {line for line in lines if line.startswith(key)} <= {*WALLS[promise]}


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


def test_a_stop_has_time_for_everything_that_it_waits_for() -> None:
    """A battery that takes as long as it may over each request: the step under way, both tries, then a plan's end."""
    request_s = BatterySettings.model_fields["request_deadline"].default.total_seconds()
    step_s, try_s = REQUESTS_A_STEP * request_s, 5 * request_s
    hand_back_s = hand_back.WITHIN_S + (hand_back.TRIES - 1) * try_s
    history_s = 2 * 2 * 2.0  # closed twice: the thread that writes, then the lock
    needed_s = step_s + hand_back_s + scheduler_runner.ENDING_S + history_s + LAST_WORDS_S + LAST_WORD_S
    given = dict(line.split("=", 1) for line in settings_of("sunshift.service"))
    assert needed_s + START_S <= float(given["TimeoutStopSec"])


def test_the_guard_alone_ends_a_command_within_half_a_minute_of_its_lease() -> None:
    """A look that just misses the end, the longest wait, another start and the longest hand-back fit into it."""
    timer = dict(line.split("=", 1) for line in settings_of("sunshift-guard.timer"))
    waits_s = sum(float(timer[key].removesuffix("s")) for key in ("OnUnitInactiveSec", "AccuracySec"))
    assert START_S + waits_s + START_S + DEADLINE_S <= LEASE_ENDS_WITHIN_S
