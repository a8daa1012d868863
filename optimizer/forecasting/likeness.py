"""Which past days resemble today: by the weekday, by how long ago they are, and by how the last day went."""

from __future__ import annotations

import numpy as np

from optimizer.forecasting.sun import Floats

SHARPNESS = 0.75
"""How much a day that is as unlike as the mean counts less: by this power of e [1]."""


def course_likeness(before_w: Floats, now_w: Floats, *, steps_per_hour: int) -> Floats:
    """Return how alike the last hours were, against the same hours of each past day: 1 for the same course, shape (d,).

    The squared distance ``D`` of the hourly means, against its mean over all days: ``exp(-0.75 D / mean D)``. What is
    not measured is left out of the distance; a day without anything to compare is as unlike as the mean.

    Parameters
    ----------
    before_w
        Power in the hours before the same local time of each past day, shape (d, m) [W].
    now_w
        Power in the last hours, shape (m,) [W].
    steps_per_hour
        Intervals in an hour.
    """
    surprise = _hourly(before_w - now_w[None, :], steps_per_hour) ** 2
    known = ~np.isnan(surprise)
    count = known.sum(axis=1)
    distance = np.divide(
        np.where(known, surprise, 0.0).sum(axis=1), count, out=np.full(len(count), np.nan), where=count > 0
    )
    comparable = ~np.isnan(distance)
    mean = distance[comparable].mean() if comparable.any() else 0.0
    if mean <= 0.0:
        return np.ones(len(distance))
    likeness: Floats = np.exp(-SHARPNESS * np.where(comparable, distance, mean) / mean)
    return likeness


def _hourly(values: Floats, steps_per_hour: int) -> Floats:
    hours = values.shape[1] // steps_per_hour
    whole = values[:, values.shape[1] - hours * steps_per_hour :]
    means: Floats = whole.reshape(len(values), hours, steps_per_hour).mean(axis=2)
    return means
