"""How good the forecasts of a replay were, walked through once more beside it."""

from __future__ import annotations

import math
from datetime import timedelta

from optimizer.backtest.past import ReplayHistory
from optimizer.backtest.replay import Setting
from optimizer.backtest.world import Period
from optimizer.forecasting.skill import Skill, measure_skill

MOST_FORECASTS = 400
HORIZON = timedelta(days=1)


def forecast_skill(setting: Setting, period: Period) -> Skill | None:
    """Return the skill of the configured forecaster over the longest span; None where that is shorter than a day.

    At most a few hundred forecasts, at changing hours of the day: that tells the skill to a few percent and takes
    seconds.
    """
    span = max(period.spans, key=lambda one: len(one.grid)).grid
    if span.end - span.start < HORIZON:
        return None
    history = ReplayHistory(setting.recording, span.end)
    hours = math.ceil((span.end - span.start) / timedelta(hours=MOST_FORECASTS))
    # An odd number of hours walks through all hours of the day.
    return measure_skill(
        setting.forecaster(history),
        history,
        timezone=setting.settings.site.zone,
        start=span.start,
        end=span.end,
        step=setting.step,
        horizon=HORIZON,
        every=timedelta(hours=max(5, hours | 1)),
    )
