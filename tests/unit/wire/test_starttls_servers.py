# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""STARTTLS with real servers, and with sockets that misbehave."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest
from ansible_collections.fullchain.tls.plugins.module_utils.served_chain import fetch_all as fetch_all_from_host
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import parse_endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.fetch import fetch_all
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.served import read_served

from tests.unit.wire import servers
from tests.unit.wire.servers import HOST, NAME
from tests.unit.wire.starttls_servers import NEED_ROOT, ROOT, SERVERS, serving

PROTOCOLS = [
    pytest.param(protocol, marks=pytest.mark.skipif(protocol in NEED_ROOT and not ROOT, reason="the server needs root"))
    for protocol in SERVERS
]


@pytest.fixture(scope="module")
def pki():
    return servers.shop()


@pytest.fixture
def open_folder():
    """A folder that servers which run as another user can reach: pytest's own are closed to them."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


def look(protocol, port, timeout=8.0):
    return fetch_all([parse_endpoint(endpoint(protocol, port))], timeout)[0]


def look_from_host(protocol, port, timeout=8.0):
    """As the module served_chain does it, with s_client."""
    return read_served(fetch_all_from_host([endpoint(protocol, port)], "openssl", timeout))[0]


def endpoint(protocol, port):
    return {"host": NAME, "port": port, "address": HOST, "starttls": protocol}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_chain_is_as_served(open_folder, pki, protocol):
    with serving(protocol, open_folder, pki, ["leaf", "inter", "upper"]) as port:
        found = [look(protocol, port), look_from_host(protocol, port)]
    for served in found:
        assert (served.failure_kind, served.failure_detail) == (None, None)
        assert served.chain == tuple(map(pki.der, ("leaf", "inter", "upper")))
        assert served.protocol in ("TLSv1.2", "TLSv1.3")


REFUSALS = {
    "smtp": "the SMTP server does not offer STARTTLS, but 'PIPELINING, SIZE",
    "imap": 'the IMAP server refuses STARTTLS: "a BAD TLS support isn\'t enabled."',
    "pop3": 'the POP3 server refuses STLS: "-ERR TLS support isn\'t enabled."',
    "ftp": "the FTP server refuses AUTH TLS: '530 Please login with USER and PASS.'",
    "ldap": "the LDAP server refuses StartTLS with result 2 (protocolError): 'unsupported extended operation'",
    "xmpp": "the XMPP server ends the stream: 'undefined-condition: No stream features to proceed with'",
    "postgres": "the PostgreSQL server refuses TLS: 'N' (its setting ssl is off)",
    "mysql": "the MySQL server '",
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_server_without_tls_refuses_in_its_own_words(open_folder, pki, protocol):
    with serving(protocol, open_folder, pki, ["leaf"], tls=False) as port:
        found = [look(protocol, port), look_from_host(protocol, port)]
    for served in found:
        assert (served.failure_kind, served.chain, served.address) == ("not-tls", (), HOST)
        assert served.failure_detail.startswith(REFUSALS[protocol])


WOULD = "(as a port may that speaks TLS from the first byte)"


@pytest.mark.parametrize(
    ("protocol", "detail"),
    [
        ("smtp", f"took the connection but sent no greeting within 1 s {WOULD}"),
        (
            "postgres",
            f"took the connection but broke off before the answer to SSLRequest: it closed the connection {WOULD}",
        ),
    ],
)
def test_a_port_that_speaks_tls_at_once(tmp_path, pki, protocol, detail):
    with servers.s_server(tmp_path, pki, ["leaf"]) as port:
        served = look(protocol, port, timeout=1)
    assert served.failure_kind == "unreachable"
    assert served.failure_detail == f"{HOST} port {port} {detail}"


def says(*turns, then=servers.stall):
    """A handler that says each of these when it has heard something, the first at once, and goes on as `then` does."""

    def handler(connection):
        for number, turn in enumerate(turns):
            if number:
                connection.recv(4096)
            connection.sendall(turn)
        then(connection)

    return handler


def hang_up(connection):
    pass


def greet_without_end(connection):
    while True:
        connection.sendall(b"220-hello\r\n" * 100)


def greet_drop_by_drop(connection):
    while True:
        connection.sendall(b"2")
        time.sleep(0.02)


GO = (b"+OK hi\r\n", b"+OK go\r\n")


@pytest.mark.parametrize(
    ("protocol", "handler", "kind", "detail"),
    [
        ("smtp", servers.stall, "unreachable", "took the connection but sent no greeting within 0.5 s (as"),
        ("smtp", hang_up, "unreachable", "took the connection but broke off before the greeting: it closed the connection"),
        ("postgres", servers.stall, "unreachable", "took the connection but sent no answer to SSLRequest within 0.5 s"),
        ("postgres", servers.reset, "unreachable", "took the connection but broke off: Connection reset by peer"),
        ("pop3", says(b"+OK hi\r\n"), "not-tls", "sent no answer to STLS within 0.5 s"),
        ("pop3", says(b"+OK hi\r\n", then=servers.hang_up), "not-tls", "broke off before the answer to STLS: it closed the connection"),
        ("smtp", says(b"220 hi\r\n", b"250-a\r\n"), "not-tls", "sent no answer to EHLO within 0.5 s"),
        ("smtp", greet_without_end, "not-tls", "sent more than 65536 bytes, and greeting was not among them"),
        ("postgres", servers.alert, "not-tls", "the port speaks TLS from the first byte: leave `starttls` out"),
        ("smtp", greet_drop_by_drop, "not-tls", "sent no greeting within 0.5 s"),
        ("smtp", servers.plain_http, "unreachable", "sent no greeting within 0.5 s"),
        ("postgres", servers.plain_http, "not-tls", "what answers there is not PostgreSQL: 'HTTP/1.1 400 Bad Request'"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("visit", [look, look_from_host])
def test_dialogues_that_come_to_nothing(protocol, handler, kind, detail, visit):
    with servers.raw_server(handler) as port:
        started = time.monotonic()
        served = visit(protocol, port, timeout=0.5)
        took = time.monotonic() - started
    assert (served.failure_kind, served.protocol, served.chain) == (kind, None, ())
    assert detail in served.failure_detail
    assert took < 1.5


@pytest.mark.parametrize(
    ("handler", "kind", "detail"),
    [
        (says(*GO), "handshake-failed", "agreed to TLS and sent nothing more for 0.5 s"),
        (says(*GO, then=servers.hang_up), "handshake-failed", "agreed to TLS and broke off: it closed the connection"),
        (says(*GO, then=servers.alert), "handshake-failed", "the server refused with the TLS alert 'handshake failure'"),
        (says(*GO, then=servers.garbage), "not-tls", "the port answers something other than TLS"),
        (says(*GO, then=servers.stall_in_mid_handshake), "handshake-failed", "fell silent in mid-handshake for 0.5 s"),
    ],
)  # fmt: skip
def test_servers_that_agree_and_misbehave(handler, kind, detail):
    with servers.raw_server(handler) as port:
        served = look("pop3", port, timeout=0.5)
        from_host = look_from_host("pop3", port, timeout=0.5)
    assert (served.failure_kind, from_host.failure_kind) == (kind, kind)
    assert detail in served.failure_detail


def test_those_that_keep_silent_hold_nobody_up(tmp_path, pki):
    with servers.nginx(tmp_path, pki, ["leaf"]) as port, servers.raw_server(servers.stall) as dead:
        mail = parse_endpoint({"host": HOST, "port": dead, "starttls": "smtp"})
        web = parse_endpoint({"host": HOST, "port": port})
        started = time.monotonic()
        found = fetch_all([mail, web] * 20, timeout=2, workers=4)
        took = time.monotonic() - started
    assert [served.failure_kind for served in found] == ["unreachable", None] * 20
    assert took < 4
