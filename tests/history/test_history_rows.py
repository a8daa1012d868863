"""What goes into the history comes out unchanged."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.clock import SimulatedClock
from optimizer.domain.decision import Decision, Limit, Outcome
from optimizer.domain.measurement import Measurement, OperatingMode
from optimizer.domain.setpoint import Automatic, Power
from optimizer.history.store import HistoryStore
from support.past import START, decided, measured

naive = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1))  # noqa: DTZ001 - the device has no zone
instants = naive.map(lambda instant: instant.replace(tzinfo=UTC))
powers = st.floats(-1e6, 1e6)
maybe_power = st.none() | powers
magnitudes = st.floats(0, 1e6)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)

measurements = st.builds(
    Measurement,
    at=instants,
    elapsed_s=magnitudes,
    consumption_w=magnitudes,
    production_w=magnitudes,
    battery_power_w=powers,
    soc=st.floats(0, 1),
    reported_grid_power_w=maybe_power,
    mode=st.sampled_from(OperatingMode),
    device_time=st.none() | naive,
    on_grid=st.none() | st.booleans(),
    discharge_allowed=st.none() | st.booleans(),
    backup_soc=st.none() | st.floats(0, 1),
    reported_setpoint_w=maybe_power,
    reasons=st.lists(texts, max_size=3).map(tuple),
)
decisions = st.builds(
    Decision,
    at=instants,
    strategy=texts,
    outcome=st.sampled_from(Outcome),
    reason=texts,
    measurement=st.none() | measurements,
    wanted_power_w=maybe_power,
    allowed_power_w=maybe_power,
    setpoint=st.none() | st.just(Automatic()) | st.builds(Power, powers),
    limits=st.lists(st.sampled_from(Limit), max_size=3).map(tuple),
    energy_value_per_kwh=maybe_power,
    import_price_per_kwh=maybe_power,
    export_price_per_kwh=maybe_power,
    planned_power_w=maybe_power,
    plan_made_at=st.none() | instants,
    error=st.none() | texts,
)


@settings(max_examples=40, deadline=None)
@given(row=decisions, other=measurements)
def test_every_field_of_a_decision_and_a_measurement_survives(row: Decision, other: Measurement) -> None:
    """A decision with its measurement, and a measurement alone, read back as they were told."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.sqlite3"
        with HistoryStore(path, clock=SimulatedClock(START)) as store:
            store.add_measurement(other)
            store.add_decision(row)
        with HistoryStore(path, clock=SimulatedClock(START)) as store:
            moment = timedelta(microseconds=1)
            assert store.fault is None
            assert store.decisions(row.at, row.at + moment) == [row]
            assert store.latest_decision() == row
            assert other in store.measurements(other.at, other.at + moment)
            if row.measurement is not None:
                assert row.measurement in store.measurements(row.measurement.at, row.measurement.at + moment)


def test_text_that_no_file_can_hold_keeps_nothing_else_from_it(tmp_path: Path) -> None:
    """A lone surrogate, as in an odd file name in an error, is written in its escaped form."""
    odd = "no such file: \udcff"
    with HistoryStore(tmp_path / "history.sqlite3", clock=SimulatedClock(START)) as store:
        store.add_decision(decided(reason=odd, error=odd, measurement=measured(reasons=(odd,))))
        store.add_measurement(measured(10.0))
        store.flush()
        kept = store.latest_decision()
    assert kept is not None
    assert kept.measurement is not None
    escaped = r"no such file: \udcff"
    assert (kept.reason, kept.error, kept.measurement.reasons) == (escaped, escaped, (escaped,))
