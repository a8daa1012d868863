"""Possible futures of the home before they become scenarios: past days, assumed days, and both together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from optimizer.forecasting.defaults import SKIES
from optimizer.forecasting.sun import Floats

DAYS_WITHOUT_DEFAULTS = 7
"""From this many past days on the defaults count no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Futures:
    """Past days laid over the grid, and over the last measured hours before it."""

    days_ago: tuple[int | None, ...]
    """Which days they are, length d; None: assumed."""
    weights: Floats
    """Shape (d,)."""
    powers_w: Floats
    """Load and sun, shape (d, n, 2) [W]."""
    before_w: Floats
    """The same in the hours before, up to now; NaN: not measured, shape (d, m, 2) [W]."""

    @property
    def expected_w(self) -> Floats:
        """Expected load and sun, shape (n, 2) [W]."""
        expected: Floats = np.einsum("d,dnk->nk", self.weights, self.powers_w)
        return expected


def filled(powers_w: Floats, share: Floats, expected_w: Callable[[], Floats]) -> Floats:
    """Fill what a day misses with the mean of the days that have it, else with what is assumed of any home."""
    known = ~np.isnan(powers_w)
    if known.all():
        return powers_w
    weight = share[:, None, None] * known
    total = weight.sum(axis=0)
    told = total > 0
    elsewhere = np.zeros_like(total) if told.all() else expected_w().copy()
    mean: Floats = np.divide((weight * np.where(known, powers_w, 0.0)).sum(axis=0), total, out=elsewhere, where=told)
    whole: Floats = np.where(known, powers_w, mean[None, :, :])
    return whole


def blended(assumed: Callable[[], Futures], days: Futures | None, *, most: int) -> Futures:
    """Put the defaults beside few days, and keep the futures of the greatest weight."""
    if days is None:
        return assumed()
    count = len(days.weights)
    room = most - (len(assumed().weights) if count < DAYS_WITHOUT_DEFAULTS else 0)
    kept = np.sort(np.argsort(-days.weights, kind="stable")[: max(1, room)])
    kept_days = tuple(days.days_ago[place] for place in kept)
    weights = days.weights[kept] / days.weights[kept].sum()
    if count >= DAYS_WITHOUT_DEFAULTS or room < 1:
        return Futures(days_ago=kept_days, weights=weights, powers_w=days.powers_w[kept], before_w=days.before_w[kept])
    others = fitted(assumed(), days)
    trust = count / DAYS_WITHOUT_DEFAULTS
    return Futures(
        days_ago=kept_days + others.days_ago,
        weights=np.concatenate([trust * weights, (1 - trust) * others.weights]),
        powers_w=np.concatenate([days.powers_w[kept], others.powers_w]),
        before_w=np.concatenate([days.before_w[kept], others.before_w]),
    )


def fitted(assumed: Futures, days: Futures) -> Futures:
    """Return assumed futures brought to what is known of this home: its level of load, and its sun if none was told."""
    level = days.powers_w[:, :, 0].mean() / max(1.0, assumed.powers_w[:, :, 0].mean())
    powers, before = assumed.powers_w.copy(), assumed.before_w.copy()
    powers[:, :, 0] *= level
    before[:, :, 0] *= level
    if not powers[:, :, 1].any():
        shares = np.array([share for _, share in SKIES])
        powers[:, :, 1] = shares[:, None] * days.powers_w[:, :, 1].max(axis=0)[None, :]
        before[:, :, 1] = shares[:, None] * np.nan_to_num(days.before_w[:, :, 1]).max(axis=0)[None, :]
    return replace(assumed, powers_w=powers, before_w=before)


def mean_known(values: Floats) -> Floats:
    """Return means over the second axis without the unknown; NaN where all is unknown."""
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    means: Floats = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return means
