"""The benchmarks that the documentation's figures rest on can be run, and fail where they should."""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing, nullcontext
from datetime import UTC, datetime, timedelta
from http.client import IncompleteRead
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from optimizer.clock import SimulatedClock
from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.simulated.outage import Availability
from optimizer.devices.simulated.profile import packaged_profile
from optimizer.domain.battery import Battery

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
NAMES = sorted(path.stem for path in BENCHMARKS.glob("*.py"))
MEMORY = Path("/dev/shm")
START = datetime(2026, 5, 4, tzinfo=UTC)

Bench = Callable[[str], Any]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Import a benchmark as its command finds it."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_finds_what_it_measures(name: str, bench: Bench) -> None:
    """Whatever it imports is there."""
    bench(name)


def test_there_are_benchmarks() -> None:
    """The names above are no empty list."""
    assert {"faults", "torture", "soak", "service_day", "http_bounds"} <= set(NAMES)


# -- a day ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written_mib", "lines", "missed"), [(15.0, 199, 0), (15.1, 199, 1), (15.0, 200, 1), (40.0, 5000, 2)]
)
def test_a_day_is_held_against_its_aims(
    written_mib: float, lines: int, missed: int, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    """At most 15 MiB written and fewer than 200 lines, with the aims beside the figures."""
    assert len(bench("service_day").judged("v1", written_mib, lines)) == missed
    assert f"written to the disk {written_mib:.1f} MiB a day (aim: 15 at most)" in capsys.readouterr().out


def test_the_journal_has_the_lines_of_the_whole_service(bench: Bench) -> None:
    """Of every part of it at its level and of libraries from warnings on, not of the battery simulated beside it."""
    names = ("", "sunshift", "optimizer", "strategies", "apscheduler")
    before = [logging.getLogger(name).level for name in names]
    with bench("service_day").journal("info") as lines:
        for name in ("sunshift.service", "optimizer.control.controller", "strategies.peak_shaving", "urllib3"):
            logging.getLogger(name).info("said")
        logging.getLogger("urllib3").warning("warned")
        logging.getLogger("sunshift.simulator").warning("not the service")
    assert [line.split()[-1] for line in lines.getvalue().splitlines()] == ["said", "said", "said", "warned"]
    assert [logging.getLogger(name).level for name in names] == before


def test_a_history_is_written_through_as_often_as_the_kernel_does(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its database, log and index, each half minute of simulated time, through one descriptor each."""
    day = bench("service_day")
    clock, synced = SimulatedClock(day.START), []
    monkeypatch.setattr(day.os, "fdatasync", synced.append)
    back = day.WriteBack(tmp_path / "history.sqlite", clock)
    with closing(sqlite3.connect(tmp_path / "history.sqlite")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (x)")
        for _ in range(12):
            clock.advance(10.0)
        back.close()
    assert len(synced) == 4 * 3
    assert len(set(synced)) == 3


@pytest.mark.skipif(not MEMORY.is_dir(), reason="no folder in memory")
def test_a_folder_in_memory_is_no_disk(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing would be counted there, so it is refused rather than measured as nothing written."""
    with pytest.raises(SystemExit):
        bench("service_day").main(["--folder", str(MEMORY)])
    assert "give --folder on a disk" in capsys.readouterr().err


# -- months ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grown", "days", "code", "said"),
    [
        ({}, 85.0, 0, "does not grow"),
        ({"blocks": 90.0, "stored_mib": 90.0}, 85.0, 0, "does not grow"),
        ({"memory_mib": 1.1}, 85.0, 1, "IT GROWS: memory_mib"),
        ({"descriptors": 0.6}, 60.0, 1, "IT GROWS: descriptors"),
        ({"threads": 0.6}, 60.0, 1, "IT GROWS: threads"),
        ({"memory_mib": 61.0}, 59.9, 2, "NOT JUDGED: 59.9 days"),
        ({}, 2.0, 2, "NOT JUDGED: 2.0 days"),
    ],
)
def test_growth_fails_where_it_can_be_told(
    grown: dict[str, float],
    days: float,
    *,
    code: int,
    said: str,
    bench: Bench,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The slope of a few days is neither a fault nor a pass."""
    slopes = {"memory_mib": 1.0, "blocks": 0.0, "descriptors": 0.5, "threads": 0.5, "stored_mib": 0.0}
    assert bench("soak").verdict(slopes | grown, days) == code
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("unit", ["v1", "v1-plain", "v2"])
def test_a_soak_runs_the_service_and_samples_it(
    unit: str, bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two hours of the months, for each unit."""
    told = argparse.Namespace(unit=unit, days=2 / 24, every=0.5 / 24, seed=0, poll=30, wire=False)
    samples = bench("soak").play(told, tmp_path)
    assert [round(24 * one.day, 1) for one in samples][:4] == [0.0, 0.5, 1.0, 1.5]
    assert all(one.memory_mib > 10.0 and one.descriptors > 2 and one.threads > 0 for one in samples)
    assert "errors=0" in capsys.readouterr().out


# -- hostile peers --------------------------------------------------------------------------------------------------


def test_every_hostile_peer_of_the_tests_is_met(bench: Bench) -> None:
    """And each drip takes longer than the deadline."""
    bounds = bench("http_bounds")
    http, scripts = bounds.of_tests("devices.test_http"), bounds.of_tests("support.hostile_peer")
    wanted = {name for name, _ in bounds.parameters(http.test_hostile_answers)}
    assert {"hangs", "drips-the-body", "endless-body", "gzip-bomb"} < wanted
    assert wanted < {peer.name for peer in bounds.peers()}
    drips = [
        sum(step.pause_s * len(step.data) for step in script if isinstance(step, scripts.Drip))
        for name, script in bounds.scripts_of(http.test_hostile_answers).items()
        if "drips" in name or name == "continues"
    ]
    assert len(drips) == 3
    assert min(drips) > bounds.DEADLINE_S


def test_a_meeting_tells_what_is_kept(bench: Bench) -> None:
    """Of what is too long nothing but words; a full body counts wholly."""
    bounds = bench("http_bounds")
    quick = {"full-body", "endless-body", "one-byte-too-long", "reset"}
    found = bounds.measured([peer for peer in bounds.peers() if peer.name in quick])
    told = {(one.client, one.peer): one for one in found}
    assert len(told) == 2 * len(quick)
    assert told["driver", "full-body"].kept == 64 * 1024
    assert told["driver", "endless-body"].kept < 1000
    assert told["driver", "endless-body"].taken_in > 64 * 1024
    assert told["driver", "reset"].end == "DeviceUnreachable"
    assert all(one.kept <= 64 * 1024 and one.seconds < 5.0 for one in found)


def test_an_answer_kept_by_an_error_counts(bench: Bench) -> None:
    """However deep it lies."""
    bounds = bench("http_bounds")
    outer, inner = OSError(OSError("short")), ConnectionError(IncompleteRead(b"x" * 5000))
    outer.__cause__ = inner
    assert bounds.kept(outer) == 5000


@pytest.mark.parametrize(
    ("seconds", "kept", "code"), [(4.87, 65536, 0), (5.01, 10, 1), (0.1, 65537, 1)], ids=["within", "late", "large"]
)
def test_a_call_out_of_bounds_fails(
    seconds: float, kept: int, code: int, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last line names the worst, with the aims."""
    bounds = bench("http_bounds")
    worst = bounds.Outcome(peer="worst", client="driver", seconds=seconds, kept=kept, taken_in=0, end="answered")
    best = bounds.Outcome(peer="best", client="driver", seconds=0.0, kept=0, taken_in=0, end="answered")
    assert bounds.told([best, worst]) == code
    last = capsys.readouterr().out.splitlines()[-1]
    assert f"{seconds:.3f} s (driver, worst; aim: 5 s" in last
    assert f"{kept} bytes kept (driver, worst; aim: 65536)" in last


# -- SIGTERM --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stands", "code", "commanded", "vpp", "problems"),
    [
        (True, 0, True, False, 1),
        (True, 0, False, False, 1),
        (True, -signal.SIGTERM, True, False, 1),
        (True, -signal.SIGTERM, False, False, 0),
        (True, 0, True, True, 0),
        (False, 0, True, False, 0),
        (False, 1, True, False, 1),
    ],
    ids=["left", "left-of-another", "deaf", "before-it-listened", "not-to-be-reached", "handed-back", "crashed"],
)
def test_what_stands_after_sigterm_is_a_problem(
    *, stands: bool, code: int, commanded: bool, vpp: bool, problems: int, bench: Bench, tmp_path: Path
) -> None:
    """On record or not, unless the battery could not be reached, or nobody listened yet."""
    torture = bench("torture")
    house = SimpleNamespace(
        lock=nullcontext(),
        mode=DeviceMode.MANUAL if stands else DeviceMode.AUTOMATIC,
        availability=lambda: Availability.UP,
        vpp_active=vpp,
    )
    one = torture.Torture(tmp_path, SimpleNamespace(house=house, v1_port=1), None)
    one._must_be_handed_back("SIGTERM 0", code, commanded=commanded)
    assert len(one.problems) == problems


# -- what the bench of faults judges by -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "power_w", "soc", "net_load_w", "wrong"),
    [
        ({}, 4600.0, 0.5, 500.0, False),
        ({}, 4602.0, 0.5, 500.0, True),
        ({"min_soc": 0.2}, -500.0, 0.2, 500.0, True),
        ({"max_soc": 0.8}, 500.0, 0.8, 500.0, True),
        ({"import_w": 2500.0}, 2000.0, 0.5, 500.0, False),
        ({"import_w": 2500.0}, 2100.0, 0.5, 500.0, True),
        ({"import_w": 2500.0}, -4600.0, 0.5, 9000.0, False),
        ({"import_w": 2500.0}, 0.0, 0.5, 9000.0, True),
        ({"import_w": 2500.0}, 0.0, 0.0, 9000.0, False),
        ({"export_w": 1500.0}, 0.0, 0.5, -4000.0, True),
        ({"export_w": 1500.0}, 2500.0, 0.5, -4000.0, False),
        ({"grid_charging": False}, 1000.0, 0.5, -500.0, True),
        ({"battery_export": False}, -1000.0, 0.5, 500.0, True),
    ],
)
def test_a_forced_power_is_held_against_the_limits_of_the_home(
    *, limits: dict[str, Any], power_w: float, soc: float, net_load_w: float, wrong: bool, bench: Bench
) -> None:
    """Those of the grid as far as the battery can keep them."""
    measured = SimpleNamespace(
        soc=soc,
        backup_soc=None,
        discharge_allowed=None,
        consumption_w=max(net_load_w, 0.0),
        production_w=max(-net_load_w, 0.0),
    )
    home = bench("fault_witness").Home(**limits)
    assert (home.objection(power_w, measured) is not None) is wrong


@pytest.mark.parametrize("who", ["care", "trickle", "vpp_power_w"])
def test_a_command_that_something_else_covers_stands(who: str, bench: Bench) -> None:
    """It acts by itself as soon as the other has gone; until then nobody can be asked to end it."""
    house = SimulatedHouse(
        clock=SimulatedClock(START),
        battery=Battery(usable_capacity_wh=10_000, max_charge_w=4600, max_discharge_w=4600),
        recording=packaged_profile().shifted_to(START),
        mode=DeviceMode.MANUAL,
    )
    ours = bench("fault_witness").OursAtTheBattery(house, mode_control=True)
    assert (ours.stands(), ours.is_covered()) == (False, False)
    house.command(2000.0)
    entry = SimpleNamespace(path="/api/v2/setpoint/charge/2000", is_write=True, setpoint_w=2000.0, status=201)
    ours.note(entry)
    assert (ours.stands(), ours.is_covered()) == (True, False)
    setattr(house._authority, who, 1000.0 if who == "vpp_power_w" else True)
    assert (ours.stands(), ours.is_covered()) == (True, True)


def test_what_is_sent_again_is_counted_where_nothing_asks_for_it(bench: Bench) -> None:
    """Nought to both sides is one command; what failed, and what follows a change of mode, is told anew."""
    witness = bench("fault_witness")
    commands = witness.Commands(timedelta(seconds=60))

    def tell(path: str, at_s: float) -> None:
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=at_s)
        power_w = witness.told_w(SimpleNamespace(path=path))
        entry = {"path": path, "at": at, "fault": None, "status": 200, "is_write": True, "setpoint_w": power_w}
        commands.note(SimpleNamespace(**entry))

    for path, at_s in (
        ("/setpoint/charge/0", 0.0), ("/setpoint/discharge/0", 0.0), ("/setting", 0.0),
        ("/setpoint/charge/0", 1.0), ("/setpoint/discharge/0", 1.0), ("/setpoint/charge/100", 2.0),
        ("/setpoint/charge/100", 62.0), ("/setpoint/charge/100", 63.0),
    ):  # fmt: skip
        tell(path, at_s)
    commands.expect_again()
    tell("/setpoint/charge/100", 64.0)
    assert (len(commands.told), len(commands.too_soon)) == (6, 1)


# -- results on file ------------------------------------------------------------------------------------------------


def test_a_result_of_another_state_of_the_code_is_passed_over(bench: Bench, tmp_path: Path) -> None:
    """One that does not say of which state it is, too, and one that tells other things."""
    result = {
        "fault": "none", "seed": 0, "days": 0.2, "violations": [], "late_s": 0.0, "beyond_polls": 0, "end": "SAFE",
        "cpu_s": 1.0,
    }  # fmt: skip
    lines = [result, {**result, "code": "other", "told_then": 3}, {**result, "code": "this", "seed": 1}]
    path = tmp_path / "results"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    of_this, others = bench("faults").kept(path, "this")
    assert [one.seed for one in of_this] == [1]
    assert others == 2
    assert bench("faults").kept(tmp_path / "none", "this") == ([], 0)


def test_the_state_of_the_code_is_that_of_its_files(bench: Bench, tmp_path: Path) -> None:
    """Whatever changes in them or in their names makes another; what Python makes of them does not count."""
    state = bench("code_state")
    folder, file = tmp_path / "program", tmp_path / "bench.py"
    (folder / "__pycache__").mkdir(parents=True)
    (folder / "part.py").write_text("a = 1")
    file.write_text("b = 1")
    states = [state.state_of([folder], [file])]
    (folder / "__pycache__" / "part.pyc").write_text("compiled")
    assert state.state_of([folder], [file]) == states[0]
    (folder / "part.py").write_text("a = 2")
    states.append(state.state_of([folder], [file]))
    file.write_text("b = 2")
    states.append(state.state_of([folder], [file]))
    (folder / "part.py").rename(folder / "other.py")
    states.append(state.state_of([folder], [file]))
    assert len(set(states)) == 4


def test_the_state_of_the_fault_bench_holds_all_that_it_imports(bench: Bench) -> None:
    """But not the other benchmarks: what changes there changes no result of it."""
    found = bench("code_state").modules_of("faults")
    rooms = {"faults", "fault_run", "fault_judge", "fault_rows", "fault_witness"}
    assert rooms | {"whims", "direct_line", "resting_pace"} <= found
    assert not found & {"soak", "torture", "planted_faults"}
    assert bench("code_state").code_state() == bench("code_state").code_state()
