"""How a command starts: with the garbage collector off while it loads, and on again whatever comes of it."""

import gc
import sys
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from optimizer.cli import main, run
from optimizer.cli.starting import nothing_collected
from optimizer.errors import SunshiftError
from optimizer.settings.examples import example_path


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    """Leave the collector on, as it was found."""
    gc.enable()
    yield
    gc.enable()


def test_nothing_is_collected_until_it_is_over_and_then_again() -> None:
    """Also after an error, and one that was off before stays off."""
    with nothing_collected():
        assert not gc.isenabled()
        with nothing_collected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError), nothing_collected():
        raise ZeroDivisionError
    assert gc.isenabled()


def test_a_refusal_leaves_the_collector_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """However early it comes."""

    def refused(*_: object) -> None:
        assert not gc.isenabled()
        raise SunshiftError("no configuration")

    monkeypatch.setattr(run, "load_configuration", refused)
    assert main.main(["run"]) == 1
    assert gc.isenabled()


def test_the_service_is_built_without_collecting_and_runs_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What runs for years must have its garbage collected."""
    told: dict[str, bool] = {}

    def built(*_: object, **__: object) -> SimpleNamespace:
        told["as it is built"] = gc.isenabled()
        return SimpleNamespace(run=ran, left_to_another=False, handed_back=True, displaced=False)

    def ran(_: threading.Event) -> None:
        told["as it runs"] = gc.isenabled()

    monkeypatch.setattr("optimizer.service.composition.build_daemon", built)
    for lasting in ("optimizer.planning.kernel.choice.compile_nothing", "optimizer.cli.run.configure_logging"):
        monkeypatch.setattr(
            lasting, lambda *_, **__: None
        )  # what holds for the process would hold for every test after
    monkeypatch.setattr(run, "end_at_once", sys.exit)
    with pytest.raises(SystemExit) as ended:
        main.main(["run", "--config", str(example_path("simulator"))])
    assert ended.value.code == 0
    assert told == {"as it is built": False, "as it runs": True}


def test_a_command_runs_with_collecting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only its loading goes without."""
    told: list[bool] = []

    def at_work(_: object) -> int:
        told.append(gc.isenabled())
        return 0

    monkeypatch.setattr(run, "run", at_work)
    assert main.main(["run"]) == 0
    assert told == [True]
