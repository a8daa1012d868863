"""How a command starts: soon."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def nothing_collected() -> Iterator[None]:
    """Keep the garbage collector off while modules are loaded and the service is built: nearly all of that stays.

    It would walk through it again and again, for a twentieth of the time to READY (`benchmarks/start_shares.py`).
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
