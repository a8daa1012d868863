"""Keeps intent and lease of the standing command in the service's folders."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from optimizer.release.record import CommandRecord, Lease, is_there
from optimizer.release.target import ReleaseTarget

logger = logging.getLogger("sunshift.service")


class LeaseFiles:
    """A :class:`optimizer.control.actuation.lease_keeper.LeaseKeeper` on two files.

    Parameters
    ----------
    record
        The files.
    battery
        Where commands are sent; None: nobody else could reach it.
    found_at
        Tells the address at which a battery that is known by name was found last.

    Attributes
    ----------
    fault
        What is wrong with writing them, None if nothing.
    """

    def __init__(
        self,
        record: CommandRecord,
        battery: ReleaseTarget | None = None,
        *,
        found_at: Callable[[], str] = lambda: "",
    ) -> None:
        self.fault: str | None = None
        self._record, self._battery, self._found_at = record, battery, found_at
        self._address = None if battery is None else battery.address
        self._intended = False
        self._dropped = False

    def stands(self) -> bool:
        """Return whether a command is on record, of this run or an earlier one."""
        return self._record.may_stand()

    def left_elsewhere(self) -> ReleaseTarget | None:
        """Return where an earlier run left a command that this one cannot take back whole; None: it left none such.

        At another battery, or at the same one with the mode call, which this run is told not to use.
        """
        commanded, here = self._record.battery(), self._battery
        if commanded is None or here is None:
            return None
        is_whole = commanded.address == here.address and (here.sets_mode or not commanded.sets_mode)
        return None if is_whole else commanded

    def hold(self, command: str, *, until_s: float, length_s: float) -> None:
        """Write the intent where none is on disk, then the lease."""
        self._dropped = False
        lease = Lease(command=command, until_s=until_s, length_s=length_s, battery=self._address or "")
        self._try(lambda: self._hold(lease))

    def drop(self) -> None:
        """Take both back, once; where that fails, again the next time."""
        if not self._dropped:
            self._dropped = self._try(self._drop)

    def _hold(self, lease: Lease) -> None:
        # The lease first: while it is there the guard does not take the intent for one that was left over, unless that
        # names another battery.
        self._record.renew(lease)
        # Looked for every time: the guard clears it when it hands back what a slow service then commands again.
        if not self._intended or not is_there(self._record.intent_path):
            # The address, too: the name server may be away when somebody else takes the command back.
            there = None if self._battery is None else replace(self._battery, found_at=self._found_at())
            self._record.intend(lease.command, there)
            self._intended = True

    def _drop(self) -> None:
        self._record.clear(self._address)
        self._intended = False

    def _try(self, write: Callable[[], None]) -> bool:
        try:
            write()
        except OSError as error:
            fault = f"{error.filename}: {error.strerror}; should this process die, the guard may not know of a command"
            if fault != self.fault:
                logger.warning("the command on record: %s", fault)
            self.fault = fault
            return False
        self.fault = None
        return True
