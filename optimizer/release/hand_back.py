"""Hand a battery back when all else is broken: zero, set the mode, read back, and again until that is confirmed.

The device keeps a forced power for ever, so this must work when the rest does not: the standard library only, no state,
any number of times, and an end within its deadline whatever the peer does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Protocol

from optimizer.bounded_socket import Remaining
from optimizer.clock import WallClock, real_deadline
from optimizer.release.client import NotAYes, ReleaseClient, StepFailed, Unanswered
from optimizer.release.status import Status, is_chosen, may_be_old, mode_of, verdict
from optimizer.release.target import ReleaseTarget

DEADLINE_S = 10.0
PAUSE_S = 1.5
"""Between two attempts: a setpoint takes 2 to 10 s to show, and calls every second crashed a real unit [s]."""
QUICK_S = 0.5
"""A look that fails within this leaves time for another one [s]."""
CHOICE_IN_DOUBT_SHARE = 0.5
"""So much of the time is spent on finding out whether a chosen mode is true; the rest on handing back all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseReport:
    """What came of it."""

    confirmed: bool
    """Whether the device itself says that it is handed back."""
    steps: tuple[str, ...]
    """What was done, in order, with what came of it."""
    answered: bool = True
    """Whether a battery answered at all; otherwise it is not there, or not there any more."""

    def __str__(self) -> str:
        told = "handed back, confirmed by the battery" if self.confirmed else "NOT CONFIRMED: look at the battery"
        return "\n".join([*self.steps, told])


class Answer(Enum):
    """What a step was answered with; silence is a no."""

    YES = auto()
    UNSURE = auto()
    NO = auto()


class HandsBack(Protocol):
    """What takes the steps: :class:`optimizer.release.client.ReleaseClient`."""

    sets_mode: bool
    codes: tuple[str, ...]

    def zero_paths(self) -> tuple[str, ...]:
        """Return the names of the setpoints."""
        ...

    def zero(self, path: str) -> str:
        """Zero one."""
        ...

    def set_mode(self) -> str:
        """Set the owner's mode."""
        ...

    def status(self) -> Status:
        """Return what the battery says of itself."""
        ...


def release_battery(
    target: ReleaseTarget, *, deadline_s: float = DEADLINE_S, on_record: bool = True, owners_word: bool = False
) -> ReleaseReport:
    """Hand the battery back and return what came of it; never raises for what the device does.

    Parameters
    ----------
    target
        The battery.
    deadline_s
        Longest time of everything together [s].
    on_record
        Whether a command is known to stand. Otherwise it is a precaution, and data that does not move is believed: many
        a battery tells the same for a while.
    owners_word
        Whether the owner asks for it: then its mode is set whatever it is. Otherwise one that somebody chose is left
        alone, and what is stored beneath it zeroed.
    """
    if target.driver == "simulated":
        return ReleaseReport(confirmed=True, steps=("simulated battery: nothing outside the service to hand back",))
    remaining = real_deadline(deadline_s)
    client = ReleaseClient(target, remaining)
    way = WayBack(client, target.hand_back_mode, remaining, _pause, on_record=on_record)
    return way.walk(owners_word=owners_word)


class WayBack:
    """One battery on its way back.

    Parameters
    ----------
    client
        Takes the steps.
    mode
        What the mode is called that it is handed back to.
    remaining
        Tells how much time is left [s].
    pause
        Waits between two attempts.
    on_record
        Whether a command is known to stand.
    """

    def __init__(
        self, client: HandsBack, mode: str, remaining: Remaining, pause: Callable[[], None], *, on_record: bool = True
    ) -> None:
        self._client, self._mode, self._remaining, self._pause = client, mode, remaining, pause
        self._on_record = on_record
        self._steps: list[str] = []
        self._answered = False
        self._before: Status | None = None

    def walk(self, *, owners_word: bool) -> ReleaseReport:
        """Take it, as often as there is time for; return what came of it."""
        confirmed = None
        if self._may_be_chosen() and not owners_word:
            confirmed = self._leave_choice()
        if confirmed is None:
            confirmed = self._hand_back()
        return ReleaseReport(confirmed=confirmed, steps=tuple(self._steps), answered=self._answered)

    def _may_be_chosen(self) -> bool:
        """Look for a mode that somebody chose since; the look is what later ones must differ from.

        One that fails at once may be had a moment later, when the setpoints are zeroed; a battery that hangs leaves no
        time for that.
        """
        before_s = self._remaining()
        try:
            self._before = self._status()
        except StepFailed:
            return self._client.sets_mode and before_s - self._remaining() < QUICK_S
        return self._client.sets_mode and is_chosen(self._before, self._client.codes)

    def _leave_choice(self) -> bool | None:
        """Zero what is ours beneath a mode that somebody chose; return whether it is, None where nobody chose it.

        A status that has frozen tells the mode from before manual was entered: only one that moves is believed.
        """
        in_doubt_until_s, sure, line = CHOICE_IN_DOUBT_SHARE * self._remaining(), False, ""
        while True:
            answers = self._zero()
            try:
                status = self._status()
                if not is_chosen(status, self._client.codes):
                    return None
                before = self._before = self._before or status
                sure = sure or status != before or not self._on_record
            except StepFailed as failure:
                line = f"read back: failed: {failure}"
            if sure and (answers == {Answer.YES} or self._remaining() <= PAUSE_S):
                self._steps.append(f"read back: in mode {mode_of(status)[:20]}, which somebody chose: it is left alone")
                return Answer.NO not in answers
            if not sure and self._remaining() - PAUSE_S <= in_doubt_until_s:
                self._tell(line or "read back: the data does not move: the mode it tells may be old")
                return None
            self._pause()

    def _hand_back(self) -> bool:
        """Write and read back until that is confirmed or no time is left; return whether it is."""
        ever = False
        while True:
            zeroed, mode_set = self._zero(), self._set_mode()
            confirmed = self._read_back(zeroed)
            ever = ever or confirmed
            if (zeroed == {Answer.YES} and mode_set and confirmed) or self._remaining() <= PAUSE_S:
                return ever  # the last attempt may have been cut short
            self._pause()

    def _zero(self) -> set[Answer]:
        """Zero both setpoints, whatever came of the first; return what was answered."""
        client = self._client
        return {self._note(path, partial(client.zero, path)) for path in client.zero_paths()}

    def _set_mode(self) -> bool:
        """Set the mode, where it can be set; return whether that worked."""
        return not self._client.sets_mode or self._note("mode", self._client.set_mode) is Answer.YES

    def _status(self) -> Status:
        status = self._client.status()
        self._answered = True
        return status

    def _read_back(self, zeroed: set[Answer]) -> bool:
        """Read back until the data moves; return whether the battery shows that it is handed back."""
        while True:
            try:
                status = self._status()
            except StepFailed as failure:
                self._tell(f"read back: failed: {failure}")
                return False
            before = self._before = self._before or status
            found = verdict(status, self._client.codes, self._mode, sets_mode=self._client.sets_mode)
            old = found.back and self._on_record and may_be_old(before, status)
            if old and self._remaining() > PAUSE_S:
                self._pause()
                continue
            if old:
                self._tell(f"read back: failed: {found.said}, but its data has not moved since before: it may be old")
                return False
            self._tell(f"read back: {'' if found.back else 'failed: '}{found.said}")
            # A mode that is read back speaks for itself where one zero was taken: there is one setpoint of either sign.
            # Idleness does not: a full or empty battery stands idle under any command, so neither may be refused.
            by_mode = found.by_mode and self._client.sets_mode
            return found.back and (zeroed != {Answer.NO} if by_mode else Answer.NO not in zeroed)

    def _note(self, what: str, step: Callable[[], str]) -> Answer:
        """Take a step, write down what came of it, and return what was answered."""
        try:
            outcome = step()
        except StepFailed as failure:
            self._answered = self._answered or not isinstance(failure, Unanswered)
            self._tell(f"{what}: failed: {failure}")
            return Answer.UNSURE if isinstance(failure, NotAYes) else Answer.NO
        self._answered = True
        self._tell(f"{what}: {outcome}")
        return Answer.YES

    def _tell(self, line: str) -> None:
        """Write down a line, unless it stands there already."""
        if line not in self._steps:
            self._steps.append(line)


def _pause() -> None:
    WallClock().wait(PAUSE_S, threading.Event())
