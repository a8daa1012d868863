"""Standing down: why the battery is left alone, and for how long."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StandDown:
    """Somebody else has the battery, or it does not follow: nothing is commanded."""

    why: str
    left_s: float
    """Time left [s]; 0: it is over, and the mode that somebody chose is waited out."""


class HoldOff:
    """Leaves the battery alone for a while.

    Parameters
    ----------
    length_s
        For how long [s].
    """

    def __init__(self, length_s: float) -> None:
        self._length_s = length_s
        self._until_s: float | None = None
        self._why = ""

    @property
    def lasts(self) -> bool:
        """Whether the battery is left alone."""
        return self._until_s is not None

    def begin(self, why: str, elapsed_s: float) -> None:
        """Leave the battery alone from now on."""
        self._until_s, self._why = elapsed_s + self._length_s, why

    def end(self) -> bool:
        """Take it up again; return whether it was left alone."""
        lasted, self._until_s = self.lasts, None
        return lasted

    def told(self, elapsed_s: float) -> StandDown | None:
        """Return why and for how long; None: it is not left alone."""
        if self._until_s is None:
            return None
        return StandDown(why=self._why, left_s=max(0.0, self._until_s - elapsed_s))
