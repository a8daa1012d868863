"""What goes wrong in :mod:`faults`: one row of its table each."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from whims import Mood, busy, fickle, many_minds, modest, to_and_fro

from optimizer.devices.simulated.house import SimulatedHouse
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.simulator.fault import Fault, FaultKind, Target

if TYPE_CHECKING:
    from fault_judge import Run


UNITS = ("v1", "v1-plain", "v2")
DEADLINE_S = 0.5
"""How long the service waits for an answer where answers hang: a tenth of what it would, but as real [s]."""
PATIENCE = {"battery": {"request_deadline": f"{1000 * DEADLINE_S:.0f}ms"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One row of the table."""

    name: str
    kind: FaultKind | None = None
    """A scripted fault of the simulator, in each window."""
    on: Target = Target.ANY
    parameters: dict[str, object] = field(default_factory=dict)
    act: Callable[[Run, random.Random], None] | None = None
    """Called at the beginning of each window."""
    undo: Callable[[Run], None] | None = None
    """Called at its end."""
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Sections of the configuration that differ."""
    mood: Mood | None = None
    """What decides instead of the home's strategy, from the start; ``act`` may change it."""
    units: tuple[str, ...] = UNITS
    """Those that it befalls."""
    is_slow: bool = False
    """Whether one befallen request takes long in real time: such a fault befalls few of them."""
    is_restless: bool = False
    """Whether every step in its windows counts, and not only those near their edges."""
    on_disk: bool = False
    """Whether it befalls what the service stores."""


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
    only = {kinds.VPP: ("v2",)}
    rows += [Trouble(name=kind.value, kind=kind, units=only.get(kind, UNITS)) for kind in states]
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


def _lose_patience(run: Run, _: random.Random) -> None:
    run.whim.mood = many_minds


def _come_to_reason(run: Run) -> None:
    run.whim.mood = None


def _change_the_mind(run: Run, chance: random.Random) -> None:
    """Have the battery entered and left at once, and ignore the leaving."""
    _ignore_hand_backs(run, chance)
    run.whim.mood = fickle()


def _ignore_hand_backs(run: Run, _: random.Random) -> None:
    """Let the battery accept to be handed back and go on as before: zeroes and modes other than manual are ignored."""
    _ignore(run, lambda told: told != DeviceMode.MANUAL if isinstance(told, DeviceMode) else not told)


def _ignore_hand_backs_for_a_while(run: Run, chance: random.Random) -> None:
    """Let it obey again while it still cannot be read: only one who goes on telling it learns that."""
    _ignore_hand_backs(run, chance)
    _obey_after(run, A_WHILE)


def _ignore_everything(run: Run, _: random.Random) -> None:
    """Let the battery accept whatever it is told, and go on as before."""
    _ignore(run, lambda told: True)  # noqa: ARG005


def _ignore(run: Run, is_ignored: Callable[[float], bool]) -> None:
    house = run.house

    def command(power_w: float) -> None:
        if not is_ignored(power_w):
            SimulatedHouse.command(house, power_w)

    def set_mode(mode: DeviceMode) -> None:
        if not is_ignored(mode):
            SimulatedHouse.set_mode(house, mode)

    house.command, house.set_mode = command, set_mode  # type: ignore[method-assign]
    run.is_stubborn = True


def _obey_later(run: Run) -> None:
    """Let it obey again some time after it can be read again."""
    _obey_after(run, LONGER)


def _obey_after(run: Run, passed: timedelta) -> None:
    house = run.house

    def obey() -> None:
        vars(house).pop("command", None)
        vars(house).pop("set_mode", None)
        run.is_stubborn = False

    house.schedule(house.now + passed, obey)


def _refuse_writes(run: Run, _: random.Random) -> None:
    """Let the unit refuse every write for a while: what was sent before lies beneath the mode that somebody chose."""
    now = run.house.now
    fault = Fault(name="refused", kind=FaultKind.HTTP_STATUS, on=Target.WRITES, parameters={"status": 503},
                  start=now, end=now + LONGER)  # fmt: skip
    run.server.faults.add(fault)


def _choose_the_usual_mode(run: Run) -> None:
    """Let whoever chose another mode put the battery back into the one that it is left in."""
    run.house.set_mode(DeviceMode.AUTOMATIC if run.mode_control else DeviceMode.MANUAL)


LONGER = timedelta(minutes=10)
A_WHILE = timedelta(minutes=5)
AUTOMATIC = {"control": {"prefer_automatic": True}}
NEGATIVE = {"import": {"kind": "fixed", "price_per_kwh": -0.20}, "export": {"kind": "fixed", "price_per_kwh": -0.05}}


def troubles() -> list[Trouble]:
    """Return every row of the table."""
    return [
        *_scripted(),
        Trouble(
            name="foreign_mode 10",
            kind=FaultKind.FOREIGN_MODE,
            parameters={"mode": 10},
            undo=_choose_the_usual_mode,
        ),
        Trouble(
            name="foreign_mode 7, writes refused",
            kind=FaultKind.FOREIGN_MODE,
            parameters={"mode": 7},
            act=_refuse_writes,
            undo=_choose_the_usual_mode,
            mood=busy,
        ),
        Trouble(
            name="hand-back ignored",
            kind=FaultKind.HTTP_STATUS,
            on=Target.READS,
            act=_ignore_hand_backs,
            undo=_obey_later,
            mood=busy,
        ),
        Trouble(
            name="hand-back ignored for a while",
            kind=FaultKind.HTTP_STATUS,
            on=Target.READS,
            act=_ignore_hand_backs_for_a_while,
            mood=busy,
        ),
        Trouble(
            name="frozen over a hand-back ignored",
            kind=FaultKind.FROZEN_STATUS,
            on=Target.READS,
            act=_change_the_mind,
            undo=_obey_later,
            mood=modest,
            tables=AUTOMATIC,
            units=("v1", "v2"),
        ),
        Trouble(name="writes ignored", act=_ignore_everything, undo=_obey_later, mood=to_and_fro),
        Trouble(
            name="strategy of many minds",
            act=_lose_patience,
            undo=_come_to_reason,
            tables=AUTOMATIC,
            units=("v1", "v2"),
            is_restless=True,
        ),
        Trouble(name="clock steps by 30 s", act=_set_clock(30.0)),
        Trouble(name="clock steps by an hour", act=_set_clock(3600.0)),
        Trouble(name="state folder gone", act=_remove, undo=_put_back, on_disk=True),
        Trouble(name="plan withdrawn", act=_withdraw),
        Trouble(name="negative prices", tables={"tariff": NEGATIVE}),
    ]
