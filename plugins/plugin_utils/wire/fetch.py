# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetch what many endpoints serve, at the same time.

A few threads, each with an event loop over non-blocking sockets: a silent endpoint costs a place in a table and no
thread, and the cryptography runs on all cores (OpenSSL is called without Python's lock).
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

try:
    import resource
except ImportError:  # not on every system that runs Python; only the limit of open files is read from it
    resource = None  # type: ignore[assignment]

from ansible_collections.fullchain.tls.plugins.module_utils.s_client import Offer
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import Credential, Endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.line import Wait
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.looks import Look, gather, looks, offers
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.resolve import Resolved, Resolver, literal
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.served import UNREACHABLE, Served
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.tls import EVERYTHING, new_context
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.visit import Visit, visit

DEFAULT_TIMEOUT = 10.0
DEFAULT_WORKERS = 16

_MAX_THREADS = 4
_MAX_OPEN = 512
# After this long an endpoint that isn't done gives up its place among the workers: it is far away, or dead.
_PATIENCE = 0.2
# How often time limits are looked at: a timeout may be late by this much.
_TICK = 0.05


def fetch_all(
    endpoints: Sequence[Endpoint],
    timeout: float = DEFAULT_TIMEOUT,
    workers: int = DEFAULT_WORKERS,
    staple: bool = False,
) -> list[Served]:
    """What each endpoint serves, in the order of `endpoints`. A failure is a result, never an exception.

    One result for each endpoint, and several for one that asks for several connections (looks.py).
    timeout: seconds for an endpoint's name resolution, connection and handshake together, where it has none itself.
    workers: endpoints that are worked on at the same time, not counting those that keep us waiting.
    staple: ask for stapled OCSP responses.
    """
    work = _Work(endpoints, timeout, staple)
    count = max(1, min(_MAX_THREADS, os.cpu_count() or 1, workers, len(endpoints)))
    loops = [_Loop(work, -(-workers // count), _open_limit() // count) for _number in range(count)]
    threads = [threading.Thread(target=loop.run, daemon=True) for loop in loops]
    work.start([loop.wake for loop in loops])
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return work.results()


def _open_limit() -> int:
    """Sockets that may be open at a time: half of what the process may have, the rest is its own."""
    if resource is None:
        return _MAX_OPEN
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MAX_OPEN if soft == resource.RLIM_INFINITY else max(8, min(_MAX_OPEN, soft // 2))


def _hello(endpoint: Endpoint, offer: Offer) -> tuple[Offer, Credential | None]:
    """What makes one TLS client another."""
    return offer, None if offer.anonymous else endpoint.credential


_Place = tuple[int, int]  # of a connection: the endpoint's, and which of its connections


class _Work:
    """What is left to visit, and what was found. Shared by the loops; deque and list operations are atomic."""

    def __init__(self, endpoints: Sequence[Endpoint], timeout: float, staple: bool) -> None:
        self._endpoints = endpoints
        self._timeout = timeout
        hellos = {_hello(endpoint, offer) for endpoint in endpoints for offer in offers(endpoint)}
        self._contexts = {hello: new_context(hello[0], staple, hello[1]) for hello in hellos}
        self._ready: deque[tuple[_Place, Look, float]] = deque()
        self._found: list[list[tuple[Offer, Served | None]]] = [[] for _endpoint in endpoints]
        self._wakes: Sequence[_Wake] = ()
        self._lock = threading.Lock()
        self._unresolved = 0
        self.resolver = Resolver()
        self.error: BaseException | None = None

    def start(self, wakes: Sequence[_Wake]) -> None:
        """Make addresses ready, and ask for those behind names: each name once for all the endpoints that have it."""
        self._wakes = wakes
        names: dict[tuple[str, int, float], list[int]] = {}
        for index, endpoint in enumerate(self._endpoints):
            address = literal(endpoint.target, endpoint.port)
            if address:
                self._reached(index, Resolved((address,), took=0.0))
            else:
                names.setdefault((endpoint.target, endpoint.port, self.seconds(endpoint)), []).append(index)
        self._unresolved = len(names)
        for (host, port, seconds), indexes in names.items():
            self.resolver.submit(host, port, seconds, partial(self._resolved, indexes))

    def _resolved(self, indexes: Sequence[int], resolved: Resolved) -> None:
        for index in indexes:
            self._reached(index, resolved)
        with self._lock:
            self._unresolved -= 1
        for wake in self._wakes:
            wake.set()

    def _reached(self, index: int, resolved: Resolved) -> None:
        """Make an endpoint's connections ready, or note that it has no address."""
        endpoint = self._endpoints[index]
        if resolved.failure is not None:
            served = Served(endpoint, failure_kind=UNREACHABLE, failure_detail=resolved.failure)
            self._found[index] = [(EVERYTHING, served)]
            return
        wanted = looks(endpoint, resolved.addresses)
        self._found[index] = [(look.offer, None) for look in wanted]
        self._ready.extend(((index, number), look, resolved.took) for number, look in enumerate(wanted))

    def seconds(self, endpoint: Endpoint) -> float:
        """The timeout that holds for `endpoint`."""
        return endpoint.timeout or self._timeout

    def next(self) -> tuple[_Place, Visit] | None:
        """Begin the next visit; None when there is none to begin just now."""
        try:
            place, look, took = self._ready.popleft()
        except IndexError:
            return None
        endpoint = self._endpoints[place[0]]
        seconds = self.seconds(endpoint)
        until = time.monotonic() + max(0.0, seconds - took)
        return place, visit(endpoint, look.addresses, until, seconds, self._contexts[_hello(endpoint, look.offer)])

    def found(self, place: _Place, served: Served) -> None:
        index, number = place
        self._found[index][number] = (self._found[index][number][0], served)

    def over(self) -> bool:
        """Whether no further visit will come."""
        # In this order: what is ready is so before it stops being unresolved.
        return self.error is not None or (self._unresolved == 0 and not self._ready)

    def results(self) -> list[Served]:
        if self.error is not None:
            raise self.error
        return [
            served
            for found in self._found
            for served in gather([(offer, served) for offer, served in found if served is not None])
        ]


@dataclass(eq=False)
class _Task:
    place: _Place
    visit: Visit
    started: float
    wait: Wait


class _Wake:
    """Lets another thread end a selector's wait."""

    def __init__(self) -> None:
        self.reader, self._writer = socket.socketpair()
        self.reader.setblocking(False)
        self._writer.setblocking(False)

    def set(self) -> None:
        # Full means that it is set already; closed, that its loop is done.
        with contextlib.suppress(OSError):
            self._writer.send(b".")

    def clear(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self.reader.recv(4096)

    def close(self) -> None:
        self.reader.close()
        self._writer.close()


class _Loop:
    """One thread's visits.

    The selector knows sockets by their number: a visit closes its own, and a closed socket has no number to find it by.
    """

    def __init__(self, work: _Work, places: int, limit: int) -> None:
        self.wake = _Wake()
        self._work = work
        self._places = places
        self._limit = limit
        self._selector = selectors.DefaultSelector()
        self._live: dict[int, _Task] = {}
        self._fresh: dict[_Task, None] = {}
        self._next_look = 0.0

    def run(self) -> None:
        """Visit until nothing is left."""
        self._selector.register(self.wake.reader.fileno(), selectors.EVENT_READ)
        try:
            while self._live or not self._work.over():
                self._turn()
        except BaseException as error:  # raised again in the thread that waits for this one
            self._work.error = error
        finally:
            self._selector.close()
            self.wake.close()

    def _turn(self) -> None:
        self._admit(time.monotonic())
        for key, _events in self._selector.select(_TICK):
            task = self._live.get(key.fd)
            if task is None:
                self.wake.clear()
            else:
                self._step(task, True)
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + _TICK
            self._expire(now)

    def _admit(self, now: float) -> None:
        """Begin visits while there is a place."""
        while self._fresh and now - next(iter(self._fresh)).started > _PATIENCE:
            del self._fresh[next(iter(self._fresh))]
        while len(self._fresh) < self._places and len(self._live) < self._limit:
            begun = self._work.next()
            if begun is None:
                return
            self._begin(*begun, now)

    def _begin(self, place: _Place, steps: Visit, now: float) -> None:
        try:
            wait = next(steps)
        except StopIteration as stop:
            self._work.found(place, stop.value)
            return
        task = _Task(place, steps, now, wait)
        self._fresh[task] = None
        self._watch(task)

    def _step(self, task: _Task, ready: bool) -> None:
        """Send the visit on its way, and register what it waits for next."""
        before = task.wait
        number = before.sock.fileno()
        try:
            task.wait = task.visit.send(ready)
        except StopIteration as stop:
            self._unwatch(number)
            self._fresh.pop(task, None)
            self._work.found(task.place, stop.value)
            return
        if task.wait.sock is not before.sock:
            self._unwatch(number)
            self._watch(task)
        elif task.wait.events != before.events:
            self._selector.modify(number, task.wait.events)

    def _watch(self, task: _Task) -> None:
        number = task.wait.sock.fileno()
        self._selector.register(number, task.wait.events)
        self._live[number] = task

    def _unwatch(self, number: int) -> None:
        self._selector.unregister(number)
        del self._live[number]

    def _expire(self, now: float) -> None:
        self._work.resolver.expire()
        for task in [task for task in self._live.values() if now >= task.wait.until]:
            self._step(task, False)
