# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Server names: what is one, and which certificate's names cover it."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.names import covers, dns_name_matches, parse_server_name
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("shop.example.com", "shop.example.com"),
        ("Shop.Example.COM.", "shop.example.com"),
        ("localhost", "localhost"),
        ("my_shop.internal", "my_shop.internal"),
        ("1and1.de", "1and1.de"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("192.0.2.7", "192.0.2.7"),
        ("2001:DB8:0::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
    ],
)
def test_names(text: str, name: str) -> None:
    assert parse_server_name(text) == name
    assert parse_server_name(name) == name


NO_NAMES = [
    ("", "a server name is expected, not ''"),
    (None, "a server name is expected, not None"),
    (80, "a server name is expected, not 80"),
    ("a b.example.com", "'a b.example.com' is not a server name: it has a space in it"),
    ("a.example.com;", "'a.example.com;' is not a server name: it has ';' in it"),
    ("a{b", "'a{b' is not a server name: it has '{' in it"),
    ("a\nb", r"'a\nb' is not a server name: it has a newline in it"),
    ("a.example.com\n", r"'a.example.com\n' is not a server name: it has a newline in it"),
    ("a\0b", r"'a\x00b' is not a server name: it has a NUL in it"),
    ("$host", "'$host' is not a server name: it has '$' in it"),
    ("a.example.com:443", "'a.example.com:443' is not a server name: it has ':' in it"),
    ("https://a.example.com", "'https://a.example.com' is not a server name: it has '/' in it"),
    ("a..b", "'a..b' is not a server name: it has an empty label"),
    (".a", "'.a' is not a server name: it has an empty label"),
    (".", "'.' is not a server name: it has an empty label"),
    ("-a.b", "'-a.b' is not a server name: the label '-a' is not made of letters, digits and inner hyphens"),
    ("a!.b", "'a!.b' is not a server name: the label 'a!' is not made of letters, digits and inner hyphens"),
    ("a" * 64 + ".b", f"'{'a' * 64}.b' is not a server name: the label '{'a' * 64}' is longer than 63 octets"),
    ("a.1.2", "'a.1.2' is neither an IP address nor a hostname: its last label is a number"),
    ("256.0.0.1", "'256.0.0.1' is neither an IP address nor a hostname: its last label is a number"),
    ("*.example.com", "'*.example.com' is not a server name: a wildcard cannot be had here"),
    (
        "straße.example",
        "'straße.example': give this name in its ASCII form (xn--...); standards differ on how to convert it",
    ),
    (
        "\ud800.example",
        r"'\ud800.example' is not a server name: it cannot be written as an internationalised name (RFC 5891)",
    ),
    ("fe80::1%eth0", "'fe80::1%eth0' is not a server name: it has ':' in it"),
]


@pytest.mark.parametrize(("text", "message"), NO_NAMES)
def test_what_is_no_name(text: str, message: str) -> None:
    with pytest.raises(InputError) as raised:
        parse_server_name(text)
    assert str(raised.value) == message


def test_a_name_that_is_too_long() -> None:
    with pytest.raises(InputError, match="is longer than 253 octets"):
        parse_server_name(".".join(["a" * 60] * 5))


def test_wildcards_where_they_can_be_had() -> None:
    assert parse_server_name("*.Example.com", wildcard=True) == "*.example.com"
    assert parse_server_name("shop.example.com", wildcard=True) == "shop.example.com"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("*.com", "'*.com' is not a server name: a wildcard needs two labels after it"),
        ("a.*.com", "'a.*.com' is not a server name: '*' may only be the whole first label"),
        ("f*.example.com", "'f*.example.com' is not a server name: '*' may only be the whole first label"),
        (
            "*.*.example.com",
            "'*.*.example.com' is not a server name: the label '*' is not made of letters, digits and inner hyphens",
        ),
    ],
)
def test_wildcards_that_are_none(text: str, message: str) -> None:
    with pytest.raises(InputError) as raised:
        parse_server_name(text, wildcard=True)
    assert str(raised.value) == message


@given(st.text(max_size=40))
def test_what_passes_is_safe_in_a_directive(text: str) -> None:
    try:
        name = parse_server_name(text, wildcard=True)
    except InputError:
        return
    assert not set(name) - set("abcdefghijklmnopqrstuvwxyz0123456789.-_:*")


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("shop.example.com", "shop.example.com", True),
        ("SHOP.example.com", "shop.example.com", True),
        ("*.example.com", "shop.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "a.b.example.com", False),
        ("*.example.com", ".example.com", False),
        ("*.com", "example.com", False),
        ("sh*.example.com", "shop.example.com", False),
        ("shop.*.com", "shop.example.com", False),
        ("*", "localhost", False),
        ("shop.example.com.", "shop.example.com", False),
        ("shop.example.com\0.evil.example", "shop.example.com", False),
        ("", "shop.example.com", False),
    ],
)
def test_matching(pattern: str, name: str, matches: bool) -> None:
    assert dns_name_matches(pattern, name) is matches


def test_addresses_are_covered_by_addresses_only() -> None:
    address = ip_address("2001:db8::7")

    assert covers((), (address,), "2001:db8:0::7")
    assert not covers(("2001:db8::7", "192.0.2.7"), (address,), "192.0.2.7")
    assert not covers((), (address,), "shop.example.com")
    assert covers(("a.example", "shop.example.com"), (), "shop.example.com")
