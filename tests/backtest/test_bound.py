"""The perfect-foresight bound: never above what trying everything finds, proven by a second method."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from optimizer.assembly.site import build_battery
from optimizer.backtest.bound.certificate import lowest_cost
from optimizer.backtest.bound.freedom import whole_problem
from optimizer.backtest.bound.perfect import Proof, assert_not_beaten, require_agreement
from optimizer.clock import WallClock
from optimizer.domain.site import GridConnection
from optimizer.errors import BacktestError
from optimizer.planning.lp_planner import LinearProgramPlanner
from support.bounds import LOSSLESS, START, SmallBound, monthly, random_homes, span_of
from support.replays import backtest, home_frame, recording_of

HALF_KW = [-1000.0, -500.0, 0.0, 500.0, 1000.0]
LOSSY = replace(LOSSLESS, charge_efficiency=0.8, discharge_efficiency=0.8, wear_cost_per_kwh=0.01)


def test_it_is_what_trying_everything_finds() -> None:
    """Without losses every corner lies on half kilowatts: for whole grids of loads and prices both are equal."""
    for net, buy, sell in random_homes(seed=3, count=25, hours=5):
        dear = np.maximum(buy, sell).tolist()
        bound = SmallBound(span_of(net, dear, sell))
        proof = bound.proof()
        assert proof.is_exact
        assert proof.cost == pytest.approx(bound.cheapest_of_all(HALF_KW), abs=1e-6)


def test_negative_and_crossed_prices_with_a_feed_in_limit_are_searched() -> None:
    """Where burning, circling or curtailing by choice would pay, the bound does only what a home can do."""
    limited = GridConnection(max_export_w=500.0, curtailable=True)
    for net, buy, sell in random_homes(seed=5, count=25, hours=5):
        bound = SmallBound(span_of(net, buy, sell), connection=limited)
        proof = bound.proof()
        assert proof.is_exact
        assert proof.cost == pytest.approx(bound.cheapest_of_all(HALF_KW), abs=2e-6)


def test_it_is_not_above_any_path_with_losses_and_wear() -> None:
    """A coarse search may miss the optimum, never beat it; program and recursion meet to a millionth."""
    for net, buy, sell in random_homes(seed=7, count=15, hours=5):
        bound = SmallBound(span_of(net, buy, sell), battery=LOSSY)
        proof = bound.proof()
        assert proof.is_exact
        assert proof.lowest_cost <= bound.cheapest_of_all([-1250.0, -500.0, 0.0, 400.0, 800.0]) + 1e-6


def test_peaks_of_two_months_are_billed_and_bounded_apart() -> None:
    """Two hours of January and three of February: each month's peak is shaved as far as it pays."""
    net = [1500.0, 500.0, 0.0, 2000.0, 500.0]
    bound = SmallBound(span_of(net, [0.2] * 5, [0.0] * 5), demand=monthly(5.0))
    proof = bound.proof()
    assert proof.cost == pytest.approx(bound.cheapest_of_all(HALF_KW), abs=1e-6)
    # Half a kilowatt in January, one in February; 4.5 kWh of load at 0.20, stored energy being worth its price.
    assert proof.cost == pytest.approx(5.0 * 0.5 + 5.0 * 1.0 + 0.9)


def test_a_month_is_one_across_a_gap() -> None:
    """Two spans of one month share its peak: it is paid for once, and what the first needs the second may use."""
    first = span_of([2000.0, 2000.0, 2000.0], [0.2] * 3, [0.0] * 3, start=START + timedelta(hours=3))
    second = span_of([1500.0, 1500.0], [0.2] * 2, [0.0] * 2, start=START + timedelta(hours=30))
    bound = SmallBound(first, second, demand=monthly(3.0))
    proof = bound.proof()
    assert proof.is_exact
    assert proof.cost <= bound.cheapest_of_all(HALF_KW) + 1e-6
    assert proof.cost == pytest.approx(3.0 * (6.0 - 1.0) / 3 + 0.2 * 9.0)


def test_only_windows_and_what_exceeds_the_free_part_count() -> None:
    """Import outside the window and below the free kilowatts costs no peak."""
    free = SmallBound(span_of([1500.0, 2000.0], [0.2] * 2, [0.0] * 2), demand=monthly(5.0, free_kw=3.0))
    assert free.proof().cost == pytest.approx(0.7)


def test_quarter_hours_of_a_finer_recording_count_by_their_mean() -> None:
    """Three minutes of 2 kW in a quarter hour are a peak of 0.4 kW, and shaving more than that would not pay."""
    step, net = timedelta(minutes=3), [2000.0, 0.0, 0.0, 0.0, 0.0] * 2
    span = span_of(net, [0.2] * 10, [0.2] * 10, step=step, start=START + timedelta(hours=3))
    idle = replace(LOSSLESS, max_charge_w=0.0, max_discharge_w=0.0)
    bound = SmallBound(span, battery=idle, demand=monthly(10.0, interval=timedelta(minutes=15)))
    assert bound.proof().cost == pytest.approx(10.0 * 0.4 + 0.2 * 0.2)
    shaved = SmallBound(span, demand=monthly(10.0, interval=timedelta(minutes=15)))
    assert shaved.proof().is_exact
    assert shaved.proof().cost == pytest.approx(10.0 * 0.2 + 0.2 * 0.2)


def test_any_prices_on_peaks_prove_something_true() -> None:
    """Weak duality: whatever the metered hours are priced at, the recursion stays at or below the optimum."""
    bound = SmallBound(span_of([1500.0, 500.0, 0.0, 2000.0, 500.0], [0.2] * 5, [0.0] * 5), demand=monthly(5.0))
    draw = np.random.default_rng(1)
    optimum = bound.proof().cost
    for _ in range(20):
        assert lowest_cost(bound.freedom, draw.uniform(-1.0, 6.0, 5)) <= optimum + 1e-9


def test_the_planner_finds_the_same_over_a_clock_change(tmp_path: Path) -> None:
    """The planner's own linear program, written apart, agrees across a change of the clocks."""
    result = backtest(recording_of(home_frame(9), tmp_path), strategy="self_consumption")
    span, battery = result.period.spans[0], build_battery(result.setting.settings)
    problem = whole_problem(
        span,
        battery=battery,
        connection=GridConnection(),
        start_soc=0.5,
        credit_per_kwh=result.period.mean_import_price * battery.discharge_efficiency,
    )
    plan = LinearProgramPlanner(clock=WallClock()).plan(problem, made_at=span.grid.start)
    start_worth = problem.terminal_value_per_kwh * 5.0
    assert plan.objective + start_worth == pytest.approx(result.proof.cost, abs=2e-3)


def test_a_run_below_the_bound_is_an_internal_error() -> None:
    """A run that seems cheaper than the optimum stops the backtest and says so."""
    proof = Proof(cost=10.0, lowest_cost=10.0, recursion_cost=10.0, binaries=False)
    assert_not_beaten("x", 10.0, proof)
    with pytest.raises(BacktestError, match=r"internal error: x costs 9\.9"):
        assert_not_beaten("x", 9.9, proof)


@pytest.mark.parametrize("recursion", [9.99, 10.01])
def test_methods_that_disagree_are_an_internal_error(recursion: float) -> None:
    """Neither may the recursion leave a gap nor prove more than the path costs."""
    lowest = min(recursion, 10.0)
    with pytest.raises(BacktestError, match="they must agree"):
        require_agreement(Proof(cost=10.0, lowest_cost=lowest, recursion_cost=recursion, binaries=False))
