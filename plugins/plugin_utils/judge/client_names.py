# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a client takes a certificate for a server's: RFC 9525, with the client's own additions and omissions."""

from __future__ import annotations

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.clients import BEHAVIOUR, NO_HOST, Behaviour
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.names import as_address, covers, dns_name_matches


def accepts_name(client: str, leaf: Certificate, server_name: str) -> bool:
    """Whether the client takes the leaf for the server's. `server_name` is in the form of parse_server_name."""
    behaviour = BEHAVIOUR[client]
    if as_address(server_name) is not None:
        by_common_name = (
            behaviour.common_name_as_address and leaf.alt_name_kinds <= NO_HOST and leaf.common_name == server_name
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
