"""Which form of the recursion runs: compiled where that is possible, plain Python where not."""

from __future__ import annotations

import logging
import mmap
from functools import cache
from importlib.util import find_spec
from typing import Protocol

import numpy as np

from optimizer.planning.kernel.plain import ListWorths
from optimizer.planning.kernel.port import Worths
from optimizer.planning.scaled_problem import ScaledProblem
from optimizer.planning.step_arrays import Floats

log = logging.getLogger(__name__)


class Kernel(Protocol):
    """One form of the recursion."""

    def __call__(self, scaled: ScaledProblem, caps_kw: Floats, *, keep: int) -> Worths:
        """Return the worths along all futures, kept at the ends of the first ``keep`` intervals."""
        ...


def plain(scaled: ScaledProblem, caps_kw: Floats, *, keep: int) -> Worths:
    """Return the worths by plain Python."""
    return ListWorths(scaled, caps_kw, keep=keep)


class SelfChoosing:
    """The compiled recursion until it fails, then the plain one for good.

    The first call compiles, or reads what an earlier start has left on disk; so nothing is compiled that is not used.
    Whatever goes wrong in a compiler, the home still needs a plan.
    """

    def __init__(self, compiled: Kernel | None) -> None:
        self._compiled = compiled

    def __call__(self, scaled: ScaledProblem, caps_kw: Floats, *, keep: int) -> Worths:
        """Return the worths along all futures."""
        if self._compiled is not None:
            try:
                worths = self._compiled(scaled, caps_kw, keep=keep)
                if np.isfinite(worths.start_values).all():
                    return worths
                why = "it returns numbers that are not finite"
            except Exception as error:
                why = repr(error)
            log.warning("the compiled recursion does not work here, plain Python plans instead: %s", why)
            self._compiled = None
        return plain(scaled, caps_kw, keep=keep)


def compiled(scaled: ScaledProblem, caps_kw: Floats, *, keep: int) -> Worths:
    """Return the worths by the compiled recursion; numba is imported when this is first called."""
    from optimizer.planning.kernel.compiled import CompiledWorths  # noqa: PLC0415

    return CompiledWorths(scaled, caps_kw, keep=keep)


class Compiling:
    """Whether this process may compile."""

    allowed = True


def compile_nothing() -> None:
    """Plan in plain Python from now on, in the whole process.

    A cold start of the compiler takes ten seconds and more in which the process hears no SIGTERM, and 140 MiB; a
    service that plans four times an hour in a hundredth of a second has nothing to win by it.
    """
    Compiling.allowed = False
    best_kernel.cache_clear()


@cache
def best_kernel() -> Kernel:
    """Return the fastest form of the recursion that works here."""
    why_not = why_not_compiled()
    if why_not is not None:
        log.debug("the recursion runs in plain Python: %s", why_not)
    return SelfChoosing(compiled if why_not is None else None)


def why_not_compiled() -> str | None:
    """Return why nothing can be compiled here; None: it can."""
    if not Compiling.allowed:
        return "this process plans too seldom for it to pay"
    if find_spec("numba") is None:
        return "numba is not installed (pip install sunshift[fast])"
    try:
        # A hardened service (MemoryDenyWriteExecute=yes) may not run fresh code; the compiler would abort the process.
        mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()
    except OSError:
        return "this process may not execute memory it has written (MemoryDenyWriteExecute)"
    return None
