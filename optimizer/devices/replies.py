"""What an answer to a request means, from its HTTP status and, first, from its body.

The user's document lists return codes but not where they stand; public clients find them in the body, with HTTP
status 200 at least sometimes. So the body is asked first, and whatever it leaves open the status decides.
"""

from __future__ import annotations

from optimizer.devices.http import Reply
from optimizer.devices.return_codes import refuse_return_code
from optimizer.devices.strict_json import excerpt, parse_json
from optimizer.errors import (
    DeviceError,
    DeviceInternalError,
    DeviceProtocolError,
    DeviceRefused,
    DeviceUnauthorized,
    DeviceUnreachable,
    ExternalControl,
    InvalidHttpMethod,
    InvalidRequestPath,
)

_RESTARTING = (
    DeviceUnreachable,
    "its web server answers but its software does not. It is likely restarting, as it does nightly for some minutes",
)
_STATUSES: dict[int, tuple[type[DeviceError], str]] = {
    400: (DeviceRefused, "it calls the request invalid. Check the limits in [battery] against the unit's own"),
    401: (
        DeviceUnauthorized,
        "the token is missing or wrong. Create one on the battery's own page, and put it into battery.token_file",
    ),
    403: (
        DeviceUnauthorized,
        "the token lacks this right. Enable both Read API and Write API on the battery's own page",
    ),
    405: (
        InvalidHttpMethod,
        "it does not accept this HTTP method here. Its firmware speaks another version of the API",
    ),
    429: (DeviceRefused, "too many requests. Poll it more slowly (control.poll_interval)"),
    502: _RESTARTING,
    503: _RESTARTING,
    504: _RESTARTING,
}
_VPP = (
    ExternalControl,
    "a virtual power plant or another controller has priority. End its control of the battery, or run with --observe",
)


def refuse_failure(reply: Reply, *, absent: str) -> None:
    """Return on an HTTP status of success; raise the error that fits any other.

    Parameters
    ----------
    reply
        The answer.
    absent
        What it means and what to do when the device does not know the path (404), which depends on the path.

    Raises
    ------
    DeviceError
        The narrowest that fits: the body's return code before the status.
    """
    if reply.ok:
        return
    code = _return_code(reply)
    if code is not None:
        refuse_return_code(code, reply.where, absent=absent)
    kind, meaning = _meaning(reply, absent)
    said = f" It says {excerpt(reply.body)}." if reply.body.strip() else ""
    msg = f"{reply.where}: HTTP status {reply.status}: {meaning}.{said}"
    raise kind(msg)


def acknowledged(reply: Reply, *, absent: str) -> object:
    """Return what the body of a command's answer says beyond "yes"; None where it says no more than that.

    Yes is return code 0, ``true``, or an empty body with a status of success: the document promises a body, but it
    would be worth no more, as the device acknowledges garbage too. What counts is the read-back.

    Raises
    ------
    DeviceError
        If the answer is no, or no answer to a command at all.
    """
    refuse_failure(reply, absent=absent)
    value = parse_json(reply.body, reply.where) if reply.body.strip() else None
    if value is None or value is True:
        return None
    if isinstance(value, dict) and "ReturnCode" in value:
        refuse_return_code(value["ReturnCode"], reply.where, absent=absent)
        return None
    if value is False or (isinstance(value, dict) and "error" in value):
        kind, meaning = _VPP if _names_vpp(reply) else (DeviceRefused, "the battery refuses")
        msg = f"{reply.where}: {meaning}. It says {excerpt(reply.body)}."
        raise kind(msg)
    if value == {}:
        msg = (
            f"{reply.where}: an empty answer, as older firmware gives without a valid token. Check battery.token_file."
        )
        raise DeviceUnauthorized(msg)
    return value


def acknowledged_setpoint(reply: Reply, *, absent: str) -> None:
    """Return if a setpoint was accepted.

    Raises
    ------
    DeviceError
        If it was not, or the answer is none to a setpoint.
    """
    value = acknowledged(reply, absent=absent)
    if value is not None:
        msg = (
            f"{reply.where}: expected a return code or true, got {excerpt(reply.body)}. Is this address the battery's?"
        )
        raise DeviceProtocolError(msg)


def acknowledged_mode(reply: Reply, code: str, *, absent: str) -> None:
    """Return if a change of mode was accepted: not contradicted by an ``EM_OperatingMode`` in the answer.

    Raises
    ------
    DeviceError
        If it was not.
    """
    value = acknowledged(reply, absent=absent)
    echo = value.get("EM_OperatingMode", code) if isinstance(value, dict) else code
    if str(echo).strip() != code:
        msg = (
            f"{reply.where}: asked for operating mode {code}, the battery keeps {excerpt(echo, 20)}. "
            "Something else may control it: its app, a virtual power plant, another controller."
        )
        raise DeviceRefused(msg)


def _meaning(reply: Reply, absent: str) -> tuple[type[DeviceError], str]:
    if reply.status == 403 and _names_vpp(reply):
        return _VPP
    if reply.status == 404:
        return InvalidRequestPath, absent
    if reply.status in _STATUSES:
        return _STATUSES[reply.status]
    if 400 <= reply.status < 500:
        return DeviceRefused, "the battery refuses the request"
    if 500 <= reply.status < 600:
        return DeviceInternalError, "the battery failed inside. If it stays so, restart it or ask its maker"
    return DeviceProtocolError, "no status the protocol knows. Is this address the battery's?"


def _names_vpp(reply: Reply) -> bool:
    return b"vpp" in reply.body.lower()


def _return_code(reply: Reply) -> object:
    """Return the body's return code; None where it holds none, whatever else it is."""
    try:
        value = parse_json(reply.body, reply.where)
    except DeviceProtocolError:
        return None
    return value.get("ReturnCode") if isinstance(value, dict) else None
