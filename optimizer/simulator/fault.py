"""One scripted fault: what, when, on which requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class FaultKind(StrEnum):
    """What can go wrong. The first group is about the wire, the second about what is said, the third about the unit."""

    REFUSE = "refuse"
    """Nothing listens on the port."""
    HANG = "hang"
    """Accepted, never answered."""
    SLOW = "slow"
    """Answered after ``delay_s`` of real time."""
    DRIP = "drip"
    """A byte every ``interval_s`` of real time."""
    RESET = "reset"
    """Reset in mid-body."""
    TRUNCATED = "truncated"
    """Half of the body under the length of the whole."""
    LENGTH_TOO_SHORT = "length_too_short"
    """The whole body under half of its length; what is left over stands before the next answer."""
    LENGTH_TOO_LONG = "length_too_long"
    """The whole body under twice its length, and the connection stays open."""
    IDLE_RESET = "idle_reset"
    """A connection that idles for ``idle_s`` of real time after an answer is reset."""
    ANSWER_LOST = "answer_lost"
    """The request takes effect; its answer never arrives."""
    GZIP_BOMB = "gzip_bomb"
    """A small gzip of ``megabytes`` of blanks."""

    HTML = "html"
    EMPTY = "empty"
    NESTED = "nested"
    """JSON nested ``depth`` deep."""
    WRONG_TYPES = "wrong_types"
    """Lists and objects where numbers belong."""
    NUMBERS_AS_TEXT = "numbers_as_text"
    NULL = "null"
    """``key`` is null; without a key, all are."""
    NAN = "nan"
    """``key`` is NaN."""
    HUGE_NUMBER = "huge_number"
    """``key`` is 1e999."""
    DUPLICATE_KEY = "duplicate_key"
    """``key`` occurs twice, with different values."""
    MISSING_KEY = "missing_key"
    """``key`` is left out."""
    VALUE = "value"
    """``key`` is ``value``: SoC -1, 101, 255; 200 kW."""
    FROZEN_STATUS = "frozen_status"
    """The first status within the fault again and again, timestamp included."""
    HTTP_STATUS = "http_status"
    """HTTP ``status`` (401, 403, 404, 429, 5xx) on everything."""
    RETURN_CODE = "return_code"
    """Return ``code`` 5, 13 or 16, in the ``style`` ok_with_body, status_with_body or status_only."""
    REDIRECT = "redirect"
    """302 to ``location``."""

    NOT_FOLLOWED = "not_followed"
    """Commands are acknowledged; the battery rests."""
    DERATED = "derated"
    """Only ``share`` of the inverter's power is left, at once."""
    AMBIENT = "ambient"
    """The battery's room has ``celsius``: heat and cold derate it as the battery follows."""
    RESTART = "restart"
    """Refuses, then 502, then back; the setpoint is forgotten."""
    BATTERY_CARE = "battery_care"
    """Charges itself full from the grid."""
    OFF_GRID = "off_grid"
    VPP = "vpp"
    """A virtual power plant takes ``power_w``, + charging, and has priority."""
    FOREIGN_MODE = "foreign_mode"
    """Somebody sets ``mode``."""
    FOREIGN_SETPOINT = "foreign_setpoint"
    """Somebody commands ``power_w``, + charging."""
    FOREIGN_RESERVE = "foreign_reserve"
    """Somebody sets the backup buffer to ``soc``, 0..1."""
    CLOCK_SKEW = "clock_skew"
    """The unit's clock is wrong by ``seconds``."""
    CRASH_WHEN_POLLED_FAST = "crash_when_polled_fast"
    """``requests`` in a row, each within ``interval_s`` of the one before, and the unit restarts."""


class Target(StrEnum):
    """Which requests a fault befalls."""

    ANY = "any"
    READS = "reads"
    WRITES = "writes"


STATE_FAULTS = frozenset(
    {
        FaultKind.REFUSE,
        FaultKind.NOT_FOLLOWED,
        FaultKind.DERATED,
        FaultKind.AMBIENT,
        FaultKind.RESTART,
        FaultKind.BATTERY_CARE,
        FaultKind.OFF_GRID,
        FaultKind.VPP,
        FaultKind.FOREIGN_MODE,
        FaultKind.FOREIGN_SETPOINT,
        FaultKind.FOREIGN_RESERVE,
        FaultKind.CLOCK_SKEW,
    }
)
"""Those that happen to the unit whether or not anybody asks."""

PARAMETERS: Mapping[FaultKind, Mapping[str, object]] = {
    FaultKind.SLOW: {"delay_s": 3.0},
    FaultKind.DRIP: {"interval_s": 0.5},
    FaultKind.IDLE_RESET: {"idle_s": 2.0},
    FaultKind.GZIP_BOMB: {"megabytes": 300},
    FaultKind.NESTED: {"depth": 5000},
    FaultKind.NULL: {"key": ""},
    FaultKind.NAN: {"key": "Pac_total_W"},
    FaultKind.HUGE_NUMBER: {"key": "Pac_total_W"},
    FaultKind.DUPLICATE_KEY: {"key": "USOC"},
    FaultKind.MISSING_KEY: {"key": "Pac_total_W"},
    FaultKind.VALUE: {"key": "USOC", "value": 255},
    FaultKind.HTTP_STATUS: {"status": 404},
    FaultKind.RETURN_CODE: {"code": 13, "style": "ok_with_body"},
    FaultKind.REDIRECT: {"location": "http://127.0.0.1:9/"},
    FaultKind.DERATED: {"share": 0.5},
    FaultKind.AMBIENT: {"celsius": 45.0},
    FaultKind.RESTART: {"refusing_s": 120.0, "bad_gateway_s": 180.0},
    FaultKind.VPP: {"power_w": 0.0},
    FaultKind.FOREIGN_MODE: {"mode": 2},
    FaultKind.FOREIGN_SETPOINT: {"power_w": 2000.0},
    FaultKind.FOREIGN_RESERVE: {"soc": 0.5},
    FaultKind.CLOCK_SKEW: {"seconds": 3600.0},
    FaultKind.CRASH_WHEN_POLLED_FAST: {
        "interval_s": 1.0,
        "requests": 30,
        "refusing_s": 120.0,
        "bad_gateway_s": 180.0,
    },
}
"""Parameters of each kind and their defaults; a kind that is not here has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault. It acts while both its time and its requests say so."""

    name: str
    kind: FaultKind
    start: datetime | None = None
    """Simulated instant it begins at; None: at once."""
    end: datetime | None = None
    """Simulated instant it ends before; None: never."""
    first_request: int = 1
    """First of the requests it could befall that it does, from 1."""
    last_request: int | None = None
    """Last one; None: no end."""
    on: Target = Target.ANY
    face: str | None = None
    """``v1`` or ``v2``; None: both."""
    parameters: Mapping[str, object] = field(default_factory=dict)

    @property
    def counts_requests(self) -> bool:
        """Whether it waits for requests, or ends with them."""
        return self.first_request > 1 or self.last_request is not None

    def covers(self, at: datetime) -> bool:
        """Return whether an instant lies within its time."""
        return (self.start is None or self.start <= at) and (self.end is None or at < self.end)

    def number(self, name: str) -> float:
        """Return a parameter that is a number."""
        return float(str(self._parameter(name)))

    def text(self, name: str) -> str:
        """Return a parameter that is text."""
        return str(self._parameter(name))

    def value(self, name: str) -> object:
        """Return a parameter of any kind."""
        return self._parameter(name)

    def _parameter(self, name: str) -> object:
        return self.parameters.get(name, PARAMETERS[self.kind][name])
