"""The section ``[battery]``: which battery, where, and what it can do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from optimizer.settings.duration import UNITS, Duration, within
from optimizer.settings.patterns import HOST
from optimizer.settings.places import AnyPath
from optimizer.settings.quantities import BatteryPower, Efficiency, Energy, NonNegative, Port, Share
from optimizer.settings.section import Conflict, Section

Driver = Literal["sonnen_v1", "sonnen_v2", "simulated"]


def default_port(data: dict[str, Any]) -> int:
    """Return the port a battery listens on unless told otherwise: 80 for API V2, 8080 for V1."""
    return 80 if data.get("driver") == "sonnen_v2" else 8080


class BatterySettings(Section):
    """Which battery, where it answers, and what it can do (powers on the AC side)."""

    driver: Driver = Field(examples=["sonnen_v1"])
    """How to speak to it: sonnen_v1 (port 8080, no token), sonnen_v2 (port 80, token) or simulated (in process)."""
    host: Annotated[str, StringConstraints(strip_whitespace=True, pattern=HOST)] | None = Field(
        default=None, examples=["192.168.33.185"], json_schema_extra={"needed": True}
    )
    """Address or name of the battery, without http:// or a path."""
    port: Port = Field(default_factory=default_port, examples=[8080])
    """TCP port of its API; by default 8080 for sonnen_v1 and 80 for sonnen_v2."""
    token_file: AnyPath | None = Field(default=None, examples=["/etc/sunshift/token"])
    """File that holds the API token (sonnen_v2); by default the systemd credential sunshift-token."""
    mode_control: bool = False
    """Whether to use the undocumented mode call of API V1, so that the battery's own automatic mode can be entered."""
    hand_back_mode: Literal["automatic", "time_of_use", "backup"] = "automatic"
    """Operating mode the battery is handed back to, where the mode can be set."""
    request_deadline: Annotated[Duration, within(UNITS["ms"], 5 * UNITS["s"])] = Field(default=5 * UNITS["s"])
    """Longest time that one request may take in all; with more, no way back ends in the time that systemd leaves it."""
    usable_capacity_wh: Energy = Field(examples=[10000])
    """Usable energy between 0 and 100 % of the user's state of charge [Wh]."""
    max_charge_w: BatteryPower = Field(examples=[4600])
    """Largest charging power [W]."""
    max_discharge_w: BatteryPower = Field(examples=[4600])
    """Largest discharging power [W]."""
    charge_efficiency: Efficiency = 0.95
    """Energy stored per AC energy taken in [1]."""
    discharge_efficiency: Efficiency = 0.95
    """AC energy given out per energy taken from the store [1]."""
    min_soc: Share = 0.0
    """Lowest state of charge to plan and command for, 0 to 1."""
    max_soc: Share = 1.0
    """Highest state of charge to plan and command for, 0 to 1."""
    wear_cost_per_kwh: NonNegative = 0.0
    """Cost of wear per AC energy discharged [currency/kWh]."""
    standby_w: NonNegative = 25.0
    """Standing loss, taken from the store [W]."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield an empty band of charge and a battery without an address."""
        if self.min_soc >= self.max_soc:
            yield Conflict("min_soc", f"must be below max_soc, got {self.min_soc:g} and {self.max_soc:g}")
        if self.driver != "simulated" and self.host is None:
            yield Conflict(
                "host", f'is required for {self.driver}: write the battery\'s address, such as "192.168.1.20"'
            )
