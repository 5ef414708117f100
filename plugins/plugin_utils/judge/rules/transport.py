# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Family transport: what the connection met."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.backends import described, differ
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.context import Context, moment
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.model import Finding

_MESSAGES = {
    "unreachable": (
        "no connection could be made: {detail}",
        "Check that the server runs and listens on this address and port, that the name resolves to it, and that no firewall is between.",
    ),
    "unreachable/starttls": (
        "no connection could be made: {detail}",
        "Check that the server runs and listens on this address and port, and that no firewall is between. A port that speaks TLS from the "
        "first byte (465, 636, 993, 995, 5223) wants no `starttls`.",
    ),
    "not-tls": (
        "what answers does not speak TLS: {detail}",
        "Check the port, and in nginx that the server block says `listen 443 ssl`; a mail or database port may speak TLS "
        "only after STARTTLS, for which the endpoint's `starttls` asks.",
    ),
    "not-tls/starttls": (
        "asked for STARTTLS ({starttls}), the server comes to no TLS: {detail}",
        "Give the server's TLS settings a certificate and a key that it can read; its log says what it misses. For a port that speaks TLS "
        "from the first byte, or another protocol, change the endpoint's `starttls`.",
    ),
    "protocol-too-old": (
        "the server offers no version of TLS that clients still speak: {detail}",
        "Let the server speak TLS 1.2 and 1.3: ssl_protocols TLSv1.2 TLSv1.3, which is tls_profile intermediate.",
    ),
    "handshake-failed": (
        "the server refuses the handshake: {detail}",
        "Look into the server's error log. Usual causes: no certificate for this name (ssl_reject_handshake), no cipher in common.",
    ),
    "handshake-failed/client-certificate": (
        "the server asks for a client certificate and refuses the handshake without one: {detail}",
        "Give the endpoint `client_cert` and `client_key`, or `client_auth: required` where it is right so and nothing more is to be tried. "
        "In the server, `ssl_verify_client` (nginx) or `SSLVerifyClient` (Apache) asks.",
    ),
    "handshake-failed/key-type": (
        "the server has no certificate with a key of the kind {key_type}, which is asked for, or takes no TLS 1.2: {detail}",
        "Give the server a second certificate: in nginx another ssl_certificate and ssl_certificate_key, in Apache another "
        "SSLCertificateFile and SSLCertificateKeyFile. Or leave the kind out of the endpoint's `key_types`.",
    ),
}


def failed_connection(context: Context) -> Iterator[Finding]:
    """RFC 8446 4.4.2 begins where a certificate arrives; this is for when none did."""
    failure, mutual = context.case.failure, context.case.mutual
    if failure is None or (mutual is not None and mutual.explains_failure):
        return
    if failure.key_type and failure.kind == "handshake-failed":
        # No client refuses: each takes the other kind.
        message, fix = _MESSAGES["handshake-failed/key-type"]
        message = message.format(detail=failure.detail, key_type=failure.key_type)
        yield context.finding(failure.kind, message, fix, refusing=())
        return
    special = "client-certificate" if failure.certificate_wanted else "starttls" if failure.starttls else ""
    message, fix = _MESSAGES.get(f"{failure.kind}/{special}", _MESSAGES[failure.kind])
    yield context.finding(failure.kind, message.format(detail=failure.detail, starttls=failure.starttls), fix)


def stale_certificate(context: Context) -> Iterator[Finding]:
    """The leaf is another than the one that was deployed: an old process answers, or another server does."""
    leaf, expected = context.leaf, context.case.expect_sha256
    if leaf is not None and expected is not None and leaf.sha256 != expected:
        yield context.finding(
            "stale-certificate",
            f"{context.called(context.leaf_at, leaf)} (sha256 {leaf.sha256[:16]}..., until {moment(leaf.not_after)}) is served, "
            f"not the certificate that was deployed (sha256 {expected[:16]}...)",
            "Reload the server. If it stays: another server block, process or load balancer answers on this address.",
            certificate=context.leaf_at,
        )


def inconsistent_backends(context: Context) -> Iterator[Finding]:
    """What a client gets depends on which address or which server behind the address it comes to."""
    backends = context.case.backends
    if differ(backends):
        yield context.finding(
            "inconsistent-backends",
            f"what is served depends on the server that one comes to: {'; '.join(described(backends))}",
            "Deploy the same certificate and TLS settings to every server behind the name and reload each; take those that do not "
            "answer out of DNS or the load balancer.",
        )


RULES = (failed_connection, stale_certificate, inconsistent_backends)
