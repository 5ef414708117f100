# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A web server on loopback with pages in memory."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.unit.wire.servers import HOST


class Pages:
    """What is served, and how often each path was asked for."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: Counter[str] = Counter()
        self._pages: dict[str, bytes] = {}

    def url(self, path: str) -> str:
        return f"http://{HOST}:{self.port}{path}"

    def put(self, path: str, content: bytes) -> None:
        self._pages[path] = content

    def get(self, path: str) -> bytes | None:
        """A page; below one whose path ends with a slash everything is that page, as a responder takes OCSP requests (RFC 6960 A.1)."""
        page = next((known for known in self._pages if known.endswith("/") and path.startswith(known)), path)
        self.asked[page] += 1
        return self._pages.get(page)


@contextmanager
def pages() -> Iterator[Pages]:
    """A server with no page yet: what it has not answers 404 Not Found."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = served.get(self.path)
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *_message: object) -> None:
            """Nothing: pytest's output is for failures."""

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        served = Pages(server.server_port)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield served
        finally:
            server.shutdown()
