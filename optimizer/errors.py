"""One tree of errors, so that a caller can catch as narrowly or as widely as it can act.

Expected outcomes (a clamped setpoint, a stale plan, a price that is not yet published) are data, not errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class SunshiftError(Exception):
    """Any failure that sunshift names: its text says what is wrong, where, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigProblem:
    """One thing that is wrong in the configuration."""

    path: str
    """Dotted place in the file, such as ``battery.max_charge_w``."""
    message: str
    """What is wrong and what to do."""

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class ConfigError(SunshiftError):
    """The configuration cannot be used; carries every problem found, not the first alone."""

    def __init__(self, source: str, problems: Sequence[ConfigProblem]) -> None:
        self.source = source
        self.problems = tuple(problems)
        count = len(self.problems)
        head = f"{source}: {count} problem{'s' if count != 1 else ''}"
        super().__init__("\n".join([head, *(f"  {problem}" for problem in self.problems)]))


class DeviceError(SunshiftError):
    """The battery could not be read or commanded."""


class DeviceUnreachable(DeviceError):  # noqa: N818 - reads as the state it names
    """Nobody there to answer: refused, no route, unknown name, or a web server whose battery software is down."""


class DeviceTimeout(DeviceError):  # noqa: N818
    """The whole call took longer than its deadline."""


class DeviceProtocolError(DeviceError):
    """The answer is not what the protocol promises: not JSON, a field missing, not finite or out of range."""


class DeviceRefused(DeviceError):  # noqa: N818
    """The battery understood the request and said no."""


class InvalidRequestPath(DeviceRefused):
    """Return code 5: the battery does not know this path."""


class DeviceInternalError(DeviceRefused):
    """Return code 13: the battery failed inside."""


class InvalidHttpMethod(DeviceRefused):
    """Return code 16: the battery does not accept this HTTP method here."""


class DeviceUnauthorized(DeviceRefused):
    """The token is missing, wrong, or lacks the right to read or write."""


class ExternalControl(DeviceRefused):
    """A virtual power plant or another controller has priority over this battery."""


class TariffError(SunshiftError):
    """A tariff could not be read or does not make sense."""


class RecordingError(SunshiftError):
    """A recording could not be read: what, in which file and row, and what to do."""


class HistoryError(SunshiftError):
    """The history store could not be used."""


class ForeignHistory(HistoryError):  # noqa: N818 - reads as the state it names
    """The history file is a newer sunshift's or another program's: it is left untouched, and trying again is no use."""


class PlanningError(SunshiftError):
    """A planning problem is malformed, or no trustworthy plan could be made."""


class StrategyError(SunshiftError):
    """A strategy could not be found, configured or run."""


class LockedError(SunshiftError):
    """Another instance holds this battery."""


class SimulatorError(SunshiftError):
    """The simulator could not be started: a port that is taken, a fault script that makes no sense."""


class BacktestError(SunshiftError):
    """A replay cannot be run on this recording and tariff, or its result contradicts itself."""


class SweepError(SunshiftError):
    """A sweep cannot be run: its folder, its scheduler, or a program that differs between the machines."""
