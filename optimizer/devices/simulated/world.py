"""The simulated world without a clock of its own: cells, house and roof, moved on in steps as long as may be.

Steps are one second while the battery's power moves, and as long as nothing changes otherwise, so a simulated day
costs a small part of a second.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from math import inf

from optimizer.devices.simulated.authority import Authority
from optimizer.devices.simulated.load_average import LoadAverage
from optimizer.devices.simulated.parameters import BatteryParameters
from optimizer.devices.simulated.physics import BatteryState, Order, step
from optimizer.devices.simulated.profile import HouseProfile, Moment
from optimizer.devices.simulated.reading import EnergyTotals
from optimizer.devices.simulated.recent_powers import RecentPowers, Stretch
from optimizer.domain.site import grid_power_w

_LONGEST_STEP_S, _TAPER_STEP_S, _MOVING_STEP_S = 60.0, 15.0, 1.0
_EPSILON_S = 1e-6
_DAY_S = 86_400.0


class World:
    """Everything physical, and the acts that are due at given instants.

    Parameters
    ----------
    start_s
        First instant [s since the epoch].
    recording
        Load and sun.
    parameters
        The battery.
    authority
        Who decides its power.
    initial_soc
        User state of charge at the start, 0..1.
    battery_care_after_days
        Without being full for so long, the battery charges itself full; None: never.
    """

    def __init__(
        self,
        *,
        start_s: float,
        recording: HouseProfile,
        parameters: BatteryParameters,
        authority: Authority,
        initial_soc: float,
        battery_care_after_days: float | None,
    ) -> None:
        self.now_s = self.full_at_s = start_s
        self.recording = recording
        self.parameters = parameters
        self.authority = authority
        self.state = BatteryState(
            energy_wh=initial_soc * parameters.capacity_wh,
            temperature_c=parameters.warmed_c(0.0, parameters.standby_w, float("inf")),
        )
        self.totals = EnergyTotals()
        self.load_average = LoadAverage(start_s)
        self.recent = RecentPowers()
        self._care_after_s = None if battery_care_after_days is None else _DAY_S * battery_care_after_days
        self._acts: list[tuple[float, int, Callable[[], None]]] = []
        self._act_numbers = count()
        self._moving = False
        self._reached_s = -inf

    @property
    def soc(self) -> float:
        """User state of charge; slightly below 0 while standby eats into the reserve [1]."""
        return self.state.soc(self.parameters)

    def moment(self) -> Moment:
        """Return what house and roof do now."""
        return self.recording.at(self.now_s)

    def order(self, moment: Moment) -> Order:
        """Return what the battery is asked for now."""
        return self.authority.order(moment, self.parameters, self.now_s)

    def schedule(self, instant_s: float, act: Callable[[], None]) -> None:
        """Call ``act`` when the world reaches an instant [s since the epoch]."""
        self._reached_s = -inf
        heapq.heappush(self._acts, (instant_s, next(self._act_numbers), act))

    def advance_to(self, end_s: float) -> None:
        """Move forward to an instant; one in the past changes nothing [s since the epoch]."""
        if self._moving:
            return  # an act that is due happens at its own instant, which is now
        if end_s <= self._reached_s and not self.authority.care:
            return  # asked again within the same instant, as for every request: nothing is due (care may end at once)
        self._moving = True
        try:
            self._begin_what_is_due()
            while end_s - self.now_s > _EPSILON_S:
                moment = self.moment()
                order = self.order(moment)
                self._step(moment, order, self._step_length(moment, order, end_s))
                self._begin_what_is_due()
            # Only where no act has scheduled another meanwhile, which may be due at this very instant.
            self._reached_s = end_s if not self._acts or self._acts[0][0] > self.now_s + _EPSILON_S else -inf
        finally:
            self._moving = False

    def served(self, moment: Moment, battery_w: float) -> tuple[float, float, float]:
        """Return load served, PV used and battery power: an island cuts what has no source or sink [W]."""
        if self.authority.on_grid:
            return moment.load_w, moment.production_w, battery_w
        excess_w = moment.production_w - moment.load_w - battery_w
        load_w = max(0.0, moment.load_w + min(0.0, excess_w))
        production_w = moment.production_w - max(0.0, excess_w)
        return load_w, production_w, production_w - load_w  # in the dark not even the idle inverter is fed

    def _begin_what_is_due(self) -> None:
        while self._acts and self._acts[0][0] <= self.now_s + _EPSILON_S:
            heapq.heappop(self._acts)[2]()
        if self._care_due_s() <= self.now_s + _EPSILON_S:
            self.authority.care = True
        if self.state.full:
            self.full_at_s = self.now_s
            self.authority.care = False
        self.authority.watch_reserve(self.soc)

    def _care_due_s(self) -> float:
        return float("inf") if self._care_after_s is None else self.full_at_s + self._care_after_s

    def _step_length(self, moment: Moment, order: Order, end_s: float) -> float:
        """Return how long nothing will change, at most: one second while the power moves [s]."""
        edges_s = [end_s, moment.until_s, self.now_s + _LONGEST_STEP_S, self.authority.next_change_s(self.now_s)]
        if not self.state.settled or order.power_w != self.state.ordered_w:
            edges_s.append(self.now_s + _MOVING_STEP_S)
        elif self._limit_moves():
            edges_s.append(self.now_s + _TAPER_STEP_S)
        if self._acts:
            edges_s.append(self._acts[0][0])
        if not self.authority.care:
            edges_s.append(self._care_due_s())
        return max(_EPSILON_S, min(edges_s) - self.now_s)

    def _limit_moves(self) -> bool:
        """Return whether what the battery can give changes by itself: near full, or with its temperature."""
        parameters, state = self.parameters, self.state
        near_full = state.power_w > parameters.idle_w and parameters.is_near_taper(self.soc)
        return near_full or parameters.thermal.power_share(state.temperature_c) < 1.0

    def _step(self, moment: Moment, order: Order, seconds: float) -> None:
        before = self.state
        state = self.state = step(before, order, self.parameters, seconds)
        self._remember(moment, order, before, seconds)
        self.now_s += seconds
        hours = seconds / 3600.0
        totals = self.totals
        load_w, production_w, battery_w = self.served(moment, state.mean_power_w)
        totals.curtailed_wh += (moment.production_w - production_w) * hours
        totals.unserved_wh += (moment.load_w - load_w) * hours
        grid_w = grid_power_w(load_w=load_w, battery_power_w=battery_w, pv_w=production_w)
        totals.add(seconds, load_w=load_w, production_w=production_w, battery_w=battery_w, grid_w=grid_w)
        totals.stored_wh += state.stored_w * hours
        totals.standby_wh += self.parameters.standby_w * hours
        self.load_average.add(self.now_s, totals.load_wh)

    def _remember(self, moment: Moment, order: Order, before: BatteryState, seconds: float) -> None:
        """Keep what flows in the step that begins now, for meters that are read late."""
        load_w, production_w, end_w = self.served(moment, self.state.power_w)
        start_w = end_w if order.instant or not self.authority.on_grid else before.power_w
        self.recent.add(
            Stretch(
                start_s=self.now_s,
                end_s=self.now_s + seconds,
                load_w=load_w,
                production_w=production_w,
                battery_start_w=start_w,
                battery_end_w=end_w,
                ramp_s=min(seconds, abs(end_w - start_w) / self.parameters.ramp_w_per_s),
            )
        )
