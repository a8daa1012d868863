"""JSON as a device should send it, and in what words anything else is refused."""

from __future__ import annotations

import pytest

from optimizer.devices.strict_json import excerpt, parse_json
from optimizer.errors import DeviceProtocolError

CHECK = "If this lasts, check that battery.host and battery.port are the battery's, and its firmware's API version."


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": 1.5, "b": [1e3, -2, true, null]}', {"a": 1.5, "b": [1000.0, -2, True, None]}),
        (b"\xef\xbb\xbf[]", []),
        ('{"ä": "ö"}'.encode(), {"ä": "ö"}),
        (b' {"a": {"a": 1}, "b": {"a": 2}} \n', {"a": {"a": 1}, "b": {"a": 2}}),
        (b"1.7976931348623157e308", 1.7976931348623157e308),
    ],
)
def test_what_is_sound_is_taken_as_it_is(body: bytes, value: object) -> None:
    """With or without a byte order mark; one key may occur in several objects."""
    assert parse_json(body, "GET /x") == value


WEB_PAGE = (
    "answered with a web page, not JSON (' <html>'). Is the battery's API disabled, is this its user interface, or "
    "another device at battery.host and battery.port?"
)


def complaint(body: bytes) -> str:
    with pytest.raises(DeviceProtocolError) as caught:
        parse_json(body, "GET /x")
    return str(caught.value)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", f"the body is empty where JSON is expected. {CHECK}"),
        (b" \n", f"the body is empty where JSON is expected. {CHECK}"),
        (b" <html>", WEB_PAGE),
        (b"[" * 100_000, f"the JSON is nested deeper than any status. {CHECK}"),
    ],
)
def test_what_is_no_json_at_all_is_told(body: bytes, told: str) -> None:
    """With the request, what came instead, and what to do."""
    assert complaint(body) == f"GET /x: {told}"


@pytest.mark.parametrize(
    ("body", "why", "shown"),
    [
        (b'{"a": NaN}', "NaN is not a number a status may hold", "'{\"a\": NaN}'"),
        (b"[-Infinity]", "-Infinity is not a number a status may hold", "'[-Infinity]'"),
        (b"[1e999]", "'1e999' is not finite", "'[1e999]'"),
        (b"-" + b"9" * 500 + b".0", f"'-{'9' * 19}'... is not finite", f"'-{'9' * 59}'..."),
        (b'{"a":1,"b":2,"c":3,"b":4}', "key 'b' occurs more than once", '\'{"a":1,"b":2,"c":3,"b":4}\''),
        (b"x", "Expecting value: line 1 column 1 (char 0)", "'x'"),
        (b"\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte", "'\\ufffd'"),
    ],
)
def test_what_is_not_sound_is_refused(body: bytes, why: str, shown: str) -> None:
    """With the reason, and the start of what came."""
    assert complaint(body) == f"GET /x: the body is not sound JSON ({why}): {shown}. {CHECK}"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"a": 1}, "an object"),
        ([1], "a list"),
        (12.5, "12.5"),
        (int("1" * 70), "1" * 60),
        (None, "'None'"),
        ("x" * 60, f"'{'x' * 60}'"),
        ("x" * 61, f"'{'x' * 60}'..."),
        (b"x" * 61, f"'{'x' * 60}'..."),
        ("ä\n\u2028", "'\\xe4\\n\\u2028'"),
        ("ä".encode(), "'\\xe4'"),
        (b"\xff", "'\\ufffd'"),
    ],
)
def test_an_excerpt_is_short_and_safe_to_print(value: object, shown: str) -> None:
    """Whatever a device sends, a line of a journal stays one."""
    assert excerpt(value) == shown


def test_an_excerpt_may_be_shorter() -> None:
    """By the letters of the text itself."""
    assert excerpt("abcdef", 3) == "'abc'..."
    assert excerpt(123456, 3) == "123"
