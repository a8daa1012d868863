"""SonnenV1 and SonnenV2: what they send, in which order, and what they make of every answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from optimizer.clock import SimulatedClock
from optimizer.devices.safe_sequence import MODE_KNOWN_FOR_S
from optimizer.devices.sonnen_v1 import SonnenV1
from optimizer.devices.sonnen_v2 import SonnenV2
from optimizer.domain.measurement import OperatingMode
from optimizer.domain.setpoint import Automatic, Power
from optimizer.errors import (
    DeviceError,
    DeviceInternalError,
    DeviceProtocolError,
    DeviceRefused,
    DeviceTimeout,
    DeviceUnauthorized,
    DeviceUnreachable,
    ExternalControl,
    InvalidHttpMethod,
    InvalidRequestPath,
)
from support import status_payloads as payloads
from support.canary import CANARY
from support.device_contract import CLAUSES, Bench, Clause
from support.fake_sonnen import FakeSonnen
from support.hostile_peer import Hang, HostilePeer, Send, answer

TOKEN = CANARY
CHARGE_0, DISCHARGE_0 = "PUT /api/v1/setpoint/charge/0", "PUT /api/v1/setpoint/discharge/0"
MODE_MANUAL, MODE_AUTOMATIC = "GET /api/setting?EM_OperatingMode=1", "GET /api/setting?EM_OperatingMode=2"


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def battery() -> Iterator[FakeSonnen]:
    with FakeSonnen(token=TOKEN) as battery:
        yield battery


@pytest.fixture
def v1(battery: FakeSonnen, clock: SimulatedClock) -> SonnenV1:
    return SonnenV1(host="127.0.0.1", port=battery.port, clock=clock, mode_control=True)


@pytest.fixture
def v1_plain(battery: FakeSonnen, clock: SimulatedClock) -> SonnenV1:
    return SonnenV1(host="127.0.0.1", port=battery.port, clock=clock)


@pytest.fixture
def v2(battery: FakeSonnen, clock: SimulatedClock) -> SonnenV2:
    return SonnenV2(host="127.0.0.1", port=battery.port, token=TOKEN, clock=clock)


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.__name__)
@pytest.mark.parametrize("driver", ["v1", "v1_plain", "v2"])
def test_contract(clause: Clause, driver: str, battery: FakeSonnen, request: pytest.FixtureRequest) -> None:
    """Each driver keeps the contract of every device."""
    device = request.getfixturevalue(driver)
    if driver == "v1_plain":
        battery.mode = "1"  # the owner put it there by hand

    def take_away() -> None:
        gone = (500, b"")
        for version in ("v1", "v2"):
            for path in ("status", "latestdata", "setpoint/charge/0", "setpoint/discharge/0", "configurations"):
                battery.overrides[f"/api/{version}/{path}"] = gone

    clause(Bench(device=device, take_away=take_away))


def test_measurement_is_timed_by_our_clock(v1: SonnenV1, clock: SimulatedClock) -> None:
    """A reading carries our clocks' time, not the device's."""
    clock.advance(7)
    measurement = v1.read()
    assert (measurement.at, measurement.elapsed_s) == (clock.now(), 7)


def test_taking_the_battery_in_the_safe_order(v1: SonnenV1, battery: FakeSonnen) -> None:
    """Zero both, set manual, then the watts: what was stored must not come to life on entering."""
    battery.setpoint_w = 3000
    v1.read()
    v1.apply(Power(-1500.4))
    assert battery.writes == [CHARGE_0, DISCHARGE_0, MODE_MANUAL, "PUT /api/v1/setpoint/discharge/1500"]


def test_watts_alone_while_known_to_be_manual(v1: SonnenV1, battery: FakeSonnen) -> None:
    """In manual mode by the latest read one request is enough, in either direction."""
    battery.mode = "1"
    v1.read()
    v1.apply(Power(800))
    v1.apply(Power(-800))
    assert battery.writes == ["PUT /api/v1/setpoint/charge/800", "PUT /api/v1/setpoint/discharge/800"]


def test_idle_is_both_at_zero(v1_plain: SonnenV1, battery: FakeSonnen) -> None:
    """Idle zeroes both directions, as the maker's own note asks; less than half a watt is idle."""
    v1_plain.apply(Power(0.4))
    v1_plain.apply(Power(-0.0))
    assert battery.writes == [CHARGE_0, DISCHARGE_0] * 2


@pytest.mark.parametrize("seen", ["never", "old", "automatic since", "after a failure", "after a release"])
def test_whole_entry_when_the_mode_is_not_known(
    seen: str, v1: SonnenV1, battery: FakeSonnen, clock: SimulatedClock
) -> None:
    """Nothing is remembered that the latest read does not bear out."""
    battery.mode = "1"
    if seen != "never":
        v1.read()
    match seen:
        case "old":
            clock.advance(MODE_KNOWN_FOR_S + 1)
        case "automatic since":
            battery.mode = "2"
            v1.read()
        case "after a failure":
            battery.overrides["/api/v1/setpoint/charge/5"] = (500, b"")
            with pytest.raises(DeviceInternalError):
                v1.apply(Power(5))
        case "after a release":
            v1.release()
    battery.log.clear()
    v1.apply(Power(100))
    assert battery.writes == [CHARGE_0, DISCHARGE_0, MODE_MANUAL, "PUT /api/v1/setpoint/charge/100"]


def test_entry_stops_where_it_fails(v1: SonnenV1, battery: FakeSonnen) -> None:
    """If zeroing fails the mode is not entered; if the mode is refused no watts are sent."""
    battery.overrides["/api/v1/setpoint/discharge/0"] = (200, b'{"ReturnCode":13}')
    with pytest.raises(DeviceInternalError):
        v1.apply(Power(100))
    assert battery.writes == [CHARGE_0, DISCHARGE_0]
    battery.overrides = {"/api/setting?EM_OperatingMode=1": (200, b'{"EM_OperatingMode":"2"}')}
    with pytest.raises(DeviceRefused, match="asked for operating mode 1, the battery keeps '2'"):
        v1.apply(Power(100))
    assert battery.writes[-1] == MODE_MANUAL


@pytest.mark.parametrize("setpoint", [None, Automatic()])
def test_leaving_in_the_safe_order(setpoint: Automatic | None, v1: SonnenV1, battery: FakeSonnen) -> None:
    """Zero both, then the mode."""
    v1.release() if setpoint is None else v1.apply(setpoint)
    assert battery.writes == [CHARGE_0, DISCHARGE_0, MODE_AUTOMATIC]


def test_leaving_without_a_mode_call(v1_plain: SonnenV1, battery: FakeSonnen) -> None:
    """Where the mode cannot be set, zero is what the battery is brought back to."""
    v1_plain.release()
    v1_plain.apply(Automatic())
    assert battery.writes == [CHARGE_0, DISCHARGE_0] * 2
    assert v1_plain.capabilities.can_set_mode is False


def test_leaving_goes_on_past_a_refusal(v1: SonnenV1, battery: FakeSonnen) -> None:
    """A refused zero does not keep the mode from being set; the refusal is still told."""
    battery.overrides["/api/v1/setpoint/charge/0"] = (200, b'{"ReturnCode":"13"}')
    with pytest.raises(DeviceInternalError):
        v1.release()
    assert battery.writes == [CHARGE_0, DISCHARGE_0, MODE_AUTOMATIC]


def test_leaving_a_silent_device_ends_at_the_first_deadline(clock: SimulatedClock) -> None:
    """A device that hangs is not asked three times over; the caller tries again."""
    with HostilePeer([[Hang()]]) as peer:
        device = SonnenV1(host="127.0.0.1", port=peer.port, clock=clock, mode_control=True, deadline_s=0.1)
        with pytest.raises(DeviceTimeout):
            device.release()
        assert len(peer.requests) == 1


@pytest.mark.parametrize(
    ("mode", "code"),
    [(OperatingMode.AUTOMATIC, "2"), (OperatingMode.TIME_OF_USE, "10"), (OperatingMode.BACKUP, "7")],
)
def test_owners_mode_on_release(mode: OperatingMode, code: str, battery: FakeSonnen, clock: SimulatedClock) -> None:
    """The battery is left in the mode its owner chose; "automatic" is self-consumption all the same."""
    for device in (
        SonnenV1(host="127.0.0.1", port=battery.port, clock=clock, mode_control=True, hand_back_mode=mode),
        SonnenV2(host="127.0.0.1", port=battery.port, clock=clock, token=TOKEN, hand_back_mode=mode),
    ):
        device.release()
        assert battery.mode == code
        device.apply(Automatic())
        assert battery.mode == "2"


def test_manual_is_no_mode_to_be_left_in(clock: SimulatedClock) -> None:
    """A hand-back into manual mode is refused at construction."""
    with pytest.raises(ValueError, match="handed back to manual"):
        SonnenV1(host="10.0.0.1", clock=clock, hand_back_mode=OperatingMode.MANUAL)


YES = (b'{"ReturnCode":"0"}', b'{"ReturnCode":0}', b'{"ReturnCode": "0"}\n', b"", b" ", b"true")


@pytest.mark.parametrize("body", YES)
@pytest.mark.parametrize("status", ["200 OK", "201 Created"])
def test_answers_that_say_yes(body: bytes, status: str, clock: SimulatedClock) -> None:
    """Return code 0 as text or number, true, or success without a body: all are yes, whatever the content type."""
    with HostilePeer([[Send(answer(body, status=status, content_type="text/html; charset=UTF-8"))]]) as peer:
        SonnenV1(host="127.0.0.1", port=peer.port, clock=clock).apply(Power(1000))
    assert peer.requests[0].startswith(b"PUT /api/v1/setpoint/charge/1000 HTTP/1.1\r\n")


@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request", "404 Not Found", "500 Internal Server Error"])
@pytest.mark.parametrize(
    ("code", "error", "meaning"),
    [
        (5, InvalidRequestPath, "does not know this path"),
        (13, DeviceInternalError, "failed inside"),
        (16, InvalidHttpMethod, "does not accept this HTTP method"),
        (7, DeviceRefused, "does not know"),
    ],
)
@pytest.mark.parametrize("written", ['{"ReturnCode":"%d"}', '{"ReturnCode":%d}'])
def test_return_codes(
    *, status: str, code: int, error: type[DeviceError], meaning: str, written: str, clock: SimulatedClock
) -> None:
    """Every return code is its own error, as text or number, under any HTTP status, for reads and for writes."""
    with HostilePeer([[Send(answer((written % code).encode(), status=status))]]) as peer:
        device = SonnenV1(host="127.0.0.1", port=peer.port, clock=clock)
        for call in (device.read, device.release):
            with pytest.raises(error, match=meaning) as caught:
                call()
            assert type(caught.value) is error
            assert f"return code {code}" in str(caught.value)
            assert f"http://127.0.0.1:{peer.port}/api/v1/" in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "error", "message"),
    [
        ("400 Bad Request", b'{"error":"invalid parameters"}', DeviceRefused, "invalid parameters"),
        ("401 Unauthorized", b'{"error":"Unauthorized"}', DeviceUnauthorized, "token_file"),
        ("403 Forbidden", b'{"error":"VPP has priority"}', ExternalControl, "virtual power plant"),
        ("403 Forbidden", b"", DeviceUnauthorized, "Write API"),
        ("404 Not Found", b"<html>404</html>", InvalidRequestPath, "disabled"),
        ("405 Method Not Allowed", b"", InvalidHttpMethod, "method"),
        ("409 Conflict", b"", DeviceRefused, "refuses"),
        ("429 Too Many Requests", b"", DeviceRefused, "poll_interval"),
        ("500 Internal Server Error", b'{"error":"internal server error"}', DeviceInternalError, "failed inside"),
        ("501 Not Implemented", b"", DeviceInternalError, "failed inside"),
        ("502 Bad Gateway", b"<html>nginx</html>", DeviceUnreachable, "restarting"),
        ("503 Unavailable", b"", DeviceUnreachable, "restarting"),
        ("504 Timeout", b"", DeviceUnreachable, "restarting"),
        ("999 What", b"", DeviceProtocolError, "no status"),
        ("200 OK", b"<html>log in</html>", DeviceProtocolError, "web page"),
        ("200 OK", b"{}", DeviceUnauthorized, "token"),
    ],
)
def test_http_statuses(status: str, body: bytes, error: type[DeviceError], message: str, clock: SimulatedClock) -> None:
    """Every HTTP status becomes the narrowest error, told once and not retried, for reads and for writes."""
    with HostilePeer([[Send(answer(body, status=status))]]) as peer:
        device = SonnenV2(host="127.0.0.1", port=peer.port, token=TOKEN, clock=clock)
        for calls, call in enumerate((device.read, lambda: device.apply(Power(100))), start=1):
            with pytest.raises(error, match=message) as caught:
                call()
            assert type(caught.value) is error
            assert len(peer.requests) == calls
            assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"false", DeviceRefused),
        (b'{"error":"x"}', DeviceRefused),
        (b'{"error":"VPP has priority"}', ExternalControl),
        (payloads.ECO8_2022, DeviceProtocolError),
        (b"[]", DeviceProtocolError),
        (b"1", DeviceProtocolError),
    ],
)
def test_answers_that_are_no_yes(body: bytes, error: type[DeviceError], clock: SimulatedClock) -> None:
    """Success by HTTP is not enough where the body says no, or something that is no answer to a setpoint."""
    with HostilePeer([[Send(answer(body))]]) as peer, pytest.raises(error) as caught:
        SonnenV1(host="127.0.0.1", port=peer.port, clock=clock).apply(Power(100))
    assert type(caught.value) is error


@pytest.mark.parametrize("refusal", [(404, b"<html>"), (200, b'{"ReturnCode":"5"}'), (404, b'{"ReturnCode":5}')])
def test_missing_mode_call(refusal: tuple[int, bytes], v1: SonnenV1, battery: FakeSonnen) -> None:
    """A firmware without the mode call is told as such, with the setting to change."""
    battery.overrides["/api/setting?EM_OperatingMode=1"] = refusal
    with pytest.raises(InvalidRequestPath, match=r"battery\.mode_control = false"):
        v1.apply(Power(100))


def test_v2_requests(v2: SonnenV2, battery: FakeSonnen) -> None:
    """V2 zeroes, sets the mode and posts the watts, each as its own page says."""
    v2.read()
    v2.apply(Power(2500))
    v2.release()
    zero = ["POST /api/v2/setpoint/charge/0", "POST /api/v2/setpoint/discharge/0"]
    assert battery.log == [
        "GET /api/v2/status",
        "GET /api/v2/latestdata",
        *zero,
        "PUT /api/v2/configurations EM_OperatingMode=1",
        "POST /api/v2/setpoint/charge/2500",
        *zero,
        "PUT /api/v2/configurations EM_OperatingMode=2",
    ]


def test_v2_echo_and_reasons(v2: SonnenV2, battery: FakeSonnen) -> None:
    """V2 tells the commanded power and, in its own words, why it does not follow."""
    ic_status = {
        "Setpoint Priority": {"BMS": False, "Energy Manager": True, "Full Charge Request": True, "Inverter": None},
        "MISC Status Bits": {"Discharge not allowed": True, "Min User SOC": "true", "Bad\n\u2028name": True},
        "Eclipse Led": {"Pulsing White": True},
    }
    latest = {**json.loads(payloads.LATEST_DATA_2022), "ic_status": ic_status}
    battery.overrides["/api/v2/latestdata"] = (200, json.dumps(latest).encode())
    measurement = v2.read()
    assert measurement.reported_setpoint_w == -370
    assert measurement.discharge_allowed is False
    assert measurement.reasons == (
        "Setpoint Priority: Full Charge Request",
        "MISC Status Bits: Discharge not allowed",
        "MISC Status Bits: Bad??name",
    )


@pytest.mark.parametrize("ic_status", [None, [], "x", {"Setpoint Priority": []}, {"MISC Status Bits": None}])
def test_v2_reasons_of_other_firmware(ic_status: object, v2: SonnenV2, battery: FakeSonnen) -> None:
    """Reasons in a form we do not know cost no reading."""
    battery.overrides["/api/v2/latestdata"] = (200, json.dumps({"SetPoint_W": None, "ic_status": ic_status}).encode())
    measurement = v2.read()
    assert (measurement.reasons, measurement.reported_setpoint_w) == ((), None)


def test_v2_without_latest_data(v2: SonnenV2, battery: FakeSonnen) -> None:
    """Older firmware without latestdata is read all the same; any other failure of it is not hidden."""
    battery.overrides["/api/v2/latestdata"] = (404, b"")
    assert v2.read().reported_setpoint_w is None
    battery.overrides["/api/v2/latestdata"] = (401, b"")
    with pytest.raises(DeviceUnauthorized):
        v2.read()


def test_v2_wrong_token_is_told_without_showing_it(battery: FakeSonnen, clock: SimulatedClock) -> None:
    """A wrong token is one refused call; neither message nor repr shows it."""
    device = SonnenV2(host="127.0.0.1", port=battery.port, token="not-the-token", clock=clock)
    with pytest.raises(DeviceUnauthorized) as caught:
        device.release()
    assert "not-the-token" not in f"{caught.value!r}{device!r}{device.name}"


@pytest.mark.parametrize("token", ["", "a b", "a\r\nb", "\u00fc"])
def test_v2_token_that_cannot_be_a_header(token: str, clock: SimulatedClock) -> None:
    """A token that would break the request is refused, and not quoted."""
    with pytest.raises(ValueError, match="token_file"):
        SonnenV2(host="10.0.0.1", token=token, clock=clock)


def test_names(v1: SonnenV1, v2: SonnenV2, battery: FakeSonnen) -> None:
    """Devices are named by driver and address."""
    assert v1.name == f"sonnen_v1 at 127.0.0.1:{battery.port}"
    assert v2.name == f"sonnen_v2 at 127.0.0.1:{battery.port}"
