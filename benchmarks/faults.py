"""The whole service over the simulated battery, on simulated time, under one fault after the other: a table.

    python benchmarks/faults.py [--faults "NAME;..."] [--seeds N] [--days D] [--first-seed N] [--jobs N]
        [--results FILE] [--wire] [--list]

Each run is a home of its own: service and battery over HTTP, as in production, with the fault in windows that the seed
chooses (four a day, of one minute to two hours), a V1 with the mode call, a plain V1 or a V2. Of ten turns four are
polled every minute, with a lease of three, three every 30 s, two every 20 s and one every 10 s; thirty seeds meet each
unit at each of them, from 2 min before a fault begins or ends until 5 min after it. In the midst of a long fault, and
until hold-offs end 40 min after it, all are polled every 2 min and as a lease ends; from then on until the next, every
9 min, and no lease ends meanwhile. Farther than a minute from every window the same requests and answers are handed
over in process, for sockets are most of what a poll costs (``--wire``: never); a fault of the unit itself needs no wire
at all. Where answers hang, they are waited for half a second.
By turns a home has no limits but the battery's, a narrower SoC band and less power, limits of the grid and a ramp, or
may neither charge from the grid nor feed it from the battery.

What must never happen is looked for in the battery's own log and after every control step:

- a forced command outside what the home's limits leave of what was measured, sent or kept: power, SoC band, reserve and
  battery care, import, feed-in, trade with the grid, ramp (a limit of the grid is kept as far as the battery can);
- a forced command of ours that stands past the end of its lease although the battery takes writes and obeys (the
  service's own way back alone: no guard runs here; data that froze verify nothing). What acts at the battery stands,
  whatever the service believes; where that believes it over, it has a lease more, for it tells it so often;
- a forced command that stands and is not on record, or a setpoint of ours that the battery stores, in manual mode or
  beneath one that somebody chose, and that is not on record;
- a battery that is taken within the hold-off after somebody changed its mode over our command;
- more commands in any hour than one for each poll of it and 12 (nought before each entry into manual mode; nought to
  both sides is one command), more than 12 that repeat the one before sooner than ``reassert`` asks for (nought as idle
  is left, or what a fault costs; what failed may be tried again), more than 12 entries into manual mode;
- an exception out of a control step;
- two hours after the last fault, with the service still running: nothing commanded, or no fresh plan;
- after its end: a battery that is not handed back (our setpoint zeroed, the mode automatic where it can be set), or one
  that is and not known to be. None ignores that any more by then.

All faults are run with the first seed, then with the next. ``--results`` keeps each run as a line of JSON, and runs
that it holds already are not run again, if they were made with the same code: each line says with which. Those of
another state of it are passed over, and run again. Exit code 1 where anything was found.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from code_state import code_state
from fault_judge import MORE_WRITES, TOO_SOON
from fault_rows import Trouble, troubles
from fault_run import play

IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where the files of a run lie: a disk that flushes every renaming would be most of its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one run needs."""

    fault: str
    seed: int
    days: float
    wire: bool
    code: str = ""
    """State of the code that it is run on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one run came to."""

    fault: str
    seed: int
    days: float
    violations: list[str]
    late_s: float
    """How long a command stood past its lease at most [s]."""
    beyond_polls: int
    """Commands in any hour beyond one for each poll of it."""
    end: str
    """The last state."""
    cpu_s: float
    too_soon: int = 0
    """Commands in any hour that repeat the one before too soon."""
    code: str = ""
    """State of the code that it was run on; empty: nobody noted it."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--faults", default="", help="beginnings of names, separated by semicolons; default: all")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--days", type=float, default=2.0, help="simulated days of each run, from 0.2 on")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--results", type=Path, metavar="FILE", help="keeps each run; what it holds is not run again")
    parser.add_argument("--wire", action="store_true", help="every call over HTTP, also far from a fault")
    parser.add_argument("--list", action="store_true", help="print the names of all faults")
    told = parser.parse_args(arguments)
    chosen = tuple(name for name in told.faults.split(";") if name)
    rows = [one for one in troubles() if not chosen or one.name.startswith(chosen)]
    if told.list:
        print("\n".join(one.name for one in rows))
        return 0
    seeds = range(told.first_seed, told.first_seed + told.seeds)
    code = code_state()  # before anything is run: what is edited meanwhile makes another state
    jobs = [Job(fault=row.name, seed=seed, days=told.days, wire=told.wire, code=code) for seed in seeds for row in rows]
    of_this, others = kept(told.results, code)
    known = {(one.fault, one.seed, one.days): one for one in of_this}
    if others:
        print(f"{others} of the runs on file are of another state of the code, and passed over")
    wanted = [(job.fault, job.seed, job.days) for job in jobs]
    fresh = [job for job, key in zip(jobs, wanted, strict=True) if key not in known]
    print(f"{len(rows)} faults x {told.seeds} seeds x {told.days:g} days; {len(fresh)} of {len(jobs)} runs to go")
    for done, result in enumerate(_played(fresh, told.jobs), start=1):
        known[result.fault, result.seed, result.days] = result
        _keep(told.results, result)
        _progress(done, len(fresh), result)
    return _table(rows, [known[key] for key in wanted])


def kept(path: Path | None, code: str) -> tuple[list[Result], int]:
    """Return the runs of a state of the code that a file holds, and how many it holds of others."""
    if path is None or not path.exists():
        return [], 0
    on_file = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    # Those of another state may tell other things.
    of_this = [Result(**one) for one in on_file if one.get("code") == code]
    return of_this, len(on_file) - len(of_this)


def _keep(path: Path | None, result: Result) -> None:
    if path is not None:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(result)) + "\n")


def _played(jobs: Sequence[Job], processes: int) -> Iterator[Result]:
    if processes <= 1:
        collect_seldom()
        yield from map(run_one, jobs)
        return
    # Spawned, not forked: each run has threads.
    with multiprocessing.get_context("spawn").Pool(processes, initializer=collect_seldom) as pool:
        yield from pool.imap_unordered(run_one, jobs)


def collect_seldom() -> None:
    """Leave out of every collection what was imported, a tenth of a run: once, for what is frozen is never freed."""
    gc.freeze()
    gc.set_threshold(50_000)


def run_one(job: Job) -> Result:
    """Run one home under one fault."""
    logging.getLogger("sunshift").addHandler(logging.NullHandler())
    logging.disable(logging.CRITICAL)
    trouble = next(one for one in troubles() if one.name == job.fault)
    began_s = time.process_time()
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        run, end = play(trouble, job.seed, job.days, Path(folder), wire=job.wire)
    return Result(
        fault=job.fault,
        seed=job.seed,
        days=job.days,
        violations=run.violations,
        late_s=run.worst_late_s,
        beyond_polls=run.beyond_polls,
        too_soon=run.too_soon,
        end=end,
        cpu_s=round(time.process_time() - began_s, 2),
        code=job.code,
    )


# -- the table --------------------------------------------------------------------------------------------------------


def _progress(done: int, of: int, result: Result) -> None:
    what = f"{result.fault}, seed {result.seed}: {len(result.violations)} found, {result.cpu_s:.1f} CPU s"
    print(f"[{done}/{of}] {what}", file=sys.stderr, flush=True)


def _table(rows: Iterable[Trouble], results: Sequence[Result]) -> int:
    """Print a line for each fault and one for all; return the exit code."""
    print(f"beyond polls: commands an hour beyond one for each poll of it, {MORE_WRITES} at most")
    print(f"too soon: those that repeat the one before sooner than it is due, {TOO_SOON} at most")
    print(f"{'fault':32} {'found':>5} {'late [s]':>8} {'beyond polls':>12} {'too soon':>8} {'CPU [s]':>8}  last states")
    for row in rows:
        _line(row.name, [one for one in results if one.fault == row.name])
    _line(f"{len(results)} runs", results)
    days = sum(one.days for one in results)
    found = sum(len(one.violations) for one in results)
    per_day = sum(one.cpu_s for one in results) / days if days else 0.0
    print(f"{found} violations in {days:g} simulated days, {per_day:.1f} CPU s a simulated day")
    return 1 if found else 0


def _line(name: str, results: Sequence[Result]) -> None:
    ends = [one.end for one in results]
    states = ", ".join(f"{ends.count(state)} {state}" for state in dict.fromkeys(ends))
    count = sum(len(one.violations) for one in results)
    late_s = max((one.late_s for one in results), default=0.0)
    beyond_polls = max((one.beyond_polls for one in results), default=0)
    too_soon = max((one.too_soon for one in results), default=0)
    cpu_s = sum(one.cpu_s for one in results)
    print(f"{name:32} {count:5} {late_s:8.0f} {beyond_polls:12} {too_soon:8} {cpu_s:8.1f}  {states}", flush=True)
    for one in results if name and not name.endswith(" runs") else ():
        for what in one.violations[:3]:
            print(f"    seed {one.seed}: {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
