"""What each choice about the start of the service saves of the time to READY: with it and without, by turns.

    python benchmarks/start_shares.py [runs]

The service starts as for :mod:`service_footprint`, once as it is and once with each choice undone, so often by turns;
the ratio of two medians of one run is told. Nothing fails here: READY itself has its aim there. Run it with the Python
of an installed sunshift: what a checkout finds may have to be compiled.
"""

from __future__ import annotations

import statistics
import sys

from service_footprint import battery, started

from optimizer.clock import WallClock

RUN = "from optimizer.cli.main import main; raise SystemExit(main())"
DESCRIBED = """
import gc
gc.disable()
from pydantic import BaseModel
BaseModel.model_config["use_attribute_docstrings"] = True
from optimizer.settings import Settings
assert Settings.model_fields["site"].annotation.model_fields["timezone"].description
gc.enable()
"""
PLANNER = """
import gc
gc.disable()
import optimizer.assembly.planner
gc.enable()
"""
CHOICES = {
    "nothing is collected (cli/starting)": "import gc; gc.disable = lambda: None",
    "descriptions are read late (settings/descriptions)": DESCRIBED,
    "the planner is loaded late (assembly/late_planner)": PLANNER,
}
"""Each choice, and what a start runs first that is to be without it; what that loads is not collected either."""


def main(runs: int) -> int:
    clock = WallClock()
    programs = {"as it is": RUN, **{choice: f"{without}\n{RUN}" for choice, without in CHOICES.items()}}
    ready_s: dict[str, list[float]] = {name: [] for name in programs}
    with battery(clock) as server:
        for turn in range(1 + runs):
            names = list(programs)
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                with started(server.v1_port, clock, ("-c", programs[name])) as (_, _, took_s):
                    ready_s[name].append(took_s)
    medians = {name: statistics.median(values[1:]) for name, values in ready_s.items()}
    for choice in CHOICES:
        print(f"{choice}: READY takes {medians['as it is'] / medians[choice]:.0%} of what it takes without")
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 15))
