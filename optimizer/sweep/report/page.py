"""The page itself: tables ready to read, plots drawn from what it brings along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from optimizer.backtest.backtest import NO_BATTERY, PERFECT
from optimizer.backtest.report.packing import packed, packed_json
from optimizer.backtest.report.page import label, number, part, percent
from optimizer.sweep.report.figures import plotted, records, sizes, strategies_of, time_scale

ROWS_SHOWN = 2000
"""More than these make a page that a phone cannot scroll; the table as a file has all."""


def render(rows: Sequence[Mapping[str, Any]], failed: Sequence[Mapping[str, Any]]) -> str:
    """Return the page of a sweep, which asks no network for anything.

    Parameters
    ----------
    rows
        The results, as :func:`optimizer.sweep.table.results` gives them.
    failed
        Home, tariff, battery and reason of each case that has none.
    """
    environment = Environment(
        loader=PackageLoader("optimizer.sweep.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"label": label, "percent": percent, "number": number}
    scale = time_scale(rows)
    names = {name: label(name) for name in dict.fromkeys(row["strategy"] for row in rows)}
    contents = {
        "rows": plotted(rows, scale),
        "asked": strategies_of(rows),
        "names": names,
        "per": scale.name,
    }
    return environment.get_template("page.html").render(
        counts=_counts(rows),
        names=names,
        failed=failed,
        scale=scale,
        records=records(rows),
        sizes=list(sizes(rows, scale)),
        first=strategies_of(rows)[0],
        shown=[row for row in rows if row["strategy"] not in {NO_BATTERY, PERFECT}][:ROWS_SHOWN],
        count=len(rows),
        style=part("style.css"),
        script=part("plots.js") + resources.files("optimizer.sweep.report").joinpath("sweep.js").read_text("utf-8"),
        library=packed(get_plotlyjs().encode()),
        contents=packed_json(contents),
    )


def _counts(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    words = {"home": "homes", "tariff": "tariffs", "battery": "batteries", "strategy": "strategies"}
    counts = {key: len({row[key] for row in rows}) for key in words}
    counts["strategy"] = len(strategies_of(rows))
    return {(key if count == 1 else words[key]): count for key, count in counts.items()}
