"""A row of numbers behaves like a tuple of them and is read by arrays without a copy."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest

from optimizer.domain.row import Row
from optimizer.domain.scenario import Scenario

NUMBERS = (3.0, 1.5, -2.0, 0.0)


def test_it_behaves_like_the_tuple_of_its_numbers() -> None:
    """Indices, slices, length, iteration, equality and hash are those of a tuple."""
    row = Row(NUMBERS)
    assert (len(row), row[1], row[-1], bool(row), bool(Row())) == (4, 1.5, 0.0, True, False)
    assert list(row) == list(NUMBERS)
    assert (row[1:], row[:-1], row[::2], row[5:]) == (NUMBERS[1:], NUMBERS[:-1], NUMBERS[::2], ())
    assert row == NUMBERS
    assert NUMBERS == row  # noqa: SIM300 - a tuple on the left asks the row as well
    assert row == Row(NUMBERS)
    assert row != NUMBERS[1:]
    assert row != list(NUMBERS)
    assert hash(row) == hash(NUMBERS)
    assert (sum(row), min(row), 1.5 in row) == (2.5, -2.0, True)
    assert repr(row) == "Row([3.0, 1.5, -2.0, 0.0])"
    with pytest.raises(IndexError):
        row[4]


def test_futures_of_rows_equal_futures_of_tuples() -> None:
    """What a future holds counts, not how."""
    plain = Scenario(weight=1.0, load_w=NUMBERS, pv_w=NUMBERS)
    rows = replace(plain, load_w=Row(NUMBERS), pv_w=Row(NUMBERS))
    assert rows == plain
    assert hash(rows) == hash(plain)


def test_its_numbers_never_change() -> None:
    """Neither through the row nor through what it was made from."""
    array = np.array(NUMBERS)
    row = Row.from_bytes(array.tobytes())
    array[0] = 99.0
    assert row == NUMBERS
    with pytest.raises(TypeError):
        row.doubles[0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(row)[0] = 1.0


@pytest.mark.parametrize("part", [slice(None), slice(1, 3), slice(None, None, -2)])
def test_arrays_are_made_of_it_as_of_a_tuple(part: slice) -> None:
    """One row, several rows, and parts of them."""
    row = Row(NUMBERS)
    assert np.array_equal(np.asarray(row[part]), NUMBERS[part])
    assert np.array_equal(np.array([row[part], row[part]]), [NUMBERS[part], NUMBERS[part]])
    assert np.array([row]).dtype == np.float64


def test_a_row_of_a_row_is_the_row_itself() -> None:
    """Nothing is copied without need."""
    row = Row(NUMBERS)
    assert Row.of(row) is row
    assert Row.of(NUMBERS) == NUMBERS


def test_the_first_number_can_be_replaced() -> None:
    """The rest stays, and so does the row itself."""
    row = Row(NUMBERS)
    assert row.beginning_with(7.0) == (7.0, *NUMBERS[1:])
    assert row[1:].beginning_with(7.0) == (7.0, *NUMBERS[2:])
    assert row == NUMBERS


@pytest.mark.parametrize("row", [Row(NUMBERS), Row(NUMBERS)[1:3], Row()])
def test_it_can_be_sent_and_copied(row: Row) -> None:
    """A sweep sends problems to other processes."""
    assert pickle.loads(pickle.dumps(row)) == row
    assert copy.deepcopy(row) == row
