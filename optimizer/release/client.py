"""The few requests that handing a battery back takes, each with an end. Standard library only."""

from __future__ import annotations

import http.client
import json

from optimizer.bounded_socket import CallAborted, NameLookup, Remaining, connect
from optimizer.clock import real_deadline
from optimizer.release.status import AUTOMATIC, Status, text
from optimizer.release.target import ReleaseTarget

CALL_S, STATUS_S = 2.0, 4.0
"""Longest time of one call, so that a hanging step leaves time for the next; a status may take longer [s]."""
MAX_BODY_BYTES = 64 * 1024

HAND_BACK_CODES = {"automatic": AUTOMATIC, "time_of_use": ("10",), "backup": ("7",)}
"""What to set, first, and what else the device may show instead."""


class StepFailed(Exception):  # noqa: N818 - an outcome that becomes a line of the report
    """One step did not work; says why."""


class Unanswered(StepFailed):
    """Nobody answered, or somebody who knows no such call: another device at the address that the battery had."""


class NotAYes(StepFailed):
    """A step was answered, neither with a yes nor with a no."""


class ReleaseClient:
    """The few requests that handing back takes.

    Parameters
    ----------
    target
        The battery.
    remaining
        Tells how long all of it may still take [s].

    Attributes
    ----------
    sets_mode
        Whether the battery has a mode call.
    codes
        Numbers of the mode it is handed back to, the one to set first.
    """

    def __init__(self, target: ReleaseTarget, remaining: Remaining) -> None:
        self._target, self._remaining = target, remaining
        self._v2 = target.driver == "sonnen_v2"
        self._port = target.tcp_port
        self._lookup = NameLookup(target.host, self._port, found_at=target.found_at)
        self.sets_mode = target.sets_mode
        self.codes = HAND_BACK_CODES[target.hand_back_mode]
        self._status_s = CALL_S  # the first look comes before all else: it may not cost the time of what is to be sent

    def zero_paths(self) -> tuple[str, str]:
        """Return the paths that zero both setpoints."""
        version = "v2" if self._v2 else "v1"
        return f"/api/{version}/setpoint/charge/0", f"/api/{version}/setpoint/discharge/0"

    def zero(self, path: str) -> str:
        """Zero one setpoint."""
        answer = self._call("POST" if self._v2 else "PUT", path)
        if not _is_received(answer) and answer is not None and answer is not True:
            raise NotAYes("the answer is not a yes")
        return "accepted"

    def set_mode(self) -> str:
        """Set the owner's mode; no answer and one without a word about it pass, for reading back decides."""
        setting = f"EM_OperatingMode={self.codes[0]}"
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
        kept = text(answer.get("EM_OperatingMode", self.codes[0]))
        if kept not in self.codes:
            msg = f"the battery keeps mode {self._blotted(kept)[:20]!a}"
            raise StepFailed(msg)

    def status(self) -> Status:
        """Return what the battery says of itself.

        Raises
        ------
        StepFailed
            It says nothing that could be understood.
        """
        longest_s, self._status_s = self._status_s, STATUS_S
        status = self._call("GET", "/api/v2/status" if self._v2 else "/api/v1/status", longest_s=longest_s)
        if not isinstance(status, dict):
            raise StepFailed("the status is not a JSON object")
        return status

    def _call(self, method: str, path: str, form: str | None = None, *, longest_s: float | None = None) -> object:
        """Return the JSON of an answer, None where it has none.

        Raises
        ------
        StepFailed
            If there is no answer in time, or it does not say success.
        """
        whole = self._remaining
        call = real_deadline(CALL_S if longest_s is None else longest_s)
        try:
            return self._exchange(method, path, form, lambda: min(whole(), call()))
        except (CallAborted, OSError, http.client.HTTPException, ValueError, RecursionError) as error:
            raise Unanswered(self._told(error)) from None

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
            strange = response.status == 404 or response.status < 400
            raise (Unanswered if strange else StepFailed)(msg)
        return json.loads(body) if body.strip() else None

    def _headers(self, form: str | None) -> dict[str, str]:
        headers = {"User-Agent": "sunshift-release", "Accept": "application/json", "Connection": "close"}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if self._v2:
            headers["Auth-Token"] = self._target.token
        return headers

    def _told(self, error: Exception) -> str:
        return self._blotted(f"{type(error).__name__}: {error}")[:200]

    def _blotted(self, text: str) -> str:
        return text.replace(self._target.token, "***") if len(self._target.token) >= 8 else text


def _is_received(answer: object) -> bool:
    """Return whether an answer carries return code 0; fail at any other code, as text or as a number."""
    if not isinstance(answer, dict) or "ReturnCode" not in answer:
        return False
    code = text(answer["ReturnCode"])
    if code != "0":
        msg = f"return code {code[:20]!a}"
        raise StepFailed(msg)
    return True
