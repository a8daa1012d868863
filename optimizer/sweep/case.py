"""One case of a sweep: one backtest, wherever it is computed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from optimizer.backtest.backtest import Backtest
from optimizer.backtest.output import summary
from optimizer.backtest.replay import Setting
from optimizer.backtest.world import choose_period
from optimizer.clock import WallClock
from optimizer.errors import SunshiftError, SweepError
from optimizer.history.recording import Recording
from optimizer.settings import Settings
from optimizer.sweep.digests import digest_of_program
from optimizer.tariffs.tariff import Tariff


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One home with one tariff and one battery; its strategies share baselines and bound. Travels by pickle."""

    key: str
    """Digest of everything the figures depend on."""
    home: str
    tariff: str
    battery: str
    settings: Settings
    prices: Tariff
    """Prices of files as they were read; a worker needs no file."""
    recording: str
    """Digest of the recording's file."""
    program: str
    """Digest of the program that the sweep was started with."""
    strategies: tuple[str, ...]
    start: datetime | None
    end: datetime | None
    warm_up: timedelta

    @property
    def title(self) -> str:
        """What a person calls it."""
        return f"{self.home} / {self.tariff} / {self.battery}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a case: its summary, or the reason why there is none."""

    case: Case
    summary: dict[str, Any] | None = None
    error: str | None = None


def attempt(case: Case, recording: Recording) -> Outcome:
    """Compute a case; whatever goes wrong in it is its own affair, not that of the others."""
    try:
        return Outcome(case=case, summary=compute(case, recording))
    except SunshiftError as error:
        return Outcome(case=case, error=str(error))
    except Exception as error:  # a strategy is anybody's code
        return Outcome(case=case, error=f"internal error: {type(error).__name__}: {error}")


def compute(case: Case, recording: Recording) -> dict[str, Any]:
    """Return the summary of a case, as ``summary.json`` of a backtest holds it.

    Raises
    ------
    SweepError
        This machine runs another version of the program than the sweep was started with.
    SunshiftError
        The case cannot be replayed.
    """
    if digest_of_program(case.strategies) != case.program:
        raise SweepError(
            "this worker runs another version of sunshift or of a strategy, or is the only one with or without "
            "sunshift[fast]; install the same on all"
        )
    period = choose_period(recording, case.prices, start=case.start, end=case.end, warm_up=case.warm_up)
    setting = Setting(
        settings=case.settings,
        tariff=case.prices,
        recording=recording,
        stopwatch=WallClock(),
    )
    return summary(Backtest(setting, period, lambda _name, _count: None).run(case.strategies))
