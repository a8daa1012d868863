"""A mode that somebody chose is theirs: the way back leaves it alone, and nothing of ours beneath it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from optimizer.devices.port import Capabilities
from optimizer.devices.simulated.modes import DeviceMode
from optimizer.domain.measurement import OperatingMode
from optimizer.release import hand_back
from optimizer.release.client import HAND_BACK_CODES
from optimizer.release.hand_back import ReleaseReport, release_battery
from optimizer.release.target import ReleaseTarget
from support.canary import CANARY
from support.fake_sonnen import FakeSonnen

BACKUP, TIME_OF_USE = "7", "10"


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hand_back, "PAUSE_S", 0.02)


@pytest.fixture
def battery() -> Iterator[FakeSonnen]:
    """Return a battery that keeps a command of ours beneath a mode that its owner chose."""
    with FakeSonnen(mode=BACKUP, setpoint_w=3000) as battery:
        yield battery


def released(
    battery: FakeSonnen,
    driver: str = "sonnen_v1",
    *,
    mode_control: bool = True,
    hand_back_mode: str = "automatic",
    owners_word: bool = False,
    deadline_s: float = 2.0,
) -> ReleaseReport:
    target = ReleaseTarget(
        driver=driver,
        host="127.0.0.1",
        port=battery.port,
        mode_control=mode_control,
        hand_back_mode=hand_back_mode,
        token=CANARY,
    )
    return release_battery(target, deadline_s=deadline_s, owners_word=owners_word)


OURS = ("1", "2", "8")
"""Manual, and the automatic mode in which the service leaves a battery that it does not force."""


@pytest.mark.parametrize("hand_back_mode", ["automatic", "time_of_use", "backup"])
@pytest.mark.parametrize("mode", [str(int(mode)) for mode in DeviceMode])
def test_every_mode_is_ours_or_chosen(mode: str, hand_back_mode: str, battery: FakeSonnen) -> None:
    """By one rule with the service's own: what is ours is handed back, what was chosen stays."""
    battery.mode = mode
    assert released(battery, hand_back_mode=hand_back_mode).confirmed
    code, *_ = HAND_BACK_CODES[hand_back_mode]
    told = DeviceMode(int(mode)).operating_mode
    capabilities = Capabilities(can_set_mode=True, hand_back_mode=OperatingMode(hand_back_mode))
    assert battery.mode == (code if capabilities.may_be_taken(told) else mode)
    assert (battery.mode == code) or mode not in OURS
    assert battery.setpoint_w == 0


@pytest.mark.parametrize("driver", ["sonnen_v1", "sonnen_v2"])
def test_a_chosen_mode_is_left_alone(driver: str, battery: FakeSonnen) -> None:
    """Our setpoint is zeroed; that the mode is not ours is told."""
    report = released(battery, driver)
    assert report.confirmed, str(report)
    assert (battery.mode, battery.setpoint_w) == (BACKUP, 0)
    assert report.steps[-1] == "read back: in mode 7, which somebody chose: it is left alone"


def test_the_owner_may_have_the_mode_set(battery: FakeSonnen) -> None:
    """``sunshift release`` is the owner's word, whatever was chosen before."""
    assert released(battery, owners_word=True).confirmed
    assert (battery.mode, battery.setpoint_w) == ("2", 0)


def test_the_mode_to_hand_back_to_is_nobody_elses_choice(battery: FakeSonnen) -> None:
    """It is set again, as ever."""
    assert released(battery, hand_back_mode="backup").confirmed
    assert "GET /api/setting?EM_OperatingMode=7" in battery.writes


def test_a_mode_is_somebodys_unless_it_is_said_that_the_owner_asks(battery: FakeSonnen) -> None:
    """Who forgets to say so overrides nobody."""
    target = ReleaseTarget(driver="sonnen_v1", host="127.0.0.1", port=battery.port, mode_control=True)
    assert release_battery(target).confirmed
    assert battery.mode == BACKUP


@pytest.mark.parametrize("mode", [BACKUP, "2"])
def test_data_that_does_not_move_is_believed_where_nothing_is_on_record(mode: str, battery: FakeSonnen) -> None:
    """Many a battery tells the same for a while, and the hand-back is a precaution then."""
    battery.mode = battery.frozen_in = mode
    target = ReleaseTarget(driver="sonnen_v1", host="127.0.0.1", port=battery.port, mode_control=True)
    assert release_battery(target, deadline_s=2.0, on_record=False).confirmed
    assert (battery.mode, battery.setpoint_w) == (mode, 0)


def test_a_frozen_status_is_nobodys_choice(battery: FakeSonnen) -> None:
    """It may tell the mode from before ours was entered: the battery is handed back, which is not believed either."""
    battery.mode, battery.frozen_in = "1", TIME_OF_USE
    report = released(battery)
    assert (battery.mode, battery.setpoint_w) == ("2", 0)
    assert not report.confirmed
    assert "the data does not move: the mode it tells may be old" in str(report)


def test_a_status_that_lags_is_not_believed(battery: FakeSonnen, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first look still tells the mode from before; the next one shows ours, and that is ended."""
    battery.mode, battery.frozen_in = "1", TIME_OF_USE
    tell = battery._status

    def status() -> dict[str, object]:
        told = tell()
        battery.frozen_in = None
        return told

    monkeypatch.setattr(battery, "_status", status)
    report = released(battery)
    assert report.confirmed, str(report)
    assert (battery.mode, battery.setpoint_w) == ("2", 0)


def test_what_cannot_be_zeroed_beneath_a_chosen_mode_is_not_confirmed(battery: FakeSonnen) -> None:
    """It would act the next time that the battery is put in manual mode."""
    battery.overrides["/api/v1/setpoint/charge/0"] = (200, b'{"ReturnCode":"13"}')
    report = released(battery, deadline_s=0.5)
    assert not report.confirmed
    assert battery.mode == BACKUP


def test_a_battery_whose_mode_cannot_be_set_is_back_in_any_but_manual(battery: FakeSonnen) -> None:
    """Whatever its power: no setpoint acts there."""
    report = released(battery, mode_control=False)
    assert report.confirmed, str(report)
    assert (battery.mode, battery.setpoint_w) == (BACKUP, 0)


@pytest.mark.parametrize("frozen_in", ["2", "1"])
@pytest.mark.parametrize("mode_control", [True, False])
def test_data_that_does_not_move_confirms_nothing(frozen_in: str, *, mode_control: bool, battery: FakeSonnen) -> None:
    """A hand-back without effect shows in no status that froze before it."""
    battery.mode, battery.setpoint_w, battery.frozen_in = "1", 0, frozen_in
    assert not released(battery, mode_control=mode_control, deadline_s=0.5).confirmed
    battery.frozen_in = None
    assert released(battery, mode_control=mode_control).confirmed


def test_a_mode_that_is_never_told_is_judged_by_the_power(battery: FakeSonnen) -> None:
    """Idle, or balancing the house as in self-consumption; a power that goes on is not back."""
    battery.mode_named, battery.mode = False, "1"
    report = released(battery)
    assert report.confirmed, str(report)
    assert report.steps[-1] == "read back: balancing the house by itself"
    battery.mode, battery.setpoint_w = "1", 3000
    accepted = {"/api/setting?EM_OperatingMode=2": (200, b"{}")}
    zeroed = dict.fromkeys(("/api/v1/setpoint/charge/0", "/api/v1/setpoint/discharge/0"), (200, b"true"))
    battery.overrides = {**accepted, **zeroed}
    assert not released(battery, deadline_s=0.5).confirmed


@pytest.mark.parametrize(
    "refused",
    [
        ("v1/setpoint/charge/0", "v1/setpoint/discharge/0", "setting?EM_OperatingMode=2"),
        ("v1/setpoint/charge/0",),
        ("v1/setpoint/discharge/0",),
    ],
)
def test_an_untold_mode_and_a_power_by_chance_do_not_make_up_for_refusals(
    refused: tuple[str, ...], battery: FakeSonnen
) -> None:
    """A battery that takes nothing, or not all of it, and happens to stand idle is not handed back."""
    battery.mode_named, battery.mode, battery.setpoint_w = False, "1", 0
    battery.overrides = {f"/api/{path}": (200, b'{"ReturnCode":"13"}') for path in refused}
    assert not released(battery, deadline_s=0.5).confirmed


def test_a_choice_that_cannot_be_seen_again_is_not_waited_for(
    battery: FakeSonnen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One look told it, and then no status comes: half the time is left to set the mode all the same."""
    tell, looks = battery._status, []

    def status() -> dict[str, object]:
        looks.append(None)
        return tell() if len(looks) == 1 else {}

    monkeypatch.setattr(battery, "_status", status)
    monkeypatch.setitem(battery.overrides, "/nothing", (200, b""))
    released(battery, deadline_s=0.5)
    assert battery.mode == "2"


def test_the_owner_is_told_of_no_failure_where_there_is_none(battery: FakeSonnen) -> None:
    """A battery that is back already is looked at until its data moves, and that is no failed step."""
    battery.mode = "2"
    assert not [step for step in released(battery, owners_word=True).steps if "failed" in step]


@pytest.mark.parametrize(("refused", "confirmed"), [(("charge",), True), (("charge", "discharge"), False)])
def test_a_mode_does_not_make_up_for_two_refused_zeroes(
    refused: tuple[str, ...], *, confirmed: bool, battery: FakeSonnen
) -> None:
    """One zero ends the one setpoint that there is; without any it waits for the next time in manual mode."""
    battery.mode = "1"
    battery.overrides = {f"/api/v1/setpoint/{side}/0": (200, b'{"ReturnCode":"13"}') for side in refused}
    assert released(battery, deadline_s=0.5).confirmed is confirmed
    assert battery.mode == "2"


def test_a_status_may_take_longer_than_a_call_but_for_the_first(
    battery: FakeSonnen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two and a half seconds, which the service allows: the first look is given up, the read-back waited for."""
    tell = battery._status

    def slow() -> dict[str, object]:
        time.sleep(2.5)
        return tell()

    battery.mode = "1"
    monkeypatch.setattr(battery, "_status", slow)
    assert released(battery, deadline_s=hand_back.DEADLINE_S).confirmed
