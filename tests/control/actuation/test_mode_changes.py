"""How often the mode may be changed, and how soon: each bound from both sides."""

from __future__ import annotations

import pytest

from optimizer.control.actuation.mode_changes import ModeChanges
from optimizer.control.options import ControlOptions
from optimizer.domain.setpoint import Automatic, Power, Setpoint

AUTOMATIC, FORCED = Automatic(), Power(1000.0)


def noted(*commands: tuple[Setpoint | None, Setpoint, float]) -> ModeChanges:
    changes = ModeChanges(ControlOptions(max_mode_changes_per_hour=2))
    for before, after, at_s in commands:
        changes.note(before, after, at_s)
    return changes


def test_only_a_change_of_mode_is_one() -> None:
    """Another power is none; the first command is one, whatever it is."""
    powers = noted((None, FORCED, 0.0), (FORCED, Power(500.0), 1.0), (Power(500.0), FORCED, 2.0))
    assert powers.may_change(FORCED, 3.0)
    assert noted((None, AUTOMATIC, 0.0), (AUTOMATIC, AUTOMATIC, 1.0)).may_change(FORCED, 2.0)
    for before, after in ((FORCED, AUTOMATIC), (AUTOMATIC, FORCED)):
        assert not noted((None, before, 0.0), (before, after, 1.0)).may_change(after, 1000.0)


@pytest.mark.parametrize(("at_s", "may"), [(3599.9, False), (3600.0, True)])
def test_the_cap_holds_within_any_hour(at_s: float, may: bool) -> None:
    """A change counts for an hour, whoever has the battery since."""
    changes = noted((None, FORCED, 0.0), (FORCED, AUTOMATIC, 10.0))
    assert changes.may_change(None, at_s) is may


@pytest.mark.parametrize(("at_s", "may"), [(59.9, False), (60.0, True)])
def test_automatic_mode_is_kept_for_a_minute(at_s: float, may: bool) -> None:
    """It can be entered at once, and left after that; where nothing of ours stands nothing is to be left."""
    changes = noted((None, AUTOMATIC, 0.0))
    assert changes.may_change(AUTOMATIC, at_s) is may
    assert changes.may_change(FORCED, at_s)
    assert changes.may_change(None, at_s)


def test_a_minute_is_counted_from_the_last_change() -> None:
    """Where the changes are forgotten after an hour, that minute is long over."""
    changes = noted((None, FORCED, 0.0), (FORCED, AUTOMATIC, 3590.0))
    assert not changes.may_change(AUTOMATIC, 3610.0)
    assert changes.may_change(AUTOMATIC, 3650.0)
    assert changes.may_change(AUTOMATIC, 7200.0)
