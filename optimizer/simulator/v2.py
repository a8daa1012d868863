"""The V2 face, port 80: token, configurations, setpoint by POST, and the reasons the unit gives for not obeying."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.devices.simulated.schedule import parse_schedule
from optimizer.simulator.firmware import Firmware, status
from optimizer.simulator.v2_data import battery_data, inverter_data, latest_data, powermeter_data
from optimizer.simulator.wire import Request, Response, html_response, json_response

_SETPOINT = re.compile(r"/api/v2/setpoint/(charge|discharge)/([^/]*)/?")
_CONFIGURATION = re.compile(r"/api/v2/configurations/([A-Za-z0-9_]+)/?")
_TYPED = {
    "EM_USOC": re.compile(r"0|[5-9]|[1-9]\d|100"),
    "EM_Prognosis_Charging": re.compile(r"[01]"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class V2Options:
    """How this unit's V2 face behaves."""

    write_enabled: bool = True
    """Whether the owner enabled "Write API"."""
    status_needs_token: bool = True
    """Sources contradict each other; the unit's own page lists 401 for it."""
    unauthorized_is_empty: bool = False
    """Old units answer ``{}`` instead of 401."""
    setpoint_status: int = 201
    """201 since 2024, 200 before."""


class V2Face:
    """Answers V2 requests for a house.

    Parameters
    ----------
    house
        What is read and commanded.
    firmware
        Which keys the status has.
    token
        What ``Auth-Token`` must hold; None: the interface is switched off.
    options
        How the unit behaves.
    """

    def __init__(
        self, house: SimulatedHouse, *, firmware: Firmware, token: str | None, options: V2Options | None = None
    ) -> None:
        self._house = house
        self._token = token
        self.firmware = firmware
        self.options = options or V2Options()
        self._stored = {"EM_Prognosis_Charging": "0"}

    def answer(self, request: Request) -> Response:
        """Return the response to a request, its effect done."""
        if self._token is None:
            return html_response(404, "Not Found")
        path = request.path.rstrip("/")
        if not self._is_authorized(request, path):
            return json_response({}) if self.options.unauthorized_is_empty else _error(401, "Unauthorized")
        if request.method != "GET" and not self.options.write_enabled:
            return _error(403, "Forbidden")
        return self._route(request, path)

    def _route(self, request: Request, path: str) -> Response:
        if path == "/api/v2/status":
            return _read_only(request, status(self._house.reading(), self.firmware))
        if (told := self._told(path.removeprefix("/api/v2/"))) is not None:
            return _read_only(request, told)
        if path == "/api/v2/configurations":
            return self._configurations(request)
        if name := _CONFIGURATION.fullmatch(path):
            return self._configuration(request, name[1])
        if setpoint := _SETPOINT.fullmatch(path):
            return self._setpoint(request, setpoint[1], setpoint[2])
        return html_response(404, "Not Found")

    def _told(self, what: str) -> Any:
        """Return what a path that only tells something answers; None where there is no such path."""
        house = self._house
        match what:
            case "latestdata":
                return latest_data(house.reading(), house.parameters)
            case "battery":
                return battery_data(house.reading(), house.parameters)
            case "inverter":
                return inverter_data(house.reading())
            case "powermeter":
                return powermeter_data(house.reading())
            case "io":
                return {}  # the path is documented; what it answers was never recorded
        return None

    def _is_authorized(self, request: Request, path: str) -> bool:
        if path == "/api/v2/status" and not self.options.status_needs_token:
            return True
        given = request.headers.get("auth-token", "")
        return hmac.compare_digest(given.encode(), (self._token or "").encode())

    def _setpoint(self, request: Request, direction: str, value: str) -> Response:
        if request.method != "POST":
            return html_response(405, "Method Not Allowed")
        if not re.fullmatch(r"\d{1,9}", value, re.ASCII):
            return _error(400, "invalid parameters")
        if self._house.vpp_active:
            return _error(403, "VPP has priority")
        watts = float(value)
        self._house.command(watts if direction == "charge" else 0.0 - watts)
        return json_response(True, status=self.options.setpoint_status)

    # -- configurations --------------------------------------------------------------------------------------------

    def configurations(self) -> dict[str, str]:
        """Return every configuration; all values are text."""
        reading, battery = self._house.reading(), self._house.parameters.battery
        count = self._house.parameters.modules
        values = {
            "CM_MarketingModuleCapacity": str(round(battery.usable_capacity_wh / count)),
            "DE_Software": "1.13.6",
            "EM_OperatingMode": str(int(reading.mode)),
            "EM_ToU_Schedule": self._house.time_of_use,
            "EM_USOC": str(round(100 * reading.backup_soc)),
            "IC_BatteryModules": str(count),
            "IC_InverterMaxPower_w": str(round(max(battery.max_charge_w, battery.max_discharge_w))),
        }
        return dict(sorted((values | self._stored).items()))

    def _configuration(self, request: Request, name: str) -> Response:
        values = self.configurations()
        if name not in values:
            return _error(400, "invalid parameters")
        return _read_only(request, {name: values[name]})

    def _configurations(self, request: Request) -> Response:
        if request.method == "GET":
            return json_response(self.configurations())
        if request.method != "PUT":
            return html_response(405, "Method Not Allowed")
        changes = _parameters(request)
        if not changes or not all(self._is_valid(name, value) for name, value in changes.items()):
            return _error(400, "invalid parameters")
        if "EM_OperatingMode" in changes and self._house.vpp_active:
            return _error(403, "VPP has priority")
        for name, value in changes.items():
            self._change(name, value)
        return json_response(dict(changes))

    @staticmethod
    def _is_valid(name: str, value: str) -> bool:
        if name == "EM_OperatingMode":
            return value in {str(int(mode)) for mode in DeviceMode}
        if name == "EM_ToU_Schedule":
            return _is_schedule(value)
        return name in _TYPED and _TYPED[name].fullmatch(value) is not None

    def _change(self, name: str, value: str) -> None:
        if name == "EM_OperatingMode":
            mode = DeviceMode(int(value))
            # The old American self-consumption turns into the common one.
            self._house.set_mode(DeviceMode.AUTOMATIC if mode is DeviceMode.SELF_CONSUMPTION_US else mode)
        elif name == "EM_USOC":
            self._house.set_backup_soc(int(value) / 100)
        elif name == "EM_ToU_Schedule":
            self._house.set_time_of_use(value)
        else:
            self._stored[name] = value


def _parameters(request: Request) -> Mapping[str, str]:
    """Return the parameters of a PUT: form fields, or a JSON object as several clients send it."""
    if "json" not in request.headers.get("content-type", ""):
        return dict(parse_qsl(request.body, keep_blank_values=True))
    try:
        values = json.loads(request.body)
    except (ValueError, RecursionError):
        return {}
    return {str(name): str(value) for name, value in values.items()} if isinstance(values, dict) else {}


def _is_schedule(text: str) -> bool:
    try:
        parse_schedule(text)
    except ValueError:
        return False
    return True


def _read_only(request: Request, value: Any) -> Response:
    return json_response(value) if request.method == "GET" else html_response(405, "Method Not Allowed")


def _error(code: int, words: str) -> Response:
    return json_response({"error": words}, status=code)
