"""The commented configuration and the examples say what the settings say."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from optimizer.assembly.configuration import load_configuration
from optimizer.assembly.site import build_battery, build_site
from optimizer.assembly.tariffs import build_tariff
from optimizer.domain.time_grid import TimeGrid
from optimizer.settings import Settings
from optimizer.settings.examples import companions, example_names, example_path
from optimizer.settings.reference import MARK, reference_toml
from optimizer.settings.schema import value_paths
from support.canary import keep_in
from support.configurations import SMALLEST

CONFIG = Path(__file__).parents[2] / "config"


def test_the_reference_file_is_the_generated_one() -> None:
    """config/sunshift.toml is what the settings describe; write it anew with `sunshift config init --force`."""
    assert (CONFIG / "sunshift.toml").read_text(encoding="utf-8") == reference_toml()


def test_the_reference_file_loads_as_it_is() -> None:
    """A newcomer who writes the file and changes nothing gets a valid configuration with every default."""
    loaded = load_configuration(CONFIG / "sunshift.toml", environ={}).settings
    assert loaded.planning == Settings.model_fields["planning"].default
    assert loaded.control == Settings.model_fields["control"].default


def test_the_reference_file_names_every_key() -> None:
    """Each key of each section stands in the file, as a setting or as a comment."""
    text = reference_toml()
    keys = {path[-1] for path in value_paths(Settings)} - {"strategies"}
    missing = {key for key in keys if not re.search(rf"^({MARK})?\[*({key} =|.*\.{key}\]\])", text, re.MULTILINE)}
    assert not missing


def test_every_commented_setting_is_valid_once_the_mark_is_gone(tmp_path: Path) -> None:
    """Removing the marks of a block gives a valid file: the examples in the comments are right."""
    keep_in(tmp_path / "token")
    (tmp_path / "day_ahead.csv").write_text("timestamp,price_eur_per_kwh\n")
    blocks = reference_toml().replace("/etc/sunshift/token", str(tmp_path / "token")).split("\n\n")
    active = [block for block in blocks if re.search(r"^\[", block, re.MULTILINE)]
    alternatives = [block for block in blocks if block not in active and re.search(r"^#: \[", block, re.MULTILINE)]
    assert len(alternatives) == 6
    for alternative in [None, *alternatives]:
        chosen = list(active)
        if alternative is not None:
            heading = re.search(r"^#: \[(.*)\]$", alternative, re.MULTILINE)
            assert heading is not None
            chosen = [block for block in active if f"\n[{heading[1]}]\n" not in f"\n{block}\n"] + [alternative]
        text = "\n\n".join(chosen).replace(MARK, "")
        (tmp_path / "a.toml").write_text(text)
        load_configuration(tmp_path / "a.toml", environ={})


def test_there_is_an_example_for_each_common_home() -> None:
    """The examples that the documentation names are there."""
    assert example_names() == [
        "business_demand_charge",
        "germany_dynamic",
        "observe_only",
        "simulator",
        "time_of_use",
    ]


@pytest.mark.parametrize("name", example_names())
def test_an_example_loads_and_prices_from_any_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An example loads from another working directory and gives a home, a battery and known prices."""
    monkeypatch.chdir(tmp_path)
    loaded = load_configuration(example_path(name), environ={}).settings
    grid = TimeGrid(start=datetime(2026, 6, 1, 8, tzinfo=UTC), step=timedelta(minutes=15), count=16)
    prices = build_tariff(loaded).prices(grid, as_of=grid.start)
    assert prices.known == 16
    assert build_battery(loaded).usable_capacity_wh == loaded.battery.usable_capacity_wh
    assert build_site(loaded).timezone.key == loaded.site.timezone


def test_examples_bring_the_files_they_name() -> None:
    """The price file and the token of an example are found beside it."""
    assert [path.name for path in companions(example_path("germany_dynamic"))] == [
        "example_prices.csv",
        "example_token",
    ]


def test_the_observe_example_commands_nothing() -> None:
    """Whoever starts from the observing example hands over no control."""
    assert load_configuration(example_path("observe_only"), environ={}).settings.control.observe is True


def test_the_smallest_configuration_of_the_tests_is_complete() -> None:
    """Only what no default can know must be set."""
    required = {"site", "battery", "tariff"}
    assert {name for name, field in Settings.model_fields.items() if field.is_required()} == required
    assert set(tomllib.loads(SMALLEST)) == required
