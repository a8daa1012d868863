"""PuLP's HiGHS, with the program handed over in two calls.

PuLP hands every column and every row over by itself: for the 27,000 of a plan with 20 futures that takes as long as
half the search.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate, chain

import highspy
import numpy as np
import numpy.typing as npt
import pulp


class BatchHiGHS(pulp.HiGHS):  # type: ignore[misc] # PuLP's solvers are untyped
    """HiGHS in this process; differs from PuLP's own in :meth:`buildSolverModel` alone."""

    def buildSolverModel(self, lp: pulp.LpProblem) -> None:  # noqa: N802 - PuLP's name
        """Hand the program over to HiGHS.

        Raises
        ------
        pulp.PulpSolverError
            HiGHS does not take it as it is; without this check it would go on with what it has.
        """
        _add_columns(lp)
        _add_rows(lp)


def _add_columns(lp: pulp.LpProblem) -> None:
    variables = lp.variables()
    for index, variable in enumerate(variables):
        variable.index = index
    costs = np.zeros(len(variables))
    for variable, price in lp.objective.items():
        costs[variable.index] = price
    lower = _bounds((variable.lowBound for variable in variables), -highspy.kHighsInf)
    upper = _bounds((variable.upBound for variable in variables), highspy.kHighsInf)
    _require_taken(lp.solverModel.addCols(len(variables), costs, lower, upper, 0, [], [], []))
    for variable in variables:
        if variable.cat == pulp.LpInteger:
            _require_taken(lp.solverModel.changeColIntegrality(variable.index, highspy.HighsVarType.kInteger))


def _add_rows(lp: pulp.LpProblem) -> None:
    rows = lp.constraints()
    for index, row in enumerate(rows):
        row.index = index
    lower = _bounds((row.getLb() for row in rows), -highspy.kHighsInf)
    upper = _bounds((row.getUb() for row in rows), highspy.kHighsInf)
    starts = np.fromiter(accumulate(map(len, rows[:-1]), initial=0), np.int32, len(rows))
    columns = np.fromiter((variable.index for variable in chain.from_iterable(rows)), np.int32)
    factors = np.fromiter(chain.from_iterable(row.values() for row in rows), float)
    _require_taken(lp.solverModel.addRows(len(rows), lower, upper, len(factors), starts, columns, factors))


def _bounds(bounds: Iterable[float | None], missing: float) -> npt.NDArray[np.float64]:
    return np.array([missing if bound is None else bound for bound in bounds])


def _require_taken(status: highspy.HighsStatus) -> None:
    if status == highspy.HighsStatus.kError:
        raise pulp.PulpSolverError("HiGHS does not take the program")
