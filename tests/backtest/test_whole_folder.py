"""Results are there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.backtest import whole_folder as module
from optimizer.backtest.whole_folder import remove_leftovers, whole_folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


def interrupted(out: Path) -> None:
    with whole_folder(out) as draft:
        (draft / "half").touch()
        raise KeyboardInterrupt


@pytest.mark.parametrize("exchanges", [True, False])
def test_the_new_takes_the_place_of_the_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, exchanges: bool
) -> None:
    """Old files go with the old folder, whether the file system can exchange two folders or not."""
    if not exchanges:
        monkeypatch.setattr(module, "_exchanged", lambda one, other: False)
    for name in ("first", "second"):
        with whole_folder(tmp_path / "below" / "out") as draft:
            (draft / name).touch()
    assert names(tmp_path) == ["below", "out", "second"]


def test_a_link_stays_one(tmp_path: Path) -> None:
    """The folder that a link leads to is replaced; the link is not, and no draft is left beside either."""
    (tmp_path / "disk" / "results").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "results")
    with whole_folder(tmp_path / "link") as draft:
        (draft / "new").touch()
    assert (tmp_path / "link").is_symlink()
    assert names(tmp_path / "disk") == ["new", "results"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["disk", "link"]


def test_what_fails_leaves_the_old_as_it_was(tmp_path: Path) -> None:
    """A failure or Ctrl-C while writing leaves no draft and no change."""
    out = tmp_path / "out"
    with whole_folder(out) as draft:
        (draft / "old").touch()
    with pytest.raises(KeyboardInterrupt):
        interrupted(out)
    assert names(tmp_path) == ["old", "out"]


def test_drafts_of_killed_runs_are_removed_and_nothing_else(tmp_path: Path) -> None:
    """A draft that a killed run left goes with the next; what belongs to another folder stays."""
    for name in (".out.draft-x1", ".out.toml", ".other.draft-x1", "out.draft-x1"):
        (tmp_path / name / "new").mkdir(parents=True)
    remove_leftovers(tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".other.draft-x1", ".out.toml", "out.draft-x1"]
