"""The port through which the actuator puts its commands on record, for those who must take them back."""

from __future__ import annotations

from typing import Protocol


class LeaseKeeper(Protocol):
    """Keeps the record of a forced command outside this process. Never raises: storage never stops control."""

    def hold(self, command: str, *, until_s: float, length_s: float) -> None:
        """Put on record that a command may stand from now on, vouched for until then [s of the clock for ages]."""
        ...

    def drop(self) -> None:
        """Put on record that nothing of ours stands."""
        ...

    def stands(self) -> bool:
        """Return whether anything of ours is on record: somebody else may have taken it back."""
        ...


class NoLease:
    """Keeps no record: for a battery that lives and dies with the process."""

    def hold(self, command: str, *, until_s: float, length_s: float) -> None:
        """Do nothing."""

    def drop(self) -> None:
        """Do nothing."""

    def stands(self) -> bool:
        """Return True: nobody else takes anything back."""
        return True
