# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Visitors who come to the sites of a lab all the time, to see that a change is none that they notice."""

from __future__ import annotations

import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab import Lab, name


class Visitor(threading.Thread):
    """Asks for a page over TLS, again and again, each time on a new connection; counts what comes of it."""

    def __init__(self, address: str, host: str) -> None:
        super().__init__(daemon=True)
        self.address, self.host = address, host
        self.seen: Counter[str] = Counter()
        self.over = threading.Event()

    def run(self) -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        while not self.over.wait(0.02):
            try:
                self.seen[self._visit(context)] += 1
            except OSError as error:
                self.seen[repr(error)] += 1

    def _visit(self, context: ssl.SSLContext) -> str:
        with (
            socket.create_connection((self.address, 443), 5) as plain,
            context.wrap_socket(plain, server_hostname=self.host) as connection,
        ):
            connection.sendall(f"GET / HTTP/1.1\r\nHost: {self.host}\r\nConnection: close\r\n\r\n".encode())
            status = connection.recv(15).decode("latin-1")[9:12]
            leaf = ssl.DER_cert_to_PEM_cert(connection.getpeercert(binary_form=True) or b"")
        return f"{status} {leaf.splitlines()[3]}"


@contextmanager
def visited(lab: Lab, number: int) -> Iterator[list[Visitor]]:
    """One visitor of siteN on each host, who has left when this ends."""
    visitors = [Visitor(address, name(host, number)) for host, address in lab.addresses.items()]
    for visitor in visitors:
        visitor.start()
    try:
        yield visitors
    finally:
        for visitor in visitors:
            visitor.over.set()
            visitor.join()
