"""From the cases of a sweep to their outcomes; what was finished before is not computed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from optimizer.history.recording import Recording
from optimizer.sweep.case import Case, Outcome
from optimizer.sweep.folder import SweepFolder
from optimizer.sweep.loading import Sweep

Runner = Callable[[Sequence[Case], Mapping[str, Recording]], Iterator[Outcome]]
"""Computes cases somewhere and yields each as it is known."""


def run_sweep(sweep: Sweep, folder: SweepFolder, runner: Runner, tell: Callable[[Outcome], None]) -> list[Outcome]:
    """Return the outcome of every case, in the order of the sweep.

    Parameters
    ----------
    tell
        Told of every case when it is known and kept, those finished before included.
    """
    known: dict[str, Outcome] = {}
    todo: dict[str, Case] = {}
    for case in sweep.cases:
        summary = folder.kept(case)
        if summary is None:
            todo[case.key] = case
        else:
            known[case.key] = Outcome(case=case, summary=summary)
            tell(known[case.key])
    for outcome in runner(list(todo.values()), sweep.recordings) if todo else ():
        if outcome.summary is not None:
            folder.keep(outcome.case, outcome.summary)
        known[outcome.case.key] = outcome
        tell(outcome)
    return [_named(known[case.key], case) for case in sweep.cases]


def _named(outcome: Outcome, case: Case) -> Outcome:
    """Return an outcome under the names of ``case``: two entries that say the same are computed once."""
    return Outcome(case=case, summary=outcome.summary, error=outcome.error)
