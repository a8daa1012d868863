"""Numbers and text made small enough for a page that brings everything along."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from typing import Any

import numpy as np

from optimizer.backtest.world import Floats

_SAME_BYTES_EVERY_TIME = 0


def packed(data: bytes) -> str:
    """Return bytes, compressed, as text."""
    return b64encode(gzip.compress(data, compresslevel=9, mtime=_SAME_BYTES_EVERY_TIME)).decode("ascii")


def packed_json(document: dict[str, Any]) -> str:
    """Return a document, compressed, as text."""
    return packed(json.dumps(document, separators=(",", ":"), allow_nan=False).encode())


def packed_columns(columns: list[tuple[Floats, float]]) -> str:
    """Return columns as differences of whole multiples of their units, compressed, as text.

    Neighbours are alike: their differences compress to a third of the values.
    """
    whole = [np.round(values / unit).astype("<i4") for values, unit in columns]
    return packed(b"".join(np.diff(column, prepend=np.int32(0)).astype("<i4").tobytes() for column in whole))
