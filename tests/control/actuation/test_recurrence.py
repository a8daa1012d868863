"""What may happen now and then, but not for ever."""

from __future__ import annotations

import pytest

from optimizer.control.actuation.recurrence import Recurrence


@pytest.mark.parametrize(("every_s", "too_often"), [(1199.9, True), (1200.0, False)])
def test_what_is_an_hour_past_does_not_count(every_s: float, too_often: bool) -> None:
    """Three times within an hour are allowed."""
    it = Recurrence()
    assert [it.note(index * every_s) > 3 for index in range(9)][3:] == [too_often] * 6


def test_it_counts_and_forgets() -> None:
    """After that it begins anew."""
    it = Recurrence()
    assert [it.note(5.0) > 2 for _ in range(3)] == [False, False, True]
    assert (it.count(6.0), it.since_s(6.0)) == (3, 1.0)
    it.forget()
    assert (it.count(6.0), it.since_s(6.0)) == (0, None)
    assert it.note(6.0) == 1
