"""What is left in the runtime folder for the release, and what happens where it cannot be left."""

import logging
import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from optimizer.errors import SunshiftError
from optimizer.release.tokens import TOKEN_FILE_NAME
from optimizer.release.word import NOTHING_TO_RELEASE, needs_release
from optimizer.service.leftovers import leave_token, leave_word, take_token_back
from support.canary import CANARY


def full(*_: object, **__: object) -> int:
    """Fail as a full disk does."""
    raise OSError(28, "No space left on device")


def test_a_full_disk_keeps_the_battery_from_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The token and the good word cannot be left: both are told, neither ends the service, a release stays due."""
    monkeypatch.setattr(os, "open", full)
    with caplog.at_level(logging.WARNING):
        leave_token(tmp_path, SecretStr(CANARY), "10.0.0.1")
        leave_word(tmp_path, standing=False)
    assert TOKEN_FILE_NAME in caplog.text
    assert NOTHING_TO_RELEASE in caplog.text
    assert CANARY not in caplog.text
    assert needs_release(tmp_path)


def test_a_word_that_cannot_be_taken_back_keeps_the_service_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says that nothing stands: left there, a killed service would never be released."""
    leave_word(tmp_path, standing=False)
    monkeypatch.setattr(Path, "unlink", full)
    with pytest.raises(SunshiftError, match="cannot be removed"):
        leave_word(tmp_path, standing=True)


SECRET = SecretStr(CANARY)


def test_the_token_is_left_for_its_owner_alone(tmp_path: Path) -> None:
    """A file of an earlier run, whoever could read that, is replaced; where there is no token none is left."""
    path = tmp_path / TOKEN_FILE_NAME
    path.write_text("an earlier one, and longer than this one is")
    path.chmod(0o644)
    leave_token(tmp_path, None, "10.0.0.1")
    assert path.stat().st_mode & 0o777 == 0o644
    leave_token(tmp_path, SECRET, "10.0.0.1")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text() == f"{CANARY} 10.0.0.1\n"


def test_the_token_is_not_written_through_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who puts one there between the removal and the writing gets nothing."""
    (tmp_path / TOKEN_FILE_NAME).symlink_to(tmp_path / "elsewhere")
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)
    leave_token(tmp_path, SECRET, "10.0.0.1")
    assert not (tmp_path / "elsewhere").exists()


def test_the_token_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, twice, and where that cannot be done the end of the service goes on."""
    leave_token(tmp_path, SECRET, "10.0.0.1")
    take_token_back(tmp_path)
    assert list(tmp_path.iterdir()) == []
    take_token_back(tmp_path)
    monkeypatch.setattr(Path, "unlink", full)
    take_token_back(tmp_path)


def test_the_word_is_left_and_taken_back(tmp_path: Path) -> None:
    """Readable for all, under any umask that lets them; a second time is as good as one."""
    before = os.umask(0o022)
    try:
        for _ in range(2):
            leave_word(tmp_path, standing=False)
            assert (tmp_path / NOTHING_TO_RELEASE).stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(before)
    for _ in range(2):
        leave_word(tmp_path, standing=True)
        assert needs_release(tmp_path)


def test_what_cannot_be_left_is_told_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Which file, why, and what that means."""
    monkeypatch.setattr(os, "open", full)
    leave_token(tmp_path, SECRET, "10.0.0.1")
    leave_word(tmp_path, standing=False)
    token = f"{tmp_path / TOKEN_FILE_NAME}: the token cannot be left for the release (No space left on device)"
    assert [record.getMessage() for record in caplog.records] == [
        f"{token}: make room there, or only battery.token_file can tell it",
        f"{tmp_path / NOTHING_TO_RELEASE}: cannot be written (No space left on device)",
    ]
