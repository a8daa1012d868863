"""Load and sun of a house over time: a recording, held or interpolated, with an optional life of its own inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib import resources
from math import floor, inf, isfinite

import numpy as np
import pandas as pd

from optimizer.devices.simulated.variability import vary_load, vary_production
from optimizer.errors import RecordingError

_BRIDGED = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Moment:
    """What the house and the roof do, until ``until_s``."""

    load_w: float
    """House load, >= 0 [W]."""
    production_w: float
    """PV available, >= 0 [W]."""
    until_s: float
    """Instant up to which both hold [s since the epoch]."""


class HouseProfile:
    """House load and PV over time.

    Parameters
    ----------
    start
        Start of the first interval, aware.
    step
        Length of an interval.
    load_w, production_w
        Mean power of each interval, shape (count,) [W].
    repeat
        Begin again after the last interval (and stretch back before the first); otherwise the last value holds.
    interpolate
        Run from the middle of one interval to the middle of the next instead of holding the mean.
    variability_seed
        Give each interval an inner life of the same mean: a fridge, a kettle, clouds. None: the mean itself.
    resolution_s
        How often the value changes when it is interpolated or varied [s].

    Raises
    ------
    RecordingError
        The arrays differ in length, are empty, or hold a value that is not finite or below zero.
    """

    def __init__(
        self,
        *,
        start: datetime,
        step: timedelta,
        load_w: Sequence[float] | np.ndarray,
        production_w: Sequence[float] | np.ndarray,
        repeat: bool = True,
        interpolate: bool = False,
        variability_seed: int | None = None,
        resolution_s: float = 10.0,
    ) -> None:
        self._load_w = _checked("load_w", load_w)
        self._production_w = _checked("production_w", production_w)
        if len(self._load_w) != len(self._production_w) or not len(self._load_w):
            msg = f"a house profile needs load and PV of equal length, got {len(load_w)} and {len(production_w)} values"
            raise RecordingError(msg)
        if start.tzinfo is None or step <= timedelta(0):
            raise RecordingError("a house profile needs an aware start and a positive step")
        self.start = start.astimezone(UTC)
        self.step = step
        self._start_s = self.start.timestamp()
        self._step_s = step.total_seconds()
        self._repeat = repeat
        self._interpolate = interpolate
        self._seed = variability_seed
        varied = interpolate or variability_seed is not None
        self._resolution_s = min(resolution_s, self._step_s) if varied else self._step_s
        self._inner = lru_cache(maxsize=4)(self._inner_life)

    @classmethod
    def from_frame(
        cls, frame: pd.DataFrame, *, repeat: bool = True, variability_seed: int | None = None
    ) -> HouseProfile:
        """Return the profile of a recording: aware index ``timestamp``, ``consumption_w``, ``production_w`` [W].

        Gaps up to an hour are bridged by a straight line.

        Raises
        ------
        RecordingError
            A column is missing, the step is not regular, or a longer gap would have to be invented.
        """
        columns = ["consumption_w", "production_w"]
        missing = [name for name in columns if name not in frame.columns]
        if missing or len(frame) < 2:
            what = ", ".join(missing) or "rows"
            msg = f"a house needs a recording of at least two rows of {' and '.join(columns)}; missing: {what}"
            raise RecordingError(msg)
        index = pd.DatetimeIndex(frame.index)
        step = (index[1] - index[0]).to_pytimedelta()
        if index.tz is None or not (np.diff(index.asi8) == np.diff(index.asi8)[0]).all():
            raise RecordingError("the recording behind a house needs aware timestamps in a regular step without holes")
        values = frame[columns].astype(float).interpolate(limit=max(1, int(_BRIDGED / step)), limit_area="inside")
        holes = values.index[values.isna().any(axis=1)]
        if len(holes):
            msg = (
                f"the recording has no value at {holes[0].isoformat()} (and {len(holes) - 1} more): a house cannot run "
                "on missing data; choose a period without gaps over an hour"
            )
            raise RecordingError(msg)
        return cls(
            start=index[0].to_pydatetime(),
            step=step,
            load_w=values["consumption_w"].to_numpy(),
            production_w=values["production_w"].to_numpy(),
            repeat=repeat,
            variability_seed=variability_seed,
        )

    @property
    def end(self) -> datetime:
        """End of the last interval."""
        return self.start + len(self._load_w) * self.step

    @property
    def load_w(self) -> np.ndarray:
        """Mean load of each interval, shape (count,) [W]."""
        return self._load_w.copy()

    @property
    def production_w(self) -> np.ndarray:
        """Mean PV of each interval, shape (count,) [W]."""
        return self._production_w.copy()

    def shifted_to(self, now: datetime) -> HouseProfile:
        """Return the same house moved by whole weeks so that ``now`` falls into its first one, on the same weekday."""
        week_s = timedelta(weeks=1).total_seconds()
        weeks = floor((now.timestamp() - self._start_s) / week_s)
        return HouseProfile(
            start=self.start + timedelta(weeks=weeks),
            step=self.step,
            load_w=self._load_w,
            production_w=self._production_w,
            repeat=self._repeat,
            interpolate=self._interpolate,
            variability_seed=self._seed,
            resolution_s=self._resolution_s if self._resolution_s < self._step_s else 10.0,
        )

    def at(self, instant_s: float) -> Moment:
        """Return what holds at an instant [s since the epoch]."""
        offset_s = instant_s - self._start_s
        slot = floor(offset_s / self._resolution_s + 1e-9)
        until_s = self._start_s + (slot + 1) * self._resolution_s
        middle_s = (slot + 0.5) * self._resolution_s
        index = floor(middle_s / self._step_s)
        if not self._repeat and not 0 <= index < len(self._load_w):
            edge = 0 if index < 0 else len(self._load_w) - 1
            until_s = self._start_s if index < 0 else inf
            return Moment(float(self._load_w[edge]), float(self._production_w[edge]), until_s)
        if self._seed is not None:
            load_w, production_w = self._inner(index)
            place = int((middle_s - index * self._step_s) / self._resolution_s) % len(load_w)
            return Moment(float(load_w[place]), float(production_w[place]), until_s)
        if self._interpolate:
            return Moment(*self._between(middle_s / self._step_s - 0.5), until_s)
        return Moment(self._load(index), self._production(index), until_s)

    def _load(self, index: int) -> float:
        return float(self._load_w[index % len(self._load_w)])

    def _production(self, index: int) -> float:
        return float(self._production_w[index % len(self._production_w)])

    def _between(self, place: float) -> tuple[float, float]:
        index = floor(place)
        share = place - index
        load_w = (1 - share) * self._load(index) + share * self._load(index + 1)
        return load_w, (1 - share) * self._production(index) + share * self._production(index + 1)

    def _inner_life(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return load and PV inside one interval, of the interval's own means [W]."""
        count = max(1, round(self._step_s / self._resolution_s))
        seconds = index * self._step_s + self._resolution_s * np.arange(count)
        generator = np.random.default_rng([self._seed or 0, index & 0x7FFFFFFF])
        return (
            vary_load(self._load(index), seconds, generator),
            vary_production(self._production(index), seconds, generator),
        )


def packaged_profile(*, variability_seed: int | None = None) -> HouseProfile:
    """Return nine spring weeks of a home in Konstanz, which ship with the package (CC BY 4.0, see ATTRIBUTION.md)."""
    return HouseProfile.from_frame(packaged_frame(), variability_seed=variability_seed)


def packaged_frame() -> pd.DataFrame:
    """Return the packaged recording: index ``timestamp`` (UTC), ``consumption_w``, ``production_w`` [W]."""
    source = resources.files("optimizer.devices.simulated.recordings") / "konstanz_home_03.csv"
    with source.open(encoding="utf-8") as lines:
        return pd.read_csv(lines, index_col="timestamp", parse_dates=["timestamp"])


def synthetic_profile(start: datetime, *, peak_production_w: float = 4000.0) -> HouseProfile:
    """Return one smooth day that repeats: a base load with morning and evening, a clear sky. For tests without data."""
    hours = np.arange(96) / 4.0
    load_w = 250 + 500 * np.exp(-(((hours - 7.5) / 1.5) ** 2)) + 900 * np.exp(-(((hours - 19) / 2.0) ** 2))
    sun = np.clip(np.sin(np.pi * (hours - 5) / 15), 0, None)
    production_w = peak_production_w * np.where((hours >= 5) & (hours <= 20), sun, 0.0)
    midnight = start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return HouseProfile(start=midnight, step=timedelta(minutes=15), load_w=load_w, production_w=production_w)


def constant_profile(start: datetime, *, load_w: float = 0.0, production_w: float = 0.0) -> HouseProfile:
    """Return a house that never changes."""
    return HouseProfile(start=start, step=timedelta(days=1), load_w=[load_w], production_w=[production_w])


def _checked(name: str, values: Sequence[float] | np.ndarray) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    for index, value in enumerate(array):
        if not isfinite(value) or value < 0:
            msg = f"{name}[{index}] = {value}: a house needs finite powers of at least 0 W"
            raise RecordingError(msg)
    return array
