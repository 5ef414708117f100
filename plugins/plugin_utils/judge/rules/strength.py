# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Family strength: keys and signatures that hold."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.clients import Behaviour
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.context import Context
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.fitness import GOOD_DIGESTS, RSA_BITS, ordinary_key
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.model import Finding
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate, Key


def weak_key(context: Context) -> Iterator[Finding]:
    """BR 6.1.5: RSA from 2048 bits, ECDSA on P-256, P-384 or P-521. Other kinds are as good as the clients that take them."""
    for place, (index, certificate) in enumerate(context.steps):
        key = certificate.key
        if ordinary_key(key):
            continue
        refusing = context.minding(_refuses_key, key, place == 0)
        if refusing or (key.kind == "RSA" and key.bits < RSA_BITS):
            yield context.finding(
                "weak-key",
                f"the key of {context.called(index, certificate)} is {key}{_who(refusing)}",
                "Have the certificate reissued for another key: ECDSA P-256, or RSA with 2048 bits (certbot_key_type)."
                if place == 0
                else "Serve a chain through an issuer with a key that clients take: ECDSA P-256 or P-384, or RSA from 2048 bits.",
                certificate=index,
                refusing=refusing,
                words_of=_words(context, key, place, certificate),
            )
    yield from _unparsable(context)


def _refuses_key(behaviour: Behaviour, key: Key, leaf: bool) -> bool:
    strength = behaviour.strength
    if key.kind not in strength.kinds:
        return True
    if key.kind == "RSA":
        return key.bits < strength.rsa_bits
    if key.kind != "EC":
        return False
    taken = strength.leaf_curves if leaf else strength.issuer_curves
    return key.curve in strength.weak_curves or (taken is not None and key.curve not in taken)


def _who(refusing: list[str]) -> str:
    if not refusing:
        return f", fewer bits than the {RSA_BITS} that the CA/Browser Forum asks for"
    return f"; refused by {', '.join(refusing)}"


def _words(context: Context, key: Key, place: int, certificate: Certificate) -> str:
    """Refused as a key that is too small, as a handshake without a signature in common, or as an issuer that cannot be used."""
    if key.kind == "RSA" and place == 0:
        return "weak-key"
    if place == 0:
        return "handshake-failed"
    where = "anchor" if context.is_anchor(certificate) else "issuer"
    kind = "rsa" if key.kind == "RSA" else "curve" if key.kind == "EC" else "kind"
    return f"weak-key/{where}-{kind}"


def _unparsable(context: Context) -> Iterator[Finding]:
    """Go parses every certificate that is sent, with its key."""
    for index, certificate in context.extras:
        if certificate.key.kind != "EC" or ordinary_key(certificate.key):
            continue
        refusing = context.minding(_cannot_parse, certificate.key.curve)
        if refusing:
            yield context.finding(
                "weak-key",
                f"the key of {context.called(index, certificate)}, which is no part of the path, is {certificate.key}{_who(refusing)}",
                "Remove it from the chain file. Deploying it with these roles does that.",
                certificate=index,
                refusing=refusing,
                words_of="weak-key/issuer-curve",
            )


def _cannot_parse(behaviour: Behaviour, curve: str) -> bool:
    parsed = behaviour.strength.parses_curves
    return parsed is not None and curve not in parsed


def weak_signature(context: Context) -> Iterator[Finding]:
    """BR 7.1.3.2; RFC 9155 for SHA-1, RFC 6151 for MD5. An anchor is believed without its own signature."""
    for index, certificate in context.steps:
        digest = certificate.signature_digest
        if digest in GOOD_DIGESTS or context.is_anchor(certificate):
            continue
        public = context.path is not None and context.path.anchor in context.case.trust.public
        refusing = context.minding(_refuses_digest, digest, public)
        yield context.finding(
            "weak-signature",
            f"the signature of {context.called(index, certificate)} is made with {(digest or '').upper()}, which can be forged",
            "Have the certificate reissued: CAs sign with SHA-256 or better.",
            certificate=index,
            refusing=refusing,
        )


def _refuses_digest(behaviour: Behaviour, digest: str | None, public: bool) -> bool:
    strength = behaviour.strength
    return digest in strength.broken_digests or (public and digest in strength.broken_digests_in_public)


RULES = (weak_key, weak_signature)
