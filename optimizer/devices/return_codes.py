"""The return codes of the user's document (chapter 3, table 3)."""

from __future__ import annotations

from optimizer.devices.strict_json import excerpt
from optimizer.errors import DeviceInternalError, DeviceRefused, InvalidHttpMethod, InvalidRequestPath

_REFUSALS: dict[str, tuple[type[DeviceRefused], str]] = {
    "5": (
        InvalidRequestPath,
        'the battery does not know this path. Its firmware may speak another API: try battery.driver = "sonnen_v2"',
    ),
    "13": (
        DeviceInternalError,
        "the battery failed inside. It may be busy or restarting; if it stays so, restart it or ask its maker",
    ),
    "16": (
        InvalidHttpMethod,
        'it does not accept this HTTP method. Its firmware may speak another API: try battery.driver = "sonnen_v2"',
    ),
}


def refuse_return_code(code: object, where: str, *, absent: str | None = None) -> None:
    """Return on code 0, number or text; raise the code's own error on any other.

    Parameters
    ----------
    code
        The value of ``ReturnCode``.
    where
        The request, for the message.
    absent
        What code 5 means and what to do, where more is known of the path.

    Raises
    ------
    InvalidRequestPath, DeviceInternalError, InvalidHttpMethod
        On 5, 13 and 16.
    DeviceRefused
        On any other code.
    """
    text = "" if isinstance(code, bool) or not isinstance(code, int | str) else str(code).strip()
    if text == "0":
        return
    refusal, meaning = _REFUSALS.get(
        text, (DeviceRefused, "a code the document does not know. Look for it in the notes to the battery's firmware")
    )
    if refusal is InvalidRequestPath and absent is not None:
        meaning = absent
    shown = text if text.isdecimal() and len(text) < 6 else excerpt(code, 20)
    msg = f"{where}: return code {shown}: {meaning}."
    raise refusal(msg)
