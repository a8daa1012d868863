"""All cores of this machine, one process and one thread for each case."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection

from optimizer.history.recording import Recording
from optimizer.sweep.case import Case, Outcome, attempt

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
Recordings = Mapping[str, Recording]
"""By the digest of their file."""


def all_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_here(cases: Sequence[Case], recordings: Recordings, *, workers: int) -> Iterator[Outcome]:
    """Yield the outcome of every case as it is known.

    A worker that dies, as when memory runs out, takes down only what was being computed: those cases are tried again
    one at a time, so that it is known which of them it was.
    """
    pending, suspects = deque(cases), deque[Case]()
    while pending:
        yield from _until_one_dies(pending, suspects, recordings, workers)
    for suspect in suspects:
        alone, died = deque([suspect]), deque[Case]()
        yield from _until_one_dies(alone, died, recordings, 1)
        if died:
            error = "its process ended in the middle, the second time on its own: most likely the memory ran out"
            yield Outcome(case=suspect, error=error)


def _until_one_dies(pending: deque[Case], died: deque[Case], recordings: Recordings, workers: int) -> Iterator[Outcome]:
    """Compute what is pending; after the death of a worker, ``died`` holds what was being computed."""
    running: dict[Future[Outcome], Case] = {}
    with _processes(min(workers, len(pending))) as pool:
        try:
            while pending or running:
                # No more is handed out than is worked on, so that what a dead worker had is known.
                while pending and len(running) < workers:
                    running[pool.submit(attempt, pending[0], recordings[pending[0].recording])] = pending[0]
                    pending.popleft()
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    outcome = _outcome(future, running[future])
                    del running[future]
                    yield outcome
        except BrokenProcessPool:
            died.extend(running.values())


def _outcome(future: Future[Outcome], case: Case) -> Outcome:
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, BrokenProcessPool):
        raise error
    return Outcome(case=case, error=f"could not be sent to its process: {type(error).__name__}: {error}")


@contextmanager
def _processes(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Provide worker processes that never outlive this one, nor the block."""
    context = get_context("spawn")
    ear, lifeline = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_settle_in, initargs=(ear,))
    with _one_thread_each():
        try:
            yield pool
            pool.shutdown()
        finally:
            # Closed by us, or by the system when this process dies: either way the workers stop at once.
            lifeline.close()
            pool.shutdown()
            ear.close()


@contextmanager
def _one_thread_each() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _settle_in(ear: Connection) -> None:
    """Begin a worker's life: Ctrl-C is its parent's affair, and so is its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger("optimizer").setLevel(logging.ERROR)  # failed plans are counted in the figures
    threading.Thread(target=_end_with_parent, args=(ear,), daemon=True).start()


def _end_with_parent(ear: Connection) -> None:
    ear.poll(None)  # true only at the end of the pipe: nothing is ever sent
    os._exit(1)
