"""A Dask cluster: the same cases, sent with all they need to workers that share no files with this machine.

Dask hands a dead worker's cases to the others; a case that several workers died of is given up, with the reason.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from itertools import islice

from optimizer.errors import SweepError
from optimizer.history.recording import Recording
from optimizer.sweep.case import Case, Outcome, attempt

try:
    import dask
    from distributed import Client, Future, as_completed
    from distributed.comm import get_address_host_port
except ImportError as error:
    msg = "a cluster needs Dask; install it with: pip install 'sunshift[cluster]', or leave out --scheduler"
    raise SweepError(msg) from error

CONNECT_S = 10.0
WORKERS_S = 60.0
AHEAD = 4
"""So many cases are handed out for each thread of the cluster: enough to keep it busy, few to hold in memory."""


def run_on_cluster(cases: Sequence[Case], recordings: Mapping[str, Recording], *, address: str) -> Iterator[Outcome]:
    """Yield the outcome of every case as it is known.

    Parameters
    ----------
    address
        Of the scheduler, such as ``tcp://192.168.1.30:8786``.

    Raises
    ------
    SweepError
        There is no scheduler, it has no workers, or it went away.
    """
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"}), _dask_kept_quiet():
        client = _connected(address)
        try:
            yield from _Spread(client, recordings).run(cases)
        finally:
            client.close()  # what is not finished is cancelled with it


@contextmanager
def _dask_kept_quiet() -> Iterator[None]:
    """Keep Dask from printing the stack of a connection that ended: what it means is told in one line."""
    log = logging.getLogger("distributed.client")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


def _connected(address: str) -> Client:
    try:
        # Dask itself begins a client for an address that is none, and complains once more when that is thrown away.
        get_address_host_port(address)
    except ValueError as error:
        msg = f"{address!r} is no address of a Dask scheduler ({error}); write one like tcp://192.168.1.30:8786"
        raise SweepError(msg) from error
    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        msg = f"no Dask scheduler answers at {address} ({error}); start one with `dask scheduler`"
        raise SweepError(msg) from error
    try:
        client.wait_for_workers(1, timeout=WORKERS_S)
    except TimeoutError as error:
        client.close()
        msg = f"the scheduler at {address} has no workers; start some with `dask worker {address}`"
        raise SweepError(msg) from error
    return client


class _Spread:
    """Cases on their way to a cluster and back."""

    def __init__(self, client: Client, recordings: Mapping[str, Recording]) -> None:
        self._client, self._recordings = client, recordings
        self._sent: dict[str, Future] = {}
        self._running: dict[Future, Case] = {}

    def run(self, cases: Sequence[Case]) -> Iterator[Outcome]:
        waiting = iter(cases)
        threads = sum(self._client.nthreads().values())
        first = [self._submit(case) for case in islice(waiting, AHEAD * threads)]
        ready = as_completed(first, loop=self._client.loop)
        for future in ready:
            ready.update([self._submit(case) for case in islice(waiting, 1)])
            yield self._outcome(future, self._running.pop(future))

    def _submit(self, case: Case) -> Future:
        future = self._client.submit(attempt, case, self._recording(case.recording), key=f"sunshift-{case.key}")
        self._running[future] = case
        return future

    def _recording(self, digest: str) -> Future:
        """Send a recording once, as a task: the scheduler can have it made again where its holder dies."""
        if digest not in self._sent:
            key = f"sunshift-recording-{digest}"
            self._sent[digest] = self._client.submit(_itself, self._recordings[digest], key=key)
        return self._sent[digest]

    def _outcome(self, future: Future, case: Case) -> Outcome:
        if future.status == "cancelled":
            raise SweepError("the Dask scheduler went away in the middle")
        try:
            outcome: Outcome = future.result()
        except CancelledError as error:
            raise SweepError("the Dask scheduler went away in the middle") from error
        except ModuleNotFoundError as error:
            return Outcome(
                case=case, error=f"its worker lacks a part of the program ({error}); install the same on all"
            )
        except Exception as error:  # whatever a worker could not do with it
            return Outcome(case=case, error=f"its worker failed: {type(error).__name__}: {error}")
        return outcome


def _itself(recording: Recording) -> Recording:
    return recording
