# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CRLs and OCSP responses for tests: declared beside the certificates of tests/pki.py, minted at run time.

    mint_crl(pki, Crl("inter", revoked=["leaf"], ends="-1d"))
    mint_ocsp(pki, Ocsp("leaf", status="revoked", signed_by="responder"))

Every default is valid and tells of nothing bad, so that a test states its one fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ocsp

from tests.pki import Pki, _delta

Extensions = Sequence[tuple[x509.ExtensionType, bool]]

OCSP_SIGNING = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.9")
MUST_STAPLE: Extensions = [(x509.TLSFeature([x509.TLSFeatureType.status_request]), False)]


@dataclass(frozen=True)
class Crl:
    """A revocation list to be. Times are relative to the PKI's `now`."""

    issuer: str = "inter"
    revoked: Sequence[str] = ()  # declared names
    reason: str | None = "key_compromise"  # a member of ReasonFlags
    when: str = "-2d"
    starts: str = "-1d"
    ends: str | None = "7d"  # None: without nextUpdate
    signed_by: str | None = None  # the key that signs, where it is not the issuer's
    extensions: Extensions = ()
    entry_extensions: Extensions = ()


@dataclass(frozen=True)
class Ocsp:
    """An OCSP response to be. Times are relative to the PKI's `now`."""

    of: str = "leaf"
    issuer: str = "inter"
    status: str = "good"  # or revoked, unknown
    reason: str | None = "key_compromise"
    when: str = "-2d"
    starts: str = "-1d"
    ends: str | None = "7d"
    signed_by: str | None = None  # the responder, where it is not the issuer: a declared certificate
    damaged: bool = False  # the signature is not that of what is signed
    certificates: Sequence[str] | None = None  # that come along; None: a delegated responder's own
    by_name: bool = False  # the responder is named by its subject, not by its key
    digest: Any = hashes.SHA1  # of the certificate's identifier
    error: str | None = None  # a status that stands instead of a response: unauthorized, try_later, ...


def crl_points(*urls: str, **fields: Any) -> tuple[x509.ExtensionType, bool]:
    """The extension cRLDistributionPoints with one point for all URLs."""
    names = [x509.UniformResourceIdentifier(url) for url in urls]
    whole: dict[str, Any] = {"full_name": names or None, "relative_name": None, "reasons": None, "crl_issuer": None}
    return x509.CRLDistributionPoints([x509.DistributionPoint(**{**whole, **fields})]), False


def responder(*urls: str) -> tuple[x509.ExtensionType, bool]:
    """The extension authority information access with OCSP responders."""
    method = x509.ObjectIdentifier("1.3.6.1.5.5.7.48.1")
    points = [x509.AccessDescription(method, x509.UniformResourceIdentifier(url)) for url in urls]
    return x509.AuthorityInformationAccess(points), False


def issuing_point(*urls: str, **fields: Any) -> tuple[x509.ExtensionType, bool]:
    """The extension issuingDistributionPoint of a CRL; everything is in it unless said otherwise."""
    kinds = ("only_contains_user_certs", "only_contains_ca_certs", "indirect_crl", "only_contains_attribute_certs")
    names = [x509.UniformResourceIdentifier(url) for url in urls]
    whole: dict[str, Any] = {"full_name": names or None, "relative_name": None, "only_some_reasons": None}
    return x509.IssuingDistributionPoint(**{**whole, **dict.fromkeys(kinds, False), **fields}), True


def mint_crl(pki: Pki, declared: Crl) -> bytes:
    """The list in DER."""
    starts, ends = _at(pki, declared.starts), _at(pki, declared.ends or "7d")
    subject = pki[declared.issuer].x509.subject
    builder = x509.CertificateRevocationListBuilder().issuer_name(subject).last_update(starts).next_update(ends)
    for name in declared.revoked:
        builder = builder.add_revoked_certificate(_entry(pki, name, declared))
    for value, critical in declared.extensions:
        builder = builder.add_extension(value, critical)
    key = pki.key(declared.signed_by or declared.issuer)
    crl = builder.sign(key, _digest_for(key))
    der = crl.public_bytes(serialization.Encoding.DER)
    return der if declared.ends else _without_next_update(crl, key)


def _entry(pki: Pki, name: str, declared: Crl) -> x509.RevokedCertificate:
    builder = x509.RevokedCertificateBuilder().serial_number(pki[name].x509.serial_number)
    builder = builder.revocation_date(_at(pki, declared.when))
    if declared.reason:
        builder = builder.add_extension(x509.CRLReason(x509.ReasonFlags[declared.reason]), False)
    for value, critical in declared.entry_extensions:
        builder = builder.add_extension(value, critical)
    return builder.build()


def _without_next_update(crl: x509.CertificateRevocationList, key: ec.EllipticCurvePrivateKey) -> bytes:
    """The library mints none. Of the fields of TBSCertList (RFC 5280 5.1) it is the fifth."""
    fields = _elements(_elements(crl.tbs_certlist_bytes)[0][1])
    tbs = _wrapped(0x30, b"".join(whole for place, (whole, _content) in enumerate(fields) if place != 4))
    algorithm = _elements(_elements(crl.public_bytes(serialization.Encoding.DER))[0][1])[1][0]
    signature = key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    return _wrapped(0x30, tbs + algorithm + _wrapped(0x03, b"\0" + signature))


def _elements(der: bytes) -> list[tuple[bytes, bytes]]:
    """The elements that DER consists of, each with its content."""
    found = []
    while der:
        start = 2 if der[1] < 0x80 else 2 + (der[1] & 0x7F)
        length = der[1] if der[1] < 0x80 else int.from_bytes(der[2:start], "big")
        found.append((der[: start + length], der[start : start + length]))
        der = der[start + length :]
    return found


def _wrapped(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def mint_ocsp(pki: Pki, declared: Ocsp) -> bytes:
    """The response in DER."""
    if declared.error:
        status = ocsp.OCSPResponseStatus[declared.error.upper()]
        return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(serialization.Encoding.DER)
    signer = declared.signed_by or declared.issuer
    encoding = ocsp.OCSPResponderEncoding.NAME if declared.by_name else ocsp.OCSPResponderEncoding.HASH
    builder = _single(pki, declared).responder_id(encoding, pki[signer].x509)
    along = declared.certificates
    names = ([] if signer == declared.issuer else [signer]) if along is None else along
    if names:
        builder = builder.certificates([pki[name].x509 for name in names])
    key = pki.key(signer)
    response = builder.sign(key, _digest_for(key))
    der, signature = response.public_bytes(serialization.Encoding.DER), response.signature
    return der.replace(signature, signature[:-1] + bytes([signature[-1] ^ 1])) if declared.damaged else der


def _single(pki: Pki, declared: Ocsp) -> ocsp.OCSPResponseBuilder:
    revoked = declared.status == "revoked"
    return ocsp.OCSPResponseBuilder().add_response(
        cert=pki[declared.of].x509,
        issuer=pki[declared.issuer].x509,
        algorithm=declared.digest(),
        cert_status=ocsp.OCSPCertStatus[declared.status.upper()],
        this_update=_at(pki, declared.starts),
        next_update=_at(pki, declared.ends) if declared.ends else None,
        revocation_time=_at(pki, declared.when) if revoked else None,
        revocation_reason=x509.ReasonFlags[declared.reason] if revoked and declared.reason else None,
    )


def _digest_for(key: Any) -> hashes.HashAlgorithm | None:
    return hashes.SHA256() if isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) else None


def _at(pki: Pki, text: str) -> datetime:
    return pki.now + _delta(text)
