"""The quirks of a unit by name, as a command line takes them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from optimizer.errors import SimulatorError
from optimizer.simulator.quirks import Quirks
from optimizer.simulator.v2 import V2Options


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """One quirk that can be switched on."""

    help: str
    v1: Mapping[str, Any] = field(default_factory=dict)
    v2: Mapping[str, Any] = field(default_factory=dict)


SWITCHES: Mapping[str, Switch] = {
    "strict-case": Switch(help="api/V1 is an invalid path", v1={"strict_path_case": True}),
    "no-status-alias": Switch(help="api/status is an invalid path", v1={"status_alias": False}),
    "put-only": Switch(help="GET sets no setpoint: return code 16", v1={"setpoint_get": False}),
    "space-in-pac": Switch(help="'Pac total_W', as the document prints it", v1={"space_in_pac": True}),
    "refuse-garbage": Switch(help="a setpoint that is no whole number gets 5", v1={"acknowledges_garbage": False}),
    "code-as-number": Switch(help='{"ReturnCode":0}', v1={"code_as_number": True}),
    "numbers-as-text": Switch(help='"Consumption_W":"403"', v1={"numbers_as_text": True}),
    "double-capacity": Switch(help="RemainingCapacity is twice the truth", v1={"capacity_factor": 2.0}),
    "not-measuring": Switch(help="every measured number is 0", v1={"not_measuring": True}),
    "extra-key": Switch(help="a key that no document names", v1={"extra": {"Unheard_of": 1}}),
    "v2-read-only": Switch(help="V2's Write API is off: 403", v2={"write_enabled": False}),
    "v2-open-status": Switch(help="V2's status needs no token", v2={"status_needs_token": False}),
    "v2-empty-for-401": Switch(help="V2 answers {} instead of 401", v2={"unauthorized_is_empty": True}),
    "v2-setpoint-200": Switch(help="V2 answers 200 to a setpoint, as before 2024", v2={"setpoint_status": 200}),
}
"""Switches without a value. ``null=KEY`` and ``missing=KEY`` come with one."""

KEYED = {"null": "null_keys", "missing": "missing_keys"}


def switched(names: Sequence[str], *, quirks: Quirks | None = None) -> tuple[Quirks, V2Options]:
    """Return how a unit with these quirks behaves.

    Parameters
    ----------
    names
        Names of :data:`SWITCHES`, ``null=KEY`` or ``missing=KEY``, each any number of times.
    quirks
        What they are added to.

    Raises
    ------
    SimulatorError
        There is no such quirk.
    """
    v1, v2 = quirks or Quirks(), V2Options()
    for name in names:
        kind, _, key = name.partition("=")
        if key and kind in KEYED:
            more: dict[str, Any] = {KEYED[kind]: (*getattr(v1, KEYED[kind]), key)}
            v1 = replace(v1, **more)
        elif name in SWITCHES:
            v1, v2 = replace(v1, **SWITCHES[name].v1), replace(v2, **SWITCHES[name].v2)
        else:
            raise SimulatorError(_unknown(name))
    return v1, v2


def _unknown(name: str) -> str:
    known = [*SWITCHES, *(f"{kind}=KEY" for kind in KEYED)]
    close = difflib.get_close_matches(name, known, n=1)
    return f"unknown quirk {name!r}" + (f", did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}")
