"""Whether the bench of faults would notice: plants one bug after the other in the service and runs what should find it.

    python benchmarks/planted_faults.py [--bugs "BEGINNING;..."] [--days D]

Each bug is planted in this process alone, for the runs that should notice it; the run that does is then made without
it, and must find nothing. Exit code 1 where a bug goes unnoticed, or something is found without it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from faults import Job, Result, run_one

from optimizer.control import clamp, controller
from optimizer.control.actuation.actuator import Actuator
from optimizer.control.actuation.mode_changes import ModeChanges
from optimizer.control.actuation.newness import Newness
from optimizer.control.actuation.stand_down import HoldOff, StandDown
from optimizer.control.actuation.standing import Standing
from optimizer.control.actuation.unended import Unended
from optimizer.control.clamp import Clamped
from optimizer.control.validity import Plausibility
from optimizer.devices.safe_sequence import SafeSequence
from optimizer.domain import measurement
from optimizer.domain.measurement import MAY_BE_MANUAL
from optimizer.service.hand_back import HandBack
from optimizer.service.lease_files import LeaseFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """One thing that the service might do wrong."""

    name: str
    place: Any
    """Class or module."""
    attribute: str
    instead: Callable[..., Any] | property | tuple[()]
    """What stands there instead."""
    row: str
    """The fault that should bring it to light."""
    seeds: Sequence[int]
    """Of its runs; the first that finds something ends the search."""
    days: float = 0.0
    """Simulated days that it takes at least: where the windows of a fault lie depends on them."""


def _always(value: Any) -> Callable[..., Any]:
    return lambda *_, **__: value


_OBJECTION = Unended.objection


def _objection_by_mode(self: Unended, measurement: Any) -> str | None:
    return None if measurement.mode in MAY_BE_MANUAL else _OBJECTION(self, measurement)


def _unclamped(power_w: float, *_: Any) -> Clamped:
    return Clamped(power_w=power_w)


_TOLD, _WRITE = HoldOff.told, SafeSequence._write  # noqa: SLF001 - a bug sits where it likes


def _told_for_ever(self: HoldOff, elapsed_s: float) -> StandDown | None:
    told = _TOLD(self, elapsed_s)
    return None if told is None else replace(told, left_s=1.0)


def _write_twice(self: SafeSequence, watts: int) -> None:
    _WRITE(self, watts)
    _WRITE(self, watts)


def bugs() -> list[Bug]:
    """Return every bug of the table."""
    seeds = range(6)
    return [
        Bug(name="no cap on mode changes", place=ModeChanges, attribute="may_change", instead=_always(True),
            row="strategy of many minds", seeds=seeds),
        Bug(name="an old status takes the command off the record", place=Newness, attribute="is_news",
            instead=property(_always(True)), row="frozen over a hand-back ignored", seeds=seeds),
        Bug(name="what moves beside the status counts as news", place=measurement, attribute="BESIDE_THE_STATUS",
            instead=(), row="frozen over a hand-back ignored", seeds=(6,), days=2.0),
        Bug(name="a plain battery's hand-back is believed", place=Unended, attribute="objection",
            instead=_objection_by_mode, row="writes ignored", seeds=seeds),
        Bug(name="the lease never ends", place=Actuator, attribute="unreadable", instead=_always(None),
            row="USOC = 255", seeds=seeds),
        Bug(name="the record is never written", place=LeaseFiles, attribute="hold", instead=_always(None),
            row="none", seeds=seeds),
        Bug(name="setpoints are not clamped", place=controller, attribute="clamp", instead=_unclamped,
            row="strategy of many minds", seeds=seeds),
        Bug(name="a frozen device is not noticed", place=Plausibility, attribute="_frozen", instead=_always(None),
            row="frozen_status", seeds=seeds),
        Bug(name="a stand-down never begins", place=HoldOff, attribute="begin", instead=_always(None),
            row="foreign_mode 10", seeds=seeds),
        Bug(name="what lies beneath a chosen mode is forgotten", place=Unended, attribute="add",
            instead=_always(None), row="foreign_mode 7, writes refused", seeds=seeds),
        Bug(name="leaving manual mode zeroes nothing", place=SafeSequence, attribute="_zeroes",
            instead=lambda _: [], row="none", seeds=seeds),
        Bug(name="an ignored hand-back is not pursued unseen", place=Actuator, attribute="_pursue",
            instead=_always(None), row="hand-back ignored for a while", seeds=seeds),
        Bug(name="the end hands nothing back", place=HandBack, attribute="__call__", instead=_always((None, False)),
            row="none", seeds=seeds),
        Bug(name="a stand-down never ends", place=HoldOff, attribute="told", instead=_told_for_ever,
            row="not_followed", seeds=seeds),
        Bug(name="the SoC band is not kept", place=clamp, attribute="lowest_soc", instead=_always(0.0),
            row="strategy of many minds", seeds=range(6, 12)),
        Bug(name="import and grid charging are not limited", place=clamp, attribute="_upper_bounds",
            instead=_always([]), row="strategy of many minds", seeds=seeds),
        Bug(name="feed-in and battery export are not limited", place=clamp, attribute="_lower_bounds",
            instead=_always([]), row="strategy of many minds", seeds=seeds),
        Bug(name="the ramp is not kept", place=controller, attribute="steady", instead=_unclamped,
            row="strategy of many minds", seeds=seeds),
        Bug(name="a command is sent at every look", place=Standing, attribute="is_due", instead=_always(True),
            row="none", seeds=seeds),
        Bug(name="what is sent is sent twice", place=SafeSequence, attribute="_write", instead=_write_twice,
            row="none", seeds=seeds),
    ]  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bugs", default="", help="beginnings of names, separated by semicolons; default: all")
    parser.add_argument("--days", type=float, default=0.5, help="simulated days of each run")
    told = parser.parse_args(arguments)
    chosen = tuple(name for name in told.bugs.split(";") if name)
    wanted = [one for one in bugs() if not chosen or one.name.startswith(chosen)]
    print(f"{'bug':48} | noticed by")
    went_well = [_line(bug, told.days) for bug in wanted]
    return 0 if all(went_well) else 1


def _line(bug: Bug, days: float) -> bool:
    """Print what noticed a bug; return whether something did, and only the bug made it."""
    noticed = next((result for seed in bug.seeds if (result := _with(bug, seed, days)).violations), None)
    if noticed is None:
        print(f"{bug.name:48} | NOTHING: {bug.row}, {len(bug.seeds)} seeds", flush=True)
        return False
    without = run_one(_job(bug, noticed.seed, days)).violations
    print(f"{bug.name:48} | {noticed.fault}, seed {noticed.seed}: {noticed.violations[0]}", flush=True)
    for what in without[:1]:
        print(f"{'':48} | FOUND WITHOUT IT, TOO: {what}", flush=True)
    return not without


def _with(bug: Bug, seed: int, days: float) -> Result:
    with patch.object(bug.place, bug.attribute, bug.instead):
        return run_one(_job(bug, seed, days))


def _job(bug: Bug, seed: int, days: float) -> Job:
    return Job(fault=bug.row, seed=seed, days=max(days, bug.days), wire=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
