"""Recordings are read as they are, or refused with what to mend."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.errors import RecordingError
from optimizer.history import recording as module
from optimizer.history.recording import read_recording, write_recording
from support.past import DATA, START

HOUR = timedelta(hours=1)


def written(folder: Path, *lines: str, header: str = "timestamp,consumption_w,production_w") -> Path:
    path = folder / "home.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def hourly(count: int, values: str = "500,0") -> list[str]:
    return [f"2026-03-01T{hour:02d}:00:00Z,{values}" for hour in range(count)]


@pytest.mark.parametrize(
    ("name", "step", "rows"),
    [
        ("us_home_16_summer.csv", HOUR, 336),
        ("us_home_16_dst.csv", HOUR, 335),
        ("fr_home_emhass.csv", HOUR / 2, 672),
        ("fr_home_sceaux_15min.csv", HOUR / 4, 1344),
    ],
)
def test_real_recordings_are_read(name: str, step: timedelta, rows: int) -> None:
    """Each open sample comes in with its step, regular and complete."""
    recording = read_recording(DATA / name)
    assert recording.step == step
    assert len(recording.frame) == rows
    assert recording.frame.index.is_monotonic_increasing
    assert recording.frame["consumption_w"].notna().all()
    assert recording.end - recording.start == rows * step
    assert len(recording.spans) == 1


def test_unknown_columns_are_named_and_ignored() -> None:
    """A forecast column in the file is no part of the recording; the reader is told."""
    recording = read_recording(DATA / "fr_home_emhass.csv")
    assert list(recording.frame.columns) == ["consumption_w", "production_w"]
    assert recording.notes == ("ignored: pv_forecast_w, production_measured",)


def test_offsets_across_a_clock_change_are_one_time_line(tmp_path: Path) -> None:
    """The hour that occurs twice is told apart by its offset."""
    path = written(
        tmp_path,
        "2026-10-25T01:00:00+02:00,1,0",
        "2026-10-25T02:00:00+02:00,2,0",
        "2026-10-25T02:00:00+01:00,3,0",
        "2026-10-25T03:00:00+01:00,4,0",
    )
    recording = read_recording(path)
    assert recording.step == HOUR
    assert recording.frame["consumption_w"].tolist() == [1.0, 2.0, 3.0, 4.0]


def test_short_gaps_are_bridged_and_counted(tmp_path: Path) -> None:
    """One empty hour lies on the line between its neighbours, per column."""
    rows = hourly(6)
    rows[2] = "2026-03-01T02:00:00Z,,0"
    rows[3] = "2026-03-01T03:00:00Z,900,0"
    recording = read_recording(written(tmp_path, *rows))
    assert recording.frame["consumption_w"].tolist()[1:4] == [500.0, 700.0, 900.0]
    assert [(gap.column, gap.start, gap.end) for gap in recording.bridged] == [
        ("consumption_w", START + 2 * HOUR, START + 3 * HOUR)
    ]
    assert len(recording.spans) == 1


def test_long_gaps_stay_and_split_the_recording(tmp_path: Path) -> None:
    """Two hours without rows, or with empty fields, are not measured, and lie between spans."""
    rows = hourly(12)
    rows[8] = "2026-03-01T08:00:00Z,,"
    rows[9] = "2026-03-01T09:00:00Z,,"
    del rows[3:5]
    recording = read_recording(written(tmp_path, *rows))
    assert recording.bridged == ()
    assert recording.frame["consumption_w"].isna().tolist() == [hour in (3, 4, 8, 9) for hour in range(12)]
    spans = [((span.start - START) // HOUR, (span.end - START) // HOUR) for span in recording.spans]
    assert spans == [(0, 3), (5, 8), (10, 12)]


def test_registers_alone_are_a_recording(tmp_path: Path) -> None:
    """Where only the utility's meter is known the recording says so."""
    recording = read_recording(written(tmp_path, *hourly(3), header="timestamp,grid_import_w,grid_export_w"))
    assert recording.has_registers_only
    assert not read_recording(DATA / "us_home_16_dst.csv").has_registers_only


def test_kilowatts_are_suspected(tmp_path: Path) -> None:
    """A house that never exceeds 50 W is read, with a warning about the unit."""
    recording = read_recording(written(tmp_path, *hourly(3, "0.5,0")))
    assert "are these kilowatts?" in recording.notes[0]


def test_load_alone_is_read_with_a_note(tmp_path: Path) -> None:
    """Production that is not there is unknown, not zero."""
    path = written(tmp_path, *hourly(3, "500"), header="timestamp,consumption_w")
    recording = read_recording(path)
    assert "production_w" not in recording.frame
    assert "production is not known" in recording.notes[0]


GOOD = ["2026-03-01T00:00:00Z,500,0", "2026-03-01T01:00:00Z,500,0"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["2026-03-01T02:00:00,500,0"], "line 4 ('2026-03-01T02:00:00'): column timestamp: no offset; add one"),
        (["1 March,500,0"], "line 4 ('1 March'): column timestamp: not ISO 8601"),
        (["2026-03-01T01:00:00Z,500,0"], "line 4 ('2026-03-01T01:00:00Z'): column timestamp: the same instant twice"),
        (["2026-02-01T01:00:00Z,500,0"], "line 4 ('2026-02-01T01:00:00Z'): column timestamp: earlier than the row"),
        (
            ["2026-03-01T02:00:00Z,1,0", "2026-03-01T02:17:00Z,500,0"],
            "line 5 ('2026-03-01T02:17:00Z'): column timestamp: off the recording's step of 3600 s",
        ),
        (["2026-03-01T02:00:00Z,five,0"], "line 4 ('five'): column consumption_w: not a number"),
        (["2026-03-01T02:00:00Z,inf,0"], "line 4 ('inf'): column consumption_w: not a number"),
        (["2026-03-01T02:00:00Z,500,-3"], "line 4 ('-3'): column production_w: negative"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_remedy(tmp_path: Path, rows: list[str], said: str) -> None:
    """File, line, value, column and what to do."""
    path = written(tmp_path, *GOOD, *rows)
    with pytest.raises(RecordingError) as raised:
        read_recording(path)
    assert str(path) in str(raised.value)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty; expected a header"),
        ("timestamp,consumption_w,production_w\n", "fewer than two rows"),
        ("time,consumption,production_w\n1,2,3\n", "no column timestamp"),
        ("timestamp,consumption,production_w\n2026-03-01T00:00Z,1,1\n", "did you mean 'consumption'?"),
        ("timestamp,grid_import_w\n2026-03-01T00:00Z,1\n", "no column grid_export_w"),
        ("timestamp;consumption_w\n2026-03-01T00:00Z;1\n", "separated by semicolons"),
        ("timestamp,consumption_w,production_w\n2026-03-01T00:00Z,1,0,7\n2026-03-01T01:00Z,1,0,7\n", "more fields"),
        ("timestamp,consumption_w\n2026-03-01T00:00Z,1\n2026-03-01T02:00Z,1\n", "a step of 7200 s"),
        ("timestamp,consumption_w\n2026-03-01T00:00:00Z,1\n2026-03-01T00:00:10Z,1\n", "a step of 10 s"),
    ],
)
def test_a_file_that_is_no_recording_says_why(tmp_path: Path, text: str, said: str) -> None:
    """The header and the form are checked before the numbers."""
    path = tmp_path / "home.csv"
    path.write_text(text)
    with pytest.raises(RecordingError) as raised:
        read_recording(path)
    assert said in str(raised.value)


def test_all_kinds_of_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """One reading names every kind, with the first places and how many more."""
    rows = [*GOOD, *(f"2026-03-01T{hour:02d}:00:00Z,x,-1" for hour in range(2, 9))]
    with pytest.raises(RecordingError) as raised:
        read_recording(written(tmp_path, *rows))
    assert "2 problems" in str(raised.value)
    assert "and 4 more" in str(raised.value)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    """No traceback for a typing mistake, and what to do."""
    with pytest.raises(RecordingError, match=r"cannot be read \(No such file or directory\); check the path"):
        read_recording(tmp_path / "missing.csv")


def test_parquet_without_its_extra_tells_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parquet is optional; the message names the extra."""
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(RecordingError, match="sunshift\\[parquet\\]"):
        read_recording(tmp_path / "home.parquet")
    with pytest.raises(RecordingError, match="sunshift\\[parquet\\]"):
        write_recording(read_recording(DATA / "us_home_16_dst.csv").frame, tmp_path / "home.parquet")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_what_is_written_reads_back(tmp_path: Path, suffix: str) -> None:
    """Export and import are inverse, gaps included."""
    if suffix == "parquet":
        pytest.importorskip("pyarrow", reason="the parquet extra is not installed")
    frame = read_recording(DATA / "us_home_16_dst.csv").frame.copy()
    frame.iloc[10:20] = np.nan
    path = tmp_path / f"home.{suffix}"
    write_recording(frame, path)
    pd.testing.assert_frame_equal(read_recording(path).frame, frame, check_freq=False, check_index_type=False)
    assert list(tmp_path.iterdir()) == [path]


def test_a_recording_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    """A folder that is not there is named; no half file stays."""
    frame = read_recording(DATA / "us_home_16_dst.csv").frame
    with pytest.raises(RecordingError, match="cannot be written"):
        write_recording(frame, tmp_path / "nowhere" / "home.csv")
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever is in the file, the answer is a recording or a RecordingError."""
    path = tmp_path_factory.mktemp("any") / "home.csv"
    path.write_text("timestamp,consumption_w\n" + text, encoding="utf-8", errors="replace")
    with pytest.raises(RecordingError):
        read_recording(path)
