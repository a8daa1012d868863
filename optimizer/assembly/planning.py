"""From the configuration to the forecaster and the desk that brings it, tariff and planner together."""

from __future__ import annotations

from optimizer.assembly.configuration import Configuration
from optimizer.assembly.late_planner import LatePlanner
from optimizer.assembly.site import build_battery, build_site
from optimizer.assembly.tariffs import build_tariff
from optimizer.clock import Clock
from optimizer.control.billing_peak import BillingPeak
from optimizer.control.plan_board import PlanBoard
from optimizer.control.replanning import PlanningDesk
from optimizer.domain.switching import Switching
from optimizer.forecasting.defaults import HomeDefaults
from optimizer.forecasting.own_history import OwnHistoryForecaster
from optimizer.forecasting.port import Forecaster
from optimizer.forecasting.told_sun import SunForecast
from optimizer.history.port import HistoryReader
from optimizer.settings import Settings
from optimizer.tariffs.tariff import Tariff


def build_forecaster(
    settings: Settings, *, history: HistoryReader, sun_forecast: SunForecast | None = None
) -> Forecaster:
    """Return the forecaster of the home's own history, with a forecast of the sun where there is one."""
    forecast = settings.forecast
    return OwnHistoryForecaster(
        history=history,
        site=build_site(settings),
        defaults=HomeDefaults(
            annual_consumption_kwh=forecast.annual_consumption_kwh,
            pv_peak_kw=forecast.pv_peak_kw,
            pv_tilt_deg=forecast.pv_tilt_deg,
            pv_azimuth_deg=forecast.pv_azimuth_deg,
        ),
        most_scenarios=settings.planning.scenarios,
        sun_forecast=sun_forecast,
    )


def build_switching(settings: Settings) -> Switching:
    """Return how the possible futures change into one another."""
    planning = settings.planning
    return Switching(share=planning.switching_share, every=planning.switching_every)


def build_desk(
    configuration: Configuration,
    *,
    clock: Clock,
    history: HistoryReader,
    tariff: Tariff | None = None,
    board: PlanBoard | None = None,
) -> PlanningDesk:
    """Return the desk that makes this home's plans.

    Parameters
    ----------
    configuration
        What is configured.
    clock
        Measures how long planning takes.
    history
        The home's past.
    tariff
        The home's tariff, where the caller has built it already.
    board
        Where plans are put up; None: they are only returned.
    """
    settings = configuration.settings
    prices = build_tariff(settings) if tariff is None else tariff
    return PlanningDesk(
        battery=build_battery(settings),
        site=build_site(settings),
        tariff=prices,
        forecaster=build_forecaster(settings, history=history),
        strategy=configuration.strategy,
        planner=LatePlanner(settings, clock=clock),
        step=settings.planning.step,
        horizon=settings.planning.horizon,
        switching=build_switching(settings),
        peak=None if prices.demand is None else BillingPeak(prices.demand, history),
        terminal_value=settings.planning.terminal_value_per_kwh,
        board=board,
    )
