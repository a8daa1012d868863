"""Which of the kept data answers a question for means: five-minute means where they suffice, readings where not."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable
from typing import Protocol, TypeVar

import numpy as np

from optimizer.history import queries, resampling
from optimizer.history.mean_powers import Floats
from optimizer.history.resampling import Pieces
from optimizer.history.schema import BUCKET_S

T = TypeVar("T")


class Read(Protocol):
    """Reads from the file; None where it cannot be read."""

    def __call__(self, work: Callable[[sqlite3.Connection], T], /) -> T | None:
        """Return what ``work`` reads."""
        ...


def read_means(read: Read, buffered: Floats, edges_s: Floats, *, max_hold_s: float) -> tuple[Pieces, Pieces]:
    """Return the home's own pieces and the recorded ones that intervals with these edges need.

    Parameters
    ----------
    read
        Access to the file.
    buffered
        Readings that are not in the file yet, as :func:`queries.readings` returns them, shape (n, 6).
    edges_s
        Edges of the intervals [s].
    max_hold_s
        How long a reading holds [s].
    """
    start_s, end_s = float(edges_s[0]), float(edges_s[-1])
    recorded = read(lambda connection: queries.recorded(connection, start_s, end_s)) or resampling.no_pieces()
    switch_s = _switch_to_readings(read, buffered, edges_s)
    parts = []
    if switch_s > start_s:
        coarse = read(lambda connection: queries.five_minutes(connection, start_s, min(switch_s, end_s)))
        parts.append(coarse or resampling.no_pieces())
    if switch_s < end_s:
        parts.append(_fine(read, buffered, max(switch_s, start_s), end_s, max_hold_s))
    return resampling.joined(parts), recorded


def _switch_to_readings(read: Read, buffered: Floats, edges_s: Floats) -> float:
    """Return the instant up to which five-minute means serve and from which readings do [s].

    The five minutes that a buffered reading belongs to are not up to date in the file; before the first reading that
    is still kept there is nothing but five-minute means.
    """
    coarse_suffices = _on_buckets(edges_s)
    if coarse_suffices and not len(buffered):
        return math.inf
    stored = read(queries.first_reading_s)
    first_buffered = float(buffered[0, 0]) if len(buffered) else math.inf
    first_stored = first_buffered if stored is None else stored
    first = max(first_buffered, first_stored) if coarse_suffices else min(first_buffered, first_stored)
    return first // BUCKET_S * BUCKET_S if math.isfinite(first) else math.inf


def _on_buckets(edges_s: Floats) -> bool:
    step_s = float(edges_s[1] - edges_s[0])
    return float(edges_s[0]) % BUCKET_S == 0 and step_s % BUCKET_S == 0


def _fine(read: Read, buffered: Floats, start_s: float, end_s: float, max_hold_s: float) -> Pieces:
    stored = read(lambda connection: queries.readings(connection, start_s - max_hold_s, end_s))
    table = buffered if stored is None else np.concatenate([stored, buffered])
    table = table[np.argsort(table[:, 0], kind="stable")]
    table = table[(table[:, 0] >= start_s - max_hold_s) & (table[:, 0] < end_s)]
    pieces = resampling.held_readings(table[:, 0], table[:, 1:5], table[:, 5], max_hold_s=max_hold_s)
    return resampling.clipped_from(pieces, start_s)
