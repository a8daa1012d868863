"""A small well-behaved battery over HTTP, V1 and V2 on one port: what it is told takes effect at once."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from support.canary import CANARY

CONSUMPTION_W, PRODUCTION_W = 500, 200


@dataclass
class FakeSonnen:
    """Holds mode and setpoint, logs every request as ``PUT /path body``, and answers as the maker's own pages say."""

    token: str = CANARY
    mode: str = "2"
    setpoint_w: int = 0
    """+ charging [W]."""
    overrides: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    """Status and body in place of the right answer, by path; the request takes no effect."""
    mode_named: bool = True
    """Whether the status tells the mode."""
    mode_call: bool = True
    """Whether V1 has ``/api/setting``."""
    log: list[str] = field(default_factory=list)
    frozen_in: str | None = None
    """The mode that its status tells for ever, with one and the same time; None: it tells what is."""
    told: int = 0
    """How many statuses it has told: its clock goes on by a second with each."""

    def __enter__(self) -> FakeSonnen:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = False  # joined on closing
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()

    @property
    def writes(self) -> list[str]:
        """Return the log without the reads."""
        return [line for line in self.log if "/status" not in line and "/latestdata" not in line]

    def answer(self, method: str, path: str, body: str, token: str | None) -> tuple[int, Any]:  # noqa: PLR0911
        """Return status and JSON of one request."""
        self.log.append(f"{method} {path} {body}".rstrip())
        if path in self.overrides:
            return self.overrides[path]
        version = "v2" if path.startswith("/api/v2/") else "v1"
        if version == "v2" and token != self.token:
            return 401, {"error": "Unauthorized"}
        match method, path.removeprefix(f"/api/{version}").strip("/").split("/"):
            case "GET", ["status"]:
                return 200, self._status()
            case "GET", ["latestdata"] if version == "v2":
                return 200, {"SetPoint_W": -self.setpoint_w, "ic_status": {}}
            case (("PUT" | "POST"), ["setpoint", ("charge" | "discharge") as direction, watts]):
                self.setpoint_w = int(watts) * (1 if direction == "charge" else -1)
                return (201, True) if version == "v2" else (200, {"ReturnCode": "0"})
            case "PUT", ["configurations"] if version == "v2":
                return self._set_mode(body)
            case "GET", ["api", setting] if self.mode_call and setting.startswith("setting?"):
                return self._set_mode(setting.removeprefix("setting?"))
        return 404, {"ReturnCode": "5"}

    def _set_mode(self, setting: str) -> tuple[int, Any]:
        self.mode = setting.removeprefix("EM_OperatingMode=")
        return 200, {"EM_OperatingMode": self.mode}

    def _status(self) -> dict[str, object]:
        self.told += self.frozen_in is None
        mode = self.mode if self.frozen_in is None else self.frozen_in
        power_w = self.setpoint_w if mode == "1" else PRODUCTION_W - CONSUMPTION_W
        time = datetime(2022, 6, 23, 6, 44, 27) + timedelta(seconds=self.told)  # noqa: DTZ001 - as the battery tells it
        status = {
            "Consumption_W": CONSUMPTION_W,
            "GridFeedIn_W": PRODUCTION_W - CONSUMPTION_W - power_w,
            "IsSystemInstalled": 1,
            "OperatingMode": mode,
            "Pac_total_W": -power_w,
            "Production_W": PRODUCTION_W,
            "RSOC": 52,
            "Timestamp": str(time),
            "USOC": 49,
        }
        return status if self.mode_named else {key: value for key, value in status.items() if key != "OperatingMode"}


def _handler(battery: FakeSonnen) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            status, value = battery.answer(self.command, self.path, body, self.headers.get("Auth-Token"))
            data = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Content-Type", "text/html; charset=UTF-8")
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_POST = _answer  # noqa: N815 - the names http.server calls

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    return Handler
