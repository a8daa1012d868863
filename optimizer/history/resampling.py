"""From readings to mean powers over any intervals, energy preserved and gaps kept as gaps.

Every source becomes *pieces*: stretches of time with the part of them that was measured and the energy in it. The
energy up to an instant is then a piecewise-linear function of time, and the energy of an interval the difference of
its values at the interval's ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from optimizer.history.mean_powers import COLUMNS, POWERS, Floats

LEAST_COVERED = 0.5
"""Share of an interval that must be measured for its mean to count."""
_JUST_BEFORE_S = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """Measured stretches of time, in order and without overlap; powers in the order of ``POWERS``."""

    start_s: Floats
    """Shape (n,), seconds since 1970 [s]."""
    end_s: Floats
    """Shape (n,) [s]."""
    covered_s: Floats
    """How much of the stretch was measured, shape (n, 4) [s]."""
    energy_ws: Floats
    """Energy in the measured part, shape (n, 4) [Ws]."""
    soc: Floats
    """State of charge, shape (n,), 0..1."""
    soc_s: Floats
    """When it was that, shape (n,), in order [s]."""

    def where(self, kept: npt.NDArray[np.bool_]) -> Pieces:
        """Return some of the pieces, chosen by a mask of shape (n,)."""
        return Pieces(
            start_s=self.start_s[kept],
            end_s=self.end_s[kept],
            covered_s=self.covered_s[kept],
            energy_ws=self.energy_ws[kept],
            soc=self.soc[kept],
            soc_s=self.soc_s[kept],
        )


def held_readings(instants_s: Floats, powers_w: Floats, soc: Floats, *, max_hold_s: float) -> Pieces:
    """Return readings as pieces: each holds until the next, at most for ``max_hold_s``.

    Parameters
    ----------
    instants_s
        When they were read, in order, shape (n,) [s].
    powers_w
        Shape (n, 4) [W].
    soc
        Shape (n,), 0..1.
    max_hold_s
        Past this a reading says nothing any more [s].
    """
    following = np.append(instants_s[1:], np.inf)
    end = np.minimum(following, instants_s + max_hold_s)
    covered = np.repeat((end - instants_s)[:, None], len(POWERS), axis=1)
    return Pieces(
        start_s=instants_s, end_s=end, covered_s=covered, energy_ws=powers_w * covered, soc=soc, soc_s=instants_s
    )


def interval_means(start_s: Floats, step_s: Floats, means: Floats, covered_s: Floats | None = None) -> Pieces:
    """Return interval means as pieces; a NaN was not measured.

    Parameters
    ----------
    start_s, step_s
        Starts and lengths of the intervals, in order, shape (n,) [s].
    means
        In the order of ``COLUMNS``, the state of charge at the end, shape (n, 5).
    covered_s
        How much of each interval was measured, shape (n,); None: all of it [s].
    """
    powers = means[:, : len(POWERS)]
    whole = (step_s if covered_s is None else covered_s)[:, None]
    covered = np.where(np.isnan(powers), 0.0, whole)
    end = start_s + step_s
    return Pieces(
        start_s=start_s,
        end_s=end,
        covered_s=covered,
        energy_ws=np.nan_to_num(powers) * covered,
        soc=means[:, -1],
        soc_s=end - _JUST_BEFORE_S,
    )


def no_pieces() -> Pieces:
    """Return nothing measured."""
    return interval_means(np.empty(0), np.empty(0), np.empty((0, len(COLUMNS))))


def clipped_from(pieces: Pieces, start_s: float) -> Pieces:
    """Return what lies at or after an instant; a held reading that reaches past it keeps that part [s]."""
    pieces = pieces.where((pieces.end_s > start_s) & (pieces.end_s > pieces.start_s))
    start = np.maximum(pieces.start_s, start_s)
    share = ((pieces.end_s - start) / (pieces.end_s - pieces.start_s))[:, None]
    return replace(pieces, start_s=start, covered_s=pieces.covered_s * share, energy_ws=pieces.energy_ws * share)


def joined(parts: Sequence[Pieces]) -> Pieces:
    """Return pieces one after the other; the parts must be in order."""
    return Pieces(
        start_s=np.concatenate([part.start_s for part in parts]),
        end_s=np.concatenate([part.end_s for part in parts]),
        covered_s=np.concatenate([part.covered_s for part in parts]),
        energy_ws=np.concatenate([part.energy_ws for part in parts]),
        soc=np.concatenate([part.soc for part in parts]),
        soc_s=np.concatenate([part.soc_s for part in parts]),
    )


def interval_sums(pieces: Pieces, edges_s: Floats) -> tuple[Floats, Floats]:
    """Return the measured time and the energy between neighbouring edges, each of shape (m, 4) [s], [Ws]."""
    if not len(pieces.start_s):
        nothing = np.zeros((len(edges_s) - 1, len(POWERS)))
        return nothing, nothing.copy()
    knots = np.column_stack([pieces.start_s, pieces.end_s]).ravel()
    return _between(knots, pieces.covered_s, edges_s), _between(knots, pieces.energy_ws, edges_s)


def _between(knots: Floats, amounts: Floats, edges_s: Floats) -> Floats:
    total = np.cumsum(amounts, axis=0)
    at_knots = np.empty((2 * len(amounts), amounts.shape[1]))
    at_knots[0::2] = total - amounts
    at_knots[1::2] = total
    columns = [np.diff(np.interp(edges_s, knots, at_knots[:, column])) for column in range(amounts.shape[1])]
    return np.column_stack(columns)


def closing_soc(pieces: Pieces, edges_s: Floats) -> Floats:
    """Return the last state of charge known within each interval, NaN where there is none, shape (m,)."""
    known = ~np.isnan(pieces.soc)
    instants, values = pieces.soc_s[known], pieces.soc[known]
    if not len(instants):
        return np.full(len(edges_s) - 1, np.nan)
    last = np.searchsorted(instants, edges_s[1:], side="left") - 1
    within = (last >= 0) & (instants[np.maximum(last, 0)] >= edges_s[:-1])
    found: Floats = np.where(within, values[np.maximum(last, 0)], np.nan)
    return found


def resample(own: Pieces, recorded: Pieces, edges_s: Floats) -> Floats:
    """Return means in the order of ``COLUMNS``, NaN where too little was measured, shape (m, 5).

    The home's own readings count first; a recording fills the part of an interval that they leave open.
    """
    length = np.diff(edges_s)[:, None]
    covered, energy = interval_sums(own, edges_s)
    also_covered, also_energy = interval_sums(recorded, edges_s)
    filled = np.minimum(also_covered, np.maximum(length - covered, 0.0))
    mean_recorded = np.divide(also_energy, also_covered, out=np.zeros_like(also_energy), where=also_covered > 0)
    seconds = covered + filled
    enough = seconds >= LEAST_COVERED * length - 1e-6
    means = np.divide(energy + mean_recorded * filled, seconds, out=np.full_like(energy, np.nan), where=enough)
    # Differences of large sums leave a billionth of a watt where there was none.
    means = np.round(means, 6) + 0.0
    own_soc = closing_soc(own, edges_s)
    soc = np.where(np.isnan(own_soc), closing_soc(recorded, edges_s), own_soc)
    return np.column_stack([means, np.where(enough.any(axis=1), soc, np.nan)])


def edges_of(start: datetime, end: datetime, step: timedelta) -> Floats:
    """Return the edges of the whole intervals of ``[start, end)``, seconds since 1970 [s]."""
    count = max(0, (end - start) // step)
    return start.timestamp() + step.total_seconds() * np.arange(count + 1, dtype=np.float64)
