"""``case("why").tick(seconds, ...).expect(...)``: a controller on a simulated clock against a scripted battery."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from pydantic import BaseModel

from optimizer.clock import SimulatedClock
from optimizer.control.actuation.lease_keeper import LeaseKeeper
from optimizer.control.controller import Controller, DemandSource
from optimizer.control.options import ControlOptions
from optimizer.control.plan_board import PlanBoard
from optimizer.control.registry import create_strategy
from optimizer.control.strategy import Situation, Strategy, Wish
from optimizer.domain.battery import Battery
from optimizer.domain.decision import Decision, Outcome
from optimizer.domain.plan import Plan
from support.fake_device import FakeDevice, FlatTariff, RecordedHistory
from support.situations import BATTERY, SITE, START


class Scripted:
    """Wishes what a test tells it."""

    Parameters: ClassVar[type[BaseModel]] = BaseModel
    description: ClassVar[str] = "for tests"

    def __init__(self, power_w: float = 0.0, *, self_consumption: bool = False) -> None:
        self.wish = Wish(battery_power_w=power_w, reason="as scripted", self_consumption=self_consumption)
        self.error: Exception | None = None

    def shape(self, problem: Any) -> Any:
        return problem

    def decide(self, situation: Situation) -> Wish:
        if self.error is not None:
            raise self.error
        return self.wish


class Case:
    """Each tick is one control step."""

    def __init__(
        self, why: str, strategy: Strategy | None = None, *, can_set_mode: bool = True, observe: bool = False,
        battery: Battery = BATTERY, plan: Plan | None = None, keeper: LeaseKeeper | None = None,
        demand: DemandSource | None = None, **options: Any,
    ) -> None:  # fmt: skip
        self.why = why
        self.clock = SimulatedClock(START)
        self.device = FakeDevice(self.clock, can_set_mode=can_set_mode)
        self.strategy = strategy or create_strategy("time_of_use", {})
        self.board = PlanBoard()
        self.tariff = FlatTariff()
        self.history = RecordedHistory()
        if plan is not None:
            self.board.post(plan)
        self.controller = Controller(
            device=self.device, strategy=self.strategy, strategy_name="scripted", battery=battery, site=SITE,
            clock=self.clock, tariff=self.tariff, board=self.board, history=self.history, observe=observe,
            options=ControlOptions(**options), keeper=keeper, demand=demand,
        )  # fmt: skip
        self.last: Decision | None = None

    def tick(self, seconds: float = 10.0, **state: Any) -> Case:
        for name, value in state.items():
            setattr(self.device, name, value)
        self.clock.advance(seconds)
        self.last = self.controller.step()
        return self

    def ticks(self, count: int, seconds: float = 10.0) -> Case:
        for _ in range(count):
            self.tick(seconds)
        return self

    def wish(self, power_w: float) -> Case:
        assert isinstance(self.strategy, Scripted)
        self.strategy.wish = replace(self.strategy.wish, battery_power_w=power_w)
        return self

    def expect(self, outcome: Outcome, setpoint: object = ..., *, says: str = "", writes: int | None = None) -> Case:
        assert self.last is not None
        story = (
            f"{self.why}: at {self.last.at:%H:%M:%S} got {self.last.outcome} {self.last.setpoint}, {self.last.reason}"
        )
        assert self.last.outcome is outcome, story
        if setpoint is not ...:
            assert self.last.setpoint == setpoint, story
        assert says in self.last.reason, story
        if writes is not None:
            assert len(self.device.writes) == writes, f"{story}; writes {self.device.writes}"
        return self


class Kept:
    """What is on record: until when, by the clock for ages; None: nothing."""

    until_s: float | None = None

    def hold(self, command: str, *, until_s: float, length_s: float) -> None:
        self.until_s = until_s

    def drop(self) -> None:
        self.until_s = None

    def stands(self) -> bool:
        return self.until_s is not None


def case(why: str, strategy: Strategy | None = None, **options: Any) -> Case:
    return Case(why, strategy, **options)


def charging(power_w: float = 2000.0) -> Scripted:
    return Scripted(power_w)
