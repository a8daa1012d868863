"""The V1 face, port 8080: the user's document, corrected by what public clients do."""

from __future__ import annotations

import re

from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.simulator.firmware import Firmware, status
from optimizer.simulator.quirks import Quirks
from optimizer.simulator.return_codes import ReturnCode, coded
from optimizer.simulator.wire import Request, Response, json_response

_STATUS = re.compile(r"/api/v1/status/?")
_STATUS_ALIAS = re.compile(r"/api/status/?")
_SETPOINT = re.compile(r"/api/v1/setpoint/(charge|discharge)/([^/]*)/?")
_SETTING = re.compile(r"/api/setting/?")


class V1Face:
    """Answers V1 requests for a house.

    Parameters
    ----------
    house
        What is read and commanded.
    firmware
        Which keys the status has.
    quirks
        Which way the open points of the document go.
    """

    def __init__(self, house: SimulatedHouse, *, firmware: Firmware, quirks: Quirks) -> None:
        self._house = house
        self.firmware = firmware
        self.quirks = quirks

    def answer(self, request: Request) -> Response:
        """Return the response to a request, its effect done."""
        path = request.path if self.quirks.strict_path_case else request.path.lower()
        if _STATUS.fullmatch(path) or (self.quirks.status_alias and _STATUS_ALIAS.fullmatch(path)):
            return self._status() if request.method == "GET" else self.coded(ReturnCode.INVALID_METHOD)
        if setpoint := _SETPOINT.fullmatch(path):
            return self._setpoint(request.method, setpoint[1], setpoint[2])
        if self.quirks.mode_control and _SETTING.fullmatch(path):
            return self._setting(request)
        return self.coded(ReturnCode.INVALID_PATH)

    def coded(self, code: ReturnCode) -> Response:
        """Return the reply that carries a return code, in this unit's style."""
        return coded(code, self.quirks.error_style, as_number=self.quirks.code_as_number)

    def _status(self) -> Response:
        return json_response(self.quirks.dress(status(self._house.reading(), self.firmware)))

    def _setpoint(self, method: str, direction: str, value: str) -> Response:
        if method != "PUT" and not (method == "GET" and self.quirks.setpoint_get):
            return self.coded(ReturnCode.INVALID_METHOD)
        if re.fullmatch(r"\d{1,9}", value, re.ASCII):
            watts = float(value)
            self._house.command(watts if direction == "charge" else 0.0 - watts)
        elif not self.quirks.acknowledges_garbage:
            return self.coded(ReturnCode.INVALID_PATH)
        return self.coded(ReturnCode.RECEIVED)

    def _setting(self, request: Request) -> Response:
        """Take the undocumented settings; the reply echoes them."""
        if request.method not in {"GET", "PUT"}:
            return self.coded(ReturnCode.INVALID_METHOD)
        try:
            if "EM_OperatingMode" in request.query:
                return self._set_mode(DeviceMode(int(request.query["EM_OperatingMode"])))
            if "EM_USOC" in request.query:
                self._house.set_backup_soc(min(100, max(0, int(request.query["EM_USOC"]))) / 100)
            else:
                return self.coded(ReturnCode.INVALID_PATH)
        except ValueError:
            # A value the battery does not know.
            return self.coded(ReturnCode.INTERNAL_ERROR)
        return json_response(dict(request.query))

    def _set_mode(self, mode: DeviceMode) -> Response:
        """Set the mode, unless a virtual power plant has priority; the reply is the mode that then stands."""
        if not self._house.vpp_active:
            self._house.set_mode(mode)
        return json_response({"EM_OperatingMode": str(int(self._house.mode))})
