"""The one writer: everything that is ever sent to the battery goes through here.

The device keeps a forced power for ever, so each one is held on a lease: a verified read-back renews it, and without
one the battery is handed back, again and again until that succeeds.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace

from optimizer.control.awaited_release import AwaitedRelease
from optimizer.control.lease_keeper import LeaseKeeper, NoLease
from optimizer.control.left_behind import LeftBehind
from optimizer.control.newness import Newness
from optimizer.control.options import ControlOptions
from optimizer.control.read_back import Finding, FollowCheck, ReadBack, echoes, read_back, shown_w
from optimizer.control.recurrence import Recurrence
from optimizer.control.stand_down import HoldOff, StandDown
from optimizer.control.steadiness import ModeChanges
from optimizer.devices.port import BatteryDevice
from optimizer.domain.battery import Battery
from optimizer.domain.decision import Outcome
from optimizer.domain.measurement import MAY_BE_MANUAL, Measurement, OperatingMode
from optimizer.domain.setpoint import Automatic, Power, Setpoint
from optimizer.errors import DeviceError, ExternalControl

logger = logging.getLogger(__name__)

FOLLOW_TRIES = 2
"""A command that is not followed so often in a row is given up."""
LOSS_TRIES = 5
"""A command that is gone again, or a mode that was left and is back, is sent anew so often within an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actuation:
    """What became of a command."""

    outcome: Outcome
    setpoint: Setpoint | None = None
    """What stands by our command."""
    note: str = ""
    """What a person should know beyond the reason of the wish."""
    error: str | None = None


class Actuator:
    """Brings the battery to setpoints and notices what becomes of them.

    Parameters
    ----------
    device
        The battery.
    battery
        What it can do.
    options
        Intervals, lease and tolerances.
    keeper
        Where commands are put on record before they are sent; by default nowhere.
    """

    def __init__(
        self, device: BatteryDevice, battery: Battery, options: ControlOptions, keeper: LeaseKeeper | None = None
    ) -> None:
        self._device, self._options = device, options
        self._keeper = keeper or NoLease()
        self._follow = FollowCheck(battery, options)
        self._modes = ModeChanges(options)
        self._standing: Setpoint | None = None
        self._released_to: OperatingMode | None = None
        self._sent_s = 0.0
        self._changed_s = 0.0
        self._verified_s = 0.0
        self._newness = Newness(options.max_age_s)
        self._confirmed = self._proven = False
        self._resend = False
        self._refused = False
        self._refused_from: Power | None = None
        self._losses, self._returns = Recurrence(), Recurrence()
        self._left_behind = LeftBehind(battery, can_set_mode=device.capabilities.can_set_mode)
        self._seen_mode = OperatingMode.UNKNOWN
        self._seen: Measurement | None = None
        self._began_in = OperatingMode.UNKNOWN
        self._outage, self._seen_s = False, -math.inf
        self._release_fails = False
        self._awaited, self._handed_over = AwaitedRelease(battery), AwaitedRelease(battery)
        self._hold_off = HoldOff(options.hold_off_s)

    @property
    def standing(self) -> Setpoint | None:
        """What stands at the battery by our command; None: nothing of ours."""
        return self._standing

    @property
    def lease_end_s(self) -> float | None:
        """When the lease of the standing command ends, by the clock for ages; None: no command stands [s]."""
        return self._verified_s + self._options.lease_s if isinstance(self._standing, Power) else None

    @property
    def leaves_a_choice(self) -> bool:
        """Whether the battery is in a mode that somebody chose, and left there."""
        return self._hold_off.lasts and not self._may_be_taken(self._seen_mode)

    def stand_down(self, elapsed_s: float) -> StandDown | None:
        """Return why and for how long nothing is commanded; None: the battery is not left to anybody else."""
        return self._hold_off.told(elapsed_s)

    def resume(self) -> bool:
        """End a stand-down by the owner's word, whatever mode was found; return whether there was one.

        As a service that starts anew would: what stands at the battery from now on is taken for nobody's.
        """
        if not self._hold_off.end():
            return False
        self._released_to = None
        return True

    def leave_to_others(self, why: str, measurement: Measurement, elapsed_s: float, *, left_over: bool) -> Actuation:
        """Stand down to what a status shows, as if it had been noticed; ``left_over``: ours may be stored beneath."""
        self._seen_mode, self._seen = measurement.mode, measurement
        self._newness.sent(elapsed_s)
        if left_over:
            self._left_behind.add(Power(0.0))
        return self._stand_down(why, elapsed_s)

    def may_change_mode(self, elapsed_s: float) -> bool:
        """Return whether the mode may be changed now, by the caps on its changes."""
        return self._modes.may_change(self._standing, elapsed_s)

    # -- what comes in ------------------------------------------------------------------------------------------

    def notice(self, measurement: Measurement, elapsed_s: float) -> Actuation | None:
        """Read back what stands; return what had to be done about it, or None where all is as sent.

        A measurement that comes here must be valid: it renews the lease.
        """
        self._seen_mode, self._seen = measurement.mode, measurement
        away_s, self._seen_s = elapsed_s - self._seen_s, elapsed_s
        self._newness.saw(measurement)
        if self._awaited.pending and (again := self._read_back_release(measurement, elapsed_s)) is not None:
            return again
        if (stand_down := self._hold_off.told(elapsed_s)) is not None:
            return self._while_standing_down(stand_down, measurement, elapsed_s)
        self._resend = self._resend or self._outage
        restarted, self._outage = self._outage and away_s >= self._options.max_age_s, False
        match self._standing:
            case Power() as power:
                return self._notice_forced(power, measurement, elapsed_s, after_outage=restarted)
            case Automatic():
                return self._notice_automatic(measurement, elapsed_s, after_outage=restarted)
            case None:
                return self._notice_untouched(measurement, elapsed_s)

    def _notice_forced(
        self, power: Power, measurement: Measurement, elapsed_s: float, *, after_outage: bool
    ) -> Actuation | None:
        echo_w = measurement.reported_setpoint_w
        if echo_w is not None and echoes(echo_w, power.battery_power_w):
            self._refused, self._refused_from = False, None  # it took effect, whatever became of the answer
        if self._was_not_taken(measurement):
            return self._notice_refused(power, elapsed_s)
        found = self._read_back(power, measurement, elapsed_s, after_outage=after_outage)
        if found.finding is Finding.FOREIGN:
            return self._notice_foreign(power, found.message, measurement, elapsed_s)
        if found.finding is Finding.LOST:
            return self._notice_lost(found.message, elapsed_s)
        if self._follow.misses(measurement, elapsed_s) >= FOLLOW_TRIES:
            flows = Power(round(measurement.battery_power_w))
            why = "; ".join(("the battery does not follow", *measurement.reasons))
            return self._give_up(f"{why}: told to {power}, it does {flows}", elapsed_s)
        if measurement.mode in MAY_BE_MANUAL:
            self._vouch(power, elapsed_s)
        if measurement.mode is OperatingMode.MANUAL:
            self._confirmed, self._began_in = True, OperatingMode.MANUAL
        return None

    def _read_back(self, power: Power, measurement: Measurement, elapsed_s: float, *, after_outage: bool) -> ReadBack:
        if not self._confirmed and self._is_chosen(measurement.mode):
            # At once: with wishes that change at every step a command never settles.
            return ReadBack(finding=Finding.FOREIGN, message=_somebody_elses(measurement.mode))
        if self._release_fails and measurement.mode not in MAY_BE_MANUAL and self._may_be_taken(measurement.mode):
            return ReadBack(finding=Finding.LOST, message="a hand-back worked, and its answer was lost")
        echo_w = measurement.reported_setpoint_w
        if echo_w is not None and self._follow.was_replaced_lately(echo_w, elapsed_s):
            measurement = replace(measurement, reported_setpoint_w=None)  # it lags, and says nothing of the new one yet
        settled = self._confirmed or elapsed_s - self._changed_s >= self._options.settle_s
        return read_back(power, measurement, after_outage=after_outage, settled=settled)

    def _notice_foreign(self, power: Power, message: str, measurement: Measurement, elapsed_s: float) -> Actuation:
        if measurement.mode in MAY_BE_MANUAL:
            going_on = self._follow.goes_on_with(measurement)
            if going_on and measurement.reported_setpoint_w is not None:
                return self._give_up(f"{power} was sent, and the battery still keeps to {going_on[0]}", elapsed_s)
            # It may be a power plant: when that leaves, ours acts again.
            self._left_behind.add(power, *going_on)
        elif not self._confirmed and measurement.mode is self._began_in:
            # Nobody chose that: the status may be old, and what was sent stand all the same.
            return self._give_up(f"{power} was sent, and the battery's mode is still {measurement.mode}", elapsed_s)
        else:
            # It stays stored under the mode that somebody chose, and acts again when the battery is put back in manual.
            self._left_behind.add(power)
        return self._stand_down(message, elapsed_s)

    def _was_not_taken(self, measurement: Measurement) -> bool:
        """Whether the last write failed, and nothing shows that it took effect all the same.

        An echo of what had been sent before it is no foreign hand. Where there is no echo nothing is verified until a
        write is taken: what flows may be the power before, for ever.
        """
        before, echo_w = self._refused_from, measurement.reported_setpoint_w
        if echo_w is None:
            return self._refused and measurement.mode in MAY_BE_MANUAL
        if before is None or measurement.mode not in MAY_BE_MANUAL:
            return False
        return echoes(echo_w, before.battery_power_w)

    def _notice_refused(self, power: Power, elapsed_s: float) -> Actuation | None:
        """Hand back at the end of the lease; leave alone a battery that lets manual mode be entered and no more."""
        if elapsed_s - self._verified_s < self._options.lease_s:
            return None
        if self._refused_from is None and self._device.capabilities.can_set_mode:
            return self._give_up(f"{power} cannot be sent", elapsed_s)
        return self.release("what replaces the command before cannot be sent", elapsed_s)

    def _notice_lost(self, message: str, elapsed_s: float) -> Actuation | None:
        """Send a command that is gone again, but not for ever: what is forgotten each time is not obeyed."""
        times = self._losses.note(elapsed_s)
        if times > LOSS_TRIES:
            return self._give_up(f"{message}, {times} times within an hour", elapsed_s)
        logger.log(logging.WARNING if times == 1 else logging.DEBUG, "%s: sending it again", message)
        # Nothing of ours is in force: its lease begins anew, or the guard would end what is sent now.
        self._resend, self._verified_s = True, elapsed_s
        return None

    def _notice_automatic(self, measurement: Measurement, elapsed_s: float, *, after_outage: bool) -> Actuation | None:
        if measurement.mode is OperatingMode.UNKNOWN and self._handed_over.pending:
            why = self._handed_over.objection(measurement, can_set_mode=True)
            if why is not None:
                self._hand_over_again(why, elapsed_s)
                return None
        if measurement.mode in (OperatingMode.AUTOMATIC, OperatingMode.UNKNOWN):
            self._confirmed = True
            if self._newness.is_news(elapsed_s):
                self._proven = True
                self._handed_over.shown()
                self._keeper.drop()
            return None
        chosen = self._is_chosen(measurement.mode)
        if not chosen and (not self._proven or (after_outage and self._may_be_taken(measurement.mode))):
            settled = elapsed_s - self._sent_s >= self._options.settle_s
            if settled and not self._resend and (times := self._returns.note(elapsed_s)) > LOSS_TRIES:
                return self._give_up(_holds_on(measurement.mode, times), elapsed_s)
            self._resend = self._resend or settled or after_outage
            return None
        return self._stand_down(_somebody_elses(measurement.mode), elapsed_s)

    def _hand_over_again(self, why: str, elapsed_s: float) -> None:
        """Ask for automatic mode again where no mode is told and what flows is as before, later once a lease."""
        if elapsed_s - self._sent_s >= self._pause_s(self._handed_over):
            self._handed_over.tell(why)
            self._resend = True

    def _pause_s(self, awaited: AwaitedRelease) -> float:
        """Return how long a hand-back is waited for before it is done again [s]."""
        return self._options.lease_s if awaited.times >= LOSS_TRIES else self._options.settle_s

    def _is_chosen(self, mode: OperatingMode) -> bool:
        """Whether a mode is somebody's choice: neither one of ours, nor the one in which our change of it began."""
        return mode is not self._began_in and not self._may_be_taken(mode)

    def _notice_untouched(self, measurement: Measurement, elapsed_s: float) -> Actuation | None:
        if not self._device.capabilities.can_set_mode and measurement.mode not in MAY_BE_MANUAL:
            why = f"the battery is in mode {measurement.mode} and its mode cannot be set from here: put it into manual"
            return Actuation(outcome=Outcome.STOOD_DOWN, note=why)
        if self._released_to is None:
            return None
        if elapsed_s - self._changed_s < self._options.settle_s or measurement.mode is self._released_to:
            self._released_to = measurement.mode
            return None
        changed = not self._may_be_taken(measurement.mode)
        self._released_to = measurement.mode
        return self._stand_down(_somebody_elses(measurement.mode), elapsed_s) if changed else None

    def _read_back_release(self, measurement: Measurement, elapsed_s: float) -> Actuation | None:
        """Believe a hand-back once the battery shows it; until then the command stays on record."""
        why = self._awaited.objection(measurement, can_set_mode=self._device.capabilities.can_set_mode)
        if why is None:
            if self._newness.is_news(elapsed_s):
                self._awaited.shown()
                self._keeper.drop()
            return None
        if elapsed_s - self._changed_s < self._pause_s(self._awaited):
            return None
        self._awaited.tell(why)
        return self.release(why, elapsed_s)

    def _while_standing_down(
        self, stand_down: StandDown, measurement: Measurement, elapsed_s: float
    ) -> Actuation | None:
        foreign = self._device.capabilities.can_set_mode and not self._may_be_taken(measurement.mode)
        if not stand_down.left_s and not foreign:
            self._hold_off.end()
            logger.info("taking the battery up again")
            return None
        self._take_back_what_is_left_behind(measurement, elapsed_s)
        left_min = stand_down.left_s / 60.0
        again = f"for another {left_min:.0f} min" if left_min else f"while its mode is {measurement.mode}"
        return Actuation(outcome=Outcome.STOOD_DOWN, note=f"{stand_down.why}; standing down {again}")

    def _take_back_what_is_left_behind(self, measurement: Measurement, elapsed_s: float) -> None:
        """Try, once a lease, to hand back what was ours; on record until a status shows that it is gone."""
        left = self._left_behind.first
        if left is None:
            return
        if self._left_behind.is_gone(measurement) and self._newness.is_news(elapsed_s):
            self._left_behind.clear()
            self._keeper.drop()
            return
        self._hold(left, elapsed_s)
        may_act = measurement.mode not in MAY_BE_MANUAL or self._left_behind.may_show(measurement)
        if may_act and elapsed_s - self._sent_s >= self._options.lease_s:
            self._forget_at_the_battery(elapsed_s)

    def _forget_at_the_battery(self, elapsed_s: float) -> DeviceError | None:
        """Have the battery forget what was ours, in the mode that somebody chose; return why it could not be told."""
        self._sent_s = elapsed_s
        try:
            if self._seen_mode in MAY_BE_MANUAL:
                self._device.release()
            else:
                self._device.zero()
        except DeviceError as error:
            logger.debug("what we left at the battery cannot be taken back yet: %s", error)
            return error
        self._left_behind.note_accepted()
        return None

    def unreadable(
        self, elapsed_s: float, *, interval_over: bool, doubtful: Measurement | None = None
    ) -> Actuation | None:
        """Tell that no valid measurement can be had; return what was done where the lease has run out.

        Parameters
        ----------
        doubtful
            A status on which no command may rest; None: there is none.
        interval_over
            Whether the interval for which the standing command was given has ended.
        """
        if doubtful is not None:
            self._newness.saw(doubtful)
        if isinstance(self._standing, Automatic) and (self._resend or self._unconfirmed_for_long(elapsed_s)):
            return self._end_unseen("handing back could not be confirmed", doubtful, elapsed_s)
        if self._awaited.pending and elapsed_s - self._changed_s >= self._options.lease_s:
            return self._pursue(doubtful, elapsed_s)
        if not isinstance(self._standing, Power):
            return None
        if elapsed_s - self._verified_s < self._options.lease_s and not interval_over:
            return None
        why = "its interval is over" if interval_over else "its lease has run out"
        return self._end_unseen(f"the command {self._standing} cannot be verified and {why}", doubtful, elapsed_s)

    def _end_unseen(self, why: str, doubtful: Measurement | None, elapsed_s: float) -> Actuation:
        """Hand back what cannot be verified; a mode that somebody may have chosen is left alone, in doubt as well."""
        if doubtful is None or not self._is_chosen(doubtful.mode):
            return self.release(why, elapsed_s)
        self._seen_mode = doubtful.mode
        self._left_behind.add(self._standing if isinstance(self._standing, Power) else Power(0.0))
        return self._stand_down(_somebody_elses(doubtful.mode), elapsed_s)

    def _pursue(self, doubtful: Measurement | None, elapsed_s: float) -> Actuation | None:
        """Hand back again what was accepted and never seen, once a lease; told once, with the first hand-back."""
        if not self._keeper.stands():
            self._awaited.cancel()  # the guard has seen it done
            return None
        if doubtful is not None and self._is_chosen(doubtful.mode):
            return self._end_unseen("", doubtful, elapsed_s)
        if doubtful is not None and doubtful.mode is OperatingMode.AUTOMATIC and self._newness.is_news(elapsed_s):
            self._awaited.shown()  # in doubt for another reason than age
            self._keeper.drop()
            return None
        self._changed_s = elapsed_s
        try:
            self._device.release()
        except DeviceError as error:
            logger.debug("what was handed back and never seen cannot be handed back again: %s", error)
        return None

    def _unconfirmed_for_long(self, elapsed_s: float) -> bool:
        """Whether automatic mode was asked for, and not seen, or on data that may be older than the asking."""
        since_s = elapsed_s - self._changed_s
        settled = not self._confirmed and since_s >= self._options.settle_s
        return settled or (not self._proven and since_s >= self._options.lease_s)

    def _may_be_taken(self, mode: OperatingMode) -> bool:
        return self._device.capabilities.may_be_taken(mode)

    def note_outage(self) -> None:
        """Tell that the battery could not be read: after a while it may have restarted, which takes minutes."""
        self._outage = True

    # -- what goes out ------------------------------------------------------------------------------------------

    def actuate(self, wanted: Setpoint, elapsed_s: float) -> Actuation:
        """Bring the battery to a setpoint, if anything has to be sent for it."""
        if not self._is_due(wanted, elapsed_s):
            return Actuation(outcome=Outcome.KEPT, setpoint=self._standing)
        before = self._standing
        self._remember(wanted, elapsed_s)
        # Counted before it is known to have worked: an answer can be lost after the effect.
        self._modes.note(before, wanted, elapsed_s)
        if isinstance(wanted, Power):
            self._newness.sent(elapsed_s)
        try:
            self._device.apply(wanted, not_after_s=elapsed_s + self._options.max_age_s)
        except ExternalControl as error:
            # Manual mode may have been entered, and what stood before may come back when the other leaves.
            self._left_behind.add(*(one for one in (before, wanted) if isinstance(one, Power)), Power(0.0))
            return self._stand_down(str(error), elapsed_s)
        except DeviceError as error:
            # It may have taken effect all the same: the lease runs, and it is sent again.
            if not self._refused and isinstance(before, Power) and isinstance(wanted, Power):
                self._refused_from = before
            self._resend, self._refused = True, isinstance(wanted, Power)
            if isinstance(wanted, Power):
                self._follow.note(wanted.battery_power_w, elapsed_s)
            return Actuation(outcome=Outcome.FAILED, setpoint=self._standing, error=str(error))
        self._resend, self._refused, self._refused_from = False, False, None
        self._release_fails = False
        for power in self._left_behind.powers:
            self._follow.suspect(power.battery_power_w)  # accepted is not obeyed: it may go on with what was left
        self._left_behind.clear()
        if isinstance(wanted, Power):
            self._follow.note(wanted.battery_power_w, elapsed_s)
        return Actuation(outcome=Outcome.APPLIED, setpoint=wanted)

    def release(self, why: str, elapsed_s: float) -> Actuation:
        """Hand the battery back; where that fails the command counts as standing, and the next step tries again.

        While standing down, a mode that somebody else chose is left as it is.
        """
        if self._hold_off.lasts and not self._may_be_taken(self._seen_mode):
            return self._leave_to_others(f"{why}; its mode {self._seen_mode} is not ours to change", elapsed_s)
        if not self._newness.began:
            # What an earlier run sent, it may have sent just now: a status from before says nothing of it.
            self._newness.sent(elapsed_s)
        try:
            self._device.release()
        except DeviceError as error:
            # Tried again every step: one line tells it, the rest would flood the journal.
            logger.log(logging.DEBUG if self._release_fails else logging.WARNING, "could not hand back: %s", error)
            self._release_fails = True
            return Actuation(outcome=Outcome.FAILED, setpoint=self._standing, note=why, error=str(error))
        self._release_fails = False
        self._left_behind.clear()
        before = self._follow.goes_on_with(self._seen) if self._seen is not None else ()
        self._awaited.begin(self._standing, *before)
        self._forget(elapsed_s)
        return Actuation(outcome=Outcome.HANDED_BACK, note=why)

    def _leave_to_others(self, why: str, elapsed_s: float) -> Actuation:
        """Leave the mode alone, and nothing of ours beneath it."""
        if self._left_behind.first is not None:
            error = self._forget_at_the_battery(elapsed_s)
            if error is not None:
                return Actuation(outcome=Outcome.FAILED, note=why, error=str(error))
            self._left_behind.clear()
            self._keeper.drop()
        return Actuation(outcome=Outcome.HANDED_BACK, note=why)

    def _is_due(self, wanted: Setpoint, elapsed_s: float) -> bool:
        standing, since_s = self._standing, elapsed_s - self._sent_s
        if standing is None or self._resend or isinstance(wanted, Automatic) != isinstance(standing, Automatic):
            return True
        if not isinstance(wanted, Power) or not isinstance(standing, Power):
            return False
        if wanted == standing:
            return since_s >= self._options.reassert_s
        turns = wanted.battery_power_w * standing.battery_power_w <= 0
        return turns or since_s >= self._options.min_send_interval_s

    def _remember(self, wanted: Setpoint, elapsed_s: float) -> None:
        enters = isinstance(wanted, Power) and not isinstance(self._standing, Power)
        if wanted != self._standing:
            self._changed_s = elapsed_s
        if type(wanted) is not type(self._standing):
            self._began_in = self._seen_mode
        if enters or isinstance(wanted, Automatic):
            self._confirmed = self._proven = False
            self._follow.reset()
        self._suspect_what_has_not_ended()
        if isinstance(wanted, Automatic) and isinstance(self._standing, Power):
            going_on = self._follow.goes_on_with(self._seen) if self._seen is not None else ()
            self._handed_over.begin(self._standing, *going_on)
        elif isinstance(wanted, Power):
            self._handed_over.cancel()
        if enters:
            self._vouch(wanted, elapsed_s)
        elif isinstance(wanted, Power):
            # The guard may have cleared the record meanwhile: on record before it is sent, its lease no longer by it.
            self._hold(wanted, self._verified_s)
        self._standing, self._sent_s = wanted, elapsed_s
        self._awaited.cancel()

    def _suspect_what_has_not_ended(self) -> None:
        """Remember across a new command what a hand-back was to end and a status still shows."""
        seen, can_set_mode = self._seen, self._device.capabilities.can_set_mode
        if seen is not None and self._awaited.pending and self._awaited.objection(seen, can_set_mode=can_set_mode):
            self._follow.suspect(shown_w(seen))

    def _vouch(self, power: Setpoint, elapsed_s: float) -> None:
        """Begin the lease of a forced command anew, on record for those who take it back when this process cannot."""
        self._verified_s = elapsed_s
        self._hold(power, elapsed_s)

    def _hold(self, power: Setpoint, elapsed_s: float) -> None:
        lease_s = self._options.lease_s
        self._keeper.hold(str(power), until_s=elapsed_s + lease_s, length_s=lease_s)

    def _forget(self, elapsed_s: float) -> None:
        self._standing, self._confirmed, self._proven, self._resend = None, False, False, False
        self._refused, self._refused_from = False, None
        self._losses.forget()
        self._returns.forget()
        self._released_to, self._changed_s = OperatingMode.UNKNOWN, elapsed_s
        self._follow.reset()
        self._follow.forgive()

    def _stand_down(self, why: str, elapsed_s: float) -> Actuation:
        """Write nothing more until the hold-off has passed: somebody else has the battery."""
        logger.warning("%s: standing down", why)
        self._forget(elapsed_s)
        self._awaited.cancel()
        if (left := self._left_behind.first) is not None:
            self._hold(left, elapsed_s)
            if not self._may_be_taken(self._seen_mode):
                self._forget_at_the_battery(elapsed_s)
        else:
            self._keeper.drop()  # what stands now is theirs
        self._hold_off.begin(why, elapsed_s)
        return Actuation(outcome=Outcome.STOOD_DOWN, note=why)

    def _give_up(self, why: str, elapsed_s: float) -> Actuation:
        """Hand back a battery that does not follow, and leave it alone for the hold-off."""
        done = self.release(why, elapsed_s)
        if done.outcome is Outcome.HANDED_BACK:
            logger.warning("%s: handed back", why)
            self._hold_off.begin(why, elapsed_s)
        return done


def _somebody_elses(mode: OperatingMode) -> str:
    return f"somebody else changed the battery's mode to {mode}"


def _holds_on(mode: OperatingMode, times: int) -> str:
    return f"{times} times within an hour the battery was to be in automatic mode, and it is in mode {mode}"
