"""From the configuration to the controller."""

from __future__ import annotations

from optimizer.assembly.configuration import Configuration
from optimizer.assembly.site import build_battery, build_site
from optimizer.clock import Clock
from optimizer.control.actuation.lease_keeper import LeaseKeeper
from optimizer.control.billing_peak import BillingPeak
from optimizer.control.controller import Controller
from optimizer.control.import_meter import ImportMeter
from optimizer.control.options import ControlOptions
from optimizer.control.plan_board import PlanBoard
from optimizer.devices.port import BatteryDevice
from optimizer.history.store import HistoryStore
from optimizer.settings import Settings
from optimizer.tariffs.tariff import Tariff


def build_options(settings: Settings) -> ControlOptions:
    """Return how the control step behaves."""
    control = settings.control
    return ControlOptions(
        step=settings.planning.step,
        prefer_automatic=control.prefer_automatic,
        dead_band_w=control.dead_band_w,
        ramp_w_per_s=control.ramp_w_per_s,
        reassert_s=control.reassert.total_seconds(),
        settle_s=control.settling.total_seconds(),
        max_age_s=control.max_measurement_age.total_seconds(),
        lease_s=control.lease.total_seconds(),
        max_mode_changes_per_hour=control.max_mode_changes_per_hour,
    )


def build_controller(
    configuration: Configuration,
    *,
    device: BatteryDevice,
    clock: Clock,
    tariff: Tariff,
    board: PlanBoard,
    history: HistoryStore,
    keeper: LeaseKeeper,
    observe: bool,
) -> Controller:
    """Return the controller of this home.

    Parameters
    ----------
    configuration
        What is configured.
    device, clock
        The battery and the time: real or simulated.
    tariff, board, history
        Prices, the plan in force and the past.
    keeper
        Where forced commands are put on record.
    observe
        Whether to command nothing.
    """
    settings = configuration.settings
    return Controller(
        device=device,
        strategy=configuration.strategy,
        strategy_name=settings.strategy.name,
        battery=build_battery(settings),
        site=build_site(settings),
        clock=clock,
        tariff=tariff,
        board=board,
        history=history,
        demand=None if tariff.demand is None else BillingPeak(tariff.demand, history),
        options=build_options(settings),
        keeper=keeper,
        observe=observe,
        meter=ImportMeter(longest_gap_s=2.0 * settings.control.poll_interval.total_seconds(), history=history),
    )
