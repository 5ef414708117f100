# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One open connection: the socket, and the TLS that is spoken over it."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Generator
from dataclasses import dataclass
from typing import NamedTuple

try:
    from OpenSSL import SSL
except ImportError:  # plugin_utils/libraries.py says what is missing
    pass

from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.resolve import Address
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.served import HANDSHAKE_FAILED, UNREACHABLE
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.tls import Trouble, is_not_tls

# What a server may send until the handshake is done: ten times the largest list of certificates that OpenSSL takes in.
MOST_BYTES = 1 << 20

_CHUNK_BYTES = 65536


class Wait(NamedTuple):
    """What a visit waits for: `events` (selectors.EVENT_*) on `sock`, until `until` (time.monotonic seconds)."""

    sock: socket.socket
    events: int
    until: float


# Sent in: True when the socket is ready, False when the time is up. Returns what went wrong, or None.
Steps = Generator[Wait, bool, "Trouble | None"]


@dataclass
class Line:
    """A socket and the TLS that is spoken over it, kept apart so that what comes in is seen before OpenSSL reads it:
    of a plain text answer OpenSSL would only say `wrong version number`.

    agreed: whether a dialogue in the clear has come to TLS; heard: whether TLS has come in; flight: what was sent last;
    received: bytes of TLS that have come in; complete: the handshake is.
    """

    sock: socket.socket
    address: Address
    connection: SSL.Connection
    agreed: bool = False
    heard: bool = False
    flight: bytes = b""
    received: int = 0
    complete: bool = False

    def send(self) -> None:
        """Pass on what TLS has to say: some kilobytes at most, for which a new connection's buffer has room."""
        with contextlib.suppress(SSL.WantReadError):
            self.flight = self.connection.bio_read(_CHUNK_BYTES)
            self.sock.sendall(self.flight)

    def receive(self) -> Trouble | None:
        """Take in what has come; what is wrong with it, or None."""
        try:
            data = self.sock.recv(_CHUNK_BYTES)
        except BlockingIOError:
            return None
        except OSError as error:
            return self.broken(os.strerror(error.errno or 0))
        if not data:
            return self.broken("it closed the connection")
        trouble = self._flooded(len(data)) if self.heard else is_not_tls(data)
        self.heard = True
        self.connection.bio_write(data)
        return trouble

    def _flooded(self, more: int) -> Trouble | None:
        """OpenSSL skips over some messages, however many come (HelloRequest, RFC 5246 7.4.1.1)."""
        self.received += more
        if self.received <= MOST_BYTES:
            return None
        return Trouble(
            HANDSHAKE_FAILED, f"{self.address.label} sent more than {MOST_BYTES} bytes without completing the handshake"
        )

    def broken(self, how: str) -> Trouble:
        """The failure that an end of the connection is just now."""
        if self.heard:
            where = "after the handshake" if self.complete else "in mid-handshake"
            return Trouble(HANDSHAKE_FAILED, f"{self.address.label} broke off {where}: {how}")
        if self.agreed:
            return Trouble(HANDSHAKE_FAILED, f"{self.address.label} agreed to TLS and broke off: {how}")
        return Trouble(UNREACHABLE, f"{self.address.label} took the connection and broke off without a byte: {how}")

    def silent(self, seconds: float) -> Trouble:
        """The failure that silence is just now."""
        if self.heard:
            said = f"{self.address.label} fell silent in mid-handshake for {seconds:g} s"
            return Trouble(HANDSHAKE_FAILED, said, silent=True)
        if self.agreed:
            return Trouble(
                HANDSHAKE_FAILED, f"{self.address.label} agreed to TLS and sent nothing more for {seconds:g} s"
            )
        return Trouble(UNREACHABLE, f"{self.address.label} took the connection but sent nothing within {seconds:g} s")
