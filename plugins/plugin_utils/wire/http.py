# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetch what certificates point at (CRLs, OCSP responses, issuers), over plain HTTP and within bounds.

The addresses come out of certificates that anyone may serve, and what comes back is signed: so http alone is spoken (https
would want a certificate to be judged first, RFC 5280 8), nothing inside one's own network is touched unless that is
allowed, and size and time end. No proxy is used.
"""

from __future__ import annotations

import http.client
import io
import queue
import socket
import threading
import time
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import printable
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.addresses import forbidden
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.resolve import Address, Resolved, look_up

_MOST_REDIRECTS = 3
_KEEPS_METHOD = (HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT)
_REDIRECTS = (*_KEEPS_METHOD, HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.FOUND, HTTPStatus.SEE_OTHER)

# What the head of an answer, and the framing of chunks, may have beside the body.
_MOST_HEAD_BYTES = 65536
_CHUNK_BYTES = 65536


@dataclass(frozen=True)
class Request:
    """What to ask for. most_bytes: a larger answer is none. body: POST that, as content_type; None: GET."""

    url: str
    most_bytes: int
    body: bytes | None = None
    content_type: str = ""


@dataclass(frozen=True)
class Answer:
    """What came back: the body of a 200, or a failure, which continues a sentence about the address: `answered 404 Not Found`."""

    body: bytes = b""
    failure: str | None = None


class _Refusal(Exception):
    """Why there is no body."""


def fetch(request: Request, seconds: float, allow_private: bool = False) -> Answer:
    """Fetch one address. A failure is a value; nothing is raised.

    seconds: for everything together, names and redirects included. allow_private: private and loopback addresses, too.
    Redirects are followed on the same host and port alone.
    """
    until = time.monotonic() + seconds
    try:
        return Answer(_follow(request, _Limits(until, seconds, allow_private)))
    except _Refusal as refusal:
        return Answer(failure=str(refusal))
    except TimeoutError:
        return Answer(failure=f"was not done within {seconds:g} s")
    except OSError as error:
        return Answer(failure=f"broke off: {error.strerror or error}")
    except http.client.IncompleteRead:
        return Answer(failure="broke off before the end")
    except (http.client.HTTPException, ValueError) as error:
        # The exception's text may be bytes of the server's: a status line, say
        return Answer(failure=f"answered something other than HTTP: {type(error).__name__}")


@dataclass(frozen=True)
class _Limits:
    until: float  # time.monotonic seconds
    seconds: float  # what that stands for, for messages
    allow_private: bool

    def left(self) -> float:
        """Seconds that are left. Raises TimeoutError when there are none."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def _follow(request: Request, limits: _Limits) -> bytes:
    """The body at the end of the redirects."""
    for _hop in range(_MOST_REDIRECTS + 1):
        answer = _ask(request, limits)
        if isinstance(answer, bytes):
            return answer
        target = _joined(request.url, answer)
        if _host_of(_split(target, redirected=True)) != _host_of(_split(request.url)):
            raise _Refusal(f"redirects to another host, {_quoted(target)}, which is not followed")
        request = replace(request, url=target)
    raise _Refusal(f"redirects more than {_MOST_REDIRECTS} times")


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise _Refusal(f"redirects to {_quoted(location)}, which is no URL") from None


def _split(url: str, redirected: bool = False) -> SplitResult:
    """The parts of an http URL that can be fetched. Raises _Refusal."""
    what = f"redirects to {_quoted(url)}, which " if redirected else ""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _Refusal(f"{what}is no URL") from None
    if parts.scheme != "http":
        raise _Refusal(f"{what}is not fetched: http alone is")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise _Refusal(f"{what}is no URL")
    if not parts.hostname or parts.username is not None or port == 0:
        raise _Refusal(f"{what}is no URL of a host")
    return parts


def _host_of(parts: SplitResult) -> tuple[str, int]:
    return str(parts.hostname), parts.port or http.client.HTTP_PORT


def _quoted(url: str) -> str:
    return f"'{printable(url[:200])}'"


def _ask(request: Request, limits: _Limits) -> bytes | str:
    """One exchange: the body, or where it redirects to."""
    parts = _split(request.url)
    connection = _Connection(*_host_of(parts), limits, request.most_bytes + _MOST_HEAD_BYTES)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"Connection": "close", "Accept": "*/*", "User-Agent": "fullchain.tls"}
    if request.body is not None:
        headers["Content-Type"] = request.content_type
    try:
        connection.request("GET" if request.body is None else "POST", path, request.body, headers)
        response = connection.getresponse()
        if response.status in _REDIRECTS:
            return _location(request, response)
        if response.status != HTTPStatus.OK:
            raise _Refusal(f"answered {response.status} {printable(response.reason[:100])}".rstrip())
        return _body(response, request.most_bytes)
    finally:
        connection.hang_up()


def _location(request: Request, response: http.client.HTTPResponse) -> str:
    """RFC 9110 15.4: a POST stays one only for 307 and 308, and an OCSP request that becomes a GET is none."""
    location = response.getheader("Location")
    if not location or (request.body is not None and response.status not in _KEEPS_METHOD):
        raise _Refusal(f"answered {response.status} {printable(response.reason[:100])}".rstrip())
    return location


def _body(response: http.client.HTTPResponse, most_bytes: int) -> bytes:
    if (response.length or 0) > most_bytes:
        raise _Refusal(f"is {response.length} bytes, more than the {most_bytes} that are taken")
    body = response.read(most_bytes + 1)
    if len(body) > most_bytes:
        raise _Refusal(f"is more than the {most_bytes} bytes that are taken")
    if response.length:
        raise _Refusal(f"broke off {response.length} bytes before the end")
    return body


class _Connection(http.client.HTTPConnection):
    """One that connects to addresses that may be, and ends in time."""

    def __init__(self, host: str, port: int, limits: _Limits, most_bytes: int) -> None:
        super().__init__(host, port)
        self._limits, self._most_bytes = limits, most_bytes
        self._plain: socket.socket | None = None

    def connect(self) -> None:
        resolved = _look_up(self.host, self.port, self._limits)
        if resolved.failure:
            raise _Refusal(f"cannot be asked: {resolved.failure}")
        kinds = {address: forbidden(address.host, self._limits.allow_private) for address in resolved.addresses}
        # The very address that was looked at is connected to, so that no second lookup can bring another.
        allowed = tuple(address for address, kind in kinds.items() if kind is None)
        if not allowed:
            refused = ", ".join(f"{address.host} is {kind}" for address, kind in kinds.items())
            allowable = any(forbidden(address.host, allow_private=True) is None for address in kinds)
            raise _Refusal(f"is not fetched{' without fetch_private' if allowable else ''}: {refused}")
        self._plain = self._first(allowed)
        self.sock = _Line(self._plain, self._limits, self._most_bytes)

    def hang_up(self) -> None:
        """Close what `close` leaves open, since http.client calls that before it reads the body."""
        if self._plain is not None:
            self._plain.close()

    def _first(self, addresses: tuple[Address, ...]) -> socket.socket:
        """A socket to the first address that takes the connection."""
        said = "no address"
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            try:
                sock = socket.socket(address.family, socket.SOCK_STREAM)
            except OSError as error:
                said = f"no socket for {address.label}: {error.strerror}"
                continue
            try:
                # A share of the time for each, or a black hole in front would use up the others'.
                sock.settimeout(self._limits.left() / left)
                sock.connect(address.sockaddr)
            except OSError as error:
                sock.close()
                said = _said(address, error, self._limits)
            else:
                return sock
        raise _Refusal(said)


def _said(address: Address, error: OSError, limits: _Limits) -> str:
    if isinstance(error, TimeoutError):
        return f"cannot be reached: {address.label} took no connection within {limits.seconds:g} s"
    if isinstance(error, ConnectionRefusedError):
        return f"cannot be reached: {address.label} refused the connection"
    return f"cannot be reached: {address.label}: {error.strerror}"


def _look_up(host: str, port: int, limits: _Limits) -> Resolved:
    """Resolve in a thread of its own, which nothing can stop, but which need not be waited for."""
    answer: queue.SimpleQueue[Resolved] = queue.SimpleQueue()
    threading.Thread(target=lambda: answer.put(look_up(host, port)), daemon=True).start()
    try:
        return answer.get(timeout=limits.left())
    except queue.Empty:
        return Resolved((), limits.seconds, f"{host} was not resolved within {limits.seconds:g} s")


class _Line:
    """What http.client wants of a socket, with one time limit over everything instead of one for each call."""

    def __init__(self, sock: socket.socket, limits: _Limits, most_bytes: int) -> None:
        self._sock, self._limits, self._most_bytes = sock, limits, most_bytes

    def sendall(self, data: bytes) -> None:
        self._sock.settimeout(self._limits.left())
        self._sock.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._sock, self._limits, self._most_bytes), _CHUNK_BYTES)

    def close(self) -> None:
        """Nothing: see hang_up."""


class _Reader(io.RawIOBase):
    def __init__(self, sock: socket.socket, limits: _Limits, most_bytes: int) -> None:
        self._sock, self._limits, self._left = sock, limits, most_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(self._limits.left())
        read = self._sock.recv_into(buffer)
        self._left -= read
        if self._left < 0:
            raise _Refusal("is more than is taken, its head and framing included")
        return read
