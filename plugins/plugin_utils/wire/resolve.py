# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names to addresses, beside the visits: the system's resolver blocks, and may do so for half a minute."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# Lookups at a time. One thread each, since getaddrinfo cannot be interrupted.
_LOOKUPS = 64


@dataclass(frozen=True)
class Address:
    """Where to connect: what socket.connect takes for `family`, and the IP address as text."""

    family: socket.AddressFamily
    sockaddr: tuple[Any, ...]

    @property
    def host(self) -> str:
        """The IP address, with its zone when it has one."""
        return str(self.sockaddr[0])

    @property
    def label(self) -> str:
        """`192.0.2.7 port 443`, for messages."""
        return f"{self.host} port {self.sockaddr[1]}"


@dataclass(frozen=True)
class Resolved:
    """addresses: in the resolver's order (RFC 6724), none when it failed; failure: why. took: seconds."""

    addresses: tuple[Address, ...]
    took: float
    failure: str | None = None


def literal(host: str, port: int) -> Address | None:
    """The address that `host` is already, or None when it is a name."""
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        return None
    if version == 4:
        return Address(socket.AF_INET, (host, port))
    # getaddrinfo reads a zone (fe80::1%eth0) into the scope id; with AI_NUMERICHOST it asks nobody.
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    return Address(socket.AF_INET6, found[0][4])


def look_up(host: str, port: int) -> Resolved:
    """Ask the system's resolver. Blocks; a name without an address is a failure in the result."""
    since = time.monotonic()
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        return Resolved((), time.monotonic() - since, f"{host} does not resolve: {error.strerror}")
    except UnicodeError as error:
        return Resolved((), time.monotonic() - since, f"{host} does not resolve: {error}")
    addresses = dict.fromkeys(Address(family, sockaddr) for family, _type, _proto, _name, sockaddr in found)
    return Resolved(tuple(addresses), time.monotonic() - since)


class Resolver:
    """Looks up names in threads of its own and hands each result to `done`, from any thread.

    A lookup that takes longer than its timeout is given up by `expire`, which has to be called now and then; its
    thread, which nothing can stop, no longer counts and ends by itself.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[_Lookup] = deque()
        self._running: set[_Lookup] = set()

    def submit(self, host: str, port: int, seconds: float, done: Callable[[Resolved], None]) -> None:
        """Look up `host`; `done` gets the result, at the latest `seconds` after the lookup has begun."""
        with self._lock:
            self._waiting.append(_Lookup(host, port, seconds, done))
        self._start_next()

    def expire(self) -> None:
        """Give up the lookups whose time is up."""
        now = time.monotonic()
        with self._lock:
            late = [lookup for lookup in self._running if now >= lookup.since + lookup.seconds]
        for lookup in late:
            failure = f"{lookup.host} was not resolved within {lookup.seconds:g} s"
            self._finish(lookup, Resolved((), lookup.seconds, failure))

    def _start_next(self) -> None:
        with self._lock:
            if not self._waiting or len(self._running) >= _LOOKUPS:
                return
            lookup = self._waiting.popleft()
            lookup.since = time.monotonic()
            self._running.add(lookup)
        # A daemon, or a stuck lookup would hold up the end of the process.
        threading.Thread(target=self._run, args=(lookup,), daemon=True).start()

    def _run(self, lookup: _Lookup) -> None:
        self._finish(lookup, look_up(lookup.host, lookup.port))

    def _finish(self, lookup: _Lookup, resolved: Resolved) -> None:
        with self._lock:
            if lookup not in self._running:
                return
            self._running.remove(lookup)
        lookup.done(resolved)
        self._start_next()


@dataclass(eq=False)
class _Lookup:
    host: str
    port: int
    seconds: float
    done: Callable[[Resolved], None]
    since: float = 0.0
