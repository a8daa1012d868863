"""What spoilt input has brought to light once, each as a case of its own."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from optimizer.assembly.configuration import load_configuration
from optimizer.cli.ending import EXIT_FAILED
from optimizer.cli.main import main
from optimizer.devices.simulated.schedule import parse_schedule
from optimizer.errors import ConfigError, PlanningError, SimulatorError, TariffError
from optimizer.planning.problem_json import problem_from_json
from optimizer.release.config import target_from_config
from optimizer.service.lock import holder
from optimizer.simulator.faults import read_faults
from optimizer.tariffs.price_table import read_price_table
from support.canary import CANARY, keep_in
from support.configurations import SMALLEST

DIGITS, HEX, DEEP = "9" * 5000, "0x" + "f" * 5000, "a." * 3000 + "a"
V2 = '"sonnen_v2"\ntoken_file = "a\\u0000b"'


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("4600", DIGITS, "is not valid TOML: a number or a date is out of range"),
        ("4600", HEX, "is not valid TOML: a whole number is out of range"),
        ("[site]", f"{DEEP} = 1\n[site]", "is not valid TOML: it is nested too deeply"),
        ("[site]", f"x = {'[' * 3000}\n[site]", "is not valid TOML: it is nested too deeply"),
        ("Europe/Berlin", DEEP, "site.timezone: unknown time zone"),
        ('"sonnen_v1"', V2, "battery.token_file: holds a null character"),
    ],
)
def test_a_configuration_beyond_all_bounds_is_refused_like_any_other(
    old: str, new: str, says: str, tmp_path: Path
) -> None:
    """Numbers of thousands of digits, endless nesting and null characters are problems, not tracebacks."""
    path = tmp_path / "sunshift.toml"
    path.write_text(SMALLEST.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        load_configuration(path, environ={})
    assert says in str(caught.value)


@pytest.mark.parametrize("elsewhere", [f"max_charge_w = {DIGITS}", f"x = {HEX}", f"{DEEP} = 1", f"x = {'[' * 3000}"])
def test_the_way_back_finds_the_battery_in_a_file_beyond_all_bounds(elsewhere: str, tmp_path: Path) -> None:
    """What is wrong elsewhere in the file does not keep the battery from being handed back."""
    path = tmp_path / "sunshift.toml"
    path.write_text(f'[battery]\nhost = "192.0.2.7"\n{elsewhere}\nport = 8081\n')
    target = target_from_config(path, {})
    assert (target.host, target.port) == ("192.0.2.7", 8081)


def test_a_token_file_with_a_null_character_leaves_the_other_places(tmp_path: Path) -> None:
    """The copy in the runtime folder is found all the same."""
    path = tmp_path / "sunshift.toml"
    path.write_text(f"[battery]\nhost = 'x'\ndriver = {V2}\n")
    with pytest.raises(ConfigError, match="is no path"):
        target_from_config(path, {})
    keep_in(tmp_path / "sunshift-token")
    assert target_from_config(path, {"RUNTIME_DIRECTORY": str(tmp_path)}).token == CANARY


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f'[[fault]]\nkind = "html"\nfirst_request = {DIGITS}', "a number or a date is out of range"),
        (f"[[fault]]\nkind = {HEX}", "a whole number is out of range"),
        ("[[fault]]\nkind = {}", "kind: unknown {}"),
        ('[[fault]]\nkind = "html"\nstart = inf', "start: lies beyond the calendar"),
        ('[[fault]]\nkind = "html"\nend = "99999999d"', "end: lies beyond the calendar"),
    ],
)
def test_a_fault_script_beyond_all_bounds_is_refused(text: str, says: str, tmp_path: Path) -> None:
    """A kind that is a table, a time that never comes: each is told in its place."""
    path = tmp_path / "faults.toml"
    path.write_text(text)
    with pytest.raises(SimulatorError) as caught:
        read_faults(path, start=datetime(2026, 1, 1, tzinfo=UTC))
    assert says in str(caught.value)


@pytest.mark.parametrize(("text", "says"), [(DIGITS, "more digits"), ("[" * 100_000, "nested too deeply")])
def test_a_problem_beyond_all_bounds_is_refused(text: str, says: str) -> None:
    """A problem comes from others' programs as well."""
    with pytest.raises(PlanningError, match=says):
        problem_from_json(text)


@pytest.mark.parametrize("rows", [f"2026-05-04T00:00Z,{'x' * 100_000}", f"{'x' * 100_000},0.1"])
def test_a_field_without_end_is_not_quoted_to_its_end(rows: str, tmp_path: Path) -> None:
    """A message stays one that a person can read."""
    path = tmp_path / "prices.csv"
    path.write_text(f"timestamp,price\n{rows}\n")
    with pytest.raises(TariffError, match=r"line 2: .*xxx\.\.\.' is not") as caught:
        read_price_table(path, column="price")
    assert len(str(caught.value)) < 500


def test_lists_in_lists_are_no_schedule() -> None:
    """The battery's own schedule is checked by the simulator as by the unit."""
    with pytest.raises(ValueError, match="not lists in lists"):
        parse_schedule("[" * 100_000)


@pytest.mark.parametrize(
    "told", ["[" * 100_000, '{"timezone": "Europe"}', '{"stale_after_s": "long"}', '{"stand_down": 7}']
)
@pytest.mark.parametrize("command", ["status", "resume"])
def test_a_file_in_the_place_of_the_status_is_told_as_such(
    command: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nested without end, or with a zone that is a folder: one message with its path."""
    config = tmp_path / "sunshift.toml"
    config.write_text('[service]\nruntime_dir = "run"\n')
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "status.json").write_text(told)
    assert main([command, "--config", str(config)]) == EXIT_FAILED
    assert "status.json" in capsys.readouterr().err or command == "resume"


def test_a_lock_that_says_nonsense_has_no_holder(tmp_path: Path) -> None:
    """Whatever stands in the file, whether it is held is the kernel's word."""
    (tmp_path / "sunshift.lock").write_text("[" * 100_000)
    assert holder(tmp_path) is None


def test_what_a_terminal_cannot_show_is_told_by_its_number(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A status or a path may hold any character; printing it never fails."""
    config = tmp_path / "sunshift.toml"
    config.write_text('[service]\nruntime_dir = "r\\U0001F50Bn"\n')
    before = sys.stdout.errors
    try:
        main(["status", "--config", str(config)])
        assert sys.stdout.errors == "backslashreplace"
        print(json.loads('"\\ud83d"'))  # noqa: T201
    finally:
        sys.stdout.reconfigure(errors=before)  # type: ignore[union-attr]
