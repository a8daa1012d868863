"""What a look at the battery calls for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, auto

from optimizer.control.actuation.read_back import changed_by_somebody
from optimizer.domain.measurement import OperatingMode


class Course(StrEnum):
    """What is to be done."""

    SEND_AGAIN = auto()
    """Send once more what stands, or what is wanted in its place."""
    HAND_BACK = auto()
    """End what stands; the next step may command again."""
    GIVE_UP = auto()
    """End what stands, and command nothing for the hold-off."""
    STAND_DOWN = auto()
    """Leave the battery to somebody else."""
    TELL = auto()
    """Nothing but say why nothing is commanded."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done, and why, in words for a person."""

    course: Course
    why: str = ""


def somebody_elses(mode: OperatingMode) -> Verdict:
    """Return what a mode calls for that somebody chose."""
    return Verdict(Course.STAND_DOWN, changed_by_somebody(mode))
