# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetching from real servers, and from sockets that misbehave."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import time

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire import resolve
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import Endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.fetch import fetch_all

from tests.pki import Cert, mint
from tests.revocation import Ocsp, mint_ocsp
from tests.unit.wire import servers
from tests.unit.wire.servers import HOST, NAME


@pytest.fixture(scope="module")
def pki():
    return servers.shop()


def fetch(port, timeout=5.0, **fields):
    return fetch_all([Endpoint(NAME, port, address=HOST, **fields)], timeout)[0]


@pytest.mark.parametrize(
    "chain",
    [
        ["leaf"],
        ["leaf", "inter", "upper"],
        ["leaf", "upper", "inter"],
        ["leaf", "inter", "inter"],
        ["leaf", "inter", "upper", "root"],
    ],
    ids="-".join,
)
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_the_chain_is_as_served(tmp_path, pki, chain, version):
    with servers.s_server(tmp_path, pki, chain, version) as port:
        served = fetch(port)
    assert served.chain == tuple(map(pki.der, chain))
    assert served.protocol == {"-tls1_2": "TLSv1.2", "-tls1_3": "TLSv1.3"}[version]
    assert (served.address, served.failure_kind, served.failure_detail) == (HOST, None, None)


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_staple_is_as_it_was_sent_when_asked_for(tmp_path, pki, version):
    staple, chain = mint_ocsp(pki, Ocsp()), ["leaf", "inter"]
    (tmp_path / "staple.der").write_bytes(staple)
    with servers.s_server(tmp_path, pki, chain, version, "-status_file", f"{tmp_path}/staple.der") as port:
        (asked,) = fetch_all([Endpoint(NAME, port, address=HOST)], staple=True)
        (not_asked,) = fetch_all([Endpoint(NAME, port, address=HOST)])
    with servers.s_server(tmp_path / "none", pki, chain, version) as port:
        (nothing,) = fetch_all([Endpoint(NAME, port, address=HOST)], staple=True)
    assert (asked.stapled, not_asked.stapled, nothing.stapled) == (staple, None, b"")
    assert [len(served.chain) for served in (asked, not_asked, nothing)] == [2, 2, 2]


@pytest.mark.parametrize("handler", [servers.alert, servers.stall, servers.plain_http])
def test_no_handshake_tells_nothing_of_staples(handler):
    with servers.raw_server(handler) as port:
        (served,) = fetch_all([Endpoint(NAME, port, address=HOST)], 0.5, staple=True)
    assert served.stapled is None


def test_an_old_server_is_seen(tmp_path, pki):
    with servers.s_server(tmp_path, pki, ["leaf"], "-tls1", "-cipher", "ALL:@SECLEVEL=0") as port:
        served = fetch(port)
    assert (served.protocol, len(served.chain), served.failure_kind) == ("TLSv1", 1, None)


def test_an_old_server_is_seen_where_the_system_forbids_it(tmp_path, pki):
    """Debian 11's openssl.cnf is such a one; a cryptography built for the system reads it."""
    (tmp_path / "openssl.cnf").write_text(servers.STRICT)
    program = (
        "import sys; from ansible_collections.fullchain.tls.plugins.plugin_utils.wire import endpoints, fetch\n"
        "print(fetch.fetch_all([endpoints.parse_endpoint(sys.argv[1])])[0].protocol)"
    )
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "OPENSSL_CONF": str(tmp_path / "openssl.cnf")}
    with servers.s_server(tmp_path, pki, ["leaf"], "-tls1", "-cipher", "ALL:@SECLEVEL=0") as port:
        command = [sys.executable, "-c", program, f"{HOST}:{port}"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "TLSv1\n"


def test_a_weak_key_is_seen(tmp_path):
    weak = mint(leaf=Cert(names=[NAME], key_type="rsa1024"))
    with servers.s_server(tmp_path, weak, ["leaf"], "-cipher", "ALL:@SECLEVEL=0") as port:
        assert fetch(port).chain == (weak.der("leaf"),)


def test_the_server_name_is_sent(tmp_path):
    both = mint(
        root=Cert(), leaf=Cert(issuer="root", names=[NAME]), other=Cert(issuer="root", names=["other.example.com"])
    )
    (tmp_path / "other.pem").write_text(both.pem("other"))
    (tmp_path / "other.key").write_text(both.key_pem("other"))
    second = ("-servername", "other.example.com", "-cert2", f"{tmp_path}/other.pem", "-key2", f"{tmp_path}/other.key")
    with servers.s_server(tmp_path, both, ["leaf"], *second) as port:
        assert fetch(port).chain == (both.der("leaf"),)
        assert fetch(port, server_name="other.example.com").chain == (both.der("other"),)
        assert fetch(port, server_name="other.example.com", sni=False).chain == (both.der("leaf"),)


def test_no_server_name_is_sent_for_an_address():
    hello = []

    def listen(connection):
        hello.append(connection.recv(4096))

    with servers.raw_server(listen) as port:
        fetch_all([Endpoint(HOST, port), Endpoint(NAME, port, address=HOST)])
    assert sorted(NAME.encode() in sent for sent in hello) == [False, True]
    assert not any(HOST.encode() in sent for sent in hello)


@pytest.mark.parametrize(
    ("version", "words"),
    [("-tls1_2", "handshake failure"), ("-tls1_3", "certificate required")],
)
def test_the_chain_is_kept_when_the_server_demands_a_client_certificate(tmp_path, pki, version, words):
    (tmp_path / "ca.pem").write_text(pki.pem("root"))
    demand = ("-Verify", "1", "-verify_return_error", "-CAfile", f"{tmp_path}/ca.pem")
    with servers.s_server(tmp_path, pki, ["leaf", "inter"], version, *demand) as port:
        served = fetch(port)
    assert served.chain == (pki.der("leaf"), pki.der("inter"))
    assert served.failure_kind == "handshake-failed"
    assert served.failure_detail == f"the server refused with the TLS alert '{words}'"


def test_a_demand_for_a_client_certificate_that_names_no_ca(tmp_path, pki):
    """certificate_authorities may be left out of TLS 1.3's CertificateRequest (RFC 8446, 4.3.2)."""
    with servers.s_server(tmp_path, pki, ["leaf"], "-tls1_3", "-Verify", "1", "-verify_return_error") as port:
        served = fetch(port)
    assert served.chain == (pki.der("leaf"),)
    assert served.failure_detail == "the server refused with the TLS alert 'certificate required'"


def test_a_server_that_asks_for_a_client_certificate_and_bears_none(tmp_path, pki):
    (tmp_path / "ca.pem").write_text(pki.pem("root"))
    asks = f"ssl_verify_client optional; ssl_client_certificate {tmp_path}/ca.pem; ssl_session_tickets off;"
    with servers.nginx(tmp_path, pki, ["leaf"], asks) as port:
        served = fetch(port)
    assert (served.failure_kind, served.protocol) == (None, "TLSv1.3")


def test_an_unknown_name_refused_at_the_handshake(tmp_path, pki):
    with servers.nginx(tmp_path, pki, ["leaf"], "ssl_reject_handshake on;") as port:
        served = fetch(port)
    assert (served.failure_kind, served.chain) == ("handshake-failed", ())
    assert served.failure_detail == "the server refused with the TLS alert 'unrecognized name'"


@pytest.mark.parametrize(
    ("handler", "kind", "detail"),
    [
        (servers.plain_http, "not-tls", "the port answers plain HTTP: 'HTTP/1.1 400 Bad Request'"),
        (
            servers.smtp,
            "not-tls",
            "the port greets like SMTP or FTP, without TLS: '220 mail.example.com ESMTP ready'",
        ),
        (servers.garbage, "not-tls", "the port answers something other than TLS: '\\x00\\xff\\x1b[31m"),
        (servers.reset, "unreachable", "took the connection and broke off without a byte: Connection reset by peer"),
        (servers.hang_up, "unreachable", "took the connection and broke off without a byte: it closed the connection"),
        (servers.alert, "handshake-failed", "the server refused with the TLS alert 'handshake failure'"),
        (servers.stall, "unreachable", "took the connection but sent nothing within 0.5 s"),
        (servers.stall_in_mid_handshake, "handshake-failed", "fell silent in mid-handshake for 0.5 s"),
        (servers.drip, "handshake-failed", "fell silent in mid-handshake for 0.5 s"),
        (servers.half_a_record, "handshake-failed", "broke off in mid-handshake: it closed the connection"),
        (servers.flood, "handshake-failed", "sent more than 1048576 bytes without completing the handshake"),
    ],
)
def test_failures(handler, kind, detail):
    with servers.raw_server(handler) as port:
        started = time.monotonic()
        served = fetch(port, timeout=0.5)
        took = time.monotonic() - started
    assert served.failure_kind == kind
    assert detail in served.failure_detail
    assert (served.address, served.protocol, served.chain) == (HOST, None, ())
    assert took < 1.5


@pytest.mark.parametrize(
    ("greeting", "protocol"),
    [
        (b"220-ftp.example.com\r\n", "SMTP or FTP"),
        (b"* OK [CAPABILITY IMAP4rev1] ready\r\n", "IMAP"),
        (b"+OK ready\r\n", "POP3"),
        (b"\x5f\0\0\0\x0a10.11.19-MariaDB\0", "MySQL"),
    ],
)
def test_a_port_that_wants_starttls(greeting, protocol):
    with servers.raw_server(lambda connection: (connection.sendall(greeting), servers.stall(connection))) as port:
        served = fetch(port)
    assert served.failure_kind == "not-tls"
    assert served.failure_detail.startswith(f"the port greets like {protocol}, without TLS: ")


def fatal_alert(connection):
    connection.sendall(bytes.fromhex("15030300020250"))  # internal_error, not encrypted


@pytest.mark.parametrize(
    ("version", "records", "then", "detail"),
    [
        ("-tls1_2", 2, fatal_alert, "the server refused with the TLS alert 'internal error'"),
        ("-tls1_2", 2, servers.stall, "fell silent in mid-handshake for 0.5 s"),
        ("-tls1_2", 2, lambda connection: None, "broke off in mid-handshake: it closed the connection"),
        # ServerHello, ChangeCipherSpec, EncryptedExtensions, Certificate
        ("-tls1_3", 4, servers.stall, "fell silent in mid-handshake for 0.5 s"),
        ("-tls1_3", 4, lambda connection: None, "broke off in mid-handshake: it closed the connection"),
    ],
)
def test_the_chain_is_kept_when_the_handshake_ends_right_after_it(tmp_path, pki, version, records, then, detail):
    with (
        servers.s_server(tmp_path, pki, ["leaf", "inter"], version) as upstream,
        servers.raw_server(servers.first_records(upstream, records, then)) as port,
    ):
        served = fetch(port, timeout=0.5)
    assert served.chain == (pki.der("leaf"), pki.der("inter"))
    assert served.failure_kind == "handshake-failed"
    assert detail in served.failure_detail


@pytest.mark.parametrize(("version", "cipher"), [("-tls1_2", "ECDHE-ECDSA-"), ("-tls1_3", "TLS_")])
def test_cipher_and_group(tmp_path, pki, version, cipher):
    with servers.s_server(tmp_path, pki, ["leaf"], version, "-groups", "P-384") as port:
        served = fetch(port)
    assert served.cipher.startswith(cipher)
    assert served.group == "secp384r1"


def test_no_group_without_a_key_exchange_in_one(tmp_path):
    rsa = mint(leaf=Cert(names=[NAME], key_type="rsa2048"))
    with servers.s_server(tmp_path, rsa, ["leaf"], "-tls1_2", "-cipher", "AES128-SHA") as port:
        served = fetch(port)
    assert (served.cipher, served.group) == ("AES128-SHA", None)


def test_refused():
    port = servers.free_port()
    served = fetch(port)
    assert (served.failure_kind, served.failure_detail) == ("unreachable", f"{HOST} port {port} refused the connection")


def test_a_name_that_does_not_resolve():
    served = fetch_all([Endpoint("nowhere.invalid")], 10)[0]
    assert (served.failure_kind, served.address) == ("unreachable", None)
    assert served.failure_detail.startswith("nowhere.invalid does not resolve: ")


def test_a_resolver_that_does_not_answer(monkeypatch):
    """getaddrinfo can't be interrupted: it is left behind when the time is up, and holds nobody up."""
    real = socket.getaddrinfo

    def stuck(host, *arguments, **options):
        if host == "stuck.example.com":
            time.sleep(3)
        return real(host, *arguments, **options)

    monkeypatch.setattr(resolve.socket, "getaddrinfo", stuck)
    port = servers.free_port()
    started = time.monotonic()
    stuck_one, other = fetch_all([Endpoint("stuck.example.com"), Endpoint("localhost", port)], 0.5)
    assert time.monotonic() - started < 1.5
    assert stuck_one.failure_detail == "stuck.example.com was not resolved within 0.5 s"
    assert stuck_one.failure_kind == "unreachable"
    assert other.failure_detail.endswith("refused the connection")


def test_the_next_address_is_tried(tmp_path, pki, monkeypatch):
    """localhost on a machine with IPv6 whose server listens on IPv4 alone."""
    with servers.nginx(tmp_path, pki, ["leaf"]) as port:
        found = socket.getaddrinfo("127.0.0.2", port, type=socket.SOCK_STREAM) + socket.getaddrinfo(
            HOST, port, type=socket.SOCK_STREAM
        )
        monkeypatch.setattr(resolve.socket, "getaddrinfo", lambda *arguments, **options: found)
        served = fetch_all([Endpoint(NAME, port)], 5)[0]
    assert (served.address, served.failure_kind) == (HOST, None)


def test_a_black_hole_in_front_leaves_time_for_the_next_address(tmp_path, pki, monkeypatch):
    full = socket.create_server((HOST, 0), backlog=0)  # nobody accepts: what does not fit its queue waits for ever
    clogs = [socket.socket() for _number in range(4)]
    try:
        for clog in clogs:
            clog.setblocking(False)
            clog.connect_ex(full.getsockname())
        with servers.nginx(tmp_path, pki, ["leaf"]) as port:
            family, kind = socket.AF_INET, socket.SOCK_STREAM
            found = [(family, kind, 6, "", full.getsockname()), (family, kind, 6, "", (HOST, port))]
            monkeypatch.setattr(resolve.socket, "getaddrinfo", lambda *arguments, **options: found)
            started = time.monotonic()
            served = fetch_all([Endpoint(NAME, port)], 4)[0]
            took = time.monotonic() - started
        assert (served.failure_kind, served.address, len(served.chain)) == (None, HOST, 1)
        assert 1.9 < took < 3.5
    finally:
        for sock in (full, *clogs):
            sock.close()


def test_an_endpoint_has_a_timeout_of_its_own():
    with servers.raw_server(servers.stall) as port:
        started = time.monotonic()
        served = fetch_all([Endpoint(HOST, port, timeout=0.3)], 30)[0]
        assert time.monotonic() - started < 1.5
    assert "within 0.3 s" in served.failure_detail


@pytest.mark.parametrize("workers", [4, 16])
def test_dead_endpoints_cost_one_timeout_together(tmp_path, pki, workers):
    """50 endpoints of which 20 are silent, and fewer workers than those: about one timeout, in input order."""
    with servers.nginx(tmp_path, pki, ["leaf", "inter"]) as port, servers.raw_server(servers.stall) as dead:
        ports = [dead if number % 5 < 2 else port for number in range(50)]
        started = time.monotonic()
        served = fetch_all([Endpoint(NAME, port, address=HOST) for port in ports], timeout=4.0, workers=workers)
        took = time.monotonic() - started
    assert [entry.endpoint.port for entry in served] == ports
    assert [entry.failure_kind for entry in served] == ["unreachable" if p == dead else None for p in ports]
    assert 3.9 < took < 7.5


def test_one_stalled_among_fifty(tmp_path, pki):
    with servers.nginx(tmp_path, pki, ["leaf", "inter"]) as port, servers.raw_server(servers.stall) as dead:
        endpoints = [Endpoint(NAME, port, address=HOST)] * 25 + [Endpoint(NAME, dead, address=HOST)]
        started = time.monotonic()
        served = fetch_all([*endpoints, *endpoints[:24]], timeout=2.0)
        took = time.monotonic() - started
    assert [number for number, entry in enumerate(served) if entry.failure_kind] == [25]
    assert 1.9 < took < 3.0


def test_more_endpoints_than_open_files(tmp_path, pki):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with servers.nginx(tmp_path, pki, ["leaf"]) as port, servers.raw_server(servers.hang_up) as other:
        resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
        try:
            served = fetch_all([Endpoint(NAME, p, address=HOST) for p in (port, other) * 150], workers=512)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert [entry.failure_kind for entry in served] == [None, "unreachable"] * 150
    assert all("without a byte" in entry.failure_detail for entry in served[1::2])


def test_nothing_to_fetch():
    assert fetch_all([]) == []
