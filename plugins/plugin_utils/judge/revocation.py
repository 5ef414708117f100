# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a CRL or an OCSP response says of a certificate at a time, and whether it may be believed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum
from itertools import pairwise

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.context import Context, moment
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.model import Evidence
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.paths import within_dates
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate, signed_by
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.revocation import (
    SUCCESSFUL,
    Crl,
    Entry,
    OcspResponse,
    Point,
    Single,
    Unusable,
    crl_points,
    responders,
)

_OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"
_NO_REVOCATION = "2.5.29.56"  # noRevAvail, RFC 9608

# How long a response without nextUpdate is believed: GnuTLS's 15 days. RFC 6960 2.4 only says that there is newer
# information at any time.
_MOST_AGE = timedelta(days=15)

# BR 1.6.1, short-lived subscriber certificate, by the day of issue: these need no CRL and no responder (7.1.2.11.2)
_SHORT_LIVED = (
    (datetime(2026, 3, 15, tzinfo=timezone.utc), timedelta(days=7)),
    (datetime(2024, 3, 15, tzinfo=timezone.utc), timedelta(days=10)),
)


class Status(Enum):
    """What is known after one source has been looked at."""

    GOOD = "good"
    REVOKED = "revoked"
    OUTDATED = "outdated"  # nextUpdate has passed
    EARLY = "early"  # thisUpdate is still to come
    INVALID = "invalid"  # nothing that may be believed
    UNREADABLE = "unreadable"
    REFUSED = "refused"  # the responder has no answer for anyone
    UNKNOWN = "unknown"  # ... or not about this certificate


# What settles the question
NEWS = (Status.GOOD, Status.REVOKED)


@dataclass(frozen=True)
class Said:
    """What one source says of one certificate. why continues a sentence about the source.

    entry: where it is REVOKED, and where it is out of time and was on hold.
    """

    status: Status
    why: str = ""
    entry: Entry | None = None


def issued(context: Context) -> Iterator[tuple[int | None, Certificate, Certificate]]:
    """(index, certificate, issuer) of the path: what can be revoked, and by whom.

    Anchors are not (RFC 5280 6.1); where a path breaks off or a signature is wrong, no issuer could speak, and other
    findings say so.
    """
    for (index, certificate), (_above, issuer) in pairwise(context.steps):
        if signed_by(certificate, issuer):
            yield index, certificate, issuer


def ends_in_trust(context: Context) -> bool:
    """Whether CAs' signatures lead to a certificate of the store: only then is what the path's certificates name asked.

    Anyone can make certificates, also with the key of a leaf of his own, and would choose whom the controller connects to.
    """
    path = context.path
    if path is None or not (path.anchor or path.partial_anchor) or path.cost.bad_signatures:
        return False
    issuers = [issuer for index, issuer in context.steps[1:] if index is not None and not context.is_anchor(issuer)]
    return all(issuer.is_ca and not issuer.may_not_sign for issuer in issuers)


def needs_no_source(certificate: Certificate, leaf: bool) -> bool:
    """Whether it may do without CRL and responder: it says so (RFC 9608), or is a short-lived leaf (BR 1.6.1)."""
    if certificate.has(_NO_REVOCATION):
        return True
    # the last second belongs to the lifetime
    lifetime = certificate.not_after - certificate.not_before + timedelta(seconds=1)
    most = next((most for since, most in _SHORT_LIVED if certificate.not_before >= since), None)
    return leaf and most is not None and lifetime <= most


def sources(
    certificate: Certificate, issuer: Certificate, evidence: Evidence, at: datetime
) -> Iterator[tuple[str, Said]]:
    """What the CRLs and responders that the certificate names say, each with what it is called."""
    for point in crl_points(certificate):
        if point.url in evidence.crls:
            yield f"the CRL at {point.url}", by_crl(certificate, issuer, evidence.crls[point.url], point, at)
    for url in responders(certificate):
        response = evidence.responses.get((url, certificate))
        if response is not None:
            nothing = isinstance(response, Unusable) and not response.fetched
            source = f"the OCSP responder at {url}" if nothing else f"the OCSP response from {url}"
            yield source, by_ocsp(certificate, issuer, response, at)


def by_crl(certificate: Certificate, issuer: Certificate, crl: Crl | Unusable, point: Point, at: datetime) -> Said:
    """What a CRL from one of the certificate's distribution points says of it (RFC 5280 6.3.3)."""
    if isinstance(crl, Unusable):
        return Said(Status.UNREADABLE, crl.why)
    unfit = _not_the_issuers(crl, issuer, point) or _out_of_scope(crl, certificate, point)
    if unfit:
        return Said(Status.INVALID, unfit)
    entry = crl.entry(certificate.x509.serial_number)
    if isinstance(entry, Unusable):
        return Said(Status.INVALID, entry.why)
    if entry is None and (point.partial or (crl.point and crl.point.only_some_reasons)):
        return Said(Status.INVALID, "is only for some reasons of revocation, which is not supported")
    return _at_that_time(entry, crl, at) or _without_end(crl) or Said(Status.GOOD)


def _without_end(crl: Crl) -> Said | None:
    """RFC 5280 5.1.2.5: `Conforming CRL issuers MUST include the nextUpdate field in all CRLs.`"""
    return None if crl.next_update else Said(Status.INVALID, "does not say until when it holds (it has no nextUpdate)")


def _not_the_issuers(crl: Crl, issuer: Certificate, point: Point) -> str | None:
    """RFC 5280 6.3.3 (b) (1), (f) and (g): whose list it is."""
    if point.indirect or (crl.point and crl.point.indirect_crl):
        return "is an indirect CRL, another issuer's, which is not supported"
    if crl.issuer_der != issuer.subject_der:
        return f"is another CA's, not that of '{issuer.label}'"
    if issuer.key_usage is not None and "cRLSign" not in issuer.key_usage:
        return f"may not be signed by '{issuer.label}', whose key usage has no cRLSign"
    return None if crl.signed_by(issuer) else f"is not signed by the key of '{issuer.label}'"


def _out_of_scope(crl: Crl, certificate: Certificate, point: Point) -> str | None:
    """RFC 5280 6.3.3 (b) (2), 5.2.4 and 5.2: which certificates it is about."""
    if crl.is_delta:
        return "is a delta CRL, only the changes to another list, which is not supported"
    if crl.unknown_critical:
        return f"has the critical extension {crl.unknown_critical}, which is not supported"
    if crl.point is None:
        return None
    if crl.point_names and not crl.point_names & point.names:
        return f"is that of another distribution point, {', '.join(sorted(crl.point_names))}"
    only = crl.point.only_contains_attribute_certs or (
        crl.point.only_contains_user_certs if certificate.is_ca else crl.point.only_contains_ca_certs
    )
    return (
        "has no certificates of this kind in it (onlyContains... in its issuing distribution point)" if only else None
    )


def by_ocsp(certificate: Certificate, issuer: Certificate, response: OcspResponse | Unusable, at: datetime) -> Said:
    """What an OCSP response says of the certificate (RFC 6960 3.2)."""
    if isinstance(response, Unusable):
        return Said(Status.UNREADABLE, response.why)
    if response.status != SUCCESSFUL:
        return Said(Status.REFUSED, f"has no answer but the status {response.status}")
    single = response.about(certificate, issuer)
    if single is None:
        return Said(Status.INVALID, "is for another certificate")
    unfit = _not_authorised(response, issuer, at)
    if unfit:
        return Said(Status.INVALID, unfit)
    if single.status == "unknown":
        return Said(Status.UNKNOWN, "says that the responder does not know the certificate")
    return _at_that_time(single.entry, single, at) or _aged(single, at) or Said(Status.GOOD)


def _aged(single: Single, at: datetime) -> Said | None:
    if single.next_update or at <= single.this_update + _MOST_AGE:
        return None
    said = f"is too old: it has no nextUpdate, and its thisUpdate was {moment(single.this_update)} (judged at {moment(at)})"
    return Said(Status.OUTDATED, said)


def _not_authorised(response: OcspResponse, issuer: Certificate, at: datetime) -> str | None:
    """RFC 6960 4.2.2.2: signed by the issuer, or by whom it has issued a certificate with the usage OCSPSigning for."""
    if response.names(issuer) and response.signed_by(issuer):
        return None
    named = [certificate for certificate in response.certificates if response.names(certificate)]
    if not named:
        return f"is not signed by the key of '{issuer.label}', and no other signer's certificate is with it"
    reasons = [_not_delegated(certificate, issuer, at) for certificate in named]
    if None not in reasons:
        return f"is signed by '{named[0].label}', {reasons[0]}"
    delegates = [certificate for certificate, reason in zip(named, reasons, strict=True) if reason is None]
    return None if any(map(response.signed_by, delegates)) else "has a signature that its signer did not make"


def _not_delegated(signer: Certificate, issuer: Certificate, at: datetime) -> str | None:
    if signer.issuer_der != issuer.subject_der or not signed_by(signer, issuer):
        return f"which '{issuer.label}' has not issued"
    if _OCSP_SIGNING not in (signer.extended_key_usage or ()):
        return "which may not sign OCSP responses (its extended key usage has no OCSPSigning)"
    if not within_dates(signer, at):
        return f"which is valid from {moment(signer.not_before)} to {moment(signer.not_after)} only"
    return None


def _at_that_time(entry: Entry | None, said: Crl | Single, at: datetime) -> Said | None:
    """Revoked, or out of its time.

    What was revoked once stays so, whatever the age of what says it, except where it was only on hold.
    """
    start, end = said.this_update, said.next_update
    current = start <= at and (end is None or at <= end)
    if entry is not None and (current or entry.reason != "certificateHold"):
        return Said(Status.REVOKED, entry=entry)
    if start > at:
        return Said(
            Status.EARLY, f"is of the future: its thisUpdate is {moment(start)} (judged at {moment(at)})", entry
        )
    if end is not None and at > end:
        return Said(Status.OUTDATED, f"is too old: its nextUpdate was {moment(end)} (judged at {moment(at)})", entry)
    return None
