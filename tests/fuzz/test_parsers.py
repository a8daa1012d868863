"""Whatever a file or a device says, the answer is a sound value or an error of ours that names the place.

Valid input is spoilt by chance (:mod:`support.mutation`). Everyday a few hundred times for each parser; with
``-m soak`` ten thousand times, with other seeds each time. No example may take more than half a gigabyte.
"""

from __future__ import annotations

import json
import math
import resource
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from optimizer.assembly.configuration import load_configuration
from optimizer.cli import resume
from optimizer.cli.ending import EXIT_CONFIG, EXIT_DONE, EXIT_FAILED, EXIT_USAGE
from optimizer.cli.main import main
from optimizer.devices.latest_data import parse_latest_data
from optimizer.devices.simulated.schedule import parse_schedule
from optimizer.devices.status import parse_status
from optimizer.errors import ConfigError, DeviceError, PlanningError, RecordingError, SimulatorError, TariffError
from optimizer.history.recording import read_recording
from optimizer.planning.problem_json import problem_from_json
from optimizer.release.config import target_from_config
from optimizer.release.record import CommandRecord
from optimizer.service.lock import InstanceLock
from optimizer.service.status import status_path
from optimizer.simulator.faults import read_faults
from optimizer.sweep.loading import load_sweep
from optimizer.tariffs.price_table import read_price_table
from support import status_payloads as payloads
from support.configurations import SMALLEST
from support.mutation import spoilt

ROOT = Path(__file__).parents[2]
START = datetime(2026, 5, 4, tzinfo=UTC)
EVERYDAY, SOAK = 150, 10_000
MORE_MEMORY = 512 << 20
SEEDS = st.integers(0, 2**63)
# A seed cannot be made simpler, and a slow machine is no mistake.
BUDGET = settings(deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))


@dataclass(frozen=True, kw_only=True)
class Parser:
    """Something that reads what others wrote."""

    samples: Sequence[bytes]
    parse: Callable[[Path], object]
    """Reads a file; raises ours or returns; asserts that what it returns is sound."""
    refuses: tuple[type[Exception], ...] = ()
    suffix: str = ""
    names_place: bool = True
    """Whether its error names the file."""


def files(folder: str, pattern: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((ROOT / folder).glob(pattern))]


def head(path: str, lines: int = 40) -> bytes:
    return b"".join((ROOT / path).read_bytes().splitlines(keepends=True)[:lines])


def status(path: Path) -> None:
    seen = parse_status(path.read_bytes(), "here")
    measured = seen.measurement(at=START, elapsed_s=0.0)
    powers = (measured.consumption_w, measured.production_w, measured.battery_power_w, measured.grid_power_w)
    assert all(math.isfinite(power_w) and abs(power_w) <= 500_000 for power_w in powers)
    assert 0.0 <= measured.soc <= 1.0


def latest_data(path: Path) -> None:
    latest = parse_latest_data(path.read_bytes(), "here")
    assert latest.setpoint_w is None or abs(latest.setpoint_w) <= 100_000


def prices(path: Path) -> None:
    series = read_price_table(path, column="price_per_kwh", unit="eur_per_kwh")
    assert 60.0 <= series.step.total_seconds() <= 86_400.0


def configuration(path: Path) -> None:
    found = load_configuration(path, environ={})
    battery = found.settings.battery
    assert all(map(math.isfinite, (battery.usable_capacity_wh, battery.max_charge_w, battery.max_discharge_w)))


def recording(path: Path) -> None:
    found = read_recording(path)
    assert found.frame.index.is_monotonic_increasing
    assert not found.frame.isin([math.inf, -math.inf]).to_numpy().any()


def problem(path: Path) -> None:
    found = problem_from_json(path.read_text(encoding="utf-8", errors="replace"))
    assert 0.0 <= found.initial_soc <= 1.0


def record(path: Path) -> None:
    kept = CommandRecord(path.parent, path.parent)
    path.replace(kept.lease_path)
    assert kept.unvouched(1e12) is not None, "what cannot be understood, or is long over, vouches for nothing"


SWEEP = (
    b"""base = "home.toml"\n[[homes]]\nname = "a"\nrecording = "a.csv"\n[[strategies]]\nname = "self_consumption"\n"""
)
TARIFF = b"".join(b"2026-05-04T%02d:00:00+02:00,0.%d\n" % (hour, 10 + hour) for hour in range(24))
LEASE = b'{"command": "charge 1000 W", "until_s": 1234.5, "length_s": 90.0}'
SCHEDULE = b'[{"start":"10:00","stop":"11:00","threshold_p_max":2000},{"start":"23:00","stop":"24:00"}]'
FAULTS = b"""
[[fault]]
name = "the night"
kind = "restart"
start = "16h49min"
refusing_s = 120
[[fault]]
kind = "html"
start = 2026-05-01T02:00:00+02:00
end = 2026-05-01T02:05:00+02:00
on = "reads"
face = "v1"
first_request = 3
last_request = 5
"""
PARSERS = {
    "status": Parser(
        samples=[payloads.DOCUMENT, payloads.ECO8_2022, payloads.SB10_2021, payloads.HOMEBRIDGE_2021],
        parse=status,
        refuses=(DeviceError,),
    ),
    "latestdata": Parser(
        samples=[b'{"SetPoint_W":500,"ic_status":{"Setpoint Priority":{"BMS":false,"Full Charge Request":true}}}'],
        parse=latest_data,
        refuses=(DeviceError,),
    ),
    "schedule": Parser(
        samples=[SCHEDULE, b"[]"],
        parse=lambda path: parse_schedule(path.read_text(errors="replace")),
        refuses=(ValueError,),
    ),
    "prices": Parser(
        samples=[b"timestamp,price_per_kwh\n" + TARIFF, *(text[:3000] for text in files("config/examples", "*.csv"))],
        parse=prices,
        refuses=(TariffError,),
        suffix=".csv",
    ),
    "configuration": Parser(
        samples=[SMALLEST.encode(), *files("config", "sunshift.toml"), *files("config/examples", "*.toml")],
        parse=configuration,
        refuses=(ConfigError,),
        suffix=".toml",
    ),
    "release": Parser(
        samples=[SMALLEST.encode(), *files("config/examples", "*.toml")],
        parse=lambda path: target_from_config(path, {}),
        refuses=(ConfigError,),
        suffix=".toml",
    ),
    "sweep": Parser(
        samples=[SWEEP, *files("config", "sweep.toml")], parse=load_sweep, refuses=(ConfigError,), suffix=".toml"
    ),
    "faults": Parser(
        samples=[FAULTS], parse=lambda path: read_faults(path, start=START), refuses=(SimulatorError,), suffix=".toml"
    ),
    "problem": Parser(
        samples=[text for text in files("tests/data/problems", "*.json") if len(text) < 20_000] or [b"{}"],
        parse=problem,
        refuses=(PlanningError,),
        names_place=False,
    ),
    "recording": Parser(
        samples=[head("tests/data/us_home_16_dst.csv"), head("tests/data/fr_home_emhass.csv")],
        parse=recording,
        refuses=(RecordingError,),
        suffix=".csv",
    ),
    "lease": Parser(samples=[LEASE], parse=record),
}


@pytest.fixture(autouse=True)
def little_memory() -> Iterator[None]:
    """Give each test so much more memory than there is in use, and no more."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + MORE_MEMORY, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def value_or_refusal(parser: Parser, seed: int, folder: Path) -> None:
    """See to it that one spoilt sample ends in a sound value or an error of ours that a person can act on."""
    path = folder / f"spoilt{parser.suffix}"
    path.write_bytes(spoilt(parser.samples, seed))
    note(f"seed {seed}: {path.read_bytes()[:2000]!r}")
    try:
        parser.parse(path)
    except parser.refuses as error:
        text = str(error)
        assert text
        assert len(text) < 20_000
        if isinstance(error, ConfigError | TariffError | RecordingError | SimulatorError):
            assert str(path) in text


@pytest.mark.parametrize("name", PARSERS)
def test_spoilt_input_is_a_sound_value_or_an_error_of_ours(name: str, tmp_path: Path) -> None:
    """Nothing else comes out of a parser, least of all a traceback."""
    check(name, tmp_path, EVERYDAY)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", PARSERS)
def test_spoilt_input_for_long(name: str, tmp_path: Path) -> None:
    """The same, many times over."""
    check(name, tmp_path, SOAK)


def check(name: str, folder: Path, times: int) -> None:
    @settings(BUDGET, max_examples=times)
    @given(SEEDS)
    def spoil_and_parse(seed: int) -> None:
        value_or_refusal(PARSERS[name], seed, folder)

    spoil_and_parse()


COMMANDS = {
    "config show": ("configuration", ["config", "show", "--config", "FILE"]),
    "plan": ("problem", ["plan", "--json", "--method", "recursion", "--problem", "FILE"]),
    "history import": ("recording", ["history", "import", "FILE", "--database", "HISTORY"]),
    "simulate": ("faults", ["simulate", "--port", "0", "--v2-port", "0", "--host", "host.invalid", "--faults", "FILE"]),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_ends_with_its_exit_code(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """0 done, 1 failed, 2 wrong usage, 78 configuration: whatever is in the file, and never a traceback."""
    parser, words = PARSERS[COMMANDS[name][0]], COMMANDS[name][1]
    path = tmp_path / f"spoilt{parser.suffix}"
    places = {"FILE": str(path), "HISTORY": str(tmp_path / "history.sqlite3")}

    @settings(BUDGET, max_examples=40)
    @given(SEEDS)
    def spoil_and_run(seed: int) -> None:
        path.write_bytes(spoilt(parser.samples, seed))
        note(f"seed {seed}: {path.read_bytes()[:2000]!r}")
        code = main([places.get(word, word) for word in words])
        told = capsys.readouterr()
        assert code in (EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_CONFIG)
        assert (code == EXIT_DONE) or told.err.startswith("sunshift: ")
        assert "Traceback" not in told.out + told.err

    spoil_and_run()


@pytest.mark.parametrize("held", [True, False])
def test_a_spoilt_status_is_told_as_such(
    held: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`sunshift status` and `resume` on a status file that is not one end with one message."""
    monkeypatch.setattr(resume, "real_deadline", lambda _: lambda: 0.0)
    (tmp_path / "run").mkdir()
    config = tmp_path / "sunshift.toml"
    config.write_text('[service]\nruntime_dir = "run"\n')
    sample = status_of_a_service(tmp_path)

    @settings(BUDGET, max_examples=60)
    @given(SEEDS)
    def spoil_and_look(seed: int) -> None:
        status_path(tmp_path / "run").write_bytes(spoilt([sample], seed))
        note(f"seed {seed}: {status_path(tmp_path / 'run').read_bytes()[:2000]!r}")
        for words in (["status"], ["status", "--json"], ["resume"]):
            assert main([*words, "--config", str(config)]) in (EXIT_DONE, EXIT_FAILED)
            assert "Traceback" not in "".join(capsys.readouterr())

    if held:
        with InstanceLock(tmp_path / "run", battery="x", since=START):
            spoil_and_look()
    else:
        spoil_and_look()


def status_of_a_service(folder: Path) -> bytes:
    """Return what a service told in its run."""
    from datetime import timedelta  # noqa: PLC0415

    from support.service_bench import bench  # noqa: PLC0415

    with bench(folder) as home:
        home.run_for(timedelta(minutes=1))
    told = json.loads(status_path(folder / "run").read_bytes())
    return json.dumps({**told, "stand_down": {"why": "the app", "until": told["written_at"]}}).encode()
