"""A row of numbers that is handed on without being copied."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from struct import pack
from typing import Any, overload


class Row(Sequence[float]):
    """Behaves like a tuple of floats; holds them side by side, as arithmetic on whole rows wants them.

    A plan weighs thousands of numbers it never looks at one by one: as a tuple each of them would be made an object by
    the forecaster and taken apart again by the planner. Arrays are made of a row by its ``__array_interface__``.

    Parameters
    ----------
    numbers
        What the row holds; copied.
    """

    __slots__ = ("doubles",)

    doubles: memoryview[float]
    """The numbers themselves: read-only, contiguous, of format ``d``."""

    def __init__(self, numbers: Iterable[float] = ()) -> None:
        self.doubles = memoryview(array("d", numbers).tobytes()).cast("d")

    @classmethod
    def from_bytes(cls, numbers: bytes) -> Row:
        """Return the row over the bytes of doubles in this machine's order; bytes never change, so none are copied."""
        return _over(memoryview(numbers).cast("d"))

    @classmethod
    def of(cls, numbers: Sequence[float]) -> Row:
        """Return numbers as a row: themselves, where they are one."""
        return numbers if isinstance(numbers, Row) else cls(numbers)

    def beginning_with(self, first: float) -> Row:
        """Return the row with another first number."""
        return self.from_bytes(pack("d", first) + bytes(self.doubles[1:]))

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return {"shape": (len(self.doubles),), "typestr": "=f8", "data": self.doubles, "version": 3}

    def __len__(self) -> int:
        return len(self.doubles)

    @overload
    def __getitem__(self, index: int) -> float: ...

    @overload
    def __getitem__(self, index: slice) -> Row: ...

    def __getitem__(self, index: int | slice) -> float | Row:
        found = self.doubles[index]
        if not isinstance(found, memoryview):
            return found
        return _over(found) if found.c_contiguous else Row(found)

    def __iter__(self) -> Iterator[float]:
        return iter(self.doubles)

    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, Row | tuple) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return Row.from_bytes, (self.doubles.tobytes(),)

    def __repr__(self) -> str:
        return f"Row({self.doubles.tolist()})"


def _over(doubles: memoryview[float]) -> Row:
    row = Row.__new__(Row)
    row.doubles = doubles
    return row
