"""Mean powers of intervals, as history takes them and tells them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

POWERS = ("consumption_w", "production_w", "battery_power_w", "grid_power_w")
COLUMNS = (*POWERS, "soc")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeanPowers:
    """A table of interval means, one row an interval, in order of time.

    Arrays and no frame: with pandas a running service would need half as much memory again. Who wants a frame gets it
    from :func:`optimizer.history.frames.as_frame`.
    """

    starts_s: Floats
    """Starts of the intervals, shape (n,), seconds since 1970 [s]."""
    step: timedelta
    """Length of every interval."""
    values: Floats
    """In the order of ``COLUMNS``, NaN where not measured, shape (n, 5)."""

    def __len__(self) -> int:
        return len(self.starts_s)

    @property
    def consumption_w(self) -> Floats:
        """Load of the house, shape (n,) [W]."""
        return self.values[:, 0]

    @property
    def production_w(self) -> Floats:
        """Production of the PV plant, shape (n,) [W]."""
        return self.values[:, 1]

    @property
    def battery_power_w(self) -> Floats:
        """Power of the battery, + charges, shape (n,) [W]."""
        return self.values[:, 2]

    @property
    def grid_power_w(self) -> Floats:
        """Power at the grid connection, + imports, shape (n,) [W]."""
        return self.values[:, 3]

    @property
    def soc(self) -> Floats:
        """State of charge at the end of each interval, shape (n,), 0..1."""
        return self.values[:, 4]

    @property
    def load_and_sun_w(self) -> Floats:
        """Load and production side by side, shape (n, 2) [W]."""
        return self.values[:, :2]
