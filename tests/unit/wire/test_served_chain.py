# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module served_chain, run as Ansible runs it: by the interpreters of hosts, against real servers."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import parse_endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.fetch import fetch_all
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.served import read_served

from tests.pki import Cert, mint
from tests.unit.wire import servers
from tests.unit.wire.servers import HOST, NAME

COLLECTIONS = Path(__file__).parents[3] / ".work"


def interpreters():
    """The oldest and the newest Python that are here, of those that hosts may have; this one at least."""
    versions = Path.home() / ".pyenv" / "versions"
    found = {"this": sys.executable}
    for version in ("3.6", "3.8", "3.13"):
        program = next(versions.glob(f"{version}.*/bin/python"), None) or shutil.which(f"python{version}")
        if program:
            found[version] = str(program)
    return found


INTERPRETERS = interpreters()


@pytest.fixture(scope="module")
def pki():
    return servers.shop()


def look(endpoints, interpreter="this", environment=(), **parameters):
    """Run what the module runs, by `interpreter`. The part that is Ansible's own is left to test_verify_tls_playbook."""
    program = (
        "import json, sys\n"
        "from ansible_collections.fullchain.tls.plugins.module_utils.served_chain import fetch_all\n"
        "json.dump(fetch_all(**json.load(sys.stdin)), sys.stdout)\n"
    )
    done = subprocess.run(
        [INTERPRETERS[interpreter], "-c", program],
        input=json.dumps({"endpoints": endpoints, "openssl": "openssl", **parameters}),
        capture_output=True,
        text=True,
        env={
            "PYTHONPATH": str(COLLECTIONS),
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
            **dict(environment),
        },
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return read_served(json.loads(done.stdout))


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_the_chain_is_as_served(tmp_path, pki, interpreter):
    chain = ["leaf", "upper", "inter", "root"]
    with servers.s_server(tmp_path, pki, chain) as port:
        served = look([{"host": NAME, "port": port, "address": HOST}, f"{HOST}:{port}"], interpreter)
    assert [entry.endpoint.host for entry in served] == [NAME, HOST]
    for entry in served:
        assert entry.chain == tuple(map(pki.der, chain))
        assert (entry.protocol, entry.address, entry.failure_kind) == ("TLSv1.3", HOST, None)


@pytest.mark.parametrize(
    ("arguments", "protocol"),
    [(["-tls1_2"], "TLSv1.2"), (["-tls1", "-cipher", "ALL:@SECLEVEL=0"], "TLSv1")],
)
def test_older_protocols(tmp_path, pki, arguments, protocol):
    (tmp_path / "openssl.cnf").write_text(servers.STRICT)
    with servers.s_server(tmp_path, pki, ["leaf"], *arguments) as port:
        served = look([f"{HOST}:{port}"], environment={"OPENSSL_CONF": str(tmp_path / "openssl.cnf")})[0]
    assert (served.protocol, served.chain, served.failure_kind) == (protocol, (pki.der("leaf"),), None)


def test_the_server_name_is_sent(tmp_path, pki):
    hello = []

    def listen(connection):
        hello.append(connection.recv(4096))

    with servers.raw_server(listen) as port:
        look([{"host": "a.example", "server_name": NAME, "address": HOST, "port": port}])
        look([f"{HOST}:{port}"])
        look([{"host": NAME, "address": HOST, "port": port, "sni": False}])
    sent = [said for said in hello if said]  # the other connections only tried whether the port is open
    assert [NAME.encode() in said for said in sent] == [True, False, False]
    assert not any(HOST.encode() in said for said in sent)


def test_the_chain_is_kept_when_the_server_demands_a_client_certificate(tmp_path, pki):
    with servers.s_server(tmp_path, pki, ["leaf", "inter"], "-tls1_2", "-Verify", "1", "-verify_return_error") as port:
        served = look([f"{HOST}:{port}"])[0]
    assert served.chain == (pki.der("leaf"), pki.der("inter"))
    assert served.failure_kind == "handshake-failed"
    assert served.failure_detail == "the server refused with the TLS alert 'handshake failure'"


@pytest.mark.parametrize(
    ("handler", "kind", "detail"),
    [
        (servers.plain_http, "not-tls", "answers something other than TLS"),
        (servers.smtp, "not-tls", "answers something other than TLS"),
        (servers.garbage, "not-tls", "answers something other than TLS"),
        (servers.reset, "unreachable", "broke off before the handshake was done"),
        (servers.hang_up, "unreachable", "broke off before the handshake was done"),
        (servers.half_a_record, "handshake-failed", "broke off before the handshake was done"),
        (servers.flood, "unreachable", "took the connection but completed no handshake within 1 s"),
        (servers.alert, "handshake-failed", "the server refused with the TLS alert 'handshake failure'"),
        (servers.stall, "unreachable", "took the connection but completed no handshake within 1 s"),
        (servers.drip, "unreachable", "took the connection but completed no handshake within 1 s"),
    ],
)
def test_failures(handler, kind, detail):
    with servers.raw_server(handler) as port:
        started = time.monotonic()
        served = look([f"{HOST}:{port}"], timeout=1)[0]
        took = time.monotonic() - started
    assert (served.failure_kind, served.chain, served.address) == (kind, (), HOST)
    assert detail in served.failure_detail
    assert took < 4


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_a_refusal_of_starttls(interpreter):
    def mail(connection):
        connection.sendall(b"220 hello\r\n")
        connection.recv(4096)
        connection.sendall(b"250-hello\r\n250 HELP\r\n")
        servers.stall(connection)

    with servers.raw_server(mail) as port:
        served = look([{"host": HOST, "port": port, "starttls": "smtp"}], interpreter)[0]
    assert (served.failure_kind, served.address) == ("not-tls", HOST)
    assert served.failure_detail == "the SMTP server does not offer STARTTLS, but 'HELP'"


def look_here(monkeypatch, found_at, **endpoint):
    """The same in this process, where NAME can have the addresses `found_at`."""
    from ansible_collections.fullchain.tls.plugins.module_utils import reach, served_chain

    real = socket.getaddrinfo

    def found(host, *arguments, **options):
        hosts = found_at if host == NAME else [host]
        return [entry for each in hosts for entry in real(each, *arguments, **options)]

    monkeypatch.setattr(reach.socket, "getaddrinfo", found)
    return read_served(served_chain.fetch_all([{"host": NAME, **endpoint}], "openssl", timeout=8))


def test_all_addresses(tmp_path, pki, monkeypatch):
    addresses = ["127.0.0.2", HOST, "127.0.0.3", HOST]
    with (
        servers.nginx(tmp_path / "one", pki, ["leaf"]) as port,
        servers.nginx(tmp_path / "two", pki, ["leaf", "inter"], address="127.0.0.2", port=port),
    ):
        found = look_here(monkeypatch, addresses, port=port, addresses="all")
        first = look_here(monkeypatch, addresses, port=port)
    assert [(served.address, len(served.chain), served.failure_kind) for served in found] == [
        ("127.0.0.2", 2, None),
        (HOST, 1, None),
        ("127.0.0.3", 0, "unreachable"),
    ]
    assert [served.address for served in first] == ["127.0.0.2"]


def test_an_address_that_is_dead_takes_no_time_of_the_others(monkeypatch):
    """Resolving takes 2 s, and each connection all that it may."""
    from ansible_collections.fullchain.tls.plugins.module_utils import reach

    now, given = [1000.0], []

    def resolve(*arguments):
        now[0] += 2
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("192.0.2.1", "192.0.2.2")]

    def connect(_sock, _sockaddr, seconds):
        given.append(seconds)
        now[0] += seconds
        return "timed out"

    monkeypatch.setattr(reach, "time", SimpleNamespace(time=lambda: now[0]))
    monkeypatch.setattr(reach.socket, "getaddrinfo", resolve)
    monkeypatch.setattr(reach, "_connect", connect)
    reach.places_of({"host": NAME, "port": 443, "addresses": "all"}, 8)
    reach.places_of({"host": NAME, "port": 443}, 8)
    assert given == [6, 6, 3, 3]


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_repeated(tmp_path, pki, interpreter):
    """Each connection that looks goes to the next server: the one that only tries the address must not come between."""
    with (
        servers.nginx(tmp_path / "one", pki, ["leaf"]) as one,
        servers.nginx(tmp_path / "two", pki, ["leaf", "inter"]) as two,
        servers.raw_server(servers.taking_turns([one, two])) as port,
    ):
        found = look([{"host": NAME, "address": HOST, "port": port, "repeat": 6}], interpreter)
    assert {len(served.chain): served.connections for served in found} == {1: 3, 2: 3}


def test_kinds_of_keys_versions_cipher_and_group(tmp_path):
    pki = mint(leaf=Cert(names=[NAME]), rsa=Cert(names=[NAME], key_type="rsa2048"))
    (tmp_path / "rsa.pem").write_text(pki.pem("rsa"))
    (tmp_path / "rsa.key").write_text(pki.key_pem("rsa"))
    second = f"ssl_certificate {tmp_path}/rsa.pem; ssl_certificate_key {tmp_path}/rsa.key; ssl_ecdh_curve prime256v1;"
    with servers.nginx(tmp_path, pki, ["leaf"], second) as port:
        endpoint = {"host": NAME, "address": HOST, "port": port, "versions": True}
        found = look([{**endpoint, "key_types": ["ecdsa", "rsa"]}, endpoint])
        as_the_controller = fetch_all([parse_endpoint(endpoint)])[0]
    ecdsa, rsa, any_kind = found
    assert (ecdsa.key_type, ecdsa.protocol, ecdsa.chain) == ("ecdsa", "TLSv1.2", (pki.der("leaf"),))
    assert (rsa.key_type, rsa.protocol, rsa.chain) == ("rsa", "TLSv1.2", (pki.der("rsa"),))
    assert {served.versions for served in found} == {("TLSv1.2", "TLSv1.3")}
    assert any_kind == as_the_controller
    assert any_kind.group == "secp256r1"


def test_a_kind_of_key_that_the_server_lacks(tmp_path, pki):
    with servers.nginx(tmp_path, pki, ["leaf"]) as port:
        served = look([{"host": NAME, "address": HOST, "port": port, "key_types": ["rsa"]}])[0]
    assert (served.key_type, served.failure_kind, served.chain) == ("rsa", "handshake-failed", ())


@pytest.mark.parametrize(
    ("version", "has", "lacks"),
    [
        ("OpenSSL 1.0.2u  20 Dec 2019", ["ALL:!aNULL"], ["-legacy_server_connect", "-noservername", "-tls1_3"]),
        (
            "OpenSSL 1.1.1w  11 Sep 2023",
            ["ALL:!aNULL:@SECLEVEL=0", "-noservername", "-tls1_3"],
            ["-legacy_server_connect"],
        ),
        ("OpenSSL 3.5.4 30 Sep 2025", ["-legacy_server_connect", "-noservername", "-tls1_3"], []),
        ("LibreSSL 3.3.6", ["-legacy_server_connect", "-tls1_3"], ["-noservername"]),
    ],
)
def test_arguments_are_those_that_the_version_takes(tmp_path, version, has, lacks):
    """1.1.1 refuses -legacy_server_connect, older ones know neither TLS 1.3 nor levels."""
    from ansible_collections.fullchain.tls.plugins.module_utils.served_chain import fetch_all

    command = tmp_path / "openssl"
    command.write_text(f"#!/bin/sh\n[ $1 = version ] && echo '{version}' || echo $* >>{tmp_path}/arguments\n")
    command.chmod(0o755)
    with servers.raw_server(servers.stall) as port:
        fetch_all([{"host": HOST, "port": port, "versions": True}], str(command))
    given = (tmp_path / "arguments").read_text().split()
    assert set(has) <= set(given)
    assert not set(lacks) & set(given)


def test_starttls_that_this_openssl_does_not_know(tmp_path):
    """OpenSSL 1.0.2 prints how it is used, and names in it the protocols that it knows."""
    old = tmp_path / "openssl"
    old.write_text(
        """#!/bin/sh
case $* in
version) echo 'OpenSSL 1.0.2u  20 Dec 2019' ;;
*) echo ' -starttls prot - use the STARTTLS command before starting TLS
                 for those protocols that support it, where
                 'prot' defines which one to assume.  Currently,
                 only "smtp", "pop3", "imap", "ftp" and "xmpp"
                 are supported.' >&2; exit 1 ;;
esac
"""
    )
    old.chmod(0o755)
    from ansible_collections.fullchain.tls.plugins.module_utils.served_chain import fetch_all

    port = servers.free_port()
    assert fetch_all([{"host": HOST, "port": port, "starttls": "imap"}], str(old))[0]["failure_kind"] == "unreachable"
    with pytest.raises(ValueError, match=r".") as refusal:
        fetch_all([{"host": "db.example.com", "starttls": "mysql"}], str(old))
    assert str(refusal.value) == (
        f"endpoint db.example.com:3306: starttls mysql is not known to this host's OpenSSL 1.0.2 ({old})"
    )


def test_unreachable():
    port = servers.free_port()
    refused, unknown = look([f"{HOST}:{port}", "nowhere.invalid"])
    assert (refused.failure_kind, refused.failure_detail) == (
        "unreachable",
        f"{HOST} port {port} refused the connection",
    )
    assert (unknown.failure_kind, unknown.address) == ("unreachable", None)
    assert unknown.failure_detail.startswith("nowhere.invalid does not resolve: ")


def test_dead_endpoints_hold_nobody_up(tmp_path, pki):
    with servers.nginx(tmp_path, pki, ["leaf"]) as port, servers.raw_server(servers.stall) as dead:
        started = time.monotonic()
        served = look([f"{HOST}:{p}" for p in (dead, port) * 10], timeout=3, workers=16)
        took = time.monotonic() - started
    assert [entry.failure_kind for entry in served] == ["unreachable", None] * 10
    assert took < 8


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"endpoints": ["a:b"]}, "endpoint 'a:b': 'b' is not a port"),
        (
            {"endpoints": ["a", {"host": "b", "server_name": "\u00e9..x"}]},
            "endpoint 'b': server_name '\u00e9..x' cannot be written as an internationalised name",
        ),
        ({"endpoints": ["a"], "timeout": 0}, "timeout: 0 is not a time; expected seconds, more than 0"),
        ({"endpoints": ["a"], "workers": 0}, "workers: 0 is not a count; expected 1 or more"),
        ({"endpoints": ["a"], "openssl": "true"}, "true version said ''; expected OpenSSL's"),
    ],
)
def test_refused(parameters, message):
    from ansible_collections.fullchain.tls.plugins.module_utils.served_chain import fetch_all

    with pytest.raises(ValueError, match=r".") as refusal:
        fetch_all(**{"openssl": "openssl", **parameters})
    assert str(refusal.value).startswith(message)
