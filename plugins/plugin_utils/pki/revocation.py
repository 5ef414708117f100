# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CRLs (RFC 5280 5) and OCSP responses (RFC 6960): bytes in, parsed facts out. No time, and no opinion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.lazy import lazy
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import (
    Certificate,
    Malformed,
    parse_certificate,
)

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, padding
    from cryptography.x509 import ocsp
    from cryptography.x509.oid import AuthorityInformationAccessOID
except ImportError:  # plugin_utils/libraries.py says what is missing
    pass

OCSP_REQUEST = "application/ocsp-request"

# More addresses than these in one certificate are not looked at: whoever made it chose their number.
_MOST_POINTS, _MOST_RESPONDERS = 4, 2

_UNSPECIFIED = "unspecified"


@dataclass(frozen=True)
class Unusable:
    """What should have been a CRL, one of its entries or an OCSP response.

    why continues a sentence about it: `cannot be parsed: ...`. fetched: False where nothing came, and why is about its address.
    """

    why: str
    fetched: bool = True


@dataclass(frozen=True)
class Point:
    """One address of a CRL in a certificate, and what its distribution point says of it (RFC 5280 4.2.1.13)."""

    url: str
    names: frozenset[str]  # the URLs of the whole distribution point
    partial: bool = False  # only for some reasons
    indirect: bool = False  # another issuer's list


@dataclass(frozen=True)
class Entry:
    """That a certificate was revoked. reason: as RFC 5280 5.3.1 names it, None where none is given."""

    when: datetime
    reason: str | None


def crl_points(certificate: Certificate) -> tuple[Point, ...]:
    """The addresses of CRLs in it, whatever their scheme, the first few."""
    points = certificate.extension(x509.CRLDistributionPoints) or ()
    return tuple(point for distribution in points for point in _points(distribution))[:_MOST_POINTS]


def _points(distribution: x509.DistributionPoint) -> Iterator[Point]:
    names = _urls(distribution.full_name)
    for url in names:
        yield Point(
            url,
            frozenset(names),
            partial=distribution.reasons is not None,
            indirect=distribution.crl_issuer is not None,
        )


def _urls(names: list[x509.GeneralName] | None) -> tuple[str, ...]:
    return tuple(name.value for name in names or () if isinstance(name, x509.UniformResourceIdentifier))


def responders(certificate: Certificate) -> tuple[str, ...]:
    """The addresses of OCSP responders in it (RFC 5280 4.2.2.1), the first few."""
    descriptions = certificate.extension(x509.AuthorityInformationAccess) or ()
    locations = (d.access_location for d in descriptions if d.access_method == AuthorityInformationAccessOID.OCSP)
    return _urls(list(locations))[:_MOST_RESPONDERS]


def must_staple(certificate: Certificate) -> bool:
    """Whether its TLS feature extension asks for a stapled response (RFC 7633 4.2.3)."""
    features = certificate.extension(x509.TLSFeature)
    return features is not None and x509.TLSFeatureType.status_request in features


class Crl:
    """A revocation list that could be parsed. Not yet believed: see signed_by."""

    def __init__(self, parsed: x509.CertificateRevocationList) -> None:
        self._parsed = parsed
        self.issuer_der = parsed.issuer.public_bytes()
        self.this_update = parsed.last_update_utc
        self.next_update = parsed.next_update_utc
        self._extensions = {type(extension.value): extension for extension in parsed.extensions}
        point = self._extensions.get(x509.IssuingDistributionPoint)
        self.point: x509.IssuingDistributionPoint | None = None if point is None else point.value
        self.is_delta = x509.DeltaCRLIndicator in self._extensions
        self._signers: dict[Certificate, bool] = {}

    @lazy
    def unknown_critical(self) -> str | None:
        """An extension that is critical and not known here, dotted (RFC 5280 5.2)."""
        known = (x509.IssuingDistributionPoint, x509.DeltaCRLIndicator, x509.CRLNumber, x509.AuthorityKeyIdentifier)
        strange = (e for kind, e in self._extensions.items() if e.critical and kind not in known)
        return next((extension.oid.dotted_string for extension in strange), None)

    @property
    def point_names(self) -> frozenset[str]:
        """The URLs in its issuing distribution point."""
        return frozenset(_urls(self.point.full_name)) if self.point else frozenset()

    def signed_by(self, issuer: Certificate) -> bool:
        """Whether the issuer's key made the signature. Looked at once for each issuer: lists are long."""
        if issuer not in self._signers:
            self._signers[issuer] = _is_signed(self._parsed, issuer)
        return self._signers[issuer]

    @lazy
    def _serials(self) -> frozenset[int]:
        """The library looks a serial number up by reading the list from its start."""
        return frozenset(entry.serial_number for entry in self._parsed)

    def entry(self, serial: int) -> Entry | Unusable | None:
        """The certificate's entry; None where it has none, or one that takes it off the list."""
        try:
            found = self._parsed.get_revoked_certificate_by_serial_number(serial) if serial in self._serials else None
            extensions = [] if found is None else list(found.extensions)
        except Exception as error:  # pylint: disable=broad-except
            return Unusable(f"has an entry that {_unparsable(error).why}")
        if found is None:
            return None
        known = (x509.CRLReason, x509.InvalidityDate)
        strange = [e.oid.dotted_string for e in extensions if e.critical and not isinstance(e.value, known)]
        if strange:
            return Unusable(f"has an entry with the critical extension {strange[0]}, which is not supported")
        reason = next((e.value.reason.value for e in extensions if isinstance(e.value, x509.CRLReason)), None)
        # RFC 5280 5.3.1: in a delta CRL
        return None if reason == "removeFromCRL" else Entry(found.revocation_date_utc, _told(reason))


def _told(reason: str | None) -> str | None:
    return None if reason == _UNSPECIFIED else reason


def _is_signed(parsed: x509.CertificateRevocationList, issuer: Certificate) -> bool:
    try:
        return parsed.is_signature_valid(issuer.public_key)  # type: ignore[arg-type]
    except (TypeError, ValueError, UnsupportedAlgorithm):  # a key of a kind that signs no CRLs, or cannot be read
        return False


def parse_crl(data: bytes) -> Crl | Unusable:
    """Parse a CRL: DER, as RFC 5280 4.2.1.13 has it, or PEM, as some CAs serve it."""
    load = x509.load_pem_x509_crl if data.startswith(b"-----BEGIN") else x509.load_der_x509_crl
    try:
        return Crl(load(data))
    # Whoever answers chooses the bytes, and with them the parser's exception: ValueError, InvalidVersion, ...
    except Exception as error:  # pylint: disable=broad-except
        return _unparsable(error)


def _unparsable(error: Exception) -> Unusable:
    return Unusable(f"cannot be parsed: {' '.join(str(error).split()) or type(error).__name__}")


@dataclass(frozen=True)
class Single:
    """What an OCSP response says of one certificate (RFC 6960 4.2.1, SingleResponse)."""

    serial: int
    digest: Any  # hashes.HashAlgorithm, of the two hashes
    issuer_name_hash: bytes
    issuer_key_hash: bytes
    status: str  # good, revoked, unknown
    this_update: datetime
    next_update: datetime | None
    entry: Entry | None


class OcspResponse:
    """An OCSP response that could be parsed. Not yet believed: see signed_by.

    status: `successful`, or the responder's refusal as RFC 6960 4.2.1 names it: `tryLater`, `unauthorized`, ...
    """

    def __init__(self, parsed: ocsp.OCSPResponse) -> None:
        self._parsed = parsed
        self.status = _STATUS[parsed.response_status.name]
        self.singles: tuple[Single, ...] = ()
        self.certificates: tuple[Certificate, ...] = ()
        if self.status == SUCCESSFUL:
            self.singles = tuple(map(_single, parsed.responses))
            self.certificates = tuple(_readable(parsed.certificates))
            self._key_hash, self._name = parsed.responder_key_hash, parsed.responder_name

    def about(self, certificate: Certificate, issuer: Certificate) -> Single | None:
        """What it says of that issuer's certificate."""
        return next((single for single in self.singles if _is_about(single, certificate, issuer)), None)

    def signed_by(self, signer: Certificate) -> bool:
        """Whether the signer's key made the signature."""
        key: Any = signer.public_key
        try:
            key.verify(self._parsed.signature, self._parsed.tbs_response_bytes, *self._how_signed(signer.key.kind))
        except (InvalidSignature, UnsupportedAlgorithm, AttributeError, TypeError, ValueError):
            return False
        return True

    def _how_signed(self, kind: str) -> tuple[Any, ...]:
        digest = self._parsed.signature_hash_algorithm
        if kind == "EC" and digest is not None:
            return (ec.ECDSA(digest),)
        return (padding.PKCS1v15(), digest) if kind == "RSA" else ()

    def names(self, certificate: Certificate) -> bool:
        """Whether its responder identifier is the certificate's (RFC 6960 4.2.2.3): by key hash or by name."""
        if self._name is not None:
            return self._name.public_bytes() == certificate.subject_der
        return self._key_hash == _key_hash(certificate)


SUCCESSFUL = "successful"
_STATUS = {
    "SUCCESSFUL": SUCCESSFUL,
    "MALFORMED_REQUEST": "malformedRequest",
    "INTERNAL_ERROR": "internalError",
    "TRY_LATER": "tryLater",
    "SIG_REQUIRED": "sigRequired",
    "UNAUTHORIZED": "unauthorized",
}


def parse_ocsp(data: bytes) -> OcspResponse | Unusable:
    """Parse an OCSP response, DER."""
    try:
        return OcspResponse(ocsp.load_der_ocsp_response(data))
    except Exception as error:  # pylint: disable=broad-except
        return _unparsable(error)


def _single(parsed: ocsp.OCSPSingleResponse) -> Single:
    revoked = parsed.revocation_time_utc
    reason = parsed.revocation_reason
    return Single(
        parsed.serial_number,
        parsed.hash_algorithm,
        parsed.issuer_name_hash,
        parsed.issuer_key_hash,
        parsed.certificate_status.name.lower(),
        parsed.this_update_utc,
        parsed.next_update_utc,
        None if revoked is None else Entry(revoked, _told(reason.value if reason else None)),
    )


def _readable(certificates: list[x509.Certificate]) -> Iterator[Certificate]:
    for certificate in certificates:
        read = parse_certificate(certificate.public_bytes(serialization.Encoding.DER))
        if not isinstance(read, Malformed):
            yield read


def _is_about(single: Single, certificate: Certificate, issuer: Certificate) -> bool:
    """RFC 6960 4.1.1, CertID: serial number, and the hashes of the issuer's name and key."""
    if single.serial != certificate.x509.serial_number:
        return False
    asked = _request(certificate, issuer, single.digest)
    return (single.issuer_name_hash, single.issuer_key_hash) == (asked.issuer_name_hash, asked.issuer_key_hash)


def _key_hash(certificate: Certificate) -> bytes:
    """RFC 6960 4.2.1, KeyHash: SHA-1 of the public key's bits, as in a request about what the key has issued."""
    return _request(certificate, certificate, hashes.SHA1()).issuer_key_hash  # noqa: S303


def ocsp_request(certificate: Certificate, issuer: Certificate) -> bytes:
    """What a responder is asked, DER: the certificate by SHA-1 hashes, as RFC 5019 2.1.1 wants it, and without a nonce."""
    return _request(certificate, issuer, hashes.SHA1()).public_bytes(serialization.Encoding.DER)  # noqa: S303


def _request(certificate: Certificate, issuer: Certificate, digest: Any) -> ocsp.OCSPRequest:
    return ocsp.OCSPRequestBuilder().add_certificate(certificate.x509, issuer.x509, digest).build()
