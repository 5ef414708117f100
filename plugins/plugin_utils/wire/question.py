# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A question after the handshake: nginx, for one, takes every client into TLS and turns it away in its HTTP answer."""

from __future__ import annotations

import re
import selectors
from collections.abc import Generator
from dataclasses import dataclass

try:
    from OpenSSL import SSL
except ImportError:  # plugin_utils/libraries.py says what is missing
    pass

from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.line import Line, Wait
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.tls import Trouble, handshake_trouble

_REQUEST = "GET / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: fullchain.tls\r\nAccept: */*\r\nConnection: close\r\n\r\n"
_MOST_BYTES = 16384  # of an answer; the page that says why is shorter
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})\b")
# What nginx writes beneath `400 Bad Request` (its own codes 495 and 496 are not sent).
_NOTICE = re.compile(rb"No required SSL certificate was sent|The SSL certificate error")
_BAD_REQUEST = 400
# 100 Continue, 103 Early Hints (RFC 9110, 15.2): the answer proper follows.
_INFORMATION = re.compile(rb"\A(?:HTTP/1\.1 1\d\d\b.*?\r\n\r\n)+", re.DOTALL)


@dataclass
class Answer:
    """What came back: an HTTP status, and what it says of the client certificate; or trouble, when TLS ended instead."""

    trouble: Trouble | None = None
    status: int | None = None
    notice: str | None = None
    closed: bool = False  # the connection ended without a byte of an answer, and without an alert


def ask(line: Line, host: str, until: float) -> Generator[Wait, bool, Answer]:
    """Send a request for the root of `host`, and read until it is clear what the answer says of client certificates.

    A server that speaks another protocol than HTTP, is silent or closes the connection gives neither status nor trouble: only an
    alert refuses.
    """
    line.connection.send(_REQUEST.format(host=f"[{host}]" if ":" in host else host).encode("ascii"))
    said = b""
    try:
        line.send()
        while len(said) < _MOST_BYTES and not _is_clear(said):
            if not (yield Wait(line.sock, selectors.EVENT_READ, until)):
                break
            ended = line.receive()
            said = _INFORMATION.sub(b"", said + _decrypted(line.connection))
            line.send()  # what TLS has to say to a renegotiation or a new key
            if ended:
                return _read(said, closed=not said)
    except (SSL.ZeroReturnError, SSL.SysCallError, OSError):
        return _read(said, closed=not said)
    except SSL.Error as error:
        return _read(said) if said else Answer(handshake_trouble(error))
    return _read(said)


def _decrypted(connection: SSL.Connection) -> bytes:
    """All that has come in: one call gives one record."""
    data = b""
    try:
        while len(data) < _MOST_BYTES:
            data += connection.recv(_MOST_BYTES)
    except SSL.WantReadError:
        pass
    except SSL.Error:
        if not data:
            raise
    return data


def _is_clear(said: bytes) -> bool:
    found = _STATUS.match(said)
    return found is not None and (int(found[1]) != _BAD_REQUEST or bool(_NOTICE.search(said)))


def _read(said: bytes, closed: bool = False) -> Answer:
    status, notice = _STATUS.match(said), _NOTICE.search(said)
    return Answer(
        status=int(status[1]) if status else None,
        closed=closed,
        notice=notice[0].decode("ascii") if notice and status and int(status[1]) == _BAD_REQUEST else None,
    )
