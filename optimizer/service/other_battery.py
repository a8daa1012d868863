"""What an earlier run commanded at another battery than the one configured now is ended there."""

from __future__ import annotations

import logging

from optimizer.errors import LockedError
from optimizer.release.hand_back import release_battery
from optimizer.release.target import ReleaseTarget
from optimizer.service.battery_claim import BatteryClaim

logger = logging.getLogger("sunshift.service")


def hand_back_elsewhere(battery: ReleaseTarget) -> None:
    """Hand back a battery that the configuration does not name any more, by the way that works without one.

    It is tried once, for ten seconds: far oftener than there are two batteries, one has got a new address, and nobody
    answers at the old one. What stood there is then taken back at the new one, before anything else.

    Parameters
    ----------
    battery
        Where the command on record was sent, with its token.
    """
    try:
        with BatteryClaim(battery.address):
            report = release_battery(battery)
    except LockedError as error:
        logger.warning("an earlier run commanded the battery at %s, and it is left alone: %s", battery.address, error)
        return
    if report.confirmed:
        logger.warning("an earlier run commanded the battery at %s: it has been handed back there", battery.address)
        return
    logger.error(
        "an earlier run commanded the battery at %s, which is not the one configured now and could not be handed back: "
        "if it is another battery, and not this one's old address, look at it",
        battery.address,
    )
