# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was fetched, there and back through JSON."""

from __future__ import annotations

import json

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import Endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.served import Served, read_served

ENDPOINT = {"host": "a.example"}


@pytest.mark.parametrize(
    "served",
    [
        Served(Endpoint("a.example")),
        Served(
            Endpoint("a.example", 8443, "b.example", "::1", "ab" * 32, 2.5, starttls="smtp", sni=False),
            address="::1",
            protocol="TLSv1.3",
            chain=(b"x" * 100, b"\x00"),
            failure_kind="handshake-failed",
            failure_detail="because",
            stapled=b"staple",
            cipher="TLS_AES_256_GCM_SHA384",
            group="x25519",
            key_type="rsa",
            versions=("TLSv1.2", "TLSv1.3"),
            connections=3,
        ),
        Served(Endpoint("a.example"), stapled=b""),
    ],
)
def test_there_and_back(served):
    assert Served.from_dict(json.loads(json.dumps(served.to_dict()))) == served
    assert read_served({"changed": False, "served": [served.to_dict()]}) == [served]
    assert read_served([served.to_dict()]) == [served]


def test_an_endpoint_is_told_as_the_user_may_have_written_it():
    told = Served(Endpoint("a.example", sni=False, trust=("a.pem",))).to_dict()["endpoint"]
    assert told == {"host": "a.example", "port": 443, "sni": False, "trust": ("a.pem",)}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("text", "served cannot be read: expected the result of fullchain.tls.served_chain, or its list `served`"),
        (
            {"msg": "x"},
            "served cannot be read: expected the result of fullchain.tls.served_chain, or its list `served`",
        ),
        (
            [{"chain": []}],
            "served entry with the keys 'chain' cannot be read: expected a result of fullchain.tls.served_chain",
        ),
        (
            [{"host": "a", "client_key": "-----BEGIN PRIVATE KEY-----"}],
            "served entry 'a' cannot be read: expected a result of fullchain.tls.served_chain",
        ),
        (
            ["a"],
            "served entry that is no mapping cannot be read: expected a result of fullchain.tls.served_chain",
        ),
        ([{"endpoint": {"host": "a b"}}], "endpoint 'a b': host: "),
        ([{"endpoint": ENDPOINT, "certs": []}], "served entry has unknown keys 'certs' (known: "),
        (
            [{"endpoint": ENDPOINT, "chain": ["PEM"]}],
            "served entry for a.example:443: chain[0] is not one PEM certificate",
        ),
        (
            [{"endpoint": ENDPOINT, "chain": ["-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----"]}],
            "served entry for a.example:443: chain[0] is not one PEM certificate",
        ),
        (
            [{"endpoint": ENDPOINT, "versions": "TLSv1"}],
            "served entry for a.example:443: versions is not a list of versions of TLS",
        ),
        ([{"endpoint": ENDPOINT, "connections": 0}], "served entry for a.example:443: connections 0 is not a count"),
        ([{"endpoint": ENDPOINT, "chain": "x"}], "served entry for a.example:443: chain is not a list"),
        (
            [{"endpoint": ENDPOINT, "failure_kind": "odd"}],
            "served entry for a.example:443: failure_kind 'odd' is not known",
        ),
        ([{"endpoint": ENDPOINT, "stapled": "*"}], "served entry for a.example:443: stapled is not base64"),
    ],
)
def test_refused(value, message):
    with pytest.raises(InputError) as refusal:
        read_served(value)
    assert str(refusal.value).startswith(message)


@pytest.mark.parametrize("key", ["address", "protocol", "failure_detail", "cipher", "group", "key_type"])
def test_what_a_host_tells_is_text_and_moves_no_cursor(key):
    assert getattr(Served.from_dict({"endpoint": "shop.example.com", key: "\x1b[2J"}), key) == "\\x1b[2J"
    with pytest.raises(InputError) as refusal:
        Served.from_dict({"endpoint": "shop.example.com", key: {"a": 1}})
    assert str(refusal.value) == f"served entry for shop.example.com:443: {key} is not a text"
