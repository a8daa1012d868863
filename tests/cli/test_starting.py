"""How a command starts: with the garbage collector off while it loads, and on again whatever comes of it."""

import gc
from collections.abc import Iterator

import pytest

from optimizer.cli import main, run
from optimizer.cli.starting import nothing_collected
from optimizer.errors import SunshiftError


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


def test_the_service_is_built_without_collecting_and_runs_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that runs for years must have its garbage collected; so must what comes after a refusal."""
    told: list[bool] = []

    def refused(*_: object) -> None:
        told.append(gc.isenabled())
        raise SunshiftError("no configuration")

    monkeypatch.setattr(run, "load_configuration", refused)
    assert main.main(["run"]) == 1
    assert told == [False]
    assert gc.isenabled()


def test_a_command_runs_with_collecting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only its loading goes without."""
    told: list[bool] = []

    def at_work(_: object) -> int:
        told.append(gc.isenabled())
        return 0

    monkeypatch.setattr(run, "run", at_work)
    assert main.main(["run"]) == 0
    assert told == [True]
