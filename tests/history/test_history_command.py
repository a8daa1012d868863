"""``sunshift history``: in, out and what is kept."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from optimizer.cli.main import main
from optimizer.clock import SimulatedClock
from optimizer.history.recording import read_recording
from optimizer.history.store import HistoryStore
from support.past import DATA, START, measured


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "history.sqlite3"


def test_a_recording_goes_in_and_comes_out_the_same(
    tmp_path: Path, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Import, show, export at the same step: the numbers are those of the file."""
    source, out = DATA / "us_home_16_dst.csv", tmp_path / "out.csv"
    assert main(["history", "import", str(source), "--database", str(database)]) == 0
    assert "335 intervals of 60 min imported" in capsys.readouterr().out
    assert main(["history", "show", "--database", str(database)]) == 0
    shown = capsys.readouterr().out
    assert "imported      14.0 days, 2017-03-06 08:00 to 2017-03-20 07:00 UTC" in shown
    assert "measurements  0" in shown
    assert main(["history", "export", "--database", str(database), "--out", str(out), "--step", "1h"]) == 0
    columns = ["consumption_w", "production_w"]
    pd.testing.assert_frame_equal(
        read_recording(out).frame[columns], read_recording(source).frame[columns], check_index_type=False
    )


def test_export_takes_a_span_and_a_step(tmp_path: Path, database: Path) -> None:
    """Only what was asked for, resampled."""
    assert main(["history", "import", str(DATA / "fr_home_emhass.csv"), "--database", str(database)]) == 0
    out = tmp_path / "out.csv"
    words = ["--start", "2024-06-11T00:00+02:00", "--end", "2024-06-12T00:00+02:00", "--step", "15min"]
    assert main(["history", "export", "--database", str(database), "--out", str(out), *words]) == 0
    frame = read_recording(out).frame
    assert len(frame) == 96
    assert frame.index[0] == pd.Timestamp("2024-06-10T22:00Z")


def test_gaps_are_shown(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The longest silences are named."""
    with HistoryStore(database, clock=SimulatedClock(START)) as store:
        for second in [*range(0, 3600, 60), *range(5 * 3600, 6 * 3600, 60)]:
            store.add_measurement(measured(second))
    assert main(["history", "show", "--database", str(database)]) == 0
    shown = capsys.readouterr().out
    assert "gaps          1 longer than an hour" in shown
    assert "4 h from 2026-03-01 01:00 UTC" in shown


@pytest.mark.parametrize("action", [["show"], ["export", "--out", "out.csv"]])
def test_no_history_is_said(
    database: Path, capsys: pytest.CaptureFixture[str], action: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is made where nothing is."""
    monkeypatch.chdir(database.parent)
    assert main(["history", *action, "--database", str(database)]) == 1
    assert "no history here yet" in capsys.readouterr().err
    assert not database.exists()


def test_a_wrong_file_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Pointing at something else changes nothing there."""
    notes = tmp_path / "notes.txt"
    notes.write_text("my notes\n" * 200)
    assert main(["history", "import", str(DATA / "us_home_16_dst.csv"), "--database", str(notes)]) == 1
    assert "not a readable history" in capsys.readouterr().err
    assert notes.read_text() == "my notes\n" * 200
    assert list(tmp_path.iterdir()) == [notes]


def test_registers_alone_cannot_become_history(
    tmp_path: Path, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Import and export of a meter are not load and sun."""
    source = tmp_path / "meter.csv"
    source.write_text("timestamp,grid_import_w,grid_export_w\n2026-03-01T00:00Z,1000,0\n2026-03-01T01:00Z,500,0\n")
    assert main(["history", "import", str(source), "--database", str(database)]) == 1
    assert "only the utility's registers" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--step", "5 parsecs"], "not a step"),
        (["--start", "2026-03-01T00:00"], "no offset"),
        (["--start", "x"], "ISO"),
        (["--start", "0001-01-01T00:00+01:00"], "outside the calendar"),
        (["--step", "999999999999h"], "too long a step"),
    ],
)
def test_wrong_words_are_usage_errors(
    database: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    """Exit code 2 and what was expected."""
    with pytest.raises(SystemExit) as ended:
        main(["history", "export", "--database", str(database), "--out", "x.csv", *words])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_the_configuration_names_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --config the history of that installation is meant."""
    config = tmp_path / "sunshift.toml"
    state = tmp_path / "state"
    config.write_text(
        '[site]\ntimezone = "Europe/Berlin"\n[battery]\ndriver = "simulated"\nusable_capacity_wh = 10000\n'
        "max_charge_w = 4600\nmax_discharge_w = 4600\n"
        '[tariff.import]\nkind = "fixed"\nprice_per_kwh = 0.3\n[tariff.export]\nkind = "fixed"\nprice_per_kwh = 0.08\n'
        f'[service]\nstate_dir = "{state}"\n'
    )
    source = str(DATA / "us_home_16_dst.csv")
    assert main(["history", "import", source, "--config", str(config)]) == 0, capsys.readouterr().err
    assert (state / "history.sqlite3").exists()


def test_a_slip_in_a_year_does_not_fill_the_memory(
    tmp_path: Path, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A span of more intervals than an export can hold is refused with their number, before anything is read."""
    with HistoryStore(database, clock=SimulatedClock(START)) as store:
        store.add_measurement(measured(0))
    words = ["--end", "9999-12-31T00:00Z", "--step", "1min", "--out", str(tmp_path / "out.csv")]
    assert main(["history", "export", "--database", str(database), *words]) == 1
    assert "an export holds 5000000 at most: choose a shorter span" in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()


def test_a_folder_that_cannot_be_made_is_told_as_that(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A command keeps nothing in memory for later: it says what is wrong with the file, and no more."""
    (tmp_path / "file").write_text("")
    database = tmp_path / "file" / "history.sqlite3"
    assert main(["history", "import", str(DATA / "fr_home_emhass.csv"), "--database", str(database)]) == 1
    told = capsys.readouterr().err
    assert str(database) in told
    assert "memory" not in told
    assert "lost" not in told


@pytest.mark.parametrize("step", ["1s", "2h"])
def test_a_step_that_no_recording_may_have_is_refused(
    step: str, tmp_path: Path, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What would be written could not be read again."""
    with pytest.raises(SystemExit) as caught:
        main(["history", "export", "--database", str(database), "--out", str(tmp_path / "out.csv"), "--step", step])
    assert caught.value.code == 2
    assert "is no step of a recording; choose one from 1 min to 60 min" in capsys.readouterr().err
