"""Holds simulated time to a multiple of real time, and draws while it waits."""

from __future__ import annotations

import threading
from collections.abc import Callable

from optimizer.clock import Clock

FRAME_S = 0.125
"""Real time between two pictures [s]."""


class Pacer:
    """The ``pace`` of a simulated clock.

    What the service needs to compute is taken off the waiting, so that a demo of a minute takes a minute on a slow
    machine too, as long as it keeps up at all.

    Parameters
    ----------
    wall
        Real time.
    speed
        Simulated seconds per real second; None: as fast as the machine can.
    wake
        Ends all waiting once set.
    """

    def __init__(self, *, wall: Clock, speed: float | None, wake: threading.Event) -> None:
        self._wall, self._speed, self._wake = wall, speed, wake
        self._draw: Callable[[], None] = _nothing
        self._start_s = wall.elapsed()
        self._played_s = 0.0
        self._next_frame_s = self._start_s

    def start(self, draw: Callable[[], None]) -> None:
        """Begin to count real time from now on, and to call ``draw`` about eight times a second."""
        self._draw = draw
        self._start_s = self._next_frame_s = self._wall.elapsed()

    def __call__(self, seconds: float) -> None:
        """Let the real time pass that belongs to an advance of simulated ``seconds``."""
        self._played_s += seconds
        due_s = 0.0 if self._speed is None else self._start_s + self._played_s / self._speed
        self._draw_if_due()
        while (left_s := due_s - self._wall.elapsed()) > 0 and not self._wake.is_set():
            self._wall.wait(min(left_s, FRAME_S), self._wake)
            self._draw_if_due()

    def _draw_if_due(self) -> None:
        now_s = self._wall.elapsed()
        if now_s >= self._next_frame_s:
            self._next_frame_s = now_s + FRAME_S
            self._draw()


def _nothing() -> None:
    """Draw nothing, before there is something to draw."""
