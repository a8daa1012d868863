"""The one writer: everything that is ever sent to the battery goes through here.

The device keeps a forced power for ever, so each one is held on a lease: a verified read-back renews it, and without
one the battery is handed back, again and again until that succeeds.
"""

from __future__ import annotations

import logging

from optimizer.control.actuation.actuation import Actuation
from optimizer.control.actuation.forced import ForcedCommand
from optimizer.control.actuation.handed_back import HandedBack
from optimizer.control.actuation.handed_over import HandedOver
from optimizer.control.actuation.known import Known
from optimizer.control.actuation.lease_keeper import LeaseKeeper, NoLease
from optimizer.control.actuation.mode_changes import ModeChanges
from optimizer.control.actuation.read_back import shown_w
from optimizer.control.actuation.stand_down import StandDown
from optimizer.control.actuation.standing_aside import StandingAside
from optimizer.control.actuation.verdict import Course, Verdict, somebody_elses
from optimizer.control.options import ControlOptions
from optimizer.devices.port import BatteryDevice
from optimizer.domain.battery import Battery
from optimizer.domain.decision import Outcome
from optimizer.domain.measurement import Measurement
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
        known = self._known = Known.nothing(battery, device.capabilities, options, keeper or NoLease())
        self._device, self._options = device, options
        self._modes = ModeChanges(options)
        self._forced = ForcedCommand(known)
        self._handed_over = HandedOver(known)
        self._handed_back = HandedBack(device, known)
        self._aside = StandingAside(device, known)

    @property
    def standing(self) -> Setpoint | None:
        """What stands at the battery by our command; None: nothing of ours."""
        return self._known.standing.setpoint

    @property
    def lease_end_s(self) -> float | None:
        """When the lease of the standing command ends, by the clock for ages; None: no command stands [s]."""
        return None if self._known.standing.power is None else self._known.lease.end_s

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
        self._handed_back.ignore()
        return True

    def leave_to_others(self, why: str, measurement: Measurement, elapsed_s: float, *, left_over: bool) -> Actuation:
        """Stand down to what a status shows, as if it had been noticed; ``left_over``: ours may be stored beneath."""
        self._known.look.show(measurement)
        self._known.newness.sent(elapsed_s)
        if left_over:
            self._known.left_behind.add(Power(0.0))
        return self._stand_down(why, elapsed_s)

    def may_change_mode(self, elapsed_s: float) -> bool:
        """Return whether the mode may be changed now, by the caps on its changes."""
        return self._modes.may_change(self.standing, elapsed_s)

    # -- what comes in ------------------------------------------------------------------------------------------

    def notice(self, measurement: Measurement, elapsed_s: float) -> Actuation | None:
        """Read back what stands; return what had to be done about it, or None where all is as sent.

        A measurement that comes here must be valid: it renews the lease.
        """
        self._known.look.note(measurement, elapsed_s)
        self._known.newness.saw(measurement)
        if self._handed_back.pending:
            verdict = self._handed_back.judge_awaited(measurement, elapsed_s)
            if verdict is not None:
                return self._carry_out(verdict, elapsed_s)
        if self._aside.lasts:
            return self._aside.look(measurement, elapsed_s)
        verdict = self._judge(measurement, elapsed_s)
        return None if verdict is None else self._carry_out(verdict, elapsed_s)

    def _judge(self, measurement: Measurement, elapsed_s: float) -> Verdict | None:
        self._known.standing.resend = self._known.standing.resend or self._known.look.missed
        after_restart = self._known.look.may_follow_a_restart
        self._known.look.missed = False
        match self.standing:
            case Power() as power:
                return self._forced.judge(power, measurement, elapsed_s, after_restart=after_restart)
            case Automatic():
                return self._handed_over.judge(measurement, elapsed_s, after_restart=after_restart)
            case None:
                return self._handed_back.judge(measurement, elapsed_s)

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
            self._known.newness.saw(doubtful)
        standing = self._known.standing
        if standing.is_automatic and (standing.resend or standing.is_unconfirmed_for_long(elapsed_s)):
            return self._end_unseen("handing back could not be confirmed", doubtful, elapsed_s)
        if self._handed_back.pending and standing.changed_for_s(elapsed_s) >= self._options.lease_s:
            return self._pursue(doubtful, elapsed_s)
        if standing.power is None:
            return None
        if not self._known.lease.has_run_out(elapsed_s) and not interval_over:
            return None
        why = "its interval is over" if interval_over else "its lease has run out"
        return self._end_unseen(f"the command {self.standing} cannot be verified and {why}", doubtful, elapsed_s)

    def note_outage(self) -> None:
        """Tell that the battery could not be read: after a while it may have restarted."""
        self._known.look.missed = True

    def _end_unseen(self, why: str, doubtful: Measurement | None, elapsed_s: float) -> Actuation:
        """Hand back what cannot be verified; a mode that somebody may have chosen is left alone, in doubt as well."""
        if doubtful is None or not self._known.is_chosen(doubtful.mode):
            return self.release(why, elapsed_s)
        self._known.look.mode = doubtful.mode
        self._known.left_behind.add(self._known.standing.power or Power(0.0))
        return self._carry_out(somebody_elses(doubtful.mode), elapsed_s)

    def _pursue(self, doubtful: Measurement | None, elapsed_s: float) -> Actuation | None:
        """Hand back again what was accepted and never seen, once a lease."""
        if not self._known.lease.is_on_record():
            self._handed_back.cancel()  # the guard has seen it done
            return None
        if doubtful is not None and self._known.is_chosen(doubtful.mode):
            return self._end_unseen("", doubtful, elapsed_s)
        self._handed_back.pursue(doubtful, elapsed_s)
        return None

    # -- what goes out ------------------------------------------------------------------------------------------

    def actuate(self, wanted: Setpoint, elapsed_s: float) -> Actuation:
        """Bring the battery to a setpoint, if anything has to be sent for it."""
        if not self._known.standing.is_due(wanted, elapsed_s):
            return Actuation(outcome=Outcome.KEPT, setpoint=self.standing)
        before = self.standing
        self._prepare(wanted, elapsed_s)
        try:
            self._device.apply(wanted, not_after_s=elapsed_s + self._options.max_age_s)
        except ExternalControl as error:
            # Manual mode may have been entered, and what stood before may come back when the other leaves.
            self._known.left_behind.add(*(one for one in (before, wanted) if isinstance(one, Power)), Power(0.0))
            return self._stand_down(str(error), elapsed_s)
        except DeviceError as error:
            # It may have taken effect all the same: the lease runs, and it is sent again.
            self._forced.refusal.note(before, wanted)
            self._known.standing.resend = True
            self._note_sent(wanted, elapsed_s)
            return Actuation(outcome=Outcome.FAILED, setpoint=self.standing, error=str(error))
        self._forced.refusal.end()
        self._known.standing.resend = self._known.standing.release_failed = False
        for power in self._known.left_behind.powers:
            self._known.follow.suspect(power.battery_power_w)  # accepted is not obeyed: it may go on with what was left
        self._known.left_behind.clear()
        self._note_sent(wanted, elapsed_s)
        return Actuation(outcome=Outcome.APPLIED, setpoint=wanted)

    def release(self, why: str, elapsed_s: float) -> Actuation:
        """Hand the battery back; where that fails the command counts as standing, and the next step tries again.

        While standing down, a mode that somebody else chose is left as it is.
        """
        if self._aside.leaves_a_choice:
            return self._aside.leave(f"{why}; its mode {self._known.look.mode} is not ours to change", elapsed_s)
        if not self._known.newness.began:
            # What an earlier run sent, it may have sent just now: a status from before says nothing of it.
            self._known.newness.sent(elapsed_s)
        try:
            self._device.release()
        except DeviceError as error:
            # Tried again every step: one line tells it, the rest would flood the journal.
            told = self._known.standing.release_failed
            logger.log(logging.DEBUG if told else logging.WARNING, "could not hand back: %s", error)
            self._known.standing.release_failed = True
            return Actuation(outcome=Outcome.FAILED, setpoint=self.standing, note=why, error=str(error))
        self._known.standing.release_failed = False
        self._known.left_behind.clear()
        self._handed_back.begin(self.standing, *self._known.goes_on_with())
        self._forget(elapsed_s)
        return Actuation(outcome=Outcome.HANDED_BACK, note=why)

    def _prepare(self, wanted: Setpoint, elapsed_s: float) -> None:
        """Remember a command, and put it on record, before it is sent: an answer can be lost after the effect."""
        before = self._known.standing.power
        enters = isinstance(wanted, Power) and before is None
        going_on = self._known.goes_on_with()
        self._modes.note(self.standing, wanted, elapsed_s)
        if enters or isinstance(wanted, Automatic):
            self._known.follow.reset()
        self._suspect_what_has_not_ended()
        if isinstance(wanted, Automatic) and before is not None:
            self._handed_over.begin(before, *going_on)
        elif isinstance(wanted, Power):
            self._handed_over.cancel()
            self._known.newness.sent(elapsed_s)
        if enters:
            self._known.lease.vouch(wanted, elapsed_s)
        elif isinstance(wanted, Power):
            # The guard may have cleared the record meanwhile.
            self._known.lease.record(wanted)
        self._known.standing.replace(wanted, self._known.look.mode, elapsed_s)
        self._handed_back.cancel()

    def _note_sent(self, wanted: Setpoint, elapsed_s: float) -> None:
        if isinstance(wanted, Power):
            self._known.follow.note(wanted.battery_power_w, elapsed_s)

    def _suspect_what_has_not_ended(self) -> None:
        """Remember across a new command what a hand-back was to end and a status still shows."""
        seen = self._known.look.measurement
        if seen is not None and self._handed_back.is_contradicted(seen):
            self._known.follow.suspect(shown_w(seen))

    # -- what ends ----------------------------------------------------------------------------------------------

    def _carry_out(self, verdict: Verdict, elapsed_s: float) -> Actuation:
        match verdict.course:
            case Course.HAND_BACK:
                return self.release(verdict.why, elapsed_s)
            case Course.GIVE_UP:
                return self._give_up(verdict.why, elapsed_s)
            case Course.STAND_DOWN:
                return self._stand_down(verdict.why, elapsed_s)
            case Course.TELL:
                return Actuation(outcome=Outcome.STOOD_DOWN, note=verdict.why)

    def _stand_down(self, why: str, elapsed_s: float) -> Actuation:
        """Write nothing more until the hold-off has passed: somebody else has the battery."""
        self._forget(elapsed_s)
        self._handed_back.cancel()
        return self._aside.begin(why, self._known.standing.sent_s, elapsed_s)

    def _give_up(self, why: str, elapsed_s: float) -> Actuation:
        """Hand back a battery that does not follow, and leave it alone for the hold-off."""
        done = self.release(why, elapsed_s)
        if done.outcome is Outcome.HANDED_BACK:
            logger.warning("%s: handed back", why)
            self._aside.rest(why, elapsed_s)
        return done

    def _forget(self, elapsed_s: float) -> None:
        self._known.standing.forget(elapsed_s)
        self._forced.forget()
        self._handed_over.forget()
        self._handed_back.watch()
