"""The sonnenBatterie's second REST interface: port 80, with a token (the device's own page "JSON API")."""

from __future__ import annotations

import re

from optimizer.clock import Clock
from optimizer.devices.http import BoundedHttp, Reply
from optimizer.devices.latest_data import LatestData, parse_latest_data
from optimizer.devices.port import Capabilities
from optimizer.devices.replies import acknowledged_mode, acknowledged_setpoint, refuse_failure
from optimizer.devices.safe_sequence import Direction, SafeSequence
from optimizer.devices.sequenced import Sequenced
from optimizer.devices.status import DEFAULT_PLAUSIBLE_POWER_W, parse_status
from optimizer.domain.measurement import Measurement, OperatingMode
from optimizer.errors import InvalidRequestPath

_DISABLED = (
    "the battery does not know this path. Its API is probably disabled: enable Read API and Write API on its own page "
    "under Software-Integration"
)


class SonnenV2(Sequenced):
    """A sonnenBatterie by its V2 interface.

    Parameters
    ----------
    host, port
        Where it is.
    token
        The ``Auth-Token``; see :func:`optimizer.devices.tokens.read_token`. Appears in no message and no ``repr``.
    clock
        For the time of a measurement.
    hand_back_mode
        Mode that the owner wants the battery left in.
    deadline_s
        Longest time of one HTTP call; a read makes two [s].
    plausible_power_w
        Largest power to believe [W].

    Raises
    ------
    ValueError
        If the host, the port, the token, the deadline or the mode make no sense.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int = 80,
        token: str,
        clock: Clock,
        hand_back_mode: OperatingMode = OperatingMode.AUTOMATIC,
        deadline_s: float = 5.0,
        plausible_power_w: float = DEFAULT_PLAUSIBLE_POWER_W,
    ) -> None:
        if not re.fullmatch(r"[\x21-\x7e]+", token):
            raise ValueError("the token must be printable ASCII without blanks: check battery.token_file")
        self._http = BoundedHttp(host=host, port=port, deadline_s=deadline_s, secret_headers={"Auth-Token": token})
        self._clock = clock
        self._plausible_power_w = plausible_power_w
        self._capabilities = Capabilities(can_set_mode=True, hand_back_mode=hand_back_mode, echoes_setpoint=True)
        self._sequence = SafeSequence(self, clock=clock, can_set_mode=True, hand_back_mode=hand_back_mode)

    def __repr__(self) -> str:
        return f"<{self.name}>"

    @property
    def name(self) -> str:
        """Return driver and address."""
        return f"sonnen_v2 at {self._http.address}"

    @property
    def capabilities(self) -> Capabilities:
        """Return what it can be asked for: everything."""
        return self._capabilities

    def read(self) -> Measurement:
        """Return the present status, with the setpoint as the device has it and why it does not follow.

        Two calls: ``GET /api/v2/status`` and ``GET /api/v2/latestdata``.

        Raises
        ------
        DeviceError
            If one of them could not be had or does not make sense.
        """
        at, elapsed_s = self._clock.now(), self._clock.elapsed()
        reply = self._get("/api/v2/status")
        status = parse_status(reply.body, reply.where, plausible_power_w=self._plausible_power_w)
        latest = self._latest_data()
        self._sequence.saw(status.mode)
        return status.measurement(
            at=at,
            elapsed_s=elapsed_s,
            reported_setpoint_w=latest.setpoint_w,
            discharge_allowed=latest.discharge_allowed,
            reasons=latest.reasons,
        )

    def set_watts(self, direction: Direction, watts: int) -> None:
        """Store a setpoint (``POST /api/v2/setpoint/charge/1000``), without regard to order.

        Parameters
        ----------
        direction
            What to do.
        watts
            AC power, >= 0 [W].
        """
        reply = self._http.request("POST", f"/api/v2/setpoint/{direction}/{watts}")
        acknowledged_setpoint(reply, absent=_DISABLED)

    def set_mode(self, code: str) -> None:
        """Change the operating mode (``PUT /api/v2/configurations``), without regard to order."""
        reply = self._http.request("PUT", "/api/v2/configurations", form={"EM_OperatingMode": code})
        acknowledged_mode(reply, code, absent=_DISABLED)

    def _get(self, path: str) -> Reply:
        reply = self._http.request("GET", path)
        refuse_failure(reply, absent=_DISABLED)
        return reply

    def _latest_data(self) -> LatestData:
        try:
            reply = self._get("/api/v2/latestdata")
        except InvalidRequestPath:
            return LatestData()  # older firmware has a status but no latestdata
        return parse_latest_data(reply.body, reply.where, plausible_power_w=self._plausible_power_w)
