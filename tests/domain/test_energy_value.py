"""The worth of stored energy is concave, and stays so when futures are averaged."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.domain.energy_value import EnergyValue, mean_energy_value

CAPACITY_WH = 10_000.0


@st.composite
def energy_values(draw: st.DrawFn) -> EnergyValue:
    inner = sorted(draw(st.sets(st.integers(1, 99), max_size=5)))
    points = (0.0, *(point * CAPACITY_WH / 100 for point in inner), CAPACITY_WH)
    slopes = sorted(draw(st.lists(st.floats(-0.5, 1.0), min_size=len(points) - 1, max_size=len(points) - 1)))
    return EnergyValue(points, tuple(reversed(slopes)), draw(st.floats(-5, 5)))


def test_value_adds_the_segments_up() -> None:
    """Two kWh at 0.40 and one at 0.10 on top of a base of 1 are worth 1.90."""
    worth = EnergyValue((0.0, 2000.0, 5000.0), (0.40, 0.10), 1.0)
    assert worth.value(3000.0) == pytest.approx(1.90)


def test_gain_and_loss_differ_at_a_breakpoint() -> None:
    """At a breakpoint the next kWh is worth the slope to the right, the last one the slope to the left."""
    worth = EnergyValue((0.0, 2000.0, 5000.0), (0.40, 0.10))
    assert worth.gain_per_kwh(2000.0) == 0.10
    assert worth.loss_per_kwh(2000.0) == 0.40


def test_outside_its_range_the_outer_slopes_go_on() -> None:
    """A charge outside the band still has a worth, along the nearest slope."""
    worth = EnergyValue((1000.0, 2000.0), (0.40,), 1.0)
    assert worth.value(0.0) == pytest.approx(0.60)
    assert worth.value(3000.0) == pytest.approx(1.80)
    assert worth.gain_per_kwh(9000.0) == worth.loss_per_kwh(-1.0) == 0.40


def test_a_worth_needs_one_slope_per_segment() -> None:
    """Breakpoints and slopes that do not fit are refused."""
    with pytest.raises(ValueError, match="one slope per segment"):
        EnergyValue((0.0, 1.0), (0.1, 0.2))


@given(
    st.lists(energy_values(), min_size=1, max_size=5),
    st.lists(st.floats(0, CAPACITY_WH), min_size=1, max_size=5),
)
def test_the_mean_is_concave_and_is_the_mean_everywhere(values: list[EnergyValue], energies: list[float]) -> None:
    """Averaging futures gives, at every energy, the average of their worths, and slopes that never increase."""
    weights = [1.0 / len(values)] * len(values)
    mean = mean_energy_value(values, weights)
    assert all(later <= earlier + 1e-9 for earlier, later in pairwise(mean.slope_per_kwh))
    for energy in energies:
        expected = sum(value.value(energy) for value in values) / len(values)
        assert mean.value(energy) == pytest.approx(expected, abs=1e-9)
