"""The live screen: a scene becomes exactly so many lines, none wider than the terminal.

Everything is readable without colours; where there are any, yellow is the sun, blue the house, green the battery and
what was gained, magenta the grid, red trouble and dear hours.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text

from optimizer.demo.blocks import bar, gauge
from optimizer.demo.outlook import outlook
from optimizer.demo.scene import CostSoFar, Scene, Weight
from optimizer.demo.words import (
    IDLE_W,
    OUTCOMES,
    battery_direction,
    cents,
    command,
    grid_direction,
    local_time,
    power,
)
from optimizer.domain.decision import Decision, Outcome
from optimizer.domain.measurement import Measurement

SUN, HOUSE, BATTERY, GRID = "yellow", "bright_blue", "green", "magenta"
QUIET, STRONG, TROUBLE = "dim", "bold", "bold red"
LABEL_WIDTH = 9
MONEY_WIDTH = 27
WEIGHTS = {Weight.NORMAL: "", Weight.GOOD: BATTERY, Weight.TROUBLE: "red"}
ARROWS = {"charging": "▲", "discharging": "▼", "importing": "◀", "exporting": "▶"}
COST_ROWS = (("no battery", "no_battery"), ("self-consumption", "self_consumption"), ("sunshift", "sunshift"))


@dataclass(frozen=True, slots=True)
class _Flow:
    label: str
    power_w: float
    said: str
    """What flows which way, in a word."""
    colour: str


def compose(scene: Scene, *, width: int, height: int) -> list[Text]:
    """Return ``height`` lines of at most ``width`` cells.

    What matters most comes first, so that a small terminal loses the log and the outlook before the flows.
    """
    spare = max(0, height - 24)
    lines = [_header(scene, width), Text()]
    lines += beside(_flows(scene, width - MONEY_WIDTH - 1), _money(scene.cost), at=width - MONEY_WIDTH)
    lines += [_rule(_outlook_title(scene), width), *outlook(scene, width=width, spare=spare)]
    lines += [_rule("now", width), *_decision(scene, width)]
    lines += [_rule("what mattered", width)]
    room = max(0, height - len(lines) - 1)
    lines += _log(scene, room)
    lines = lines[: height - 1]
    lines += [_footer(scene, width)]
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return lines[:height]


def beside(left: list[Text], right: list[Text], *, at: int) -> list[Text]:
    """Return lines with ``right`` starting at column ``at``, ``left`` cut to make room."""
    rows = []
    for index in range(max(len(left), len(right))):
        row = left[index] if index < len(left) else Text()
        row.truncate(at, overflow="ellipsis", pad=True)
        rows.append(row + right[index] if index < len(right) else row)
    return rows


def _header(scene: Scene, width: int) -> Text:
    local = scene.now.astimezone(scene.timezone)
    head = Text.assemble(
        (" sunshift ", "bold reverse"), ("  ", ""), (f"{local:%A} {local.day} {local:%B %Y  %H:%M}", STRONG)
    )
    day = f"day {scene.day} of {scene.days} "
    track = max(8, min(24, width - head.cell_len - len(day) - 3))
    head.truncate(max(0, width - track - len(day) - 1), pad=True)
    done = round(track * scene.share_played)
    return head.append(day, QUIET).append("━" * done, BATTERY).append("─" * (track - done), QUIET)


def _rule(title: str, width: int) -> Text:
    line = Text("─ ", QUIET).append(title, QUIET).append(" ", QUIET)
    return line.append("─" * max(0, width - line.cell_len), QUIET)


def _row(label: str) -> Text:
    return Text(f" {label:<{LABEL_WIDTH}}", QUIET)


def _flows(scene: Scene, width: int) -> list[Text]:
    seen = None if scene.decision is None else scene.decision.measurement
    if seen is None:
        return _missing_flows(scene.decision)
    room = max(4, width - LABEL_WIDTH - 26)
    flows = [
        _Flow("sun", seen.production_w, "producing" if seen.production_w >= IDLE_W else "dark", SUN),
        _Flow("house", seen.consumption_w, "using", HOUSE),
        _Flow("battery", seen.battery_power_w, battery_direction(seen.battery_power_w), BATTERY),
        _Flow("grid", seen.grid_power_w, grid_direction(seen.grid_power_w), GRID),
    ]
    return [*(_flow(flow, scene, room) for flow in flows), _stored(seen, scene, room)]


def _missing_flows(decision: Decision | None) -> list[Text]:
    waiting = decision is None
    said = "waiting for the first measurement" if waiting else "could not be read: unknown"
    rows = [_row(name).append("          -") for name in ("sun", "house", "battery", "grid", "stored")]
    rows[2].append(f"   {said}", QUIET if waiting else TROUBLE)
    return rows


def _flow(flow: _Flow, scene: Scene, room: int) -> Text:
    moving = abs(flow.power_w) >= IDLE_W
    row = _row(flow.label).append(f"{power(flow.power_w):>8}", STRONG if moving else QUIET)
    row.append(f"  {ARROWS.get(flow.said, ' ')} {flow.said:<12}", flow.colour if moving else QUIET)
    return row.append(bar(abs(flow.power_w), scene.scale_w, room), flow.colour)


def _stored(measurement: Measurement, scene: Scene, room: int) -> Text:
    energy_kwh = scene.battery.energy_wh(measurement.soc) / 1000
    row = _row("stored").append(f"{100 * measurement.soc:6.0f} %", STRONG)
    row.append(f"    {energy_kwh:.1f} kWh".ljust(16), BATTERY)
    return row.append(gauge(measurement.soc, room), BATTERY)


def _money(cost: CostSoFar | None) -> list[Text]:
    rows = [Text("cost so far           EUR *", QUIET)]
    for label, name in COST_ROWS:
        amount = "-" if cost is None else f"{getattr(cost, name):.2f}"
        rows.append(Text(f"{label:<18}", "" if name == "sunshift" else QUIET).append(f"{amount:>7}"))
    saved = "-" if cost is None else f"{cost.saved:.2f}"
    style = f"{STRONG} {BATTERY}" if cost is not None and cost.saved >= 0 else STRONG
    return [*rows, Text(f"{'saved':<18}", STRONG).append(f"{saved:>7}", style)]


def _outlook_title(scene: Scene) -> str:
    if scene.plan is None:
        return "plan"
    made = scene.plan.made_at.astimezone(scene.timezone)
    futures = len(scene.plan.problem.scenarios)
    return f"plan of {made:%H:%M}, {futures} future{'s' if futures != 1 else ''} weighed"


def _decision(scene: Scene, width: int) -> list[Text]:
    decision = scene.decision
    if decision is None:
        return [_row("command").append("-"), _row("worth").append("-"), _row("why").append("-"), Text()]
    failed = decision.outcome in (Outcome.FAILED, Outcome.STOOD_DOWN)
    style = TROUBLE if failed else f"{STRONG} {BATTERY}"
    first = _row("command").append(command(decision), style).append(f"  ({OUTCOMES[decision.outcome]})", QUIET)
    why = _wrapped(decision.error or decision.reason, width - LABEL_WIDTH - 2)
    second = why[1] if len(why) > 1 else ""
    if len(why) > 2:
        second = second[: width - LABEL_WIDTH - 5] + " …"
    return [first, _worth(decision), _row("why").append(why[0]), _row("").append(second)]


def _worth(decision: Decision) -> Text:
    row = _row("worth")
    parts = [
        ("stored energy", decision.energy_value_per_kwh, BATTERY),
        ("import", decision.import_price_per_kwh, GRID),
        ("export", decision.export_price_per_kwh, SUN),
    ]
    for label, price, colour in parts:
        shown = "unknown" if price is None else f"{cents(price)} ct"
        row.append(f"{label} ", QUIET).append(shown, colour if price is not None else QUIET).append("    ")
    return row.append("per kWh", QUIET)


def _wrapped(text: str, width: int) -> list[str]:
    words, lines = text.split(), [""]
    for word in words:
        candidate = f"{lines[-1]} {word}".strip()
        if len(candidate) <= width or not lines[-1]:
            lines[-1] = candidate
        else:
            lines.append(word)
    return lines


def _log(scene: Scene, room: int) -> list[Text]:
    shown = scene.log[-room:] if room else ()
    rows = [
        Text(f" {local_time(line.at, scene.timezone)}  ", QUIET).append(line.text, WEIGHTS[line.weight])
        for line in shown
    ]
    return rows + [Text() for _ in range(room - len(rows))]


def _footer(scene: Scene, width: int) -> Text:
    tally = scene.tally
    left = f" polls {tally.polls:,}  setpoints {tally.setpoints:,}  plans {tally.plans:,}  errors {tally.errors:,}"
    right = "* credited for stored energy "
    return Text(left, QUIET).append(right.rjust(max(0, width - len(left))), QUIET)
