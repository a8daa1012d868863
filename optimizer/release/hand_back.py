"""Hand a battery back when all else is broken: zero, set the mode, read back, and again until that is confirmed.

The device keeps a forced power for ever, so this must work when the rest does not: the standard library only, no state,
any number of times, and an end within its deadline whatever the peer does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from optimizer.bounded_socket import Remaining
from optimizer.clock import WallClock, real_deadline
from optimizer.release.client import ReleaseClient, StepFailed
from optimizer.release.status import (
    Status,
    balances_the_house,
    has_moved,
    is_at_rest,
    is_own_choice,
    may_have_moved,
    mode_of,
)
from optimizer.release.target import ReleaseTarget

DEADLINE_S = 10.0
PAUSE_S = 1.5
"""Between two attempts: a setpoint takes 2 to 10 s to show, and calls every second crashed a real unit [s]."""
CHOICE_IN_DOUBT_SHARE = 0.5
"""So much of the time is spent on finding out whether a chosen mode is true; the rest on handing back all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseReport:
    """What came of it."""

    confirmed: bool
    """Whether the device itself says that it is handed back."""
    steps: tuple[str, ...]
    """What was done, in order, with what came of it."""

    def __str__(self) -> str:
        verdict = "handed back, confirmed by the battery" if self.confirmed else "NOT CONFIRMED: look at the battery"
        return "\n".join([*self.steps, verdict])


def release_battery(
    target: ReleaseTarget, *, deadline_s: float = DEADLINE_S, owners_word: bool = False
) -> ReleaseReport:
    """Hand the battery back and return what came of it; never raises for what the device does.

    Parameters
    ----------
    target
        The battery.
    deadline_s
        Longest time of everything together [s].
    owners_word
        Whether the owner asks for it: then its mode is set whatever it is. Otherwise one that somebody chose is left
        alone, and what is stored beneath it zeroed.
    """
    if target.driver == "simulated":
        return ReleaseReport(confirmed=True, steps=("simulated battery: nothing outside the service to hand back",))
    remaining = real_deadline(deadline_s)
    way = _WayBack(ReleaseClient(target, remaining), remaining, target.hand_back_mode, deadline_s)
    if not owners_word:
        way.look()
    confirmed = way.walk()
    return ReleaseReport(confirmed=confirmed, steps=tuple(way.steps))


class _WayBack:
    """Handing one battery back."""

    def __init__(self, client: ReleaseClient, remaining: Remaining, mode: str, deadline_s: float) -> None:
        self.steps: list[str] = []
        self._client, self._remaining, self._mode = client, remaining, mode
        self._doubt_until_s = (1.0 - CHOICE_IN_DOUBT_SHARE) * deadline_s
        self._before: Status | None = None
        self._leaves_mode = False
        self._stale = False

    def look(self) -> None:
        """Look whether somebody chose a mode of their own since: it is not ours to change."""
        try:
            self._before = self._client.status()
        except StepFailed:
            return  # reading back will tell
        if self._client.sets_mode and is_own_choice(self._before, self._client.codes):
            self._leaves_mode = True

    def walk(self) -> bool:
        """Write and read back until that is confirmed, or no time is left; return whether it is."""
        while True:
            left_alone = self._leaves_mode
            clean = self._write()
            confirmed = self._read_back()
            if left_alone and not self._leaves_mode:
                continue  # at once, whatever time is left: nobody chose that mode after all
            if (clean and confirmed) or self._remaining() <= PAUSE_S:
                # A mode that is read back speaks for itself. Idleness alone does not: a full or an empty battery stands
                # idle under any command, so what was to end it must not have been refused.
                tells = self._client.sets_mode and not self._leaves_mode
                return confirmed and (tells or not self._client.refused)
            _pause()

    def _write(self) -> bool:
        """Take every step, whatever came of the one before; return whether all worked."""
        client = self._client
        client.refused = False
        worked = [self._note(path, partial(client.zero, path)) for path in client.zero_paths()]
        if client.sets_mode and not self._leaves_mode:
            worked.append(self._note("mode", client.set_mode))
        return all(worked)

    def _read_back(self) -> bool:
        """Read back until the data moves; return whether the battery shows that it is handed back."""
        while True:
            worked = self._note("read back", self._judge)
            if worked or not self._stale:
                return worked
            if self._remaining() <= (self._doubt_until_s if self._leaves_mode else PAUSE_S):
                self._leaves_mode = False
                return False
            _pause()

    def _judge(self) -> str:
        """Return what shows that the battery is handed back; fail where nothing does, or the data may be old."""
        self._stale = False
        status = self._client.status()
        before = self._before = self._before or status
        said = self._verdict(status)
        self._stale = not (has_moved if self._leaves_mode else may_have_moved)(before, status)
        if self._stale:
            msg = f"{said}, but its data has not moved since before: it may be old"
            raise StepFailed(msg)
        return said

    def _verdict(self, status: Status) -> str:
        mode, client = mode_of(status), self._client
        if mode in client.codes:
            return f"in mode {mode} ({self._mode})"
        if is_own_choice(status, client.codes) and (self._leaves_mode or not client.sets_mode):
            return f"in mode {mode[:20]!a}, which somebody chose: it is left alone"
        self._leaves_mode = False
        if mode and client.sets_mode:
            msg = f"in mode {mode[:20]!a} instead of {client.codes[0]}"
            raise StepFailed(msg)
        rests, said = is_at_rest(status)
        if rests:
            return said
        if client.sets_mode and balances_the_house(status):
            return "balancing the house by itself"
        raise StepFailed(said)

    def _note(self, what: str, step: Callable[[], str]) -> bool:
        """Take a step, write down what came of it unless that is known already, and return whether it worked."""
        try:
            outcome, worked = step(), True
        except StepFailed as failure:
            outcome, worked = f"failed: {failure}", False
        line = f"{what}: {outcome}"
        if line not in self.steps:
            self.steps.append(line)
        return worked


def _pause() -> None:
    WallClock().wait(PAUSE_S, threading.Event())
