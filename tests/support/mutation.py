"""Spoils valid input in the ways in which input is spoilt: by cut and noise, by hand, and by malice."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

NASTY = (
    b"NaN", b"nan", b"inf", b"-inf", b"1e999", b"-1", b"0", b"-0.0", b"1e-320", b"0x10", b"1_000", b"9" * 30,
    b"9" * 5000, b"0x" + b"f" * 5000, b"null", b"true", b"[]", b"{}", b'""', b"''", b'"', b"'", b",", b";", b"\n",
    b"\0", b"\\u0000", b"\xff\xfe", b"\xc3\x28", b"\\ud800", b'"\\ud800"', "ü°\u202e\u0661".encode(), "\ufeff".encode(),
    b"\x1b[2J", b"..", b"/", b"~nobody/x", b"%s{0}", b"[::1%eth0]", b"a b", b"__class__", b"25h", b"1e9h",
    b"0001-01-01T00:00:00+14:00", b"9999-12-31T23:59:59-14:00", b"[" * 3000, b'{"a":' * 3000, b"a." * 3000 + b"a",
    b"[[", b"#", b"\r", b"2026-02-30", b"99999999d", b"99999999999999999999s",
)  # fmt: skip
"""Texts that stand in for others."""
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_WORD = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*")
_STRING = re.compile(rb'"[^"\n]*"')

Spoil = Callable[[bytes, random.Random], bytes]


def spoilt(samples: Sequence[bytes], seed: int) -> bytes:
    """Return one of the samples, spoilt by chance in one to four ways; the same for the same seed."""
    chance = random.Random(seed)
    text = chance.choice(samples)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 4))):
        text = chance.choice(WAYS)(text, chance)
    return text


def _cut_off(text: bytes, chance: random.Random) -> bytes:
    return text[: chance.randrange(len(text) + 1)]


def _cut_out(text: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(text) + 1)
    return text[:start] + text[start + chance.choice((1, 2, 8, 40)) :]


def _flip(text: bytes, chance: random.Random) -> bytes:
    if not text:
        return text
    place = chance.randrange(len(text))
    return text[:place] + bytes([text[place] ^ (1 << chance.randrange(8))]) + text[place + 1 :]


def _insert(text: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(text) + 1)
    return text[:place] + chance.choice(NASTY) + text[place:]


def _noise(text: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(text) + 1)
    return text[:place] + chance.randbytes(chance.choice((1, 4, 30))) + text[place:]


def _line_twice(text: bytes, chance: random.Random) -> bytes:
    lines = text.splitlines(keepends=True)
    return b"".join([*lines, chance.choice(lines)]) if lines else text


def _lines_swapped(text: bytes, chance: random.Random) -> bytes:
    lines = text.splitlines(keepends=True)
    if len(lines) < 2:
        return text
    one, other = chance.sample(range(len(lines)), 2)
    lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def _replace(pattern: re.Pattern[bytes]) -> Spoil:
    def replace(text: bytes, chance: random.Random) -> bytes:
        found = list(pattern.finditer(text))
        if not found:
            return text
        at = chance.choice(found)
        return text[: at.start()] + chance.choice(NASTY) + text[at.end() :]

    return replace


def _exchange(pattern: re.Pattern[bytes]) -> Spoil:
    """Put one thing where another of its kind stands: keys doubled, values of another type or place."""

    def exchange(text: bytes, chance: random.Random) -> bytes:
        found = list(pattern.finditer(text))
        if not found:
            return text
        at, other = chance.choice(found), chance.choice(found)
        return text[: at.start()] + other[0] + text[at.end() :]

    return exchange


def _other_type(text: bytes, chance: random.Random) -> bytes:
    """Turn a number into a string, a list or a truth, as a careless program does."""
    found = list(_NUMBER.finditer(text))
    if not found:
        return text
    at = chance.choice(found)
    cast = chance.choice((b'"%b"', b"[%b]", b"-%b", b"%be300", b"%b.5", b"true", b"{}")).replace(b"%b", at[0])
    return text[: at.start()] + cast + text[at.end() :]


WAYS: tuple[Spoil, ...] = (
    _cut_off, _cut_out, _flip, _insert, _noise, _line_twice, _lines_swapped, _other_type,
    _replace(_NUMBER), _replace(_WORD), _replace(_STRING), _exchange(_WORD), _exchange(_NUMBER), _exchange(_STRING),
)  # fmt: skip
