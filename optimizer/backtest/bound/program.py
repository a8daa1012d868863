"""The whole period as one linear program, its columns and rows written as arrays.

Of each span, in kW and kWh per interval ``t``::

    import_t - export_t = net load_t + charge_t - discharge_t + curtailed_t
    energy_t = energy_t-1 + h (eta_c charge_t - discharge_t / eta_d) - standby
    mean of import over a metered interval <= free + rise of its billing period

Import and export above a limit of the connection are columns of their own, at a fine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimizer.backtest.bound.freedom import Freedom, SpanFreedom
from optimizer.backtest.bound.matrix import Indices, MatrixProgram
from optimizer.backtest.world import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanColumns:
    """Places of a span's columns, each of shape (count,)."""

    charge: Indices
    discharge: Indices
    energy: Indices
    imports: Indices
    imports_over: Indices
    exports: Indices
    exports_over: Indices
    curtailed: Indices


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodProgram:
    """The program, and where its parts are."""

    program: MatrixProgram
    spans: tuple[SpanColumns, ...]
    peak_rows: Indices
    """Rows of the metered intervals, in their order."""


def build_program(freedom: Freedom, *, binaries: bool) -> PeriodProgram:
    """Return the program of the whole period.

    Parameters
    ----------
    binaries
        Whether to forbid, where prices reward it, what no home can do: charging while discharging, importing while
        exporting, curtailing below the feed-in limit.
    """
    program = MatrixProgram()
    spans = []
    for span in freedom.spans:
        columns = _columns(program, span, freedom.fine_per_kwh)
        _balance(program, span, columns)
        _energy(program, span, columns)
        if binaries:
            _exclude_burning(program, span, columns)
            _exclude_crossing(program, span, columns)
            _exclude_choice(program, span, columns)
        spans.append(columns)
    return PeriodProgram(program=program, spans=tuple(spans), peak_rows=_peaks(program, freedom, spans))


def _columns(program: MatrixProgram, span: SpanFreedom, fine: float) -> SpanColumns:
    scaled, steps = span.scaled, span.steps
    h, none, endless = scaled.step_h, np.zeros(scaled.count), np.inf
    buy, sell, net = np.array(steps.buy), np.array(steps.sell), np.array(steps.net_load_kw)
    resting = net + scaled.standby_kwh / h / scaled.charge_efficiency
    over_import = none if scaled.import_limit_kw is None else np.where(resting > scaled.import_limit_kw, endless, 0.0)
    breaks_export = scaled.export_limit_kw is not None and not scaled.curtailable
    over_export = np.where(-net > (scaled.export_limit_kw or 0.0), endless, 0.0) if breaks_export else none
    most_imported, most_exported = _reach(span)
    worth_at_end = none.copy()
    worth_at_end[-1] = -scaled.terminal_per_kwh
    return SpanColumns(
        charge=program.columns(none, lowest=0.0, highest=np.array(steps.max_charge_kw)),
        discharge=program.columns(none + h * scaled.wear_per_kwh, lowest=0.0, highest=np.array(steps.max_discharge_kw)),
        energy=program.columns(worth_at_end, lowest=scaled.lowest_kwh, highest=scaled.highest_kwh),
        imports=program.columns(h * buy, lowest=0.0, highest=np.minimum(_limit(scaled.import_limit_kw), most_imported)),
        imports_over=program.columns(h * (buy + fine), lowest=0.0, highest=over_import),
        exports=program.columns(
            -h * sell, lowest=0.0, highest=np.minimum(_limit(scaled.export_limit_kw), most_exported)
        ),
        exports_over=program.columns(h * (fine - sell), lowest=0.0, highest=over_export),
        curtailed=program.columns(none, lowest=0.0, highest=span.forced_w / 1000.0),
    )


def _reach(span: SpanFreedom) -> tuple[Floats, Floats]:
    """Return the most that house and battery can import and export at all; crossed prices need an end [kW]."""
    steps, net = span.steps, np.array(span.steps.net_load_kw)
    imports = np.maximum(0.0, net + np.array(steps.max_charge_kw) + span.forced_w / 1000.0)
    return imports, np.maximum(0.0, np.array(steps.max_discharge_kw) - net)


def _limit(limit_kw: float | None) -> float:
    return np.inf if limit_kw is None else limit_kw


def _balance(program: MatrixProgram, span: SpanFreedom, columns: SpanColumns) -> None:
    net, rows = np.array(span.steps.net_load_kw), np.arange(span.scaled.count)
    signs = (
        (columns.imports, 1.0), (columns.imports_over, 1.0), (columns.exports, -1.0), (columns.exports_over, -1.0),
        (columns.charge, -1.0), (columns.discharge, 1.0), (columns.curtailed, -1.0),
    )  # fmt: skip
    program.rows(net, net, *((rows, places, sign) for places, sign in signs))


def _energy(program: MatrixProgram, span: SpanFreedom, columns: SpanColumns) -> None:
    scaled, rows = span.scaled, np.arange(span.scaled.count)
    right = np.full(scaled.count, -scaled.standby_kwh)
    right[0] += scaled.start_kwh
    program.rows(
        right,
        right,
        (rows, columns.energy, 1.0),
        (rows[1:], columns.energy[:-1], -1.0),
        (rows, columns.charge, -scaled.step_h * scaled.charge_efficiency),
        (rows, columns.discharge, scaled.step_h / scaled.discharge_efficiency),
    )


def _peaks(program: MatrixProgram, freedom: Freedom, spans: list[SpanColumns]) -> Indices:
    if not freedom.metered:
        return np.zeros(0, dtype=np.int64)
    rises = program.columns(np.full(freedom.periods, freedom.peak_price_per_kw), lowest=0.0, highest=np.inf)
    sizes = np.array([one.size for one in freedom.metered])
    rows = np.repeat(np.arange(len(sizes)), sizes)
    within = np.concatenate([np.arange(one.first, one.first + one.size) for one in freedom.metered])
    owner = np.repeat(np.array([one.span for one in freedom.metered]), sizes)
    starts = np.array([columns.imports[0] for columns in spans])
    over_starts = np.array([columns.imports_over[0] for columns in spans])
    share = np.repeat(1.0 / sizes, sizes)
    periods = np.array([one.period for one in freedom.metered])
    return program.rows(
        np.full(len(sizes), -np.inf),
        np.full(len(sizes), freedom.free_kw),
        (rows, starts[owner] + within, share),
        (rows, over_starts[owner] + within, share),
        (np.arange(len(sizes)), rises[periods], -1.0),
    )


def _exclude_burning(program: MatrixProgram, span: SpanFreedom, columns: SpanColumns) -> None:
    """``charge <= max y``, ``discharge <= max (1 - y)`` where losing energy pays."""
    scaled, steps = span.scaled, span.steps
    efficiency = scaled.round_trip_efficiency
    threshold = -scaled.wear_per_kwh * efficiency / (1.0 - efficiency) if efficiency < 1.0 else -np.inf
    charge, discharge = np.array(steps.max_charge_kw), np.array(steps.max_discharge_kw)
    pays = np.minimum(steps.buy, steps.sell) < threshold
    at = np.flatnonzero(pays & (charge > 0) & (discharge > 0))
    _either(program, [(columns.charge[at], charge[at])], [(columns.discharge[at], discharge[at])])


def _exclude_crossing(program: MatrixProgram, span: SpanFreedom, columns: SpanColumns) -> None:
    """``import <= most y``, ``export <= most (1 - y)`` where doing both pays.

    That is where selling pays more than buying costs, and where import is paid for while the inverter curtails.
    """
    buy, sell = np.array(span.steps.buy), np.array(span.steps.sell)
    imports, exports = _reach(span)
    at = np.flatnonzero((sell > buy) | ((span.forced_w > 0.0) & (buy < 0.0)))
    _either(
        program,
        [(columns.imports[at], imports[at]), (columns.imports_over[at], imports[at])],
        [(columns.exports[at], exports[at]), (columns.exports_over[at], exports[at])],
    )


def _either(program: MatrixProgram, these: list[tuple[Indices, Floats]], those: list[tuple[Indices, Floats]]) -> None:
    """Let in each place either these columns or those be above 0: ``this <= most y``, ``that <= most (1 - y)``."""
    count = len(these[0][0])
    if not count:
        return
    rows, choice = np.arange(count), program.columns(np.zeros(count), lowest=0.0, highest=1.0, binary=True)
    for places, most in these:
        program.rows(np.full(count, -np.inf), np.zeros(count), (rows, places, 1.0), (rows, choice, -most))
    for places, most in those:
        program.rows(np.full(count, -np.inf), most, (rows, places, 1.0), (rows, choice, most))


def _exclude_choice(program: MatrixProgram, span: SpanFreedom, columns: SpanColumns) -> None:
    """``curtailed <= forced y``, ``export >= limit y``: an inverter curtails at the feed-in limit only."""
    limit_kw = span.scaled.export_limit_kw
    forced = span.forced_w / 1000.0
    at = np.flatnonzero((np.minimum(span.steps.buy, span.steps.sell) < 0.0) & (forced > 0.0))
    if limit_kw is None or not len(at):
        return
    rows, choice = np.arange(len(at)), program.columns(np.zeros(len(at)), lowest=0.0, highest=1.0, binary=True)
    below = np.full(len(at), -np.inf)
    program.rows(below, np.zeros(len(at)), (rows, columns.curtailed[at], 1.0), (rows, choice, -forced[at]))
    program.rows(below, np.zeros(len(at)), (rows, columns.exports[at], -1.0), (rows, choice, limit_kw))
