"""``sunshift plan`` on dumped problems."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from optimizer.cli.ending import EXIT_DONE, EXIT_FAILED
from optimizer.cli.main import main
from optimizer.planning.problem_json import problem_to_json
from support.planning_problems import hourly_problem


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    path = tmp_path / "problem.json"
    path.write_text(problem_to_json(hourly_problem(load_w=(500.0, 900.0, 300.0))), encoding="utf-8")
    return path


@pytest.mark.parametrize("method", ["lp", "recursion"])
def test_json_is_the_only_thing_on_stdout(dump: Path, method: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With --json the answer is one document, by the method asked for."""
    assert main(["plan", "--problem", str(dump), "--method", method, "--json"]) == EXIT_DONE
    answer = json.loads(capsys.readouterr().out)
    assert answer["method"] == method
    assert len(answer["steps"]) == 3


def test_a_person_gets_a_table(dump: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --json every interval is a row, and the last line sums up."""
    assert main(["plan", "--problem", str(dump)]) == EXIT_DONE
    printed = capsys.readouterr().out
    assert "01. 02:00" in printed
    assert "optimal by lp" in printed


def test_a_dump_of_a_dump_is_the_same(dump: Path, tmp_path: Path) -> None:
    """What --dump writes is the problem that was planned."""
    again = tmp_path / "again.json"
    assert main(["plan", "--problem", str(dump), "--json", "--dump", str(again)]) == EXIT_DONE
    assert json.loads(again.read_text(encoding="utf-8")) == json.loads(dump.read_text(encoding="utf-8"))


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong path ends with one clear line and the exit code of a failure."""
    assert main(["plan", "--problem", str(tmp_path / "none.json")]) == EXIT_FAILED
    assert "none.json: cannot be read" in capsys.readouterr().err


def test_the_configured_time_limit_holds_for_the_method_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A program that may not search comes back with nothing, and the limit it was given is named."""
    config = tmp_path / "sunshift.toml"
    config.write_text(
        f"""
[site]
timezone = "Europe/Berlin"
[battery]
driver = "simulated"
usable_capacity_wh = 10000
max_charge_w = 4600
max_discharge_w = 4600
[tariff.import]
kind = "fixed"
price_per_kwh = 0.10
[tariff.export]
kind = "fixed"
price_per_kwh = 0.30
[planning]
time_limit = "1ms"
[strategy]
name = "time_of_use"
[service]
state_dir = "{tmp_path}/state"
runtime_dir = "{tmp_path}/run"
"""
    )
    assert main(["plan", "--config", str(config), "--json"]) == EXIT_DONE
    assert "recursion" in json.loads(capsys.readouterr().out)["method"]
    assert main(["plan", "--config", str(config), "--method", "lp"]) == EXIT_FAILED
    assert "within 0.001 s; raise the time limit" in capsys.readouterr().err
