# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Family presentation: what is sent, in what order (RFC 8446 4.4.2)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.clients import BEHAVIOUR, Behaviour
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.context import Context, listed
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.fitness import MOST_BYTES
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.model import Finding
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.paths import (
    MOST_SIGNATURES,
    key_ids_agree,
    serials_agree,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate, Malformed

_ORDER_FIX = "Put the file in order: leaf, then each issuer, without the root. Deploying it with these roles does that."

# RFC 8446 4.4.2: an empty context and the list's length; a length and no extensions for each certificate
_FRAME, _FRAME_EACH = 4, 5

_LENGTH_FIX = "Serve nothing but the path: leaf and intermediates, each once, without the root. Deploying it with these roles does that."


def malformed(context: Context) -> Iterator[Finding]:
    """RFC 8446 4.4.2: each entry is one DER certificate; clients parse them all before they look at any."""
    for index, certificate in enumerate(context.case.chain):
        if isinstance(certificate, Malformed):
            yield context.finding(
                "malformed-certificate",
                f"certificate #{index + 1} (sha256 {certificate.sha256[:16]}...) cannot be parsed: {certificate.reason}",
                "Replace the file that the server reads with the one that the CA delivered; `openssl x509 -noout -text` shows whether it can be read.",
                certificate=index,
            )


def malformed_names(context: Context) -> Iterator[Finding]:
    """RFC 5280 4.2.1.6: an iPAddress has 4 octets or 16 (8 and 32 are an address and a mask), and a URI is one of RFC 3986."""
    for index, certificate in context.certificates:
        if certificate.malformed_names:
            what = (
                "a network where an IP address belongs"
                if "network" in certificate.malformed_names
                else "a URI that is none"
            )
            yield context.finding(
                "malformed-certificate",
                f"{context.called(index, certificate)} has {what} among its alternative names",
                "Have the certificate reissued without that name: what a server is asked for are hostnames and single addresses.",
                certificate=index,
                refusing=context.minding(_cannot_parse_names, certificate.malformed_names, index == context.leaf_at),
                words_of="malformed-certificate/names",
            )


def _cannot_parse_names(behaviour: Behaviour, malformed: frozenset[str], leaf: bool) -> bool:
    return not malformed.isdisjoint(
        behaviour.unparsable | behaviour.unparsable_in_leaf if leaf else behaviour.unparsable
    )


def leaf_not_first(context: Context) -> Iterator[Finding]:
    """RFC 8446 4.4.2: `The sender's certificate MUST come in the first CertificateEntry in the list.`"""
    leaf, place = context.leaf, context.leaf_at
    first = context.certificate(0) if place else None
    if first is not None and leaf is not None and place is not None:
        yield context.finding(
            "leaf-not-first",
            f"the first certificate is a CA's, '{first.label}'; the leaf '{leaf.label}' comes as #{place + 1}",
            _ORDER_FIX,
            certificate=0,
        )


def contradicting_key_ids(context: Context) -> Iterator[Finding]:
    """RFC 5280 4.2.1.1: the authority key identifier is the issuer's. Where it is not, OpenSSL and GnuTLS know no issuer."""
    if context.path is None or not context.path.cost.contradicting_key_ids:
        return
    for (index, certificate), (above, issuer) in pairwise(context.steps):
        by_key, by_serial = not key_ids_agree(certificate, issuer), not serials_agree(certificate, issuer)
        if by_key or by_serial:
            what = "key identifier" if by_key else "serial number"
            yield context.finding(
                "unknown-issuer",
                f"{context.called(index, certificate)} names another {what} for its issuer than {context.called(above, issuer)} has, "
                "whose key did sign it",
                "Have the certificate reissued with an authority key identifier that is its issuer's.",
                certificate=index,
                refusing=context.minding(_minds, by_key, by_serial, context.is_anchor(issuer)),
                words_of="incomplete-chain" if index == context.leaf_at else "unknown-issuer/key-ids",
            )


def _minds(behaviour: Behaviour, by_key: bool, by_serial: bool, at_anchor: bool) -> bool:
    if by_serial and behaviour.needs_matching_serials:
        return True
    return by_key and (behaviour.needs_matching_key_ids or (at_anchor and behaviour.needs_anchors_key_id))


def wrong_order(context: Context) -> Iterator[Finding]:
    """RFC 8446 4.4.2: each certificate SHOULD certify the one before; RFC 5246 7.4.2 says MUST. Clients sort it out."""
    path = context.path
    if path is None or path.gave_up or list(path.served) == sorted(path.served):
        return
    order = ", ".join(f"#{index + 1}" for index in path.served)
    too_early = [later for sooner, later in pairwise(path.served) if later < sooner]
    yield context.finding(
        "wrong-order",
        f"the certificates are not sent in the order of the path, which is {order}",
        _ORDER_FIX,
        certificate=too_early[0],
    )


def chain_too_long(context: Context) -> Iterator[Finding]:
    """Limits of clients: Java takes 10 certificates (jdk.tls.maxCertificateChainLength), GnuTLS 16."""
    number, path = len(context.case.chain), context.path
    if path is not None and path.gave_up:
        yield context.finding(
            "chain-too-long",
            f"{number} certificates are sent, and more than {MOST_SIGNATURES} signatures would have to be looked at to find a path through them",
            _LENGTH_FIX,
        )
        return
    if number > 10:
        refusing = [c for c in context.case.clients if number > (BEHAVIOUR[c].most_certificates or number)]
        who = f", refused by {', '.join(refusing)}" if refusing else ""
        yield context.finding("chain-too-long", f"{number} certificates are sent{who}", _LENGTH_FIX, refusing=refusing)
    elif path is not None and not path.straight and path.complete and not _is_one_chain(context):
        yield from _too_long_unordered(context)


def too_many_bytes(context: Context) -> Iterator[Finding]:
    """Limits of the message: Java 32 KiB (jdk.tls.maxHandshakeMessageSize), OpenSSL 100 KiB (SSL_CTX_set_max_cert_list), GnuTLS 128, Go 256."""
    size = _FRAME + sum(_FRAME_EACH + len(certificate.der) for certificate in context.case.chain)
    refusing = context.minding(_too_big, size) if size > MOST_BYTES else []
    if refusing and not (context.path and context.path.gave_up):
        yield context.finding(
            "chain-too-long",
            f"the certificates are {size} bytes; refused by {', '.join(refusing)}",
            "Serve nothing but the path, and split a certificate with thousands of names into several.",
            refusing=refusing,
            words_of="chain-too-long/bytes",
        )


def _too_big(behaviour: Behaviour, size: int) -> bool:
    return size > behaviour.most_bytes


def _is_one_chain(context: Context) -> bool:
    """Each certificate is followed by its issuer: Java then checks the list as it is, and searches otherwise."""
    chain = [certificate for _index, certificate in context.certificates]
    return all(issuer.subject_der == certificate.issuer_der for certificate, issuer in pairwise(chain))


def _too_long_unordered(context: Context) -> Iterator[Finding]:
    """PKIXBuilderParameters.getMaxPathLength: a path that Java has to search for has at most 5 intermediates."""
    between = sum(not c.self_issued for index, c in context.steps[1:] if index is not None)
    refusing = [c for c in context.case.clients if between > (BEHAVIOUR[c].most_unordered_intermediates or between)]
    if refusing:
        yield context.finding(
            "chain-too-long",
            f"the path has {between} intermediates and they are not sent as one chain in order; refused by {', '.join(refusing)}, "
            "where no path of more than 5 is searched for",
            _ORDER_FIX,
            refusing=refusing,
            words_of="incomplete-chain",
        )


def duplicates(context: Context) -> Iterator[Finding]:
    """RFC 8446 4.4.2 has no use for a second copy."""
    places: dict[Certificate, list[int]] = {}
    for index, certificate in context.certificates:
        places.setdefault(certificate, []).append(index)
    for certificate, found in places.items():
        if len(found) > 1:
            numbers = ", ".join(f"#{index + 1}" for index in found)
            yield context.finding(
                "duplicate-certificate",
                f"'{certificate.label}' is sent {len(found)} times: {numbers}",
                "Serve each certificate once: the leaf or chain is often both in the certificate file and in a chain file. "
                "Deploying it with these roles puts it right.",
                certificate=found[1],
            )


def root_served(context: Context) -> Iterator[Finding]:
    """RFC 8446 4.4.2: the certificate that specifies a trust anchor MAY be omitted. A cross-signed root is none."""
    for index, certificate in context.certificates:
        if index != context.leaf_at and certificate.self_signed and context.case.trust.has_root_key(certificate):
            yield context.finding(
                "root-served",
                f"{context.called(index, certificate)} is a trusted root, which clients have: sending it is waste",
                "Leave the root out of the chain file. Deploying it with these roles does that.",
                certificate=index,
            )
            return


def unrelated(context: Context) -> Iterator[Finding]:
    """RFC 8446 4.4.2: servers may send extra certificates, for other trust anchors; these lead to none from the leaf."""
    path = context.path
    if path is None or path.gave_up:
        return
    known = {context.certificate(index) for index in path.related}
    strangers: dict[Certificate, int] = {}
    for index, certificate in context.certificates:
        root = certificate.self_signed and context.case.trust.has_root_key(certificate)
        if certificate not in known and not root:
            strangers.setdefault(certificate, index)
    if strangers:
        called = listed(context.called(index, certificate) for certificate, index in strangers.items())
        yield context.finding(
            "unrelated-certificate",
            f"on no way from the leaf to a root, and sent for nothing: {called}",
            "Remove it from the chain file. Deploying it with these roles does that.",
            certificate=min(strangers.values()),
        )


RULES = (
    malformed,
    malformed_names,
    leaf_not_first,
    contradicting_key_ids,
    wrong_order,
    chain_too_long,
    too_many_bytes,
    duplicates,
    root_served,
    unrelated,
)
