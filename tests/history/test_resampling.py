"""Means preserve energy and never invent what was not measured."""

from __future__ import annotations

import tempfile
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.clock import SimulatedClock
from optimizer.history.frame_history import FrameHistory
from optimizer.history.frames import as_frame, as_means
from optimizer.history.resampling import held_readings, interval_sums
from optimizer.history.store import HistoryStore
from support.past import START, measured

MINUTE, QUARTER, HOUR = timedelta(minutes=1), timedelta(minutes=15), timedelta(hours=1)

gaps_s = st.lists(st.integers(1, 200), min_size=1, max_size=60)
loads = st.lists(st.integers(0, 5000), min_size=61, max_size=61)


@settings(deadline=None)
@given(gaps=gaps_s, loads=loads, step_s=st.sampled_from([7, 60, 300, 900, 3600]))
def test_energy_is_preserved_at_any_step(gaps: list[int], loads: list[int], step_s: int) -> None:
    """The energy of all intervals is that of the readings, each held until the next or 90 s."""
    instants = np.concatenate([[0.0], np.cumsum(gaps)]).astype(np.float64)
    values = np.array(loads[: len(instants)], dtype=np.float64)
    held = np.minimum(np.append(np.diff(instants), np.inf), 90.0)
    pieces = held_readings(instants, np.tile(values[:, None], 4), np.zeros(len(values)), max_hold_s=90.0)
    edges = np.arange(0.0, instants[-1] + 90 + step_s, step_s)
    covered, energy = interval_sums(pieces, np.append(edges, edges[-1] + step_s))
    assert covered[:, 0].sum() == pytest.approx(held.sum())
    assert energy[:, 0].sum() == pytest.approx((held * values).sum())
    assert (covered <= step_s + 1e-6).all()


@settings(max_examples=25, deadline=None)
@given(gaps=gaps_s, loads=loads, split=st.integers(0, 60), order=st.randoms(use_true_random=False))
def test_kept_means_equal_those_of_the_readings(gaps: list[int], loads: list[int], split: int, order) -> None:
    """However rows come in (batches, out of order), the kept five-minute means are those of the readings."""
    rows = [
        measured(float(second), load=float(load), sun=float(load) / 3)
        for second, load in zip(np.cumsum(gaps), loads, strict=False)
    ]
    told = list(rows)
    order.shuffle(told)
    with tempfile.TemporaryDirectory() as folder:
        one = HistoryStore(Path(folder) / "one.sqlite3", clock=SimulatedClock(START))
        other = HistoryStore(Path(folder) / "other.sqlite3", clock=SimulatedClock(START))
        with one, other:
            for number, row in enumerate(told):
                one.add_measurement(row)
                if number == split:
                    one.flush()
            for row in rows:
                other.add_measurement(row)
            end = START + 4 * HOUR
            one.flush()
            expected = as_frame(other.means(START, end, QUARTER))
            pd.testing.assert_frame_equal(as_frame(one.means(START, end, QUARTER)), expected, atol=1e-5)
            by_minute = one.means(START, end, MINUTE)
            assert len(by_minute) == 240


@pytest.mark.parametrize(("last_s", "known"), [(350, False), (360, True)])
def test_less_than_half_measured_is_a_gap(tmp_path: Path, last_s: int, known: bool) -> None:
    """The last reading holds for 90 s: up to second 440 of 900 is too little, up to 450 is enough."""
    with HistoryStore(tmp_path / "history.sqlite3", clock=SimulatedClock(START)) as store:
        for second in range(0, last_s + 1, 10):
            store.add_measurement(measured(second, load=900.0, soc=0.4))
        frame = as_frame(store.means(START, START + 2 * QUARTER, QUARTER))
    assert frame.notna().all(axis=1).tolist() == [known, False]
    assert frame.isna().all(axis=1).tolist() == [not known, True]
    assert set(frame["consumption_w"].dropna()) <= {900.0}


def test_state_of_charge_is_that_of_the_end(tmp_path: Path) -> None:
    """Powers are means over the interval, the state of charge is the last one in it."""
    with HistoryStore(tmp_path / "history.sqlite3", clock=SimulatedClock(START)) as store:
        for second in range(0, 1800, 10):
            store.add_measurement(measured(second, soc=round(second / 1800, 4)))
        for _ in range(2):
            means = store.means(START, START + 2 * QUARTER, QUARTER)
            assert means.soc.tolist() == [round(890 / 1800, 4), round(1790 / 1800, 4)]
            store.flush()


def test_means_are_complete_and_regular_also_as_a_frame(tmp_path: Path) -> None:
    """The port's promise: whole intervals only; as a frame with an aware index and all columns."""
    with HistoryStore(tmp_path / "history.sqlite3", clock=SimulatedClock(START)) as store:
        local = START.astimezone(ZoneInfo("Europe/Berlin"))
        means = store.means(local, local + timedelta(minutes=50), QUARTER)
        assert means.step == QUARTER
        assert means.starts_s.tolist() == [(START + number * QUARTER).timestamp() for number in range(3)]
        frame = as_frame(means)
        assert list(frame.columns) == ["consumption_w", "production_w", "battery_power_w", "grid_power_w", "soc"]
        assert frame.index.name == "timestamp"
        assert str(frame.index.tz) == "UTC"
        assert list(frame.index) == [pd.Timestamp(START) + number * QUARTER for number in range(3)]
        assert frame.isna().all(axis=None)
        nothing = store.means(START, START, QUARTER)
        assert len(nothing) == 0
        assert as_frame(nothing).empty


@pytest.mark.parametrize(("day", "quarters"), [(date(2026, 3, 29), 92), (date(2026, 10, 25), 100)])
def test_days_of_a_clock_change_have_all_their_quarter_hours(tmp_path: Path, day: date, quarters: int) -> None:
    """A local day of 23 or 25 hours is measured without a hole and without a double."""
    zone = ZoneInfo("Europe/Berlin")
    start = datetime.combine(day, time(), zone).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
    offset = (start - START).total_seconds()
    with HistoryStore(tmp_path / "history.sqlite3", clock=SimulatedClock(start)) as store:
        for second in range(0, int((end - start).total_seconds()), 60):
            store.add_measurement(measured(offset + second, load=float(second // 900)))
        means = store.means(start, end, QUARTER)
    assert means.consumption_w.tolist() == [float(number) for number in range(quarters)]


def test_nothing_after_the_end_is_looked_at(tmp_path: Path) -> None:
    """What is told later about later changes no mean of the past."""
    with HistoryStore(tmp_path / "history.sqlite3", clock=SimulatedClock(START)) as store:
        for second in range(0, 1795, 10):
            store.add_measurement(measured(second))
        before = as_frame(store.means(START, START + 2 * QUARTER, QUARTER))
        for second in range(1800, 5400, 10):
            store.add_measurement(measured(second, load=9999.0))
        pd.testing.assert_frame_equal(as_frame(store.means(START, START + 2 * QUARTER, QUARTER)), before)


def frame_of(values: list[float], step: timedelta, start: datetime = START) -> pd.DataFrame:
    index = pd.date_range(pd.Timestamp(start), periods=len(values), freq=step, name="timestamp")
    return pd.DataFrame({"consumption_w": values, "production_w": [0.0] * len(values)}, index=index)


def test_recordings_fill_what_was_not_measured(tmp_path: Path) -> None:
    """An imported hour counts where the home's own readings leave it open, and only there."""
    with HistoryStore(tmp_path / "history.sqlite3", clock=SimulatedClock(START)) as store:
        assert store.add_recording(as_means(frame_of([100.0, 100.0, np.nan], HOUR), HOUR)) == 3
        for second in range(0, 900, 10):
            store.add_measurement(measured(second, load=700.0))
        load = store.means(START, START + 3 * HOUR, QUARTER).consumption_w
    held_on = (80 * 700.0 + 820 * 100.0) / 900
    assert load.tolist()[:8] == pytest.approx([700.0, held_on, *[100.0] * 6])
    assert np.isnan(load).tolist()[8:] == [True] * 4


def test_a_later_recording_replaces_an_earlier_one(tmp_path: Path) -> None:
    """Importing again, at another step, leaves each instant told once."""
    with HistoryStore(tmp_path / "history.sqlite3", clock=SimulatedClock(START)) as store:
        store.add_recording(as_means(frame_of([100.0] * 4, HOUR), HOUR))
        store.add_recording(as_means(frame_of([500.0] * 2, HOUR / 2, START + timedelta(minutes=90)), HOUR / 2))
        means = store.means(START, START + 4 * HOUR, HOUR / 2)
        assert means.consumption_w.tolist() == [100.0, 100.0, 100.0, 500.0, 500.0, 100.0, 100.0, 100.0]
        assert store.summary().recorded_hours == pytest.approx(4.0)


@settings(max_examples=40, deadline=None)
@given(values=st.lists(st.floats(0, 5000), min_size=4, max_size=40), quarters=st.sampled_from([1, 2, 4]))
def test_a_recording_read_as_history_keeps_its_energy(values: list[float], quarters: int) -> None:
    """Finer or coarser steps of a recording carry the same energy."""
    whole = values[: len(values) // 4 * 4]
    history = FrameHistory(frame_of(whole, QUARTER), QUARTER)
    means = history.means(START, START + len(whole) * QUARTER, quarters * QUARTER)
    assert means.consumption_w.sum() * quarters == pytest.approx(sum(whole), abs=1e-3)
    minutes = history.means(START, START + len(whole) * QUARTER, MINUTE)
    assert minutes.consumption_w.sum() / 15 == pytest.approx(sum(whole), abs=1e-2)
