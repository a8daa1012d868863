"""A sequence whose elements are worked out when somebody asks for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar, overload

T = TypeVar("T")


class Deferred(Sequence[T]):
    """Behaves like a tuple; each element is worked out once, when it is first asked for.

    Two threads that ask at the same moment may both work an element out; they get equal ones.

    Parameters
    ----------
    length
        How many elements there are.
    work_out
        From an index, 0 to ``length - 1``, to the element; must not depend on when it is called.
    """

    __slots__ = ("_done", "_length", "_work_out")

    def __init__(self, length: int, work_out: Callable[[int], T]) -> None:
        self._length, self._work_out = length, work_out
        self._done: dict[int, T] = {}

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...

    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        if isinstance(index, slice):
            return tuple(self[place] for place in range(*index.indices(self._length)))
        place = range(self._length)[index]  # counts from the end and complains as a tuple does
        if place not in self._done:
            self._done[place] = self._work_out(place)
        return self._done[place]

    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, Deferred | tuple) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"<{self._length} elements, {len(self._done)} of them worked out>"
