"""Defaults lie below the file, the file below the environment, and each value knows where it came from."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.assembly.configuration import configuration_from_tables, load_configuration
from optimizer.errors import ConfigError
from optimizer.settings import Settings
from optimizer.settings.duration import format_duration, parse_duration
from optimizer.settings.tariff import TimeOfUseTariffSettings
from support.canary import CANARY, keep_in
from support.configurations import SMALLEST, configured, outcome, problems, tables


def test_the_environment_overrides_the_file_and_the_origin_says_so() -> None:
    """A variable wins over the file; origins name variable, file and default."""
    configuration = configured(environ={"SUNSHIFT_BATTERY__HOST": "battery.lan", "SUNSHIFT_GRID__CURTAILABLE": "true"})
    assert configuration.settings.battery.host == "battery.lan"
    assert configuration.settings.grid.curtailable is True
    assert configuration.origin(("battery", "host")) == "environment SUNSHIFT_BATTERY__HOST"
    assert (
        configuration.origin(
            (
                "battery",
                "max_charge_w",
            )
        )
        is not None
    )
    assert configuration.origin(("battery", "min_soc")) is None


def test_the_environment_alone_is_a_configuration() -> None:
    """Without a file every key can come from variables, the tariff's kind and nested keys included."""
    environ = {
        "SUNSHIFT_SITE__TIMEZONE": "Europe/Berlin",
        "SUNSHIFT_BATTERY__DRIVER": "simulated",
        "SUNSHIFT_BATTERY__USABLE_CAPACITY_WH": "10000",
        "SUNSHIFT_BATTERY__MAX_CHARGE_W": "4600",
        "SUNSHIFT_BATTERY__MAX_DISCHARGE_W": "4600",
        "SUNSHIFT_TARIFF__IMPORT": '{"kind": "time_of_use", "price_per_kwh": 0.3}',
        "SUNSHIFT_TARIFF__IMPORT__RULES": '[{"from": "22:00", "to": "06:00", "price_per_kwh": 0.2}]',
        "SUNSHIFT_TARIFF__EXPORT__KIND": "fixed",
        "SUNSHIFT_TARIFF__EXPORT__PRICE_PER_KWH": "-0.01",
        "SUNSHIFT_PLANNING__HORIZON": "24h",
        "SUNSHIFT_CONFIG": "/not/a/setting",
        "PATH": "/bin",
    }
    loaded = load_configuration(None, environ=environ).settings
    assert isinstance(loaded.tariff.import_, TimeOfUseTariffSettings)
    assert len(loaded.tariff.import_.rules) == 1
    assert loaded.planning.horizon == timedelta(hours=24)


def test_an_unknown_variable_is_a_problem_with_a_suggestion() -> None:
    """A variable of our prefix that names no key is told; those of others are none of our business."""
    found = problems(environ={"SUNSHIFT_BATTERY__HOTS": "x", "SUNSHIFT_TARIFF__IMPORT__RULES": "[", "OTHER_HOST": "x"})
    assert "did you mean 'SUNSHIFT_BATTERY__HOST'?" in found["SUNSHIFT_BATTERY__HOTS"]
    assert "is not valid JSON" in found["SUNSHIFT_TARIFF__IMPORT__RULES"]
    assert len(found) == 2


def test_a_bad_variable_is_named_with_its_key() -> None:
    """A wrong value from the environment is told with the variable, for the file does not show it."""
    found = problems(environ={"SUNSHIFT_BATTERY__PORT": "many"})
    assert found["battery.port"] == "must be a whole number, got text (from environment SUNSHIFT_BATTERY__PORT)"


def test_the_process_environment_stays_outside_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings built from tables see no variable of the process; loading a file does."""
    monkeypatch.setenv("SUNSHIFT_BATTERY__HOST", "from.process")
    assert Settings(**tables()).battery.host == "192.168.1.20"
    assert configuration_from_tables(tables()).settings.battery.host == "192.168.1.20"


def test_the_process_environment_counts_for_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Loading a file without naming an environment takes that of the process."""
    monkeypatch.setenv("SUNSHIFT_BATTERY__HOST", "from.process")
    (tmp_path / "a.toml").write_text(SMALLEST)
    assert load_configuration(tmp_path / "a.toml").settings.battery.host == "from.process"


@pytest.mark.parametrize(
    ("environ", "state", "runtime"),
    [
        ({"STATE_DIRECTORY": "/s", "RUNTIME_DIRECTORY": "/r:/q"}, "/s", "/r"),
        ({"XDG_STATE_HOME": "/x", "XDG_RUNTIME_DIR": "/u"}, "/x/sunshift", "/u/sunshift"),
        ({"HOME": "/h"}, "/h/.local/state/sunshift", "/h/.local/state/sunshift/run"),
    ],
)
def test_folders_follow_systemd_then_xdg(environ: dict[str, str], state: str, runtime: str) -> None:
    """State and runtime folders are systemd's, else the user's own."""
    service = configured(environ=environ).settings.service
    assert (str(service.state_dir), str(service.runtime_dir)) == (state, runtime)


def test_the_token_comes_from_a_systemd_credential(tmp_path: Path) -> None:
    """Without a token file the credential sunshift-token is taken, and never shown."""
    keep_in(tmp_path / "sunshift-token", end="\n")
    configuration = configured(environ={"CREDENTIALS_DIRECTORY": str(tmp_path)}, battery__driver="sonnen_v2")
    assert configuration.token is not None
    assert configuration.token.get_secret_value() == CANARY
    assert CANARY not in repr(configuration)


@pytest.mark.parametrize(("driver", "port"), [("sonnen_v1", 8080), ("sonnen_v2", 80)])
def test_the_port_follows_the_driver(driver: str, port: int, tmp_path: Path) -> None:
    """Each API has its own port unless one is given."""
    keep_in(tmp_path / "sunshift-token")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert configured(environ=environ, battery__driver=driver).settings.battery.port == port
    assert configured(environ=environ, battery__driver=driver, battery__port=81).settings.battery.port == 81


def test_a_limit_of_zero_is_no_limit() -> None:
    """Zero and absence both mean that the grid connection has no limit."""
    grid = configured(grid__max_import_w=0, environ={"SUNSHIFT_GRID__MAX_EXPORT_W": "0"}).settings.grid
    assert (grid.max_import_w, grid.max_export_w) == (None, None)
    assert configured(environ={"SUNSHIFT_GRID__MAX_EXPORT_W": "0.0"}).settings.grid.max_export_w is None
    assert configured(grid__max_import_w=5000).settings.grid.max_import_w == 5000


@pytest.mark.parametrize("text", ['{"grid": {}}', '{"grid": {"curtailable": true}}'])
def test_an_empty_table_takes_nothing_away(text: str) -> None:
    """A variable with an empty table leaves what the file says below it."""
    configuration = configured(grid__max_export_w=6000, environ={"SUNSHIFT_GRID": json.dumps(json.loads(text)["grid"])})
    assert configuration.settings.grid.max_export_w == 6000
    assert configuration.origin(("grid", "max_export_w")) == "file "


@pytest.mark.parametrize("host", ["battery.lan", "my_battery", "10.0.0.7", "fe80::1%eth0", "::1", "::ffff:10.0.0.7"])
def test_every_form_of_an_address_is_a_host(host: str) -> None:
    """Names, IPv4 and IPv6 addresses, with a zone where the link needs one."""
    assert configured(battery__host=host).settings.battery.host == host


@given(st.integers(0, 10**13))
def test_a_duration_reads_back_as_written(microseconds: int) -> None:
    """Formatting and parsing a length of time are inverse, to the microsecond."""
    length = timedelta(microseconds=microseconds)
    assert parse_duration(format_duration(length)) == length


@pytest.mark.parametrize(("text", "minutes"), [("90s", 1.5), ("1h 30min", 90), (" 1.5H ", 90), ("1d", 1440)])
def test_durations_are_read_as_people_write_them(text: str, minutes: float) -> None:
    """Units may be combined, spaced and written in any case."""
    assert parse_duration(text) == timedelta(minutes=minutes)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("15min"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_places = st.sampled_from(
    [
        "site", "battery", "tariff", "strategy", "strategies", "planning", "site__timezone", "battery__port",
        "battery__min_soc", "battery__token_file", "tariff__import", "tariff__import__kind", "tariff__import__vat",
        "tariff__import__rules", "tariff__demand", "tariff__export__country", "planning__step", "planning__horizon",
        "strategy__name", "strategies__time_of_use", "service__state_dir", "grid__max_import_w", "anything",
    ]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(_places, _values, max_size=4))
def test_whatever_stands_in_the_file_gives_settings_or_problems(changes: dict[str, object]) -> None:
    """No value anywhere raises anything but a ConfigError whose problems all have a message."""
    raw = tables()
    for name, value in changes.items():
        *above, key = name.split("__")
        table = raw
        for part in above:
            table = table[part] if isinstance(table.get(part), dict) else table.setdefault(f"_{part}", {})
        table[key] = value
    found = outcome(lambda: configuration_from_tables(raw))
    if isinstance(found, ConfigError):
        assert found.problems
        assert all(problem.message for problem in found.problems)
    else:
        assert json.dumps(found.settings.model_dump(mode="json", by_alias=True, exclude={"strategies"}))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_whatever_bytes_the_file_holds_give_settings_or_problems(content: bytes) -> None:
    """Any bytes after a valid beginning load, or are told as problems."""
    with TemporaryDirectory() as folder:  # hypothesis and the tmp_path fixture do not mix
        path = Path(folder) / "a.toml"
        path.write_bytes(SMALLEST.encode() + content)
        found = outcome(lambda: load_configuration(path, environ={}))
    assert not isinstance(found, ConfigError) or found.problems
