"""The lease of a forced command: it stands no longer than this past its last verified read-back."""

from __future__ import annotations

from optimizer.control.actuation.lease_keeper import LeaseKeeper
from optimizer.domain.setpoint import Setpoint


class CommandLease:
    """Knows how long what is sent may stand, and keeps it on record for those who take it back after this process.

    Parameters
    ----------
    keeper
        Where commands are put on record.
    length_s
        How long a command may stand past its last verified read-back [s].
    """

    def __init__(self, keeper: LeaseKeeper, length_s: float) -> None:
        self._keeper, self._length_s = keeper, length_s
        self._verified_s = 0.0

    @property
    def end_s(self) -> float:
        """When it ends, by the clock for ages [s]."""
        return self._verified_s + self._length_s

    def has_run_out(self, elapsed_s: float) -> bool:
        """Return whether it has ended: by the instant that the loop wakes up for, to the last digit."""
        return elapsed_s >= self.end_s

    def begin(self, elapsed_s: float) -> None:
        """Begin it anew: nothing of ours is in force."""
        self._verified_s = elapsed_s

    def renew(self, command: Setpoint, elapsed_s: float) -> None:
        """Begin it anew with a command that is verified, or the first; on record for as long."""
        self.begin(elapsed_s)
        self.record(command)

    def record(self, command: Setpoint) -> None:
        """Put a command on record that replaces another: that does not prolong the lease."""
        self._hold(command, self._verified_s)

    def vouch(self, command: Setpoint, elapsed_s: float) -> None:
        """Keep on record what may act beneath somebody else's: as long as it is looked after, the guard need not."""
        self._hold(command, elapsed_s)

    def _hold(self, command: Setpoint, from_s: float) -> None:
        self._keeper.hold(str(command), until_s=from_s + self._length_s, length_s=self._length_s)

    def drop(self) -> None:
        """Put on record that nothing of ours stands."""
        self._keeper.drop()

    def is_on_record(self) -> bool:
        """Return whether anything of ours is on record: somebody else may have taken it back."""
        return self._keeper.stands()
