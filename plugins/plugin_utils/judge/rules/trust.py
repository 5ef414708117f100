# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Family trust: where the path ends, and whether its signatures hold."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.clients import BEHAVIOUR
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.context import Context
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.model import Finding
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate, signed_by

OWN_ROOT_FIX = (
    "If it is a root of your own, add it to tls_trust and to every client's trust store; otherwise use a certificate of a CA that clients "
    "trust, or the chain to another root of this CA (certbot_preferred_chain)."
)


def untrusted_end(context: Context) -> Iterator[Finding]:
    """RFC 5280 6.1.1 (d): a path begins at a trust anchor; this one's self-signed end is none."""
    path = context.path
    if path is None or path.anchor or path.gave_up:
        return
    index, last = context.steps[-1]
    if path.partial_anchor:
        yield _no_root(context, index, last)
    elif last.self_signed and index == context.leaf_at:
        yield context.finding(
            "self-signed",
            f"{context.called(index, last)} is signed by its own key and is not in the trust store",
            "Serve a certificate of a CA (certificate.source: certbot); if this one is meant, add it to tls_trust and to every client's trust store.",
            certificate=index,
        )
    elif last.self_signed:
        namesake = bool(context.case.trust.roots(last.subject_der))
        aside = " (the store has one of this name with another key)" if namesake else ""
        yield context.finding(
            "untrusted-root",
            f"the chain ends at {context.called(index, last)}, a root that is not in the trust store{aside}",
            OWN_ROOT_FIX,
            certificate=index,
            words_of="untrusted-root/namesake" if namesake else None,
        )


def _no_root(context: Context, index: int | None, last: Certificate) -> Finding:
    """OpenSSL without X509_V_FLAG_PARTIAL_CHAIN wants a self-signed anchor, and the store's certificate is none."""
    return context.finding(
        "untrusted-root",
        f"the chain ends at {context.called(index, last)}, which is in the trust store without being a root: its issuer '{last.issuer}' is not there",
        f"Add the root that '{last.subject}' leads to, '{last.issuer}' or one above it, to the trust store.",
        certificate=index,
        refusing=[client for client in context.case.clients if not BEHAVIOUR[client].takes_any_anchor],
        words_of="incomplete-chain" if index == context.leaf_at else "untrusted-root/partial",
    )


def bad_signature(context: Context) -> Iterator[Finding]:
    """RFC 5280 6.1.3 (a) (1): each certificate is signed by the key of the next in the path."""
    if context.path is None or not context.path.cost.bad_signatures:
        return
    for (index, certificate), (above, issuer) in pairwise(context.steps):
        if not signed_by(certificate, issuer):
            yield context.finding(
                "bad-signature",
                f"the signature of {context.called(index, certificate)} was not made by the key of {context.called(above, issuer)}",
                f"Either the file is damaged, or '{issuer.label}' is another CA's certificate, or an older one, of the same name: "
                "serve the chain that the CA delivered with this certificate.",
                certificate=index,
            )


RULES = (untrusted_end, bad_signature)
