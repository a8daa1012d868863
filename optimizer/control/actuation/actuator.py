"""The one writer: everything that is ever sent to the battery goes through here.

The device keeps a forced power for ever, so each one is held on a lease: a verified read-back renews it, and without
one the battery is handed back, again and again until that succeeds.
"""

from __future__ import annotations

import logging

from optimizer.control.actuation.forced import ForcedCommand
from optimizer.control.actuation.handed_back import HandedBack
from optimizer.control.actuation.handed_over import HandedOver
from optimizer.control.actuation.lease_keeper import LeaseKeeper, NoLease
from optimizer.control.actuation.mode_changes import ModeChanges
from optimizer.control.actuation.read_back import changed_by_somebody
from optimizer.control.actuation.result import Actuation
from optimizer.control.actuation.stand_down import StandDown
from optimizer.control.actuation.standing_aside import StandingAside
from optimizer.control.actuation.state import CommandState
from optimizer.control.actuation.unended import IDLE
from optimizer.control.actuation.verdict import Course, Verdict
from optimizer.control.options import ControlOptions
from optimizer.devices.port import BatteryDevice
from optimizer.domain.battery import Battery
from optimizer.domain.decision import Outcome
from optimizer.domain.measurement import MAY_BE_MANUAL, Measurement, OperatingMode
from optimizer.domain.setpoint import Automatic, Power, Setpoint
from optimizer.errors import DeviceError, ExternalControl

logger = logging.getLogger(__name__)


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
        state = self._state = CommandState.initial(battery, device.capabilities, options, keeper or NoLease())
        self._device = device
        self._modes = ModeChanges(options)
        self._forced = ForcedCommand(state)
        self._handed_over = HandedOver(state)
        self._handed_back = HandedBack(state)
        self._aside = StandingAside(state)

    @property
    def standing(self) -> Setpoint | None:
        """What stands at the battery by our command; None: nothing of ours."""
        return self._state.standing.setpoint

    @property
    def lease_end_s(self) -> float | None:
        """When the lease of the standing command ends, by the clock for ages; None: no command stands [s]."""
        return None if self._state.standing.power is None else self._state.lease.end_s

    @property
    def leaves_a_choice(self) -> bool:
        """Whether the battery is in a mode that somebody chose, and left there."""
        return self._aside.leaves_a_choice

    def stand_down(self, elapsed_s: float) -> StandDown | None:
        """Return why and for how long nothing is commanded; None: the battery is not left to anybody else."""
        return self._aside.told(elapsed_s)

    def resume(self) -> bool:
        """End a stand-down by the owner's word, whatever mode was found; return whether there was one.

        As a service that starts anew would: what stands at the battery from now on is taken for nobody's.
        """
        if not self._aside.end():
            return False
        self._handed_back.take_as_found()
        return True

    def leave_to_others(self, why: str, measurement: Measurement, elapsed_s: float, *, left_over: bool) -> Actuation:
        """Stand down to what a status shows, as if it had been noticed; ``left_over``: ours may be stored beneath."""
        self._state.look.show(measurement)
        self._state.newness.sent(elapsed_s)
        if left_over:
            self._state.unended.add_any()
        return self._stand_down(why, elapsed_s)

    def may_change_mode(self, elapsed_s: float) -> bool:
        """Return whether the mode may be changed now, by the caps on its changes."""
        return self._modes.may_change(self.standing, elapsed_s)

    # -- what comes in ------------------------------------------------------------------------------------------

    def notice(self, measurement: Measurement, elapsed_s: float) -> Actuation | None:
        """Read back what stands; return what had to be done about it, or None where all is as sent.

        A measurement that comes here must be valid: it renews the lease.
        """
        self._state.look.note(measurement, elapsed_s)
        self._state.newness.saw(measurement, elapsed_s)
        self._state.unended.note_found(measurement)
        missed, after_restart = self._state.look.take_outage()
        if self._handed_back.pending:
            verdict = self._handed_back.judge_pending(measurement, elapsed_s)
            if verdict is not None:
                return self._carry_out(verdict, elapsed_s)
        if (stand_down := self._aside.told(elapsed_s)) is not None:
            return self._while_standing_aside(stand_down, measurement, elapsed_s)
        if missed:
            self._state.standing.ask_again()
        verdict = self._judge(measurement, elapsed_s, after_restart=after_restart)
        return None if verdict is None else self._carry_out(verdict, elapsed_s)

    def _judge(self, measurement: Measurement, elapsed_s: float, *, after_restart: bool) -> Verdict | None:
        match self.standing:
            case Power() as power:
                return self._forced.judge(power, measurement, elapsed_s, after_restart=after_restart)
            case Automatic():
                return self._handed_over.judge(measurement, elapsed_s, after_restart=after_restart)
            case None:
                return self._handed_back.judge(measurement)

    def _while_standing_aside(
        self, stand_down: StandDown, measurement: Measurement, elapsed_s: float
    ) -> Actuation | None:
        waits = self._state.capabilities.can_set_mode and not self._state.may_be_taken(measurement.mode)
        if not stand_down.left_s and not waits:
            self._aside.end()
            logger.info("taking the battery up again")
            return None
        # What was handed back is nobody else's: it is ended again at a pace of its own.
        if not self._handed_back.pending and self._aside.look_after_ours(measurement, elapsed_s):
            self._take_back(elapsed_s)
        left_min = stand_down.left_s / 60.0
        again = f"for another {left_min:.0f} min" if left_min else f"while its mode is {measurement.mode}"
        return Actuation(outcome=Outcome.STOOD_DOWN, note=f"{stand_down.why}; standing down {again}")

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
            self._state.look.note_answer(elapsed_s)
            self._state.newness.saw(doubtful, elapsed_s)
        standing = self._state.standing
        if standing.is_automatic and (standing.is_asked_again or standing.is_unconfirmed_for_long(elapsed_s)):
            return self._end_unseen("handing back could not be confirmed", doubtful, elapsed_s)
        if self._handed_back.pending and standing.changed_for_s(elapsed_s) >= self._state.options.lease_s:
            return self._pursue(doubtful, elapsed_s)
        if standing.power is None:
            return None
        if not self._state.lease.has_run_out(elapsed_s) and not interval_over:
            return None
        why = "its interval is over" if interval_over else "its lease has run out"
        return self._end_unseen(f"the command {self.standing} cannot be verified and {why}", doubtful, elapsed_s)

    def note_outage(self) -> None:
        """Tell that the battery could not be read: after a while it may have restarted."""
        self._state.look.note_missed()

    def _end_unseen(self, why: str, doubtful: Measurement | None, elapsed_s: float) -> Actuation:
        """Hand back what cannot be verified; a mode that somebody may have chosen is left alone, in doubt as well."""
        if doubtful is None or not self._state.is_chosen(doubtful.mode):
            return self.release(why, elapsed_s)
        return self._leave_choice(doubtful.mode, elapsed_s)

    def _leave_choice(self, doubtful: OperatingMode, elapsed_s: float) -> Actuation:
        self._state.look.show_mode(doubtful)
        return self._stand_down(changed_by_somebody(doubtful), elapsed_s)

    def _pursue(self, doubtful: Measurement | None, elapsed_s: float) -> Actuation | None:
        """Hand back again, once a lease, what was accepted and cannot be seen; told once, with the first hand-back."""
        if not self._state.lease.is_on_record():
            self._handed_back.cancel()  # the guard has seen it done
            self._state.unended.clear()
            return None
        if doubtful is not None and self._state.is_chosen(doubtful.mode):
            return self._leave_choice(doubtful.mode, elapsed_s)
        if self._handed_back.believe_in_doubt(doubtful):
            return None
        self._state.standing.end_again(elapsed_s)
        try:
            self._device.release()
        except DeviceError as error:
            logger.debug("what was handed back and never seen cannot be handed back again: %s", error)
        return None

    # -- what goes out ------------------------------------------------------------------------------------------

    def actuate(self, wanted: Setpoint, elapsed_s: float) -> Actuation:
        """Bring the battery to a setpoint, if anything has to be sent for it."""
        if not self._state.standing.is_due(wanted, elapsed_s):
            return Actuation(outcome=Outcome.KEPT, setpoint=self.standing)
        before = self.standing
        self._prepare(wanted, elapsed_s)
        try:
            self._device.apply(wanted, not_after_s=elapsed_s + self._state.options.max_age_s)
        except ExternalControl as error:
            self._note_what_flows()  # before the other came
            self._state.unended.add(IDLE)  # manual mode may have been entered, which begins with idle
            return self._stand_down(str(error), elapsed_s)
        except DeviceError as error:
            # It may have taken effect all the same: the lease runs, and it is sent again.
            self._forced.note_refused(before, wanted)
            self._state.standing.ask_again()
            self._state.follow.note(wanted, elapsed_s)
            return Actuation(outcome=Outcome.FAILED, setpoint=self.standing, error=str(error))
        self._forced.note_taken()
        self._state.standing.note_taken()
        if isinstance(wanted, Automatic):
            self._state.unended.note_told_to_end()
        self._state.follow.note(wanted, elapsed_s)
        return Actuation(outcome=Outcome.APPLIED, setpoint=wanted)

    def _prepare(self, wanted: Setpoint, elapsed_s: float) -> None:
        """Remember a command, and put it on record, before it is sent: an answer can be lost after the effect."""
        state = self._state
        self._modes.note(self.standing, wanted, elapsed_s)
        if isinstance(wanted, Power):
            state.newness.sent(elapsed_s)
            state.unended.add(wanted)
            if state.standing.power is None:
                state.lease.renew(wanted, elapsed_s)
            else:
                state.lease.record(wanted)  # the guard may have cleared it meanwhile
        else:
            state.follow.begin()
            self._note_what_flows()
        state.standing.replace(wanted, state.look.mode, elapsed_s)
        self._handed_back.cancel()
        self._aside.note_told(elapsed_s)

    def _note_what_flows(self) -> None:
        """Remember what the battery does of ours when that is told to end, or is covered by another's."""
        seen = self._state.look.measurement
        if seen is not None:
            self._state.unended.note_flow(seen)

    # -- what ends ----------------------------------------------------------------------------------------------

    def release(self, why: str, elapsed_s: float) -> Actuation:
        """Hand the battery back; where that fails the command counts as standing, and the next step tries again.

        While standing down, a mode that somebody else chose is left as it is.
        """
        state = self._state
        if self._aside.leaves_a_choice:
            return self._leave(f"{why}; its mode {state.look.mode} is not ours to change", elapsed_s)
        if not state.newness.began:
            # What an earlier run sent, it may have sent just now: a status from before says nothing of it.
            state.newness.sent(elapsed_s)
            state.unended.add_any()
        try:
            self._device.release()
        except DeviceError as error:
            # Tried again every step: one line tells it, the rest would flood the journal.
            level = logging.DEBUG if state.standing.release_failed else logging.WARNING
            logger.log(level, "could not hand back: %s", error)
            state.standing.note_release_failed(elapsed_s)
            return Actuation(outcome=Outcome.FAILED, setpoint=self.standing, note=why, error=str(error))
        self._note_what_flows()
        state.unended.note_told_to_end()
        self._end(elapsed_s)
        self._handed_back.begin()
        return Actuation(outcome=Outcome.HANDED_BACK, note=why)

    def _carry_out(self, verdict: Verdict, elapsed_s: float) -> Actuation | None:
        match verdict.course:
            case Course.SEND_AGAIN:
                self._state.standing.ask_again()
                return None
            case Course.HAND_BACK:
                return self.release(verdict.why, elapsed_s)
            case Course.GIVE_UP:
                return self._give_up(verdict.why, elapsed_s)
            case Course.STAND_DOWN:
                return self._stand_down(verdict.why, elapsed_s)
            case Course.TELL:
                return Actuation(outcome=Outcome.STOOD_DOWN, note=verdict.why)

    def _stand_down(self, why: str, elapsed_s: float) -> Actuation:
        """Command nothing until the hold-off has passed: somebody else has the battery."""
        logger.warning("%s: standing down", why)
        self._end(elapsed_s)
        self._handed_back.cancel()
        self._aside.begin(why, elapsed_s)
        if not self._state.unended:
            self._state.lease.drop()  # what stands now is theirs
        else:
            self._state.lease.vouch(self._state.unended.first, elapsed_s)
            if self._aside.leaves_a_choice:
                self._take_back(elapsed_s)
        return Actuation(outcome=Outcome.STOOD_DOWN, note=why)

    def _give_up(self, why: str, elapsed_s: float) -> Actuation:
        """Hand back a battery that does not follow, and leave it alone for the hold-off."""
        done = self.release(why, elapsed_s)
        if done.outcome is Outcome.HANDED_BACK:
            logger.warning("%s: handed back", why)
            self._aside.begin(why, elapsed_s)
        return done

    def _leave(self, why: str, elapsed_s: float) -> Actuation:
        """Leave the battery to somebody else for good, and nothing of ours beneath it."""
        if self._state.unended:
            error = self._take_back(elapsed_s)
            if error is not None:
                return Actuation(outcome=Outcome.FAILED, note=why, error=str(error))
            self._state.unended.clear()
            self._state.lease.drop()
        return Actuation(outcome=Outcome.HANDED_BACK, note=why)

    def _take_back(self, elapsed_s: float) -> DeviceError | None:
        """Have the battery forget what was ours, in the mode that somebody chose; return why it could not be told."""
        self._aside.note_told(elapsed_s)
        try:
            if self._state.look.mode in MAY_BE_MANUAL:
                self._device.release()
            else:
                self._device.zero()
        except DeviceError as error:
            logger.debug("what we left at the battery cannot be taken back yet: %s", error)
            return error
        self._state.unended.note_told_to_end()
        return None

    def _end(self, elapsed_s: float) -> None:
        self._state.standing.end(elapsed_s)
        self._forced.end()
        self._handed_over.end()
        self._handed_back.watch()
