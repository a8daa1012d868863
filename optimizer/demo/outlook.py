"""The hours to come, as the plan sees them: price, what the battery does about it, and its charge."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from rich.text import Text

from optimizer.demo.blocks import column_chart, group_means, hanging_chart, power_chart
from optimizer.demo.scene import Scene
from optimizer.demo.words import cents
from optimizer.domain.plan import Plan, PlanStep
from optimizer.domain.scenario import Scenario

LABEL_WIDTH = 10
VALUE_WIDTH = 11
LEAST_HOURS = 24
ROWS = 5
PRICE_COLOURS = ("green", "dim", "red")


def outlook(scene: Scene, *, width: int, spare: int) -> list[Text]:
    """Return the chart's lines: five, and up to four more where ``spare`` lines are to be had."""
    plan, index = scene.plan, None if scene.plan is None else scene.plan.index_at(scene.now)
    if plan is None or index is None:
        why = "no plan yet" if plan is None else "the last plan has run out"
        return [
            Text(f" {why}: until there is one the battery keeps to self-consumption"),
            *(Text() for _ in range(ROWS - 1)),
        ]
    size, columns = _scale(plan, index, width - LABEL_WIDTH - VALUE_WIDTH - 1)
    index = _aligned(plan, index, size)
    end = min(len(plan.steps), index + size * columns)
    lines = [_axis(plan, index, end, size, scene.timezone)]
    lines += _price(plan, index, end, size, rows=2 if spare >= 8 else 1)
    if spare >= 4:
        lines += _expected(plan, index, end, size)
    lines += _battery(plan.steps[index:end], size, scene)
    return lines + _charge(plan.steps[index:end], size, rows=2 if spare >= 8 else 1)


def _scale(plan: Plan, index: int, room: int) -> tuple[int, int]:
    """Return how many steps a column stands for, so that a day fits, and how many columns there are."""
    room = max(1, room)
    day = round(timedelta(hours=LEAST_HOURS) / plan.grid.step)
    left = len(plan.steps) - index
    size = max(1, -(-min(day, left) // room))
    return size, min(room, -(-left // size))


def _aligned(plan: Plan, index: int, size: int) -> int:
    """Return the step at or before ``index`` from which columns of ``size`` steps begin on the hour."""
    past_hour = plan.steps[index].start.minute * 60 // round(plan.grid.step_s)
    return max(0, index - past_hour % size)


def _line(label: str, value: str, chart: Text | str, style: str = "") -> Text:
    line = Text(f" {label:<{LABEL_WIDTH - 1}}", "dim").append(f"{value:>{VALUE_WIDTH - 1}} ")
    return line.append_text(chart) if isinstance(chart, Text) else line.append(chart, style)


def _axis(plan: Plan, index: int, end: int, size: int, zone: ZoneInfo) -> Text:
    marks = hour_marks([plan.steps[step].start for step in range(index, end, size)], zone)
    return _line("", "", marks, "dim")


def hour_marks(starts: Sequence[datetime], zone: ZoneInfo) -> str:
    """Return an axis with a label where a column is the first at or after 0, 6, 12 or 18 o'clock local time."""
    axis = "now"
    local = [start.astimezone(zone) for start in starts]
    for column, (before, after) in enumerate(pairwise(local), start=1):
        new_quarter = (before.date(), before.hour // 6) != (after.date(), after.hour // 6)
        label = f"{after:%H:%M}"
        if new_quarter and len(axis) < column <= len(local) - len(label):
            axis = axis.ljust(column) + label
    return axis


def _price(plan: Plan, index: int, end: int, size: int, *, rows: int) -> list[Text]:
    prices = group_means(plan.problem.import_price_per_kwh[index:end], size)
    low, high = min(prices), max(prices)
    base = low - 0.4 * (high - low) if high > low else low - 1.0
    charts = column_chart(prices, low=base, high=high, rows=rows)
    colours = [PRICE_COLOURS[_third(price, low, high)] for price in prices]
    lines = [_coloured(chart, colours) for chart in charts]
    span = f"{cents(low)}-{cents(high)}" if high - low > 1e-6 else cents(low)
    return [_line("" if row else "price ct", "" if row else span, line) for row, line in enumerate(lines)]


def _third(price: float, low: float, high: float) -> int:
    return 1 if high <= low else min(2, int(3 * (price - low) / (high - low)))


def _coloured(chart: str, colours: Sequence[str]) -> Text:
    return Text.assemble(*zip(chart, colours, strict=True))


def _expected(plan: Plan, index: int, end: int, size: int) -> list[Text]:
    sun = group_means(_mean(plan.problem.scenarios, "pv_w")[index:end], size)
    load = group_means(_mean(plan.problem.scenarios, "load_w")[index:end], size)
    full = max(*sun, *load, 1.0)
    return [
        _line("sun", f"to {max(sun) / 1000:.1f} kW", power_chart(sun, full=full), "yellow"),
        _line("house", f"to {max(load) / 1000:.1f} kW", power_chart(load, full=full), "bright_blue"),
    ]


def _mean(scenarios: Sequence[Scenario], name: str) -> list[float]:
    paths = [getattr(scenario, name) for scenario in scenarios]
    weights = [scenario.weight for scenario in scenarios]
    return [
        sum(weight * value for weight, value in zip(weights, values, strict=True))
        for values in zip(*paths, strict=True)
    ]


def _battery(steps: Sequence[PlanStep], size: int, scene: Scene) -> list[Text]:
    powers = [step.battery_power_w for step in steps]
    charge = group_means([max(0.0, power_w) for power_w in powers], size)
    discharge = group_means([max(0.0, -power_w) for power_w in powers], size)
    full = max(*charge, *discharge, 0.25 * scene.battery.max_charge_w)
    return [
        _line("charge", f"to {max(charge) / 1000:.1f} kW", power_chart(charge, full=full), "green"),
        _line("discharge", f"to {max(discharge) / 1000:.1f} kW", hanging_chart(discharge, full=full), "cyan"),
    ]


def _charge(steps: Sequence[PlanStep], size: int, *, rows: int) -> list[Text]:
    socs = group_means([step.soc_end for step in steps], size)
    charts = column_chart(socs, low=0.0, high=1.0, rows=rows)
    span = f"{100 * min(socs):.0f}-{100 * max(socs):.0f} %"
    return [_line("" if row else "stored", "" if row else span, chart, "green") for row, chart in enumerate(charts)]
