"""The recursion along every future, compiled. Imported only where numba is there."""

from __future__ import annotations

import math

import numpy as np

from optimizer.planning.kernel.machine import Facts, backward
from optimizer.planning.kernel.machine import Switches as MachineSwitches
from optimizer.planning.kernel.port import Pieces
from optimizer.planning.scaled_problem import ScaledProblem
from optimizer.planning.step_arrays import Floats
from optimizer.planning.worth_curve import PENALTY_SHARE, WorthCurve


class CompiledWorths:
    """The recursion along every future, in arrays."""

    def __init__(self, scaled: ScaledProblem, caps_kw: Floats, *, keep: int) -> None:
        self.kept = keep
        self._lowest_kwh = scaled.lowest_kwh
        arrays = scaled.arrays
        columns = (arrays.net_load_kw, arrays.pv_kw, arrays.buy, arrays.sell)
        limits = (arrays.max_charge_kw, arrays.max_discharge_kw)
        found = backward(facts_of(scaled), (*columns, *limits), scaled.peak_counted, caps_kw, switches_of(scaled), keep)
        self.start_values, first_relaxed, self._kept = found
        self.first_relaxed = None if first_relaxed < 0 else int(first_relaxed)

    def end_curve(self, scenario: int, step: int) -> WorthCurve:
        """Return the worth along one future at the end of an interval."""
        begin, count = self._kept.places[scenario, step].tolist()
        slopes, widths = self._kept.slopes[begin : begin + count], self._kept.widths[begin : begin + count]
        segments = tuple(zip(slopes.tolist(), widths.tolist(), strict=True))
        return WorthCurve(self._lowest_kwh, float(self._kept.lowest_worths[scenario, step]), segments)

    def end_pieces(self, step: int) -> Pieces:
        """Return the worths along all futures at the end of an interval."""
        places = self._kept.places[:, step]
        slices = [slice(begin, begin + count) for begin, count in places.tolist()]
        sides = (self._kept.slopes, self._kept.widths)
        slopes, widths = (np.concatenate([side[one] for one in slices]) for side in sides)
        return Pieces(slopes, widths, places[:, 1], self._kept.lowest_worths[:, step])


def switches_of(scaled: ScaledProblem) -> MachineSwitches:
    """Return where the futures change into one another, for the compiler."""
    found = scaled.switches
    return MachineSwitches(
        starts=np.array(found.starts if found else (), dtype=np.int64),
        share=float(found.share) if found else 0.0,
        weights=scaled.arrays.weights,
        join_per_kwh=float(found.join_per_kwh) if found else 0.0,
        join_share=PENALTY_SHARE,
    )


def facts_of(scaled: ScaledProblem) -> Facts:
    """Return what holds in every interval, for the compiler: of one type whatever the problem."""
    return Facts(
        step_h=float(scaled.step_h),
        charged_kwh=scaled.step_h * scaled.charge_efficiency,
        discharged_kwh=scaled.step_h / scaled.discharge_efficiency,
        bought_kwh=1.0 / scaled.charge_efficiency,
        discharge_efficiency=float(scaled.discharge_efficiency),
        wear_per_kwh=float(scaled.wear_per_kwh),
        standby_kwh=float(scaled.standby_kwh),
        import_limit_kw=math.inf if scaled.import_limit_kw is None else float(scaled.import_limit_kw),
        export_limit_kw=math.inf if scaled.export_limit_kw is None else float(scaled.export_limit_kw),
        curtailable=bool(scaled.curtailable),
        limit_per_kwh=float(scaled.penalties.limit_per_kwh),
        band_per_kwh=float(scaled.penalties.band_per_kwh),
        terminal_per_kwh=float(scaled.terminal_per_kwh),
        peak_price_per_kw=float(scaled.peak_price_per_kw),
        lowest_kwh=float(scaled.lowest_kwh),
        highest_kwh=float(scaled.highest_kwh),
        min_kwh=float(scaled.min_kwh),
        max_kwh=float(scaled.max_kwh),
        start_kwh=float(scaled.start_kwh),
    )
