"""What each choice about the start of the service saves of the time to READY: with it and without, by turns.

    python benchmarks/start_shares.py [runs]

The service starts as for :mod:`service_footprint`, once as it is and once with each choice undone, so often by turns;
the ratio of two medians of one run is told. Nothing fails here: READY itself has its aim there.
"""

from __future__ import annotations

import statistics
import sys

from service_footprint import AS_INSTALLED, battery, measure

from optimizer.clock import WallClock

RUN = "from optimizer.cli.main import main; raise SystemExit(main())"
UNDONE = {
    "nothing is collected (cli/starting)": "import gc; gc.disable = lambda: None",
    "descriptions are read late (settings/descriptions)": (
        "from optimizer.settings.section import Section; Section.model_config['use_attribute_docstrings'] = True"
    ),
    "the planner is loaded late (assembly/late_planner)": "import optimizer.assembly.planner",
}
"""Each choice, and what a start runs first that is to be without it."""


def main(runs: int) -> int:
    clock = WallClock()
    programs = {name: ("-c", f"{without}\n{RUN}") for name, without in UNDONE.items()}
    ready_s: dict[str, list[float]] = {name: [] for name in ("as it is", *programs)}
    with battery(clock) as server:
        for _ in range(1 + runs):
            for name, program in {"as it is": AS_INSTALLED, **programs}.items():
                ready_s[name].append(measure(server.v1_port, clock, program)[0])
    medians = {name: statistics.median(values[1:]) for name, values in ready_s.items()}
    for name in programs:
        print(f"{name}: READY takes {medians['as it is'] / medians[name]:.0%} of what it takes without")
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 15))
