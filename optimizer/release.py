"""Hand the battery back when all else is broken: ``python -m optimizer.release --config FILE``.

The last of three ways back, run by systemd after the service has ended however it ended, and by the command
``sunshift release``. The device keeps a forced power for ever, so this must work when the rest does not: the standard
library only, no state, any number of times, and an end within its deadline whatever the peer does. It zeroes both
setpoints, sets the owner's mode where that can be set, reads back, and begins again until that is confirmed.
"""

from __future__ import annotations

import argparse
import http.client
import json
import math
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from optimizer.bounded_socket import CallAborted, NameLookup, Remaining, connect
from optimizer.clock import WallClock, real_deadline
from optimizer.errors import ConfigError
from optimizer.lease import CommandRecord
from optimizer.release_config import DEFAULT_PORTS, ReleaseTarget, needs_release, target_from_config, was_refused

__all__ = ["ReleaseReport", "ReleaseTarget", "release_battery", "target_from_config"]

DEADLINE_S = 10.0
CALL_S = 2.0
"""Longest time of one call, so that a hanging step leaves time for the next [s]."""
PAUSE_S = 1.5
"""Between two attempts: a setpoint takes 2 to 10 s to show, and calls every second crashed a real unit [s]."""
IDLE_W = 100.0
"""Power up to which a battery told to stand idle counts as idle: standby and measuring error [W]."""
MAX_BODY_BYTES = 64 * 1024

HAND_BACK_CODES = {"automatic": ("2", "8"), "time_of_use": ("10",), "backup": ("7",)}
"""What to set, first, and what else the device may show instead: 8 is 2 on older US units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseReport:
    """What came of it."""

    confirmed: bool
    """Whether the device itself says that it is handed back."""
    steps: tuple[str, ...]
    """What was done, in order, with what came of it."""

    def __str__(self) -> str:
        verdict = "handed back, confirmed by the battery" if self.confirmed else "NOT CONFIRMED: look at the battery"
        return "\n".join([*self.steps, verdict])


class StepFailed(Exception):  # noqa: N818 - an outcome that becomes a line of the report
    """One step did not work; says why."""


def release_battery(target: ReleaseTarget, *, deadline_s: float = DEADLINE_S) -> ReleaseReport:
    """Hand the battery back and return what came of it; never raises for what the device does.

    Parameters
    ----------
    target
        The battery.
    deadline_s
        Longest time of everything together [s].
    """
    if target.driver == "simulated":
        return ReleaseReport(confirmed=True, steps=("simulated battery: nothing outside the service to hand back",))
    remaining = real_deadline(deadline_s)
    device = _Device(target, remaining)
    steps: list[str] = []
    while True:
        clean, confirmed = _attempt(device, steps)
        if (clean and confirmed) or remaining() <= PAUSE_S:
            # A mode that is read back speaks for itself. Idleness alone does not: a full or an empty battery stands
            # idle under any command, so what was to end it must not have been refused.
            back = confirmed and (device.sets_mode or not device.refused)
            return ReleaseReport(confirmed=back, steps=tuple(steps))
        WallClock().wait(PAUSE_S, threading.Event())


def _attempt(device: _Device, steps: list[str]) -> tuple[bool, bool]:
    """Take every step, whatever came of the one before; return whether all worked and whether the device confirms."""
    device.refused = False
    worked = [_note(steps, path, partial(device.zero, path)) for path in device.zero_paths()]
    if device.sets_mode:
        worked.append(_note(steps, "mode", device.set_mode))
    return all(worked), _note(steps, "read back", device.confirm)


def _note(steps: list[str], what: str, step: Callable[[], str]) -> bool:
    """Take a step, write down what came of it unless that is known already, and return whether it worked."""
    try:
        outcome, worked = step(), True
    except StepFailed as failure:
        outcome, worked = f"failed: {failure}", False
    line = f"{what}: {outcome}"
    if line not in steps:
        steps.append(line)
    return worked


class _Device:
    """The few requests that handing back takes."""

    def __init__(self, target: ReleaseTarget, remaining: Remaining) -> None:
        self._target, self._remaining = target, remaining
        self._v2 = target.driver == "sonnen_v2"
        self._port = target.port or DEFAULT_PORTS[target.driver]
        self._lookup = NameLookup(target.host, self._port)
        self.sets_mode = self._v2 or target.mode_control
        self.refused = False
        """Whether the attempt under way could not zero a setpoint: no answer, or one that says no."""
        self._codes = HAND_BACK_CODES[target.hand_back_mode]

    def zero_paths(self) -> tuple[str, str]:
        """Return the paths that zero both setpoints."""
        version = "v2" if self._v2 else "v1"
        return f"/api/{version}/setpoint/charge/0", f"/api/{version}/setpoint/discharge/0"

    def zero(self, path: str) -> str:
        """Zero one setpoint."""
        try:
            answer = self._call("POST" if self._v2 else "PUT", path)
            received = _is_received(answer)
        except StepFailed:
            self.refused = True
            raise
        if not received and answer is not None and answer is not True:
            raise StepFailed("the answer is not a yes")
        return "accepted"

    def set_mode(self) -> str:
        """Set the owner's mode; no answer and one without a word about it pass, for reading back decides."""
        setting = f"EM_OperatingMode={self._codes[0]}"
        if self._v2:
            answer = self._call("PUT", "/api/v2/configurations", setting)
        else:
            answer = self._call("GET", f"/api/setting?{setting}")
        if answer is False:
            raise StepFailed("the answer is a no")
        if isinstance(answer, dict) and not _is_received(answer):
            self._check_echo(answer)
        return f"{self._target.hand_back_mode} accepted"

    def _check_echo(self, answer: dict[str, object]) -> None:
        if "error" in answer:
            msg = f"the battery refuses: {self._blotted(str(answer['error']))[:80]!a}"
            raise StepFailed(msg)
        kept = _text(answer.get("EM_OperatingMode", self._codes[0]))
        if kept not in self._codes:
            msg = f"the battery keeps mode {self._blotted(kept)[:20]!a}"
            raise StepFailed(msg)

    def confirm(self) -> str:
        """Return what shows that the battery is handed back; fail where nothing shows it."""
        status = self._call("GET", "/api/v2/status" if self._v2 else "/api/v1/status")
        if not isinstance(status, dict):
            raise StepFailed("the status is not a JSON object")
        mode = _text(status.get("OperatingMode"))
        if mode in self._codes:
            return f"in mode {mode} ({self._target.hand_back_mode})"
        if self.sets_mode:
            msg = f"in mode {mode[:20]!a} instead of {self._codes[0]}"
            raise StepFailed(msg)
        power_w = _number(status.get("Pac_total_W", status.get("Pac total_W")))
        if power_w is None or abs(power_w) > IDLE_W:
            msg = f"the battery does not stand idle: its power is {power_w} W"
            raise StepFailed(msg)
        return f"idle at {power_w:.0f} W"

    def _call(self, method: str, path: str, form: str | None = None) -> object:
        """Return the JSON of an answer, None where it has none.

        Raises
        ------
        StepFailed
            If there is no answer in time, or it does not say success.
        """
        whole = self._remaining
        call = real_deadline(CALL_S)
        try:
            return self._exchange(method, path, form, lambda: min(whole(), call()))
        except (CallAborted, OSError, http.client.HTTPException, ValueError, RecursionError) as error:
            msg = f"{type(error).__name__}: {error}"
            raise StepFailed(self._blotted(msg)[:200]) from None

    def _exchange(self, method: str, path: str, form: str | None, remaining: Remaining) -> object:
        connection = http.client.HTTPConnection(self._target.host, self._port)
        connection.sock = connect(self._lookup, remaining, max_bytes=2 * MAX_BODY_BYTES)
        try:
            connection.request(method, path, body=form, headers=self._headers(form))
            response = connection.getresponse()
            body = response.read(MAX_BODY_BYTES)
        finally:
            connection.close()
        if not 200 <= response.status < 300:
            said = self._blotted(body.decode(errors="replace"))
            msg = f"HTTP status {response.status} {said[:80]!a}"
            raise StepFailed(msg)
        return json.loads(body) if body.strip() else None

    def _headers(self, form: str | None) -> dict[str, str]:
        headers = {"User-Agent": "sunshift-release", "Accept": "application/json", "Connection": "close"}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if self._v2:
            headers["Auth-Token"] = self._target.token
        return headers

    def _blotted(self, text: str) -> str:
        return text.replace(self._target.token, "***") if len(self._target.token) >= 8 else text


def _is_received(answer: object) -> bool:
    """Return whether an answer carries return code 0; fail at any other code, as text or as a number."""
    if not isinstance(answer, dict) or "ReturnCode" not in answer:
        return False
    code = _text(answer["ReturnCode"])
    if code != "0":
        msg = f"return code {code[:20]!a}"
        raise StepFailed(msg)
    return True


def _text(value: object) -> str:
    return str(value).strip() if isinstance(value, str | int) else ""


def _number(value: object) -> float | None:
    if isinstance(value, bool):  # to Python a number, to nobody else
        return None
    try:
        number = float(value) if isinstance(value, int | float | str) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def main(argv: list[str] | None = None) -> int:
    """Release the battery of a configuration; return 0 confirmed, 1 not confirmed, 78 configuration unusable."""
    parser = argparse.ArgumentParser(prog="python -m optimizer.release", description="Hand the battery back.")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the service's configuration")
    parser.add_argument("--after-service", action="store_true", help="only if the service left anything standing")
    arguments = parser.parse_args(argv)
    if was_refused():
        sys.stdout.write("another sunshift commands the battery: it is left to that one\n")
        return 0
    if arguments.after_service and not needs_release():
        sys.stdout.write("the service has commanded nothing, or handed the battery back itself\n")
        return 0
    signal.alarm(math.ceil(DEADLINE_S) + 2)  # should a bound above have a hole: the process ends all the same
    try:
        report = release_battery(target_from_config(arguments.config))
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 78
    finally:
        signal.alarm(0)
    sys.stdout.write(f"{report}\n")
    if report.confirmed:
        _clear_record()
    return 0 if report.confirmed else 1


def _clear_record() -> None:
    """Take the service's command off the record; where that cannot be done the guard hands back once more."""
    record = CommandRecord.of_systemd(os.environ)
    if record is not None:
        with suppress(OSError):
            record.clear()


if __name__ == "__main__":
    sys.exit(main())
