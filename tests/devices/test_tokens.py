"""The token is read from a file, and never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.devices.tokens import read_token
from optimizer.errors import ConfigError
from support.canary import CANARY


def token_file(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    path = folder / "token"
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_blanks_around_the_token_do_not_matter(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The token is what stands in the file, without the line's end; a private file is no cause for a warning."""
    assert read_token(token_file(tmp_path, f" {CANARY} \r\n".encode())) == CANARY
    assert not caplog.records


@pytest.mark.parametrize("content", [b"", b" \n", b"alpha7\nbeta7\n", b"alpha7 beta7", b"s\xc3\xa9cret", b"\xff\x00"])
def test_unusable_files(content: bytes, tmp_path: Path) -> None:
    """An empty file, or one with more than the token, is refused with its place and without its content."""
    with pytest.raises(ConfigError, match=r"battery\.token_file") as caught:
        read_token(token_file(tmp_path, content))
    assert str(tmp_path) in str(caught.value)
    assert "beta7" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there is said as such."""
    with pytest.raises(ConfigError, match="cannot be read"):
        read_token(tmp_path / "token")


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602])
def test_file_open_to_all_is_warned_of(mode: int, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A token that every user of the machine can read works, with a warning that does not quote it."""
    assert read_token(token_file(tmp_path, CANARY.encode(), mode)) == CANARY
    assert "chmod 600" in caplog.text
    assert CANARY not in caplog.text
