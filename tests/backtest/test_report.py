"""The report page: whole, honest about its figures, and it asks the network for nothing."""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64decode
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optimizer.assembly.site import build_battery
from optimizer.backtest.backtest import Result
from optimizer.backtest.forecast_skill import forecast_skill
from optimizer.backtest.output import summary
from optimizer.backtest.report.contents import plot_contents
from optimizer.backtest.report.months import MONTH, calendar_parts, interval_starts, money
from optimizer.backtest.report.page import render
from optimizer.backtest.report.why import reasons
from support.browser import CHROMIUM, Page
from support.replays import backtest, home_frame, recording_of

DEMAND = {"price_per_kw": 6.0, "period": "month"}


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    folder = tmp_path_factory.mktemp("replay")
    frame = home_frame(26)
    frame.iloc[300:305] = np.nan  # a gap of five hours
    changes = {"tariff__demand": DEMAND, "planning__scenarios": 3, "planning__replan": "6h"}
    return backtest(recording_of(frame, folder), **changes)


@pytest.fixture(scope="module")
def page(result: Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    skill = forecast_skill(result.setting, result.period)
    path.write_text(render(result, summary(result), skill), encoding="utf-8")
    return path


def unpacked(page: Path, name: str) -> bytes:
    found = re.search(rf'id="data-{name}">([^<]*)<', page.read_text(encoding="utf-8"))
    assert found
    return gzip.decompress(b64decode(found[1]))


def test_months_add_up_to_the_bill(result: Result) -> None:
    """Money by month, peaks and stored energy included, is the whole bill, in spite of a gap."""
    battery = build_battery(result.setting.settings)
    parts = calendar_parts(interval_starts(result), result.setting.settings.site.zone, MONTH)
    assert parts.labels == ("2024-03", "2024-04")
    for run in result.runs.values():
        assert money(result, run, battery, parts).sum() == pytest.approx(run.bill.total_cost)


def test_reasons_add_up_to_the_saving(result: Result) -> None:
    """Bought less, bought cheaper, sold less, lower peaks: nothing is left over."""
    idle = result.runs["no_battery"]
    for run in result.runs.values():
        saving = idle.bill.total_cost - run.bill.total_cost
        assert sum(value for _, value in reasons(result, run, idle)) == pytest.approx(saving, abs=0.03)


def test_decisions_are_told_change_by_change(result: Result) -> None:
    """The strategy's changes of mind are there with their reasons, each different from the one before."""
    told = plot_contents(result)["decisions"]["time_of_use"]
    assert 10 < len(told) < sum(len(span.grid) for span in result.period.spans)
    assert all(row[0] < after[0] for row, after in pairwise(told))
    assert any("house" in row[5] for row in told)
    assert any("grid" in row[5] for row in told)


def test_every_interval_travels_with_the_page(result: Result, page: Path) -> None:
    """Unpacked, the numbers are those of the replay, to a watt and a thousandth of the battery."""
    contents: dict[str, Any] = json.loads(unpacked(page, "contents"))
    steps = np.frombuffer(unpacked(page, "columns"), dtype="<i4").reshape(len(contents["columns"]), -1)
    flows = result.runs["time_of_use"].flows
    for name, unit in (("battery_w", 1.0), ("soc", 1e-3)):
        place = contents["columns"].index(f"time_of_use.{name}")
        expected = np.concatenate([getattr(flow, name) for flow in flows])
        np.testing.assert_allclose(np.cumsum(steps[place]) * contents["units"][place], expected, atol=0.51 * unit)
    assert [length for _, length in contents["spans"]] == [len(span.grid) for span in result.period.spans]


def test_the_page_names_no_address(page: Path) -> None:
    """Its own text holds no address to load from, and its policy forbids all loading."""
    text = re.sub(r'id="data-\w+">[^<]*<', "", page.read_text(encoding="utf-8"))
    assert "http://" not in text
    assert "https://" not in text
    assert "default-src 'none'" in text


def test_names_are_text_not_markup(tmp_path: Path) -> None:
    """A recording's file name cannot smuggle markup into the page."""
    frame = home_frame(4)
    recording = recording_of(frame, tmp_path)
    (tmp_path / "home.csv").rename(tmp_path / "<b>home.csv")
    object.__setattr__(recording, "path", tmp_path / "<b>home.csv")
    result = backtest(recording, strategy="self_consumption")
    assert "&lt;b&gt;home.csv" in render(result, summary(result))


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_it_opens_in_a_browser(page: Path, tmp_path: Path, width: int, *, dark: bool) -> None:
    """At desk and phone width, light and dark: no error, no request, nothing wider than the screen."""
    with Page(tmp_path, width=width, dark=dark) as browser:
        browser.open(page)
        assert browser.value("document.documentElement.dataset.drawn") == "yes"
        assert browser.value("document.querySelectorAll('.plot .main-svg').length") >= 7
        assert browser.value("document.documentElement.scrollWidth") <= width
        assert browser.errors == []
        assert [url for url in browser.requests if not url.startswith(("data:", page.as_uri()))] == []


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_any_week_can_be_looked_at(page: Path, tmp_path: Path) -> None:
    """Choosing a week redraws flows and decisions for it; searching narrows them; all shows everything."""
    shown = "document.getElementById('flows').data[0].x"
    rows = "document.querySelectorAll('#decisions tbody tr').length"
    with Page(tmp_path, width=1280) as browser:
        browser.open(page)
        browser.value(
            "(() => { const week = document.getElementById('week'); week.value = '2024-04-10';"
            " week.dispatchEvent(new Event('change')); })()"
        )
        browser.wait_for(f"{shown}[0].startsWith('2024-04-08')")
        assert browser.value(f"{shown}.at(-1)").startswith("2024-04-14")
        assert browser.value("document.querySelector('#decisions tbody td').textContent") >= "2024-04-08"
        in_week = browser.value(rows)
        browser.value("document.getElementById('earlier').click()")
        browser.wait_for(f"{shown}[0].startsWith('2024-04-01')")
        browser.value("document.getElementById('all').click()")
        assert browser.value(f"{shown}.length") > 500
        everything = browser.value(rows)
        assert everything > in_week > 0
        browser.value(
            "(() => { const search = document.getElementById('search'); search.value = 'also from the grid';"
            " search.dispatchEvent(new Event('input')); })()"
        )
        assert 0 < browser.value(rows) < everything
        assert browser.errors == []
