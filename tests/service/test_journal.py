"""The journal: few lines, each one telling."""

import logging
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.domain.decision import Decision, Outcome
from optimizer.domain.setpoint import Automatic, Power
from optimizer.service.journal import Journal

START = datetime(2026, 5, 4, tzinfo=UTC)
CALM = Decision(
    at=START, strategy="time_of_use", outcome=Outcome.KEPT, setpoint=Automatic(), reason="covers 0.2 kW of the house: x"
)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name == "sunshift.decisions"]


def test_numbers_change_without_a_line_and_kinds_with_one(caplog: pytest.LogCaptureFixture) -> None:
    """A reason that differs in its numbers is not told again; another direction or outcome is."""
    caplog.set_level(logging.INFO)
    journal = Journal()
    journal.note(CALM)
    journal.note(replace(CALM, at=START + timedelta(seconds=10), reason="covers 1.7 kW of the house: y"))
    assert len(lines(caplog)) == 1
    journal.note(replace(CALM, outcome=Outcome.APPLIED, setpoint=Power(1500.0), reason="charges from the grid: cheap"))
    journal.note(replace(CALM, outcome=Outcome.FAILED, setpoint=None, reason="it cannot be read", error="refused"))
    told = lines(caplog)
    assert told[1].startswith("applied charge 1500 W: charges from the grid: cheap")
    assert told[2] == "failed: it cannot be read | refused"
    assert caplog.records[-1].levelno == logging.WARNING


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_day_of_flapping_stays_under_200_lines(seed: int) -> None:
    """However often kinds change, a day has fewer than 200 lines, and an hourly one says what was left out."""
    told: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("sunshift.decisions")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        journal, chance = Journal(), random.Random(seed)
        for step in range(8640):
            setpoint = chance.choice([Automatic(), Power(500.0), Power(-500.0), Power(0.0)])
            journal.note(replace(CALM, at=START + timedelta(seconds=10 * step), setpoint=setpoint))
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    assert 24 < len(told) < 200
    assert any("changes not told" in line for line in told)
