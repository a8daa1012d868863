"""The sun of past days under the sky ahead: as it is told where it is told, else as high as the sun stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from optimizer.domain.site import Site
from optimizer.domain.time_grid import TimeGrid
from optimizer.forecasting.clear_sky import clear_sky_ratio
from optimizer.forecasting.kept_past import Past
from optimizer.forecasting.local_days import Positions
from optimizer.forecasting.sun import Floats
from optimizer.forecasting.told_sun import SunForecast, belief, told_beyond

_DAY_S = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sky:
    """What is known of the sky from the start of the past to the end of a forecast."""

    past: Past
    site: Site
    told_w: Floats | None = None
    """Production told for each interval from the start of the past on, NaN where nothing was told [W]."""
    belief: float = 0.0
    """By how much production rises with what is told [1]."""

    def over(self, pv_w: Floats, starts_s: Floats, places: Positions) -> Floats:
        """Return the sun of past intervals as it would be under the sky ahead, NaN where not measured, shape (d, n).

        Parameters
        ----------
        pv_w
            Sun measured at those places, shape (d, n) [W].
        starts_s
            Starts of the intervals ahead, shape (n,), since 1970 [s].
        places
            Where the intervals that stand for them lie in the past, shape (d, n).
        """
        past_s: Floats = self.past.start_s + places.astype(np.float64) * self.past.step_s
        ratio = clear_sky_ratio(starts_s, past_s, step_s=self.past.step_s, site=self.site)
        risen: Floats = pv_w * ratio
        if self.told_w is None or self.belief == 0.0:
            return risen
        ahead = np.floor((starts_s - self.past.start_s) / self.past.step_s + 1e-9).astype(np.int64)
        ahead_w = self._told_at(ahead)
        # Both as high as the sun stands ahead: what is left of the difference is the weather, which is what was learnt.
        beyond = told_beyond(ahead_w, ratio * self._told_at(places), step_h=self.past.step_s / 3600.0)
        told = np.maximum(risen + self.belief * beyond, 0.0)
        by_day = (pv_w > 0.0) | (ahead_w > 0.0)[None, :]
        sun: Floats = np.where(np.isnan(beyond), risen, np.where(by_day, told, pv_w))
        return sun

    def _told_at(self, places: Positions) -> Floats:
        told = np.empty(0) if self.told_w is None else self.told_w
        inside = (places >= 0) & (places < len(told))
        return np.where(inside, told[np.where(inside, places, 0)], np.nan)


def sky_over(past: Past, grid: TimeGrid, *, as_of: datetime, site: Site, sun_forecast: SunForecast | None) -> Sky:
    """Return what is known of the sky over the past and a grid, as of an instant."""
    if sun_forecast is None or not len(past.values):
        return Sky(past=past, site=site)
    start = datetime.fromtimestamp(past.start_s, UTC)
    step = timedelta(seconds=past.step_s)
    whole = TimeGrid(start=start, step=step, count=round((grid.end - start) / step))
    told_w = sun_forecast.production_w(whole, as_of=as_of)
    measured_w = past.values[:, 1]
    learnt = belief(told_w[: len(measured_w)], measured_w, steps_per_day=round(_DAY_S / past.step_s))
    return Sky(past=past, site=site, told_w=told_w, belief=learnt)
