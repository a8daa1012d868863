"""Switches for what the user's document leaves open and what firmwares do differently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from optimizer.simulator.firmware import Scalar
from optimizer.simulator.return_codes import ErrorStyle


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """How this unit's V1 face behaves. The defaults are the user's document as public clients correct it."""

    error_style: ErrorStyle = ErrorStyle.STATUS_WITH_BODY
    code_as_number: bool = False
    """``{"ReturnCode":5}`` instead of ``{"ReturnCode":"5"}``."""
    strict_path_case: bool = False
    """Whether ``api/V1`` is an invalid path: the document writes both ``V1`` and ``v1``."""
    status_alias: bool = True
    """Whether ``api/status`` answers too, as the document's text has it."""
    setpoint_get: bool = True
    """Whether GET sets a setpoint too, as four public clients do."""
    space_in_pac: bool = False
    """``Pac total_W``, as in the document's sample."""
    acknowledges_garbage: bool = True
    """Whether a setpoint that is no whole number of watts is acknowledged (and ignored)."""
    mode_control: bool = False
    """Whether the undocumented ``/api/setting?EM_OperatingMode=`` and ``EM_USOC=`` are there."""
    capacity_factor: float = 1.0
    """2 on stacks of 210 V, whose RemainingCapacity is twice the truth [1]."""
    null_keys: tuple[str, ...] = ()
    """Keys whose value is null."""
    missing_keys: tuple[str, ...] = ()
    """Keys left out."""
    numbers_as_text: bool = False
    """``"Consumption_W":"403"``."""
    not_measuring: bool = False
    """Installed, but every measured number is 0, as in the document's sample."""
    extra: Mapping[str, Scalar] = field(default_factory=dict)
    """Keys that no document names."""

    def dress(self, payload: dict[str, Scalar]) -> dict[str, Scalar]:
        """Return a status as this unit writes it, keys sorted."""
        dressed = dict(payload)
        if self.not_measuring:
            dressed |= dict.fromkeys(_numbers(dressed).keys() - {"IsSystemInstalled"}, 0)
        if self.capacity_factor != 1.0:
            dressed |= {
                name: round(value * self.capacity_factor)
                for name, value in _numbers(dressed).items()
                if name.startswith("RemainingCapacity")
            }
        if self.numbers_as_text:
            dressed |= {name: str(value) for name, value in _numbers(dressed).items()}
        dressed |= dict.fromkeys(dressed.keys() & self.null_keys)
        for name in self.missing_keys:
            dressed.pop(name, None)
        if self.space_in_pac and "Pac_total_W" in dressed:
            dressed["Pac total_W"] = dressed.pop("Pac_total_W")
        return dict(sorted((dressed | dict(self.extra)).items()))


def _numbers(payload: Mapping[str, Scalar]) -> dict[str, int | float]:
    return {
        name: value for name, value in payload.items() if isinstance(value, int | float) and not isinstance(value, bool)
    }
