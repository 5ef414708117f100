# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Family name: the leaf is for the server that the client wanted."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.context import Context, listed
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.model import Finding
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.names import as_address, covers, dns_name_matches

# What servers make up when no certificate is configured: Debian's ssl-cert, Traefik, ingress-nginx, Plesk, Google's front ends.
_DEFAULT_NAMES = re.compile(
    r"localhost(\.localdomain)?|.*snakeoil.*|traefik default cert|.*\.traefik\.default|kubernetes ingress controller fake certificate"
    r"|ingress\.local|plesk|parallels panel|invalid2\.invalid",
    re.IGNORECASE,
)


def _names(leaf: Certificate) -> tuple[str, ...]:
    return (*leaf.dns_names, *map(str, leaf.ip_addresses))


def _covered(context: Context, leaf: Certificate) -> bool:
    name = context.case.server_name
    return name is None or covers(leaf.dns_names, leaf.ip_addresses, name)


def _only_in_common_name(context: Context, leaf: Certificate) -> bool:
    """No alternative name is of the wanted kind, and the common name would do."""
    name = context.case.server_name
    if leaf.dns_names or (leaf.ip_addresses and as_address(name or "")):
        return False
    return name is None or leaf.common_name == name or dns_name_matches(leaf.common_name or "", name)


def _looks_default(leaf: Certificate) -> bool:
    return leaf.self_signed or any(_DEFAULT_NAMES.fullmatch(name) for name in (*_names(leaf), leaf.common_name or ""))


def name_mismatch(context: Context) -> Iterator[Finding]:
    """RFC 9525 6: one of the presented identifiers matches the reference identifier. Some clients take more, some less."""
    leaf, name = context.leaf, context.case.server_name
    if leaf is None or name is None or _only_in_common_name(context, leaf):
        return
    refusing = context.refusing_name(leaf, name)
    if _covered(context, leaf):
        if refusing:
            yield _underscore(context, leaf, name, refusing)
        return
    if context.case.on_the_wire and _looks_default(leaf) and leaf not in context.case.trust:
        yield _default_certificate(context, leaf, name, refusing)
        return
    had = f"is for {listed(_names(leaf))}" if _names(leaf) else f"has only the common name '{leaf.common_name or ''}'"
    yield context.finding(
        "name-mismatch",
        f"{context.called(context.leaf_at, leaf)} {had}, and is not for '{name}'",
        f"Add '{name}' to the site's aliases in tls_sites, so that the certificate gets it, or let the server block of '{name}' use its own "
        "certificate. A wildcard stands for one whole label.",
        certificate=context.leaf_at,
        refusing=refusing,
        words_of=_mismatch_words(leaf, name),
    )


def _underscore(context: Context, leaf: Certificate, name: str, refusing: tuple[str, ...]) -> Finding:
    return context.finding(
        "name-mismatch",
        f"{context.called(context.leaf_at, leaf)} is for '{name}', but a hostname has no underscore (RFC 1123 2.1); refused by {', '.join(refusing)}",
        "Give the site a name without an underscore.",
        certificate=context.leaf_at,
        refusing=refusing,
        words_of="name-mismatch/underscore",
    )


def _mismatch_words(leaf: Certificate, name: str) -> str:
    if as_address(name):
        return "name-mismatch/other-address" if leaf.ip_addresses else "name-mismatch/address"
    return "name-mismatch" if leaf.alt_name_kinds else "name-mismatch/no-alt-name"


def _default_certificate(context: Context, leaf: Certificate, name: str, refusing: tuple[str, ...]) -> Finding:
    what = "is self-signed" if leaf.self_signed else "has the name of a made-up certificate"
    return context.finding(
        "default-certificate",
        f"{context.called(context.leaf_at, leaf)} {what} and is not for '{name}': a server's default certificate answers, not the site's",
        f"Let a server block with server_name '{name}' listen on this address and use the site's certificate: nginx -T shows which one answers.",
        certificate=context.leaf_at,
        refusing=refusing,
        words_of="default-certificate/self-signed" if leaf.self_signed else None,
    )


def no_subject_alt_name(context: Context) -> Iterator[Finding]:
    """RFC 9525 2: the common name identifies no server. Clients leave it behind one by one."""
    leaf = context.leaf
    if leaf is None or (_names(leaf) and _covered(context, leaf)) or not _only_in_common_name(context, leaf):
        return
    name = context.case.server_name
    refusing = context.refusing_name(leaf, name) if name else ("go",)
    yield context.finding(
        "no-subject-alt-name",
        f"{context.called(context.leaf_at, leaf)} names the server only in its common name '{leaf.common_name or ''}', not in a subject alternative name",
        "Have the certificate reissued with the name as a subject alternative name (openssl req -addext subjectAltName=DNS:...); certbot always does.",
        certificate=context.leaf_at,
        refusing=refusing,
        words_of=_common_name_words(context, leaf),
    )


def _common_name_words(context: Context, leaf: Certificate) -> str:
    if as_address(context.case.server_name or ""):
        return "no-subject-alt-name/address"
    return "no-subject-alt-name/others" if leaf.alt_name_kinds else "no-subject-alt-name"


RULES = (name_mismatch, no_subject_alt_name)
