"""Numbers as rows of characters: bars, sparklines and diverging charts, as plain strings."""

from __future__ import annotations

from collections.abc import Sequence

LEVELS = " ▁▂▃▄▅▆▇█"
EIGHTHS = " ▏▎▍▌▋▊▉█"
FULL = "█"
HANGING = " ▔▀█"


def bar(value: float, full: float, width: int) -> str:
    """Return a thin bar, as long as ``value`` is of ``full``; the least that is not nothing shows half a cell.

    Parameters
    ----------
    value, full
        In the same unit; ``value`` below 0 counts as 0, above ``full`` as full.
    width
        Cells of a full bar [characters].
    """
    halves = round(2 * width * _share(value, full))
    if halves == 0 and value > 0.005 * full:
        halves = 1
    return "━" * (halves // 2) + "╸" * (halves % 2)


def gauge(share: float, width: int) -> str:
    """Return a solid gauge of exactly ``width`` cells, filled to ``share`` (0..1) in eighths of a cell."""
    eighths = round(8 * width * _share(share, 1.0))
    filled = FULL * (eighths // 8) + (EIGHTHS[eighths % 8] if eighths % 8 else "")
    return filled.ljust(width, "░")


def column_chart(values: Sequence[float], *, low: float, high: float, rows: int = 1) -> list[str]:
    """Return ``rows`` lines, the uppermost first, with one column per value between ``low`` and ``high``.

    The lowest value still shows one eighth, so that a column is never mistaken for a gap.
    """
    heights = [max(1, round(8 * rows * _share(value - low, high - low))) for value in values]
    return [_chart_row(heights, 8 * row) for row in reversed(range(rows))]


def power_chart(values: Sequence[float], *, full: float) -> str:
    """Return one line of columns for magnitudes: blank for nothing, at least one eighth for anything [same unit]."""
    return "".join(LEVELS[_level(value, full)] for value in values)


def hanging_chart(values: Sequence[float], *, full: float) -> str:
    """Return one line of columns that hang from the top, in the three heights that fonts have: a hair, half, full."""
    return "".join(HANGING[(_level(value, full) + 2) // 3] for value in values)


def group_means(values: Sequence[float], size: int) -> list[float]:
    """Return the means of consecutive groups of ``size`` values; a last, shorter group counts as one."""
    groups = [values[start : start + size] for start in range(0, len(values), size)]
    return [sum(group) / len(group) for group in groups]


def _share(value: float, full: float) -> float:
    return min(1.0, max(0.0, value / full)) if full > 0 else 0.0


def _level(value: float, full: float) -> int:
    if value <= 0.005 * full:
        return 0
    return max(1, round(8 * _share(value, full)))


def _chart_row(heights: Sequence[int], base: int) -> str:
    return "".join(LEVELS[min(8, max(0, height - base))] for height in heights)
