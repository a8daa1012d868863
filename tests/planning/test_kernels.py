"""The recursion in plain Python, compiled, and the linear program: three ways to one optimum."""

from __future__ import annotations

import logging
import math
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optimizer.domain.planning_problem import PlanningProblem
from optimizer.planning.kernel import choice
from optimizer.planning.kernel.choice import (
    Compiling,
    SelfChoosing,
    best_kernel,
    compile_nothing,
    compiled,
    plain,
    why_not_compiled,
)
from optimizer.planning.kernel.port import Worths
from optimizer.planning.lp.model import build_model
from optimizer.planning.lp.solver import solve
from optimizer.planning.optima import recursion_optimum
from optimizer.planning.scaled_problem import ScaledProblem, scale_problem
from optimizer.planning.step_arrays import Floats
from support.kernels import KERNELS
from support.planning_problems import hourly_problem, problems

NEEDS_COMPILER = pytest.mark.skipif(why_not_compiled() is not None, reason=str(why_not_compiled()))
THOUSANDS = settings(
    max_examples=3000, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def everywhere(worths: Worths, scaled: ScaledProblem) -> Floats:
    """Return the worths of all futures at all ends, at energies over the whole range."""
    energies = np.linspace(scaled.lowest_kwh, scaled.highest_kwh, 7).tolist()
    ends = [(future, step) for future in range(len(scaled.arrays.weights)) for step in range(scaled.count)]
    return np.array([worths.end_curve(*end).value(energy) for end in ends for energy in energies])


@NEEDS_COMPILER
@settings(max_examples=200, deadline=None)
@given(problem=problems(most_scenarios=3, wild_prices=True, demand=True), cap_kw=st.floats(0.0, 5.0))
def test_both_forms_give_the_same_worth_everywhere(problem: PlanningProblem, cap_kw: float) -> None:
    """Limits, curtailment, losses, wear, starts outside the band, wild prices, billing peaks: to rounding."""
    scaled = scale_problem(problem)
    caps = np.full(len(problem.scenarios), cap_kw)
    by_list, by_machine = (kernel(scaled, caps, keep=scaled.count) for kernel in (plain, compiled))
    worths = everywhere(by_list, scaled)
    assert everywhere(by_machine, scaled) == pytest.approx(worths, rel=1e-9, abs=1e-7)
    assert by_machine.start_values == pytest.approx(by_list.start_values, rel=1e-9, abs=1e-7)
    assert by_machine.first_relaxed == by_list.first_relaxed


@pytest.mark.parametrize("kernel", KERNELS)
def test_one_step_back_is_the_best_of_all_choices(kernel: choice.Kernel) -> None:
    """The worth before an interval is what trying every stored energy finds, cost and worth afterwards weighed."""
    problem = hourly_problem(load_w=(1500.0, 700.0), pv_w=(0.0, 2600.0), buy=(0.4, 0.2))
    scaled = scale_problem(problem)
    before, after = kernel(scaled, np.array([math.inf]), keep=2).end_curve(0, 0), scaled.terminal_per_kwh

    def cost(stored: float) -> float:
        power = stored / 0.95 if stored > 0 else stored * 0.95
        grid = 0.7 - 2.6 + power
        return grid * (0.2 if grid > 0 else 0.08)

    for energy in (0.5, 2.0, 5.0, 8.0, 9.5):
        low, high = max(-energy, -4.6 / 0.95), min(10.0 - energy, 4.6 * 0.95)
        tried = np.append(np.linspace(low, high, 4001), [0.0, 1.9 * 0.95])
        best = max(after * (energy + stored) - cost(stored) for stored in tried if low <= stored <= high)
        assert before.value(energy) == pytest.approx(best, abs=1e-9)


def agree(problem: PlanningProblem) -> bool:
    """Hold all methods to each other; return whether there was anything to compare."""
    scaled = scale_problem(problem)
    found = {name: recursion_optimum(scaled, kernel) for name, kernel in _forms().items()}
    if None in found.values():
        assert set(found.values()) == {None}
        return False
    optimum = solve(build_model(scaled, taste=False).problem, time_limit_s=20.0).objective
    scale = max(1.0, abs(optimum), scaled.peak_price_per_kw)
    for name, one in found.items():
        assert one == pytest.approx(optimum, abs=1e-6 * scale), name
    return True


def _forms() -> dict[str, choice.Kernel]:
    return {"plain": plain} if why_not_compiled() else {"plain": plain, "compiled": compiled}


@settings(max_examples=150, deadline=None)
@given(problem=problems(most_scenarios=4))
def test_all_methods_agree(problem: PlanningProblem) -> None:
    """On any problem at ordinary prices there is one optimum, to a millionth."""
    assert agree(problem)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@THOUSANDS
@given(problem=problems(most_scenarios=4))
def test_all_methods_agree_on_thousands(problem: PlanningProblem) -> None:
    """Three thousand problems at ordinary prices, one optimum each."""
    assert agree(problem)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@THOUSANDS
@given(problem=problems(most_scenarios=2, wild_prices=True, demand=True))
def test_all_methods_agree_on_thousands_with_wild_prices_and_peaks(problem: PlanningProblem) -> None:
    """Three thousand more with negative and crossed prices and billing peaks, where the recursion is exact."""
    agree(problem)


def broken(scaled: ScaledProblem, caps_kw: Floats, *, keep: int) -> Worths:
    raise RuntimeError("LLVM is of another mind")


def not_finite(scaled: ScaledProblem, caps_kw: Floats, *, keep: int) -> Worths:
    worths = plain(scaled, caps_kw, keep=keep)
    worths.start_values[:] = np.nan
    return worths


@pytest.mark.parametrize(("kernel", "why"), [(broken, "of another mind"), (not_finite, "not finite")])
def test_plain_python_takes_over_from_a_compiler_that_fails(
    kernel: choice.Kernel, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    """One warning, then plain Python for good: the home still gets its plan."""
    scaled, caps = scale_problem(hourly_problem(load_w=(500.0, 900.0))), np.array([math.inf])
    choosing = SelfChoosing(kernel)
    with caplog.at_level(logging.WARNING):
        found = [float(choosing(scaled, caps, keep=1).start_values[0]) for _ in range(2)]
    assert found == [float(plain(scaled, caps, keep=1).start_values[0])] * 2
    assert caplog.text.count(why) == 1


def test_without_numba_plain_python_plans(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named for those who want it."""
    monkeypatch.setattr(choice, "find_spec", lambda name: None)
    assert why_not_compiled() == "numba is not installed (pip install sunshift[fast])"


def test_a_hardened_service_does_not_try_to_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where memory that was written may not be executed, a compiler would take the whole process down."""

    def denied(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(choice, "find_spec", find_spec if find_spec("numba") else lambda name: object())
    monkeypatch.setattr(choice.mmap, "mmap", denied)
    assert "MemoryDenyWriteExecute" in str(why_not_compiled())


@NEEDS_COMPILER
def test_without_a_folder_to_write_to_it_is_compiled_at_every_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-only system has no place for compiled code; that is no reason to fail."""
    from optimizer.planning.kernel import jit  # noqa: PLC0415

    asked: list[bool] = []

    def njit(function: Callable[..., object] | None = None, *, cache: bool = False) -> object:
        asked.append(cache)
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return function

    monkeypatch.setattr(jit.numba, "njit", njit)
    assert jit.jit(everywhere) is everywhere
    assert asked == [True, False]


@NEEDS_COMPILER
def test_compiled_code_is_kept_where_the_service_may_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache folder of a systemd unit is used, unless another is named already."""
    from optimizer.planning.kernel import jit  # noqa: PLC0415

    class Settings:
        CACHE_DIR = ""

    monkeypatch.setenv("CACHE_DIRECTORY", "/var/cache/sunshift:/var/cache/other")
    jit._name_a_place(Settings)
    assert Settings.CACHE_DIR == "/var/cache/sunshift"
    monkeypatch.setenv("CACHE_DIRECTORY", "/elsewhere")
    jit._name_a_place(Settings)
    assert Settings.CACHE_DIR == "/var/cache/sunshift"


def test_nothing_is_compiled_or_imported_before_the_first_plan() -> None:
    """The command line starts as fast with the extra as without."""
    code = "import sys, optimizer.cli.main, optimizer.planning.recursion_planner; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_process_may_renounce_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """From then on the best form of the recursion is the plain one, also where it had been another."""
    monkeypatch.setattr(Compiling, "allowed", True)
    best_kernel()
    compile_nothing()
    assert why_not_compiled() is not None
    chosen = best_kernel()
    assert isinstance(chosen, SelfChoosing)
    assert chosen._compiled is None
    best_kernel.cache_clear()
