# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""X.509 certificates: bytes in, parsed values out."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from ansible_collections.fullchain.tls.plugins.plugin_utils.lazy import lazy
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.der import Fields, fields_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

try:
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, rsa
    from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID
except ImportError:  # plugin_utils/libraries.py says what is missing
    pass

# Key algorithms without parameters (RFC 8410, RFC 9881), and curves that the library has left behind.
_KEY_KINDS = {
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
    "2.16.840.1.101.3.4.3.17": "ML-DSA-44",
    "2.16.840.1.101.3.4.3.18": "ML-DSA-65",
    "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
    "1.2.840.10045.2.1": "EC",
    "1.2.840.113549.1.1.10": "RSA-PSS",
}

# authorityCertSerialNumber, RFC 5280 4.2.1.1, with the value 0, the issuer's; elsewhere these bytes mean nothing and do no harm
_ISSUER_SERIAL_0 = b"\x82\x01\x00"

_Extension = TypeVar("_Extension", bound="x509.ExtensionType")


class Certificate:
    """A certificate whose fields could all be read. Two are equal when their DER is.

    What few chains are asked about is worked out when it is asked for: a fleet's chains are judged by the thousand.
    """

    def __init__(self, der: bytes, parsed: x509.Certificate, fields: Fields) -> None:
        self.der = der
        self.x509 = parsed
        self._extensions = tuple(parsed.extensions)
        self._values: dict[type, Any] = {type(extension.value): extension.value for extension in self._extensions}
        self.signed_der = fields.signed  # as it came; the library would encode it anew at each mention
        # names are compared by their encoding, RFC 5280 4.1.2.6
        self.issuer_der, self.subject_der = fields.issuer, fields.subject
        self.self_issued = fields.issuer == fields.subject  # RFC 5280 6.1; the key may be another's
        self.not_before: datetime = parsed.not_valid_before_utc  # aware, UTC
        self.not_after: datetime = parsed.not_valid_after_utc  # the second itself is still within the validity
        basic = self.extension(x509.BasicConstraints)
        self.is_ca = basic is not None and basic.ca
        self.path_length = None if basic is None else basic.path_length
        usage = self.extension(x509.KeyUsage)
        self.may_not_sign = usage is not None and not usage.key_cert_sign  # certificates; without the extension it may
        self.constrains_names = x509.NameConstraints in self._values
        own, issuers = self.extension(x509.SubjectKeyIdentifier), self.extension(x509.AuthorityKeyIdentifier)
        self.subject_key_id = None if own is None else own.digest
        self.authority_key_id = None if issuers is None else issuers.key_identifier
        # the issuer's serial number and the directory names (DER) of who issued that one, where it is named by them
        self.authority_serial = None if issuers is None else _authority_serial(issuers)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.der == other.der

    def __hash__(self) -> int:
        return hash(self.der)

    def __repr__(self) -> str:
        return f"<Certificate {self.label!r}>"

    def extension(self, kind: type[_Extension]) -> _Extension | None:
        """The value of that extension, or None."""
        return self._values.get(kind)

    def has(self, oid: str) -> bool:
        """Whether it has the extension of that object identifier, dotted."""
        return any(extension.oid.dotted_string == oid for extension in self._extensions)

    @lazy
    def critical_extensions(self) -> frozenset[str]:
        """Their object identifiers, dotted."""
        return frozenset(e.oid.dotted_string for e in self._extensions if e.critical)

    @lazy
    def version(self) -> int:
        """1 or 3 (2 is not seen): only version 3 has extensions."""
        return 3 if self.x509.version is x509.Version.v3 else 1

    @lazy
    def subject(self) -> str:
        """RFC 4514 text, printable; "" for an empty subject."""
        return printable(self.x509.subject.rfc4514_string())

    @lazy
    def issuer(self) -> str:
        """RFC 4514 text, printable."""
        return printable(self.x509.issuer.rfc4514_string())

    @lazy
    def sha256(self) -> str:
        """Lower-case hex of the DER's digest."""
        return hashlib.sha256(self.der).hexdigest()

    @lazy
    def common_name(self) -> str | None:
        """The last one in the subject, as clients that look at it do."""
        names = self.x509.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(names[-1].value) if names else None

    @lazy
    def alt_names(self) -> tuple[x509.GeneralName, ...]:
        """The subject alternative names, of every kind."""
        return tuple(self.extension(x509.SubjectAlternativeName) or ())

    @lazy
    def dns_names(self) -> tuple[str, ...]:
        """Of the subject alternative name, as written there."""
        return tuple(name.value for name in self.alt_names if isinstance(name, x509.DNSName))

    @lazy
    def ip_addresses(self) -> tuple[IPv4Address | IPv6Address, ...]:
        """Of the subject alternative name; networks belong in name constraints only."""
        found = (name.value for name in self.alt_names if isinstance(name, x509.IPAddress))
        return tuple(address for address in found if isinstance(address, IPv4Address | IPv6Address))

    @lazy
    def malformed_names(self) -> frozenset[str]:
        """What is wrong with the values of its subject alternative names (RFC 5280 4.2.1.6): `network` for an IP address, `uri`."""
        if len(self.alt_names) == len(self.dns_names):
            return frozenset()
        addresses = sum(isinstance(name, x509.IPAddress) for name in self.alt_names)
        uris = (name.value for name in self.alt_names if isinstance(name, x509.UniformResourceIdentifier))
        found = {"network": addresses != len(self.ip_addresses), "uri": any(uri_host(uri) is None for uri in uris)}
        return frozenset(kind for kind, there in found.items() if there)

    @lazy
    def alt_name_kinds(self) -> frozenset[str]:
        """What there is among its subject alternative names: dns, ip, email, uri, other."""
        return frozenset(_KINDS.get(type(name).__name__, "other") for name in self.alt_names)

    @lazy
    def public_key(self) -> CertificatePublicKeyTypes | None:
        """The subject's key; None where the library cannot read one of its kind."""
        try:
            return self.x509.public_key()
        except (UnsupportedAlgorithm, ValueError):
            return None

    @lazy
    def key(self) -> Key:
        """What kind of key it is."""
        key = self.public_key
        if isinstance(key, ec.EllipticCurvePublicKey):
            return _curve(key.curve.name)
        if isinstance(key, rsa.RSAPublicKey):
            return Key("RSA", bits=key.key_size)
        if isinstance(key, dsa.DSAPublicKey):
            return Key("DSA", bits=key.key_size)
        oid = self.x509.public_key_algorithm_oid.dotted_string
        return Key(_KEY_KINDS.get(oid, oid))

    @lazy
    def spki_sha256(self) -> str:
        """Lower-case hex, digest of the SubjectPublicKeyInfo. A key that cannot be read is like no other."""
        if self.public_key is None:
            return hashlib.sha256(b"the key of " + self.der).hexdigest()
        spki = self.public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(spki).hexdigest()

    @lazy
    def signature_digest(self) -> str | None:
        """The digest of its signature: `sha256`, `sha1`, ...; None for algorithms that have it built in, and unknown ones."""
        try:
            algorithm = self.x509.signature_hash_algorithm
        except UnsupportedAlgorithm:
            return None
        return None if algorithm is None else algorithm.name

    @lazy
    def key_usage(self) -> frozenset[str] | None:
        """The bits that are set, by their names in RFC 5280 4.2.1.3; None without the extension."""
        usage = self.extension(x509.KeyUsage)
        return None if usage is None else frozenset(name for attribute, name in _USAGES if getattr(usage, attribute))

    @lazy
    def extended_key_usage(self) -> frozenset[str] | None:
        """Object identifiers, dotted; None without the extension."""
        usages = self.extension(x509.ExtendedKeyUsage)
        return None if usages is None else frozenset(usage.dotted_string for usage in usages)

    @lazy
    def ca_issuers(self) -> tuple[str, ...]:
        """URLs of authority information access at which the issuer's certificate is."""
        return tuple(_ca_issuers(self.extension(x509.AuthorityInformationAccess) or ()))

    @lazy
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


def _authority_serial(issuers: x509.AuthorityKeyIdentifier) -> tuple[int, tuple[bytes, ...]] | None:
    serial = issuers.authority_cert_serial_number
    if serial is None:
        return None
    names = (n.value.public_bytes() for n in issuers.authority_cert_issuer or () if isinstance(n, x509.DirectoryName))
    return serial, tuple(names)


def uri_host(uri: str) -> str | None:
    """The host of a URI, lower case; "" where it has none; None where it is no URI, `http://[`."""
    try:
        return (urlsplit(uri).hostname or "").lower()
    except ValueError:
        return None


_KINDS = {"DNSName": "dns", "IPAddress": "ip", "RFC822Name": "email", "UniformResourceIdentifier": "uri"}

# `encipherOnly` and `decipherOnly` say something of keyAgreement alone, and raise without it.
_USAGES = (
    ("digital_signature", "digitalSignature"),
    ("content_commitment", "nonRepudiation"),
    ("key_encipherment", "keyEncipherment"),
    ("data_encipherment", "dataEncipherment"),
    ("key_agreement", "keyAgreement"),
    ("key_cert_sign", "keyCertSign"),
    ("crl_sign", "cRLSign"),
)


@dataclass(frozen=True)
class Key:
    """A public key, described: `RSA 2048`, `EC secp256r1`, `Ed25519`, `ML-DSA-65`."""

    kind: str  # RSA, EC, DSA, Ed25519, ...; the dotted object identifier of a kind that is not known here
    bits: int = 0  # of RSA's and DSA's modulus
    curve: str = ""  # of EC: secp256r1, secp384r1, ...

    def __str__(self) -> str:
        return " ".join(str(part) for part in (self.kind, self.curve or self.bits) if part)


@lru_cache(maxsize=64)
def _curve(name: str) -> Key:
    return Key("EC", curve=name)


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
        return _parse(der)
    # The parser reports a fault with many exceptions (ValueError, UnsupportedAlgorithm, UnsupportedVersion, ...), some
    # of its own kind, and whoever serves the bytes chooses which.
    except Exception as error:  # pylint: disable=broad-except
        reason = " ".join(str(error).split()) or type(error).__name__
        return Malformed(der=der, reason=reason, sha256=hashlib.sha256(der).hexdigest())


def _parse(der: bytes) -> Certificate:
    try:
        fields = fields_of(der)
    except IndexError:
        x509.load_der_x509_certificate(der)  # says what is wrong
        raise
    if int.from_bytes(fields.serial, "big", signed=True) > 0 and _ISSUER_SERIAL_0 not in der:
        return _read(der, fields)
    # Roots in distributions' bundles have a serial number of 0, and whoever reads them can't change that. A filter set once
    # does not last: Ansible sets filters of its own.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Parsed a serial number which wasn't positive")
        return _read(der, fields)


def _read(der: bytes, fields: Fields) -> Certificate:
    parsed = x509.load_der_x509_certificate(der)
    _decode_names(parsed, fields)
    return Certificate(der, parsed, fields)


_MOST_NAMES = 8192
_decoded_names: set[bytes] = set()


def _decode_names(parsed: x509.Certificate, fields: Fields) -> None:
    """The library decodes names late, and one that can't be is as good as no certificate. Names that were seen are not looked at again."""
    for name, attribute in ((fields.subject, "subject"), (fields.issuer, "issuer")):
        if name not in _decoded_names:
            getattr(parsed, attribute)
            if len(_decoded_names) >= _MOST_NAMES:
                _decoded_names.clear()
            _decoded_names.add(name)


def printable(text: str) -> str:
    """The text without control characters: whoever made a certificate chose its names, and they end up on a terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _ca_issuers(descriptions: Iterable[x509.AccessDescription]) -> Iterator[str]:
    for description in descriptions:
        location = description.access_location
        if description.access_method == AuthorityInformationAccessOID.CA_ISSUERS and isinstance(
            location, x509.UniformResourceIdentifier
        ):
            yield location.value


def signed_by(certificate: Certificate, issuer: Certificate) -> bool:
    """Whether the issuer's key made the certificate's signature. Names, dates and usages are not looked at."""
    return _signed_by(certificate, issuer)


@lru_cache(maxsize=8192)  # a fleet's chains share their intermediates
def _signed_by(certificate: Certificate, issuer: Certificate) -> bool:
    parsed = certificate.x509
    key: Any = issuer.public_key
    try:
        key.verify(parsed.signature, certificate.signed_der, *_how_signed(parsed, issuer.key.kind))
    # InvalidSignature, UnsupportedAlgorithm, TypeError (key of another kind), AttributeError (one that signs nothing), ...
    except Exception:  # pylint: disable=broad-except
        return False
    return True


def _how_signed(parsed: x509.Certificate, kind: str) -> tuple[Any, ...]:
    """What `verify` of a key of that kind wants to know beside signature and data."""
    digest = parsed.signature_hash_algorithm
    if kind == "EC" and digest is not None:
        return (ec.ECDSA(digest),)
    if kind != "RSA":
        return ()
    # The library has no use for MD5 any more, and names no padding. It is judged, not taken for a damaged signature.
    return parsed.signature_algorithm_parameters or padding.PKCS1v15(), digest
