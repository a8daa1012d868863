"""What every installed strategy promises, ours and anyone's."""

from __future__ import annotations

import copy
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.control.registry import create_strategy, installed_strategies
from optimizer.control.strategy import Situation, Strategy
from support.situations import plan_of, situation_of, situations, value_of

NAMES = sorted(name for name, entry in installed_strategies().items() if entry.error is None)


def variants(name: str) -> list[Strategy]:
    """Return a strategy with its defaults, and with every switch thrown."""
    thrown = {
        "self_consumption": {"keep_room_for_noon": True},
        "peak_shaving": {"import_limit_w": 3000.0, "export_limit_w": 2000.0, "recharge_below_w": 1000.0},
        "time_of_use": {"grid_charging": False, "battery_export": False},
    }
    return [create_strategy(name, {}), create_strategy(name, thrown.get(name, {}))]


def test_ours_are_installed() -> None:
    """The three that ship come in by the same door as anyone's."""
    assert {"self_consumption", "peak_shaving", "time_of_use"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=80, deadline=None)
@given(situation=situations(), thrown=st.booleans())
def test_deciding_never_fails(name: str, situation: Situation, thrown: bool) -> None:
    """In any valid situation there is a finite wish with a reason."""
    wish = variants(name)[thrown].decide(situation)
    assert math.isfinite(wish.battery_power_w)
    assert wish.reason
    assert wish.energy_value_per_kwh is None or math.isfinite(wish.energy_value_per_kwh)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40, deadline=None)
@given(situation=situations(), other=situations())
def test_deciding_is_pure(name: str, situation: Situation, other: Situation) -> None:
    """The same situation gets the same wish, whatever was decided in between, and stays as it was."""
    strategy = create_strategy(name, {})
    before = copy.deepcopy(situation)
    first = strategy.decide(situation)
    strategy.decide(other)
    assert strategy.decide(situation) == first
    assert situation == before


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("load_w", [0.0, 800.0, 9000.0])
def test_without_plan_and_price_the_house_is_served(name: str, load_w: float) -> None:
    """Nothing known means self-consumption."""
    wish = create_strategy(name, {}).decide(situation_of(load_w=load_w, pv_w=500.0, buy=None, sell=None, plan=None))
    assert wish.battery_power_w == pytest.approx(500.0 - load_w)


@pytest.mark.parametrize("name", NAMES)
def test_shaping_leaves_the_home_as_it_is(name: str) -> None:
    """A strategy may narrow the problem; house, sun and battery stay what they are."""
    problem = plan_of(value_of(0.2)).problem
    for strategy in variants(name):
        shaped = strategy.shape(problem)
        if shaped is not None:
            assert (shaped.grid, shaped.battery, shaped.initial_soc) == (
                problem.grid, problem.battery, problem.initial_soc
            )  # fmt: skip
            assert [one.load_w for one in shaped.scenarios] == [one.load_w for one in problem.scenarios]


@pytest.mark.parametrize("name", NAMES)
def test_parameters_explain_themselves(name: str) -> None:
    """Every parameter has a default that fits and a description; unknown ones are refused."""
    schema = installed_strategies()[name].parameters
    assert schema is not None
    assert schema.model_validate(schema().model_dump()) == schema()
    assert all(field.description for field in schema.model_fields.values())
    with pytest.raises(ValueError, match="no_such_parameter"):
        create_strategy(name, {"no_such_parameter": 1})
