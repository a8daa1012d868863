"""The status of a battery: bytes in, a measurement in the project's signs and units out.

One object serves V1 (``/api/v1/status``) and V2 (``/api/v2/status``). Needed are the four values without which
nothing can be decided; all others may be missing. Decisions, and why:

- Power > 0 in ``Pac_total_W`` is discharging (the user's document), in ``GridFeedIn_W`` exporting; both are turned
  round here. The charging flags are ignored: both are false around zero, and sometimes beyond.
- The document's own sample spells ``Pac total_W``; both spellings are read.
- Only USOC is read: RSOC counts energy the user cannot have, and ``RemainingCapacity`` is twice the truth on some.
- ``OnGrid`` and ``OffGrid`` count as said. Where ``SystemStatus`` is missing, ``Uac`` 0 means that there is no AC to
  work with (off-grid to us); any other voltage proves nothing, as in an outage the inverter makes its own.
- ``IsSystemInstalled`` 0 is an error: the values then describe no battery in operation.
- ``Timestamp`` is local time without a zone, kept to notice a frozen device; an unreadable one is as if missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from optimizer.devices.fields import Fields
from optimizer.devices.return_codes import refuse_return_code
from optimizer.devices.strict_json import JsonObject, excerpt, parse_json
from optimizer.domain.measurement import Measurement, OperatingMode
from optimizer.errors import DeviceError, DeviceProtocolError, DeviceUnauthorized

MODES = {
    "1": OperatingMode.MANUAL,
    "2": OperatingMode.AUTOMATIC,
    "7": OperatingMode.BACKUP,
    "8": OperatingMode.AUTOMATIC,  # self-consumption on older US units, which turn it into 2
    "10": OperatingMode.TIME_OF_USE,
}
"""What ``OperatingMode`` and ``EM_OperatingMode`` mean."""

DEFAULT_PLAUSIBLE_POWER_W = 100_000.0
"""Largest power that can be true of a home or small business [W]."""

STANDBY_W = 100.0
"""Negative PV production or house load up to here is 0 [W].

At night inverters draw a few watts, which some firmwares show as production of -5 W, and while a cloud passes the
device adds up samples of different instants. More than this is a meter connected the wrong way round.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The values of one status that are used, in the project's signs and units; missing is None."""

    consumption_w: float
    production_w: float
    battery_power_w: float
    """+ charging [W]."""
    soc: float
    grid_power_w: float | None
    """+ importing [W]."""
    mode: OperatingMode
    device_time: datetime | None
    on_grid: bool | None
    discharge_allowed: bool | None
    backup_soc: float | None
    reasons: tuple[str, ...]

    def measurement(
        self,
        *,
        at: datetime,
        elapsed_s: float,
        reported_setpoint_w: float | None = None,
        discharge_allowed: bool | None = None,
        reasons: tuple[str, ...] = (),
    ) -> Measurement:
        """Return the measurement, with what else the device said.

        Parameters
        ----------
        at, elapsed_s
            When the request was sent, by our clocks: the values are no older.
        reported_setpoint_w
            The device's echo of the commanded power, + charging [W].
        discharge_allowed
            What another source says, where the status says nothing.
        reasons
            Further reasons.
        """
        return Measurement(
            at=at,
            elapsed_s=elapsed_s,
            consumption_w=self.consumption_w,
            production_w=self.production_w,
            battery_power_w=self.battery_power_w,
            soc=self.soc,
            reported_grid_power_w=self.grid_power_w,
            mode=self.mode,
            device_time=self.device_time,
            on_grid=self.on_grid,
            discharge_allowed=discharge_allowed if self.discharge_allowed is None else self.discharge_allowed,
            backup_soc=self.backup_soc,
            reported_setpoint_w=reported_setpoint_w,
            reasons=(*self.reasons, *reasons),
        )


def parse_status(body: bytes, where: str, *, plausible_power_w: float = DEFAULT_PLAUSIBLE_POWER_W) -> Status:
    """Return what a status says.

    Parameters
    ----------
    body
        The body of the answer.
    where
        The request, for messages.
    plausible_power_w
        Largest magnitude of any power to believe [W].

    Raises
    ------
    DeviceProtocolError
        If it is not JSON, or a value is missing, unsound or out of range: names key, value and expectation.
    DeviceUnauthorized
        If it is empty, as some firmwares answer without a valid token.
    DeviceRefused
        If it holds a return code in place of the status.
    """
    fields = Fields(status_object(body, where), where)
    if fields.flag("IsSystemInstalled") is False:
        msg = f"{where}: IsSystemInstalled is 0: the battery is not commissioned. Have its installation completed."
        raise DeviceProtocolError(msg)
    pac_key = "Pac total_W" if "Pac_total_W" not in fields.values and "Pac total_W" in fields.values else "Pac_total_W"
    return Status(
        consumption_w=_magnitude_w(fields, "Consumption_W", plausible_power_w),
        production_w=_magnitude_w(fields, "Production_W", plausible_power_w),
        battery_power_w=0.0 - fields.needed_number(pac_key, -plausible_power_w, plausible_power_w),
        soc=fields.needed_number("USOC", 0, 100) / 100,
        grid_power_w=turned_round(fields.number("GridFeedIn_W", -plausible_power_w, plausible_power_w)),
        mode=_mode(fields),
        device_time=device_time(fields),
        on_grid=_on_grid(fields),
        discharge_allowed=_discharge_allowed(fields),
        backup_soc=None if (buffer := fields.number("BackupBuffer", 0, 100)) is None else buffer / 100,
        reasons=_reasons(fields),
    )


def status_object(body: bytes, where: str) -> JsonObject:
    """Return the JSON object of a status; raise where it holds a return code, an error or nothing instead."""
    value = parse_json(body, where)
    if not isinstance(value, dict):
        msg = f"{where}: a JSON object is expected, not {excerpt(value)}. Is this address the battery's?"
        raise DeviceProtocolError(msg)
    if not value:
        msg = (
            f"{where}: the status is empty, as some firmwares answer without a valid token. "
            "Check that the API is enabled and, for V2, the token (battery.token_file)."
        )
        raise DeviceUnauthorized(msg)
    if "ReturnCode" in value and "USOC" not in value:
        raise _instead_of_status(value, where)
    return value


def turned_round(power_w: float | None) -> float | None:
    """Return a power with the opposite sign, None for None; never -0.0 [W]."""
    return None if power_w is None else 0.0 - power_w


def device_time(fields: Fields) -> datetime | None:
    """Return the device's own clock, naive; None where it is missing or unreadable."""
    value = fields.values.get("Timestamp")
    try:
        return datetime.fromisoformat(value.strip()).replace(tzinfo=None) if isinstance(value, str) else None
    except ValueError:
        return None


def _instead_of_status(value: JsonObject, where: str) -> DeviceError:
    try:
        refuse_return_code(value["ReturnCode"], where)
    except DeviceError as error:
        return error
    return DeviceProtocolError(f"{where}: a return code in place of the status. Check the firmware's API version.")


def _magnitude_w(fields: Fields, key: str, plausible_power_w: float) -> float:
    return max(0.0, fields.needed_number(key, -STANDBY_W, plausible_power_w))


def _mode(fields: Fields) -> OperatingMode:
    code = fields.text("OperatingMode")
    return OperatingMode.UNKNOWN if code is None else MODES.get(code, OperatingMode.OTHER)


def _on_grid(fields: Fields) -> bool | None:
    state = fields.text("SystemStatus")
    if state is not None:
        return {"ongrid": True, "offgrid": False}.get(state.lower())
    return False if fields.number("Uac", 0, 1000) == 0 else None


def _discharge_allowed(fields: Fields) -> bool | None:
    forbidden = fields.flag("dischargeNotAllowed")
    return None if forbidden is None else not forbidden


def _reasons(fields: Fields) -> tuple[str, ...]:
    """Return a system status that is neither on nor off the grid (``Config``, ``Critical Error``)."""
    state = fields.text("SystemStatus")
    if state is None or state.lower() in ("ongrid", "offgrid"):
        return ()
    return (f"SystemStatus {excerpt(state)}",)
