# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints that ask for several connections."""

from __future__ import annotations

import socket
import time
from dataclasses import replace

import pytest
from ansible_collections.fullchain.tls.plugins.module_utils.s_client import Offer
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire import resolve
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import Endpoint, parse_endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.fetch import fetch_all
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.looks import gather, looks
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.resolve import literal
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.served import Served
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.tls import EVERYTHING

from tests.pki import Cert, mint
from tests.unit.wire import servers
from tests.unit.wire.servers import HOST, NAME

ADDRESSES = tuple(literal(address, 443) for address in ("192.0.2.1", "192.0.2.2"))


@pytest.fixture(scope="module")
def pki():
    """Two leaves of an endpoint: ECDSA and RSA."""
    return mint(
        root=Cert(),
        leaf=Cert(issuer="root", names=[NAME]),
        rsa=Cert(issuer="root", names=[NAME], key_type="rsa2048"),
    )


def fetch(value, timeout=5.0):
    return fetch_all([parse_endpoint({"host": NAME, **value})], timeout)


@pytest.fixture
def two_addresses(monkeypatch):
    """NAME has two addresses, 127.0.0.1 and 127.0.0.2."""
    real = socket.getaddrinfo

    def found(host, port, *arguments, **options):
        hosts = ("127.0.0.2", HOST) if host == NAME else (host,)
        return [entry for each in hosts for entry in real(each, port, *arguments, **options)]

    monkeypatch.setattr(resolve.socket, "getaddrinfo", found)


def test_most_endpoints_ask_for_one_connection():
    assert looks(Endpoint(NAME), ADDRESSES) == [(ADDRESSES, EVERYTHING)]


def test_connections_are_asked_for_by_address_kind_and_count():
    asked = looks(Endpoint(NAME, addresses="all", repeat=2, key_types=("ecdsa", "rsa"), versions=True), ADDRESSES)
    one, other = asked[:8], asked[8:]
    ecdsa, rsa = Offer(key_type="ecdsa"), Offer(key_type="rsa")
    versions = [Offer(version=version) for version in ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")]
    assert [look.offer for look in one] == [ecdsa, rsa, ecdsa, rsa, *versions]
    assert {look.addresses for look in one} == {ADDRESSES[:1]}
    assert {look.addresses for look in other} == {ADDRESSES[1:]}


def test_what_is_alike_is_told_once():
    endpoint = Endpoint(NAME, repeat=4)
    old, new = (Served(endpoint, "192.0.2.1", "TLSv1.3", (leaf,)) for leaf in (b"old", b"new"))
    first, second = gather([(EVERYTHING, served) for served in (old, new, old, old)])
    assert (first.chain, first.connections) == ((b"old",), 3)
    assert (second.chain, second.connections) == ((b"new",), 1)


def test_the_kind_of_key_is_told_of_a_single_connection():
    offer, served = Offer(key_type="rsa"), Served(Endpoint(NAME, key_types=("rsa",)))
    assert [one.key_type for one in gather([(offer, served)])] == ["rsa"]


def test_versions_are_told_of_the_address_that_takes_them():
    endpoint = Endpoint(NAME, addresses="all", versions=True)
    seen = []
    for address, takes in (("192.0.2.1", ("TLSv1", "TLSv1.2")), ("192.0.2.2", ("TLSv1.3",))):
        seen.append((EVERYTHING, Served(endpoint, address, takes[-1], (b"leaf",))))
        seen += [
            (Offer(version=version), Served(endpoint, address, version if version in takes else None))
            for version in ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
        ]
    assert [(served.address, served.versions) for served in gather(seen)] == [
        ("192.0.2.1", ("TLSv1", "TLSv1.2")),
        ("192.0.2.2", ("TLSv1.3",)),
    ]


def test_all_addresses(tmp_path, pki, two_addresses):
    with (
        servers.nginx(tmp_path / "one", pki, ["leaf"]) as port,
        servers.nginx(tmp_path / "two", pki, ["rsa"], address="127.0.0.2", port=port),
    ):
        both = fetch({"port": port, "addresses": "all"})
        first = fetch({"port": port})
    assert [(served.address, served.chain) for served in both] == [
        ("127.0.0.2", (pki.der("rsa"),)),
        (HOST, (pki.der("leaf"),)),
    ]
    assert [served.address for served in first] == ["127.0.0.2"]


def test_an_address_that_is_dead_has_a_result_and_takes_no_time_of_the_others(tmp_path, pki, two_addresses):
    with servers.nginx(tmp_path, pki, ["leaf"]) as port, socket.create_server(("127.0.0.2", port), backlog=8):
        started = time.monotonic()
        dead, good = fetch({"port": port, "addresses": "all", "timeout": 1.5})
        took = time.monotonic() - started
    assert (dead.address, dead.failure_kind) == ("127.0.0.2", "unreachable")
    assert (good.address, good.failure_kind) == (HOST, None)
    assert took < 2.5


def test_all_addresses_of_a_name_that_has_none():
    found = fetch_all([Endpoint("nowhere.invalid", addresses="all", repeat=5, key_types=("ecdsa", "rsa"))], 10)
    assert [(served.failure_kind, served.connections) for served in found] == [("unreachable", 1)]


def test_repeated(tmp_path, pki):
    with (
        servers.nginx(tmp_path / "one", pki, ["leaf"]) as one,
        servers.nginx(tmp_path / "two", pki, ["rsa"]) as two,
        servers.raw_server(servers.taking_turns([one, two])) as port,
    ):
        found = fetch({"address": HOST, "port": port, "repeat": 10})
        alone = fetch({"address": HOST, "port": one, "repeat": 10})
    assert {served.chain: served.connections for served in found} == {(pki.der("leaf"),): 5, (pki.der("rsa"),): 5}
    assert [(served.connections, served.chain) for served in alone] == [(10, (pki.der("leaf"),))]


def both_kinds(tmp_path, pki):
    (tmp_path / "rsa.pem").write_text(pki.pem("rsa"))
    (tmp_path / "rsa.key").write_text(pki.key_pem("rsa"))
    return f"ssl_certificate {tmp_path}/rsa.pem; ssl_certificate_key {tmp_path}/rsa.key;"


def test_both_kinds_of_keys(tmp_path, pki):
    with servers.nginx(tmp_path, pki, ["leaf"], both_kinds(tmp_path, pki)) as port:
        found = fetch({"address": HOST, "port": port, "key_types": ["rsa", "ecdsa"]})
    assert [(served.key_type, served.protocol, served.chain) for served in found] == [
        ("ecdsa", "TLSv1.2", (pki.der("leaf"),)),
        ("rsa", "TLSv1.2", (pki.der("rsa"),)),
    ]


def test_a_kind_of_key_that_the_server_lacks(tmp_path, pki):
    with servers.nginx(tmp_path, pki, ["leaf"]) as port:
        ecdsa, rsa = fetch({"address": HOST, "port": port, "key_types": ["rsa", "ecdsa"]})
        alone = fetch({"address": HOST, "port": port, "key_types": ["rsa"]})
    assert (ecdsa.key_type, ecdsa.failure_kind, len(ecdsa.chain)) == ("ecdsa", None, 1)
    assert (rsa.key_type, rsa.failure_kind, rsa.chain) == ("rsa", "handshake-failed", ())
    assert rsa.failure_detail == "the server refused with the TLS alert 'handshake failure'"
    assert alone == [replace(rsa, endpoint=alone[0].endpoint)]


@pytest.mark.parametrize(
    ("arguments", "protocol", "versions"),
    [
        (["-cipher", "ALL:@SECLEVEL=0"], "TLSv1.3", ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")),
        (["-no_tls1", "-no_tls1_1"], "TLSv1.3", ("TLSv1.2", "TLSv1.3")),
        (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], "TLSv1.1", ("TLSv1.1",)),
        (["-tls1_2", "-Verify", "1", "-verify_return_error"], "TLSv1.2", ("TLSv1.2",)),
    ],
)
def test_versions(tmp_path, pki, arguments, protocol, versions):
    with servers.s_server(tmp_path, pki, ["leaf"], *arguments) as port:
        found = fetch({"address": HOST, "port": port, "versions": True})
    assert [(served.protocol, served.versions) for served in found] == [(protocol, versions)]


def test_versions_of_a_server_that_is_dead():
    port = servers.free_port()
    assert [served.versions for served in fetch({"address": HOST, "port": port, "versions": True})] == [()]


def test_versions_are_not_tried_unasked(tmp_path, pki):
    with servers.nginx(tmp_path, pki, ["leaf"]) as port:
        found = fetch({"address": HOST, "port": port})
    assert [served.versions for served in found] == [None]


def test_results_keep_the_order_of_the_endpoints(tmp_path, pki, two_addresses):
    with (
        servers.nginx(tmp_path / "one", pki, ["leaf"]) as port,
        servers.nginx(tmp_path / "two", pki, ["rsa"], address="127.0.0.2", port=port),
    ):
        endpoints = [{"host": HOST, "port": port}, {"host": NAME, "port": port, "addresses": "all"}] * 10
        found = fetch_all([parse_endpoint(endpoint) for endpoint in endpoints])
    assert [served.address for served in found] == [HOST, "127.0.0.2", HOST] * 10
