"""Single values of a status: tolerant of how firmwares write them, strict about what they mean.

The maker's own page marks every field as nullable, some firmwares send numbers as strings, and each adds and drops
keys. So a missing or null key is None, a numeric string is its number, and what is left must make sense.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from optimizer.devices.strict_json import JsonObject, excerpt
from optimizer.errors import DeviceProtocolError

_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?")
_FLAGS = {"true": True, "false": False, "1": True, "0": False}


@dataclass(frozen=True, slots=True)
class Fields:
    """The keys of one JSON object, and the request it answers."""

    values: JsonObject
    where: str

    def number(self, key: str, low: float, high: float) -> float | None:
        """Return a number in ``low..high``; None where the key is missing, null or blank.

        Raises
        ------
        DeviceProtocolError
            If the value is no number, not finite or out of range.
        """
        value = self._value(key)
        if value is None:
            return None
        number = _as_number(value)
        if number is None or not low <= number <= high:
            raise self.unsound(key, f"a number from {low:g} to {high:g}")
        return number

    def needed_number(self, key: str, low: float, high: float) -> float:
        """Return a number in ``low..high`` that must be there.

        Raises
        ------
        DeviceProtocolError
            If the key is missing or null, or as for :meth:`number`.
        """
        number = self.number(key, low, high)
        if number is None:
            raise self.unsound(key, f"a number from {low:g} to {high:g}")
        return number

    def flag(self, key: str) -> bool | None:
        """Return a boolean, also from 0, 1 and text; None where the key is missing, null or blank."""
        value = self._value(key)
        if value is None:
            return None
        flag = _FLAGS.get(str(value).strip().lower()) if isinstance(value, bool | int | str) else None
        if flag is None:
            raise self.unsound(key, "true or false")
        return flag

    def text(self, key: str) -> str | None:
        """Return a string, also from an integer; None where the key is missing, null or blank."""
        value = self._value(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise self.unsound(key, "text")
        return str(value).strip()

    def _value(self, key: str) -> object:
        """Return what a key holds; a blank string says as little as null."""
        value = self.values.get(key)
        return None if isinstance(value, str) and not value.strip() else value

    def unsound(self, key: str, expected: str) -> DeviceProtocolError:
        """Return the error that names a key, what it holds and what was expected."""
        held = self.values.get(key)
        state = "is missing" if key not in self.values else "is null" if held is None else f"is {excerpt(held)}"
        msg = (
            f"{self.where}: {key} {state}, expected {expected}. "
            "The reading is not used; if this lasts, the firmware differs from what is known: please report its status."
        )
        return DeviceProtocolError(msg)


def _as_number(value: object) -> float | None:
    """Return a finite number from a JSON number or a numeric string; a boolean is not one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = float(value) if _NUMBER.fullmatch(value := value.strip()) else None
    if not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # an integer of hundreds of digits
        return None
    return number if math.isfinite(number) else None
