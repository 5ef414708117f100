# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers behind one endpoint, compared."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.backends import backends_of
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge import Backend
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.backends import described, differ
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import Endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.served import Served

from tests.pki import Cert, mint

OLD, NEW, INTER, CROSS = (letter * 32 for letter in ("01", "ab", "cd", "ef"))
END = datetime(2026, 12, 1, 12, 0, tzinfo=timezone.utc)


def backend(address, *chain, protocol="TLSv1.3", **fields):
    return Backend(address, chain, END if chain else None, protocol if chain else None, **fields)


@pytest.mark.parametrize(
    "backends",
    [
        (),
        (backend("192.0.2.1", NEW),),
        (backend("192.0.2.1", NEW, INTER), backend("192.0.2.2", NEW, INTER, connections=7)),
        (backend("192.0.2.1", failure="unreachable"), backend("192.0.2.2", failure="unreachable")),
    ],
)
def test_alike(backends):
    assert not differ(backends)


LEAF = "serves the leaf abababababababab... (until 2026-12-01 12:00 UTC)"


@pytest.mark.parametrize(
    ("backends", "said"),
    [
        (
            (backend("192.0.2.1", NEW), backend("192.0.2.2", OLD), backend("2001:db8::3", NEW)),
            [f"192.0.2.1, 2001:db8::3 {LEAF}", "192.0.2.2 serves the leaf 0101010101010101... (until 2026-12-01 12:00 UTC)"],
        ),
        (
            (backend("192.0.2.1", NEW, connections=17), backend("192.0.2.1", OLD, connections=3)),
            [
                f"192.0.2.1 (17 connections) {LEAF}",
                "192.0.2.1 (3 connections) serves the leaf 0101010101010101... (until 2026-12-01 12:00 UTC)",
            ],
        ),
        (
            (backend("192.0.2.1", NEW, INTER), backend("192.0.2.2", NEW), backend("192.0.2.3", NEW, CROSS, INTER)),
            [
                f"192.0.2.1 {LEAF} and then cdcdcdcdcdcdcdcd...",
                f"192.0.2.2 {LEAF} and then nothing",
                f"192.0.2.3 {LEAF} and then efefefefefefefef..., cdcdcdcdcdcdcdcd...",
            ],
        ),
        (
            (backend("192.0.2.1", NEW), backend("192.0.2.2", NEW, protocol="TLSv1.2")),
            [f"192.0.2.1 {LEAF} with TLSv1.3", f"192.0.2.2 {LEAF} with TLSv1.2"],
        ),
        (
            (backend("192.0.2.1", NEW), backend("192.0.2.2", failure="unreachable")),
            [f"192.0.2.1 {LEAF}", "192.0.2.2 serves nothing (unreachable)"],
        ),
        (
            (backend("192.0.2.1", NEW), backend("192.0.2.2", NEW, failure="handshake-failed")),
            [f"192.0.2.1 {LEAF}", f"192.0.2.2 {LEAF} (handshake-failed)"],
        ),
        (
            (backend("192.0.2.1", NEW), Backend("192.0.2.2", (OLD,), protocol="TLSv1.3")),
            [f"192.0.2.1 {LEAF}", "192.0.2.2 serves the leaf 0101010101010101..."],
        ),
    ],
)  # fmt: skip
def test_different(backends, said):
    assert differ(backends)
    assert described(backends) == said


@pytest.fixture(scope="module")
def pki():
    return mint(leaf=Cert(names=["a.example"]), other=Cert(names=["a.example"]))


def test_those_of_one_endpoint_are_compared_and_told_with_its_first_result(pki):
    both = Endpoint("a.example", addresses="all")
    plain = Endpoint("a.example")
    served = [
        Served(plain, "192.0.2.9", "TLSv1.3", (pki.der("other"),)),
        Served(both, "192.0.2.1", "TLSv1.3", (pki.der("leaf"),)),
        Served(both, "192.0.2.2", failure_kind="unreachable"),
        Served(plain, "192.0.2.9", "TLSv1.3", (pki.der("leaf"),)),
    ]
    none, first, second, last = backends_of(served)
    assert (none, second, last) == ((), (), ())
    assert first == (
        Backend("192.0.2.1", (pki["leaf"].sha256,), pki["leaf"].not_after, "TLSv1.3"),
        Backend("192.0.2.2", failure="unreachable"),
    )


def test_kinds_of_keys_are_compared_each_with_its_own(pki):
    endpoint = Endpoint("a.example", repeat=2, key_types=("ecdsa", "rsa"))
    served = [
        Served(endpoint, "192.0.2.1", "TLSv1.2", (pki.der(leaf),), key_type=kind, connections=2)
        for kind, leaf in (("ecdsa", "leaf"), ("rsa", "other"))
    ]
    ecdsa, rsa = backends_of(served)
    assert [len(found) for found in (ecdsa, rsa)] == [1, 1]
    assert not differ(ecdsa)
    assert not differ(rsa)


def test_bytes_that_are_no_certificate(pki):
    endpoint = Endpoint("a.example", repeat=2)
    (backend,) = backends_of([Served(endpoint, "192.0.2.1", "TLSv1.3", (b"\x30\x00",))])[0]
    assert (len(backend.chain), backend.not_after) == (1, None)


def test_nothing_is_compared_for_endpoints_that_ask_for_one_connection(pki):
    served = [Served(Endpoint("a.example"), "192.0.2.1", "TLSv1.3", (pki.der(leaf),)) for leaf in ("leaf", "other")]
    assert backends_of(served) == [(), ()]
