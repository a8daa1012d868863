"""The worth of stored energy as a list of slopes: exact merges, averages and joins."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.planning.interval_cost import lower_hull
from optimizer.planning.worth_curve import WorthCurve, mean_worth, simplified


@st.composite
def curves(draw: st.DrawFn) -> WorthCurve:
    slopes = sorted(draw(st.lists(st.integers(-50, 50), min_size=1, max_size=12)), reverse=True)
    cuts = draw(st.lists(st.integers(1, 99), min_size=len(slopes) - 1, max_size=len(slopes) - 1, unique=True))
    edges = [0.0, *(cut / 10 for cut in sorted(cuts)), 10.0]
    widths = [right - left for left, right in pairwise(edges)]
    at_lowest = draw(st.integers(-5, 5))
    return WorthCurve(0.0, float(at_lowest), tuple(zip((slope / 100 for slope in slopes), widths, strict=True)))


ENERGIES = [number / 4 for number in range(41)]


@given(st.lists(curves(), min_size=1, max_size=4))
def test_the_mean_curve_is_the_mean_of_the_values(futures: list[WorthCurve]) -> None:
    """At every energy the averaged curve is worth the average of the curves."""
    weights = [1.0 / len(futures)] * len(futures)
    flat = [segment for curve in futures for segment in curve.segments]
    slopes, widths = np.array(flat).T
    counts = np.array([len(curve.segments) for curve in futures])
    at_lowest = np.array([curve.at_lowest for curve in futures])
    mean = mean_worth(0.0, (slopes, widths, counts, at_lowest), np.array(weights))
    for energy in ENERGIES:
        expected = sum(curve.value(energy) for curve in futures) / len(futures)
        assert mean.value(energy) == pytest.approx(expected, abs=1e-7)


@given(curves(), st.sampled_from([0.01, 0.1, 1.0]))
def test_joined_segments_stay_close_and_concave(curve: WorthCurve, tolerance: float) -> None:
    """Joining loses at most a quarter of tolerance times width, never gains, and keeps the slopes in order."""
    joined = simplified(curve, tolerance=tolerance)
    slopes = [slope for slope, _ in joined.segments]
    assert slopes == sorted(slopes, reverse=True)
    assert joined.value(10.0) == pytest.approx(curve.value(10.0))
    for energy in ENERGIES:
        assert -1e-9 <= curve.value(energy) - joined.value(energy) <= tolerance * 10.0 / 4 + 1e-9


def test_a_curve_over_the_band_extends_over_the_whole_battery() -> None:
    """Below the band energy is worth a fine more, above it a fine less; inside nothing changes."""
    value = WorthCurve(1.0, 0.2, ((0.2, 8.0),)).as_energy_value(capacity_kwh=10.0, fine_per_kwh=2.0)
    assert value.energy_wh == pytest.approx((0.0, 1_000.0, 9_000.0, 10_000.0))
    assert value.slope_per_kwh == pytest.approx((2.2, 0.2, -1.8))
    assert value.value(5_000.0) == pytest.approx(1.0)


def test_a_dent_is_filled_and_reported() -> None:
    """The lower hull drops the point above its neighbours' chord, and says that it did."""
    assert lower_hull([(0.0, 0.0), (1.0, 2.0), (2.0, 0.0)]) == ([(0.0, 0.0), (2.0, 0.0)], True)
    assert lower_hull([(0.0, 0.0), (1.0, -1.0), (2.0, 0.0)])[1] is False
