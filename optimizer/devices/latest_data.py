"""What V2's ``latestdata`` adds to the status: the commanded power as the device has it, and why it does not obey."""

from __future__ import annotations

from dataclasses import dataclass

from optimizer.devices.fields import Fields
from optimizer.devices.status import DEFAULT_PLAUSIBLE_POWER_W, status_object, turned_round

_GROUPS = ("Setpoint Priority", "MISC Status Bits")
_ORDINARY = "Energy Manager"
"""Holder of the priority in ordinary operation: no reason for anything."""
_MOST_REASONS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestData:
    """The two things V1 cannot say."""

    setpoint_w: float | None = None
    """The commanded power, + charging [W]."""
    discharge_allowed: bool | None = None
    reasons: tuple[str, ...] = ()
    """The flags set under "Setpoint Priority" and "MISC Status Bits", in the device's own words."""


def parse_latest_data(body: bytes, where: str, *, plausible_power_w: float = DEFAULT_PLAUSIBLE_POWER_W) -> LatestData:
    """Return what ``latestdata`` says.

    Parameters
    ----------
    body, where, plausible_power_w
        As for :func:`optimizer.devices.status.parse_status`.

    Raises
    ------
    DeviceProtocolError
        If it is not JSON, or the setpoint is unsound or out of range.
    DeviceUnauthorized
        If it is empty, as older firmware answers without a valid token.
    """
    fields = Fields(status_object(body, where), where)
    flags = _flags(fields)
    forbidden = flags.get(("MISC Status Bits", "Discharge not allowed"))
    return LatestData(
        setpoint_w=turned_round(fields.number("SetPoint_W", -plausible_power_w, plausible_power_w)),
        discharge_allowed=None if forbidden is None else not forbidden,
        reasons=tuple(_words(group, name) for (group, name), up in flags.items() if up and name != _ORDINARY)[
            :_MOST_REASONS
        ],
    )


def _flags(fields: Fields) -> dict[tuple[str, str], bool]:
    """Return the boolean flags of the two groups; firmwares differ in which exist, so nothing else is asked of them."""
    ic_status = fields.values.get("ic_status")
    if not isinstance(ic_status, dict):
        return {}
    groups = {group: ic_status.get(group) for group in _GROUPS}
    return {
        (group, name): up
        for group, flags in groups.items()
        if isinstance(flags, dict)
        for name, up in flags.items()
        if isinstance(up, bool)
    }


def _words(group: str, name: str) -> str:
    """Return a flag as text that is safe to print and to store."""
    clean = "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in name[:60])
    return f"{group}: {clean}"
