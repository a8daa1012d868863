"""Futures that change into one another: the recursion's worth is that of the whole tree of decisions."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.clock import SimulatedClock
from optimizer.domain.plan import FlagKind, PlanStatus
from optimizer.domain.planning_problem import PlanningProblem
from optimizer.domain.scenario import Scenario
from optimizer.domain.site import GridConnection
from optimizer.domain.switching import Switching
from optimizer.errors import PlanningError
from optimizer.planning.billing_peak import best_billing_caps_kw
from optimizer.planning.first_interval import first_decision
from optimizer.planning.kernel.choice import Kernel, compiled, plain, why_not_compiled
from optimizer.planning.lp_planner import LinearProgramPlanner
from optimizer.planning.optima import both_optima
from optimizer.planning.problem_json import problem_from_json, problem_to_json
from optimizer.planning.recursion import worths_of
from optimizer.planning.recursion_planner import RecursionPlanner
from optimizer.planning.rollout import roll_out
from optimizer.planning.scaled_problem import ScaledProblem, Switches, scale_problem
from optimizer.planning.worth_audit import shortfall
from support.kernels import KERNELS
from support.planning_problems import START, hourly_problem, problems
from support.scenario_tree import known_ways, tree_optimum

NEEDS_COMPILER = pytest.mark.skipif(why_not_compiled() is not None, reason=str(why_not_compiled()))
BOTH = pytest.mark.parametrize("kernel", KERNELS)
SHARES = st.sampled_from([0.15, 0.3, 0.5, 1.0])
AUDITED = RecursionPlanner(clock=SimulatedClock(START))
BARE = RecursionPlanner(clock=SimulatedClock(START), audited=False)
LATE = Scenario(weight=0.5, load_w=(200.0, 300.0, 100.0, 4000.0), pv_w=(0.0, 2500.0, 0.0, 0.0))
LATE_SHORT = Scenario(weight=0.5, load_w=(200.0, 3000.0), pv_w=(0.0, 100.0))
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


def switching_problem(problem: PlanningProblem, share: float, steps: int) -> PlanningProblem:
    return replace(problem, switching=Switching(share=share, every=steps * problem.grid.step))


@MODEST
@given(problem=problems(most_scenarios=3), share=SHARES, steps=st.integers(1, 4))
def test_a_plan_is_audited_between_the_switches(problem: PlanningProblem, share: float, steps: int) -> None:
    """The checker accepts every path and the money, and what the paths cost is what the worths promised."""
    asked = switching_problem(problem, share, steps)
    plan = AUDITED.plan(asked, made_at=START)
    assert plan.status is PlanStatus.OPTIMAL
    assert plan.method == ("recursion" if scale_problem(asked).switches is None else "switching recursion")


@MODEST
@given(problem=problems(most_scenarios=3), share=SHARES, steps=st.integers(1, 4))
def test_being_prepared_for_others_never_pays_where_all_stay_as_they_are(
    problem: PlanningProblem, share: float, steps: int
) -> None:
    """The objective is told of the futures as they are: there the plan for known futures is the cheapest."""
    known, hedged = (AUDITED.plan(one, made_at=START) for one in (problem, switching_problem(problem, share, steps)))
    costs = [plan.objective + plan.penalties for plan in (known, hedged)]
    assert costs[1] >= costs[0] - 1e-6 * max(1.0, abs(costs[0]))


@MODEST
@given(problem=problems(most_scenarios=3), share=SHARES)
def test_a_plan_for_control_alone_has_the_same_worths_and_steps(problem: PlanningProblem, share: float) -> None:
    """Only the moment at which they are worked out differs."""
    asked = switching_problem(problem, share, 2)
    bare, audited = BARE.plan(asked, made_at=START), AUDITED.plan(asked, made_at=START)
    assert (bare.status, bare.method) == (audited.status, audited.method)
    assert bare.values == audited.values
    assert bare.steps == audited.steps


@pytest.mark.parametrize("spoil", [0.01, -0.01])
def test_a_path_that_costs_other_than_promised_is_not_called_optimal(spoil: float) -> None:
    """A worth that is off between two switches shows in the audit."""
    problem = hourly_problem(load_w=(900.0, 700.0, 1500.0, 800.0), others=(LATE,), buy=(0.2, 0.3, 0.4, 0.3))
    scaled = scale_problem(switching_problem(problem, 0.5, 2))
    caps = np.full(2, np.inf)
    worths = worths_of(scaled, kernel=plain)
    paths = roll_out(scaled, worths, caps, first_decision(scaled, worths, caps).battery_kw)
    assert shortfall(scaled, worths, caps, paths) == pytest.approx(0.0, abs=1e-9)
    dearer = replace(scaled.arrays, net_load_kw=scaled.arrays.net_load_kw.copy())
    dearer.net_load_kw[0, 3] += spoil
    other = worths_of(replace(scaled, arrays=dearer), kernel=plain)
    assert shortfall(scaled, other, caps, paths) > 1e-4


def test_the_linear_program_says_that_only_its_worths_let_futures_change() -> None:
    """Its path is that of futures known to their end, as without switching; its worths are those of the recursion."""
    known = hourly_problem(load_w=(900.0, 700.0, 1500.0, 800.0), others=(LATE,), buy=(0.2, 0.3, 0.4, 0.3))
    asked = switching_problem(known, 0.5, 2)
    program = LinearProgramPlanner(clock=SimulatedClock(START))
    plan, plain_plan = program.plan(asked, made_at=START), program.plan(known, made_at=START)
    assert [flag.kind for flag in plan.flags] == [FlagKind.SWITCHING_IN_WORTH_ONLY]
    assert plan.status is PlanStatus.OPTIMAL
    assert plan.objective == plain_plan.objective
    assert [step.soc_end for step in plan.steps] == [step.soc_end for step in plain_plan.steps]
    assert plan.values == AUDITED.plan(asked, made_at=START).values
    assert plan.values != plain_plan.values


@MODEST
@given(problem=problems(most_scenarios=3), share=SHARES)
def test_the_hourly_check_holds_both_methods_to_each_other_without_switching(
    problem: PlanningProblem, share: float
) -> None:
    """The program cannot let futures change; on the same problem without that they must agree."""
    found = both_optima(switching_problem(problem, share, 2), 20.0)
    assert found is not None
    assert found.differ_by <= 1e-5 * found.scale
    assert found == both_optima(problem, 20.0)


@MODEST
@given(problem=problems(most_scenarios=3, demand=True), share=SHARES)
def test_billing_peaks_are_chosen_as_if_each_future_were_known(problem: PlanningProblem, share: float) -> None:
    """The search for a peak looks at one future at a time."""
    caps = [best_billing_caps_kw(scale_problem(one)) for one in (problem, switching_problem(problem, share, 2))]
    assert np.array_equal(caps[0], caps[1])


def test_a_dump_replays_with_its_switching() -> None:
    """What a plan rested on is in its dump."""
    problem = switching_problem(hourly_problem(load_w=(500.0, 900.0), others=(LATE_SHORT,)), 0.3, 1)
    assert problem_from_json(problem_to_json(problem)) == problem
    assert json.loads(problem_to_json(problem))["switching"] == {"share": 0.3, "every_s": 3600}


@pytest.mark.parametrize(
    ("given_switching", "told"),
    [
        ({"share": 1.5, "every_s": 3600}, r"switching\.share is 1\.5, it must be at most 1"),
        ({"share": 0.3, "every_s": 0}, r"switching\.every_s is 0, it must lie between"),
        ({"share": 0.3}, "every_s missing"),
        ({"share": 0.3, "every": 60}, "unknown key 'every'; did you mean 'every_s'"),
        ("often", "switching is str, it must be an object"),
    ],
)
def test_a_switching_that_cannot_be_is_named(given_switching: object, told: str) -> None:
    """Which key, and what is wrong with it."""
    document = json.loads(problem_to_json(hourly_problem(load_w=(500.0, 900.0))))
    with pytest.raises(PlanningError, match=told):
        problem_from_json(json.dumps({**document, "switching": given_switching}))
