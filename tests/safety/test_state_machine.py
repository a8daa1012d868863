"""Whatever happens in whatever order: no command outlives its lease, leaves its limits, or fights anybody."""

from __future__ import annotations

import logging
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from optimizer.control.strategy import Situation, Wish
from optimizer.control.weighing import self_consumption_wish, wish_by_worth
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.domain.decision import Outcome
from optimizer.domain.time_grid import floor_to_step
from support.hostile_battery import ReadFault, WriteFault
from support.safety_rig import BATTERY, GUARD_WITHIN_S, OPTIONS, Rig
from support.situations import STEP, plan_of, value_of

powers = st.sampled_from([-20_000.0, -4600.0, -1200.0, -30.0, 0.0, 40.0, 900.0, 4600.0, 20_000.0])
lengths = st.sampled_from([5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0])
down = st.sampled_from([None, 0.0, 2.0, 2.0, 60.0, 300.0])
"""After how long systemd, or a person, starts it again [s]; None: not at once."""
steps_of_the_clock = st.sampled_from([-366 * 86_400.0, -3600.0, -30.0, -1.0, 1.0, 45.0, 3600.0, 366 * 86_400.0])


def event(**arguments: Any) -> Callable[[Callable[..., None]], Any]:
    """Make a rule of something that happens, after which life goes on for a while."""

    def decorate(act: Callable[..., None]) -> Any:
        @wraps(act)
        def happen(home: Home, *, then: float, **given: Any) -> None:
            act(home, **given)
            home.live(then)

        return rule(then=st.sampled_from([0.0, 10.0, 20.0, 60.0, 120.0]), **arguments)(happen)

    return decorate


class Home(RuleBasedStateMachine):
    """One home, everything that can happen to it, and what must hold after each of it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="sunshift-home-"))
        self.rig: Rig

    @initialize(
        unit=st.sampled_from([(True, True), (True, False), (False, True), (False, False)]),
        observe=st.sampled_from([False] * 7 + [True]),
        ramp=st.sampled_from([None, None, 100.0]),
        back=st.sampled_from([DeviceMode.AUTOMATIC, DeviceMode.AUTOMATIC, DeviceMode.BACKUP]),
    )
    def move_in(self, unit: tuple[bool, bool], observe: bool, ramp: float | None, back: DeviceMode) -> None:
        mode_control, echo = unit
        self.rig = Rig(
            self.folder,
            mode_control=mode_control,
            echo=echo,
            observe=observe,
            ramp_w_per_s=ramp,
            hand_back_mode=back,
        )
        self.rig.start()
        self.rig.run(30.0)

    # -- time -----------------------------------------------------------------------------------------------------

    @rule(seconds=lengths)
    def time_passes(self, seconds: float) -> None:
        self.live(seconds)

    def live(self, seconds: float) -> None:
        before = len(self.rig.battery.ledger.writes)
        self.rig.run(seconds)
        self.rig.check_fights(before)

    @rule(seconds=st.sampled_from([20.0, 100.0, 600.0]))
    def the_service_hangs(self, seconds: float) -> None:
        self.rig.hang(seconds)

    @rule(seconds=st.sampled_from([60.0, 7200.0]))
    def the_computer_is_suspended(self, seconds: float) -> None:
        self.rig.sleep(seconds)

    @rule(seconds=steps_of_the_clock)
    def the_wall_clock_is_set(self, seconds: float) -> None:
        self.rig.clock.step_wall_clock(seconds)

    # -- plans, prices, wishes ------------------------------------------------------------------------------------

    @event(worth=st.floats(-0.2, 0.8), age_min=st.sampled_from([0, 15, 55, 120]), count=st.sampled_from([1, 8]))
    def a_plan_comes(self, worth: float, age_min: int, count: int) -> None:
        start = floor_to_step(self.rig.clock.now() - timedelta(minutes=age_min), STEP)
        self.rig.board.post(plan_of(value_of(worth), start=start, count=count, battery=BATTERY))
        self.rig.strategy.decide_by = wish_by_worth

    @event()
    def the_plan_is_withdrawn(self) -> None:
        self.rig.board.withdraw("the test says so")

    @event(
        buy=st.sampled_from([None, -0.2, 0.0, 0.3, 9.0]),
        sell=st.sampled_from([None, -0.1, 0.08, 0.5]),
        known_h=st.sampled_from([None, -1, 2]),
    )
    def prices_change(self, buy: float | None, sell: float | None, known_h: int | None) -> None:
        tariff = self.rig.tariff
        tariff.import_per_kwh, tariff.export_per_kwh = buy, sell
        tariff.known_until = None if known_h is None else self.rig.clock.now() + timedelta(hours=known_h)

    @event(power_w=powers)
    def the_strategy_forces(self, power_w: float) -> None:
        self.rig.strategy.decide_by = lambda _: Wish(battery_power_w=power_w, reason="the test says so")

    @event(power_w=powers, mode=st.booleans())
    def the_strategy_changes_its_mind_every_step(self, power_w: float, mode: bool) -> None:
        turns = _turns(power_w) if mode else _swings(power_w)
        self.rig.strategy.decide_by = lambda situation: next(turns) or self_consumption_wish(situation, "turning")

    @event()
    def the_strategy_is_content(self) -> None:
        self.rig.strategy.decide_by = lambda situation: self_consumption_wish(situation, "content")

    @event(nan=st.booleans())
    def the_strategy_breaks(self, nan: bool) -> None:
        def broken(_: Situation) -> Wish:
            return Wish(battery_power_w=math.nan if nan else 1.0 / 0.0, reason="broken")

        self.rig.strategy.decide_by = broken

    # -- the battery ----------------------------------------------------------------------------------------------

    @event(fault=st.sampled_from(list(ReadFault)))
    def reads_fail(self, fault: ReadFault) -> None:
        self.rig.battery.read_fault = fault

    @event(fault=st.sampled_from(list(WriteFault)))
    def writes_fail(self, fault: WriteFault) -> None:
        self.rig.battery.write_fault = fault

    @event()
    def the_battery_is_well_again(self) -> None:
        self.heal()

    @event(refusing_s=st.sampled_from([0.0, 20.0, 120.0]))
    def the_battery_restarts(self, refusing_s: float) -> None:
        self.rig.house.restart(refusing_s=refusing_s, bad_gateway_s=refusing_s)

    @event(deaf=st.booleans())
    def the_battery_does_not_follow(self, deaf: bool) -> None:
        self.rig.house.set_deaf(deaf)

    @event(on=st.booleans())
    def battery_care(self, on: bool) -> None:
        self.rig.house.set_battery_care(on)

    @event(on=st.booleans())
    def the_grid_goes_and_comes(self, on: bool) -> None:
        self.rig.house.set_on_grid(on)

    @event(power_w=st.sampled_from([None, 0.0, 3000.0, -3000.0]))
    def a_power_plant_takes_the_battery(self, power_w: float | None) -> None:
        self.rig.house.set_vpp_power(power_w)

    # -- the owner ------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.rig.mode_control)
    @event(mode=st.sampled_from([DeviceMode.AUTOMATIC, DeviceMode.TIME_OF_USE, DeviceMode.BACKUP, DeviceMode.MANUAL]))
    def the_owner_sets_the_mode(self, mode: DeviceMode) -> None:
        if mode is not self.rig.house.mode:
            self.rig.house.set_mode(mode)
            self.rig.changed_by_owner()

    @event(power_w=st.sampled_from([-3333.0, 1777.0]))
    def the_owner_sets_a_setpoint(self, power_w: float) -> None:
        self.rig.house.command(power_w)
        self.rig.changed_by_owner()

    @event(soc=st.sampled_from([0.0, 0.3, 0.8]))
    def the_owner_sets_the_reserve(self, soc: float) -> None:
        self.rig.house.set_backup_soc(soc)

    @event()
    def the_owner_says_resume(self) -> None:
        self.rig.resume()

    # -- the computer ---------------------------------------------------------------------------------------------

    @event(down_s=down)
    def the_service_is_killed(self, down_s: float | None) -> None:
        self.rig.kill()
        self.start_again_after(down_s)

    @event(down_s=down)
    def the_power_fails(self, down_s: float | None) -> None:
        self.rig.lose_power()
        self.start_again_after(down_s)

    @precondition(lambda self: self.rig.service is None)
    @event()
    def the_service_starts(self) -> None:
        self.rig.start()

    def start_again_after(self, down_s: float | None) -> None:
        if down_s is not None:
            self.rig.run(down_s)
            self.rig.start()

    @event(full=st.booleans())
    def the_disk_is_full(self, full: bool) -> None:
        self.rig.disk.full = full

    @precondition(lambda self: self.rig.service is not None)
    @event(down_s=down)
    def the_service_is_terminated(self, down_s: float | None) -> None:
        rig = self.rig
        handed_back = rig.terminate()
        if handed_back and not rig.observe:
            assert not rig.battery.ours_stands
        if rig.battery.ours_stands and not rig.unrecorded:
            assert rig.record.may_stand(), "it ended with a command standing that is not on record"
        self.start_again_after(down_s)

    # -- what holds always ----------------------------------------------------------------------------------------

    @invariant()
    def nothing_that_must_never_happen_did(self) -> None:
        if hasattr(self, "rig"):
            self.rig.check()
            self.rig.check_rates()
            assert not self.rig.problems

    def heal(self) -> None:
        rig = self.rig
        rig.battery.read_fault, rig.battery.write_fault = ReadFault.NONE, WriteFault.NONE
        rig.house.set_deaf(False)
        rig.house.set_battery_care(False)
        rig.house.set_on_grid(True)
        rig.house.set_vpp_power(None)
        rig.disk.full = False

    def teardown(self) -> None:
        try:
            if hasattr(self, "rig"):
                self.all_is_well_in_the_end()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def all_is_well_in_the_end(self) -> None:
        """Once every fault is over a service that is down leaves nothing standing, and one that runs, runs again."""
        rig = self.rig
        self.heal()
        if rig.service is None:
            rig.run(240.0 + OPTIONS.lease_s + GUARD_WITHIN_S)
            assert rig.unrecorded or not rig.battery.ours_stands
            rig.start()
        rig.run(240.0 + OPTIONS.hold_off_s + 2 * OPTIONS.lease_s)
        assert not rig.problems
        calm = {Outcome.OBSERVED} if rig.observe else {Outcome.APPLIED, Outcome.KEPT, Outcome.STOOD_DOWN}
        assert rig.decisions[-1].outcome in calm, rig.decisions[-1]


def _turns(power_w: float) -> Iterator[Wish | None]:
    while True:
        yield Wish(battery_power_w=power_w, reason="turning")
        yield None
        yield Wish(battery_power_w=-power_w, reason="turning")


def _swings(power_w: float) -> Iterator[Wish]:
    while True:
        for share in (1.0, 0.8, 0.6, 0.4, 0.6, 0.8):
            yield Wish(battery_power_w=share * power_w, reason="swinging")


@contextmanager
def _quiet() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _run(examples: int, steps: int, *, block: int | None = None) -> None:
    from hypothesis.stateful import run_state_machine_as_test  # noqa: PLC0415 - beside its one use

    homes = Home if block is None else seed(block)(type("Home", (Home,), {}))
    with _quiet():
        run_state_machine_as_test(
            homes,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                derandomize=block is None,
                database=None,
                report_multiple_bugs=False,
                phases=[Phase.generate],  # a life is short enough to be read as it is, and slow to shorten
                suppress_health_check=list(HealthCheck),
            ),
        )


def _blocks() -> range:
    first, _, count = os.environ.get("LIVES", "0+40").partition("+")
    return range(int(first), int(first) + int(count or 1))


def test_whatever_happens_the_battery_is_left_in_a_right_state() -> None:
    """A few dozen random lives of a home."""
    _run(20, 25)


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("block", _blocks())
def test_whatever_happens_for_long_the_battery_is_left_in_a_right_state(block: int) -> None:
    """Fifty longer lives of a home a block, the same each time; ``LIVES=FIRST+COUNT`` chooses other blocks."""
    _run(50, 60, block=block)
