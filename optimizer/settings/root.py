"""The whole configuration."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from optimizer.settings.battery import BatterySettings
from optimizer.settings.control import ControlSettings
from optimizer.settings.forecast import ForecastSettings
from optimizer.settings.grid import GridSettings
from optimizer.settings.history import HistorySettings
from optimizer.settings.planning import PlanningSettings
from optimizer.settings.service import ServiceSettings
from optimizer.settings.site import SiteSettings
from optimizer.settings.strategy import StrategySettings
from optimizer.settings.tariff import TariffSettings


class Settings(BaseSettings):
    """Every section of the configuration file.

    It is built by :func:`optimizer.assembly.configuration.load_configuration` from the layers of
    :mod:`optimizer.settings.layers` (defaults < file < environment), which know where each value came from;
    by itself it reads no file and no environment, so that a test or the demo gets what it asks for.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        env_prefix="SUNSHIFT_",
        env_nested_delimiter="__",
    )

    site: SiteSettings
    """Where the home stands."""
    battery: BatterySettings
    """Which battery, where, and what it can do."""
    grid: GridSettings = GridSettings()
    """What may flow between the house and the grid."""
    tariff: TariffSettings
    """What energy costs and earns."""
    planning: PlanningSettings = PlanningSettings()
    """How far ahead to plan, how finely and how often."""
    forecast: ForecastSettings = ForecastSettings()
    """What is known about the home before it has a history."""
    control: ControlSettings = ControlSettings()
    """How the plan becomes setpoints."""
    strategy: StrategySettings = StrategySettings()
    """Which policy decides."""
    strategies: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Parameters of the strategies, one table each."""
    history: HistorySettings = HistorySettings()
    """How long measurements are kept."""
    service: ServiceSettings = Field(default_factory=ServiceSettings)
    """Where the service writes and how much it says."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take the merged layers alone."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)
