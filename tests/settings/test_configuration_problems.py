"""Every mistake in the configuration is told at once: where, what, and what to write instead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from optimizer.assembly.configuration import load_configuration
from optimizer.errors import ConfigError, StrategyError
from support.canary import CANARY
from support.configurations import SMALLEST, problems, problems_in_file

TWO_RULES = [{"price_per_kwh": 0.2, "from": "22:00"}, {"price_per_kwh": 0.3, "from": "25:00"}]

SINGLE_MISTAKES = [
    ({"site__timezone": "Europe/Berln"}, "site.timezone", "did you mean 'Europe/Berlin'?"),
    ({"site__timezone": "Berlin"}, "site.timezone", "did you mean 'Europe/Berlin'?"),
    ({"site__timezone": None}, "site.timezone", "is required"),
    ({"site__currency": "euro"}, "site.currency", 'such as "EUR"'),
    ({"site__latitude": 91}, "site.latitude", "at most 90, got 91"),
    ({"battery": None}, "battery", "this table is required"),
    ({"battery__driver": "sonnen_v3"}, "battery.driver", "sonnen_v1, sonnen_v2, simulated; did you mean"),
    ({"battery__host": None}, "battery.host", "is required for sonnen_v1"),
    ({"battery__host": "http://192.168.1.20"}, "battery.host", "without http://"),
    ({"battery__host": "192.168.1.20:8080"}, "battery.host", "port (that is battery.port)"),
    ({"battery__host": "battery#1"}, "battery.host", "must be an address or a name alone"),
    ({"battery__token_file": "~no-such-user-here/token"}, "battery.token_file", "no user 'no-such-user-here'"),
    ({"battery__wear_cost_per_kwh": 5}, "battery.wear_cost_per_kwh", "write 0.05 if 5 cents are meant"),
    ({"planning__terminal_value_per_kwh": 15}, "planning.terminal_value_per_kwh", "write 0.15 if 15 cents"),
    ({"forecast__pv_peak_kw": 9800}, "forecast.pv_peak_kw", "write 9.8 if 9800 W are meant"),
    (
        {"site__timezone": "Asia/Kolkata", "planning__step": "1h"},
        "planning.step",
        "begin with those of UTC: write 30min",
    ),
    ({"site__timezone": "Asia/Kathmandu", "planning__step": "30min"}, "planning.step", "of UTC: write 15min"),
    (
        {"tariff__demand": {"price_per_kw": 90.0, "period": "year"}, "planning__step": "1h"},
        "planning.step",
        "two of the 15min over which the meter averages its peaks: write 15min",
    ),
    ({"forecast__pv_peak_kw": 9.8}, "site.latitude", "is required where forecast.pv_peak_kw is set"),
    ({"site__latitude": 47.66}, "site.longitude", "is required beside latitude"),
    ({"battery__port": 70000}, "battery.port", "at most 65535, got 70000"),
    ({"battery__port": True}, "battery.port", "must be a number, not true or false"),
    ({"battery__hots": "x"}, "battery.hots", "unknown key: did you mean 'host'?"),
    ({"battery__qqq": "x"}, "battery.qqq", "unknown key: the keys here are charge_efficiency,"),
    ({"battery__usable_capacity_wh": 10}, "battery.usable_capacity_wh", "write 10000 for 10 kWh"),
    ({"battery__max_charge_w": 4.6}, "battery.max_charge_w", "write 4600 for 4.6 kW"),
    ({"battery__max_charge_w": "much"}, "battery.max_charge_w", "must be a number, got text"),
    ({"battery__max_charge_w": float("nan")}, "battery.max_charge_w", "must be a finite number"),
    ({"battery__max_charge_w": [1]}, "battery.max_charge_w", "must be a number, got a list"),
    ({"battery__charge_efficiency": 95}, "battery.charge_efficiency", "write 0.95 for 95 %"),
    ({"battery__charge_efficiency": 0.05}, "battery.charge_efficiency", "too low"),
    ({"battery__min_soc": 0.9, "battery__max_soc": 0.5}, "battery.min_soc", "must be below max_soc, got 0.9 and 0.5"),
    ({"battery__driver": "sonnen_v2"}, "battery.token_file", "is required for sonnen_v2"),
    ({"battery__request_deadline": "2min"}, "battery.request_deadline", "at most 5s, got 2min"),
    (
        {"battery__request_deadline": "1min"},
        "battery.request_deadline",
        "at most 5s, got 1min",
    ),
    (
        {"control__lease": "10s", "control__reassert": "5s", "control__poll_interval": "5s"},
        "control.lease",
        'than two times poll_interval (10s), or one late poll ends every command; "35s" works',
    ),
    (
        {"control__lease": "20s", "control__reassert": "5s", "control__poll_interval": "5s"},
        "battery.request_deadline",
        'is 5s: the 7 requests of a step would outlast a control.lease of 20s; write "2s" or less',
    ),
    (
        {"control__poll_interval": "43s", "control__max_measurement_age": "80s"},
        "control.lease",
        'request_deadline of 5s one late poll ends every command; write "91s" or more',
    ),
    ({"grid__max_import_w": -1}, "grid.max_import_w", "at least 0, got -1"),
    ({"grid__grid_charging": "perhaps"}, "grid.grid_charging", "must be true or false, got text"),
    ({"tariff": None}, "tariff", "this table is required"),
    ({"tariff__export": None}, "tariff.export", "this table is required"),
    ({"tariff__import__kind": None}, "tariff.import", "choose one of file, fixed, time_of_use"),
    ({"tariff__import__kind": "time-of-use"}, "tariff.import", "did you mean 'time_of_use'?"),
    ({"tariff__import": {"kind": "file"}}, "tariff.import.path", "is required"),
    ({"tariff__import": 0.3}, "tariff.import", "must be a table, got 0.3"),
    ({"tariff__import__vat": 19}, "tariff.import.vat", "write 0.19 for 19 %"),
    ({"tariff__import__price_per_kwh": 32}, "tariff.import.price_per_kwh", "write 0.32 if 32 cents are meant"),
    (
        {"tariff__import__surcharge_rules": [{"surcharge_per_kwh": 0.1}, {"surcharge_per_kwh": 7.5}]},
        "tariff.import.surcharge_rules[2].surcharge_per_kwh",
        "is in EUR per kWh: write 0.075",
    ),
    ({"site__timezone": "Europe"}, "site.timezone", "unknown time zone 'Europe'"),
    ({"site__timezone": "../etc/passwd"}, "site.timezone", "unknown time zone"),
    ({"strategies__unheard_of": 3}, "strategies.unheard_of", "must be a table, got 3"),
    ({"tariff__import__subdivision": "BW"}, "tariff.import.subdivision", "needs the country"),
    ({"tariff__demand": {"price_per_kw": 9, "period": "day"}}, "tariff.demand.period", "one of month, year"),
    ({"planning__horizon": "15min"}, "planning.horizon", "at least two steps of 15min"),
    ({"planning__horizon": "100min"}, "planning.horizon", "multiple of the step (15min), got 100min"),
    ({"planning__step": "7min", "planning__horizon": "70min"}, "planning.step", "must divide an hour"),
    ({"planning__replan": "7h"}, "planning.replan", "must divide a day"),
    ({"planning__step": 15}, "planning.step", "needs its unit"),
    ({"planning__step": "15 parsec"}, "planning.step", "unknown unit 'parsec'"),
    ({"planning__step": "-15min"}, "planning.step", "not a length of time"),
    ({"planning__scenarios": 2.5}, "planning.scenarios", "whole number"),
    ({"control__poll_interval": "1s"}, "control.poll_interval", "at least 5s, got 1s"),
    ({"control__lease": "30s"}, "control.lease", "must be longer than reassert"),
    (
        {
            "control__lease": "55s",
            "control__reassert": "30s",
            "control__poll_interval": "30s",
        },
        "control.lease",
        "is 55s, it must be longer than two times poll_interval (1min), or one late poll",
    ),
    (
        {"control__max_measurement_age": "2min"},
        "control.max_measurement_age",
        "is 2min, it must not be longer than lease (90s), or old data keeps a command alive",
    ),
    ({"battery__max_charge_w": 1e12}, "battery.max_charge_w", "no home's battery does 1e+12 W; at most 100000"),
    ({"battery__max_discharge_w": 460_000}, "battery.max_discharge_w", "no home's battery does 460000 W"),
    ({"history__retention": "1d"}, "history.retention", "at least 28d, got 1d"),
    ({"service__log_level": "infos"}, "service.log_level", "did you mean 'info'?"),
    ({"strategy__name": "time_of_us"}, "strategy.name", "did you mean 'time_of_use'?"),
    ({"strategies__peak_shavng": {}}, "strategies.peak_shavng", "did you mean 'peak_shaving'?"),
    ({"strategies__time_of_use": 3}, "strategies.time_of_use", "must be a table, got 3"),
    ({"stratgy__name": "x"}, "stratgy", "did you mean 'strategy'?"),
]


@pytest.mark.parametrize(("changes", "path", "message"), SINGLE_MISTAKES, ids=lambda value: str(value)[:50])
def test_a_mistake_is_told_alone_with_its_place_and_remedy(changes: dict[str, object], path: str, message: str) -> None:
    """One mistake gives one problem, at its path in the file, that says what to write."""
    found = problems(**changes)
    assert list(found) == [path]
    assert message in found[path]


def test_all_mistakes_are_told_at_once() -> None:
    """Mistakes in different sections, in a list of rules and in a strategy's own table come in one answer, in order."""
    found = problems(
        environ={"SUNSHIFT_BATERY__HOST": "x"},
        strategies__peak_shavin={},
        site__timezone="Mars",
        battery__max_chrage_w=1,
        tariff__import={"kind": "time_of_use", "price_per_kwh": 0.3, "rules": TWO_RULES},
        control__poll_interval="1s",
        strategies__time_of_use={"fancy": 1},
    )
    assert list(found) == [
        "SUNSHIFT_BATERY__HOST",
        "site.timezone",
        "battery.max_chrage_w",
        "tariff.import.rules[2].from",
        "control.poll_interval",
        "strategies.time_of_use.fancy",
        "strategies.peak_shavin",
    ]


def test_a_token_in_the_file_is_refused_and_never_repeated() -> None:
    """A secret in the TOML file or in a variable is refused with advice, and its text appears nowhere."""
    secret = CANARY
    for found in (problems(battery__token=secret), problems(environ={"SUNSHIFT_BATTERY__TOKEN": secret})):
        assert any("secret" in message or "is not a setting" in message for message in found.values())
        assert secret not in str(found)


def test_holidays_need_a_country_that_has_them() -> None:
    """A rule about holidays asks for the country; a state the country does not have is told."""
    rules = [{"price_per_kwh": 0.2, "holidays": True}]
    table = {"kind": "time_of_use", "price_per_kwh": 0.3, "rules": rules}
    assert "is required where a rule speaks of holidays" in problems(tariff__import=table)["tariff.import.country"]
    wrong_state = problems(tariff__import={**table, "country": "DE", "subdivision": "XX"})
    assert "DE has no 'XX'" in wrong_state["tariff.import.subdivision"]
    assert "unknown country" in problems(tariff__import={**table, "country": "XX"})["tariff.import.country"]
    assert problems(tariff__import={**table, "country": "DE", "subdivision": "BW"}) == {}


def test_prices_in_a_currency_of_small_units_may_be_large() -> None:
    """Five crowns for a kilowatt-hour are a usual price."""
    assert problems(site__currency="CZK", tariff__import__price_per_kwh=5.2) == {}


def test_a_syntax_error_is_told_with_line_and_column(tmp_path: Path) -> None:
    """What is no TOML is told with its place in the file."""
    found = problems_in_file(tmp_path / "a.toml", "[site]\ntimezone = Europe/Berlin\n")
    assert list(found) == ["line 2, column 12"]
    assert "is not valid TOML" in found["line 2, column 12"]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"\xff\xfe[site]", "is not UTF-8"), (b"a=" + b"[" * 5000, "valid TOML|nested too deeply"), (b"", "required")],
)
def test_a_file_that_is_no_configuration_is_told(tmp_path: Path, content: bytes, message: str) -> None:
    """Bytes, bottomless nesting and an empty file are problems, not crashes."""
    found = problems_in_file(tmp_path / "a.toml", content)
    assert any(word in str(found) for word in message.split("|"))


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    """A file saved by a Windows editor loads."""
    assert problems_in_file(tmp_path / "a.toml", "\ufeff" + SMALLEST) == {}


def test_a_missing_file_is_told_with_the_command_that_writes_one(tmp_path: Path) -> None:
    """Without a file the way to one is named; a folder is told as such."""
    with pytest.raises(ConfigError, match=r"no such file; write one with `sunshift config init --out .*none\.toml`"):
        load_configuration(tmp_path / "none.toml", environ={})
    with pytest.raises(ConfigError, match="is a folder"):
        load_configuration(tmp_path, environ={})


def test_a_missing_price_file_is_told_with_the_place_looked_at(tmp_path: Path) -> None:
    """A relative path is looked for beside the configuration, and the message says where."""
    text = SMALLEST.replace('kind = "fixed"\nprice_per_kwh = 0.32', 'kind = "file"\npath = "prices.csv"')
    found = problems_in_file(tmp_path / "a.toml", text)
    assert f"no such file: {tmp_path / 'prices.csv'}" in found["tariff.import.path"]


@pytest.mark.parametrize(
    ("content", "message"), [("", "is empty"), ("two words", "more than one word"), (None, "cannot be read")]
)
def test_an_unusable_token_file_is_told_among_the_problems(tmp_path: Path, content: str | None, message: str) -> None:
    """A token file that is missing, empty or holds more than a token is a problem of battery.token_file."""
    if content is not None:
        (tmp_path / "token").write_text(content)
    text = SMALLEST.replace('driver = "sonnen_v1"', 'driver = "sonnen_v2"\ntoken_file = "token"')
    found = problems_in_file(tmp_path / "a.toml", text)
    assert message in found["battery.token_file"]


def test_a_strategy_that_cannot_be_used_is_told_among_the_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken plug-in that is configured is a problem at its table, beside all others."""

    def broken(name: str, table: dict[str, object]) -> None:
        msg = f"strategy {name!r} cannot be used: ImportError"
        raise StrategyError(msg)

    monkeypatch.setattr("optimizer.assembly.configuration.create_strategy", broken)
    found = problems(site__currency="euro")
    assert found["strategies.time_of_use"] == "strategy 'time_of_use' cannot be used: ImportError"
    assert "site.currency" in found


def test_an_installation_without_strategies_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no strategy is installed at all, the message asks whether sunshift is."""
    monkeypatch.setattr("optimizer.assembly.configuration.installed_strategies", dict)
    assert "is sunshift installed?" in problems()["strategy.name"]


def test_a_strategys_own_rules_between_parameters_are_told() -> None:
    """What a strategy finds wrong with its parameters together stands at its table."""
    found = problems(strategies__peak_shaving={"import_limit_w": 1000, "recharge_below_w": 2000})
    assert list(found) == ["strategies.peak_shaving"]
    assert "must be lower than" in found["strategies.peak_shaving"]


def test_every_conflict_of_a_section_is_told_at_its_key() -> None:
    """Two conflicts in one section are two problems."""
    found = problems(control__lease="30s", control__max_measurement_age="10s", control__poll_interval="10s")
    assert sorted(found) == ["control.lease", "control.max_measurement_age"]


@pytest.mark.parametrize("poll", ["45s", "50s", "1min"])
@pytest.mark.parametrize("reassert", ["5s", "1min", "85s", "2min"])
def test_what_a_slower_poll_asks_for_is_named(poll: str, reassert: str) -> None:
    """Whoever changes the intervals alone is told values that work with them, and they do."""
    slow = {"control__poll_interval": poll, "control__reassert": reassert}
    found = problems(**slow)
    named = {path.replace(".", "__"): re.search(r'"(\w+)" works', told) for path, told in found.items()}
    values = {path: told[1] for path, told in named.items() if told is not None}
    assert problems(**slow, **values) == {}


def test_the_deadline_and_the_lease_that_are_named_work() -> None:
    """A step's requests fit into the lease, and the lease outlasts a late poll: each to the second."""
    slow = {"control__poll_interval": "43s", "control__max_measurement_age": "80s"}
    quick = {"control__lease": "30s", "control__reassert": "5s", "control__poll_interval": "5s"}
    assert problems(battery__request_deadline="4s", **quick) == {}
    assert list(problems(battery__request_deadline="5s", **quick)) == ["battery.request_deadline"]
    assert problems(control__lease="91s", **slow) == {}
    assert list(problems(control__lease="90s", **slow)) == ["control.lease"]
