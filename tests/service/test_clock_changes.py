"""The two nights in which the local clock is set, run by the whole service: it asks that clock for prices alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from optimizer.control.controller import Controller
from optimizer.control.strategy import Situation
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.domain.measurement import Measurement
from optimizer.domain.time_grid import Interval
from optimizer.release.record import CommandRecord
from support.service_bench import Bench, bench

POLL, QUARTER, HOUR = timedelta(seconds=30), timedelta(minutes=15), timedelta(hours=1)
CHEAP, ORDINARY = 0.05, 0.30
TARIFF = {
    "import": {
        "kind": "time_of_use",
        "price_per_kwh": ORDINARY,
        "rules": [{"name": "from two to three", "from": "02:00", "to": "03:00", "price_per_kwh": CHEAP}],
    },
    "export": {"kind": "fixed", "price_per_kwh": 0.04},
}
CONTROL = {"prefer_automatic": False, "poll_interval": "30s"}


@dataclass
class Night:
    """Three hours around a clock change, from midnight UTC, and what was seen of them."""

    start: datetime
    set_by: timedelta
    hourly_prices: list[float]
    home: Bench
    decided_for: list[Interval]
    """The interval of every decision."""
    vouched: list[bool]
    """Whether the lease held, whenever time had passed over a forced command."""

    @property
    def quarters(self) -> list[Interval]:
        starts = [self.start + number * QUARTER for number in range(12)]
        return [Interval(start=one, end=one + QUARTER) for one in starts]


AUTUMN = pytest.param((datetime(2026, 10, 25, tzinfo=UTC), -HOUR, [CHEAP, CHEAP, ORDINARY]), id="autumn")
SPRING = pytest.param((datetime(2026, 3, 29, tzinfo=UTC), HOUR, [ORDINARY] * 3), id="spring")


@pytest.fixture(scope="module", params=[AUTUMN, SPRING])
def night(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """Return what a service came to in such a night."""
    start, set_by, prices = request.param
    folder, situation_of = tmp_path_factory.mktemp("night"), Controller._situation
    record, decided_for, vouched = CommandRecord(folder / "state", folder / "run"), [], []

    def noted(self: Controller, measurement: Measurement, now: datetime) -> Situation:
        situation = situation_of(self, measurement, now)
        decided_for.append(situation.interval)
        return situation

    with (
        pytest.MonkeyPatch.context() as patch,
        bench(folder, start=start, control=CONTROL, tariff=TARIFF, planning={"horizon": "12h"}) as home,
    ):

        def look(_: datetime) -> None:
            if home.house.mode is DeviceMode.MANUAL:
                vouched.append(record.has_a_lease() and record.unvouched(home.clock.elapsed()) is None)

        patch.setattr(Controller, "_situation", noted)
        home.clock.subscribe(look)
        home.run_for(3 * HOUR)
        yield Night(start, set_by, prices, home, decided_for, vouched)


def test_polls_keep_their_pace(night: Night) -> None:
    """One every 30 s, none left out and none made up for, and none of them fails."""
    assert [one.at for one in night.home.decisions] == [night.start + number * POLL for number in range(360)]
    assert (night.home.daemon.counters.failures, night.home.daemon.counters.errors) == (0, 0)
    assert night.home.daemon.handed_back


def test_every_quarter_of_an_hour_occurs_once(night: Night) -> None:
    """Decisions and plans go through them in order, without a gap and without a second time."""
    assert list(dict.fromkeys(night.decided_for)) == night.quarters
    assert set(Counter(night.decided_for).values()) == {QUARTER // POLL}
    assert all(one.end == other.start for one, other in pairwise(dict.fromkeys(night.decided_for)))
    made = [(plan.made_at, plan.grid.start) for plan in night.home.plans if plan.made_at < night.start + 3 * HOUR]
    assert made == [(one.start, one.start) for one in night.quarters]


def test_prices_follow_the_local_clock(night: Night) -> None:
    """What is cheap from two to three is so for two hours in autumn, and never in spring."""
    hours = [night.home.decisions[begin : begin + 120] for begin in (0, 120, 240)]
    assert [{one.import_price_per_kwh for one in hour} for hour in hours] == [{one} for one in night.hourly_prices]


def test_no_command_outlives_its_lease(night: Night) -> None:
    """Whenever time has passed over a forced command somebody vouches for it."""
    assert len(night.vouched) > 350
    assert all(night.vouched)


def test_the_devices_clock_makes_no_data_old_or_frozen(night: Night) -> None:
    """It tells an hour twice, or leaves one out, and every measurement is believed."""
    told = [one.measurement.device_time for one in night.home.decisions if one.measurement is not None]
    gone_on = Counter(later - earlier for earlier, later in pairwise(told) if earlier is not None and later is not None)
    assert gone_on == {POLL: 358, POLL + night.set_by: 1}
    assert [one.reason for one in night.home.decisions if "no command may rest" in one.reason] == []
