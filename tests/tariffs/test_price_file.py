"""Prices from a file: what is known when, over which interval, and what is refused with its line."""

from __future__ import annotations

import logging
import os
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.domain.time_grid import Interval, TimeGrid
from optimizer.errors import TariffError
from optimizer.tariffs.price_file import PriceFile
from optimizer.tariffs.price_series import PriceSeries, usual_step
from optimizer.tariffs.price_table import PriceUnit, read_price_table
from optimizer.tariffs.publication import DayAheadPublication
from support.tariffs import BERLIN, HOUR, QUARTER, day_grid, local_midnight

START = datetime(2026, 6, 1, tzinfo=UTC)
NOON_BEFORE = DayAheadPublication(at=time(12, 45), timezone=ZoneInfo("Europe/Brussels"))


def _series(*values: float | None, step: timedelta = HOUR) -> PriceSeries:
    return PriceSeries([START + index * step for index in range(len(values))], values)


def _write(path: Path, *lines: str, header: str = "timestamp,price_eur_per_kwh") -> Path:
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def _hourly(path: Path, start: datetime, values: list[float]) -> Path:
    return _write(path, *(f"{(start + i * HOUR).isoformat()},{value}" for i, value in enumerate(values)))


def _prices(source: PriceFile, start: datetime, count: int, *, as_of: datetime, step: timedelta = HOUR) -> list[object]:
    return list(source.prices(TimeGrid(start=start, step=step, count=count), as_of=as_of))


def _interval(offset: timedelta, length: timedelta) -> Interval:
    return Interval(start=START + offset, end=START + offset + length)


def test_finer_intervals_take_the_price_they_lie_in() -> None:
    """The quarters of an hour cost exactly what the hour costs."""
    series = _series(0.1, 0.3)
    assert [series.mean(_interval(quarter * QUARTER, QUARTER)) for quarter in range(8)] == [0.1] * 4 + [0.3] * 4


def test_coarser_intervals_take_the_mean_by_time() -> None:
    """Ninety minutes over hourly prices weigh them two to one."""
    assert _series(0.1, 0.4).mean(_interval(timedelta(0), 1.5 * HOUR)) == pytest.approx(0.2)


def test_an_interval_that_is_only_partly_covered_is_unknown() -> None:
    """Before the first price, past the last, across a gap or an empty field there is no price, never 0."""
    series = PriceSeries([START, START + HOUR, START + 4 * HOUR, START + 5 * HOUR], [0.1, 0.2, 0.3, None])
    assert series.mean(_interval(-QUARTER, HOUR)) is None
    assert series.mean(_interval(timedelta(0), 2 * HOUR)) == pytest.approx(0.15)
    assert series.mean(_interval(1.5 * HOUR, HOUR)) is None
    assert series.mean(_interval(3 * HOUR, QUARTER)) is None
    assert series.mean(_interval(3.5 * HOUR, HOUR)) is None
    assert series.mean(_interval(4 * HOUR, HOUR)) == 0.3
    assert series.mean(_interval(5 * HOUR, HOUR)) is None
    assert series.mean(_interval(4 * HOUR, 2 * HOUR)) is None


def test_a_price_holds_at_most_for_the_usual_step() -> None:
    """After a missing row the price before it does not go on."""
    assert usual_step([START, START + HOUR, START + 2 * HOUR, START + 9 * HOUR]) == HOUR
    assert usual_step([START]) == HOUR


def test_a_market_that_changes_to_quarter_hours_keeps_both_right() -> None:
    """Hourly rows followed by quarter-hourly ones: a row that is followed earlier ends there."""
    starts = [START, START + HOUR, START + 2 * HOUR, START + 2 * HOUR + QUARTER]
    series = PriceSeries(starts, [0.1, 0.2, 0.3, 0.5])
    assert series.mean(_interval(2 * HOUR, QUARTER)) == 0.3
    assert series.mean(_interval(2 * HOUR, 2 * QUARTER)) == pytest.approx(0.4)


def _change(first: timedelta, then: timedelta, *, rows: int = 48) -> list[datetime]:
    """Return the starts of a file that goes from one step to another at ``START``."""
    return [*(START - index * first for index in range(rows, 0, -1)), *(START + index * then for index in range(rows))]


@pytest.mark.parametrize(("first", "then"), [(HOUR, QUARTER), (QUARTER, HOUR)])
@pytest.mark.parametrize("rows", [13, 48])
def test_each_part_of_a_file_has_its_own_step(first: timedelta, then: timedelta, rows: int) -> None:
    """Before and after a change of the market's step every minute has its price."""
    starts = _change(first, then, rows=rows)
    series = PriceSeries(starts, [float(index) for index in range(len(starts))])
    count = (starts[-1] + QUARTER - starts[0]) // QUARTER
    found = [series.mean(_interval(starts[0] - START + index * QUARTER, QUARTER)) for index in range(count)]
    assert None not in found
    assert found[:2] == [0.0, 0.0 if first == HOUR else 1.0]
    assert series.end == starts[-1] + then


@pytest.mark.parametrize("missing", [-24, -2, 2, 24])
@pytest.mark.parametrize(("first", "then"), [(HOUR, QUARTER), (QUARTER, HOUR)])
def test_a_missing_row_is_a_gap_in_either_part(first: timedelta, then: timedelta, missing: int) -> None:
    """A change of the step does not hide what is missing before or after it."""
    starts = _change(first, then)
    gone = starts.pop(48 + missing)
    series = PriceSeries(starts, [0.1] * len(starts))
    assert series.mean(Interval(start=gone, end=gone + QUARTER)) is None
    step = first if missing < 0 else then
    assert series.mean(Interval(start=gone - QUARTER, end=gone)) == 0.1
    assert series.mean(Interval(start=gone + step, end=gone + step + QUARTER)) == 0.1


def test_tomorrow_is_known_from_the_time_of_publication_on(tmp_path: Path) -> None:
    """A minute before 12:45 in Brussels tomorrow is unknown, at 12:45 it is known, the day after never."""
    first = local_midnight(date(2026, 6, 1))
    source = PriceFile(
        _hourly(tmp_path / "p.csv", first, [0.01 * i for i in range(72)]),
        column="price_eur_per_kwh",
        publication=NOON_BEFORE,
    )
    published = datetime(2026, 6, 1, 12, 45, tzinfo=BERLIN)
    known = [
        [price is not None for price in _prices(source, first, 72, as_of=as_of)]
        for as_of in (published - timedelta(minutes=1), published)
    ]
    assert known == [[True] * 24 + [False] * 48, [True] * 48 + [False] * 24]


def test_prices_that_are_known_are_known_always(tmp_path: Path) -> None:
    """Without a publication every price of the file is known, however early."""
    source = PriceFile(_hourly(tmp_path / "p.csv", START, [0.1] * 48), column="price_eur_per_kwh")
    assert None not in _prices(source, START, 48, as_of=START - timedelta(days=99))


@pytest.mark.parametrize(("day", "quarters"), [(date(2026, 3, 29), 92), (date(2026, 10, 25), 100)])
def test_a_day_of_a_clock_change_is_published_whole(tmp_path: Path, day: date, quarters: int) -> None:
    """On the day before a clock change all 92 or 100 quarter hours become known, and not one more."""
    grid = day_grid(day)
    rows = [f"{(grid.start + i * QUARTER).isoformat()},{i / 1000}" for i in range(-96, quarters + 96)]
    source = PriceFile(_write(tmp_path / "p.csv", *rows), column="price_eur_per_kwh", publication=NOON_BEFORE)
    eve = datetime.combine(day - timedelta(days=1), time(13), BERLIN)
    assert source.prices(grid, as_of=eve) == tuple(i / 1000 for i in range(quarters))
    assert _prices(source, grid.end, 1, as_of=eve, step=QUARTER) == [None]


@settings(max_examples=60, deadline=None)
@given(
    as_of=st.integers(0, 10 * 24 * 60),
    start=st.integers(-8, 10 * 96),
    step=st.sampled_from([QUARTER, HOUR, 2 * HOUR]),
    publication=st.builds(
        DayAheadPublication,
        at=st.times().map(lambda value: value.replace(second=0, microsecond=0)),
        timezone=st.sampled_from([BERLIN, ZoneInfo("UTC"), ZoneInfo("America/New_York")]),
    ),
)
def test_what_is_published_later_never_shows(
    as_of: int, start: int, step: timedelta, publication: DayAheadPublication
) -> None:
    """Altering every price that is not yet published alters no answer: there is no look-ahead."""
    first = local_midnight(date(2026, 3, 25))
    now = first + timedelta(minutes=as_of)
    starts = [first + i * HOUR for i in range(10 * 24)]
    deadlines = [
        datetime.combine(
            each.astimezone(publication.timezone).date() - timedelta(days=1), publication.at, publication.timezone
        )
        for each in starts
    ]
    told = [float(i) for i in range(len(starts))]
    altered = [value if now >= due else value + 1000 for value, due in zip(told, deadlines, strict=True)]
    known_until = publication.known_until(now)
    grid = TimeGrid(start=first + start * QUARTER, step=step, count=60)
    answers = [
        [PriceSeries(starts, values).mean(interval, known_until=known_until) for interval in grid]
        for values in (told, altered)
    ]
    assert answers[0] == answers[1]


def test_the_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    """New prices are seen without a restart."""
    path = _hourly(tmp_path / "p.csv", START, [0.1])
    source = PriceFile(path, column="price_eur_per_kwh")
    assert _prices(source, START, 2, as_of=START) == [0.1, None]
    _hourly(path, START, [0.1, 0.2])
    os.utime(path, ns=(1, 1))
    assert _prices(source, START, 2, as_of=START) == [0.1, 0.2]


def test_a_file_that_breaks_later_leaves_the_last_prices_in_force(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A half-written or vanished file is told once in the log, and what was published stays known."""
    path = _hourly(tmp_path / "p.csv", START, [0.1, 0.2])
    source = PriceFile(path, column="price_eur_per_kwh")
    _prices(source, START, 2, as_of=START)
    for damage in (lambda: path.write_text("timestamp,price_eur_per_kwh\n2026-06"), path.unlink):
        caplog.clear()
        damage()
        with caplog.at_level(logging.WARNING):
            assert _prices(source, START, 2, as_of=START) == [0.1, 0.2]
            assert _prices(source, START, 2, as_of=START) == [0.1, 0.2]
        assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["2026-06-01T00:00:00Z,0.1", "2026-06-01T01:00:00,0.1"], "line 3: timestamp '2026-06-01T01:00:00' has no off"),
        (["yesterday,0.1"], "line 2: timestamp 'yesterday' is not ISO 8601"),
        (['2026-06-01T00:00:00Z,"0,1"'], "line 2: price '0,1' is not a number; write a point"),
        (["2026-06-01T00:00:00Z,0,25"], "line 2: more fields than the header names; write a point"),
        (["2026-06-01T00:00:00Z,nan"], "line 2: price 'nan' is not finite; leave it empty"),
        (["2026-06-01T00:00:00Z,"], "holds no price in column 'price_eur_per_kwh'"),
        (["0001-01-01T00:00:00+14:00,1"], "line 2: timestamp .* lies outside the calendar"),
        (["2026-06-01T00:00:00Z,0.1", "2026-06-01T02:00:00+02:00,0.2"], "lines 2 and 3: two prices for 2026-06-01T00"),
        (["2026-06-01T00:00:00Z,0.1", "2026-06-01T00:00:10Z,0.2"], "its usual step is 0:00:10"),
        ([f"2026-06-01T0{hour}:00:00Z,x" for hour in range(9)], "and 4 more"),
    ],
)
def test_a_bad_line_is_refused_by_its_number(tmp_path: Path, lines: list[str], message: str) -> None:
    """What cannot be used is told with file, line and remedy."""
    with pytest.raises(TariffError, match=message) as caught:
        read_price_table(_write(tmp_path / "p.csv", *lines), column="price_eur_per_kwh")
    assert str(tmp_path / "p.csv") in str(caught.value)


def test_a_missing_column_is_told_with_those_there_are(tmp_path: Path) -> None:
    """A file with another price column names what it has; an empty or missing file says so."""
    path = _write(tmp_path / "p.csv", header="timestamp,eur")
    with pytest.raises(TariffError, match=r"column 'price' missing, it has 'timestamp', 'eur'"):
        read_price_table(path, column="price")
    path.write_text("timestamp;price\n")
    with pytest.raises(TariffError, match="separate columns by commas"):
        read_price_table(path, column="price")
    path.write_text("")
    with pytest.raises(TariffError, match="it is empty"):
        read_price_table(path, column="price")
    with pytest.raises(TariffError, match="cannot be read"):
        read_price_table(tmp_path / "none.csv", column="price")


def test_a_repeated_line_is_harmless(tmp_path: Path) -> None:
    """The same price twice, and rows out of order, change nothing."""
    rows = ["2026-06-01T01:00:00Z,0.2", "2026-06-01T00:00:00Z,0.1", "2026-06-01T01:00:00Z,0.2"]
    series = read_price_table(_write(tmp_path / "p.csv", *rows), column="price_eur_per_kwh")
    assert len(series) == 2
    assert (series.start, series.end) == (START, START + 2 * HOUR)


@pytest.mark.parametrize(("values", "unit"), [([85.0, 91.5, -3.0], "eur_per_mwh"), ([28.1, 31.0, 9.0], "ct_per_kwh")])
def test_prices_in_another_unit_are_refused_until_the_unit_is_named(
    tmp_path: Path, values: list[float], unit: PriceUnit
) -> None:
    """Cents and prices per MWh are recognised, named, and converted once the unit is configured."""
    path = _hourly(tmp_path / "p.csv", START, values)
    with pytest.raises(TariffError, match=f'unit = "{unit}"'):
        read_price_table(path, column="price_eur_per_kwh")
    series = read_price_table(path, column="price_eur_per_kwh", unit=unit)
    scale = {"eur_per_mwh": 1000, "ct_per_kwh": 100}[unit]
    assert series.mean(_interval(timedelta(0), HOUR)) == pytest.approx(values[0] / scale)
    assert read_price_table(path, column="price_eur_per_kwh", unit="eur_per_kwh").mean(
        _interval(timedelta(0), HOUR)
    ) == pytest.approx(values[0])


def test_negative_prices_and_spikes_are_prices(tmp_path: Path) -> None:
    """A few extreme hours do not make a unit suspicious."""
    values = [-0.5, 0.05, 0.06, 4.0, 0.07]
    source = PriceFile(_hourly(tmp_path / "p.csv", START, values), column="price_eur_per_kwh")
    assert _prices(source, START, 5, as_of=START) == values


def test_notes_above_the_header_are_passed_over(tmp_path: Path) -> None:
    """A file may say what it is; the lines told in errors are those of the file all the same."""
    path = tmp_path / "prices.csv"
    table = "# made up\n# by hand\ntimestamp,price_eur_per_kwh\n2026-01-01T00:00Z,0.2\n2026-01-01T01:00Z,{}\n"
    path.write_text(table.format("0.3"), encoding="utf-8-sig")
    assert len(read_price_table(path, column="price_eur_per_kwh")) == 2
    path.write_text(table.format("dear"))
    with pytest.raises(TariffError, match="line 5: price 'dear' is not a number"):
        read_price_table(path, column="price_eur_per_kwh")
