"""What an earlier run commanded at a battery that is not configured now, or not as it was, is ended there."""

from __future__ import annotations

import logging

from optimizer.errors import LockedError
from optimizer.release.hand_back import release_battery
from optimizer.release.target import ReleaseTarget
from optimizer.service.battery_claim import BatteryClaim

logger = logging.getLogger("sunshift.service")


def hand_back_elsewhere(battery: ReleaseTarget, *, here: str) -> None:
    """Hand back a battery that the configuration does not name any more, by the way that works without one.

    It may be the same one, with the mode call that the configuration does not know of any more: a manual mode that was
    entered by it is left by it.

    It is tried once, for ten seconds: far oftener than there are two batteries, one has got a new address, and nobody
    answers at the old one. What stood there is then taken back at the new one, before anything else.

    Parameters
    ----------
    battery
        Where the command on record was sent, with its token.
    here
        What the battery is called that is configured now: this service has claimed it already.
    """
    try:
        with BatteryClaim(None if battery.address == here else battery.address):
            report = release_battery(battery)
    except LockedError as error:
        logger.warning("an earlier run commanded the battery at %s, and it is left alone: %s", battery.address, error)
        return
    if report.confirmed:
        logger.warning("an earlier run commanded the battery at %s: it has been handed back there", battery.address)
        return
    if battery.address == here:
        logger.error(
            "an earlier run put the battery at %s into manual mode, which could not be left by the mode call: "
            "look at its mode, or set battery.mode_control = true again",
            here,
        )
        return
    logger.error(
        "an earlier run commanded the battery at %s, which is not the one configured now and could not be handed back: "
        "if it is another battery, and not this one's old address, look at it",
        battery.address,
    )
