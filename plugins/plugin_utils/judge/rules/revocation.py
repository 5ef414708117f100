# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Family revocation: what was stapled, and what CRLs and responders say.

Where the user does not want to know, only what a chosen client refuses because of is told.

Of the clients, GnuTLS looks at what is stapled and at must-staple, and Java parses it without looking; none fetches anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.context import Context
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.model import Evidence, Finding
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.revocation import (
    NEWS,
    Said,
    Status,
    by_ocsp,
    ends_in_trust,
    issued,
    needs_no_source,
    sources,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.revocation import (
    SUCCESSFUL,
    OcspResponse,
    must_staple,
)

_STAPLE = "the stapled OCSP response"
_STAPLE_FIX = (
    "Let the server fetch a new one: in nginx `ssl_stapling on` with ssl_trusted_certificate and a resolver that works, in Apache "
    "SSLUseStapling with SSLStaplingCache; with ssl_stapling_file, renew that file before its nextUpdate."
)
_MISSING_FIX = (
    "Switch stapling on (nginx: ssl_stapling, Apache: SSLUseStapling), and see in the error log why no response comes; or have the "
    "certificate issued without must-staple (certbot: no --must-staple, must_staple = False in its renewal file)."
)

# Who refuses a connection because of what is stapled, by what it is.
_REFUSING = {
    Status.OUTDATED: ("gnutls",),
    Status.INVALID: ("gnutls",),
    Status.UNREADABLE: ("gnutls", "java"),
}
_OUT_OF_TIME = (Status.OUTDATED, Status.EARLY)

_Sources = Sequence[tuple[str, Said]]


def staple_missing(context: Context) -> Iterator[Finding]:
    """RFC 7633 4.2.3.1: with the TLS feature status_request in its certificate, a server has to staple a response.

    One that says no more than that the responder had no answer is none.
    """
    evidence, leaf = context.case.revocation, context.leaf
    if evidence is None or leaf is None or not evidence.looked or not must_staple(leaf):
        return
    refusal = _refusal(evidence)
    if evidence.staple is None or refusal:
        yield from _told([_missing(context, leaf, refusal)], evidence)


def _told(findings: Iterable[Finding], evidence: Evidence) -> Iterator[Finding]:
    """What is told of them: everything, or what a chosen client refuses because of."""
    yield from (finding for finding in findings if evidence.wanted or finding.clients)


def _missing(context: Context, leaf: Certificate, refusal: str | None) -> Finding:
    what = f"nothing but the responder's refusal {refusal}" if refusal else "none"
    return context.finding(
        "staple-missing",
        f"{context.called(context.leaf_at, leaf)} demands a stapled OCSP response (must-staple), and the server staples {what}",
        _MISSING_FIX,
        certificate=context.leaf_at,
    )


def _refusal(evidence: Evidence) -> str | None:
    staple = evidence.staple
    return staple.status if isinstance(staple, OcspResponse) and staple.status != SUCCESSFUL else None


def revocation(context: Context) -> Iterator[Finding]:
    """RFC 5280 6.1.3 (a) (3): no certificate of the path has been revoked."""
    evidence = context.case.revocation
    if evidence is None:
        return
    yield from _told(_findings(context, evidence), evidence)


def _findings(context: Context, evidence: Evidence) -> Iterator[Finding]:
    checked = evidence.checked and ends_in_trust(context)
    for index, certificate, issuer in issued(context):
        staple = _staple_of(context, evidence, index, certificate, issuer)
        told = [*staple, *sources(certificate, issuer, evidence, context.case.at)]
        revoked = [(source, said) for source, said in told if said.status is Status.REVOKED]
        if revoked:
            yield _revoked(context, index, certificate, revoked)
        if staple and staple[0][1].status not in NEWS:
            yield from _useless_staple(context, certificate, staple[0][1])
        if checked and not any(said.status in NEWS for _source, said in told):
            yield from _unknown(context, index, certificate, told)


def _staple_of(
    context: Context, evidence: Evidence, index: int | None, certificate: Certificate, issuer: Certificate
) -> _Sources:
    """What was stapled, which is about the leaf alone."""
    if evidence.staple is None or index != context.leaf_at:
        return ()
    return ((_STAPLE, by_ocsp(certificate, issuer, evidence.staple, context.case.at)),)


def _revoked(context: Context, index: int | None, certificate: Certificate, told: _Sources) -> Finding:
    entry = next(said.entry for _source, said in told if said.entry)
    reason = f" ({entry.reason})" if entry.reason else ""
    fix = (
        "Have a new certificate issued for a new key and deploy it: `certbot renew --force-renewal --cert-name NAME` (with "
        "--new-key where reuse_key is set), or new files of the site."
        if index == context.leaf_at
        else "Have the certificate reissued: the CA has another intermediate by now. Then serve that one."
    )
    return context.finding(
        "revoked",
        f"{context.called(index, certificate)} was revoked on {entry.when:%Y-%m-%d}{reason}, "
        f"according to {' and '.join(source for source, _said in told)}",
        fix,
        certificate=index,
        refusing=["gnutls"] if any(source == _STAPLE for source, _said in told) else [],
    )


def _useless_staple(context: Context, leaf: Certificate, said: Said) -> Iterator[Finding]:
    """RFC 6066 8: clients that ask for a response check it, and abort the handshake where it isn't satisfactory."""
    if said.status is Status.REFUSED and must_staple(leaf):
        return  # staple_missing tells
    yield context.finding(
        "stale-staple" if said.status in _OUT_OF_TIME else "revocation-unknown",
        f"{_STAPLE} for {context.called(context.leaf_at, leaf)} {said.why}",
        _STAPLE_FIX,
        certificate=context.leaf_at,
        # GnuTLS minds that a certificate was on hold whenever that was.
        refusing=["gnutls"] if said.entry else _REFUSING.get(said.status, ()),
        words_of="revoked" if said.entry else None,
    )


def _unknown(context: Context, index: int | None, certificate: Certificate, told: _Sources) -> Iterator[Finding]:
    """RFC 5280 6.3.3: where no list could be used, the status is UNDETERMINED, which is not good."""
    asked = [f"{source} {said.why}" for source, said in told if source != _STAPLE]
    if not asked and needs_no_source(certificate, leaf=index == context.leaf_at):
        return
    why = "; ".join(asked) or "it names neither a CRL nor an OCSP responder"
    fix = (
        "Let the controller reach these addresses over HTTP (fetch_private for a CA inside your own network), or tell the CA what "
        "its servers send."
        if asked
        else "Nothing can be asked about it: let your CA put the address of a CRL into its certificates, or leave revocation off."
    )
    yield context.finding(
        "revocation-unknown",
        f"nothing tells whether {context.called(index, certificate)} has been revoked: {why}",
        fix,
        certificate=index,
        refusing=[],
    )


RULES = (staple_missing, revocation)
