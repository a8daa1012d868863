"""Quirks by name: each does over HTTP what the help says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from optimizer.errors import SimulatorError
from optimizer.simulator.server import SimulatorServer
from optimizer.simulator.switches import SWITCHES, switched
from support.simulator import TOKEN, RunningSimulator, make_house


@contextmanager
def unit_with(*names: str) -> Iterator[RunningSimulator]:
    quirks, v2_options = switched(names)
    house = make_house(initial_soc=1.0)
    with SimulatorServer(house, quirks=quirks, v2_options=v2_options, token=TOKEN) as server:
        yield RunningSimulator(server, house)


def v2(simulator: RunningSimulator, method: str, path: str, token: str = TOKEN) -> tuple[int, bytes]:
    answer = simulator.request(method, f"/api/v2/{path}", face="v2", token=token)
    return answer.status, answer.body


@pytest.mark.parametrize(
    ("name", "method", "path", "part"),
    [
        ("strict-case", "GET", "/api/V1/status", b'{"ReturnCode":"5"}'),
        ("no-status-alias", "GET", "/api/status", b'{"ReturnCode":"5"}'),
        ("put-only", "GET", "/api/v1/setpoint/charge/1", b'{"ReturnCode":"16"}'),
        ("space-in-pac", "GET", "/api/v1/status", b'"Pac total_W":'),
        ("refuse-garbage", "PUT", "/api/v1/setpoint/charge/much", b'{"ReturnCode":"5"}'),
        ("code-as-number", "PUT", "/api/v1/setpoint/charge/1", b'{"ReturnCode":0}'),
        ("numbers-as-text", "GET", "/api/v1/status", b'"USOC":"100"'),
        ("double-capacity", "GET", "/api/v1/status", b'"RemainingCapacity_Wh":2150'),
        ("not-measuring", "GET", "/api/v1/status", b'"USOC":0'),
        ("extra-key", "GET", "/api/v1/status", b'"Unheard_of":1'),
        ("null=Uac", "GET", "/api/v1/status", b'"Uac":null'),
    ],
)
def test_quirk_of_v1(name: str, method: str, path: str, part: bytes) -> None:
    """With the quirk the answer has it, without it has not."""
    with unit_with(name) as simulator:
        assert part in simulator.request(method, path).body
    with unit_with() as simulator:
        assert part not in simulator.request(method, path).body


def test_missing_keys_add_up() -> None:
    """A quirk with a key may be given several times."""
    with unit_with("missing=Uac", "missing=Ubat") as simulator:
        assert not {"Uac", "Ubat"} & set(simulator.status())


def test_quirks_of_v2() -> None:
    """Read-only, open status, empty object for 401, 200 for a setpoint."""
    with unit_with("v2-read-only") as simulator:
        assert v2(simulator, "POST", "setpoint/charge/1")[0] == 403
    with unit_with("v2-open-status") as simulator:
        assert v2(simulator, "GET", "status", token="")[0] == 200
        assert v2(simulator, "GET", "latestdata", token="")[0] == 401
    with unit_with("v2-empty-for-401") as simulator:
        assert v2(simulator, "GET", "status", token="wrong") == (200, b"{}")
    with unit_with("v2-setpoint-200") as simulator:
        assert v2(simulator, "POST", "setpoint/charge/1") == (200, b"true")


@pytest.mark.parametrize(("name", "complaint"), [("put-olny", "did you mean 'put-only'"), ("null=", "null=KEY")])
def test_unknown_quirk_is_refused(name: str, complaint: str) -> None:
    """A mistyped quirk, or one whose key is missing, is named with what was meant or what there is."""
    with pytest.raises(SimulatorError, match=complaint):
        switched([name])


def test_every_switch_is_tested_here() -> None:
    """No switch can be added without a test in this file."""
    text = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in SWITCHES if f'"{name}"' not in text] == []
