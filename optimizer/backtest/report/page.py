"""The page itself: text and tables ready to read, plots drawn from what it brings along."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from optimizer.assembly.site import build_battery, build_site
from optimizer.backtest.backtest import NO_BATTERY, PERFECT, SELF_CONSUMPTION, Result
from optimizer.backtest.report.contents import interval_columns, plot_contents
from optimizer.backtest.report.packing import packed, packed_json
from optimizer.backtest.report.why import traded
from optimizer.forecasting.skill import Skill

_SHORT_FORM = {NO_BATTERY: "no battery", PERFECT: "perfect foresight", SELF_CONSUMPTION: "self-consumption"}


def label(name: str) -> str:
    """Return what a person calls a run."""
    return _SHORT_FORM.get(name, name.replace("_", " "))


def render(result: Result, figures: dict[str, Any], skill: Skill | None = None) -> str:
    """Return the report as one page that asks no network for anything.

    Parameters
    ----------
    figures
        The summary, as ``summary.json`` holds it.
    skill
        Of the forecasts; None where the period is too short to tell.
    """
    environment = Environment(
        loader=PackageLoader("optimizer.backtest.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"label": label, "percent": percent, "number": number}
    settings = result.setting.settings
    zone = settings.site.zone
    contents = plot_contents(result)
    contents["names"] = {name: label(name) for name in result.runs}
    return environment.get_template("page.html").render(
        figures=figures,
        main=main_run(result),
        first=result.period.start.astimezone(zone),
        last=result.period.end.astimezone(zone),
        days=round(figures["period"]["steps"] * figures["period"]["step_s"] / 86400),
        battery=build_battery(settings),
        connection=build_site(settings).connection,
        tariff=settings.tariff,
        demand=result.setting.tariff.demand,
        zone=settings.site.timezone,
        recording=result.setting.recording.path.name,
        traded={name: traded(result, run) for name, run in result.runs.items()},
        skill=skill,
        no_battery=NO_BATTERY,
        self_consumption=SELF_CONSUMPTION,
        perfect=PERFECT,
        style=part("style.css"),
        script=part("plots.js") + part("report.js"),
        library=packed(get_plotlyjs().encode()),
        contents=packed_json(contents),
        columns=interval_columns(result),
    )


def main_run(result: Result) -> str:
    """Return the run that the page speaks of: the first strategy asked for, else plain self-consumption."""
    asked = [name for name in result.runs if name not in _SHORT_FORM]
    return asked[0] if asked else SELF_CONSUMPTION


def part(name: str) -> str:
    """Return a file that the pages are made of, such as the style they share."""
    return resources.files("optimizer.backtest.report").joinpath(name).read_text(encoding="utf-8")


def percent(share: float | None, digits: int = 1) -> str:
    """Return a share as a person reads it."""
    return "–" if share is None else f"{100 * share:.{digits}f} %"


def number(value: float, digits: int = 0) -> str:
    """Return a number with narrow spaces between thousands, and no minus before nothing."""
    text = f"{value:,.{digits}f}".replace(",", "\u202f").replace("-", "\u2212")
    return text[1:] if re.fullmatch("\u2212[0.]+", text) else text
