"""The sonnenBatterie's first REST interface: port 8080, no token (the user's document)."""

from __future__ import annotations

from optimizer.clock import Clock
from optimizer.devices.http import BoundedHttp
from optimizer.devices.port import Capabilities
from optimizer.devices.replies import acknowledged_mode, acknowledged_setpoint, refuse_failure
from optimizer.devices.safe_sequence import Direction, SafeSequence
from optimizer.devices.sequenced import Sequenced
from optimizer.devices.status import DEFAULT_PLAUSIBLE_POWER_W, parse_status
from optimizer.domain.measurement import Measurement, OperatingMode

_NO_V1 = (
    "the battery does not know this path. Newer firmware may have closed this interface: enable the API on the "
    'battery\'s own page under Software-Integration and use battery.driver = "sonnen_v2"'
)
_NO_MODE_CALL = (
    "this firmware has no mode call. Set battery.mode_control = false and put the battery into manual mode yourself"
)


class SonnenV1(Sequenced):
    """A sonnenBatterie by its V1 interface.

    Paths are always lowercase: the document writes both ``V1`` and ``v1``, every known client sends ``v1``.

    Parameters
    ----------
    host, port
        Where it is.
    clock
        For the time of a measurement.
    mode_control
        Whether to use the mode call ``/api/setting``, which exists on many units but not in the document. Without it
        the owner has to put the battery into manual mode, and zero is all it can be brought back to.
    hand_back_mode
        Mode that the owner wants the battery left in.
    deadline_s
        Longest time of one HTTP call [s].
    plausible_power_w
        Largest power to believe [W].

    Raises
    ------
    ValueError
        If the host, the port, the deadline or the mode make no sense.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int = 8080,
        clock: Clock,
        mode_control: bool = False,
        hand_back_mode: OperatingMode = OperatingMode.AUTOMATIC,
        deadline_s: float = 5.0,
        plausible_power_w: float = DEFAULT_PLAUSIBLE_POWER_W,
    ) -> None:
        self._http = BoundedHttp(host=host, port=port, deadline_s=deadline_s)
        self._clock = clock
        self._capabilities = Capabilities(can_set_mode=mode_control, hand_back_mode=hand_back_mode)
        self._plausible_power_w = plausible_power_w
        self._sequence = SafeSequence(self, clock=clock, can_set_mode=mode_control, hand_back_mode=hand_back_mode)

    def __repr__(self) -> str:
        return f"<{self.name}>"

    @property
    def name(self) -> str:
        """Return driver and address."""
        return f"sonnen_v1 at {self._http.address}"

    @property
    def capabilities(self) -> Capabilities:
        """Return what it can be asked for."""
        return self._capabilities

    def read(self) -> Measurement:
        """Return the present status (``GET /api/v1/status``).

        Raises
        ------
        DeviceError
            If it could not be had or does not make sense.
        """
        at, elapsed_s = self._clock.now(), self._clock.elapsed()
        reply = self._http.request("GET", "/api/v1/status")
        refuse_failure(reply, absent=_NO_V1)
        status = parse_status(reply.body, reply.where, plausible_power_w=self._plausible_power_w)
        self._sequence.saw(status.mode)
        return status.measurement(at=at, elapsed_s=elapsed_s)

    def set_watts(self, direction: Direction, watts: int) -> None:
        """Store a setpoint (``PUT /api/v1/setpoint/charge/1000``), without regard to order.

        Parameters
        ----------
        direction
            What to do.
        watts
            AC power, >= 0 [W].
        """
        reply = self._http.request("PUT", f"/api/v1/setpoint/{direction}/{watts}")
        acknowledged_setpoint(reply, absent=_NO_V1)

    def set_mode(self, code: str) -> None:
        """Change the operating mode by the undocumented call (a GET that writes), without regard to order."""
        reply = self._http.request("GET", f"/api/setting?EM_OperatingMode={code}")
        acknowledged_mode(reply, code, absent=_NO_MODE_CALL)
