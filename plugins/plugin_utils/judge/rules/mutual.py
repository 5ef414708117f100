# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Family mutual TLS: whether the server asks for client certificates, takes ours, and insists on one."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.clients import ANY_USAGE, CLIENT_AUTH
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.context import Context, listed, moment
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.model import Finding
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.mutual import REQUIRED, Mutual


def not_requested(context: Context) -> Iterator[Finding]:
    """RFC 8446 4.3.2: a client has no certificate to send unless the server asks for one."""
    mutual = context.case.mutual
    if mutual is None or mutual.requested:
        return
    yield context.finding(
        "client-certificate-not-requested",
        f"client certificates are to be {mutual.expected}, and the server asks for none in the handshake",
        "Have the server ask: in nginx `ssl_client_certificate` and `ssl_verify_client on` in the server block (without a server name, in the "
        "default server's), in Apache `SSLCACertificateFile` and `SSLVerifyClient require` in the VirtualHost.",
    )


def rejected(context: Context) -> Iterator[Finding]:
    """RFC 8446 4.4.2.4: the server may end the handshake over a certificate that it does not take."""
    mutual = context.case.mutual
    why = _why_rejected(context, mutual) if mutual else None
    if mutual is None or why is None:
        return
    own = mutual.presented[0]
    yield context.finding(
        "client-certificate-rejected",
        f"the server does not take the client certificate '{own.label}' of '{own.issuer}': {why}{_reasons(context, mutual)}",
        "Put the CA that issued it into the server's bundle for clients (nginx `ssl_client_certificate`, Apache `SSLCACertificateFile`) and reload, "
        "or present a certificate of a CA that the server trusts, with its intermediates behind it in client_cert. It has to be valid today, and "
        "for clientAuth where it has extended key usages.",
        # Turned away in an HTTP answer, a client's TLS notices nothing.
        refusing=None if mutual.reply.refusal else (),
    )


def _why_rejected(context: Context, mutual: Mutual) -> str | None:
    """What the server says, or where that says nothing of certificates, what is wrong with the one that it turned away."""
    if mutual.rejected or not (mutual.requested and mutual.presented):
        return mutual.rejected
    return mutual.turned_away_alike if _reasons(context, mutual) else None


def _reasons(context: Context, mutual: Mutual) -> str:
    """What the certificate itself tells of why."""
    own, at, reasons = mutual.presented[0], context.case.at, []
    if own.not_after < at:
        reasons.append(f"it ended on {moment(own.not_after)}")
    if own.not_before > at:
        reasons.append(f"it begins only on {moment(own.not_before)}")
    if own.extended_key_usage is not None and not own.extended_key_usage & {CLIENT_AUTH, ANY_USAGE}:
        reasons.append("its extended key usages lack clientAuth")
    if mutual.unnamed_issuer:
        named = listed(text for _der, text in mutual.authorities)
        reasons.append(f"the server names the CAs that it takes and its own is not among them ({named})")
    return f"; {'; '.join(reasons)}" if reasons else ""


def not_required(context: Context) -> Iterator[Finding]:
    """RFC 8446 4.4.2.4: without a certificate, the server may go on or refuse."""
    mutual = context.case.mutual
    if mutual is None or mutual.expected != REQUIRED:
        return
    met = mutual.lets_anyone_in
    if met is None or (met == mutual.turned_away_alike and _why_rejected(context, mutual)):
        return
    yield context.finding(
        "client-certificate-not-required",
        f"the server asks for a client certificate and serves clients without one all the same: {met}",
        "Insist on it: in nginx `ssl_verify_client on` instead of `optional` or `optional_no_ca`, in Apache `SSLVerifyClient require` instead of "
        "`optional`. Where the application is to decide for itself, expect `client_auth: optional` of the endpoint.",
    )


RULES = (not_requested, rejected, not_required)
