"""All that is known of the battery and of what was sent to it: what the judges go by, and the actuator keeps."""

from __future__ import annotations

from dataclasses import dataclass

from optimizer.control.actuation.command_lease import CommandLease
from optimizer.control.actuation.following import FollowCheck
from optimizer.control.actuation.last_look import LastLook
from optimizer.control.actuation.lease_keeper import LeaseKeeper
from optimizer.control.actuation.newness import Newness
from optimizer.control.actuation.standing import Standing
from optimizer.control.actuation.unended import Unended
from optimizer.control.options import ControlOptions
from optimizer.devices.port import Capabilities
from optimizer.domain.battery import Battery
from optimizer.domain.measurement import OperatingMode


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandState:
    """One battery, and one of each of these."""

    capabilities: Capabilities
    options: ControlOptions
    standing: Standing
    """What was sent last."""
    unended: Unended
    """What of ours may act, that or what was sent before it."""
    lease: CommandLease
    """How long a forced command may stand, and what is on record."""
    look: LastLook
    """What the battery told last."""
    newness: Newness
    """Whether that is younger than the last forced command."""
    follow: FollowCheck
    """Whether it does what it was told."""

    @classmethod
    def initial(
        cls, battery: Battery, capabilities: Capabilities, options: ControlOptions, keeper: LeaseKeeper
    ) -> CommandState:
        """Return what is known at first: nothing."""
        unended = Unended(battery, can_set_mode=capabilities.can_set_mode)
        return cls(
            capabilities=capabilities,
            options=options,
            standing=Standing(options),
            unended=unended,
            lease=CommandLease(keeper, options.lease_s),
            look=LastLook(options.max_age_s),
            newness=Newness(options.max_age_s),
            follow=FollowCheck(battery, options, unended),
        )

    def may_be_taken(self, mode: OperatingMode) -> bool:
        """Return whether control is taken up in a mode."""
        return self.capabilities.may_be_taken(mode)

    def is_chosen(self, mode: OperatingMode) -> bool:
        """Return whether a mode is somebody's choice: neither one of ours, nor the one in which our change began."""
        return not self.standing.began_in(mode) and not self.may_be_taken(mode)

    def believe_ended(self) -> bool:
        """Take all of ours off the record, if what shows its end is younger than it, and follows it; return whether."""
        if not self.newness.is_news or (self.unended and not self.unended.told_to_end):
            return False
        self.unended.clear()
        self.lease.drop()
        return True
