"""The one writer against batteries that ignore, refuse, forget and hide: whatever happens, what may act is on record.

More lives with ``LIVES=FIRST+COUNT pytest -m soak tests/control``.
"""

from __future__ import annotations

import math
import os
from random import Random

import pytest

from optimizer.control.actuation.actuator import Actuator
from optimizer.control.options import ControlOptions
from optimizer.domain.measurement import Measurement, OperatingMode
from optimizer.domain.setpoint import Automatic, Power, Setpoint
from support.situations import BATTERY
from support.told_actuator import Record
from support.wayward_battery import WaywardBattery

LIVES, BLOCK = 400, 100
CHOSEN = (OperatingMode.BACKUP, OperatingMode.TIME_OF_USE)
WHIMS = (
    "ignores_power", "ignores_zero", "ignores_mode", "refuses", "takes_half", "loses_answers", "plant_commands",
    "is_frozen",
)  # fmt: skip
POWERS_W = (2000.0, 2500.0, -1500.0, -3000.0, 900.0)
OPTIONS = ControlOptions(hold_off_s=300.0)
RECOVERS_WITHIN_S = 900.0


class Life:
    """One battery, the writer that commands it, and all that befalls them."""

    def __init__(self, seed: int) -> None:
        self.random = random = Random(seed)
        self.battery = WaywardBattery(
            random,
            can_set_mode=random.random() < 0.7,
            tells_mode=random.random() < 0.7,
            tells_echo=random.random() < 0.5,
            lag_s=random.choice((0.0, 0.0, 5.0, 20.0)),
            limit_w=random.choice((math.inf, math.inf, 1500.0)),
            hand_back_mode=random.choice((OperatingMode.AUTOMATIC, OperatingMode.AUTOMATIC, OperatingMode.BACKUP)),
        )
        self.record = Record()
        self.actuator = Actuator(self.battery, BATTERY, OPTIONS, self.record)
        self.poll_s = random.choice((5.0, 10.0, 20.0))
        self.now_s, self.frozen_since_s = 1000.0, 0.0
        self.told_mode = OperatingMode.UNKNOWN
        self.found_in: OperatingMode | None = None
        """The mode seen first after a start, or the owner's word: whatever it is, the battery may be taken in it."""
        self.wish: Setpoint = Automatic()
        self.past: list[str] = []

    def lead(self) -> None:
        """Live it, and look after each step whether all is well."""
        self.battery.tick(self.now_s)
        for _ in range(self.random.choice((40, 150))):
            self.now_s += self.poll_s
            self._befall()
            self.battery.tick(self.now_s)
            writes = len(self.battery.writes)
            self._step()
            self._look(self.battery.writes[writes:])
        self._recover()

    def _recover(self) -> None:
        """See all come right again once nothing goes wrong any more."""
        self._note("all is well from now on")
        self.battery.heal()
        self.wish = Automatic() if self.battery.can_set_mode else Power(500.0)
        for _ in range(int(RECOVERS_WITHIN_S / self.poll_s)):
            self.now_s += self.poll_s
            self.battery.tick(self.now_s)
            self._see(self.battery.status())
        is_well = self.record.on_record is None if self.battery.can_set_mode else self.battery.stored_w == 500.0
        assert is_well, self._told("it does not recover")
        assert self.actuator.standing == self.wish, self._told("it does not command again")

    def _befall(self) -> None:
        random, battery = self.random, self.battery
        if random.random() < 0.08:
            whim = random.choice(WHIMS)
            setattr(battery, whim, not getattr(battery, whim) and random.random() < 0.7)
            self.frozen_since_s = self.now_s
            self._note(f"{whim}: {getattr(battery, whim)}")
        if random.random() < 0.03 and battery.can_set_mode:
            battery.choose(random.choice((*CHOSEN, OperatingMode.AUTOMATIC)))
            self._note(f"somebody chooses {battery.mode}")
        if random.random() < 0.03:
            battery.set_foreign(random.choice((-700.0, 3500.0)))
            self._note(f"somebody sets {battery.stored_w}")
        if random.random() < 0.01:
            battery.restart(
                random.choice((battery.mode, OperatingMode.AUTOMATIC)) if battery.can_set_mode else battery.mode
            )
            self._note(f"the battery restarts in {battery.mode}")
        if random.random() < 0.1:
            self._guard()
        if random.random() < 0.15:
            self.wish = random.choice((Automatic(), Power(random.choice(POWERS_W)), Power(random.choice(POWERS_W))))

    def _guard(self) -> None:
        """Do as the guard does: hand back what nobody vouches for, and clear the record where that shows."""
        battery, record = self.battery, self.record.on_record
        if record is None or record[1] > self.now_s or battery.refuses or battery.mode in CHOSEN:
            return
        battery.guard()
        if not battery.acts or not battery.stored_w:
            self.record.drop()
        self._note(f"the guard hands back; on record now: {self.record.on_record}")

    def _step(self) -> None:
        """Do as the control step does: a status, none, one in doubt, or the owner's word."""
        actuator, chance = self.actuator, self.random.random()
        if chance < 0.02 and actuator.resume():
            self._note("the owner says that the battery may be taken as it is")
            self.told_mode, self.found_in = OperatingMode.UNKNOWN, None
        if chance > 0.95:
            actuator.note_outage()
            self._note(f"no status: {actuator.unreadable(self.now_s, interval_over=chance > 0.99)}")
            return
        status = self.battery.status()
        if chance > 0.9 or (self.battery.is_frozen and self.now_s - self.frozen_since_s > OPTIONS.max_age_s):
            done = actuator.unreadable(self.now_s, interval_over=chance > 0.94, doubtful=status)
            self._note(f"{status.mode} in doubt: {done}")
            return
        self._see(status)

    def _see(self, status: Measurement) -> None:
        self.told_mode, self.found_in = status.mode, self.found_in or status.mode
        done = self.actuator.notice(status, self.now_s)
        self._note(f"{status.mode}, echo {status.reported_setpoint_w}, flows {status.battery_power_w}: {done}")
        if done is None:
            self._note(f"{self.wish}: {self.actuator.actuate(self.wish, self.now_s).outcome}")

    def _look(self, writes: list[Setpoint | str]) -> None:
        battery, lease_end_s = self.battery, self.actuator.lease_end_s
        may_act = battery.is_ours and battery.stored_w and (battery.acts or not battery.was_told_to_forget)
        assert not may_act or self.record.on_record, self._told("what acts, or may again, is off the record")
        if self.told_mode in CHOSEN and self.told_mode not in (self.found_in, self.battery.hand_back_mode):
            assert all(one == "zero" for one in writes), self._told(f"{writes} over a mode that somebody chose")
        overdue = lease_end_s is not None and self.now_s - lease_end_s > self.poll_s
        assert not overdue or writes, self._told("the lease is over, and nothing was sent")

    def _note(self, what: str) -> None:
        self.past.append(f"{self.now_s:6.0f} s  {what}")

    def _told(self, what: str) -> str:
        one = self.battery
        kind = f"mode set {one.can_set_mode}, told {one.tells_mode}, echo {one.tells_echo}, lag {one.lag_s} s"
        return "\n".join((what, kind, *self.past[-60:], f"keeps {one.stored_w} W in {one.mode}, ours: {one.is_ours}"))


def live(seeds: range) -> None:
    for seed in seeds:
        Life(seed).lead()


@pytest.mark.parametrize("first", range(0, LIVES, BLOCK))
def test_what_may_act_is_on_record_whatever_the_battery_does(first: int) -> None:
    """And over a mode that somebody chose nothing is sent but what forgets ours; and no lease ends unnoticed."""
    live(range(first, first + BLOCK))


@pytest.mark.soak
def test_many_more_lives() -> None:
    """The same, longer."""
    first, count = (int(part) for part in os.environ.get("LIVES", "1000+20000").split("+"))
    live(range(first, first + count))
