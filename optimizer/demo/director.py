"""Watches the service and tells the view: what it decided, what it planned, how a day ended."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from optimizer.clock import Clock
from optimizer.demo.homes import Homes
from optimizer.demo.narrator import Narrator
from optimizer.demo.scene import LogLine, Scene, Tally, Weight
from optimizer.demo.setting import BATTERY, SCALE_W, ZONE, Period
from optimizer.demo.view import View
from optimizer.domain.decision import Decision
from optimizer.domain.plan import Plan
from optimizer.service.daemon import Daemon

LOG_KEPT = 60


class Director:
    """Keeps what the view shows, and ends the demo when its days are over.

    Parameters
    ----------
    clock
        Simulated time.
    period
        The days played.
    homes
        The three homes.
    daemon
        The service.
    view
        Who is told.
    stop
        Set when the days are over.
    """

    def __init__(
        self, *, clock: Clock, period: Period, homes: Homes, daemon: Daemon, view: View, stop: threading.Event
    ) -> None:
        self.plans = 0
        self.decisions = 0
        self._clock, self._period, self._homes = clock, period, homes
        self._daemon, self._view, self._stop = daemon, view, stop
        self._narrator = Narrator()
        self._log: deque[LogLine] = deque(maxlen=LOG_KEPT)
        self._decision: Decision | None = None
        self._days_over = 0
        daemon.on_decision.append(self._hear)
        daemon.on_plan.append(self._note_plan)

    @property
    def reached(self) -> datetime:
        """How far the days have been played."""
        return min(self._clock.now(), self._period.end)

    def follow(self, now: datetime) -> None:
        """Bring bills and days up to ``now``; end when the last day is over."""
        self._homes.settle(min(now, self._period.end))
        over = (min(now, self._period.end) - self._period.start) // timedelta(days=1)
        if over > self._days_over:
            self._days_over = over
            self._guarded(partial(self._view.day_over, now, over, self._homes.cost_so_far()))
        if now >= self._period.end:
            self._stop.set()

    def draw(self) -> None:
        """Show the present."""
        self._guarded(partial(self._view.show, self.scene()))

    def tell(self, text: str, weight: Weight = Weight.NORMAL) -> None:
        """Tell something that is no decision."""
        self._say(LogLine(at=self._clock.now(), text=text, weight=weight))

    def scene(self) -> Scene:
        """Return the present, complete."""
        now, counters = self._clock.now(), self._daemon.counters
        played = self.reached - self._period.start
        return Scene(
            now=now,
            timezone=ZONE,
            day=min(self._period.days, played // timedelta(days=1) + 1),
            days=self._period.days,
            share_played=played / (self._period.end - self._period.start),
            battery=BATTERY,
            scale_w=SCALE_W,
            decision=self._decision,
            plan=self._daemon.board.current(now),
            cost=self._homes.cost_so_far(),
            tally=Tally(
                polls=counters.polls,
                setpoints=counters.setpoints,
                plans=self.plans,
                errors=counters.failures + counters.errors,
            ),
            log=tuple(self._log),
        )

    def _hear(self, decision: Decision) -> None:
        self.decisions += 1
        self._decision = decision
        line = self._narrator.hear(decision)
        if line is not None:
            self._say(line)

    def _note_plan(self, plan: Plan) -> None:
        del plan
        self.plans += 1

    def _say(self, line: LogLine) -> None:
        self._log.append(line)
        self._guarded(partial(self._view.tell, line))

    def _guarded(self, show: Callable[[], None]) -> None:
        try:
            show()
        except BrokenPipeError:
            # Nobody reads any more (`sunshift demo | head`): hand the battery back and end.
            self._stop.set()


class NewsHandler(logging.Handler):
    """Turns the service's warnings into lines of the demo; decisions are told by the narrator already."""

    def __init__(self, director: Director) -> None:
        super().__init__(level=logging.WARNING)
        self._director = director

    def emit(self, record: logging.LogRecord) -> None:
        """Tell one warning."""
        if record.name != "sunshift.decisions":
            self._director.tell(" ".join(record.getMessage().split()), Weight.TROUBLE)
