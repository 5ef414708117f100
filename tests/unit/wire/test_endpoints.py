# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user may write for an endpoint."""

from __future__ import annotations

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import Endpoint, parse_endpoint

SECRET = "-----BEGIN PRIVATE KEY-----"
FORMS = "host, host:port, [IPv6]:port, or a mapping with `host`"


@pytest.mark.parametrize(
    ("value", "expected", "label"),
    [
        ("shop.example.com", Endpoint("shop.example.com"), "shop.example.com:443"),
        ("shop.example.com:8443", Endpoint("shop.example.com", 8443), "shop.example.com:8443"),
        (" Shop.Example.COM. ", Endpoint("shop.example.com"), "shop.example.com:443"),
        ("bücher.example", Endpoint("xn--bcher-kva.example"), "xn--bcher-kva.example:443"),
        ("192.0.2.7:8443", Endpoint("192.0.2.7", 8443), "192.0.2.7:8443"),
        ("[2001:DB8::1]:8443", Endpoint("2001:db8::1", 8443), "[2001:db8::1]:8443"),
        ("[2001:db8::1]", Endpoint("2001:db8::1"), "[2001:db8::1]:443"),
        ("2001:db8::1", Endpoint("2001:db8::1"), "[2001:db8::1]:443"),
        ({"host": "shop.example.com", "port": "8443"}, Endpoint("shop.example.com", 8443), "shop.example.com:8443"),
        ({"host": "[::1]", "port": None}, Endpoint("::1"), "[::1]:443"),
        (
            {"host": "a.example", "server_name": "B.example", "address": "fe80::1%lo", "timeout": "2.5"},
            Endpoint("a.example", server_name="b.example", address="fe80::1%lo", timeout=2.5),
            "a.example:443",
        ),
        (
            {"host": "a.example", "expect_fingerprint": ":".join(["AB"] * 32)},
            Endpoint("a.example", expect_fingerprint="ab" * 32),
            "a.example:443",
        ),
        *(
            (
                {"host": "a.example", "starttls": protocol},
                Endpoint("a.example", port, starttls=protocol),
                f"a.example:{port}",
            )
            for protocol, port in (
                ("smtp", 25),
                ("imap", 143),
                ("pop3", 110),
                ("ftp", 21),
                ("ldap", 389),
                ("xmpp", 5222),
                ("postgres", 5432),
                ("mysql", 3306),
            )
        ),
        (
            {"host": "a.example", "port": 587, "starttls": "smtp"},
            Endpoint("a.example", 587, starttls="smtp"),
            "a.example:587",
        ),
    ],
)
def test_accepted(value, expected, label):
    endpoint = parse_endpoint(value)
    assert endpoint == expected
    assert endpoint.label == label


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", f"endpoint '' names no host; expected {FORMS}"),
        (":443", f"endpoint ':443' names no host; expected {FORMS}"),
        (443, f"endpoint 443 cannot be read; expected {FORMS}"),
        ("https://a.example/", f"endpoint 'https://a.example/' is a URL; expected {FORMS}"),
        ("a.example:", "endpoint 'a.example:': '' is not a port; expected a number from 1 to 65535"),
        ("a.example:https", "endpoint 'a.example:https': 'https' is not a port; expected a number from 1 to 65535"),
        ("a.example:0", "endpoint 'a.example:0': '0' is not a port; expected a number from 1 to 65535"),
        ("a.example:65536", "endpoint 'a.example:65536': '65536' is not a port; expected a number from 1 to 65535"),
        ("[::1", "endpoint '[::1' cannot be read; expected an IPv6 address in brackets, [::1]:443"),
        (
            "[a.example]:443",
            "endpoint '[a.example]:443' cannot be read; expected an IPv6 address in brackets, [::1]:443",
        ),
        ("[::1]443", "endpoint '[::1]443' cannot be read; expected an IPv6 address in brackets, [::1]:443"),
        ({"port": 443}, "endpoint with the keys 'port' cannot be read: it has no `host`"),
        (
            {"host": "a.example", "ports": 1},
            "endpoint 'a.example': unknown key 'ports' (known: host, port, server_name, address, "
            "expect_fingerprint, expect_certificate, timeout, trust, starttls, sni, addresses, repeat, key_types, versions, "
            "client_auth, client_cert, client_key)",
        ),
        ({"host": 5}, "endpoint '5': host 5 is neither a hostname nor an IP address"),
        (
            {"host": "a", "port": True},
            "endpoint 'a': 'True' is not a port; expected a number from 1 to 65535",
        ),
        ({}, "endpoint without keys cannot be read: it has no `host`"),
        (["a"], f"endpoint (a list) cannot be read; expected {FORMS}"),
        (
            {"host": "[::1]", "port": 8443, "sni": "b"},
            "endpoint '[::1]:8443': sni 'b' is not known; expected true or false",
        ),
        (
            {"host": "a", "port": 1, "server_name": "\u00e9..x"},
            "endpoint 'a:1': server_name '\u00e9..x' cannot be written as an internationalised name (RFC 5891); "
            "expected a hostname or an IP address",
        ),
        (
            {"host": "a", "timeout": 0},
            "endpoint 'a': timeout 0 is not a time; expected seconds, more than 0",
        ),
        (
            {"host": "a", "timeout": "nan"},
            "endpoint 'a': timeout 'nan' is not a time; expected seconds, more than 0",
        ),
        (
            {"host": "a", "expect_fingerprint": "abc"},
            "endpoint 'a': expect_fingerprint 'abc' is no SHA-256 fingerprint; expected 64 hex digits",
        ),
        (
            {"host": "a", "client_auth": "on"},
            "endpoint 'a': client_auth 'on' is not known; expected required or optional",
        ),
        (
            {"host": "a", "client_auth": "-----BEGIN PRIVATE KEY-----"},
            "endpoint 'a': client_auth (a text of 27 characters) is not known; expected required or optional",
        ),
        (
            '{"host": "a", "client_key": "..."}',
            f"endpoint (a text of 34 characters) cannot be read; expected {FORMS}",
        ),
        ({"host": "a", "client_cert": "a.pem"}, "endpoint 'a': client_cert goes with client_key, which is missing"),
        ({"host": "a", "client_key": "MIIE..."}, "endpoint 'a': client_key goes with client_cert, which is missing"),
        (
            {"host": "a", "client_cert": "a.pem", "client_key": {"pem": "MIIE..."}},
            "endpoint 'a': client_key is empty or no text; expected PEM text or a path",
        ),
        (
            {"host": "a", "addresses": "both"},
            "endpoint 'a': addresses 'both' is not known; expected first or all",
        ),
        *(
            (
                {"host": "a", "repeat": count},
                f"endpoint 'a': repeat {count!r} is not a count; expected a number from 1 to 64",
            )
            for count in (0, 65, True, "many", -1)
        ),
        *(
            (
                {"host": "a", "key_types": kinds},
                f"endpoint 'a': key_types {kinds!r} is no list of kinds of keys; expected a list of ecdsa and rsa",
            )
            for kinds in ("rsa", [], ["rsa", "dsa"])
        ),
        (
            {"host": "a", "sni": "b"},
            "endpoint 'a': sni 'b' is not known; expected true or false",
        ),
        (
            {"host": "a", "expect_certificate": ["a.pem"]},
            "endpoint 'a': expect_certificate is empty or no text; expected PEM text or a path",
        ),
        (
            {"host": "a", "expect_certificate": "a.pem", "expect_fingerprint": "ab" * 32},
            "endpoint 'a': expect_fingerprint and expect_certificate exclude each other",
        ),
        (
            {"host": "a", "starttls": "nntp"},
            "endpoint 'a': starttls 'nntp' is not known; expected one of "
            "smtp, imap, pop3, ftp, ldap, xmpp, postgres, mysql",
        ),
        (
            {"host": "a", "trust": "system"},
            "endpoint 'a': trust 'system' is no list of PEM paths or words such as system",
        ),
    ],
)
def test_refused(value, message):
    with pytest.raises(InputError) as refusal:
        parse_endpoint(value)
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    "value",
    [
        {"host": "a", "client_key": SECRET},
        {"host": "a", "expect_certificate": SECRET, "ports": 1},
        {"host": "a", "expect_certificate": SECRET, "port": "x"},
        {"host": "a", "expect_certificate": SECRET, "expect_fingerprint": "ab" * 32},
        {"host": "a", "expect_certificate": [SECRET]},
        {"host": "a b", "expect_certificate": SECRET},
        {"host": {"host": "a", "client_key": SECRET}},
        {"hots": "a", "expect_certificate": SECRET},
        [{"host": "a", "client_key": SECRET}],
    ],
)
def test_what_a_mapping_holds_is_not_told(value):
    with pytest.raises(InputError) as refusal:
        parse_endpoint(value)
    assert "PRIVATE" not in str(refusal.value)


@pytest.mark.parametrize(
    "name", ["a b", "a;b", "a{b", "a\nb", "a..b", "-a.example", "a" * 64, "*.a.example", "1.2.3", "a/b"]
)
@pytest.mark.parametrize("key", ["host", "server_name", "address"])
def test_names_that_are_none(name, key):
    with pytest.raises(InputError) as refusal:
        parse_endpoint({"host": "a.example", key: name})
    assert repr(name) in str(refusal.value)
    assert f": {key}: " in str(refusal.value)


def test_an_address_is_not_sent_as_server_name():
    assert parse_endpoint("192.0.2.7").sni_name is None
    assert parse_endpoint("[::1]:443").sni_name is None
    assert parse_endpoint({"host": "192.0.2.7", "server_name": "a.example"}).sni_name == "a.example"
    assert parse_endpoint({"host": "a.example", "sni": "no"}).sni_name is None
    assert parse_endpoint({"host": "a.example", "address": "192.0.2.7"}).sni_name == "a.example"
