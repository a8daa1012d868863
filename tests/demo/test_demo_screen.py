"""The demo's live screen."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from optimizer.demo.outlook import hour_marks
from optimizer.demo.scene import Scene
from optimizer.demo.screen import compose
from optimizer.demo.setting import ZONE
from optimizer.demo.view import LiveView, fits
from support.demo_scenes import DECISIONS, NOW, a_plan, a_scene


def text_of(scene: Scene, width: int = 80, height: int = 24) -> str:
    return "\n".join(line.plain for line in compose(scene, width=width, height=height))


@pytest.mark.parametrize("name", DECISIONS)
@pytest.mark.parametrize("size", [(80, 24), (60, 18), (120, 40), (200, 60)])
def test_every_decision_fills_any_terminal_exactly(name: str, size: tuple[int, int]) -> None:
    """Whatever was decided, the screen has as many lines as the terminal and none is wider."""
    width, height = size
    lines = compose(a_scene(decision=DECISIONS[name]), width=width, height=height)
    assert len(lines) == height
    assert max(line.cell_len for line in lines) <= width


@settings(max_examples=25, deadline=None)
@given(width=st.integers(20, 160), height=st.integers(4, 60), minutes=st.integers(0, 40 * 60))
def test_no_size_and_no_age_of_the_plan_overflows(width: int, height: int, minutes: int) -> None:
    """However small the terminal and however far the plan has run out, nothing overflows."""
    lines = compose(a_scene(now=NOW + timedelta(minutes=minutes)), width=width, height=height)
    assert len(lines) == height
    assert max(line.cell_len for line in lines) <= width


def test_the_flows_say_their_direction_in_words() -> None:
    """Without colours one still reads which way energy flows."""
    shown = text_of(a_scene())
    for said in ("3.42 kW", "▲ charging", "▶ exporting", "64 %", "6.4 kWh"):
        assert said in shown


def test_the_reason_and_the_worth_of_energy_are_shown() -> None:
    """A watcher sees what was commanded, why, and the prices it was weighed on."""
    shown = text_of(a_scene())
    assert "charge 2700 W  (sent and read back)" in shown
    assert "stores 2.8 kW of surplus" in shown
    assert "stored energy 24.1 ct    import 30.2 ct    export 8.0 ct" in shown


def test_a_missing_measurement_is_shown_as_missing() -> None:
    """A battery that could not be read has no powers: they are not shown as 0."""
    shown = text_of(a_scene(decision=DECISIONS["not read"]))
    assert "could not be read" in shown
    assert "no answer from 127.0.0.1:8080" in shown
    assert "0.00 kW" not in shown


def test_unknown_prices_are_shown_as_unknown() -> None:
    """A price that is not known is not shown as 0."""
    assert text_of(a_scene(decision=DECISIONS["prices unknown"])).count("unknown") == 3


@pytest.mark.parametrize(
    ("plan", "said"), [(None, "no plan yet"), (a_plan(start=NOW - timedelta(days=3)), "has run out")]
)
def test_no_plan_says_so(plan: object, said: str) -> None:
    """Without a plan to act on the screen says what happens instead."""
    assert said in text_of(a_scene(plan=plan))


def test_a_large_terminal_shows_what_is_expected_of_sun_and_house() -> None:
    """More room means more of the plan, not more blank."""
    assert "to 4.2 kW" not in text_of(a_scene())
    assert "to 4.2 kW" in text_of(a_scene(), width=120, height=40)


def test_the_savings_are_shown_against_both_others() -> None:
    """Cost so far stands beside no battery and plain self-consumption."""
    shown = text_of(a_scene())
    assert all(amount in shown for amount in ("4.12", "2.33", "1.98", "2.14"))


def test_hour_marks_follow_the_local_clock_over_its_change() -> None:
    """On the night of the spring change, six o'clock comes an hour early."""
    starts = [
        a_plan().grid.start.replace(month=3, day=26, hour=21, minute=0) + timedelta(minutes=30 * n) for n in range(24)
    ]
    marks = hour_marks(starts, ZONE)
    # 22:00 local is column 0; midnight 4 columns on; 06:00 summer time 10, not 12, columns after that.
    assert marks.index("00:00") == 4
    assert marks.index("06:00") == 14


def terminal(**changes: object) -> Console:
    defaults: dict[str, object] = {"file": io.StringIO(), "force_terminal": True, "width": 80, "height": 24}
    return Console(**{**defaults, **changes})  # type: ignore[arg-type]


def test_the_live_view_draws_without_colours_where_none_are_wanted() -> None:
    """With NO_COLOR everything is still there and no colour is sent."""
    console = terminal(no_color=True, color_system="standard")
    view = LiveView(console)
    view.open()
    view.show(a_scene())
    view.close()
    written = console.file.getvalue()  # type: ignore[attr-defined]
    assert "charging" in written
    assert "\x1b[33m" not in written
    assert "\x1b[32m" not in written


def test_the_live_view_gives_the_terminal_back() -> None:
    """The screen that was there before comes back, with its cursor."""
    console = terminal()
    view = LiveView(console)
    view.open()
    view.close()
    written = console.file.getvalue()  # type: ignore[attr-defined]
    assert written.index("\x1b[?1049h") < written.index("\x1b[?1049l")
    assert written.rstrip("\n").endswith("\x1b[?25h") or "\x1b[?25h" in written.split("\x1b[?25l")[-1]


def test_the_live_screen_needs_a_terminal_of_some_size() -> None:
    """A pipe, a dumb terminal and a tiny window get lines instead."""
    assert not fits(Console(file=io.StringIO()))
    assert not fits(terminal(width=40))
