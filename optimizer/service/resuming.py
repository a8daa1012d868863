"""A control step that first listens to the owner, who may end a stand-down."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from optimizer.control.actuation.stand_down import StandDown
from optimizer.domain.decision import Decision

logger = logging.getLogger("sunshift.service")


class StandsDown(Protocol):
    """What may stand down: :class:`optimizer.control.controller.Controller`."""

    @property
    def stand_down(self) -> StandDown | None:
        """Why and for how long the battery is left to somebody else; None: it is not."""
        ...

    def resume(self) -> bool:
        """End a stand-down now; return whether there was one."""
        ...


class Resuming:
    """Ends a stand-down on request, then takes the step.

    Parameters
    ----------
    step
        Takes the control step.
    controller
        What may stand down.
    requested
        Takes a request, if there is one.

    Attributes
    ----------
    taken
        How many requests were taken.
    """

    def __init__(self, step: Callable[[], Decision], controller: StandsDown, *, requested: Callable[[], bool]) -> None:
        self.taken = 0
        self._step, self._controller, self._requested = step, controller, requested

    @property
    def stand_down(self) -> StandDown | None:
        """Why and for how long the battery is left to somebody else; None: it is not."""
        return self._controller.stand_down

    def step(self) -> Decision:
        """Take one control step."""
        if self._requested():
            self.taken += 1
            if self._controller.resume():
                logger.info("taking the battery up again, as `sunshift resume` asks")
        return self._step()
