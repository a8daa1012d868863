"""Strategies come in by entry points, ours and anyone's."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from optimizer.cli.main import main
from optimizer.control.registry import create_strategy, installed_strategies
from optimizer.errors import StrategyError
from support.situations import situation_of

MODULE = """
from pydantic import BaseModel, ConfigDict, Field
from optimizer.control.strategy import Wish

class Parameters(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    power_w: float = Field(default=250.0, gt=0, description="What to charge with [W].")

class Trickle:
    Parameters = Parameters
    description = "Charges slowly, always."
    def __init__(self, parameters):
        self.parameters = parameters
    def shape(self, problem):
        return None
    def decide(self, situation):
        return Wish(battery_power_w=self.parameters.power_w, reason="a trickle")
"""
INFO = "sunshift_trickle_test-0.3.dist-info"
WHEEL = {
    "trickle_for_test.py": MODULE,
    f"{INFO}/METADATA": "Metadata-Version: 2.1\nName: sunshift-trickle-test\nVersion: 0.3\n",
    f"{INFO}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    f"{INFO}/entry_points.txt": "[sunshift.strategies]\ntrickle = trickle_for_test:Trickle\n",
}


@pytest.fixture
def trickle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Install a strategy from another package with pip, and take it away again."""
    source, target = tmp_path / "sunshift_trickle_test-0.3-py3-none-any.whl", tmp_path / "site"
    record = f"{INFO}/RECORD"
    with zipfile.ZipFile(source, "w") as wheel:
        for name, text in WHEEL.items():
            wheel.writestr(name, text)
        wheel.writestr(record, "".join(f"{name},,\n" for name in (*WHEEL, record)))
    words = ["install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", *words, "--target", str(target), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    monkeypatch.syspath_prepend(str(target))
    yield "trickle"
    sys.modules.pop("trickle_for_test", None)


def install_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, points: str, name: str = "broken") -> None:
    """Put a distribution with nothing but entry points on the path."""
    info = tmp_path / name / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[sunshift.strategies]\n{points}\n")
    monkeypatch.syspath_prepend(str(tmp_path / name))


def test_a_strategy_of_another_package_is_found_validated_and_run(
    trickle: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Installing a package is all it takes; nothing of ours is touched."""
    entry = installed_strategies()[trickle]
    assert entry.error is None
    assert entry.origin == "trickle_for_test:Trickle (sunshift-trickle-test 0.3)"
    strategy = create_strategy(trickle, {"power_w": 400.0})
    assert strategy.decide(situation_of()).battery_power_w == 400.0
    with pytest.raises(ValidationError, match="power_w"):
        create_strategy(trickle, {"power_w": -1.0})
    assert main(["strategies", "--json"]) == 0
    listed = {one["name"]: one for one in json.loads(capsys.readouterr().out)["strategies"]}
    assert listed["trickle"]["parameters"] == [
        {"name": "power_w", "type": "float", "default": 250.0, "description": "What to charge with [W]."}
    ]


@pytest.mark.parametrize(
    ("point", "says"),
    [
        ("odd = no_such_module_anywhere:Nothing", "ModuleNotFoundError"),
        ("odd = json:NoSuchThing", "AttributeError"),
        ("odd = json:dumps", "is not a class"),
        ("odd = json:JSONDecoder", "no `Parameters`"),
        ("time_of_use = json:JSONDecoder", "2 packages claim this name"),
    ],
)
def test_a_broken_plug_in_is_told_and_stops_nobody(
    point: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The listing shows what is wrong with it; the others run."""
    install_points(tmp_path, monkeypatch, point)
    name = point.split(" ", maxsplit=1)[0]
    assert says in (installed_strategies()[name].error or "")
    with pytest.raises(StrategyError, match="cannot be used"):
        create_strategy(name, {})
    assert create_strategy("self_consumption", {}).decide(situation_of()).self_consumption
    assert main(["strategies"]) == 0
    assert f"cannot be used: {installed_strategies()[name].error}" in capsys.readouterr().out


def test_an_unknown_name_gets_a_hint() -> None:
    """A slip of the pen is answered with what was meant."""
    with pytest.raises(StrategyError, match=r"no strategy 'time_of_us'; did you mean 'time_of_use'\? Installed: "):
        create_strategy("time_of_us", {})


def test_the_listing_reads_well(capsys: pytest.CaptureFixture[str]) -> None:
    """A person sees name, purpose, and every parameter with default, type and unit."""
    assert main(["strategies"]) == 0
    shown = capsys.readouterr().out
    assert "peak_shaving  (strategies.peak_shaving:PeakShaving (sunshift " in shown
    assert "import_limit_w = absent  (float or none)" in shown
    assert "[W]" in shown
