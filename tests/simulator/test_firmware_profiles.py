"""Key sets and types of recorded payloads, and the switches of a unit."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from optimizer.devices.simulated import recordings
from optimizer.simulator.firmware import Firmware
from optimizer.simulator.quirks import Quirks
from support.simulator import make_house, running_simulator

# Recorded: an eco 8 of 2022 (payload F of the battery-api facts) and a US ecoLinx of 2023 (payload G), complete.
RECORDED_2022 = json.loads(
    '{"Apparent_output":362,"BackupBuffer":"0","BatteryCharging":false,"BatteryDischarging":true,"Consumption_Avg":404,'
    '"Consumption_W":407,"Fac":49.993003845214844,"FlowConsumptionBattery":true,"FlowConsumptionGrid":true,'
    '"FlowConsumptionProduction":false,"FlowGridBattery":false,"FlowProductionBattery":false,'
    '"FlowProductionGrid":false,"GridFeedIn_W":-35,"IsSystemInstalled":1,"OperatingMode":"2","Pac_total_W":371,'
    '"Production_W":0,"RSOC":78,"RemainingCapacity_Wh":4712,"Sac1":362,"Sac2":null,"Sac3":null,'
    '"SystemStatus":"OnGrid","Timestamp":"2022-03-27 19:15:05","USOC":77,"Uac":222,"Ubat":52}'
)
RECORDED_US = json.loads(
    '{"BackupBuffer":"10","BatteryCharging":true,"BatteryDischarging":false,"Consumption_Avg":0,"Consumption_W":0,'
    '"Fac":60,"FlowConsumptionBattery":false,"FlowConsumptionGrid":false,"FlowConsumptionProduction":false,'
    '"FlowGridBattery":true,"FlowProductionBattery":true,"FlowProductionGrid":true,"GridFeedIn_W":196,'
    '"IsSystemInstalled":1,"OperatingMode":"2","Pac_total_W":-1800,"Production_W":1792,"RSOC":52,'
    '"RemainingCapacity_W":5432,"SystemStatus":"OnGrid","Timestamp":"2023-02-09 14:50:32","USOC":49,"Uac":237,'
    '"Ubat":54}'
)


@pytest.mark.parametrize(("firmware", "recorded"), [("2022", RECORDED_2022), ("us", RECORDED_US)])
def test_keys_and_types_are_those_of_the_recorded_payload(firmware: str, recorded: dict[str, object]) -> None:
    """A profile has exactly the recorded keys, in sorted order, each of the recorded type."""
    with running_simulator(firmware=firmware) as simulator:
        status = simulator.status()
    assert {name: type(value) for name, value in status.items()} == {n: type(v) for n, v in recorded.items()}
    assert list(status) == sorted(recorded)


def test_keys_drift_from_firmware_to_firmware() -> None:
    """2020 names the capacity _W and carries the late flags; 2025 names it _Wh and has no single-phase keys."""
    with running_simulator(firmware="2020") as simulator:
        old = set(simulator.status())
    with running_simulator(firmware="2025") as simulator:
        new = set(simulator.status())
    assert {"RemainingCapacity_W", "Sac1", "dischargeNotAllowed"} <= old
    assert {"RemainingCapacity_Wh", "dischargeNotAllowed", "generator_autostart"} <= new
    assert not {"Apparent_output", "Sac1", "RemainingCapacity_W"} & new


@pytest.mark.parametrize("firmware", Firmware)
def test_status_is_compact_sorted_json(firmware: Firmware) -> None:
    """Every profile is compact JSON with sorted keys."""
    with running_simulator(firmware=firmware) as simulator:
        body = simulator.get().body
    compact = json.dumps(json.loads(body), sort_keys=True, separators=(",", ":"))
    assert re.sub(rb'"Fac":[\d.]+', b"", body) == re.sub(r'"Fac":[\d.]+', "", compact).encode()


def test_energy_balance_closes_in_the_integers() -> None:
    """GridFeedIn = Production - Consumption + Pac, but for meter error and rounding."""
    with running_simulator(load_w=612.3, production_w=1834.6) as simulator:
        simulator.put("/api/v1/setpoint/charge/700")
        simulator.clock.advance(30)
        status = simulator.status()
    balance = status["Production_W"] - status["Consumption_W"] + status["Pac_total_W"]
    assert status["GridFeedIn_W"] == pytest.approx(balance, abs=21)


def test_flags_have_a_dead_band() -> None:
    """An idle unit of -5 W calls itself neither charging nor discharging."""
    with running_simulator() as simulator:
        simulator.clock.advance(60)
        status = simulator.status()
    assert status["Pac_total_W"] == -5
    assert (status["BatteryCharging"], status["BatteryDischarging"]) == (False, False)


def test_quirks_dress_the_status() -> None:
    """Null, missing and foreign keys, numbers as text and the doubled capacity come as switched on."""
    quirks = Quirks(
        null_keys=("Uac",), missing_keys=("Fac",), numbers_as_text=True, extra={"Zeta": 1}, capacity_factor=2
    )
    with running_simulator(make_house(initial_soc=1.0), quirks=quirks) as simulator:
        status = simulator.status()
    assert status["Uac"] is None
    assert "Fac" not in status
    assert status["USOC"] == "100"
    assert status["Zeta"] == 1
    assert int(status["RemainingCapacity_Wh"]) == pytest.approx(2 * 10_753, abs=2)


def test_setting_changes_mode_and_backup_buffer_where_it_exists() -> None:
    """The undocumented call sets mode and reserve; on a unit without it the path is invalid."""
    with running_simulator() as simulator:
        assert simulator.get("/api/setting?EM_OperatingMode=2").json == {"EM_OperatingMode": "2"}
        assert simulator.get("/api/setting/?EM_USOC=20").json == {"EM_USOC": "20"}
        status = simulator.status()
        assert (status["OperatingMode"], status["BackupBuffer"]) == ("2", "20")
        assert simulator.get("/api/setting?EM_OperatingMode=99").json == {"ReturnCode": "13"}
    with running_simulator(mode_control=False) as simulator:
        assert simulator.get("/api/setting?EM_OperatingMode=2").json == {"ReturnCode": "5"}


@pytest.mark.parametrize("value", ["-5", "1.5", "abc", "", "1e3", "9999999999999"])
def test_garbage_is_acknowledged_and_ignored(value: str) -> None:
    """What is no whole number of watts is acknowledged, as public clients report, and changes nothing."""
    with running_simulator() as simulator:
        simulator.put("/api/v1/setpoint/charge/800")
        assert simulator.put(f"/api/v1/setpoint/charge/{value}").json == {"ReturnCode": "0"}
        assert simulator.house.setpoint_w == 800
    with running_simulator(quirks=Quirks(acknowledges_garbage=False)) as simulator:
        assert simulator.put(f"/api/v1/setpoint/charge/{value}").json == {"ReturnCode": "5"}


def test_power_beyond_the_inverter_is_accepted_and_clamped() -> None:
    """9 kW are acknowledged; the inverter gives what it can."""
    with running_simulator() as simulator:
        assert simulator.put("/api/v1/setpoint/discharge/9000").json == {"ReturnCode": "0"}
        simulator.clock.advance(30)
        assert simulator.status()["Pac_total_W"] == 4600


def test_setpoint_by_get_can_be_switched_off() -> None:
    """GET sets a setpoint as several clients do, unless the unit takes PUT only."""
    with running_simulator() as simulator:
        assert simulator.get("/api/v1/setpoint/charge/300").json == {"ReturnCode": "0"}
    with running_simulator(quirks=Quirks(setpoint_get=False)) as simulator:
        assert simulator.get("/api/v1/setpoint/charge/300").json == {"ReturnCode": "16"}


def test_attribution_ships_beside_the_recording() -> None:
    """The packaged recording carries its licence and source."""
    (folder,) = recordings.__path__
    text = (Path(folder) / "ATTRIBUTION.md").read_text(encoding="utf-8")
    assert "CC BY 4.0" in text
    assert "Open Power System Data" in text
