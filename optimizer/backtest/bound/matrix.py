"""A linear program as arrays: a year of quarter hours has 280,000 columns, too many to make objects of."""

from __future__ import annotations

from dataclasses import dataclass, field

import highspy
import numpy as np
import numpy.typing as npt

from optimizer.backtest.bound.heard import interruptible
from optimizer.backtest.world import Floats
from optimizer.errors import BacktestError

Indices = npt.NDArray[np.int64]


@dataclass(slots=True)
class MatrixProgram:
    """Minimise ``costs @ x`` under ``lower <= A x <= upper`` and bounds; grows block by block."""

    _costs: list[Floats] = field(default_factory=list)
    _lowest: list[Floats] = field(default_factory=list)
    _highest: list[Floats] = field(default_factory=list)
    _binary: list[Indices] = field(default_factory=list)
    _rows: list[Indices] = field(default_factory=list)
    _columns: list[Indices] = field(default_factory=list)
    _factors: list[Floats] = field(default_factory=list)
    _row_lower: list[Floats] = field(default_factory=list)
    _row_upper: list[Floats] = field(default_factory=list)
    _column_count: int = 0
    _row_count: int = 0

    def columns(
        self, cost: Floats, *, lowest: Floats | float, highest: Floats | float, binary: bool = False
    ) -> Indices:
        """Add columns and return their places."""
        places = np.arange(self._column_count, self._column_count + len(cost))
        self._costs.append(np.asarray(cost, dtype=np.float64))
        self._lowest.append(np.broadcast_to(np.asarray(lowest, dtype=np.float64), len(cost)))
        self._highest.append(np.broadcast_to(np.asarray(highest, dtype=np.float64), len(cost)))
        if binary:
            self._binary.append(places)
        self._column_count += len(cost)
        return places

    def rows(self, lower: Floats, upper: Floats, *terms: tuple[Indices, Indices, Floats | float]) -> Indices:
        """Add rows and return their places.

        Parameters
        ----------
        terms
            Rows counted from the first of these, columns, and factors; entries for the same place add up.
        """
        places = np.arange(self._row_count, self._row_count + len(lower))
        self._row_lower.append(lower)
        self._row_upper.append(upper)
        for rows, columns, factors in terms:
            self._rows.append(rows + self._row_count)
            self._columns.append(columns)
            self._factors.append(np.broadcast_to(np.asarray(factors, dtype=np.float64), len(columns)))
        self._row_count += len(lower)
        return places

    @property
    def has_binaries(self) -> bool:
        """Whether any column is 0 or 1."""
        return bool(self._binary)

    def as_highs(self) -> highspy.HighsLp:
        """Return it as the solver takes it."""
        rows, columns, factors = (
            np.concatenate(self._rows), np.concatenate(self._columns), np.concatenate(self._factors),
        )  # fmt: skip
        order = np.lexsort((columns, rows))
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = self._column_count, self._row_count
        program.col_cost_ = np.concatenate(self._costs)
        program.col_lower_, program.col_upper_ = np.concatenate(self._lowest), np.concatenate(self._highest)
        program.row_lower_, program.row_upper_ = np.concatenate(self._row_lower), np.concatenate(self._row_upper)
        program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        program.a_matrix_.start_ = np.searchsorted(rows[order], np.arange(self._row_count + 1))
        program.a_matrix_.index_, program.a_matrix_.value_ = columns[order], factors[order]
        if self._binary:
            kinds = np.full(self._column_count, highspy.HighsVarType.kContinuous)
            kinds[np.concatenate(self._binary)] = highspy.HighsVarType.kInteger
            program.integrality_ = kinds.tolist()
        return program


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """The optimum, or with binaries the best solution found in time."""

    objective: float
    lowest: float
    """What the solver proved that no solution is below."""
    values: Floats
    row_prices: Floats
    """By how much the objective falls with each row's upper side, >= 0 for rows that hold it up; 0 with binaries."""


def solve(program: MatrixProgram, *, time_limit_s: float) -> Solution | None:
    """Return the optimum; out of time, the best solution with what is proven, or None where there is none.

    Raises
    ------
    BacktestError
        The solver does not take the program, or finds no solution: then the program is wrong.
    """
    highs = highspy.Highs()  # type: ignore[no-untyped-call]
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)  # the first run in a process fixes the number for all later ones
    highs.setOptionValue("time_limit", time_limit_s)
    highs.setOptionValue("mip_rel_gap", 1e-7)
    highs.setOptionValue("mip_abs_gap", 1e-6)
    if highs.passModel(program.as_highs()) == highspy.HighsStatus.kError:
        raise BacktestError("internal error: the solver does not take the program of the bound; please report this")
    highs.HandleUserInterrupt = True
    interruptible(highs.run, highs.cancelSolve)
    status = highs.getModelStatus()
    mixed, late = program.has_binaries, status == highspy.HighsModelStatus.kTimeLimit
    feasible = highs.getInfo().primal_solution_status == int(highspy.SolutionStatus.kSolutionStatusFeasible)
    if late and not (mixed and feasible):
        return None
    if not late and status != highspy.HighsModelStatus.kOptimal:
        msg = f"internal error: the program of the bound is {highs.modelStatusToString(status)}; please report this"
        raise BacktestError(msg)
    found, info = highs.getSolution(), highs.getInfo()
    return Solution(
        objective=info.objective_function_value,
        lowest=info.mip_dual_bound if mixed else info.objective_function_value,
        values=np.array(found.col_value),
        row_prices=np.zeros(0) if mixed else -np.array(found.row_dual),
    )
