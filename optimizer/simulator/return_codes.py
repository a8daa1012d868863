"""Return codes of the user's document, and the ways they may travel."""

from __future__ import annotations

from enum import IntEnum, StrEnum

from optimizer.simulator.wire import HTML_TYPE, Response, json_response


class ReturnCode(IntEnum):
    """Return codes (user's document, table 3)."""

    RECEIVED = 0
    INVALID_PATH = 5
    INTERNAL_ERROR = 13
    INVALID_METHOD = 16


class ErrorStyle(StrEnum):
    """How return codes 5, 13 and 16 travel; no recorded example is known."""

    OK_WITH_BODY = "ok_with_body"
    """HTTP 200 with the code in the body."""
    STATUS_WITH_BODY = "status_with_body"
    """HTTP 404, 500 or 405 with the code in the body."""
    STATUS_ONLY = "status_only"
    """HTTP 404, 500 or 405 with an empty body."""


_HTTP_STATUS = {
    ReturnCode.RECEIVED: 200,
    ReturnCode.INVALID_PATH: 404,
    ReturnCode.INTERNAL_ERROR: 500,
    ReturnCode.INVALID_METHOD: 405,
}


def coded(code: int, style: ErrorStyle, *, as_number: bool = False) -> Response:
    """Return the reply that carries a return code; one that the document does not know comes as an internal error."""
    known = ReturnCode(code) if code in set(ReturnCode) else ReturnCode.INTERNAL_ERROR
    http_status = 200 if style is ErrorStyle.OK_WITH_BODY else _HTTP_STATUS[known]
    if style is ErrorStyle.STATUS_ONLY and known is not ReturnCode.RECEIVED:
        return Response(status=http_status, content_type=HTML_TYPE)
    return json_response({"ReturnCode": code if as_number else str(code)}, status=http_status, content_type=HTML_TYPE)
