"""What of ours may act at the battery: powers that were sent, and not shown to have ended or been replaced.

The battery has no timer: a power acts until another is taken, beneath somebody else's until that leaves, and again when
manual mode is entered. So each is remembered here, and kept on record, until a status shows its end.
"""

from __future__ import annotations

from collections.abc import Iterable

from optimizer.control.actuation.flow import FLOW_TOLERANCE_SHARE, still_follows
from optimizer.control.actuation.read_back import ECHO_TOLERANCE_W, IDLE_W, echoes, is_back, shown_w
from optimizer.domain.battery import Battery
from optimizer.domain.measurement import MAY_BE_MANUAL, Measurement, OperatingMode
from optimizer.domain.setpoint import Power

KEPT = 64
"""So many are remembered, the first and the last: a battery may follow none, a power plant may stay for years."""
IDLE = Power(0.0)


class Unended:
    """Remembers the powers of ours that may act, and judges by a status whether one does.

    Parameters
    ----------
    battery
        What it can do.
    can_set_mode
        Whether a hand-back shows in its mode.
    """

    def __init__(self, battery: Battery, *, can_set_mode: bool) -> None:
        self._battery, self._can_set_mode = battery, can_set_mode
        self._powers: tuple[Power, ...] = ()
        self._any_power = self._told_to_end = False

    def __bool__(self) -> bool:
        return bool(self._powers)

    @property
    def told_to_end(self) -> bool:
        """Whether the battery has accepted to forget all of them: a mode alone may be somebody else's doing."""
        return self._told_to_end

    @property
    def first(self) -> Power:
        """The one that stood first."""
        return self._powers[0] if self._powers else IDLE

    # -- what is sent, and what becomes of it -------------------------------------------------------------------

    def add(self, *powers: Power) -> None:
        """Remember what is sent."""
        kept = self._powers[:1]
        newest_first = dict.fromkeys(reversed((*self._powers[1:], *powers)))
        others = [one for one in newest_first if one not in kept][: KEPT - len(kept)]
        self._powers = (*kept, *reversed(others))
        self._told_to_end = False

    def add_any(self) -> None:
        """Remember what an earlier run may have left: it may be any power."""
        self.add(IDLE)
        self._any_power = True

    def note_flow(self, measurement: Measurement) -> None:
        """Remember what flows when they are first told to end, where it may be one of them.

        It may be on its way, or held by limits of the battery's own. Once only: what flows later is the house's.
        """
        if not self._told_to_end and self._may_be_of_them(measurement):
            self.add(Power(measurement.battery_power_w))

    def note_found(self, measurement: Measurement) -> None:
        """Take for what an earlier run left what a status shows once the battery has accepted to end it."""
        if self._any_power and self._told_to_end and measurement.mode in MAY_BE_MANUAL:
            self.add(Power(shown_w(measurement)))
            self._any_power, self._told_to_end = False, True

    def note_replaced(self, powers: Iterable[Power]) -> None:
        """Note that the battery does what was sent last: what went before has been replaced."""
        self._powers, self._any_power = (), False
        self.add(*powers)

    def note_told_to_end(self) -> None:
        """Note that the battery has accepted to forget all of them; whether it obeys, a status shows."""
        self._told_to_end = True

    def clear(self) -> None:
        """Note that none acts any more."""
        self._powers, self._any_power = (), False

    # -- what a status shows ------------------------------------------------------------------------------------

    def shows(self, measurement: Measurement) -> bool:
        """Return whether the battery's echo is one of them."""
        echo_w = measurement.reported_setpoint_w
        return echo_w is not None and any(echoes(echo_w, one.battery_power_w) for one in self._powers)

    def may_show(self, measurement: Measurement) -> bool:
        """Return whether what a status says in manual mode may be one of them; where it says too little it may."""
        echo_w = measurement.reported_setpoint_w
        return echo_w is None or (self._any_power and not self._told_to_end) or self.shows(measurement)

    def objection(self, measurement: Measurement) -> str | None:
        """Return what shows that a hand-back of them is not obeyed; None where nothing does."""
        if is_back(measurement, can_set_mode=self._can_set_mode):
            return None
        if self._can_set_mode and measurement.mode is OperatingMode.MANUAL:
            return "the battery accepted to be handed back and is still in manual mode"
        if not self._any_power and not self._may_flow(measurement):
            return None  # what flows is not ours: it is not zeroed over somebody else's will again and again
        return f"the battery accepted to be handed back, and still does {Power(round(shown_w(measurement)))}"

    def is_gone(self, measurement: Measurement) -> bool:
        """Return whether a status shows that none of them is there, beneath what somebody else set or chose.

        It has accepted to forget them, and does nothing of ours since. In another mode than manual it would do nothing
        of ours anyway, and keep it for the next time that it is manual.
        """
        if not self._told_to_end:
            return False
        if measurement.mode not in MAY_BE_MANUAL:
            return True
        return is_back(measurement, can_set_mode=self._can_set_mode) or not self._acts(measurement)

    def _acts(self, measurement: Measurement) -> bool:
        in_manual = self._can_set_mode and measurement.mode is OperatingMode.MANUAL
        if in_manual or measurement.reported_setpoint_w is not None:
            return self.may_show(measurement)
        return self._may_flow(measurement)

    def _may_be_of_them(self, measurement: Measurement) -> bool:
        """Return whether anything flows, and no more of it than was sent in the same direction."""
        now_w = measurement.battery_power_w
        tolerance_w = ECHO_TOLERANCE_W + FLOW_TOLERANCE_SHARE * abs(now_w)
        return abs(now_w) > IDLE_W and any(
            one.battery_power_w * now_w > 0.0 and abs(now_w) <= abs(one.battery_power_w) + tolerance_w
            for one in self._powers
        )

    def _may_flow(self, measurement: Measurement) -> bool:
        return any(still_follows(one, measurement, self._battery) for one in self._powers)
