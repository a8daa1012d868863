"""``sunshift check``: every check a line, with what to do."""

import json
import shutil
import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from optimizer.cli import check
from optimizer.cli.main import main
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.service.checks.battery import check_device_clock
from optimizer.settings.examples import example_folder
from optimizer.simulator.server import SimulatorServer
from support.demo_scenes import MEASUREMENT
from support.service_bench import TOKEN, house_on_real_time

CONFIG = """
[site]
timezone = "Europe/Berlin"
[battery]
driver = "sonnen_v1"
host = "127.0.0.1"
port = {port}
usable_capacity_wh = 10000
max_charge_w = 4600
max_discharge_w = 4600
[tariff.import]
kind = "fixed"
price_per_kwh = 0.30
[tariff.export]
kind = "fixed"
price_per_kwh = 0.08
[planning]
scenarios = 2
[service]
state_dir = "state"
runtime_dir = "run"
"""


@pytest.fixture
def battery() -> Iterator[SimulatorServer]:
    """Serve a battery that somebody has put into manual mode."""
    with SimulatorServer(house_on_real_time(mode=DeviceMode.MANUAL), token=TOKEN) as server:
        yield server


def checked(capsys: pytest.CaptureFixture[str], folder: Path, port: int) -> tuple[int, dict[str, dict[str, str]]]:
    """Return the exit code and the last finding of each name."""
    config = folder / "sunshift.toml"
    config.write_text(CONFIG.format(port=port))
    code = check.run(Namespace(config=config, json=True))
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] == (code == 0)
    return code, {finding["name"]: finding for finding in told["checks"]}


def test_a_home_that_is_ready(tmp_path: Path, battery: SimulatorServer, capsys: pytest.CaptureFixture[str]) -> None:
    """Battery, tariff, forecast and plan answer; nothing is written to the battery."""
    code, found = checked(capsys, tmp_path, battery.v1_port)
    assert code == 0
    assert {"configuration", "strategy", "clock", "state folder", "runtime folder"} <= set(found)
    assert {found[name]["grade"] for name in ("battery", "balance", "mode", "tariff", "plan")} == {"OK"}
    assert found["forecast"]["grade"] == "WARN"
    assert battery.log.writes == ()


def test_the_time_is_told_at_home_and_held_against_the_batterys_clock(
    tmp_path: Path, battery: SimulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """The battery shows its local time: where another zone is configured it is hours away."""
    _, found = checked(capsys, tmp_path, battery.v1_port)
    assert "in Europe/Berlin" in found["clock"]["message"]
    assert found["device clock"]["grade"] == "OK"


@pytest.mark.parametrize(
    ("minutes", "grade", "message"),
    [
        (0, "OK", "as here, 12:00"),
        (5, "OK", "as here, 12:05"),
        (-5, "OK", "as here, 11:55"),
        (6, "WARN", "the battery says 2026-05-04 12:06, 6 min ahead of 12:00 CEST here"),
        (-60, "WARN", "the battery says 2026-05-04 11:00, 60 min behind 12:00 CEST here"),
    ],
)
def test_a_zone_that_is_not_the_batterys_is_told(minutes: int, grade: str, message: str) -> None:
    """A zone that exists but is not the home's shows nowhere else."""
    at_home = datetime(2026, 5, 4, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    told = at_home.replace(tzinfo=None) + timedelta(minutes=minutes)
    (finding,) = check_device_clock(replace(MEASUREMENT, device_time=told), at_home)
    assert (finding.grade.value, finding.message) == (grade, message)
    assert ("[site] timezone" in finding.advice) == (grade == "WARN")


def test_a_battery_that_tells_no_time_is_held_against_none() -> None:
    """Some firmware leaves it out."""
    at_home = datetime(2026, 5, 4, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    assert list(check_device_clock(replace(MEASUREMENT, device_time=None), at_home)) == []


def test_a_battery_in_the_wrong_mode_fails(
    tmp_path: Path, battery: SimulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the mode cannot be set, automatic mode would ignore every setpoint: that fails, with the way out."""
    battery.house.set_mode(DeviceMode.AUTOMATIC)
    code, found = checked(capsys, tmp_path, battery.v1_port)
    assert code == 1
    assert found["mode"]["grade"] == "FAIL"
    assert "manual" in found["mode"]["advice"]


def test_a_battery_that_is_away_and_a_folder_that_is_closed_are_told_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One failure does not hide the next; what can be checked without the battery is checked."""
    (tmp_path / "state").write_text("a file in the way")
    code, found = checked(capsys, tmp_path, 1)
    assert code == 1
    assert {name for name, finding in found.items() if finding["grade"] == "FAIL"} == {
        "battery",
        "state folder",
        "plan",
    }
    assert found["tariff"]["grade"] == "OK"


def test_text_has_a_line_for_each_finding_and_its_advice(
    tmp_path: Path, battery: SimulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """A person reads grade, name, finding and what to do."""
    config = tmp_path / "sunshift.toml"
    config.write_text(CONFIG.format(port=battery.v1_port))
    assert main(["check", "--config", str(config)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert any(line.startswith("OK   battery: sonnen_v1 at 127.0.0.1") for line in told)
    assert any(line.startswith("     -> ") for line in told)
    assert told[-1] == "Ready."


def test_a_solver_that_cannot_be_loaded_is_found(
    tmp_path: Path, battery: SimulatorServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service would control without plans, and say so; who sets it up learns it before."""
    monkeypatch.setitem(sys.modules, "optimizer.assembly.planner", None)
    monkeypatch.setattr(sys.modules[__name__], "CONFIG", CONFIG + '[strategy]\nname = "time_of_use"\n')
    code, found = checked(capsys, tmp_path, battery.v1_port)
    assert code == 1
    assert "the installation is broken, install sunshift anew" in str(found["plan"])


def test_a_broken_configuration_exits_with_78(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All problems are told, as JSON too."""
    config = tmp_path / "sunshift.toml"
    config.write_text(CONFIG.format(port=70000).replace("4600", "-1"))
    assert main(["check", "--config", str(config), "--json"]) == 78
    said = capsys.readouterr()
    assert len(json.loads(said.out)["problems"]) == said.err.count("\n  ") == 3


def test_the_made_up_prices_of_an_example_are_told_as_that(
    tmp_path: Path, battery: SimulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without prices of this hour it says which time the file covers, and that it is the example's own."""
    text = CONFIG.format(port=battery.v1_port)
    shutil.copy(example_folder() / "example_prices.csv", tmp_path)
    fixed, from_file = 'kind = "fixed"\nprice_per_kwh = 0.30', 'kind = "file"\npath = "example_prices.csv"'
    config = tmp_path / "sunshift.toml"
    config.write_text(text.replace(fixed, from_file))
    assert check.run(Namespace(config=config, json=True)) == 1
    (tariff,) = [one for one in json.loads(capsys.readouterr().out)["checks"] if one["name"] == "tariff"]
    assert tariff["grade"] == "FAIL"
    assert "example_prices.csv holds 2026-05-31 22:00 to 2026-06-02 22:00 UTC" in tariff["message"]
    assert "the made-up one of the example" in tariff["advice"]
