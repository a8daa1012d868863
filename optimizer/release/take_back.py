"""End the command that is on record, at the battery where it was sent. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from optimizer.errors import ConfigError
from optimizer.release.claim import is_claimed_by_ours
from optimizer.release.config import configured_token, names_hand_back_mode, target_from_config
from optimizer.release.hand_back import DEADLINE_S, ReleaseReport, release_battery
from optimizer.release.record import CommandRecord
from optimizer.release.target import ReleaseTarget
from optimizer.release.tokens import token_left_for

FIRST_SHARE = 0.4
"""So much of the time is for finding out whether the battery on record is there, where another is configured [1]."""


class Release(Protocol):
    """Hands one battery back: :func:`optimizer.release.hand_back.release_battery`."""

    def __call__(self, target: ReleaseTarget, *, deadline_s: float, on_record: bool) -> ReleaseReport:
        """Return what came of it."""
        ...


def take_back(
    record: CommandRecord | None, config: Path, environ: Mapping[str, str], *, release: Release = release_battery
) -> ReleaseReport:
    """Hand back the battery at which a command may stand.

    That is the one on record, whatever the configuration names by now. Where nobody answers there, the configured one
    is handed back: far oftener than there are two batteries, one has got a new address. What another service commands
    is left to that one.

    Parameters
    ----------
    record
        What is on record; None: nothing can be.
    config, environ
        What names the battery otherwise.
    release
        Hands one battery back.

    Raises
    ------
    ConfigError
        Neither record nor configuration says where.
    """
    first, other = batteries(record, config, environ)
    on_record = record is None or record.may_stand()
    if other is None:
        return release(first, deadline_s=DEADLINE_S, on_record=on_record)
    report = release(first, deadline_s=FIRST_SHARE * DEADLINE_S, on_record=on_record)
    if report.confirmed or (not report.answered and is_claimed_by_ours(other.address)):
        return report
    # One that answers has not moved; at one address it may have taken its other interface to be spoken to by.
    battery = first if report.answered and first.address != other.address else other
    again = release(battery, deadline_s=(1.0 - FIRST_SHARE) * DEADLINE_S, on_record=on_record)
    steps = (f"battery at {first.address}:", *report.steps, f"battery at {battery.address}:", *again.steps)
    return ReleaseReport(confirmed=again.confirmed, steps=steps, answered=again.answered)


def take_back_elsewhere(record: CommandRecord, *, release: Release = release_battery) -> ReleaseReport | None:
    """Hand back what a record of another service names; None where it names nothing, or somebody commands it.

    It may be from before a configuration was given folders of its own, or a neighbour's.
    """
    battery = record.battery()
    if battery is None or is_claimed_by_ours(battery.address):
        return None
    told = replace(battery, token=token_left_for(battery.address, record.runtime_dir))
    return release(told, deadline_s=DEADLINE_S, on_record=True)


def batteries(
    record: CommandRecord | None, config: Path, environ: Mapping[str, str]
) -> tuple[ReleaseTarget, ReleaseTarget | None]:
    """Return the battery at which a command may stand, and the configured one where that is another.

    Of one and the same battery the configuration knows more, but what it leaves out, or says in no words that can be
    understood, the record knows: where the mode call was used, zeroed setpoints alone leave the battery in manual mode.

    Raises
    ------
    ConfigError
        Neither record nor configuration says which.
    """
    commanded = None if record is None else record.battery()
    try:
        configured = target_from_config(config, environ)
    except ConfigError:
        if commanded is None or record is None:
            raise
        return _with_token(commanded, record, config, environ), None
    if commanded is None or record is None:
        return configured, None
    if _is_same(commanded, configured):
        return _put_together(commanded, configured, mode_is_named=names_hand_back_mode(config, environ)), None
    return _with_token(commanded, record, config, environ), configured


def _is_same(commanded: ReleaseTarget, configured: ReleaseTarget) -> bool:
    return (commanded.address, commanded.driver) == (configured.address, configured.driver)


def _put_together(commanded: ReleaseTarget, configured: ReleaseTarget, *, mode_is_named: bool) -> ReleaseTarget:
    """Return what record and configuration say of one and the same battery."""
    return replace(
        configured,
        mode_control=configured.mode_control or commanded.mode_control,
        hand_back_mode=configured.hand_back_mode if mode_is_named else commanded.hand_back_mode,
        found_at=commanded.found_at,
    )


def _with_token(
    battery: ReleaseTarget, record: CommandRecord, config: Path, environ: Mapping[str, str]
) -> ReleaseTarget:
    """Return a battery with the token that the service left for it, else the configured one of the same host.

    After a power cut none is left. The configured one of another host is another battery's.
    """
    token = token_left_for(battery.address, record.runtime_dir) or configured_token(battery, config, environ)
    return replace(battery, token=token)
