"""The folder of a sweep: every finished case at once, results when all are done."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from optimizer.backtest.whole_folder import cannot_write
from optimizer.errors import SweepError
from optimizer.sweep.case import Case

CASES = "cases"


class SweepFolder:
    """A folder that is new, empty or an earlier sweep's.

    Parameters
    ----------
    path
        The folder; it is made where it does not exist.

    Raises
    ------
    SweepError
        It holds something else, or cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._cases = path / CASES
        if path.exists() and (not path.is_dir() or (any(path.iterdir()) and not self._cases.is_dir())):
            msg = f"{path}: holds something that is no sweep; name a new or empty folder with --out"
            raise SweepError(msg)
        try:
            self._cases.mkdir(parents=True, exist_ok=True)
            for place in (path, self._cases):
                tempfile.TemporaryFile(dir=place).close()  # what cannot be kept is told before hours of work
        except OSError as error:
            raise SweepError(cannot_write(path, error)) from error

    def kept(self, case: Case) -> dict[str, Any] | None:
        """Return the summary of a case that was finished before; None: it is still to do."""
        try:
            held = json.loads(self._file(case).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return None
        summary = held.get("summary") if isinstance(held, dict) and held.get("key") == case.key else None
        whole = isinstance(summary, dict) and all(isinstance(summary.get(part), dict) for part in ("period", "runs"))
        return summary if whole else None

    def keep(self, case: Case, summary: dict[str, Any]) -> None:
        """Keep a finished case, whole or not at all."""
        named = {"home": case.home, "tariff": case.tariff, "battery": case.battery}
        held = {"key": case.key, **named, "summary": summary}
        self._write(self._file(case), json.dumps(held, indent=2) + "\n")

    def write(self, name: str, text: str) -> Path:
        """Write a result, whole or not at all, and return where."""
        path = self.path / name
        self._write(path, text)
        return path

    def _file(self, case: Case) -> Path:
        return self._cases / f"{case.key[:32]}.json"

    def _write(self, path: Path, text: str) -> None:
        try:
            number, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            try:
                with os.fdopen(number, "w", encoding="utf-8") as stream:
                    stream.write(text)
                Path(draft).chmod(0o644)
                Path(draft).replace(path)
            except BaseException:
                Path(draft).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise SweepError(cannot_write(path, error)) from error
