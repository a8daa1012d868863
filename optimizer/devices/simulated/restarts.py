"""When the unit is there to answer: its restarts, each night's and others, and a port that is closed for a while."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from optimizer.devices.simulated.authority import Authority
from optimizer.devices.simulated.outage import Availability, NightlyRestart, Outage
from optimizer.devices.simulated.world import World


class Restarts:
    """The unit's absences.

    Parameters
    ----------
    world
        Whose time it is, and which lets restarts happen when they are due.
    authority
        Who forgets the setpoint.
    nightly
        The restart at night; None: never.
    timezone
        Zone of the unit's clock.
    """

    def __init__(
        self, world: World, authority: Authority, *, nightly: NightlyRestart | None, timezone: ZoneInfo
    ) -> None:
        self.refusing = False
        """Whether nothing listens although the unit runs."""
        self._world = world
        self._authority = authority
        self._nightly = nightly
        self._timezone = timezone
        self._outage: Outage | None = None
        self._plan_the_night()

    def availability(self) -> Availability:
        """Return whether the unit answers at the instant that the world has reached."""
        if self.refusing:
            return Availability.REFUSING
        return Availability.UP if self._outage is None else self._outage.availability(self._world.now_s)

    def restart(self, refusing_s: float, bad_gateway_s: float) -> None:
        """Restart now: the setpoint is forgotten, the mode is kept."""
        start_s = self._world.now_s
        end_s = start_s + refusing_s + bad_gateway_s
        self._outage = Outage(start_s=start_s, refusing_until_s=start_s + refusing_s, end_s=end_s)
        self._authority.setpoint_w = None
        self._authority.restarting = True
        self._world.schedule(end_s, self._come_back)

    def _come_back(self) -> None:
        if self._outage is not None and self._world.now_s >= self._outage.end_s - 1e-3:
            self._outage = None
            self._authority.restarting = False

    def _plan_the_night(self) -> None:
        if self._nightly is not None:
            self._world.schedule(self._nightly.next_after(self._world.now_s, self._timezone), self._begin_the_night)

    def _begin_the_night(self) -> None:
        if self._nightly is not None:
            self.restart(self._nightly.refusing_s, self._nightly.bad_gateway_s)
            self._plan_the_night()
