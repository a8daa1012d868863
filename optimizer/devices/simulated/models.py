"""Sizes of real units, by model and number of modules (battery-api facts, section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Model(StrEnum):
    """Models whose figures are published."""

    ECO8 = "eco8"
    """sonnenBatterie eco 8 and 8.1: modules of 2.5 kWh, 2.25 of them usable."""
    SB10 = "sb10"
    """sonnenBatterie 10: modules of 5.5 kWh, 5 of them usable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitSize:
    """What a model with so many modules holds and gives."""

    module_wh: float
    """Usable energy of one module [Wh]."""
    modules: int
    max_power_w: float
    """AC, in either direction [W]."""

    @property
    def usable_capacity_wh(self) -> float:
        """Usable energy of all modules [Wh]."""
        return self.module_wh * self.modules


_MODULE_WH = {Model.ECO8: 2250.0, Model.SB10: 5000.0}
_POWER_W = {
    Model.ECO8: (1100.0, 2500.0, 3300.0, 3300.0, 3300.0, 3300.0),
    Model.SB10: (3400.0, 4600.0, 4600.0, 4600.0, 4600.0),
}


def unit_size(model: Model, modules: int) -> UnitSize:
    """Return what a model with so many modules holds and gives.

    Raises
    ------
    ValueError
        The model does not come with so many modules.
    """
    powers_w = _POWER_W[model]
    if not 1 <= modules <= len(powers_w):
        msg = f"a {model} has 1 to {len(powers_w)} modules, not {modules}"
        raise ValueError(msg)
    return UnitSize(module_wh=_MODULE_WH[model], modules=modules, max_power_w=powers_w[modules - 1])
