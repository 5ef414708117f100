# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""X.509 certificates: bytes in, parsed values out."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import TypeVar

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID
except ImportError:  # plugin_utils/libraries.py says what is missing
    pass

_BLOCK = re.compile(
    r"-----BEGIN (?P<label>[A-Z0-9 ]+)-----(?P<body>.*?)(?:-----END (?P=label)-----|(?=-----BEGIN )|\Z)", re.DOTALL
)
_CERTIFICATE_LABELS = ("CERTIFICATE", "X509 CERTIFICATE")
_SKIPPED_LABELS = ("DH PARAMETERS", "EC PARAMETERS")  # servers skip them in a certificate file, too

_Extension = TypeVar("_Extension", bound="x509.ExtensionType")


@dataclass(frozen=True)
class Certificate:
    """A certificate whose fields could all be read. Two are equal when their DER is."""

    der: bytes
    subject: str = field(compare=False)  # RFC 4514 text, printable; "" for an empty subject
    issuer: str = field(compare=False)
    not_before: datetime = field(compare=False)  # aware, UTC; the second itself is still within the validity
    not_after: datetime = field(compare=False)
    sha256: str = field(compare=False)  # lower-case hex of the DER's digest
    common_name: str | None = field(compare=False)  # the last one in the subject, as clients that look at it do
    dns_names: tuple[str, ...] = field(compare=False)  # of the subject alternative name, as written there
    ip_addresses: tuple[IPv4Address | IPv6Address, ...] = field(compare=False)
    alt_name_kinds: frozenset[str] = field(
        compare=False
    )  # of its subject alternative names: dns, ip, email, uri, other
    subject_der: bytes = field(compare=False, repr=False)  # names are compared by their encoding, RFC 5280 4.1.2.6
    issuer_der: bytes = field(compare=False, repr=False)
    spki_sha256: str = field(compare=False)  # lower-case hex, digest of the SubjectPublicKeyInfo
    is_ca: bool = field(compare=False)  # basicConstraints says CA:TRUE
    subject_key_id: bytes | None = field(compare=False, repr=False)
    authority_key_id: bytes | None = field(compare=False, repr=False)
    ca_issuers: tuple[str, ...] = field(compare=False)  # URLs of authority information access
    x509: x509.Certificate = field(compare=False, repr=False)

    def __hash__(self) -> int:
        return hash(self.sha256)

    @property
    def self_issued(self) -> bool:
        """Subject and issuer are the same name (RFC 5280 6.1); the key may be another's."""
        return self.subject_der == self.issuer_der

    @cached_property
    def self_signed(self) -> bool:
        """Self-issued, and signed by its own key: the form of a root."""
        return self.self_issued and signed_by(self, self)

    @property
    def label(self) -> str:
        """A short name for messages: the subject, or the first alternative name where the subject is empty."""
        if self.subject:
            return self.subject
        names = [*self.dns_names, *map(str, self.ip_addresses)]
        return names[0] if names else f"sha256 {self.sha256[:16]}"


@dataclass(frozen=True)
class Malformed:
    """Bytes that were served where a certificate belongs and cannot be read as one."""

    der: bytes = field(repr=False)
    reason: str
    sha256: str


@lru_cache(maxsize=8192)  # a fleet's chains share their intermediates
def parse_certificate(der: bytes) -> Certificate | Malformed:
    """Parse DER. Never raises: what cannot be parsed comes back as Malformed, with the reason."""
    try:
        # Roots in distributions' bundles have a serial number of 0, and whoever reads them can't change that. A filter set once
        # does not last: Ansible sets filters of its own.
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Parsed a serial number which wasn't positive")
            return _parse(der)
    # The parser reports a fault with many exceptions (ValueError, UnsupportedAlgorithm, UnsupportedVersion, ...), some
    # of its own kind, and whoever serves the bytes chooses which.
    except Exception as error:  # pylint: disable=broad-except
        reason = " ".join(str(error).split()) or type(error).__name__
        return Malformed(der=der, reason=reason, sha256=hashlib.sha256(der).hexdigest())


def _parse(der: bytes) -> Certificate:
    parsed = x509.load_der_x509_certificate(der)
    extensions = parsed.extensions
    alt_names = _extension(extensions, x509.SubjectAlternativeName)
    basic = _extension(extensions, x509.BasicConstraints)
    subject_key = _extension(extensions, x509.SubjectKeyIdentifier)
    authority_key = _extension(extensions, x509.AuthorityKeyIdentifier)
    common_names = parsed.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return Certificate(
        der=der,
        subject=printable(parsed.subject.rfc4514_string()),
        issuer=printable(parsed.issuer.rfc4514_string()),
        not_before=parsed.not_valid_before_utc,
        not_after=parsed.not_valid_after_utc,
        sha256=hashlib.sha256(der).hexdigest(),
        common_name=str(common_names[-1].value) if common_names else None,
        dns_names=tuple(alt_names.get_values_for_type(x509.DNSName)) if alt_names else (),
        ip_addresses=tuple(_addresses(alt_names)) if alt_names else (),
        alt_name_kinds=frozenset(_kind(name) for name in alt_names or ()),
        subject_der=parsed.subject.public_bytes(),
        issuer_der=parsed.issuer.public_bytes(),
        spki_sha256=hashlib.sha256(_spki(parsed)).hexdigest(),
        is_ca=basic is not None and basic.ca,
        subject_key_id=subject_key.digest if subject_key else None,
        authority_key_id=authority_key.key_identifier if authority_key else None,
        ca_issuers=tuple(_ca_issuers(extensions)),
        x509=parsed,
    )


def printable(text: str) -> str:
    """The text without control characters: whoever made a certificate chose its names, and they end up on a terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _extension(extensions: x509.Extensions, kind: type[_Extension]) -> _Extension | None:
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _kind(name: x509.GeneralName) -> str:
    kinds = {x509.DNSName: "dns", x509.IPAddress: "ip", x509.RFC822Name: "email", x509.UniformResourceIdentifier: "uri"}
    return kinds.get(type(name), "other")


def _addresses(alt_names: x509.SubjectAlternativeName) -> Iterator[IPv4Address | IPv6Address]:
    for value in alt_names.get_values_for_type(x509.IPAddress):
        if isinstance(value, (IPv4Address, IPv6Address)):  # networks belong in name constraints only
            yield value


def _spki(parsed: x509.Certificate) -> bytes:
    return parsed.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _ca_issuers(extensions: x509.Extensions) -> Iterator[str]:
    for description in _extension(extensions, x509.AuthorityInformationAccess) or ():
        location = description.access_location
        if description.access_method == AuthorityInformationAccessOID.CA_ISSUERS and isinstance(
            location, x509.UniformResourceIdentifier
        ):
            yield location.value


def signed_by(certificate: Certificate, issuer: Certificate) -> bool:
    """Whether the issuer's key made the certificate's signature. Names, dates and usages are not looked at."""
    return _signed_by_key(_SignatureCheck(issuer.spki_sha256, certificate.sha256, certificate, issuer))


@dataclass(frozen=True)
class _SignatureCheck:
    """The question `did this key sign that certificate`: its identity is the key and the certificate, so that
    certificates that share a key share the answer."""

    spki_sha256: str
    sha256: str
    certificate: Certificate = field(compare=False, repr=False)
    issuer: Certificate = field(compare=False, repr=False)


@lru_cache(maxsize=8192)
def _signed_by_key(check: _SignatureCheck) -> bool:
    try:
        # verify_directly_issued_by wants issuer's subject == certificate's issuer by value, which holds for the
        # callers' candidates: they were found by the name's encoding.
        check.certificate.x509.verify_directly_issued_by(check.issuer.x509)
    # InvalidSignature, ValueError (names), TypeError (key of another kind), UnsupportedAlgorithm: none is a signature.
    except Exception:  # pylint: disable=broad-except
        return False
    return True


def read_certificates(pem: str | bytes, source: str) -> tuple[Certificate, ...]:
    """Read the certificates of a PEM text, in its order. One certificate in DER is taken as well.

    Text between the blocks, CRLF, a byte order mark and blocks on one line are borne. `source` is what messages call
    the text, a path or `tls_sites[0].certificate.fullchain`.
    Raises InputError, naming source and block, for: nothing in it, a private key (its text is never quoted), PKCS#7 and
    PKCS#12, a certificate request, a block that is cut off or damaged, a certificate that cannot be parsed.
    """
    if isinstance(pem, bytes) and pem[:1] == b"\x30":
        return (_read_der(pem, source),)
    text = to_text(pem, source)
    certificates = tuple(_read_block(block, number, source) for number, block in enumerate(_blocks(text, source), 1))
    if not certificates:
        raise InputError(_nothing_in(text, source))
    return certificates


def to_text(pem: str | bytes, source: str) -> str:
    """PEM as text: bytes are ASCII, or what an editor on Windows makes of it. Raises InputError when binary."""
    if isinstance(pem, str):
        return pem.removeprefix("\ufeff")
    try:
        return pem.decode("utf-16" if pem[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        # A comment before a block may be Latin-1; PEM itself is ASCII.
        if b"-----BEGIN " in pem:
            return pem.decode("latin-1")
    raise InputError(f"{source} is binary and not PEM (expected text with '-----BEGIN CERTIFICATE-----')")


def _nothing_in(text: str, source: str) -> str:
    if not text.strip():
        return f"{source} is empty (expected PEM text with '-----BEGIN CERTIFICATE-----')"
    return f"{source} holds no certificate (expected PEM text with '-----BEGIN CERTIFICATE-----')"


def _blocks(text: str, source: str) -> Iterator[str]:
    """Base64 bodies of the certificate blocks. A block of another kind is refused, or skipped where servers do."""
    for match in _BLOCK.finditer(text):
        label = match["label"]
        if label in _SKIPPED_LABELS:
            continue
        if label not in _CERTIFICATE_LABELS:
            raise InputError(_wrong_block(label, source))
        if not match.group().endswith(f"-----END {label}-----"):
            raise InputError(
                f"{source} has a '-----BEGIN {label}-----' without its '-----END {label}-----' (is the file cut off?)"
            )
        yield match["body"]


def _wrong_block(label: str, source: str) -> str:
    if label.endswith("PRIVATE KEY"):
        return (
            f"{source} holds a private key where a certificate is wanted (keep key and certificates in separate files)"
        )
    if label in ("PKCS7", "CMS"):
        return f"{source} is PKCS#7, not PEM certificates (convert it: openssl pkcs7 -print_certs)"
    if label == "TRUSTED CERTIFICATE":
        return f"{source} holds OpenSSL's TRUSTED CERTIFICATE form (convert it: openssl x509)"
    what = {
        "CERTIFICATE REQUEST": "a certificate request",
        "NEW CERTIFICATE REQUEST": "a certificate request",
        "PUBLIC KEY": "a public key",
        "X509 CRL": "a revocation list",
    }.get(label, f"'BEGIN {label}'")
    return f"{source} holds {what} where a certificate is wanted (expected '-----BEGIN CERTIFICATE-----')"


def _read_block(body: str, number: int, source: str) -> Certificate:
    try:
        der = base64.b64decode("".join(body.split()), validate=True)
    except (binascii.Error, ValueError):
        raise InputError(f"certificate #{number} in {source} is damaged: its text is not base64") from None
    return _parsed_or_refused(der, f"certificate #{number} in {source}")


def _read_der(data: bytes, source: str) -> Certificate:
    certificate = parse_certificate(data)
    if isinstance(certificate, Malformed):
        raise InputError(
            f"{source} is binary and not one DER certificate (expected PEM; a .p12/.pfx: openssl pkcs12 -nokeys, "
            "a .p7b: openssl pkcs7 -inform der -print_certs)"
        )
    return certificate


def _parsed_or_refused(der: bytes, what: str) -> Certificate:
    certificate = parse_certificate(der)
    if isinstance(certificate, Malformed):
        raise InputError(f"{what} cannot be parsed: {certificate.reason}")
    return certificate


def to_pem(certificate: Certificate) -> str:
    """The certificate as one PEM block, with a newline at its end."""
    return certificate.x509.public_bytes(serialization.Encoding.PEM).decode("ascii")
