"""A strategy with moods for :mod:`faults`: its own wishes, or those of somebody who does not know what he wants."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any, ClassVar

from pydantic import BaseModel

from optimizer.control.strategy import Situation, Strategy, Wish
from optimizer.control.weighing import self_consumption_wish
from optimizer.domain.planning_problem import PlanningProblem

Mood = Callable[[Situation], Wish]


class Whim:
    """Stands in for a home's strategy, which may come from anywhere and want anything.

    Parameters
    ----------
    strategy
        The home's own.
    mood
        What decides instead of it; None: nothing. May be changed.
    """

    Parameters: ClassVar[type[BaseModel]] = BaseModel
    description: ClassVar[str] = "Whatever its mood wants."

    def __init__(self, strategy: Strategy, mood: Mood | None = None) -> None:
        self._strategy = strategy
        self.mood = mood

    def shape(self, problem: PlanningProblem) -> PlanningProblem | None:
        """Plan as the home's own strategy would."""
        return self._strategy.shape(problem)

    def decide(self, situation: Situation) -> Wish:
        """Return the wish of the mood, where there is one."""
        return self._strategy.decide(situation) if self.mood is None else self.mood(situation)


def many_minds(situation: Situation) -> Wish:
    """Want something else each time: automatic mode, nothing, far too much, no number; or fail."""
    wanted: Any = random.Random(str(situation.measurement.at)).choice(
        (None, None, None, 0.0, 20_000.0, -20_000.0, 1000.0, -1000.0, math.nan, "nothing")
    )
    return modest(situation) if wanted is None else Wish(battery_power_w=wanted, reason="a whim")


def modest(situation: Situation) -> Wish:
    """Want self-consumption, which automatic mode does."""
    return self_consumption_wish(situation, "self-consumption is enough")


def busy(situation: Situation) -> Wish:
    """Want the battery to do something at every time."""
    return Wish(battery_power_w=1500.0 if situation.measurement.soc < 0.5 else -1500.0, reason="it should be busy")


def to_and_fro(situation: Situation) -> Wish:
    """Want the battery charged for a quarter of an hour and discharged for the next."""
    charges = situation.measurement.at.minute // 15 % 2 == 0
    return Wish(battery_power_w=1500.0 if charges else -1500.0, reason="it should be busy")


def fickle() -> Mood:
    """Return a mood that wants the battery busy once, and thinks better of it at the next step."""
    moods: list[Mood] = [busy]

    def decide(situation: Situation) -> Wish:
        mood = moods.pop() if moods else modest
        return mood(situation)

    return decide
