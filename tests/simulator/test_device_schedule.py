"""The unit's own schedule: what mode 10 does with it, over V2, and what is no schedule."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest

from optimizer.clock import SimulatedClock
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.simulated.schedule import DeviceSchedule, parse_schedule
from support.simulator import Answer, RunningSimulator, make_house, running_simulator

# The simulated day begins at 12:00 local time.
LOW_TARIFF = '[{"start":"13:00","stop":"14:00","threshold_p_max":2000}]'
REST = '[{"start":"13:00","stop":"14:00","threshold_p_max":0}]'


def configure(simulator: RunningSimulator, **values: str) -> Answer:
    body = "&".join(f"{name}={quote(value)}" for name, value in values.items())
    return simulator.request("PUT", "/api/v2/configurations", face="v2", body=body)


def pac_w_at(simulator: RunningSimulator, minutes: float) -> int:
    """Return Pac when so many minutes have passed since 12:00."""
    passed_s = simulator.clock.elapsed()
    simulator.clock.advance(60 * minutes - passed_s)
    return int(simulator.status()["Pac_total_W"])


def test_window_charges_with_what_the_grid_limit_leaves() -> None:
    """Before and after the window the house is covered; within it 2000 W from the grid, less the house, are stored."""
    with running_simulator(load_w=500.0) as simulator:
        assert configure(simulator, EM_ToU_Schedule=LOW_TARIFF, EM_OperatingMode="10").status == 200
        powers = [pac_w_at(simulator, minutes) for minutes in (59, 61, 119, 121)]
        assert powers == pytest.approx([470, -1500, -1500, 470], abs=5)


def test_sun_adds_to_the_grid_limit() -> None:
    """Surplus is stored on top of what may be drawn from the grid."""
    with running_simulator(load_w=500.0, production_w=1200.0) as simulator:
        configure(simulator, EM_ToU_Schedule=LOW_TARIFF, EM_OperatingMode="10")
        assert pac_w_at(simulator, 90) == pytest.approx(-2700, abs=5)
        assert simulator.status()["GridFeedIn_W"] == pytest.approx(-2000, abs=26)


def test_limit_of_zero_rests() -> None:
    """With nothing allowed from the grid the battery neither charges nor discharges, as owners use it."""
    with running_simulator(load_w=500.0) as simulator:
        configure(simulator, EM_ToU_Schedule=REST, EM_OperatingMode="10")
        assert pac_w_at(simulator, 90) == -5


def test_schedule_is_without_effect_in_other_modes() -> None:
    """It can be set in any mode and acts in mode 10 only."""
    with running_simulator(mode=DeviceMode.AUTOMATIC, load_w=500.0) as simulator:
        configure(simulator, EM_ToU_Schedule=LOW_TARIFF)
        assert pac_w_at(simulator, 90) == pytest.approx(470, abs=5)
        configure(simulator, EM_OperatingMode="10")
        assert pac_w_at(simulator, 91) == pytest.approx(-1500, abs=5)


def test_window_that_has_begun_is_ignored_that_day() -> None:
    """Set while mode 10 is on, an entry whose start has passed waits for the next day."""
    with running_simulator(mode=DeviceMode.TIME_OF_USE, load_w=500.0, battery_care_after_days=None) as simulator:
        simulator.clock.advance(90 * 60)
        configure(simulator, EM_ToU_Schedule=LOW_TARIFF)
        assert pac_w_at(simulator, 91) == pytest.approx(470, abs=5)
        assert pac_w_at(simulator, 24 * 60 + 90) == pytest.approx(-1500, abs=5)


def test_windows_repeat_daily_and_outlive_a_restart() -> None:
    """The schedule is kept in the unit: it acts the next day, a restart in between."""
    with running_simulator(load_w=500.0, initial_soc=0.2) as simulator:
        configure(simulator, EM_ToU_Schedule=LOW_TARIFF, EM_OperatingMode="10")
        simulator.house.restart(refusing_s=10, bad_gateway_s=10)
        assert pac_w_at(simulator, 90) == pytest.approx(-1500, abs=5)
        assert pac_w_at(simulator, 24 * 60 + 90) == pytest.approx(-1500, abs=5)


def test_setpoints_are_acknowledged_and_ignored() -> None:
    """In mode 10 both interfaces take a setpoint and the schedule goes on; back in manual it acts."""
    with running_simulator(load_w=500.0) as simulator:
        configure(simulator, EM_ToU_Schedule=REST, EM_OperatingMode="10")
        assert pac_w_at(simulator, 90) == -5
        assert simulator.put("/api/v1/setpoint/charge/3000").json == {"ReturnCode": "0"}
        assert simulator.request("POST", "/api/v2/setpoint/charge/3000", face="v2").json is True
        assert pac_w_at(simulator, 91) == -5
        configure(simulator, EM_OperatingMode="1")
        assert pac_w_at(simulator, 92) == pytest.approx(-3000, abs=5)


def test_unit_s_clock_counts() -> None:
    """A unit whose clock is an hour ahead begins and ends an hour early."""
    with running_simulator(load_w=500.0) as simulator:
        simulator.house.set_clock_skew(3600)
        configure(simulator, EM_ToU_Schedule=LOW_TARIFF, EM_OperatingMode="10")
        assert [pac_w_at(simulator, minutes) for minutes in (1, 61)] == pytest.approx([-1500, 470], abs=5)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{}", "list"),
        ("[", "Expecting"),
        ('[{"start":"10:00","stop":"11:00"}]', "threshold_p_max"),
        ('[{"start":"10:00","stop":"09:00","threshold_p_max":1}]', "same day"),
        ('[{"start":"23:00","stop":"01:00","threshold_p_max":1}]', "same day"),
        ('[{"start":"10:00","stop":"25:00","threshold_p_max":1}]', "HH:MM"),
        ('[{"start":10,"stop":"11:00","threshold_p_max":1}]', "HH:MM"),
        ('[{"start":"10:00","stop":"11:00","threshold_p_max":-1}]', "watts"),
        ('[{"start":"10:00","stop":"11:00","threshold_p_max":true}]', "watts"),
        (
            '[{"start":"10:00","stop":"11:00","threshold_p_max":1},{"start":"10:30","stop":"12:00","threshold_p_max":1}]',
            "overlap",
        ),
    ],
)
def test_what_is_no_schedule_is_refused(text: str, complaint: str) -> None:
    """Entries that lack something, overlap or cross midnight answer 400, and the old schedule stays."""
    with pytest.raises(ValueError, match=complaint):
        parse_schedule(text)
    with running_simulator() as simulator:
        configure(simulator, EM_ToU_Schedule=REST)
        assert configure(simulator, EM_ToU_Schedule=text).status == 400
        told = simulator.request("GET", "/api/v2/configurations/EM_ToU_Schedule", face="v2").json
        assert json.loads(told["EM_ToU_Schedule"]) == json.loads(REST)


def test_neighbours_do_not_overlap_and_empty_clears() -> None:
    """One window may begin where another stops, up to midnight; an empty list is a schedule."""
    entries = [{"start": "20:00", "stop": "22:00", "threshold_p_max": 1}]
    entries += [{"start": "22:00", "stop": "24:00", "threshold_p_max": 2}]
    assert [window.stop_minute for window in parse_schedule(json.dumps(entries))] == [22 * 60, 24 * 60]
    assert parse_schedule("[]") == ()


def test_edges_are_met_on_days_of_23_and_25_hours() -> None:
    """The next edge is an instant of local time, also over a change of clocks and over midnight."""
    schedule = DeviceSchedule(ZoneInfo("Europe/Berlin"))
    schedule.set('[{"start":"04:00","stop":"24:00","threshold_p_max":1}]', 0.0, followed=False)
    for now, edge in (
        (datetime(2016, 3, 27, 0, 0, tzinfo=UTC), datetime(2016, 3, 27, 2, 0, tzinfo=UTC)),
        (datetime(2016, 10, 30, 0, 0, tzinfo=UTC), datetime(2016, 10, 30, 3, 0, tzinfo=UTC)),
        (datetime(2016, 10, 30, 12, 0, tzinfo=UTC), datetime(2016, 10, 30, 23, 0, tzinfo=UTC)),
    ):
        assert schedule.next_edge_s(now.timestamp()) == edge.timestamp()
        assert (schedule.window_at(edge.timestamp()) is None) != (schedule.window_at(edge.timestamp() - 1) is None)


def test_window_begins_to_the_second_however_seldom_one_looks() -> None:
    """A day crossed in one step stores what one seen every minute stores."""
    stored = []
    for interval_s in (60, 7200):
        house = make_house(
            clock=SimulatedClock(datetime(2016, 5, 2, 10, 0, 30, tzinfo=UTC)),
            mode=DeviceMode.TIME_OF_USE,
            time_of_use=LOW_TARIFF,
            initial_soc=0.1,
        )
        clock = house.clock
        assert isinstance(clock, SimulatedClock)
        for _ in range(2 * 3600 // interval_s):
            clock.advance(interval_s)
            house.advance()
        stored.append(house.totals.stored_wh)
    assert stored[0] == pytest.approx(stored[1], abs=1)
