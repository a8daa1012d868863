"""What a sweep's file may hold, and how its mistakes are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from optimizer.sweep.loading import load_sweep
from support.configurations import SMALLEST
from support.replays import START
from support.sweeps import BASE, HEAD, TWO_BATTERIES, TWO_HOMES, TWO_TARIFFS, WHOLE, problems_in, write_sweep

ROOT = Path(__file__).parents[2]
TARIFFED = TWO_HOMES + "[[tariffs]]\nname = 'x'\n"
BATTERIED = TWO_HOMES + "[[batteries]]\nname = 'x'\n"


def test_a_case_for_every_home_tariff_and_battery(tmp_path: Path) -> None:
    """Two of each make eight cases, in the order of the file, each with its own values over the base."""
    cases = load_sweep(write_sweep(tmp_path)).cases
    assert [case.title for case in cases[:3]] == [
        "first / as it is / small", "first / as it is / large", "first / market / small",
    ]  # fmt: skip
    assert len(cases) == 8
    assert len({case.key for case in cases}) == 8
    small, large = (case.settings.battery for case in cases[:2])
    assert (small.usable_capacity_wh, small.max_charge_w, small.max_discharge_w) == (4000, 2000, 4600)
    assert (large.usable_capacity_wh, large.max_charge_w) == (12000, 4600)
    assert cases[2].settings.tariff.import_.kind == "file"
    assert cases[2].settings.tariff.export == cases[0].settings.tariff.export


def test_what_is_absent_is_the_base(tmp_path: Path) -> None:
    """Without tariffs, batteries and strategies a sweep takes those of the base, here a configuration file."""
    (tmp_path / "sunshift.toml").write_text(SMALLEST)
    sweep = load_sweep(write_sweep(tmp_path, 'base = "sunshift.toml"\n' + TWO_HOMES))
    assert [case.title for case in sweep.cases] == ["first / base / base", "second / base / base"]
    assert sweep.cases[0].strategies == ("time_of_use",)
    assert sweep.cases[0].warm_up == timedelta(days=28)
    assert sweep.cases[0].settings.tariff.import_.kind == "fixed"


def test_a_tariff_from_a_file_of_another_folder(tmp_path: Path) -> None:
    """A tariff may be that of a configuration; a price file it names lies beside that configuration."""
    write_sweep(tmp_path / "other")
    other = '[tariff.import]\nkind = "file"\npath = "prices.csv"\n'
    (tmp_path / "other" / "market.toml").write_text(other)
    text = HEAD + BASE + TWO_HOMES + '[[tariffs]]\nname = "market"\nconfig = "other/market.toml"\n'
    path = write_sweep(tmp_path / "here", text.replace("other/", "../other/"))
    (tmp_path / "here" / "prices.csv").unlink()
    assert load_sweep(path).cases[0].settings.tariff.import_.model_dump()["path"].endswith("other/prices.csv")


def test_a_battery_nobody_speaks_to_needs_no_address(tmp_path: Path) -> None:
    """A configuration made for a battery with a token serves on a machine that has no token."""
    text = SMALLEST.replace('driver = "sonnen_v1"', 'driver = "sonnen_v2"\ntoken_file = "nowhere"')
    (tmp_path / "sunshift.toml").write_text(text)
    assert load_sweep(write_sweep(tmp_path, 'base = "sunshift.toml"\n' + TWO_HOMES)).cases


def test_the_environment_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of the service cannot make all batteries alike."""
    monkeypatch.setenv("SUNSHIFT_BATTERY__USABLE_CAPACITY_WH", "7000")
    assert {case.settings.battery.usable_capacity_wh for case in load_sweep(write_sweep(tmp_path)).cases} == {
        4000,
        12000,
    }


def test_instants_are_on_the_clock_of_the_home(tmp_path: Path) -> None:
    """A start without offset is local; that of a home comes before that of the sweep."""
    homes = TWO_HOMES + 'start = "2024-03-28T00:00:00Z"\n[homes.site]\ntimezone = "America/New_York"\n'
    cases = load_sweep(write_sweep(tmp_path, "start = 2024-03-27T12:00:00\n" + HEAD + BASE + homes)).cases
    assert cases[0].start == datetime(2024, 3, 27, 11, tzinfo=UTC)
    assert cases[1].start == START + timedelta(days=3)
    assert cases[1].settings.site.timezone == "America/New_York"


def test_all_mistakes_are_told_at_once_where_they_stand(tmp_path: Path) -> None:
    """Mistakes in base, home, tariff, battery and strategy are told together, once each, by their place in the file."""
    text = (
        HEAD.replace('"time_of_use"', '"time_of_us", "peak_shaving"')
        + BASE.replace("Berlin", "Berln").replace("max_discharge_w = 4600", "max_discharge_w = 4600\nwear_cost = 1")
        + TWO_HOMES.replace("second.csv", "third.csv")
        + TWO_TARIFFS.replace("surcharge_per_kwh", "surcharge_per_kw")
        + TWO_BATTERIES.replace("12000", "12")
    ).replace("third.csv", "second.csv")
    found = problems_in(tmp_path, text)
    assert set(found) == {
        "strategies[1]", "base.site.timezone", "base.battery.wear_cost", "tariffs[2].import.surcharge_per_kw",
        "batteries[2].usable_capacity_wh",
    }  # fmt: skip
    assert "did you mean 'time_of_use'?" in found["strategies[1]"]
    assert "did you mean 'surcharge_per_kwh'?" in found["tariffs[2].import.surcharge_per_kw"]
    assert "12 Wh is too small" in found["batteries[2].usable_capacity_wh"]


def test_mistakes_of_the_file_itself(tmp_path: Path) -> None:
    """Unknown keys, missing files, names taken twice and numbers for instants are told with all the others."""
    homes = TWO_HOMES.replace("first.csv", "third.csv").replace('"third.csv"', '"third.csv"\ntarif = 1')
    batteries = TWO_BATTERIES.replace("12000", "12")
    text = "start = 17\nstrategy = 'x'\n" + HEAD + BASE + homes + "[homes.site]\ntimezone = 'x'\n" + batteries
    found = problems_in(tmp_path, text)
    assert set(found) == {
        "start", "strategy", "homes[1].recording", "homes[1].tarif", "homes[2].site.timezone",
        "batteries[2].usable_capacity_wh",
    }  # fmt: skip
    assert "no such file" in found["homes[1].recording"]
    assert "did you mean 'strategies'?" in found["strategy"]
    again = problems_in(tmp_path, HEAD + BASE + TWO_HOMES.replace('"second"', '"first"'))
    assert "is taken by homes[1]" in again["homes[2].name"]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (WHOLE.replace("Berlin", "Berlin\nx"), "line", "is not valid TOML"),
        (HEAD + TWO_HOMES, "base", "is required"),
        ("base = 3\n" + HEAD + TWO_HOMES, "base", "must be the path of a configuration"),
        (HEAD + BASE, "homes", "is required"),
        (HEAD + BASE.replace("[base.tariff.export]", "[base.tariff.exprt]") + TWO_HOMES, "base.tariff.exprt", "did"),
        (HEAD + BASE + TWO_HOMES + "[homes.site]\ntimezone = 3\n", "homes[2].site.timezone", "text"),
        (HEAD + BASE + TARIFFED + "[tariffs.import]\nkind = 'fixd'\n", "tariffs[1].import", "fix"),
        (HEAD + BASE + TARIFFED + "[tariffs.import]\nkind = 'fixed'\n",
         "tariffs[1].import.price_per_kwh", "is required"),
        (HEAD + BASE + BATTERIED + "min_soc = 1.0\n", "batteries[1].min_soc", "below max_soc"),
        (HEAD + BASE.replace("max_charge_w", "min_soc = 0.5\nmax_charge_w") + BATTERIED
         + "max_soc = 0.4\n", "batteries[1] (battery.min_soc)", "below max_soc"),
        (HEAD + BASE + BATTERIED + "usable_capacity = 5000\n",
         "batteries[1].usable_capacity", "did you mean 'usable_capacity_wh'?"),
    ],
)  # fmt: skip
def test_a_mistake_by_itself(tmp_path: Path, text: str, place: str, words: str) -> None:
    """Each is told at its place, with what to do."""
    found = problems_in(tmp_path, text)
    assert [path for path in found if place in path and words in found[path]], found


def test_unreadable_recordings_and_prices_are_told_before_the_work(tmp_path: Path) -> None:
    """A recording and a price file that make no sense are named together."""
    path = write_sweep(tmp_path)
    (tmp_path / "second.csv").write_text("timestamp,consumption_w\nnever,1\n")
    (tmp_path / "prices.csv").write_text("timestamp,price\n")
    with pytest.raises(Exception, match=r"(?s)homes\[2\]\.recording: .*tariffs\[2\]: "):
        load_sweep(path)


def test_a_case_is_known_by_what_its_figures_depend_on(tmp_path: Path) -> None:
    """Names do not count; a recording, a price, a parameter or a period does."""
    keys = {case.title: case.key for case in load_sweep(write_sweep(tmp_path / "a")).cases}
    same = load_sweep(write_sweep(tmp_path / "b", WHOLE.replace('"small"', '"little"'))).cases
    assert [case.key for case in same] == list(keys.values())
    longer = load_sweep(write_sweep(tmp_path / "c", days=5)).cases
    shifted = load_sweep(write_sweep(tmp_path / "d", "end = 2024-03-28\n" + WHOLE)).cases
    lossy = load_sweep(write_sweep(tmp_path / "e", WHOLE.replace("4000", "4000\ncharge_efficiency = 0.9"))).cases
    assert not {case.key for case in (*longer, *shifted)} & set(keys.values())
    assert [case.key in keys.values() for case in lossy] == [False, True] * 4


def test_the_example_is_right() -> None:
    """config/sweep.toml loads, with recordings that come with the project."""
    sweep = load_sweep(ROOT / "config" / "sweep.toml")
    assert len(sweep.cases) == 12
    assert len(sweep.recordings) == 2


def test_strategies_to_choose_from_are_named_once(tmp_path: Path) -> None:
    """Plain self-consumption is installed, and a baseline besides."""
    told = problems_in(tmp_path, WHOLE.replace('["time_of_use"]', '["xyz"]'))["strategies[1]"]
    assert "choose one of no_battery, peak_shaving, perfect_foresight, self_consumption, time_of_use (" in told
