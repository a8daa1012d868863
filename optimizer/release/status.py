"""What a status says about a battery that was told to go its own way. Standard library only.

Accepted is not obeyed, and old is not new: a battery whose data has frozen may say anything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Status = dict[str, object]
"""The battery's own JSON object, as it came."""

MANUAL, AUTOMATIC = "1", ("2", "8")
"""Numbers of modes; 8 is 2 on older US units."""
IDLE_W = 100.0
"""Power up to which a battery told to stand idle counts as idle: standby and measuring error [W]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a status comes to."""

    back: bool
    """Whether it shows that the battery is handed back."""
    by_mode: bool = False
    """Whether its mode shows that, which nothing but a hand-back does; a power may be so by chance."""
    said: str
    """In words."""


def verdict(status: Status, codes: tuple[str, ...], mode: str, *, sets_mode: bool) -> Verdict:
    """Return whether a status shows that the battery is handed back.

    Parameters
    ----------
    codes
        Numbers of the mode it is handed back to, the one to set first.
    mode
        What that mode is called.
    sets_mode
        Whether the battery has a mode call.
    """
    told = mode_of(status)
    if told in codes:
        return Verdict(back=True, by_mode=True, said=f"in mode {told} ({mode})")
    if told and sets_mode:
        return Verdict(back=False, said=f"in mode {told[:20]!a} instead of {codes[0]}")
    if told.isdecimal() and told != MANUAL:
        return Verdict(back=True, said=f"in mode {told[:20]}, where no setpoint acts")
    return _by_power(status, balances=sets_mode)


def _by_power(status: Status, *, balances: bool) -> Verdict:
    """Judge by the power: idle, or balancing the house as in self-consumption."""
    power_w = number(status.get("Pac_total_W", status.get("Pac total_W")))
    grid_w = number(status.get("GridFeedIn_W"))
    if power_w is None:
        return Verdict(back=False, said="the battery does not tell its power")
    if abs(power_w) <= IDLE_W:
        return Verdict(back=True, said=f"idle at {power_w:.0f} W")
    if balances and grid_w is not None and abs(grid_w) <= IDLE_W:
        return Verdict(back=True, said="balancing the house by itself")
    return Verdict(back=False, said=f"the battery does not stand idle: its power is {power_w} W")


def is_chosen(status: Status, codes: tuple[str, ...]) -> bool:
    """Return whether somebody chose the mode: it is neither manual, nor automatic, nor the one to hand back to.

    Automatic mode is the service's own: it leaves the battery in it whatever it is handed back to in the end.
    """
    told = mode_of(status)
    return told.isdecimal() and told not in (MANUAL, *AUTOMATIC, *codes)


def mode_of(status: Status) -> str:
    """Return the number of the operating mode, empty where it is not told."""
    return text(status.get("OperatingMode"))


def may_be_old(before: Status, after: Status) -> bool:
    """Return whether a look may tell what was before the other: it says the same, and tells a time that stands still.

    Without a time two new looks may be equal as well.
    """
    return before == after and any(sign.isdigit() for sign in text(after.get("Timestamp")))


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
