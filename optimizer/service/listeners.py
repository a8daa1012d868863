"""Telling those who listen, without being at their mercy."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

logger = logging.getLogger("sunshift.service")
News = TypeVar("News")


def tell_each(listeners: Sequence[Callable[[News], None]], news: News) -> None:
    """Call every listener; what one raises is logged and goes no further."""
    for listener in listeners:
        try:
            listener(news)
        except Exception:  # whoever listens must not be able to end control
            logger.exception("a listener failed; the service goes on")
