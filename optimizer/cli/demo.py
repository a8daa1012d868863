"""``sunshift demo``: the whole service at work on a simulated battery, faster than life."""

from __future__ import annotations

import argparse
import io
import json
import math
import sys
from datetime import date

from rich.console import Console

from optimizer.clock import WallClock
from optimizer.demo.play import DemoOptions, play
from optimizer.demo.setting import FIRST_DAY, INTERFACES, ZONE
from optimizer.demo.summary import as_json, as_lines
from optimizer.demo.view import LiveView, PlainView, SilentView, View, fits

DAYS, SECONDS = 3, 50.0
DAY_S = 86_400.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the demo's options."""
    parser.epilog = (
        "It is the service that `sunshift run` starts, over real HTTP on loopback, with everything embedded. Unlike "
        "there it polls once a minute (not every 10 s) and plans every hour over 10 futures in half-hour steps (not "
        "every 15 minutes over 20 in quarter hours), so that days fit into a minute. "
        "On a terminal it shows a live screen, in a pipe a line for every decision that matters. Ctrl-C ends early."
    )
    parser.add_argument("--days", type=_days, default=DAYS, help=f"how many recorded days to play (default {DAYS})")
    parser.add_argument(
        "--start",
        type=_date,
        default=FIRST_DAY,
        metavar="DATE",
        help=f"first day, of the recorded spring of 2016 (default {FIRST_DAY})",
    )
    pace = parser.add_mutually_exclusive_group()
    pace.add_argument(
        "--seconds",
        type=_not_negative,
        default=None,
        help=f"real time to play them in; 0: as fast as this machine can (default {SECONDS:.0f} on a terminal, else 0)",
    )
    pace.add_argument("--speed", type=_positive, default=None, help="simulated seconds per real second instead")
    parser.add_argument(
        "--api", choices=INTERFACES, default="v1", help="which of the battery's interfaces to use (default v1)"
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="of kettles and clouds inside the recorded hours (default 1)"
    )
    parser.add_argument("--plain", action="store_true", help="lines instead of the live screen")
    parser.add_argument("--quiet", action="store_true", help="the summary only")
    parser.add_argument("--json", action="store_true", help="the summary only, as one JSON document")


def run(arguments: argparse.Namespace) -> int:
    """Play the demo and print its summary."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A reason may hold a character that an old locale lacks: a question mark is better than an end.
        sys.stdout.reconfigure(errors="replace")
    console = Console()
    view = _view(arguments, console)
    options = DemoOptions(
        days=arguments.days,
        start=arguments.start,
        interface=arguments.api,
        speed=_speed(arguments, live=isinstance(view, LiveView)),
        seed=arguments.seed,
    )
    summary = play(options, view=view, wall=WallClock())
    if arguments.json:
        print(json.dumps(as_json(summary), indent=2))
        return 0
    if isinstance(view, PlainView):
        print()
    print("\n".join(as_lines(summary)))
    return 0 if summary.service.handed_back else 1


def _view(arguments: argparse.Namespace, console: Console) -> View:
    if arguments.json or arguments.quiet:
        return SilentView()
    if not arguments.plain and fits(console):
        return LiveView(console)
    return PlainView(sys.stdout, ZONE)


def _speed(arguments: argparse.Namespace, *, live: bool) -> float | None:
    """Return simulated seconds per real second; None: as fast as this machine can."""
    if arguments.speed is not None:
        return float(arguments.speed)
    seconds = arguments.seconds if arguments.seconds is not None else SECONDS if live else 0.0
    return arguments.days * DAY_S / seconds if seconds > 0 else None


def _days(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        msg = f"must be a whole number of days from 1 on, got {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        msg = f"must be a date such as {FIRST_DAY}, got {text!r}"
        raise argparse.ArgumentTypeError(msg) from None


def _not_negative(text: str) -> float:
    return _number(text, lowest=0.0, wanted="0 or more")


def _positive(text: str) -> float:
    return _number(text, lowest=math.ulp(0.0), wanted="more than 0")


def _number(text: str, *, lowest: float, wanted: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= lowest):
        msg = f"must be a number of {wanted}, got {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return value
