"""Numbers as characters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from optimizer.demo.blocks import bar, column_chart, gauge, group_means, hanging_chart, power_chart

SHARES = st.floats(-0.5, 1.5)


@given(share=SHARES, width=st.integers(1, 60))
def test_a_gauge_is_exactly_as_wide_as_asked(share: float, width: int) -> None:
    """A gauge fills its room whatever its share."""
    assert len(gauge(share, width)) == width


@given(share=SHARES, width=st.integers(1, 60))
def test_a_bar_is_never_wider_than_asked(share: float, width: int) -> None:
    """A bar ends at its room even above full."""
    assert len(bar(1000.0 * share, 1000.0, width)) <= width


def test_a_bar_grows_with_its_value() -> None:
    """Nothing, a trace, half and full."""
    assert [bar(value, 1000.0, 4) for value in (0, 20, 500, 1000)] == ["", "╸", "━━", "━━━━"]


def test_columns_span_their_rows() -> None:
    """The lowest value shows one eighth, the highest fills every row."""
    assert column_chart([0.0, 0.5, 1.0], low=0.0, high=1.0, rows=2) == ["  █", "▁██"]


def test_a_constant_series_is_a_flat_line() -> None:
    """A fixed price does not divide by zero."""
    assert column_chart([0.3, 0.3], low=0.3, high=0.3) == ["▁▁"]


def test_power_charts_leave_nothing_blank_and_hide_nothing() -> None:
    """Zero is blank, anything more is seen, in both directions."""
    assert power_chart([0.0, 50.0, 1000.0], full=1000.0) == " ▁█"
    assert hanging_chart([0.0, 50.0, 500.0, 1000.0], full=1000.0) == " ▔▀█"


def test_groups_average_their_values() -> None:
    """A last, shorter group counts as one."""
    assert group_means([1.0, 3.0, 5.0], 2) == [2.0, 5.0]
