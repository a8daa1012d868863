"""The checker catches what it is there for: each rule is broken in turn, and each time it says so."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from optimizer.clock import SimulatedClock
from optimizer.domain.energy_value import EnergyValue
from optimizer.domain.plan import FlagKind, Plan, PlanStep
from optimizer.domain.scenario import Scenario
from optimizer.domain.site import GridConnection
from optimizer.planning.checker import check_paths, check_plan
from optimizer.planning.lp.model import build_model
from optimizer.planning.lp.solver import solve
from optimizer.planning.lp_planner import LinearProgramPlanner, read_paths
from optimizer.planning.paths import ScenarioPath
from optimizer.planning.scaled_problem import scale_problem
from support.planning_problems import BATTERY, START, hourly_problem

LOAD = (500.0, 2500.0, 800.0, 3000.0)
PV = (0.0, 0.0, 4000.0, 0.0)
BUY = (0.20, 0.35, 0.25, 0.40)


def sound_plan(*, connection: GridConnection | None = None, others: tuple[Scenario, ...] = ()) -> Plan:
    problem = hourly_problem(load_w=LOAD, pv_w=PV, buy=BUY, connection=connection, others=others)
    return LinearProgramPlanner(clock=SimulatedClock(START)).plan(problem, made_at=START)


def with_step(plan: Plan, index: int, **changes: float) -> Plan:
    steps = list(plan.steps)
    steps[index] = replace(steps[index], **changes)
    return replace(plan, steps=tuple(steps))


def with_value(plan: Plan, value: EnergyValue) -> Plan:
    return replace(plan, values=(*plan.values[:-1], value))


def grid_shift(plan: Plan) -> Plan:
    return with_step(plan, 1, grid_power_w=plan.steps[1].grid_power_w + 100.0)


def curtail_shift(plan: Plan) -> Plan:
    step = plan.steps[2]
    return with_step(plan, 2, curtailed_w=step.curtailed_w + 500.0, grid_power_w=step.grid_power_w + 500.0)


def power_shift(watts: float) -> Callable[[Plan], Plan]:
    def corrupt(plan: Plan) -> Plan:
        step = plan.steps[1]
        grid_w = step.grid_power_w + watts - step.battery_power_w
        return with_step(plan, 1, battery_power_w=watts, grid_power_w=grid_w)

    return corrupt


CORRUPTIONS: dict[str, tuple[Callable[[Plan], Plan], str]] = {
    "the grid power does not balance": (grid_shift, "balance"),
    "PV is curtailed that cannot be": (curtail_shift, "curtailed"),
    "it charges beyond the battery": (power_shift(9000.0), "beyond the battery"),
    "it discharges beyond the battery": (power_shift(-9000.0), "beyond the battery"),
    "the state of charge jumps": (lambda plan: with_step(plan, 1, soc_end=plan.steps[1].soc_end + 0.1), "stored"),
    "the state of charge exceeds 1": (lambda plan: with_step(plan, 3, soc_end=1.2), "not of this world"),
    "a figure is not a number": (lambda plan: with_step(plan, 0, grid_power_w=math.nan), "not finite"),
    "the objective is embellished": (lambda plan: replace(plan, objective=plan.objective - 0.5), "objective"),
    "the energy cost is embellished": (lambda plan: replace(plan, energy_cost=plan.energy_cost - 0.5), "energy cost"),
    "a step is missing": (lambda plan: replace(plan, steps=plan.steps[:-1]), "3 steps"),
    "a value is missing": (lambda plan: replace(plan, values=plan.values[:-1]), "3 values"),
    "a worth is not concave": (
        lambda plan: with_value(plan, EnergyValue((0.0, 5e3, 1e4), (0.1, 0.2))),
        "not concave",
    ),
    "a worth does not cover the battery": (
        lambda plan: with_value(plan, EnergyValue((0.0, 5e3), (0.1,))),
        "does not cover",
    ),
    "a worth is not finite": (lambda plan: with_value(plan, EnergyValue((0.0, 1e4), (math.inf,))), "not finite"),
    "the breakpoints of a worth are not in order": (
        lambda plan: with_value(plan, EnergyValue((0.0, 6e3, 5e3, 1e4), (0.3, 0.2, 0.1))),
        "not increasing",
    ),
}


def test_a_sound_plan_has_no_violations() -> None:
    """The plan that the corruptions start from is accepted."""
    assert check_plan(sound_plan()) == []


@pytest.mark.parametrize(("corrupt", "word"), CORRUPTIONS.values(), ids=CORRUPTIONS.keys())
def test_each_corruption_is_found(corrupt: Callable[[Plan], Plan], word: str) -> None:
    """A plan broken in one way is rejected, and the violation names it."""
    assert any(word in violation for violation in check_plan(corrupt(sound_plan())))


def test_exceeded_limits_must_be_flagged() -> None:
    """A plan over its limits passes only while it says so."""
    plan = sound_plan(connection=GridConnection(max_import_w=100.0))
    assert FlagKind.IMPORT_LIMIT_EXCEEDED not in {flag.kind for flag in plan.flags}
    tighter = replace(
        plan, problem=replace(plan.problem, connection=GridConnection(max_import_w=0.0, max_export_w=0.0))
    )
    heavy = with_step(tighter, 1, grid_power_w=2000.0)
    assert any("import of 2000.0 W above the limit, not flagged" in violation for violation in check_plan(heavy))
    light = with_step(tighter, 1, grid_power_w=-2000.0)
    assert any("export of 2000.0 W above the limit, not flagged" in violation for violation in check_plan(light))


def test_switched_off_ways_must_stay_unused() -> None:
    """A plan that charges from the grid or sells from the battery is refused where the site forbids it."""
    plan = sound_plan()
    forbidding = GridConnection(grid_charging=False, battery_export=False)
    forbidden = replace(plan, problem=replace(plan.problem, connection=forbidding))
    charging = power_shift(3000.0)(forbidden)
    selling = power_shift(-4000.0)(forbidden)
    assert any("charges 3000.0 W" in violation for violation in check_plan(charging))
    assert any("discharges 4000.0 W" in violation for violation in check_plan(selling))


def test_the_band_must_be_kept_or_flagged() -> None:
    """A state of charge outside the band passes only while the plan says so."""
    plan = sound_plan()
    narrow = replace(BATTERY, min_soc=0.45, max_soc=0.5)
    narrowed = replace(plan, problem=replace(plan.problem, battery=narrow))
    violations = check_plan(narrowed)
    assert any("below the band" in violation for violation in violations)
    assert any("above the band" in violation for violation in check_plan(with_step(narrowed, 1, soc_end=0.9)))


def two_futures() -> tuple[Plan, list[ScenarioPath]]:
    other = Scenario(weight=0.5, load_w=(500.0, 500.0, 800.0, 500.0), pv_w=PV)
    plan = sound_plan(others=(other,))
    scaled = scale_problem(plan.problem)
    model = build_model(scaled)
    solve(model.problem, time_limit_s=10.0)
    return plan, read_paths(scaled, model)


def test_the_expected_path_of_several_futures_is_accepted() -> None:
    """The mean of sound paths passes, though its energy is not what the mean power would store."""
    plan, paths = two_futures()
    assert check_plan(plan) == []
    assert check_paths(plan, paths) == []


@pytest.mark.parametrize(
    ("field", "word"), [("grid_kw", "balance"), ("energy_kwh", "leads to"), ("battery_kw", "not the mean")]
)
def test_a_corrupt_future_is_found(field: str, word: str) -> None:
    """Each future is held to the letter, whatever the mean looks like."""
    plan, paths = two_futures()
    figures = list(getattr(paths[1], field))
    figures[2] += 0.5
    paths[1] = replace(paths[1], **{field: tuple(figures)})
    assert any(word in violation for violation in check_paths(plan, paths))


def test_a_first_interval_that_is_not_shared_is_found() -> None:
    """Two futures with two first powers are two plans, not one."""
    plan, paths = two_futures()
    paths[1] = replace(paths[1], battery_kw=(paths[1].battery_kw[0] + 1.0, *paths[1].battery_kw[1:]))
    assert any("not shared" in violation for violation in check_paths(plan, paths))


def test_an_objective_that_is_not_the_mean_of_the_futures_is_found() -> None:
    """The stated objective is the expected cost of the paths, no less and no more."""
    plan, paths = two_futures()
    for amount in (-0.01, 0.01):
        embellished = replace(plan, objective=plan.objective + amount)
        assert any("its paths cost" in violation for violation in check_paths(embellished, paths))


def test_a_step_is_complete() -> None:
    """Every figure of a step takes part in the check for finite numbers."""
    for field in PlanStep.__dataclass_fields__:
        if field != "start":
            assert check_plan(with_step(sound_plan(), 2, **{field: math.inf}))
