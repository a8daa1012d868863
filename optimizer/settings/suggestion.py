"""The closest known word for one that is not known."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is spelled most like ``word``, or None where nothing is close."""
    spelling = {candidate.lower(): candidate for candidate in known}
    close = get_close_matches(word.lower(), spelling, n=1, cutoff=0.6)
    return spelling[close[0]] if close else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a question that names the closest known word, or the empty text where nothing is close."""
    found = closest(word, known)
    return f"did you mean {found!r}?" if found is not None else ""


def one_of(word: str, known: Iterable[str]) -> str:
    """Return what to write instead of ``word``: the closest known word, or all of them."""
    words = sorted(known)
    return did_you_mean(word, words) or f"choose one of {', '.join(words)}"
