"""``sunshift config`` writes and shows configurations."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from optimizer.assembly.configuration import load_configuration
from optimizer.cli.ending import EXIT_CONFIG, EXIT_DONE, EXIT_FAILED
from optimizer.cli.main import main
from optimizer.settings.reference import reference_toml
from support.canary import CANARY
from support.configurations import SMALLEST


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUNSHIFT_BATTERY__HOST", raising=False)


def test_init_prints_the_reference_where_no_file_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output gets the file and nothing else."""
    assert main(["config", "init"]) == EXIT_DONE
    assert capsys.readouterr().out == reference_toml()


def test_init_writes_a_file_that_loads(tmp_path: Path) -> None:
    """What init writes is a valid configuration, its folder made where needed."""
    path = tmp_path / "new" / "sunshift.toml"
    assert main(["config", "init", "--out", str(path)]) == EXIT_DONE
    assert load_configuration(path, environ={}).settings.battery.driver == "sonnen_v1"
    assert [entry.name for entry in path.parent.iterdir()] == ["sunshift.toml"]


def test_init_overwrites_only_by_force(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is there stays as it is unless --force is given."""
    path = tmp_path / "sunshift.toml"
    path.write_text("mine")
    assert main(["config", "init", "--out", str(path)]) == EXIT_FAILED
    assert "exists already" in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert main(["config", "init", "--out", str(path), "--force"]) == EXIT_DONE
    assert path.read_text() == reference_toml()


def test_init_says_that_a_folder_is_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder exists already, but --force would not help: a file has to be named."""
    assert main(["config", "init", "--out", str(tmp_path)]) == EXIT_FAILED
    told = capsys.readouterr().err
    assert f"{tmp_path} is a folder; name the file to write, such as {tmp_path / 'sunshift.toml'}" in told
    assert "--force" not in told


def test_init_brings_an_example_with_the_files_it_names(tmp_path: Path) -> None:
    """An example is written with its price file and token, the token for its owner alone, and loads there."""
    path = tmp_path / "sun.toml"
    assert main(["config", "init", "--example", "germany_dynamic", "--out", str(path)]) == EXIT_DONE
    assert load_configuration(path, environ={}).settings.battery.driver == "sonnen_v2"
    assert (tmp_path / "example_token").stat().st_mode & 0o077 == 0


def test_an_unknown_example_is_told_with_the_closest(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelled example is answered with did-you-mean."""
    assert main(["config", "init", "--example", "germany"]) == EXIT_FAILED
    assert "did you mean 'germany_dynamic'?" in capsys.readouterr().err


def test_show_tells_value_and_origin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each value is shown with default, file or variable behind it; the JSON says the same."""
    monkeypatch.setenv("SUNSHIFT_BATTERY__HOST", "battery.lan")
    path = tmp_path / "a.toml"
    path.write_text(SMALLEST)
    assert main(["config", "show", "--config", str(path)]) == EXIT_DONE
    lines = capsys.readouterr().out.splitlines()
    assert 'host = "battery.lan"  # environment SUNSHIFT_BATTERY__HOST' in lines
    assert "max_charge_w = 4600.0  # file a.toml" in lines
    assert 'poll_interval = "10s"  # default' in lines
    assert main(["config", "show", "--config", str(path), "--json"]) == EXIT_DONE
    shown = {value["path"]: value for value in json.loads(capsys.readouterr().out)["values"]}
    assert shown["battery.host"]["origin"] == "environment SUNSHIFT_BATTERY__HOST"
    assert shown["tariff.import.kind"]["value"] == "fixed"
    assert shown["grid.max_import_w"]["value"] is None


def test_what_show_prints_is_toml_that_loads_to_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The plain output is itself a configuration with the same meaning."""
    path = tmp_path / "a.toml"
    path.write_text(SMALLEST)
    assert main(["config", "show", "--config", str(path)]) == EXIT_DONE
    again = tmp_path / "b.toml"
    again.write_text(capsys.readouterr().out)
    assert tomllib.loads(again.read_text())
    assert load_configuration(again, environ={}).settings == load_configuration(path, environ={}).settings


def test_show_masks_what_looks_like_a_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The token's file may be seen, the token itself appears nowhere."""
    (tmp_path / "token").write_text(CANARY)
    path = tmp_path / "a.toml"
    path.write_text(SMALLEST.replace('"sonnen_v1"', '"sonnen_v2"\ntoken_file = "token"'))
    assert main(["config", "show", "--config", str(path), "--json"]) == EXIT_DONE
    out = capsys.readouterr().out
    assert CANARY not in out
    assert str(tmp_path / "token") in out


def test_a_bad_configuration_exits_with_78(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every problem is printed and the exit code says configuration error."""
    path = tmp_path / "a.toml"
    path.write_text(SMALLEST.replace("10000", "10").replace("Berlin", "Berln"))
    assert main(["config", "show", "--config", str(path)]) == EXIT_CONFIG
    told = capsys.readouterr().err
    assert "2 problems" in told
    assert "battery.usable_capacity_wh" in told
    assert "site.timezone" in told


def test_show_draws_a_table_on_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal sections, values and origins stand in a table, brackets in values included."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLUMNS", "160")
    path = tmp_path / "a.toml"
    rule = '[[tariff.import.surcharge_rules]]\nweekdays = ["mon"]\nsurcharge_per_kwh = 0.1\n'
    path.write_text(SMALLEST.replace("[tariff.export]", f"{rule}\n[tariff.export]"))
    assert main(["config", "show", "--config", str(path)]) == EXIT_DONE
    out = capsys.readouterr().out
    assert "[battery]" in out
    assert 'weekdays = ["mon"]' in out
    assert "file a.toml" in out


def test_init_says_where_it_cannot_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A place that cannot hold a file is told with the reason."""
    (tmp_path / "file").write_text("")
    assert main(["config", "init", "--out", str(tmp_path / "file" / "a.toml")]) == EXIT_FAILED
    assert "cannot be written" in capsys.readouterr().err
