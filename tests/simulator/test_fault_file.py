"""Fault scripts as files: read, and refused with every mistake at once."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from optimizer.errors import SimulatorError
from optimizer.simulator.fault import FaultKind, Target
from optimizer.simulator.faults import parse_faults, read_faults
from support.simulator import START

GOOD = """
[[fault]]
name = "the night"
kind = "restart"
start = "1d 2h 30min 1.5s"
refusing_s = 10

[[fault]]
kind = "html"
start = 2026-05-01T02:00:00+02:00
end = 2026-05-01T02:05:00+02:00
on = "reads"
face = "v1"
first_request = 3
last_request = 5

[[fault]]
kind = "value"
start = 60
key = "USOC"
value = "full"
"""


def script(folder: Path, text: str) -> Path:
    path = folder / "faults.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_script_is_read(tmp_path: Path) -> None:
    """Times as duration, instant or seconds, requests, face, target and parameters are understood."""
    night, html, value = read_faults(script(tmp_path, GOOD), start=START)
    assert night.start == START + timedelta(days=1, hours=2, minutes=30, seconds=1.5)
    assert (night.number("refusing_s"), night.number("bad_gateway_s")) == (10, 180)
    assert html.start == datetime(2026, 5, 1, tzinfo=UTC)
    assert (html.name, html.on, html.face) == ("html", Target.READS, "v1")
    assert (html.first_request, html.last_request) == (3, 5)
    assert (value.kind, value.start, value.value("value")) == (FaultKind.VALUE, START + timedelta(seconds=60), "full")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('kind = "dripp"', "kind: unknown 'dripp', did you mean 'drip'?"),
        ('name = "x"', "kind: is missing"),
        ('kind = "drip"\ninterval = 3', "interval: unknown 'interval', did you mean 'interval_s'?"),
        ('kind = "drip"\ninterval_s = "3"', "interval_s: expected a number"),
        ('kind = "null"\nkey = 3', "key: expected text"),
        ('kind = "hang"\nstart = 2026-01-01T00:00:00', "start: needs an offset"),
        ('kind = "hang"\nstart = "soon"', "start: expected seconds"),
        ('kind = "hang"\nstart = -5', "start: expected seconds"),
        ('kind = "hang"\nstart = 5\nend = 5', "end: lies at or before start"),
        ('kind = "hang"\nfirst_request = 0', "first_request: expected a whole number"),
        ('kind = "hang"\non = "write"', "on: unknown 'write', did you mean 'writes'?"),
        ('kind = "hang"\nface = "v3"', "face: unknown 'v3'"),
        ('kind = "foreign_mode"\nmode = 3', "mode: 3 is none of 1, 2"),
        ('kind = "foreign_reserve"\nsoc = 50', "soc: expected a number from 0 to 1, got 50"),
        ('kind = "return_code"\nstyle = "status"', "style: unknown 'status'"),
        ('kind = "refuse"\nlast_request = 3', "a closed port sees no requests"),
    ],
)
def test_mistake_is_named_with_its_line(tmp_path: Path, text: str, complaint: str) -> None:
    """A mistake is named with file, line, fault and key, and with what to write instead."""
    with pytest.raises(SimulatorError) as caught:
        read_faults(script(tmp_path, f"# a comment\n[[fault]]\n{text}\n"), start=START)
    assert complaint in str(caught.value)
    assert "line 2" in str(caught.value)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """Two wrong faults and a foreign key give three complaints."""
    with pytest.raises(SimulatorError, match="3 problem"):
        read_faults(script(tmp_path, 'x = 1\n[[fault]]\nkind = "a"\n[[fault]]\nkind = "b"\n'), start=START)


@pytest.mark.parametrize("text", ["[[fault", "fault = 3", "[fault]\nkind = 'hang'"])
def test_what_is_no_script_is_refused(tmp_path: Path, text: str) -> None:
    """Broken TOML and tables of another shape are refused by the file's name."""
    with pytest.raises(SimulatorError, match=r"faults\.toml"):
        read_faults(script(tmp_path, text), start=START)


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is named."""
    with pytest.raises(SimulatorError, match="cannot be read"):
        read_faults(tmp_path / "none.toml", start=START)


def test_script_in_the_documentation_is_one() -> None:
    """The example that docs/simulator.md shows is read as it stands there."""
    text = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text(encoding="utf-8")
    faults = parse_faults(tomllib.loads(text.split("```toml")[1].split("```")[0]), start=START)
    assert [fault.kind for fault in faults] == [FaultKind.FOREIGN_MODE, FaultKind.ANSWER_LOST, FaultKind.AMBIENT]
