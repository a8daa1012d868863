"""What a status says about the command that stands: each case, and each bound from both sides."""

from __future__ import annotations

import pytest

from optimizer.control.actuation.read_back import Finding, is_back, read_back
from optimizer.domain.measurement import OperatingMode
from optimizer.domain.setpoint import Power
from support.situations import in_manual

MANUAL, AUTOMATIC, UNKNOWN = OperatingMode.MANUAL, OperatingMode.AUTOMATIC, OperatingMode.UNKNOWN
BACKUP = OperatingMode.BACKUP
AS_SENT, LOST, FOREIGN = Finding.AS_SENT, Finding.LOST, Finding.FOREIGN


@pytest.mark.parametrize(
    ("mode", "after_restart", "settled", "finding", "message"),
    [
        (AUTOMATIC, True, True, LOST, "after an outage the battery is in mode automatic"),
        (AUTOMATIC, True, False, LOST, "after an outage the battery is in mode automatic"),
        (BACKUP, True, False, LOST, "after an outage the battery is in mode backup"),
        (BACKUP, True, True, FOREIGN, "somebody else changed the battery's mode to backup"),
        (BACKUP, False, True, FOREIGN, "somebody else changed the battery's mode to backup"),
        (AUTOMATIC, False, True, FOREIGN, "somebody else changed the battery's mode to automatic"),
        (AUTOMATIC, False, False, AS_SENT, ""),
        (BACKUP, False, False, AS_SENT, ""),
        (MANUAL, True, True, AS_SENT, ""),
        (UNKNOWN, True, True, AS_SENT, ""),
    ],
)
def test_a_mode_that_is_not_ours(
    *, mode: OperatingMode, after_restart: bool, settled: bool, finding: Finding, message: str
) -> None:
    """After an outage it may be a restart's, before it has settled it may be late; else it is somebody's."""
    found = read_back(Power(2000.0), in_manual(mode=mode), after_restart=after_restart, settled=settled)
    assert (found.finding, found.message) == (finding, message)


FORGOTTEN = "the battery has forgotten its setpoint"


@pytest.mark.parametrize(
    ("sent_w", "echo_w", "after_restart", "finding", "message"),
    [
        (2000.0, None, False, AS_SENT, ""),
        (2000.0, 2025.0, False, AS_SENT, ""),
        (2000.0, 1975.0, False, AS_SENT, ""),
        (2000.0, 2026.0, False, FOREIGN, "somebody else set charge 2026 W (ours was charge 2000 W)"),
        (2000.0, 1974.0, False, AS_SENT, ""),
        (2000.0, 26.0, False, AS_SENT, ""),
        (2000.0, 25.0, False, LOST, FORGOTTEN),
        (2000.0, 0.0, False, LOST, FORGOTTEN),
        (2000.0, -25.0, False, LOST, FORGOTTEN),
        (2000.0, -26.0, False, FOREIGN, "somebody else set discharge 26 W (ours was charge 2000 W)"),
        (2000.0, -1000.0, False, FOREIGN, "somebody else set discharge 1000 W (ours was charge 2000 W)"),
        (-2000.0, -900.0, False, AS_SENT, ""),
        (-2000.0, -2026.0, False, FOREIGN, "somebody else set discharge 2026 W (ours was discharge 2000 W)"),
        (-2000.0, 900.0, False, FOREIGN, "somebody else set charge 900 W (ours was discharge 2000 W)"),
        (0.0, 500.0, False, FOREIGN, "somebody else set charge 500 W (ours was idle)"),
        (2000.0, 900.0, True, LOST, FORGOTTEN),
        (2000.0, -1000.0, True, LOST, FORGOTTEN),
        (2000.0, 2010.0, True, AS_SENT, ""),
    ],
)
def test_an_echo_that_is_not_ours(
    *, sent_w: float, echo_w: float | None, after_restart: bool, finding: Finding, message: str
) -> None:
    """Gone is forgotten, smaller is the device's own limit, anything else is somebody's."""
    one = in_manual(reported_setpoint_w=echo_w)
    found = read_back(Power(sent_w), one, after_restart=after_restart, settled=True)
    assert (found.finding, found.message) == (finding, message)
    assert read_back(Power(sent_w), one, after_restart=after_restart, settled=False).finding is AS_SENT


@pytest.mark.parametrize(
    ("discharge_allowed", "sent_w", "echo_w", "who"),
    [
        (False, 0.0, 4600.0, "battery care, it seems,"),
        (False, 1000.0, 1101.0, "battery care, it seems,"),
        (False, 1000.0, 1100.0, "somebody else"),
        (False, 0.0, -500.0, "somebody else"),
        (True, 0.0, 4600.0, "somebody else"),
        (None, 0.0, 4600.0, "somebody else"),
    ],
)
def test_battery_care_is_no_second_controller(
    *, discharge_allowed: bool | None, sent_w: float, echo_w: float, who: str
) -> None:
    """What charges more than it was told and forbids discharge is called by its name; it discharges for nobody."""
    one = in_manual(reported_setpoint_w=echo_w, discharge_allowed=discharge_allowed)
    found = read_back(Power(sent_w), one, after_restart=False, settled=True)
    assert (found.finding, found.message) == (FOREIGN, f"{who} set {Power(echo_w)} (ours was {Power(sent_w)})")


def test_who_set_another_power_is_told_in_the_battery_s_own_words_too() -> None:
    """A V2 names what has the priority."""
    one = in_manual(reported_setpoint_w=500.0, reasons=("Trickle Charge", "BMS"))
    found = read_back(Power(0.0), one, after_restart=False, settled=True)
    assert found.message == "somebody else set charge 500 W (ours was idle); Trickle Charge; BMS"


@pytest.mark.parametrize(
    ("can_set_mode", "mode", "echo_w", "power_w", "back"),
    [
        (True, AUTOMATIC, 2000.0, 2000.0, True),
        (True, BACKUP, 2000.0, 2000.0, True),
        (True, MANUAL, 0.0, 0.0, False),
        (True, UNKNOWN, None, 100.0, True),
        (True, UNKNOWN, None, -100.5, False),
        (False, BACKUP, 2000.0, 2000.0, True),
        (False, MANUAL, None, -100.0, True),
        (False, MANUAL, None, 100.5, False),
        (False, MANUAL, -25.0, 2000.0, True),
        (False, MANUAL, 26.0, 0.0, False),
        (False, UNKNOWN, 25.0, 2000.0, True),
        (False, UNKNOWN, None, 2000.0, False),
    ],
)
def test_a_battery_is_back_in_another_mode_or_doing_nothing(
    *, can_set_mode: bool, mode: OperatingMode, echo_w: float | None, power_w: float, back: bool
) -> None:
    """Manual mode is none where it can be set; elsewhere its echo tells, or what flows."""
    status = in_manual(mode=mode, reported_setpoint_w=echo_w, battery_power_w=power_w)
    assert is_back(status, can_set_mode=can_set_mode) is back
