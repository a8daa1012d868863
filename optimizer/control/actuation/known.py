"""What is known of the battery and of what was sent to it, shared by those who judge it."""

from __future__ import annotations

from dataclasses import dataclass

from optimizer.control.actuation.command_lease import CommandLease
from optimizer.control.actuation.following import FollowCheck
from optimizer.control.actuation.last_look import LastLook
from optimizer.control.actuation.lease_keeper import LeaseKeeper
from optimizer.control.actuation.left_behind import LeftBehind
from optimizer.control.actuation.newness import Newness
from optimizer.control.actuation.standing import Standing
from optimizer.control.options import ControlOptions
from optimizer.devices.port import Capabilities
from optimizer.domain.battery import Battery
from optimizer.domain.measurement import OperatingMode
from optimizer.domain.setpoint import Power


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One battery, and one of each of these."""

    battery: Battery
    capabilities: Capabilities
    options: ControlOptions
    standing: Standing
    """What was sent last."""
    lease: CommandLease
    """How long that may stand, and what is on record."""
    look: LastLook
    """What the battery told last."""
    newness: Newness
    """Whether that is younger than the last forced command."""
    follow: FollowCheck
    """Whether it does what it was told."""
    left_behind: LeftBehind
    """What is ours beneath what somebody else set or chose."""

    @classmethod
    def nothing(
        cls, battery: Battery, capabilities: Capabilities, options: ControlOptions, keeper: LeaseKeeper
    ) -> Known:
        """Return what is known at first."""
        return cls(
            battery=battery,
            capabilities=capabilities,
            options=options,
            standing=Standing(options),
            lease=CommandLease(keeper, options.lease_s),
            look=LastLook(options.max_age_s),
            newness=Newness(options.max_age_s),
            follow=FollowCheck(battery, options),
            left_behind=LeftBehind(battery, can_set_mode=capabilities.can_set_mode),
        )

    def may_be_taken(self, mode: OperatingMode) -> bool:
        """Return whether control is taken up in a mode."""
        return self.capabilities.may_be_taken(mode)

    def is_chosen(self, mode: OperatingMode) -> bool:
        """Return whether a mode is somebody's choice: neither one of ours, nor the one in which our change began."""
        return not self.standing.began_in(mode) and not self.may_be_taken(mode)

    def goes_on_with(self) -> tuple[Power, ...]:
        """Return what the battery may have gone on with, by the last status, instead of what stands."""
        seen = self.look.measurement
        return () if seen is None else self.follow.goes_on_with(seen)
