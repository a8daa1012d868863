"""Recordings whose intervals begin between those of the clock, as hours do in India and some meters' quarters."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pandas as pd

from optimizer.history.recording import Recording

SHORTEST_S = 60
"""Shorter intervals than this are not made: they would take a replay days [s]."""


def on_the_clock(recording: Recording) -> Recording:
    """Return a recording whose intervals begin on multiples of their length since midnight UTC, as those of plans do.

    Each interval is split into the longest equal parts of which that is true, of the same power: an hour from half past
    into two halves. Otherwise a decision would be made for a part of an interval and stand for all of it.
    """
    step_s, start_s = round(recording.step.total_seconds()), round(recording.start.timestamp())
    part_s = math.gcd(step_s, start_s)
    if part_s == step_s or part_s < SHORTEST_S:
        return recording
    count = step_s // part_s
    starts = pd.date_range(
        recording.frame.index[0],
        periods=count * len(recording.frame),
        freq=timedelta(seconds=part_s),
        name=recording.frame.index.name,
    )
    note = (
        f"its intervals of {step_s / 60:g} min begin between those of the clock: each is replayed as {count} of "
        f"{part_s / 60:g} min"
    )
    return replace(
        recording,
        frame=recording.frame.loc[recording.frame.index.repeat(count)].set_axis(starts),
        step=timedelta(seconds=part_s),
        notes=(*recording.notes, note),
    )
