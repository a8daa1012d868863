"""What goes wrong in :mod:`faults`: one row of its table each."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from optimizer.simulator.fault import FaultKind, Target

if TYPE_CHECKING:
    from fault_run import Run


DEADLINE_S = 0.5
"""How long the service waits for an answer where answers hang: a tenth of what it would, but as real [s]."""
PATIENCE = {"battery": {"request_deadline": f"{1000 * DEADLINE_S:.0f}ms"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One row of the table."""

    name: str
    kind: FaultKind | None = None
    """A scripted fault of the simulator; None: ``act`` is called at the beginning of each window."""
    on: Target = Target.ANY
    parameters: dict[str, object] = field(default_factory=dict)
    act: Callable[[Run, random.Random], None] | None = None
    undo: Callable[[Run], None] | None = None
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Sections of the configuration that differ."""
    is_slow: bool = False
    """Whether one befallen request takes long in real time: such a fault befalls few of them."""
    on_disk: bool = False
    """Whether it befalls what the service stores."""

    @property
    def unit(self) -> str | None:
        """The unit that it needs; None: any."""
        return "v2" if self.kind is FaultKind.VPP else None


def _scripted() -> list[Trouble]:
    """Return every kind of the simulator, on reads and writes apart where both have a meaning."""
    kinds = FaultKind
    rows = [Trouble(name="none")]
    slow = (kinds.HANG, kinds.SLOW, kinds.DRIP, kinds.LENGTH_TOO_LONG, kinds.GZIP_BOMB)
    parameters: dict[FaultKind, dict[str, object]] = {kinds.SLOW: {"delay_s": 0.6 * DEADLINE_S}}
    states = (
        kinds.REFUSE, kinds.NOT_FOLLOWED, kinds.DERATED, kinds.AMBIENT, kinds.RESTART, kinds.BATTERY_CARE,
        kinds.OFF_GRID, kinds.VPP, kinds.FOREIGN_MODE, kinds.FOREIGN_SETPOINT, kinds.FOREIGN_RESERVE, kinds.CLOCK_SKEW,
        kinds.CRASH_WHEN_POLLED_FAST,
    )  # fmt: skip
    rows += [Trouble(name=kind.value, kind=kind) for kind in states]
    both = (
        kinds.HANG, kinds.SLOW, kinds.DRIP, kinds.RESET, kinds.TRUNCATED, kinds.LENGTH_TOO_LONG, kinds.ANSWER_LOST,
        kinds.GZIP_BOMB, kinds.HTML, kinds.EMPTY, kinds.HTTP_STATUS, kinds.RETURN_CODE, kinds.REDIRECT,
    )  # fmt: skip
    for kind in both:
        rows += [
            Trouble(
                name=f"{kind.value}, {on.value}",
                kind=kind,
                on=on,
                parameters=parameters.get(kind, {}),
                tables=PATIENCE if kind in slow and kind is not kinds.GZIP_BOMB else {},
                is_slow=kind in slow,
            )
            for on in (Target.READS, Target.WRITES)
        ]
    said = (
        kinds.LENGTH_TOO_SHORT, kinds.IDLE_RESET, kinds.NESTED, kinds.WRONG_TYPES, kinds.NUMBERS_AS_TEXT, kinds.NULL,
        kinds.NAN, kinds.HUGE_NUMBER, kinds.DUPLICATE_KEY, kinds.MISSING_KEY, kinds.FROZEN_STATUS,
    )  # fmt: skip
    rows += [Trouble(name=kind.value, kind=kind, on=Target.READS) for kind in said]
    values = (("USOC", -1), ("USOC", 101), ("USOC", 255), ("Pac_total_W", 200_000), ("Consumption_W", -5000))
    rows += [
        Trouble(name=f"{key} = {value}", kind=kinds.VALUE, on=Target.READS, parameters={"key": key, "value": value})
        for key, value in values
    ]
    for status in (401, 403, 429, 503):
        rows.append(Trouble(name=f"HTTP {status}", kind=kinds.HTTP_STATUS, parameters={"status": status}))
    for code in (5, 16):
        rows.append(Trouble(name=f"ReturnCode {code}", kind=kinds.RETURN_CODE, parameters={"code": code}))
    return rows


def _remove(run: Run, _: random.Random) -> None:
    """Take the folder of intent and history away."""
    folder = run.folder / "state"
    if folder.is_dir() and not (run.folder / "away").exists():
        folder.rename(run.folder / "away")


def _put_back(run: Run) -> None:
    away, target = run.folder / "away", run.folder / "state"
    if away.exists():
        target.mkdir(exist_ok=True)
        for path in away.iterdir():
            if not (target / path.name).exists():
                path.rename(target / path.name)
        shutil.rmtree(away)


def _set_clock(seconds: float) -> Callable[[Run, random.Random], None]:
    return lambda run, chance: run.clock.step_wall_clock(seconds * chance.choice((-1, 1)))


def _withdraw(run: Run, _: random.Random) -> None:
    run.daemon.board.withdraw("the benchmark says so")


NEGATIVE = {"import": {"kind": "fixed", "price_per_kwh": -0.20}, "export": {"kind": "fixed", "price_per_kwh": -0.05}}


def troubles() -> list[Trouble]:
    """Return every row of the table."""
    return [
        *_scripted(),
        Trouble(name="foreign_mode 10", kind=FaultKind.FOREIGN_MODE, parameters={"mode": 10}),
        Trouble(name="clock steps by 30 s", act=_set_clock(30.0)),
        Trouble(name="clock steps by an hour", act=_set_clock(3600.0)),
        Trouble(name="state folder gone", act=_remove, undo=_put_back, on_disk=True),
        Trouble(name="plan withdrawn", act=_withdraw),
        Trouble(name="negative prices", tables={"tariff": NEGATIVE}),
    ]
