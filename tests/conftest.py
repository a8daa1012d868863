"""No test of the whole suite may bring the token of its battery to light: on a terminal, in a log, in a file."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from support.canary import sings, told_in


@pytest.fixture
def capsys(capsys: pytest.CaptureFixture[str]) -> pytest.CaptureFixture[str]:
    """Look through what a test takes away from the report as well."""
    take = capsys.readouterr

    def look_and_take() -> object:
        told = take()
        assert not sings(told.out), "the token was printed on standard output"
        assert not sings(told.err), "the token was printed on standard error"
        return told

    capsys.readouterr = look_and_take  # type: ignore[assignment, method-assign]
    return capsys


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
