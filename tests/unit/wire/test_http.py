# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The small HTTP client, against sockets that answer whatever they like."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire import http
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.addresses import forbidden
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.gather import fetch_each
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.http import Answer, Request, fetch
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.resolve import Address, Resolved
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.wire.servers import HOST, free_port, raw_server, stall

MOST = 1000
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def get(port: int, path: str = "/x", seconds: float = 5.0, allow_private: bool = True, **fields: object) -> Answer:
    request = Request(f"http://{HOST}:{port}{path}", MOST, **fields)  # type: ignore[arg-type]
    return fetch(request, seconds, allow_private)


@contextmanager
def answering(*answers: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """A server that gives one answer after the other, the last one again and again; its port, and what it was asked."""
    asked: list[bytes] = []

    def handle(connection: socket.socket) -> None:
        asked.append(_read_request(connection))
        connection.sendall(answers[min(len(asked), len(answers)) - 1])

    with raw_server(handle) as port:
        yield port, asked


def _read_request(connection: socket.socket) -> bytes:
    said = b""
    while b"\r\n\r\n" not in said:
        said += connection.recv(4096)
    head, _end, body = said.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length")), 0)
    while len(body) < length:
        body += connection.recv(4096)
    return head + b"\r\n\r\n" + body


def test_a_get() -> None:
    with answering(OK) as (port, asked):
        assert get(port, "/ca.crl?a=b#c") == Answer(b"ok")

    assert asked[0].startswith(b"GET /ca.crl?a=b HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % port)


def test_a_post() -> None:
    with answering(OK) as (port, asked):
        assert get(port, "", body=b"\x30\x00", content_type="application/ocsp-request") == Answer(b"ok")

    assert asked[0].startswith(b"POST / HTTP/1.1\r\n")
    assert b"\r\nContent-Type: application/ocsp-request\r\n" in asked[0]
    assert asked[0].endswith(b"\r\n\r\n\x30\x00")


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (b"HTTP/1.1 404 Not\x1b[31mFound\r\nContent-Length: 0\r\n\r\n", "answered 404 Not\\x1b[31mFound"),
        (b"HTTP/1.1 204 \r\n\r\n", "answered 204"),
        (b"HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n", "answered 301 Moved"),
        (b"SSH-2.0-OpenSSH\r\n", "answered something other than HTTP: BadStatusLine"),
        (b"", "broke off: Remote end closed connection without response"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", "broke off 7 bytes before the end"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok", "broke off before the end"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
            "is 1001 bytes, more than the 1000 that are taken",
        ),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001, "is more than the 1000 bytes that are taken"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 1001 + b"0\r\n\r\n",
            "is more than the 1000 bytes that are taken",
        ),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 101 + b"\r\n", "answered something other than HTTP: HTTPException"),
        (
            b"HTTP/1.1 100 Continue\r\n\r\n" * 4000,
            "is more than is taken, its head and framing included",
        ),
    ],
    ids=lambda value: value[-60:].decode() if isinstance(value, bytes) else "",
)
def test_what_is_no_answer(answer: bytes, failure: str) -> None:
    with answering(answer) as (port, _asked):
        assert get(port) == Answer(failure=failure)


def test_the_largest_that_is_taken() -> None:
    body = b"x" * MOST
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + body, b"HTTP/1.0 200 OK\r\n\r\n" + body) as (
        port,
        _asked,
    ):
        assert [get(port), get(port)] == [Answer(body), Answer(body)]


def _redirect(to: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Moved\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()


def test_a_redirect_on_the_same_host() -> None:
    with answering(_redirect("/other?a=b"), OK) as (port, asked):
        assert get(port) == Answer(b"ok")

    assert asked[1].startswith(b"GET /other?a=b ")


def test_a_post_stays_one_or_ends() -> None:
    with answering(_redirect("/other", 307), OK, _redirect("/other", 302)) as (port, asked):
        assert get(port, body=b"\x30\x00") == Answer(b"ok")
        assert get(port, body=b"\x30\x00") == Answer(failure="answered 302 Moved")

    assert [said.split()[0] for said in asked] == [b"POST", b"POST", b"POST"]


@pytest.mark.parametrize(
    ("to", "failure"),
    [
        ("http://localhost:{port}/x", "redirects to another host, 'http://localhost:{port}/x', which is not followed"),
        ("http://127.0.0.1/x", "redirects to another host, 'http://127.0.0.1/x', which is not followed"),
        ("//ca.example/x", "redirects to another host, 'http://ca.example/x', which is not followed"),
        (
            "https://127.0.0.1:{port}/x",
            "redirects to 'https://127.0.0.1:{port}/x', which is not fetched: http alone is",
        ),
        ("file:///etc/passwd", "redirects to 'file:///etc/passwd', which is not fetched: http alone is"),
        ("http://[x/", "redirects to 'http://[x/', which is no URL"),
        ("/x", "redirects more than 3 times"),
    ],
)
def test_redirects_that_are_not_followed(to: str, failure: str) -> None:
    with raw_server(lambda connection: _redirect_to(connection, to)) as port:
        assert get(port) == Answer(failure=failure.format(port=port))


def _redirect_to(connection: socket.socket, to: str) -> None:
    port = connection.getsockname()[1]
    _read_request(connection)
    connection.sendall(_redirect(to.format(port=port)))


@pytest.mark.parametrize(
    ("url", "failure"),
    [
        ("https://ca.example/x", "is not fetched: http alone is"),
        ("ldap:///CN=ca", "is not fetched: http alone is"),
        ("http:///x", "is no URL of a host"),
        ("http://user@ca.example/", "is no URL of a host"),
        ("http://ca.example:0/", "is no URL of a host"),
        ("http://ca.example:99999/", "is no URL"),
        ("http://[::1/", "is no URL"),
        ("http://ca.example/a b", "is no URL"),
        ("http://ca.example/\r\nHost: x", "is no URL"),
        ("http://bücher.example/", "is no URL"),
        ("", "is not fetched: http alone is"),
    ],
)
def test_addresses_that_are_not_fetched(url: str, failure: str) -> None:
    assert fetch(Request(url, MOST), 1.0, allow_private=True) == Answer(failure=failure)


def test_a_loopback_address_is_connected_to_when_allowed_alone() -> None:
    with answering(OK) as (port, asked):
        refused = get(port, allow_private=False)
        named = fetch(Request(f"http://localhost:{port}/", MOST), 5.0)

    assert refused == Answer(failure="is not fetched without fetch_private: 127.0.0.1 is a loopback address")
    assert named.failure is not None
    assert "is not fetched without fetch_private: " in named.failure
    assert "127.0.0.1 is a loopback address" in named.failure
    assert asked == []


@pytest.mark.parametrize(
    ("addresses", "kind", "kind_when_allowed"),
    [
        (["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"], None, None),
        (["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"],
         "a loopback address", None),
        (["10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "192.0.2.1", "fd00::1", "fec0::1", "2001:db8::1",
          "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::"], "a private address", None),
        (["169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254"], *["a link-local address"] * 2),
        (["224.0.0.1", "ff02::1"], *["a multicast address"] * 2),
        (["0.0.0.0", "255.255.255.255", "240.0.0.1", "::", "::127.0.0.1", "::ffff:0.0.0.0"], *["a reserved address"] * 2),
        (["fd00:ec2::254", "100.100.100.200", "::ffff:100.100.100.200"], *["a cloud's metadata service"] * 2),
    ],
    ids=["public", "loopback", "private", "link-local", "multicast", "reserved", "metadata"],
)  # fmt: skip
def test_kinds_of_addresses(addresses: list[str], kind: str | None, kind_when_allowed: str | None) -> None:
    assert {address: forbidden(address, False) for address in addresses} == dict.fromkeys(addresses, kind)
    assert {address: forbidden(address, True) for address in addresses} == dict.fromkeys(addresses, kind_when_allowed)


def test_what_is_looked_at_is_what_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is public at first and loopback when asked again, as in DNS rebinding."""
    asked: list[str] = []

    def rebinding(host: str, port: int) -> Resolved:
        asked.append(host)
        return _resolved(port, "203.0.113.1" if len(asked) == 1 else HOST)

    looked_at: list[str] = []
    monkeypatch.setattr(http, "look_up", rebinding)
    monkeypatch.setattr(http, "forbidden", lambda host, _allow: looked_at.append(host))
    with answering(OK) as (port, reached):
        answer = fetch(Request(f"http://ca.example:{port}/", MOST), 0.5)

    assert (asked, looked_at, reached) == (["ca.example"], ["203.0.113.1"], [])
    assert answer.failure is not None
    assert answer.failure.startswith(f"cannot be reached: 203.0.113.1 port {port}")


def test_a_redirect_looks_at_the_address_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(_redirect("/other")) as (port, reached):
        kinds = iter([None, "a loopback address"])
        monkeypatch.setattr(http, "look_up", lambda _host, port: _resolved(port, HOST))
        monkeypatch.setattr(http, "forbidden", lambda _host, allow_private: None if allow_private else next(kinds))

        answer = fetch(Request(f"http://ca.example:{port}/", MOST), 5.0)

    assert answer == Answer(failure="is not fetched without fetch_private: 127.0.0.1 is a loopback address")
    assert len(reached) == 1


def test_addresses_that_may_be_are_taken_and_tried_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(OK) as (port, _reached):
        closed = free_port()
        found = (*_resolved(port, "169.254.169.254").addresses, *_resolved(closed, HOST).addresses,
                 *_resolved(port, HOST).addresses)  # fmt: skip
        monkeypatch.setattr(http, "look_up", lambda _host, _port: Resolved(found, 0.0))

        assert fetch(Request("http://ca.example/", MOST), 5.0, allow_private=True) == Answer(b"ok")


def _resolved(port: int, *hosts: str) -> Resolved:
    return Resolved(tuple(Address(socket.AF_INET, (host, port)) for host in hosts), 0.0)


def test_who_cannot_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()

    assert get(port) == Answer(failure=f"cannot be reached: 127.0.0.1 port {port} refused the connection")
    failure = fetch(Request("http://name.invalid/", MOST), 5.0).failure
    assert failure is not None
    assert failure.startswith("cannot be asked: name.invalid does not resolve: ")
    monkeypatch.setattr(http, "look_up", lambda _host, _port: time.sleep(1))
    assert fetch(Request("http://ca.example/", MOST), 0.1) == Answer(
        failure="cannot be asked: ca.example was not resolved within 0.1 s"
    )


def _drip(what: bytes) -> Callable[[socket.socket], None]:
    """Never silent for long, and never done."""

    def handle(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(what)
        while True:
            connection.sendall(b"x")
            time.sleep(0.05)

    return handle


@pytest.mark.parametrize(
    "handler",
    [stall, _drip(b""), _drip(b"HTTP/1.1 200 OK\r\nX: "), _drip(b"HTTP/1.1 200 OK\r\n\r\n")],
    ids=["silent", "status", "header", "body"],
)
def test_time_ends_however_slowly_it_comes(handler: Callable[[socket.socket], None]) -> None:
    with raw_server(handler) as port:
        started = time.monotonic()
        answer = get(port, seconds=0.5)

    assert answer == Answer(failure="was not done within 0.5 s")
    assert 0.4 < time.monotonic() - started < 2.0


@given(st.binary(max_size=200), st.sampled_from([b"", b"HTTP/1.1 200 ", b"HTTP/1.1 302 x\r\nLocation: ", OK[:-6]]))
@settings(max_examples=150, deadline=None)
def test_any_answer_is_a_value(rest: bytes, start: bytes) -> None:
    with answering(start + rest) as (port, _asked):
        answer = get(port)

    assert answer.failure is None or answer.failure.isprintable()


def test_each_request_is_made_once_and_several_at_a_time() -> None:
    together = threading.Barrier(2, timeout=10)

    def handle(connection: socket.socket) -> None:
        _read_request(connection)
        together.wait()
        connection.sendall(OK)

    with raw_server(handle) as port:
        one, other = (Request(f"http://{HOST}:{port}/{name}", MOST) for name in "ab")
        answers = fetch_each([one, other, one, one], 5.0, allow_private=True)

    assert answers == {one: Answer(b"ok"), other: Answer(b"ok")}


def test_the_time_for_all_ends() -> None:
    with raw_server(stall) as port:
        requests = [Request(f"http://{HOST}:{port}/{number}", MOST) for number in range(5)]
        started = time.monotonic()
        answers = fetch_each(requests, 30.0, allow_private=True, workers=2, most_seconds=0.3)

    late = Answer(failure="was not done when the 0.3 s for all fetching were over")
    assert answers == dict.fromkeys(requests, late)
    assert time.monotonic() - started < 5


def test_the_bytes_for_all_end() -> None:
    with answering(OK) as (port, asked):
        requests = [Request(f"http://{HOST}:{port}/{number}", MOST) for number in range(4)]
        answers = fetch_each(requests, 5.0, allow_private=True, workers=1, most_bytes=3)

    ended = Answer(failure="was not asked: 3 bytes in all had been fetched")
    assert list(answers.values()) == [Answer(b"ok"), Answer(b"ok"), ended, ended]
    assert len(asked) == 2


def test_nothing_to_fetch() -> None:
    assert fetch_each([], 5.0) == {}
