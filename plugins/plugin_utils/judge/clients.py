# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How each client judges, as data.

Seen on OpenSSL 3.0, curl 7.88 (OpenSSL), Python 3.11, Node.js 20, OpenJDK 17, Go 1.19 and GnuTLS 3.7;
tests/unit/judge/test_real_clients.py asks those that are installed.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.names import as_address, covers, dns_name_matches


@dataclass(frozen=True)
class Behaviour:
    """Where a client differs from the others. The defaults are those of OpenSSL."""

    # Path building
    tries_all_issuers: bool = (
        False  # RFC 4158's search; the others take one issuer for each certificate and stay with it
    )
    prefers_current_issuers: bool = True  # among several, takes the first that is within its dates
    needs_matching_key_ids: bool = True  # an authority key identifier that contradicts rules an issuer out
    needs_anchors_key_id: bool = True  # ... or only the anchor
    takes_any_anchor: bool = False  # believes a certificate of the store that is not self-signed
    checks_anchor_dates: bool = True
    most_certificates: int | None = None  # longer lists are refused
    most_unordered_intermediates: int | None = None  # in a path out of a list that is not one chain in order
    # Names, RFC 9525 apart
    partial_wildcard: bool = False  # f*.example.com
    suffix_wildcard: bool = False  # *oo.example.com
    inner_wildcard: bool = False  # www.*.com
    top_level_wildcard: bool = False  # *.com
    dotted_name: bool = False  # `example.com.` in the certificate is example.com
    underscores: bool = True
    common_name: bool = True  # looked at when no alternative name is a hostname
    common_name_beside: frozenset[str] = frozenset({"ip", "email", "uri", "other"})  # ... although there are such
    common_name_as_address: bool = False


_NO_HOST = frozenset({"email", "uri", "other"})

BEHAVIOUR = {
    "openssl": Behaviour(partial_wildcard=True, suffix_wildcard=True),
    "curl": Behaviour(
        takes_any_anchor=True, dotted_name=True, common_name_beside=_NO_HOST, common_name_as_address=True
    ),
    "python": Behaviour(),
    "nodejs": Behaviour(partial_wildcard=True, suffix_wildcard=True, dotted_name=True),
    "java": Behaviour(
        tries_all_issuers=True,
        needs_matching_key_ids=False,
        takes_any_anchor=True,
        checks_anchor_dates=False,
        most_certificates=10,
        most_unordered_intermediates=5,
        partial_wildcard=True,
        suffix_wildcard=True,
        inner_wildcard=True,
        top_level_wildcard=True,
        underscores=False,
    ),
    "go": Behaviour(
        tries_all_issuers=True,
        needs_matching_key_ids=False,
        needs_anchors_key_id=False,
        takes_any_anchor=True,
        top_level_wildcard=True,
        common_name=False,
    ),
    "gnutls": Behaviour(
        prefers_current_issuers=False,
        takes_any_anchor=True,
        most_certificates=16,
        suffix_wildcard=True,
        common_name_beside=frozenset({"email"}),
    ),
}


def accepts_name(client: str, leaf: Certificate, server_name: str) -> bool:
    """Whether the client takes the leaf for the server's: RFC 9525 with the client's own additions and omissions."""
    behaviour = BEHAVIOUR[client]
    if as_address(server_name) is not None:
        by_common_name = (
            behaviour.common_name_as_address and leaf.alt_name_kinds <= _NO_HOST and leaf.common_name == server_name
        )
        return by_common_name or covers((), leaf.ip_addresses, server_name)
    if "_" in server_name and not behaviour.underscores:
        return False
    return any(_matches(behaviour, pattern, server_name) for pattern in _patterns(behaviour, leaf))


def _patterns(behaviour: Behaviour, leaf: Certificate) -> tuple[str, ...]:
    if leaf.dns_names:
        return leaf.dns_names
    looked_at = behaviour.common_name and leaf.alt_name_kinds <= behaviour.common_name_beside
    return (leaf.common_name,) if looked_at and leaf.common_name is not None else ()


def _matches(behaviour: Behaviour, pattern: str, name: str) -> bool:
    pattern = pattern.lower().removesuffix(".") if behaviour.dotted_name else pattern.lower()
    if dns_name_matches(pattern, name):
        return True
    wanted, given = pattern.split("."), name.split(".")
    if len(wanted) != len(given) or "*" not in pattern or pattern.startswith("xn--"):
        return False
    return _wildcard_allowed(behaviour, wanted) and all(map(_label_matches, wanted, given))


def _wildcard_allowed(behaviour: Behaviour, labels: list[str]) -> bool:
    if "*" in "".join(labels[1:]):
        return behaviour.inner_wildcard
    if len(labels) < 3 and not behaviour.top_level_wildcard:
        return False
    if labels[0] == "*":
        return True
    return behaviour.suffix_wildcard if labels[0].startswith("*") else behaviour.partial_wildcard


def _label_matches(wanted: str, given: str) -> bool:
    before, star, after = wanted.partition("*")
    if not star:
        return wanted == given
    return len(given) >= len(before) + len(after) and given.startswith(before) and given.endswith(after)
