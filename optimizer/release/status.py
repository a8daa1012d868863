"""What a status says about a battery that was told to go its own way. Standard library only.

Accepted is not obeyed, and old is not new: the power of a battery whose data has frozen may say anything.
"""

from __future__ import annotations

import math

Status = dict[str, object]
"""The battery's own JSON object, as it came."""

MANUAL = "1"
IDLE_W = 100.0
"""Power up to which a battery told to stand idle counts as idle: standby and measuring error [W]."""


def mode_of(status: Status) -> str:
    """Return the number of the operating mode, empty where it is not told."""
    return text(status.get("OperatingMode"))


def is_own_choice(status: Status, codes: tuple[str, ...]) -> bool:
    """Return whether the mode is neither manual nor the one to hand back to: somebody chose it."""
    mode = mode_of(status)
    return mode.isdecimal() and mode not in (MANUAL, *codes)


def has_moved(before: Status, after: Status) -> bool:
    """Return whether two looks show that the data is alive."""
    return before != after


def may_have_moved(before: Status, after: Status) -> bool:
    """Return whether two looks leave it open that the data is alive: without a timestamp equal ones may both be new."""
    return before != after or "Timestamp" not in after


def is_at_rest(status: Status) -> tuple[bool, str]:
    """Return whether the power says that no command stands, with its words.

    The battery stands idle, or balances the house as in self-consumption.
    """
    power_w = number(status.get("Pac_total_W", status.get("Pac total_W")))
    if power_w is None:
        return False, "the battery does not tell its power"
    if abs(power_w) <= IDLE_W:
        return True, f"idle at {power_w:.0f} W"
    return False, f"the battery does not stand idle: its power is {power_w} W"


def balances_the_house(status: Status) -> bool:
    """Return whether the battery leaves nothing for the grid to do, as its own self-consumption does."""
    grid_w = number(status.get("GridFeedIn_W"))
    return grid_w is not None and abs(grid_w) <= IDLE_W


def text(value: object) -> str:
    """Return a value as the text of a number or word, empty where it is neither."""
    return str(value).strip() if isinstance(value, str | int) else ""


def number(value: object) -> float | None:
    """Return a value as a finite number, also out of a text; None where it is none."""
    if isinstance(value, bool):  # to Python a number, to nobody else
        return None
    try:
        found = float(value) if isinstance(value, int | float | str) else math.nan
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None
