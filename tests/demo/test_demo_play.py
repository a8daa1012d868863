"""The demo from end to end: the real service, real HTTP, a real bill."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from optimizer.clock import WallClock
from optimizer.demo.play import DemoOptions, play
from optimizer.demo.scene import LogLine
from optimizer.demo.setting import FIRST_DAY, ZONE, choose_period
from optimizer.demo.summary import RUNS, Summary, as_json, as_lines
from optimizer.demo.view import PlainView, SilentView
from optimizer.devices.simulated.profile import packaged_profile
from optimizer.errors import SunshiftError

DARK_DAY = date(2016, 5, 1)
"""A day on which the battery has something to decide."""


@dataclass(frozen=True)
class Played:
    summary: Summary
    lines: str


@pytest.fixture(scope="module")
def played() -> Played:
    out = io.StringIO()
    summary = play(DemoOptions(days=1, start=DARK_DAY), view=PlainView(out, ZONE), wall=WallClock())
    return Played(summary, out.getvalue())


def test_the_whole_day_is_played(played: Played) -> None:
    """A poll a minute, a plan an hour, setpoints over HTTP, no error, and the battery handed back."""
    service = played.summary.service
    assert played.summary.complete
    assert service.polls == 24 * 60
    assert service.decisions == service.polls
    assert service.plans == 24 + 1  # and one as soon as the battery was first read
    assert service.setpoints > 20
    assert service.mode_changes >= 2
    assert service.errors == 0
    assert service.http_requests >= service.polls + service.setpoints + service.mode_changes
    assert service.handed_back, service.left_as


def test_energy_is_neither_made_nor_lost(played: Played) -> None:
    """In each of the three homes import, sun and discharge add up to load, export and charge."""
    for run in RUNS:
        assert played.summary.accounts[run].balance_residual_kwh == pytest.approx(0.0, abs=1e-6)


def test_the_three_homes_differ_by_their_control_alone(played: Played) -> None:
    """All have the same load and sun; the home without a battery moves none."""
    accounts = played.summary.accounts
    assert len({round(accounts[run].load_kwh, 6) for run in RUNS}) == 1
    assert len({round(accounts[run].production_kwh, 6) for run in RUNS}) == 1
    assert accounts["no_battery"].charged_kwh == accounts["no_battery"].discharged_kwh == 0.0
    assert accounts["no_battery"].stored_energy_credit == 0.0
    assert accounts["self_consumption"].charged_kwh > 0.0


def test_stored_energy_is_credited_as_the_summary_says(played: Played) -> None:
    """Difference of stored energy x mean import price x discharge efficiency, for every battery."""
    summary = played.summary
    for run in ("self_consumption", "sunshift"):
        account = summary.accounts[run]
        stored_kwh = (account.soc - 0.5) * 10.0
        expected = stored_kwh * summary.mean_import_price * summary.discharge_efficiency
        assert account.stored_energy_credit == pytest.approx(expected)
        assert account.total_cost == pytest.approx(account.energy_cost - expected)


def test_the_lines_are_plain_and_few(played: Played) -> None:
    """In a pipe there is a line per decision that matters and one a day, without escape codes."""
    lines = played.lines.splitlines()
    assert "\x1b" not in played.lines
    assert 3 <= len(lines) <= 60
    assert sum("day 1 over" in line for line in lines) == 1
    assert "no setpoint left standing" in lines[-1]


def test_the_summary_says_who_saved_more_and_fits_a_screen(played: Played) -> None:
    """Whoever wins is named, and all of it fits 80 columns and 24 rows with the prompt below."""
    lines = as_lines(played.summary)
    text = "\n".join(lines)
    more = played.summary.saved("sunshift") - played.summary.saved("self_consumption")
    said = "as much as" if abs(more) < 0.005 else f"{abs(more):.2f} EUR {'less' if more > 0 else 'MORE'} than"
    assert said in text
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 23
    assert "config init" in text
    assert "check --config" in text


def test_the_summary_as_json_uses_the_names_of_the_backtest(played: Played) -> None:
    """What a script reads here it reads in a backtest's summary too."""
    told = json.loads(json.dumps(as_json(played.summary)))
    assert set(told["runs"]) == set(RUNS)
    for run in told["runs"].values():
        assert {"total_cost", "energy_cost", "stored_energy_credit", "saving", "full_cycles"} <= set(run)
        assert run["total_cost"] == pytest.approx(run["energy_cost"] - run["stored_energy_credit"], abs=1e-5)


class Impatient(SilentView):
    """Presses Ctrl-C at the first line it is told."""

    def __init__(self) -> None:
        self.told: list[LogLine] = []

    def tell(self, line: LogLine) -> None:
        self.told.append(line)
        if len(self.told) == 1:
            os.kill(os.getpid(), signal.SIGINT)


def test_it_ends_early_and_hands_back_over_the_other_interface() -> None:
    """Ctrl-C ends within a poll, over V2 as well, with the battery handed back and the signal handlers restored."""
    before = signal.getsignal(signal.SIGINT)
    summary = play(DemoOptions(days=1, interface="v2"), view=Impatient(), wall=WallClock())
    assert not summary.complete
    assert 0 <= summary.days < 0.1
    assert summary.service.handed_back
    assert summary.service.errors == 0
    assert "ended early" in as_lines(summary)[0]
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_ends_the_command_with_its_summary(tmp_path: Path) -> None:
    """From any folder, in a pipe: exit 0, the summary so far, nothing on stderr, nothing left behind."""
    command = [sys.executable, "-m", "optimizer", "demo", "--days", "3", "--start", str(DARK_DAY), "--seconds", "0"]
    environment = {**os.environ, "TMPDIR": str(tmp_path), "http_proxy": "http://127.0.0.1:9", "PYTHONWARNINGS": "error"}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        first = demo.stdout.readline()
        demo.send_signal(signal.SIGINT)
        rest, errors = demo.communicate(timeout=60)
    assert demo.returncode == 0, errors
    assert errors == ""
    assert "Sun 00:00" in first
    assert "ended early" in rest
    assert "no setpoint left standing" in rest
    assert "\x1b" not in first + rest
    assert list(tmp_path.iterdir()) == []


def test_the_live_screen_gives_the_terminal_back_on_ctrl_c(tmp_path: Path) -> None:
    """On a terminal: the alternate page, then the page from before with the summary on it."""
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "optimizer", "demo", "--days", "1", "--seconds", "60"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=slave, stderr=slave) as demo:
        os.close(slave)
        written = b""
        while b"what mattered" not in written:
            written += os.read(master, 65_536)
        demo.send_signal(signal.SIGINT)
        with contextlib.suppress(OSError):  # the other end closes with the process
            while part := os.read(master, 65_536):
                written += part
    os.close(master)
    before, after = written.split(b"\x1b[?1049l")
    assert demo.returncode == 0, after
    assert b"\x1b[?1049h" in before
    assert b"ended early" in after
    assert b"no setpoint left standing" in after


def test_a_reader_that_goes_away_ends_the_demo_quietly(tmp_path: Path) -> None:
    """`sunshift demo | head -1` ends at once, without a traceback."""
    command = [sys.executable, "-m", "optimizer", "demo", "--days", "3", "--start", str(DARK_DAY), "--seconds", "0"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        demo.stdout.readline()
        demo.stdout.close()
        errors = demo.stderr.read()
    assert demo.returncode == 1
    assert errors == ""


def test_days_outside_the_recording_are_refused_with_what_it_holds() -> None:
    """Whoever asks for days that are not there is told which are."""
    profile = packaged_profile()
    with pytest.raises(SunshiftError, match="holds 2016-04-24 to 2016-05-27"):
        choose_period(profile, days=3, start=date(2016, 4, 1))
    with pytest.raises(SunshiftError, match="choose --start and --days"):
        choose_period(profile, days=100, start=FIRST_DAY)
