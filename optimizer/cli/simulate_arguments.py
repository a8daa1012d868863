"""The arguments of ``sunshift simulate``."""

from __future__ import annotations

import argparse
import contextlib
import textwrap
from collections.abc import Callable
from datetime import time
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from optimizer.devices.simulated.metering import Metering
from optimizer.devices.simulated.models import Model
from optimizer.devices.simulated.outage import NightlyRestart
from optimizer.devices.simulated.parameters import FIXED_LOSS_W
from optimizer.devices.simulated.schedule import parse_schedule
from optimizer.devices.simulated.thermal import Thermal
from optimizer.errors import SimulatorError
from optimizer.simulator.fault import PARAMETERS, FaultKind
from optimizer.simulator.firmware import Firmware
from optimizer.simulator.return_codes import ErrorStyle
from optimizer.simulator.switches import KEYED, SWITCHES, switched

_Number = TypeVar("_Number", int, float)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = f"{_quirks()}\n\n{_faults()}"
    network = parser.add_argument_group("network")
    network.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: %(default)s, this machine)"
    )
    network.add_argument("--port", type=_port, default=8080, help="port of V1; 0: a free one (default: %(default)s)")
    network.add_argument("--v2-port", type=_port, default=8081, help="port of V2; 0: a free one (default: %(default)s)")
    network.add_argument("--no-v2", action="store_true", help="leave V2 away")
    network.add_argument("--token", default="simulated", help="token of V2 (default: %(default)s)")
    _add_house(parser.add_argument_group("house"))
    _add_battery(parser.add_argument_group("battery"))
    _add_behaviour(parser.add_argument_group("behaviour"))


def _add_house(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--recording", type=Path, metavar="FILE", help="load and sun (default: a home in Konstanz)")
    group.add_argument("--steady", action="store_true", help="hold the recording's means: no kettle, no clouds inside")
    group.add_argument("--timezone", type=_zone, default="Europe/Berlin", help="the unit's own (default: %(default)s)")
    group.add_argument(
        "--ambient-c", type=_between(-30, 60), default=Thermal().ambient_c,
        help="temperature of the battery's room; below 5 and above 30 it derates (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--meter-error-w", type=_between(0, 1000), default=Metering().error_w,
        help="largest error of the grid's meter (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--meter-skew-s", type=_between(0, 5), default=Metering().skew_s,
        help="largest age of a value when the others are read (default: %(default)s)",
    )  # fmt: skip


def _add_battery(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--model", choices=[*Model], default=Model.SB10, help="sizes (default: %(default)s)")
    group.add_argument("--modules", type=_whole(1, 6), default=2, help="how many it has (default: %(default)s)")
    group.add_argument("--soc", type=_between(0, 1), default=0.5, help="state of charge at the start, 0 to 1")
    group.add_argument("--capacity-wh", type=_between(100, 1e6), help="usable (default: the model's)")
    group.add_argument("--max-charge-w", type=_between(1, 1e5), help="AC (default: the model's)")
    group.add_argument("--max-discharge-w", type=_between(1, 1e5), help="AC (default: the model's)")
    group.add_argument("--charge-efficiency", type=_between(0.1, 1), default=0.95, help="default: %(default)s")
    group.add_argument("--discharge-efficiency", type=_between(0.1, 1), default=0.95, help="default: %(default)s")
    group.add_argument(
        "--fixed-loss-w", type=_between(0, 500), default=FIXED_LOSS_W,
        help="loss at any power, which makes small powers inefficient (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--dead-time-s", type=_between(0, 120), default=3.0, help="from a command to its effect (default: %(default)s)"
    )


def _add_behaviour(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--firmware", choices=[*Firmware], default="2022", help="keys of the status (default: 2022)")
    group.add_argument(
        "--mode", choices=["manual", "automatic", "time_of_use", "backup"], default="manual",
        help="at the start (default: manual)",
    )  # fmt: skip
    group.add_argument(
        "--time-of-use", type=_schedule, default="[]", metavar="JSON",
        help='the unit\'s own schedule: [{"start":"10:00","stop":"11:00","threshold_p_max":2000}]',
    )  # fmt: skip
    group.add_argument("--backup-soc", type=_between(0, 1), default=0.0, help="reserve of automatic mode, 0 to 1")
    group.add_argument("--stop-at-backup", action="store_true", help="manual mode keeps that reserve too")
    group.add_argument(
        "--mode-control",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="answer the undocumented /api/setting?EM_OperatingMode= on V1",
    )
    group.add_argument(
        "--error-style", choices=[*ErrorStyle], default="status_with_body", help="of return codes 5, 13, 16"
    )
    group.add_argument(
        "--quirk", type=_quirk, action="append", default=[], metavar="NAME", help="see below; any number of times"
    )
    group.add_argument("--nightly-restart", type=time.fromisoformat, metavar="HH:MM", help="restart then, local time")
    group.add_argument(
        "--restart-refusing-s", type=_between(0, 86_400), default=NightlyRestart().refusing_s,
        help="how long nothing listens then (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--restart-bad-gateway-s", type=_between(0, 86_400), default=NightlyRestart().bad_gateway_s,
        help="how long it then answers 502 with HTML (default: %(default)s)",
    )  # fmt: skip
    group.add_argument("--battery-care-days", type=_between(0.01, 365), help="charge full after so long without")
    group.add_argument(
        "--speed", type=_between(0.001, 100_000), default=1.0, help="times faster than life (default: 1)"
    )
    group.add_argument("--faults", type=Path, metavar="FILE", help="fault script (TOML); kinds see below")
    group.add_argument("--log", type=Path, metavar="FILE", help="write every request there, a JSON line each")


def _quirks() -> str:
    """Return every quirk with what it does."""
    lines = [f"  {name:18}{switch.help}" for name, switch in SWITCHES.items()]
    lines += [f"  {kind + '=KEY':18}this key of the status is {kind}" for kind in KEYED]
    return "\n".join(["quirks:", *lines])


def _faults() -> str:
    """Return every kind of fault with its parameters."""
    kinds = [
        str(kind) + (f" ({', '.join(f'{key}={value}' for key, value in known.items())})" if known else "")
        for kind, known in ((kind, PARAMETERS.get(kind, {})) for kind in FaultKind)
    ]
    told = textwrap.fill("; ".join(kinds), 78, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
    return f"kinds of fault, with their parameters (a [[fault]] table each in the script):\n{told}".replace("%", "%%")


def _port(text: str) -> int:
    return _parsed(int, 0, 65_535, text)


def _whole(low: int, high: int) -> Callable[[str], int]:
    return lambda text: _parsed(int, low, high, text)


def _between(low: float, high: float) -> Callable[[str], float]:
    return lambda text: _parsed(float, low, high, text)


def _parsed(kind: Callable[[str], _Number], low: float, high: float, text: str) -> _Number:
    with contextlib.suppress(ValueError):
        value = kind(text)
        if low <= value <= high:
            return value
    msg = f"expected a number from {low:g} to {high:g}, got {text!r}"
    raise argparse.ArgumentTypeError(msg)


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError, RecursionError) as error:
        msg = f"no time zone {text!r}; expected a name such as Europe/Berlin"
        raise argparse.ArgumentTypeError(msg) from error


def _schedule(text: str) -> str:
    try:
        parse_schedule(text)
    except ValueError as error:
        msg = f"no schedule: {error}"
        raise argparse.ArgumentTypeError(msg) from error
    return text


def _quirk(text: str) -> str:
    try:
        switched([text])
    except SimulatorError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text
