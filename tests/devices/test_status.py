"""What a status means: every recorded payload, every sign, every nonsense."""

from __future__ import annotations

import json
import math
from dataclasses import astuple
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.devices.latest_data import parse_latest_data
from optimizer.devices.status import MODES, Status, parse_status
from optimizer.domain.measurement import Measurement, OperatingMode
from optimizer.errors import (
    DeviceError,
    DeviceInternalError,
    DeviceProtocolError,
    DeviceUnauthorized,
    InvalidHttpMethod,
    InvalidRequestPath,
)
from support import status_payloads as payloads
from support.status_payloads import changed, without

WHERE = "GET http://192.168.33.185:8080/api/v1/status"


def parse(body: bytes) -> Status:
    return parse_status(body, WHERE)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        # consumption, production, battery power (+ charging), state of charge, grid power (+ importing)
        pytest.param(payloads.HOMEBRIDGE_2021, (270, 669, 344, 0.26, -77), id="D-charging-exporting"),
        pytest.param(payloads.ECO8_2022, (407, 0, -371, 0.77, 35), id="F-discharging-importing"),
        pytest.param(payloads.ECOLINX_2023, (0, 1792, 1800, 0.49, -196), id="G-us"),
        pytest.param(payloads.SB10_2021, (719, 0, -687, 0.82, 35), id="J"),
        pytest.param(payloads.SB10_2022, (436, 64, -329, 0.73, 28), id="K"),
        pytest.param(payloads.THREE_PHASE_2023, (560, 2525, 5, 1.0, -1960), id="L-three-phase-full"),
    ],
)
def test_recorded_payloads_are_read_in_the_projects_signs(body: bytes, expected: tuple[float, ...]) -> None:
    """Every complete recording is read; power into the battery and out of the grid is positive."""
    status = parse(body)
    powers = (status.consumption_w, status.production_w, status.battery_power_w, status.soc, status.grid_power_w)
    assert powers == pytest.approx(expected)
    assert status.mode is OperatingMode.AUTOMATIC
    assert status.on_grid is True
    assert isinstance(status.device_time, datetime)


@pytest.mark.parametrize(
    ("forbids", "besides", "allowed"),
    [(None, None, None), (None, False, False), (None, True, True), (True, True, False), (False, False, True)],
)
def test_a_measurement_holds_all_that_was_told(
    *, forbids: bool | None, besides: bool | None, allowed: bool | None
) -> None:
    """What another source says of discharging counts where the status says nothing; its reasons come after."""
    body = changed(
        dischargeNotAllowed=forbids, SystemStatus="Config", Uac=0, BackupBuffer=20, Timestamp="2022-05-01 10:00:00"
    )
    at = datetime(2022, 5, 1, 8, 0, 1, tzinfo=UTC)
    measured = parse(body).measurement(
        at=at, elapsed_s=77.0, reported_setpoint_w=-400.0, discharge_allowed=besides, reasons=("BMS",)
    )
    assert measured == Measurement(
        at=at,
        elapsed_s=77.0,
        consumption_w=407.0,
        production_w=0.0,
        battery_power_w=-371.0,
        soc=0.77,
        reported_grid_power_w=35.0,
        mode=OperatingMode.AUTOMATIC,
        device_time=datetime(2022, 5, 1, 10, 0),  # noqa: DTZ001 - the device's clock has no zone
        on_grid=None,
        discharge_allowed=allowed,
        backup_soc=0.2,
        reported_setpoint_w=-400.0,
        reasons=("SystemStatus 'Config'", "BMS"),
    )
    off = parse(changed(SystemStatus="OffGrid")).measurement(at=at, elapsed_s=77.0)
    assert (off.on_grid, off.reasons, off.reported_setpoint_w) == (False, (), None)


def test_documents_own_sample_is_read() -> None:
    """The sample of the user's document, space in the key and all zeros, is a status: 151 bytes, no sign on zero."""
    assert len(payloads.DOCUMENT) == 151
    status = parse(payloads.DOCUMENT)
    assert (status.consumption_w, status.production_w, status.soc) == (0, 0, 0)
    assert math.copysign(1, status.battery_power_w) == 1
    assert status.grid_power_w is None
    assert status.mode is OperatingMode.UNKNOWN
    assert status.device_time == datetime(2016, 6, 13, 11, 52, 20)  # noqa: DTZ001 - the device's clock has no zone
    assert status.discharge_allowed is None
    assert status.backup_soc is None


def test_key_with_the_underscore_wins() -> None:
    """Where both spellings of the battery's power are there, the one that real firmware sends is read."""
    assert parse(changed(**{"Pac total_W": 9})).battery_power_w == -371


def test_numbers_as_strings_are_numbers() -> None:
    """Firmwares that quote their numbers are understood."""
    status = parse(changed(Consumption_W="407", Pac_total_W=" -12.20 ", USOC="13.0", GridFeedIn_W="1e2"))
    assert (status.consumption_w, status.battery_power_w, status.soc) == (407, 12.2, 0.13)
    assert status.grid_power_w == -100


@pytest.mark.parametrize("key", ["Consumption_W", "Production_W", "Pac_total_W", "USOC"])
@pytest.mark.parametrize("value", [None, True, False, "", "abc", "nan", "1_000", "\u0661", [], {}, 10**400, 1e300])
def test_needed_value_must_be_a_sound_number(key: str, value: object) -> None:
    """A needed value that is no number in range is an error that names the key and what was expected."""
    with pytest.raises(DeviceProtocolError, match=rf"{key} .*expected a number from") as caught:
        parse(changed(**{key: value}))
    assert WHERE in str(caught.value)


@pytest.mark.parametrize("key", ["Consumption_W", "Production_W", "Pac_total_W", "USOC"])
def test_missing_value_is_never_zero(key: str) -> None:
    """A needed key that is missing is an error."""
    with pytest.raises(DeviceProtocolError, match=f"{key} is missing"):
        parse(without(key))


@pytest.mark.parametrize("soc", [-1, 101, 255, "101"])
def test_state_of_charge_out_of_range(soc: object) -> None:
    """A state of charge outside 0 to 100 is refused, not clamped."""
    with pytest.raises(DeviceProtocolError, match=r"USOC .*from 0 to 100"):
        parse(changed(USOC=soc))


@pytest.mark.parametrize("key", ["Consumption_W", "Production_W", "Pac_total_W", "GridFeedIn_W"])
def test_implausible_power(key: str) -> None:
    """200 kW are not believed of a home, unless the bound is raised."""
    with pytest.raises(DeviceProtocolError, match=f"{key} is 200000"):
        parse(changed(**{key: 200_000}))
    assert parse_status(changed(**{key: 200_000}), WHERE, plausible_power_w=250e3)


def test_night_production_below_zero_is_the_inverters_standby() -> None:
    """A few watts below zero are zero; more is a meter the wrong way round."""
    assert parse(changed(Production_W=-5)).production_w == 0
    assert parse(changed(Consumption_W=-5)).consumption_w == 0
    with pytest.raises(DeviceProtocolError, match="Production_W is -3000"):
        parse(changed(Production_W=-3000))


@pytest.mark.parametrize(
    "key", ["GridFeedIn_W", "OperatingMode", "Timestamp", "SystemStatus", "dischargeNotAllowed", "BackupBuffer"]
)
def test_other_keys_may_be_missing_or_null(key: str) -> None:
    """Everything else may be missing, null or blank, and is then None."""
    for body in (without(key), changed(**{key: None}), changed(**{key: "  "})):
        status = parse(body)
        absent = {
            "GridFeedIn_W": status.grid_power_w,
            "OperatingMode": None if status.mode is OperatingMode.UNKNOWN else status.mode,
            "Timestamp": status.device_time,
            "SystemStatus": status.on_grid,
            "dischargeNotAllowed": status.discharge_allowed,
            "BackupBuffer": status.backup_soc,
        }
        assert absent[key] is None


@pytest.mark.parametrize(("code", "mode"), [*MODES.items(), (1, OperatingMode.MANUAL), ("11", OperatingMode.OTHER)])
def test_operating_modes(code: object, mode: OperatingMode) -> None:
    """The mode is read from text or number; a mode we do not know is not taken for one we do."""
    assert parse(changed(OperatingMode=code)).mode is mode


@pytest.mark.parametrize(
    ("state", "voltage", "on_grid"),
    [
        ("OnGrid", 0, True),
        ("OffGrid", 230, False),
        (None, 0, False),
        (None, 230, None),
        (None, None, None),
        ("Config", 0, None),
    ],
)
def test_on_grid(state: object, voltage: object, on_grid: bool | None) -> None:
    """The system status decides; without it no voltage means no grid, and any voltage proves nothing."""
    assert parse(changed(SystemStatus=state, Uac=voltage)).on_grid is on_grid


def test_other_system_status_is_shown() -> None:
    """A state that is neither on nor off the grid is passed on in the device's own words."""
    assert parse(changed(SystemStatus="Critical Error")).reasons == ("SystemStatus 'Critical Error'",)
    assert parse(payloads.ECO8_2022).reasons == ()


def test_battery_care_and_reserve() -> None:
    """Battery care and the reserve are read."""
    status = parse(changed(dischargeNotAllowed=True, BackupBuffer="20"))
    assert status.discharge_allowed is False
    assert status.backup_soc == 0.2
    assert parse(changed(dischargeNotAllowed="0")).discharge_allowed is True


def test_battery_that_is_not_installed() -> None:
    """A battery that says it is not installed has no values to use."""
    with pytest.raises(DeviceProtocolError, match="not commissioned"):
        parse(changed(IsSystemInstalled=0))


@pytest.mark.parametrize("text", ["0000-00-00 00:00:00", "yesterday", 17])
def test_unreadable_device_clock_is_missing(text: object) -> None:
    """The device's clock serves one check alone, so an unreadable one does not cost the reading."""
    assert parse(changed(Timestamp=text)).device_time is None


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (5, InvalidRequestPath),
        ("13", DeviceInternalError),
        ("16", InvalidHttpMethod),
        (0, DeviceProtocolError),
        ("99", DeviceError),
        ([], DeviceError),
    ],
)
def test_return_code_in_place_of_the_status(code: object, error: type[DeviceError]) -> None:
    """A return code where the status should be is the code's own error."""
    with pytest.raises(error) as caught:
        parse(json.dumps({"ReturnCode": code}).encode())
    assert str(caught.value).startswith(f"{WHERE}: ")


def test_a_return_code_of_success_in_place_of_the_status_is_told() -> None:
    """Nothing failed, and nothing was told."""
    with pytest.raises(DeviceProtocolError) as caught:
        parse(b'{"ReturnCode": 0}')
    assert str(caught.value) == f"{WHERE}: a return code in place of the status. Check the firmware's API version."


def test_a_return_code_beside_the_status_is_no_error() -> None:
    """The values are there."""
    assert parse(changed(ReturnCode=13)).soc == 0.77


def test_empty_object_hints_at_the_token() -> None:
    """Older firmware answers an empty object where it should say unauthorized."""
    with pytest.raises(DeviceUnauthorized) as caught:
        parse(b"{}")
    assert str(caught.value) == (
        f"{WHERE}: the status is empty, as some firmwares answer without a valid token. "
        "Check that the API is enabled and, for V2, the token (battery.token_file)."
    )


def test_what_is_no_object_is_named() -> None:
    """By what it is; and whether that is the battery is asked."""
    with pytest.raises(DeviceProtocolError) as caught:
        parse(b"[17]")
    assert str(caught.value) == f"{WHERE}: a JSON object is expected, not a list. Is this address the battery's?"


@pytest.mark.parametrize(("key", "most"), [("BackupBuffer", 100), ("Uac", 1000)])
def test_the_most_that_can_be_true(key: str, most: int) -> None:
    """One more is an error."""
    assert parse(changed(SystemStatus=None, **{key: most})).soc == 0.77
    with pytest.raises(DeviceProtocolError, match=key):
        parse(changed(SystemStatus=None, **{key: most + 1}))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b"<html><body>404</body></html>", "web page.*disabled"),
        (payloads.ECO8_2022[:200], "not sound JSON"),
        (b"\xff\xfe", "not sound JSON"),
        (b"[]", "object"),
        (b"null", "object"),
        (b'"' + b"x" * 1000 + b'"', "object"),
        (b"[" * 60_000, "nested deeper"),
        (b'{"a":' * 10_000, "nested deeper"),
        (payloads.ECO8_2022.replace(b'"USOC":77', b'"USOC":77,"USOC":7'), "'USOC' occurs more than once"),
        (payloads.ECO8_2022.replace(b'"USOC":77', b'"USOC":NaN'), "NaN"),
        (payloads.ECO8_2022.replace(b'"Uac":222', b'"Uac":-Infinity'), "-Infinity"),
        (payloads.ECO8_2022.replace(b'"Pac_total_W":371', b'"Pac_total_W":1e999'), "not finite"),
        (payloads.ECO8_2022.replace(b'"USOC":77', b'"USOC":' + b"9" * 5000), "not sound JSON"),
        (b'{"\\ud800": 1}', "Consumption_W is missing"),
    ],
)
def test_broken_json(body: bytes, message: str) -> None:
    """What is not sound JSON is an error that says so and shows the start of what came, printable."""
    with pytest.raises(DeviceProtocolError, match=message) as caught:
        parse(body)
    assert str(caught.value).startswith(f"{WHERE}: ")
    assert str(caught.value).isascii()
    assert len(str(caught.value)) < 500


def test_byte_order_mark_and_blanks_do_no_harm() -> None:
    """A byte order mark, blanks and keys nobody knows do not matter."""
    assert parse(b"\xef\xbb\xbf\r\n" + changed(NVM_REINIT_STATUS=0, New={"a": [1]}) + b"\n").soc == 0.77


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = [*json.loads(payloads.SB10_2021), "Pac total_W", "ReturnCode"]


def sound_or_refused(body: bytes) -> None:
    try:
        status = parse(body)
    except DeviceError:
        return
    numbers = [value for value in astuple(status) if isinstance(value, float)]
    assert all(math.isfinite(number) for number in numbers)
    assert 0 <= status.soc <= 1
    assert min(status.consumption_w, status.production_w) >= 0


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), json_values, max_size=4), st.booleans())
def test_any_json_is_a_sound_status_or_an_error(values: dict[str, object], complete: bool) -> None:
    """Whatever values the keys hold, the result is a sound status or an error of ours."""
    sound_or_refused(changed(**values) if complete else json.dumps(values).encode())


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["SetPoint_W", "ic_status", "ReturnCode"]), json_values), json_values, json_values
)
def test_any_latest_data(values: dict[str, object], priority: object, bits: object) -> None:
    """Whatever latestdata holds, the result is a finite setpoint and printable reasons, or an error of ours."""
    flags = {"ic_status": {"Setpoint Priority": priority, "MISC Status Bits": bits}}
    for content in (values, {**values, **flags}):
        try:
            latest = parse_latest_data(json.dumps(content).encode(), WHERE)
        except DeviceError:
            continue
        assert latest.setpoint_w is None or abs(latest.setpoint_w) <= 100_000
        assert all(reason.isascii() and reason.isprintable() for reason in latest.reasons)


@settings(max_examples=200, deadline=None)
@given(json_values)
def test_any_json_document(value: object) -> None:
    """Whatever JSON comes, the result is a sound status or an error of ours."""
    sound_or_refused(json.dumps(value).encode())


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(0, len(payloads.ECO8_2022)), st.integers(0, 20))
def test_any_bytes(noise: bytes, place: int, cut: int) -> None:
    """Whatever bytes come, alone or in the midst of a status, the result is a sound status or an error of ours."""
    sound_or_refused(noise)
    sound_or_refused(payloads.ECO8_2022[:place] + noise + payloads.ECO8_2022[place + cut :])
