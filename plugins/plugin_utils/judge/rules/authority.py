# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Family authority: who may issue, how deep, and for what (RFC 5280 4.2.1, 6.1.4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.clients import (
    BASIC,
    BEHAVIOUR,
    NAME_CONSTRAINTS,
    SERVER_AUTH,
    UNPARSABLE,
    Behaviour,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.constraints import unknown_kinds
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.context import Context, listed
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.fitness import (
    KNOWN_EXTENSIONS,
    SERVING_KEY_USAGES,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.model import Finding
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate

_USAGES = {
    SERVER_AUTH: "serverAuth",
    "1.3.6.1.5.5.7.3.2": "clientAuth",
    "1.3.6.1.5.5.7.3.3": "codeSigning",
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.8": "timeStamping",
    "1.3.6.1.5.5.7.3.9": "OCSPSigning",
    "2.5.29.37.0": "anyExtendedKeyUsage",
}

_EXTENSIONS = {
    "2.5.29.14": "subjectKeyIdentifier",
    "2.5.29.18": "issuerAltName",
    "2.5.29.31": "cRLDistributionPoints",
    "2.5.29.35": "authorityKeyIdentifier",
    "2.5.29.36": "policyConstraints",
    "2.5.29.46": "freshestCRL",
    "1.3.6.1.5.5.7.1.1": "authorityInfoAccess",
    "1.3.6.1.5.5.7.1.24": "tlsfeature",
    "1.3.6.1.5.5.7.48.1.5": "ocsp-nocheck",
    "1.3.6.1.4.1.11129.2.4.3": "the poison of a precertificate (RFC 6962)",
    "2.16.840.1.113730.1.1": "nsCertType",
}


def not_a_ca(context: Context) -> Iterator[Finding]:
    """RFC 5280 6.1.4 (k): every issuer of the path says CA:TRUE in its basic constraints. Of anchors not all ask it."""
    for index, issuer in context.steps[1:]:
        anchor = context.is_anchor(issuer)
        if issuer.is_ca:
            continue
        refusing = context.minding(_no_ca, issuer, anchor)
        if refusing:
            yield context.finding(
                "not-a-ca",
                f"{context.called(index, issuer)} has issued a certificate of the path and is not a CA's (its basicConstraints lack CA:TRUE)",
                "Have the certificate reissued by a CA. In a private CA, give the issuer basicConstraints=critical,CA:TRUE and "
                "keyUsage=critical,keyCertSign,cRLSign.",
                certificate=index,
                refusing=refusing,
                words_of=_no_ca_words(issuer, anchor),
            )


def _no_ca(behaviour: Behaviour, issuer: Certificate, anchor: bool) -> bool:
    if not anchor or issuer.has(BASIC) or issuer.may_not_sign:
        return True
    instead = "version 1" if issuer.version == 1 else "nothing" if issuer.key_usage is None else "key usage"
    return instead not in behaviour.authority.anchor_without_basic


def _no_ca_words(issuer: Certificate, anchor: bool) -> str:
    """Node.js keeps the last error that its OpenSSL finds, and which one that is hangs on the key usage."""
    where = "not-a-ca/anchor" if anchor else "not-a-ca"
    if issuer.may_not_sign:
        return f"{where}/key-usage"
    if issuer.has(BASIC) or issuer.key_usage is None:
        return f"{where}/purpose"
    return where


def wrong_key_usage(context: Context) -> Iterator[Finding]:
    """RFC 5280 4.2.1.3: keyCertSign for issuers (6.1.4 (n)); digitalSignature for what a server does with its key in TLS 1.3 and ECDHE."""
    for index, issuer in context.steps[1:]:
        if issuer.may_not_sign and issuer.is_ca:
            yield context.finding(
                "wrong-key-usage",
                f"{context.called(index, issuer)} has issued a certificate of the path, and its key usage "
                f"({listed(sorted(issuer.key_usage or ()))}) lacks keyCertSign",
                "Have the CA's certificate reissued with keyUsage=critical,keyCertSign,cRLSign, or without the extension.",
                certificate=index,
                words_of="wrong-key-usage/anchor" if context.is_anchor(issuer) else None,
            )
    yield from _leaf_key_usage(context)


def _leaf_key_usage(context: Context) -> Iterator[Finding]:
    leaf = context.leaf
    if leaf is None or leaf.key_usage is None or not SERVING_KEY_USAGES.isdisjoint(leaf.key_usage):
        return
    yield context.finding(
        "wrong-key-usage",
        f"the key usage of {context.called(context.leaf_at, leaf)} ({listed(sorted(leaf.key_usage)) or 'none'}) lacks digitalSignature",
        "Have the certificate reissued with keyUsage=critical,digitalSignature (and keyEncipherment with RSA for old clients).",
        certificate=context.leaf_at,
        refusing=context.minding(_cannot_serve, leaf.key_usage),
        words_of="wrong-key-usage/leaf",
    )


def _cannot_serve(behaviour: Behaviour, usages: frozenset[str]) -> bool:
    wanted = behaviour.authority.leaf_key_usages
    return bool(wanted) and usages.isdisjoint(wanted)


def wrong_extended_key_usage(context: Context) -> Iterator[Finding]:
    """RFC 5280 4.2.1.12; that an issuer's limits those below is what clients made of it (BR 7.1.2.10.6), not the RFC."""
    for place, (index, certificate) in enumerate(context.steps):
        had = certificate.extended_key_usage
        if had is None or had == frozenset({SERVER_AUTH}):
            continue
        anchor = place > 0 and context.is_anchor(certificate)
        refusing = context.minding(_forbids, had, place == 0, anchor)
        if refusing:
            yield context.finding(
                "wrong-extended-key-usage",
                f"the extended key usage of {context.called(index, certificate)} is {_listed_usages(had)}, and not serverAuth",
                "Have the certificate reissued with extendedKeyUsage=serverAuth."
                if place == 0
                else "Serve a chain through an issuer that is for servers, or have the CA's certificate reissued with serverAuth or without the extension.",
                certificate=index,
                refusing=refusing,
            )


def _forbids(behaviour: Behaviour, had: frozenset[str], leaf: bool, anchor: bool) -> bool:
    authority = behaviour.authority
    if anchor and not authority.checks_anchor_usages:
        return False
    wanted = authority.leaf_usages if leaf else authority.issuer_usages
    return wanted is not None and had.isdisjoint(wanted)


def _listed_usages(usages: frozenset[str]) -> str:
    return listed(sorted(_USAGES.get(usage, usage) for usage in usages)) or "empty"


def path_length_exceeded(context: Context) -> Iterator[Finding]:
    """RFC 5280 6.1.4 (l), (m): at most pathLenConstraint intermediates below, those not counted that are self-issued."""
    for place, (index, issuer) in enumerate(context.steps):
        most = issuer.path_length
        if most is None or place < 2:
            continue
        below = [certificate for _index, certificate in context.steps[1:place]]
        refusing = context.minding(_too_deep, most, below, context.is_anchor(issuer))
        if refusing:
            yield context.finding(
                "path-length-exceeded",
                f"{context.called(index, issuer)} may have {most} intermediates below it (pathLenConstraint), and has {len(below)}",
                "Have the certificate issued by a CA that stands higher, or this CA's reissued with a larger pathLenConstraint.",
                certificate=index,
                refusing=refusing,
            )


def _too_deep(behaviour: Behaviour, most: int, below: Sequence[Certificate], anchor: bool) -> bool:
    authority = behaviour.authority
    counted = sum(authority.counts_self_issued or not certificate.self_issued for certificate in below)
    return counted > most and (authority.checks_anchor or not anchor)


def unknown_critical_extension(context: Context) -> Iterator[Finding]:
    """RFC 5280 4.2: who does not know an extension that is critical has to refuse."""
    for index, certificate in context.steps:
        yield from _unknown(context, index, certificate, context.is_anchor(certificate) and certificate != context.leaf)
    for index, certificate in context.extras:
        yield from _unparsable(context, index, certificate)


def _unknown(context: Context, index: int | None, certificate: Certificate, anchor: bool) -> Iterator[Finding]:
    if certificate.critical_extensions <= KNOWN_EXTENSIONS and not certificate.constrains_names:
        return
    unknown: dict[str, list[str]] = {}
    for client, behaviour in BEHAVIOUR.items():
        found = _unknown_to(behaviour, certificate)
        if found and (behaviour.authority.checks_anchor or not anchor):
            unknown[client] = found
    if unknown:
        extensions = sorted({extension for found in unknown.values() for extension in found})
        yield _critical(context, index, certificate, extensions, list(unknown))


def _unknown_to(behaviour: Behaviour, certificate: Certificate) -> list[str]:
    found = sorted(certificate.critical_extensions - behaviour.authority.critical_extensions)
    kinds = behaviour.constraints.critical_kinds
    if kinds is not None and NAME_CONSTRAINTS in certificate.critical_extensions:
        found += [f"name constraints of the kind {kind}" for kind in unknown_kinds(certificate, kinds)]
    return found


def _unparsable(context: Context, index: int, certificate: Certificate) -> Iterator[Finding]:
    """Go parses what is no part of the path, too."""
    refusing = context.minding(_cannot_parse, certificate)
    if refusing:
        extensions = sorted(certificate.critical_extensions)
        yield _critical(context, index, certificate, extensions, refusing)


def _cannot_parse(behaviour: Behaviour, certificate: Certificate) -> bool:
    return not certificate.critical_extensions.isdisjoint(behaviour.authority.refused_when_critical)


def _critical(
    context: Context, index: int | None, certificate: Certificate, extensions: list[str], refusing: list[str]
) -> Finding:
    unparsable = not UNPARSABLE.isdisjoint(extensions)
    return context.finding(
        "unknown-critical-extension",
        f"{context.called(index, certificate)} has an extension that is critical and not known to every client: "
        f"{listed(_EXTENSIONS.get(extension, extension) for extension in extensions)}; refused by {', '.join(refusing)}",
        "Have the certificate reissued without the extension, or with it not critical.",
        certificate=index,
        refusing=refusing,
        words_of="unknown-critical-extension/unparsable" if unparsable else None,
    )


RULES = (not_a_ca, wrong_key_usage, wrong_extended_key_usage, path_length_exceeded, unknown_critical_extension)
