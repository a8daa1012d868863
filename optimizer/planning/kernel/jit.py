"""Compilation on first call, kept on disk where there is a place to keep it. Imported only where numba is there."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import numba
from numba.core import config

Function = TypeVar("Function", bound=Callable[..., object])


def _name_a_place(settings: Any) -> None:
    """Keep compiled code where systemd lets a service write: its program's folder and the home are read-only there."""
    folder = os.environ.get("CACHE_DIRECTORY", "").split(":", maxsplit=1)[0]
    if folder and not settings.CACHE_DIR:
        settings.CACHE_DIR = folder


_name_a_place(config)


def jit(function: Function) -> Function:
    """Compile a function when it is first called; once for all starts where the result can be written down."""
    compiled: Any
    try:
        compiled = numba.njit(cache=True)(function)
    except RuntimeError:  # no folder may be written: compile at every start
        compiled = numba.njit(function)
    return compiled  # type: ignore[no-any-return]


def inlined(function: Function) -> Function:
    """Compile a function into each that calls it: those of the inner loop are too short to be called."""
    compiled: Any = numba.njit(forceinline=True)(function)
    return compiled  # type: ignore[no-any-return]
