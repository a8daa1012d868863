"""The prices of the running interval."""

import logging
from datetime import UTC, datetime, timedelta

import pytest

from optimizer.control.price_lookup import PriceLookup
from optimizer.domain.prices import Prices
from optimizer.domain.time_grid import Interval, TimeGrid
from optimizer.errors import TariffError

START = datetime(2026, 5, 4, tzinfo=UTC)
STEP = timedelta(minutes=15)


class BrokenTariff:
    """A price file that cannot be read."""

    def __init__(self) -> None:
        self.why = "prices.csv: line 3 is broken"

    def prices(self, grid: TimeGrid, *, as_of: datetime) -> Prices:
        """Raise what is wrong."""
        del grid, as_of
        raise TariffError(self.why)


def test_a_broken_tariff_is_asked_with_every_step_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """A day of steps without prices is one line, not seventeen thousand; another reason is told anew."""
    tariff = BrokenTariff()
    lookup = PriceLookup(tariff, STEP)
    interval = Interval(start=START, end=START + STEP)
    with caplog.at_level(logging.WARNING):
        assert {lookup.at(interval, START + timedelta(seconds=5 * step)) for step in range(20)} == {(None, None)}
        assert len(caplog.messages) == 1
        tariff.why = "prices.csv: no such file"
        lookup.at(interval, START + STEP)
    assert [message.rpartition(": ")[2] for message in caplog.messages] == ["line 3 is broken", "no such file"]
