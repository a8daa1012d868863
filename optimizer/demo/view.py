"""How a watcher is told: a live screen on a terminal, a line now and then in a pipe, or nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, TextIO
from zoneinfo import ZoneInfo

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.segment import Segment
from rich.text import Text

from optimizer.demo.scene import CostSoFar, LogLine, Scene
from optimizer.demo.screen import compose
from optimizer.demo.words import local_time

LEAST_WIDTH, LEAST_HEIGHT = 60, 18


class View(Protocol):
    """What the demo tells its watcher."""

    def open(self) -> None:
        """Begin."""
        ...

    def show(self, scene: Scene) -> None:
        """Show this instant."""
        ...

    def tell(self, line: LogLine) -> None:
        """Tell one thing that mattered."""
        ...

    def day_over(self, at: datetime, day: int, cost: CostSoFar) -> None:
        """Tell how a day ended."""
        ...

    def close(self) -> None:
        """End, and leave the terminal as it was."""
        ...


class SilentView:
    """Says nothing."""

    def open(self) -> None:
        """Do nothing."""

    def show(self, scene: Scene) -> None:
        """Do nothing."""

    def tell(self, line: LogLine) -> None:
        """Do nothing."""

    def day_over(self, at: datetime, day: int, cost: CostSoFar) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class PlainView(SilentView):
    """One line per decision that matters and one per day; no escape codes."""

    def __init__(self, out: TextIO, zone: ZoneInfo) -> None:
        self._out, self._zone = out, zone

    def tell(self, line: LogLine) -> None:
        """Write the line."""
        self._write(line.at, line.text)

    def day_over(self, at: datetime, day: int, cost: CostSoFar) -> None:
        """Write the cost so far."""
        paid = f"no battery {cost.no_battery:.2f}, self-consumption {cost.self_consumption:.2f}"
        paid += f", sunshift {cost.sunshift:.2f}"
        self._write(at, f"day {day} over; EUR so far, stored energy credited: {paid}")

    def _write(self, at: datetime, text: str) -> None:
        self._out.write(f"{local_time(at, self._zone)}  {text}\n")
        self._out.flush()


class LiveView(SilentView):
    """The live screen, on the terminal's alternate page: what was there before comes back at the end."""

    def __init__(self, console: Console) -> None:
        self._live = Live(
            console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )

    def open(self) -> None:
        """Take the screen."""
        self._live.start()

    def show(self, scene: Scene) -> None:
        """Draw."""
        self._live.update(_Frame(scene), refresh=True)

    def close(self) -> None:
        """Give the screen back."""
        self._live.stop()


class _Frame:
    """A scene as a renderable that fills the terminal, whatever its size has become."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        height = options.height or options.size.height
        lines = compose(self._scene, width=options.max_width, height=height)
        for number, line in enumerate(lines):
            yield from _padded(console, options, line)
            if number < len(lines) - 1:
                yield Segment.line()


def _padded(console: Console, options: ConsoleOptions, line: Text) -> RenderResult:
    line.pad_right(max(0, options.max_width - line.cell_len))
    yield from (segment for segment in line.render(console, end=""))


def fits(console: Console) -> bool:
    """Return whether there is a terminal that can show the live screen."""
    encoding = (console.encoding or "").lower().replace("-", "")
    large = console.width >= LEAST_WIDTH and console.height >= LEAST_HEIGHT
    return console.is_terminal and not console.is_dumb_terminal and large and encoding.startswith("utf")
