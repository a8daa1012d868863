"""What happens inside an hour that was only recorded as a mean: a fridge, a kettle, clouds. The mean stays exact."""

from __future__ import annotations

import numpy as np

_FRIDGE_W, _FRIDGE_PERIOD_S, _FRIDGE_ON_S = 90.0, 2400.0, 720.0
_KETTLE_W, _KETTLE_S, _KETTLES_PER_HOUR = 2000.0, 150.0, 0.35
_DEEPEST_CLOUD = 0.25


def vary_load(mean_w: float, seconds: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return a load of the given mean over ``seconds`` (regular, from the start of the profile) [W].

    A fridge runs in a square wave; kettles of 2 kW come at random; the rest of the house carries what is left. What
    the mean cannot pay for does not happen.
    """
    events_w = np.where(seconds % _FRIDGE_PERIOD_S < _FRIDGE_ON_S, _FRIDGE_W, 0.0)
    resolution_s = float(seconds[1] - seconds[0]) if len(seconds) > 1 else _KETTLE_S
    for start_s in _kettles(seconds, resolution_s, generator):
        events_w[(seconds >= start_s) & (seconds < start_s + _KETTLE_S)] += _KETTLE_W
    rest_w = mean_w - events_w.mean()
    if rest_w < 0.2 * mean_w:
        return np.full(len(seconds), mean_w)
    ripple = 1.0 + 0.06 * generator.standard_normal(len(seconds)).clip(-2.5, 2.5)
    return np.asarray(events_w + rest_w * ripple / ripple.mean())


def vary_production(mean_w: float, seconds: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return PV of the given mean over ``seconds``: clouds pass, each for some minutes [W]."""
    sun = np.ones(len(seconds))
    duration_s = float(seconds[-1] - seconds[0]) if len(seconds) > 1 else 0.0
    for _ in range(generator.poisson(3.0 * duration_s / 3600.0)):
        start_s = float(seconds[0]) + generator.uniform(0.0, duration_s)
        width_s = generator.uniform(60.0, 420.0)
        sun[(seconds >= start_s) & (seconds < start_s + width_s)] = generator.uniform(_DEEPEST_CLOUD, 0.8)
    return np.asarray(mean_w * sun / sun.mean())


def _kettles(seconds: np.ndarray, resolution_s: float, generator: np.random.Generator) -> list[float]:
    hours = len(seconds) * resolution_s / 3600.0
    count = generator.poisson(_KETTLES_PER_HOUR * hours)
    return [float(generator.uniform(seconds[0], seconds[-1])) for _ in range(count)]
