"""What the page of a sweep says."""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from optimizer.sweep.case import Outcome, attempt
from optimizer.sweep.loading import load_sweep
from optimizer.sweep.report.figures import Scale, days_of, records, sizes, time_scale
from optimizer.sweep.report.page import render
from optimizer.sweep.table import results
from support.browser import CHROMIUM, Page
from support.sweeps import BASE, HEAD, TWO_BATTERIES, TWO_HOMES, write_sweep


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    text = HEAD.replace("time_of_use", "self_consumption") + BASE + TWO_HOMES + TWO_BATTERIES
    sweep = load_sweep(write_sweep(tmp_path_factory.mktemp("sweep"), text.replace('"first"', '"<b>first</b>"')))
    return [attempt(case, sweep.recordings[case.recording]) for case in sweep.cases]


def test_the_page_asks_no_network_and_escapes_names(outcomes: list[Outcome]) -> None:
    """The page is one file without an address, and a name is text whatever it holds."""
    page = render(results(outcomes), [{"home": "x", "tariff": "y", "battery": "z", "reason": "no price <here>"}])
    assert "default-src 'none'" in page
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", page)
    assert "<b>first</b>" not in page
    assert "&lt;b&gt;first&lt;/b&gt;" in page
    assert "1 case failed" in page
    assert "no price &lt;here&gt;" in page


def test_the_plots_are_drawn_from_the_results(outcomes: list[Outcome]) -> None:
    """What the page brings along is every run, its money per day, and what to open with."""
    rows = results(outcomes)
    found = re.search(r'id="data-contents">([^<]*)<', render(rows, []))
    assert found is not None
    contents: dict[str, Any] = json.loads(gzip.decompress(b64decode(found[1])))
    assert (contents["per"], contents["asked"], len(contents["rows"])) == ("day", ["self_consumption"], len(rows))
    assert contents["rows"][1]["saved"] == pytest.approx(rows[1]["saving"] / days_of(rows[1]), abs=1e-4)


def test_a_sweep_in_which_all_failed_is_a_page_too() -> None:
    """Without a single result the reasons are still shown."""
    page = render([], [{"home": "a", "tariff": "b", "battery": "c", "reason": "too short"}])
    assert "too short" in page
    assert "What each further" not in page


def test_what_a_further_kilowatt_hour_brings(outcomes: list[Outcome]) -> None:
    """The saving beyond that of the next smaller battery, by the capacity between them."""
    rows = results(outcomes)
    first = next(iter(sizes(rows, Scale(days=1.0, name="day"))))
    small, large = (row for row in rows if row["strategy"] == "self_consumption" and row["home"] == rows[0]["home"])
    assert [step.name for step in first.steps] == ["small", "large"]
    assert first.steps[0].per_further_kwh is None
    assert first.steps[1].per_further_kwh == pytest.approx((large["saving"] - small["saving"]) / days_of(small) / 8)


def test_strategies_are_judged_by_share_and_by_whom_they_stay_behind() -> None:
    """Mean and lowest share of the bound, and how often plain self-consumption earned more."""

    def row(battery: str, strategy: str, saving: float, share: float) -> dict[str, Any]:
        return {
            "home": "h", "tariff": "t", "battery": battery, "strategy": strategy, "saving": saving,
            "saving_share_of_bound": share,
        }  # fmt: skip

    rows = [row("a", "self_consumption", 5.0, 0.5), row("a", "own", 6.0, 0.6)]
    rows += [row("b", "self_consumption", 8.0, 0.8), row("b", "own", 7.0, 0.7)]
    own = records(rows)[0]
    assert (own.name, own.cases, own.behind, own.lowest_share, own.lowest_at) == ("own", 2, 1, 0.6, "h, t, a")
    assert own.mean_share == pytest.approx(0.65)


def test_money_is_per_year_only_where_each_case_nearly_covers_one() -> None:
    """A summer says nothing of a winter."""
    year, summer = ({"steps": days * 24, "step_s": 3600} for days in (350, 90))
    assert time_scale([year, year]).name == "year"
    assert time_scale([year, summer]).name == "day"


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("width", [1280, 390])
def test_a_home_is_chosen_in_a_browser(outcomes: list[Outcome], tmp_path: Path, width: int) -> None:
    """At desk and phone width: three plots, nothing wider than the screen, no request; choosing a home redraws them."""
    page = tmp_path / "report.html"
    page.write_text(render(results(outcomes), []), encoding="utf-8")
    saved = "document.getElementById('sizes').data[0].y.join()"
    with Page(tmp_path / "profile", width=width) as browser:
        browser.open(page)
        assert browser.value("document.querySelectorAll('.plot .main-svg').length") >= 3
        assert browser.value("document.documentElement.scrollWidth") <= width
        before = browser.value(saved)
        browser.value(
            "(() => { const home = document.getElementById('home'); home.value = 'second';"
            " home.dispatchEvent(new Event('change')); })()"
        )
        browser.wait_for(f"{saved} !== '{before}'")
        assert browser.errors == []
        assert [url for url in browser.requests if not url.startswith(("data:", page.as_uri()))] == []
