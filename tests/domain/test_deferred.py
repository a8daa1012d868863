"""A sequence that works out its elements on demand."""

from __future__ import annotations

import pytest

from optimizer.domain.deferred import Deferred


def test_it_behaves_like_the_tuple_it_stands_for() -> None:
    """Indices, slices, length, iteration and equality are those of a tuple."""
    squares = Deferred(4, lambda index: index * index)
    assert (len(squares), squares[2], squares[-1], squares[1:3]) == (4, 4, 9, (1, 4))
    assert list(squares) == [0, 1, 4, 9]
    assert squares == (0, 1, 4, 9)
    assert squares != (0, 1)
    assert hash(squares) == hash((0, 1, 4, 9))
    with pytest.raises(IndexError):
        squares[4]


def test_each_element_is_worked_out_once_and_only_if_asked_for() -> None:
    """Nothing is done before the first question, and nothing twice."""
    asked: list[int] = []

    def note(index: int) -> int:
        asked.append(index)
        return index

    numbers = Deferred(3, note)
    assert asked == []
    assert (numbers[1], numbers[1], numbers[1:]) == (1, 1, (1, 2))
    assert asked == [1, 2]
    assert "2 of them worked out" in repr(numbers)
