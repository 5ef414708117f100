# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Server names: hostnames and IP addresses, and whether a certificate's names cover them."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError

# Letters, digits, hyphens (RFC 1123 2.1); underscores are not hostnames' but are met inside companies.
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)
# IDNA 2003 (the standard library's) makes another name of these than IDNA 2008 does, which certificates follow.
_DEVIATIONS = frozenset("\u00df\u03c2\u200c\u200d")
_UNSAFE = {
    " ": "a space",
    "\t": "a tab",
    "\n": "a newline",
    "\r": "a carriage return",
    ";": "';'",
    "{": "'{'",
    "}": "'}'",
    "/": "'/'",
    "\\": "a backslash",
    '"': "a quote",
    "'": "a quote",
    "$": "'$'",
    "#": "'#'",
    ":": "':'",
    "\0": "a NUL",
}


def parse_server_name(text: str, wildcard: bool = False) -> str:
    """Normalise a hostname (A-labels, lower case, no trailing dot) or an IP address (its shortest text, no brackets).

    With `wildcard`, the left-most label may be `*` (RFC 9525 6.3) above at least two others. Raises InputError saying
    what is wrong; whatever passes is safe inside a server's directive.
    """
    if not isinstance(text, str) or not text:
        raise InputError(f"a server name is expected, not {text!r}")
    address = as_address(text[1:-1] if text[0] == "[" and text[-1] == "]" else text)
    if address is not None:
        return str(address)
    for character, called in _UNSAFE.items():
        if character in text:
            raise InputError(f"{text!r} is not a server name: it has {called} in it")
    name = text.removesuffix(".")
    if name.startswith("*.") and wildcard:
        base = _hostname(name[2:], text)
        if "." not in base:
            raise InputError(f"{text!r} is not a server name: a wildcard needs two labels after it")
        return f"*.{base}"
    if "*" in name:
        expected = "'*' may only be the whole first label" if wildcard else "a wildcard cannot be had here"
        raise InputError(f"{text!r} is not a server name: {expected}")
    return _hostname(name, text)


def _hostname(name: str, text: str) -> str:
    ascii_name = _to_a_labels(name, text).lower()
    labels = ascii_name.split(".")
    if "" in labels:
        raise InputError(f"{text!r} is not a server name: it has an empty label")
    for label in labels:
        if not _LABEL.fullmatch(label):
            why = "is longer than 63 octets" if len(label) > 63 else "is not made of letters, digits and inner hyphens"
            raise InputError(f"{text!r} is not a server name: the label {label!r} {why}")
    if len(ascii_name) > 253:
        raise InputError(f"{text!r} is not a server name: it is longer than 253 octets")
    if labels[-1].isdigit():
        raise InputError(f"{text!r} is neither an IP address nor a hostname: its last label is a number")
    return ascii_name


def _to_a_labels(name: str, text: str) -> str:
    if name.isascii():
        return name
    if _DEVIATIONS & set(name):
        raise InputError(f"{text!r}: give this name in its ASCII form (xn--...); standards differ on how to convert it")
    try:
        return name.encode("idna").decode()
    except UnicodeError:
        raise InputError(
            f"{text!r} is not a server name: it cannot be written as an internationalised name (RFC 5891)"
        ) from None


@lru_cache(maxsize=8192)  # the judge asks for each client
def as_address(text: str) -> IPv4Address | IPv6Address | None:
    """The IP address that the text is, or None. A scoped address (`fe80::1%eth0`) is none: no certificate names it."""
    if ":" not in text and not text[-1:].isdigit():
        return None  # a hostname, by a shorter way
    try:
        return None if "%" in text else ip_address(text)
    except ValueError:
        return None


def dns_name_matches(pattern: str, name: str) -> bool:
    """RFC 9525 6.3: whether a DNS-ID of a certificate matches a hostname in the form of `parse_server_name`.

    Case does not count; `*` stands for exactly one label, and only as the whole left-most one.
    """
    pattern = pattern.lower()
    if not pattern.startswith("*."):
        return "*" not in pattern and pattern == name
    first, dot, rest = name.partition(".")
    return bool(first and dot) and "." in rest and rest == pattern[2:]


def covers(dns_names: tuple[str, ...], ip_addresses: tuple[IPv4Address | IPv6Address, ...], name: str) -> bool:
    """Whether a certificate's alternative names cover a server name: an IP address only by an IP-ID (RFC 9525 6.5)."""
    address = as_address(name)
    if address is not None:
        return address in ip_addresses
    return any(dns_name_matches(pattern, name) for pattern in dns_names)
