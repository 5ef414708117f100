# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutual TLS against real servers: what is asked for, who is let in, and how a client is turned away."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
import time

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.settings import Settings
from ansible_collections.fullchain.tls.plugins.plugin_utils.verification import verify_endpoints
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import parse_endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.tls import new_context
from cryptography.x509.oid import ExtendedKeyUsageOID
from OpenSSL import SSL

from tests.pki import Cert, mint
from tests.unit.wire import servers
from tests.unit.wire.servers import HOST, NAME

_CLIENT = (ExtendedKeyUsageOID.CLIENT_AUTH,)
REQUIRED, OPTIONAL = {"client_auth": "required"}, {"client_auth": "optional"}
NOT_REQUESTED, REJECTED, NOT_REQUIRED = (
    f"client-certificate-{what}" for what in ("not-requested", "rejected", "not-required")
)


@pytest.fixture(scope="module")
def pki():
    return mint(
        root=Cert(),
        leaf=Cert(issuer="root", names=[NAME]),
        clients=Cert(),
        ours=Cert(issuer="clients", names=["sender.example.com"], usages=_CLIENT),
        between=Cert(issuer="clients"),
        below=Cert(issuer="between", names=["sender.example.com"], usages=_CLIENT),
        server=Cert(issuer="clients", names=["sender.example.com"]),
        strangers=Cert(),
        theirs=Cert(issuer="strangers", names=["sender.example.com"], usages=_CLIENT),
    )


def presenting(pki, *chain):
    return {"client_cert": pki.pem(*chain), "client_key": pki.key_pem(chain[0])}


@pytest.fixture
def verify(tmp_path, pki):
    """Verify an endpoint at a port of this machine; the one result."""
    (tmp_path / "root.pem").write_text(pki.pem("root"))
    (tmp_path / "clients.pem").write_text(pki.pem("clients"))

    def run(port, timeout=5.0, **keys):
        endpoint = parse_endpoint({"host": NAME, "address": HOST, "port": port, **keys})
        (result,) = verify_endpoints([endpoint], Settings(trust=(str(tmp_path / "root.pem"),), timeout=timeout))
        return result

    return run


def codes(result):
    return [finding["code"] for finding in result["findings"]]


@contextlib.contextmanager
def s_server(directory, pki, version):
    demand = ("-Verify", "1", "-verify_return_error", "-CAfile", f"{directory}/clients.pem", "-www")
    with servers.s_server(directory / "server", pki, ["leaf"], version, *demand) as port:
        yield port


@contextlib.contextmanager
def nginx(directory, pki, mode):
    extra = f"ssl_verify_client {mode}; ssl_verify_depth 2; ssl_client_certificate {directory}/clients.pem;"
    with servers.nginx(directory / "server", pki, ["leaf"], extra) as port:
        yield port


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_server_that_refuses_in_tls(tmp_path, pki, verify, version):
    with s_server(tmp_path, pki, version) as port:
        ours, without = verify(port, **presenting(pki, "ours")), verify(port, **REQUIRED)
        theirs, servers_own = verify(port, **presenting(pki, "theirs")), verify(port, **presenting(pki, "server"))
        unexpected, optional = verify(port), verify(port, **OPTIONAL)
    assert (codes(ours), codes(without)) == ([], [])
    assert ours["client_auth"] == {"requested": True, "authorities": ["CN=clients"]}
    assert (codes(theirs), codes(servers_own)) == ([REJECTED], [REJECTED])
    assert "TLS alert 'unknown ca'; the server names the CAs" in theirs["findings"][0]["message"]
    assert "TLS alert 'unsupported certificate'; its extended" in servers_own["findings"][0]["message"]
    assert not any(theirs["clients"].values())
    for refused in (unexpected, optional):
        assert codes(refused) == ["handshake-failed"]
        assert "asks for a client certificate and refuses" in refused["findings"][0]["message"]


def test_nginx_turns_clients_away_in_http(tmp_path, pki, verify):
    with nginx(tmp_path, pki, "on") as port:
        ours, without = verify(port, **presenting(pki, "ours")), verify(port, **REQUIRED)
        below = verify(port, **presenting(pki, "below", "between"))
        theirs, unexpected = verify(port, **presenting(pki, "theirs")), verify(port)
    assert (codes(ours), codes(below), codes(without), codes(unexpected)) == ([], [], [], [])
    assert codes(theirs) == [REJECTED]
    assert "it answers 400, 'The SSL certificate error'" in theirs["findings"][0]["message"]
    assert all(theirs["clients"].values())
    assert "client_auth" not in unexpected


@pytest.mark.parametrize("mode", ["optional", "optional_no_ca"])
def test_nginx_that_lets_anyone_in(tmp_path, pki, verify, mode):
    with nginx(tmp_path, pki, mode) as port:
        ours, without = verify(port, **presenting(pki, "ours")), verify(port, **REQUIRED)
        optional = verify(port, **presenting(pki, "ours"), **OPTIONAL)
    assert (codes(ours), codes(without), codes(optional)) == ([NOT_REQUIRED], [NOT_REQUIRED], [])
    assert "it answers 200" in ours["findings"][0]["message"]


def test_the_application_may_be_the_one_to_refuse(tmp_path, pki, verify):
    decides = f"ssl_verify_client optional; ssl_client_certificate {tmp_path}/clients.pem; if ($ssl_client_verify != SUCCESS) {{ return 403; }}"
    with servers.nginx(tmp_path / "server", pki, ["leaf"], decides) as port:
        assert codes(verify(port, **presenting(pki, "ours"))) == []
        assert codes(verify(port, **REQUIRED)) == []


def test_nginx_that_does_not_ask(tmp_path, pki, verify):
    with servers.nginx(tmp_path / "server", pki, ["leaf"]) as port:
        for keys in (presenting(pki, "ours"), REQUIRED, OPTIONAL):
            result = verify(port, **keys)
            assert codes(result) == [NOT_REQUESTED]
            assert result["client_auth"] == {"requested": False, "authorities": []}


def test_a_client_certificate_beside_other_questions(tmp_path, pki, verify):
    """The one connection without it is for all those that have it; versions are tried without."""
    with nginx(tmp_path, pki, "optional") as port:
        result = verify(port, **presenting(pki, "ours"), repeat=2, versions=True)
    assert codes(result) == [NOT_REQUIRED]
    assert (result["connections"], result["versions"]) == (2, ["TLSv1.2", "TLSv1.3"])


@contextlib.contextmanager
def tls_server(directory, pki, answer):
    """A server that asks for a certificate and bears none; `answer` has the connection once it has heard something."""
    (directory / "leaf.pem").write_text(pki.key_pem("leaf") + pki.pem("leaf"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "leaf.pem")
    context.load_verify_locations(directory / "clients.pem")
    context.verify_mode = ssl.CERT_OPTIONAL

    def handle(plain: socket.socket) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as connection:
            connection.recv(4096)
            answer(connection)

    with servers.raw_server(handle) as port:
        yield port


def test_a_server_that_speaks_no_http(tmp_path, pki, verify):
    with tls_server(tmp_path, pki, lambda connection: connection.sendall(b"* BAD command\r\n")) as port:
        result = verify(port, **presenting(pki, "ours"))
    assert codes(result) == [NOT_REQUIRED]
    assert "the handshake is completed and nothing refused" in result["findings"][0]["message"]


def test_a_server_that_stays_silent_costs_the_timeout(tmp_path, pki, verify):
    over = threading.Event()
    with tls_server(tmp_path, pki, lambda _connection: over.wait(10)) as port:
        started = time.monotonic()
        result = verify(port, timeout=1.0, **presenting(pki, "ours"), **OPTIONAL)
        over.set()
    assert codes(result) == []
    assert 0.9 < time.monotonic() - started < 3


def test_an_answer_in_several_records_after_an_early_hint(tmp_path, pki, verify):
    """One call to OpenSSL gives one record; the connection stays open."""
    over = threading.Event()

    def hint(connection):
        for part in (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"):
            connection.sendall(part)
        connection.sendall(b"The SSL certificate error")
        over.wait(10)

    with tls_server(tmp_path, pki, hint) as port:
        started = time.monotonic()
        result = verify(port, **presenting(pki, "ours"), **OPTIONAL)
        over.set()
    assert codes(result) == [REJECTED]
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_a_server_that_closes_the_connection_instead_of_an_alert(tmp_path, pki, verify, version):
    """As Node.js does."""
    program = f"""
    const fs = require("fs"), https = require("https");
    const read = (name) => fs.readFileSync("{tmp_path}/" + name);
    const options = {{ key: read("leaf.key"), cert: read("leaf.crt"), ca: read("clients.pem"), requestCert: true, rejectUnauthorized: true,
      minVersion: "{version}", maxVersion: "{version}" }};
    https.createServer(options, (_request, response) => response.end("ok")).listen(PORT, "{HOST}");
    """
    (tmp_path / "leaf.crt").write_text(pki.pem("leaf"))
    (tmp_path / "leaf.key").write_text(pki.key_pem("leaf"))
    port = servers.free_port()
    server = subprocess.Popen(["node", "-e", program.replace("PORT", str(port))])
    try:
        servers.wait_for(port)
        ours, theirs = verify(port, **presenting(pki, "ours")), verify(port, **presenting(pki, "theirs"))
        without = verify(port, **REQUIRED)
    finally:
        server.kill()
        server.wait()
    assert (codes(ours), codes(theirs), codes(without)) == ([], [REJECTED], [])


def test_silence_refuses_nobody(tmp_path, pki, verify):
    """A server that hangs once it has asked, in TLS 1.2."""
    (tmp_path / "leaf.pem").write_text(pki.key_pem("leaf") + pki.pem("leaf"))
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    context.use_certificate_chain_file(str(tmp_path / "leaf.pem"))
    context.use_privatekey_file(str(tmp_path / "leaf.pem"))
    context.set_verify(SSL.VERIFY_PEER, lambda *_arguments: True)
    over = threading.Event()

    def hang(plain: socket.socket) -> None:
        connection = SSL.Connection(context, None)
        connection.set_accept_state()
        connection.bio_write(plain.recv(65536))
        with contextlib.suppress(SSL.WantReadError):
            connection.do_handshake()
        plain.sendall(connection.bio_read(65536))
        over.wait(10)

    with servers.raw_server(hang) as port:
        results = [verify(port, timeout=1.0, **keys) for keys in (presenting(pki, "ours"), REQUIRED)]
        over.set()
    assert [codes(result) for result in results] == [["handshake-failed"], ["handshake-failed"]]


def test_behind_starttls_an_accepted_handshake_says_nothing_of_what_is_required(tmp_path, pki):
    assert parse_endpoint({"host": NAME, "starttls": "postgres", **presenting(pki, "ours")}).client_auth == "optional"
    assert parse_endpoint({"host": NAME, **presenting(pki, "ours")}).client_auth == "required"


def test_an_answer_without_end_is_not_read_to_its_end(tmp_path, pki, verify):
    def flood(connection):
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        while True:
            connection.sendall(b"x" * 4096)

    with tls_server(tmp_path, pki, flood) as port:
        assert codes(verify(port, **presenting(pki, "ours"), **OPTIONAL)) == []


def test_a_connection_that_is_closed_without_an_answer_serves_nobody(tmp_path, pki, verify):
    """Abruptly, without TLS's own end. It says nothing where a client with a certificate gets no answer either."""

    def slam(connection):
        if not connection.getpeercert():
            socket.socket(fileno=connection.detach()).close()
        else:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

    with tls_server(tmp_path, pki, slam) as port:
        assert codes(verify(port, **presenting(pki, "ours"))) == []
        assert codes(verify(port, **REQUIRED)) == [NOT_REQUIRED]


def test_a_key_that_cannot_be_presented():
    pki = mint(ours=Cert(names=["sender.example.com"], usages=_CLIENT, key_type="mldsa65"))
    with pytest.raises(InputError, match="client_key is of a kind that cannot be presented from here; expected RSA"):
        new_context(credential=(pki.pem("ours"), pki.key_pem("ours")))
