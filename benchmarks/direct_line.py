"""The simulated battery without the wire: the same requests and answers, handed over in process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from optimizer.devices.http import BoundedHttp, Reply
from optimizer.devices.simulated.outage import Availability
from optimizer.simulator.delivery import Manner
from optimizer.simulator.server import SimulatorServer
from optimizer.simulator.wire import Request


class DirectLine:
    """Stands in for a driver's :class:`BoundedHttp` while nothing can be wrong with the wire.

    Sockets, threads and HTTP headers are most of what a poll costs. What the battery answers, and all that the driver
    does with it, stays as it is.

    Parameters
    ----------
    http
        The wire: used whenever ``on_the_wire`` says so, or the battery does not listen.
    server
        The battery at its other end.
    face
        ``v1`` or ``v2``.
    on_the_wire
        Whether the wire matters now.
    """

    def __init__(self, http: BoundedHttp, server: SimulatorServer, face: str, on_the_wire: Callable[[], bool]) -> None:
        self._http, self._server, self._face, self._on_the_wire = http, server, face, on_the_wire
        self.address = http.address

    def request(self, method: str, path: str, *, form: Mapping[str, str] | None = None) -> Reply:
        """Send one request and return the answer, whatever its status."""
        if self._on_the_wire() or self._server.house.availability() is not Availability.UP:
            return self._http.request(method, path, form=form)
        answer = self._server.v1.answer if self._face == "v1" else self._server.v2.answer
        delivery = self._server._answer(self._face, self._asked(method, path, form), answer)  # noqa: SLF001
        assert delivery.manner is Manner.WHOLE, "a fault of the wire needs the wire"
        where = f"{method} http://{self.address}{path}"
        return Reply(where=where, status=delivery.response.status, body=delivery.response.body)

    def _asked(self, method: str, path: str, form: Mapping[str, str] | None) -> Request:
        parts = urlsplit(path)
        return Request(
            method=method,
            path=parts.path,
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self._http._secret_headers.items()},  # noqa: SLF001
            body="" if form is None else urlencode(form),
            keep_alive=False,
        )
