"""Futures that change into one another: the recursion's worth is that of the whole tree of decisions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.scenario import Scenario
from optimizer.domain.site import GridConnection
from optimizer.domain.switching import Switching
from optimizer.planning.first_interval import first_decision
from optimizer.planning.kernel.choice import Kernel, compiled, plain, why_not_compiled
from optimizer.planning.recursion import worths_of
from optimizer.planning.scaled_problem import ScaledProblem, Switches, scale_problem
from support.kernels import KERNELS
from support.planning_problems import hourly_problem, problems
from support.scenario_tree import known_ways, tree_optimum

NEEDS_COMPILER = pytest.mark.skipif(why_not_compiled() is not None, reason=str(why_not_compiled()))
BOTH = pytest.mark.parametrize("kernel", KERNELS)
SHARES = st.sampled_from([0.15, 0.3, 0.5, 1.0])
MODEST = settings(max_examples=25, deadline=None)


def with_switches(problem: PlanningProblem, share: float, most: int, *, join_per_kwh: float = 0.0) -> ScaledProblem:
    """Return a problem of several futures that change into one another at up to so many instants."""
    scaled = scale_problem(problem)
    every = -(-scaled.count // (most + 1))
    starts = tuple(range(every, scaled.count, every))
    return replace(scaled, switches=Switches(share=share, starts=starts, join_per_kwh=join_per_kwh))


def expected_cost(scaled: ScaledProblem, kernel: Kernel) -> float:
    worths = worths_of(scaled, keep=1, kernel=kernel)
    return first_decision(scaled, worths, np.full(len(scaled.arrays.weights), np.inf)).expected_cost


@BOTH
@MODEST
@given(problem=problems(most_scenarios=3), share=SHARES, most=st.integers(1, 3))
def test_the_recursion_finds_the_optimum_of_the_tree(
    kernel: Kernel, problem: PlanningProblem, share: float, most: int
) -> None:
    """Limits, curtailment, losses, wear, starts outside the band: the same cost as the tree solved as one program."""
    scaled = with_switches(problem, share, most)
    optimum = tree_optimum(scaled)
    assert expected_cost(scaled, kernel) == pytest.approx(optimum, abs=1e-6 * max(1.0, abs(optimum)))


@BOTH
@MODEST
@given(problem=problems(most_scenarios=3), share=SHARES, most=st.integers(1, 3))
def test_joined_slopes_cost_no_more_than_they_say(
    kernel: Kernel, problem: PlanningProblem, share: float, most: int
) -> None:
    """Each joining lowers a worth by at most a quarter of its tolerance times the width of the battery."""
    free = replace(problem, connection=GridConnection(), initial_soc=problem.battery.min_soc)
    exact = with_switches(free, share, most)
    assert exact.switches is not None
    tolerance = 0.05 * exact.price_range
    joined = replace(exact, switches=replace(exact.switches, join_per_kwh=tolerance))
    lost = expected_cost(joined, kernel) - expected_cost(exact, kernel)
    width_kwh = exact.highest_kwh - exact.lowest_kwh
    assert -1e-9 <= lost <= 2 * len(exact.switches.starts) * tolerance * width_kwh / 4 + 1e-9


@NEEDS_COMPILER
@settings(max_examples=120, deadline=None)
@given(
    problem=problems(most_scenarios=3, wild_prices=True, demand=True),
    share=SHARES,
    most=st.integers(1, 3),
    cap_kw=st.floats(0.0, 5.0),
)
def test_both_forms_give_the_same_worth_everywhere(
    problem: PlanningProblem, share: float, most: int, cap_kw: float
) -> None:
    """Plain and compiled agree at the end of every interval of every future, wild prices and billing peaks included."""
    scaled = with_switches(problem, share, most)
    caps = np.full(len(problem.scenarios), cap_kw)
    by_list, by_machine = (kernel(scaled, caps, keep=scaled.count) for kernel in (plain, compiled))
    ends = [(future, step) for future in range(len(caps)) for step in range(scaled.count)]
    for energy in np.linspace(scaled.lowest_kwh, scaled.highest_kwh, 7).tolist():
        worths = [[form.end_curve(*end).value(energy) for end in ends] for form in (by_list, by_machine)]
        assert worths[1] == pytest.approx(worths[0], rel=1e-9, abs=1e-6)
    assert by_machine.start_values == pytest.approx(by_list.start_values, rel=1e-9, abs=1e-6)
    assert by_machine.first_relaxed == by_list.first_relaxed


@BOTH
@MODEST
@given(problem=problems(most_scenarios=4, wild_prices=True), share=SHARES)
def test_worths_stay_concave_over_the_whole_range(kernel: Kernel, problem: PlanningProblem, share: float) -> None:
    """After any number of means and joinings each further kilowatt-hour is worth at most as much as the one before."""
    scaled = with_switches(problem, share, 4, join_per_kwh=0.01)
    worths = worths_of(scaled, kernel=kernel)
    for future in range(len(problem.scenarios)):
        for step in range(scaled.count):
            curve = worths.end_curve(future, step)
            assert curve.width_kwh == pytest.approx(scaled.highest_kwh - scaled.lowest_kwh, abs=1e-6)
            assert all(left[0] >= right[0] - 1e-9 for left, right in pairwise(curve.segments))


@BOTH
@MODEST
@given(problem=problems(), copies=st.integers(2, 3), share=SHARES)
def test_futures_that_are_equal_are_one(kernel: Kernel, problem: PlanningProblem, copies: int, share: float) -> None:
    """What changes into its like has not changed."""
    (only,) = problem.scenarios
    several = replace(problem, scenarios=(replace(only, weight=1.0 / copies),) * copies)
    optimum = -float(worths_of(scale_problem(problem), kernel=kernel).start_values[0])
    cost = expected_cost(with_switches(several, share, 3), kernel)
    assert cost == pytest.approx(optimum, abs=1e-6 * max(1.0, abs(optimum)))


@BOTH
@MODEST
@given(problem=problems(most_scenarios=3), share=SHARES, most=st.integers(1, 2))
def test_knowing_the_way_to_its_end_never_costs_more(
    kernel: Kernel, problem: PlanningProblem, share: float, most: int
) -> None:
    """Had every way through the tree been known from the start, it would have cost at most as much."""
    scaled = with_switches(problem, share, most)
    assert scaled.switches is not None
    known = expected_cost(scale_problem(known_ways(problem, share, scaled.switches.starts)), kernel)
    assert known <= expected_cost(scaled, kernel) + 1e-6 * max(1.0, abs(known))


@BOTH
@MODEST
@given(problem=problems(most_scenarios=3), share=st.floats(0.01, 0.99))
def test_one_switch_costs_at_least_the_mixture_of_never_and_always(
    kernel: Kernel, problem: PlanningProblem, share: float
) -> None:
    """Every policy's cost is a straight line in the share, so the least of all is concave."""
    never, always, between = (expected_cost(with_switches(problem, part, 1), kernel) for part in (0.0, 1.0, share))
    assert between >= (1.0 - share) * never + share * always - 1e-6 * max(1.0, abs(never), abs(always))


@BOTH
def test_more_switching_may_cost_less(kernel: Kernel) -> None:
    """No more is known of less lasting futures, but sun that may meet a dark evening is worth more than sun twice."""
    sunny = Scenario(weight=0.5, load_w=(0.0, 0.0, 0.0, 0.0), pv_w=(0.0, 4000.0, 0.0, 0.0))
    problem = hourly_problem(
        load_w=(0.0, 0.0, 4000.0, 0.0), others=(sunny,), sell=0.0, initial_soc=0.0, terminal_value_per_kwh=0.0
    )
    never, always = (expected_cost(with_switches(problem, share, 1), kernel) for share in (0.0, 1.0))
    assert always < never - 0.1


def test_a_future_that_never_gives_way_is_known_to_its_end() -> None:
    """Without a share, with one future, or with no switch before the end nothing is switched."""
    problem = hourly_problem(load_w=(500.0, 900.0), others=(Scenario(weight=0.5, load_w=(1.0, 2.0), pv_w=(3.0, 4.0)),))
    hour = timedelta(hours=1)
    assert scale_problem(replace(problem, switching=Switching(share=0.0, every=hour))).switches is None
    assert scale_problem(replace(problem, switching=Switching(share=0.5, every=2 * hour))).switches is None
    switching = replace(problem, switching=Switching(share=0.5, every=hour))
    (first, _) = switching.scenarios
    assert scale_problem(replace(switching, scenarios=(replace(first, weight=1.0),))).switches is None
    switches = scale_problem(switching).switches
    assert switches is not None
    assert (switches.share, switches.starts) == (0.5, (1,))
    assert scale_problem(switching).known_to_the_end.switches is None
