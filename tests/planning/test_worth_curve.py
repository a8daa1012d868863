"""The worth of stored energy as a list of slopes: exact merges, averages and joins."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.planning.interval_cost import lower_hull
from optimizer.planning.worth_curve import WorthCurve, linear_worth, mean_worth, simplified


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
    mean = mean_worth(futures, weights)
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


@given(curves())
def test_one_step_back_is_the_best_of_all_choices(curve: WorthCurve) -> None:
    """The merged curve is worth, at each energy, what trying every stored energy finds."""
    points = [(-2.0, -0.4), (0.0, 0.0), (1.5, 0.6)]
    before = curve.before(points, standby_kwh=0.25)

    def cost(stored: float) -> float:
        return 0.2 * stored if stored < 0 else 0.4 * stored

    for energy in ENERGIES[1:]:
        reachable = [number / 40 for number in range(-80, 61) if 0.0 <= energy + number / 40 - 0.25 <= 10.0]
        best = max(curve.value(energy + stored - 0.25) - cost(stored) for stored in reachable)
        assert before.value(energy) == pytest.approx(best, abs=1e-9)


def test_the_band_is_fined_outside_and_untouched_inside() -> None:
    """Each kWh below or above the band costs the fine; differences within it stay."""
    fined = linear_worth(0.2, lowest_kwh=0.0, highest_kwh=10.0).with_band(
        lowest_kwh=2.0, highest_kwh=9.0, price_per_kwh=1.0
    )
    assert fined.value(5.0) == pytest.approx(1.0)
    assert fined.value(0.0) == pytest.approx(-2.0)
    assert fined.value(10.0) == pytest.approx(2.0 - 1.0)


def test_a_curve_over_the_band_extends_over_the_whole_battery() -> None:
    """Below the band energy is worth a fine more, above it a fine less; inside nothing changes."""
    value = linear_worth(0.2, lowest_kwh=1.0, highest_kwh=9.0).as_energy_value(capacity_kwh=10.0, fine_per_kwh=2.0)
    assert value.energy_wh == pytest.approx((0.0, 1_000.0, 9_000.0, 10_000.0))
    assert value.slope_per_kwh == pytest.approx((2.2, 0.2, -1.8))
    assert value.value(5_000.0) == pytest.approx(1.0)


def test_a_dent_is_filled_and_reported() -> None:
    """The lower hull drops the point above its neighbours' chord, and says that it did."""
    assert lower_hull([(0.0, 0.0), (1.0, 2.0), (2.0, 0.0)]) == ([(0.0, 0.0), (2.0, 0.0)], True)
    assert lower_hull([(0.0, 0.0), (1.0, -1.0), (2.0, 0.0)])[1] is False
