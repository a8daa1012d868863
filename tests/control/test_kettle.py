"""The closed loop against the simulated battery over HTTP, in simulated time."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def kettle() -> ModuleType:
    """Load the benchmark: what it prints is what is asserted here."""
    path = Path(__file__).parents[2] / "benchmarks" / "kettle.py"
    spec = importlib.util.spec_from_file_location("kettle_benchmark", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["kettle_benchmark"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("latency_s", [2.0, 10.0])
@pytest.mark.parametrize("poll_s", [5.0, 10.0])
def test_a_kettle_is_covered_in_time_and_without_overshoot(kettle: ModuleType, latency_s: float, poll_s: float) -> None:
    """At the slowest and the fastest battery, whenever the poll comes, 2 kW are covered in 30 s within 10 %."""
    for phase_s in (1.0, poll_s):
        run = kettle.run_kettle(latency_s=latency_s, poll_s=poll_s, phase_s=phase_s)
        assert run.covered_s is not None
        assert run.covered_s < 30.0
        assert run.released_s is not None
        assert run.released_s < 30.0
        assert run.overshoot < 0.10
        assert run.setpoints < 20
