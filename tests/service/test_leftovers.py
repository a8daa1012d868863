"""What is left in the runtime folder for the release, and what happens where it cannot be left."""

import logging
import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from optimizer.errors import SunshiftError
from optimizer.release_config import NOTHING_TO_RELEASE, TOKEN_FILE_NAME, needs_release
from optimizer.service.leftovers import leave_token, leave_word


def full(*_: object, **__: object) -> int:
    """Fail as a full disk does."""
    raise OSError(28, "No space left on device")


def test_a_full_disk_keeps_the_battery_from_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The token and the good word cannot be left: both are told, neither ends the service, a release stays due."""
    monkeypatch.setattr(os, "open", full)
    with caplog.at_level(logging.WARNING):
        leave_token(tmp_path, SecretStr("0123456789-secret"))
        leave_word(tmp_path, standing=False)
    assert TOKEN_FILE_NAME in caplog.text
    assert NOTHING_TO_RELEASE in caplog.text
    assert "secret" not in caplog.text
    assert needs_release({"RUNTIME_DIRECTORY": str(tmp_path)})


def test_a_word_that_cannot_be_taken_back_keeps_the_service_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says that nothing stands: left there, a killed service would never be released."""
    leave_word(tmp_path, standing=False)
    monkeypatch.setattr(Path, "unlink", full)
    with pytest.raises(SunshiftError, match="cannot be removed"):
        leave_word(tmp_path, standing=True)
