"""No test of the whole suite may bring the token of its battery to light: on a terminal, in a log, in a file."""

from __future__ import annotations

import subprocess
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.canary import sings, told_in

A_WHOLE_COMPUTER = "machine"
"""A shared folder that holds an operating system and this repository: a test of its own looks at its journal."""


@pytest.fixture
def capsys(capsys: pytest.CaptureFixture[str]) -> pytest.CaptureFixture[str]:
    """Look through what a test takes away from the report as well."""
    return _looked_through(capsys)


@pytest.fixture
def capfd(capfd: pytest.CaptureFixture[str]) -> pytest.CaptureFixture[str]:
    """Look through what is taken from the descriptors in the same way."""
    return _looked_through(capfd)


@pytest.fixture(scope="session", autouse=True)
def _pipes_are_looked_through() -> Iterator[None]:
    """Look through what a test takes from the pipes of another process."""
    take = subprocess.Popen.communicate

    def look_and_take(process: subprocess.Popen[Any], *arguments: Any, **options: Any) -> tuple[Any, Any]:
        told = take(process, *arguments, **options)
        _look_through(*told)
        return told

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess.Popen, "communicate", look_and_take)
        yield


@pytest.fixture(scope="session", autouse=True)
def _shared_folders_are_looked_through(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Look in the end through the folders that belong to no single test."""
    yield
    assert list(_told_in_shared(tmp_path_factory.getbasetemp())) == []


def _told_in_shared(base: Path) -> Iterator[str]:
    for folder in sorted(base.iterdir()):
        if not folder.is_symlink() and not folder.name.startswith(("test_", A_WHOLE_COMPUTER)):
            yield from told_in(folder)


def _looked_through(captured: pytest.CaptureFixture[str]) -> pytest.CaptureFixture[str]:
    take = captured.readouterr

    def look_and_take() -> object:
        told = take()
        _look_through(*told)
        return told

    captured.readouterr = look_and_take  # type: ignore[assignment, method-assign]
    return captured


def _look_through(out: str | bytes | None, err: str | bytes | None) -> None:
    assert not sings(out), "the token was printed on standard output"
    assert not sings(err), "the token was printed on standard error"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test whose output, log or files tell the token."""
    report = yield
    found = list(_where_it_is_told(item, report, during=call.when))
    if found and report.passed:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} brought the battery's token to light: {', '.join(found)}"
    return report


def _where_it_is_told(item: pytest.Item, report: pytest.TestReport, *, during: str) -> Iterator[str]:
    yield from (name for name, text in report.sections if sings(text))
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    if during == "call" and isinstance(folder, Path):
        yield from told_in(folder)
