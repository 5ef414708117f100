# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates for tests: declared, minted at run time, nothing committed.

    pki = mint(
        root=Cert(),
        inter=Cert(issuer="root"),
        leaf=Cert(issuer="inter", names=["shop.example.com"], ends="-1d"),
    )
    pki.pem("leaf", "inter"), pki.key_pem("leaf"), pki.trust("root")

Every default is valid, so that a test states its one fault. Keys are ECDSA P-256 and new in each PKI; RSA keys cost
time and are shared within the process by their name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import (
    Certificate,
    Malformed,
    parse_certificate,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.der import element_at
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.trust import TrustStore
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, padding, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

_CURVES = {
    "ecdsa": ec.SECP256R1,
    "p192": ec.SECP192R1,
    "p224": ec.SECP224R1,
    "p384": ec.SECP384R1,
    "p521": ec.SECP521R1,
    "secp256k1": ec.SECP256K1,
    "brainpool256": ec.BrainpoolP256R1,
}
_OTHER_KEYS: dict[str, Any] = {
    "ed25519": ed25519.Ed25519PrivateKey,
    "ed448": ed448.Ed448PrivateKey,
    "mldsa65": mldsa.MLDSA65PrivateKey,
}
_BROKEN_DIGESTS: dict[str, tuple[bytes, hashes.HashAlgorithm]] = {
    "sha1": (b"\x05", hashes.SHA1()),
    "md5": (b"\x04", hashes.MD5()),
}
_UNITS = {"s": "seconds", "h": "hours", "d": "days"}


@dataclass(frozen=True)
class Cert:
    """A certificate to be. Times are relative to the PKI's `now`: `-1d`, `90d`, `12h`."""

    issuer: str | None = None  # declared name of the issuer; None: self-signed
    names: Sequence[str] = ()  # subject alternative names, hostnames and IP addresses
    ca: bool | None = None  # None: a certificate without names is a CA
    starts: str = "-30d"
    ends: str | None = None  # None: 60d for a leaf, 3650d for a CA
    cn: str | None = None  # common name; None: the declared name; "": an empty subject
    like: str | None = None  # subject and key of that declared certificate: a cross-sign or a renewal
    key: str | None = None  # key of that declared certificate
    signed_by: str | None = None  # the key that signs, where it is not the issuer's: a wrong signature
    key_type: str = "ecdsa"  # P-256; or p224, p384, secp256k1, ...; rsa2048, rsa1024, ...; ed25519, ed448, mldsa65
    digest: str = "sha256"  # or sha384, sha1, md5, of the issuer's signature; sha1 and md5 for an issuer with RSA
    pss: bool = False  # RSASSA-PSS signature of an issuer with RSA
    key_ids: bool = True  # subject and authority key identifiers
    path_length: int | None = None
    ca_issuers: Sequence[str] = ()  # URLs in authority information access
    usages: Sequence[x509.ObjectIdentifier] | None = (
        None  # extended key usages; None: serverAuth for a leaf, () for none
    )
    extensions: Sequence[
        tuple[x509.ExtensionType, bool]
    ] = ()  # (value, critical) to add, or to replace one of its kind
    without: Sequence[type[x509.ExtensionType]] = ()  # extensions to leave out
    serial: int | None = None  # None: random
    version_1: bool = False  # X.509 version 1, which has no extensions; for an issuer with ECDSA

    @property
    def is_ca(self) -> bool:
        return not self.names if self.ca is None else self.ca


class Pki:
    """Minted certificates by their declared names."""

    def __init__(self, now: datetime, certificates: Mapping[str, x509.Certificate], keys: Mapping[str, Any]) -> None:
        self.now = now
        self._certificates = certificates
        self._keys = keys

    def __getitem__(self, name: str) -> Certificate:
        certificate = parse_certificate(self.der(name))
        if isinstance(certificate, Malformed):
            raise ValueError(f"{name}: {certificate.reason}")
        return certificate

    def der(self, name: str) -> bytes:
        return self._certificates[name].public_bytes(serialization.Encoding.DER)

    def chain(self, *names: str) -> tuple[Certificate, ...]:
        return tuple(self[name] for name in names)

    def trust(self, *names: str) -> TrustStore:
        return TrustStore(self.chain(*names))

    def pem(self, *names: str) -> str:
        blocks = (self._certificates[name].public_bytes(serialization.Encoding.PEM) for name in names)
        return b"".join(blocks).decode()

    def key(self, name: str) -> Any:
        return self._keys[name]

    def key_pem(self, name: str) -> str:
        form = serialization.PrivateFormat.PKCS8
        return self._keys[name].private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def mint(now: datetime | None = None, **declared: Cert) -> Pki:
    """Make the declared certificates. `now` is what their times are relative to, the present when left out."""
    now = (now or datetime.now(timezone.utc)).replace(microsecond=0)
    declared = {name: _resolved(cert, declared) for name, cert in declared.items()}
    keys: dict[str, Any] = {}
    for name, cert in declared.items():
        owner = cert.key or name
        if owner not in keys:
            keys[owner] = _new_key(declared[owner].key_type if owner in declared else cert.key_type, owner)
        keys[name] = keys[owner]
    return Pki(now, {name: _mint(name, cert, declared, keys, now) for name, cert in declared.items()}, keys)


def _resolved(cert: Cert, declared: Mapping[str, Cert]) -> Cert:
    """`like` is subject and key of another."""
    if cert.like is None:
        return cert
    original = declared[cert.like]
    cn = cert.like if original.cn is None else original.cn
    return replace(cert, cn=cn if cert.cn is None else cert.cn, key=cert.key or original.key or cert.like)


def _new_key(key_type: str, owner: str) -> Any:
    if key_type.startswith("rsa"):
        return _rsa_key(int(key_type.removeprefix("rsa")), owner)
    if key_type in _OTHER_KEYS:
        return _OTHER_KEYS[key_type].generate()
    return ec.generate_private_key(_CURVES[key_type]())


@cache
def _rsa_key(bits: int, owner: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def _mint(
    name: str, cert: Cert, declared: Mapping[str, Cert], keys: Mapping[str, Any], now: datetime
) -> x509.Certificate:
    issuer_name = cert.issuer or name
    subject, issuer = _subject(name, cert), _subject(issuer_name, declared[issuer_name])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(keys[name].public_key())
        .serial_number(x509.random_serial_number() if cert.serial is None else cert.serial)
        .not_valid_before(now + _delta(cert.starts))
        .not_valid_after(now + _delta(cert.ends or ("3650d" if cert.is_ca else "60d")))
    )
    for value, critical in _extensions(cert, subject, keys[name].public_key(), keys[issuer_name].public_key()):
        builder = builder.add_extension(value, critical)
    return _signed(builder, keys[cert.signed_by or issuer_name], cert)


def _signed(builder: x509.CertificateBuilder, key: Any, cert: Cert) -> x509.Certificate:
    if cert.digest in _BROKEN_DIGESTS:
        return _signed_with_broken_digest(builder.sign(key, hashes.SHA256()), key, cert.digest)
    digest = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384()}[cert.digest]
    takes_digest = isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    pss = padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH) if cert.pss else None
    signed = builder.sign(key, digest if takes_digest else None, rsa_padding=pss)
    return _as_version_1(signed, key) if cert.version_1 else signed


def _signed_with_broken_digest(certificate: x509.Certificate, key: rsa.RSAPrivateKey, digest: str) -> x509.Certificate:
    """The library mints none. The identifiers of RSA with SHA-256, SHA-1 and MD5 differ in their last octet only."""
    last, algorithm = _BROKEN_DIGESTS[digest]
    identifier = bytes.fromhex("2a864886f70d0101")
    tbs = certificate.tbs_certificate_bytes.replace(identifier + b"\x0b", identifier + last)
    signature = key.sign(tbs, padding.PKCS1v15(), algorithm)
    der = certificate.public_bytes(serialization.Encoding.DER)
    der = der.replace(identifier + b"\x0b", identifier + last).replace(certificate.signature, signature)
    return x509.load_der_x509_certificate(der)


def _as_version_1(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """The library mints none: the version, which comes first, and the extensions, which come last, are taken out (RFC 5280 4.1)."""
    _tbs, algorithm, _signature = _parts(certificate.public_bytes(serialization.Encoding.DER))
    tbs = _element(0x30, *_parts(certificate.tbs_certificate_bytes)[1:-1])
    signature = b"\0" + key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    return x509.load_der_x509_certificate(_element(0x30, tbs, algorithm, _element(0x03, signature)))


def _parts(der: bytes) -> list[bytes]:
    """The elements inside a SEQUENCE, each whole."""
    at, end = element_at(der, 0)
    parts = []
    while at < end:
        after = element_at(der, at)[1]
        parts.append(der[at:after])
        at = after
    return parts


def _element(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    length = len(content).to_bytes(2, "big")
    return (
        bytes([tag, 0x82]) + length + content
        if len(content) > 255
        else bytes([tag, *([0x81] * (len(content) > 127)), len(content)]) + content
    )


def _subject(name: str, cert: Cert) -> x509.Name:
    cn = name if cert.cn is None else cert.cn
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn)] if cn else [])


def _extensions(cert: Cert, subject: x509.Name, key: Any, issuer_key: Any) -> list[tuple[x509.ExtensionType, bool]]:
    found: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=cert.is_ca, path_length=cert.path_length if cert.is_ca else None), True),
        (_key_usage(cert.is_ca), True),
    ]
    usages = ([] if cert.is_ca else [ExtendedKeyUsageOID.SERVER_AUTH]) if cert.usages is None else cert.usages
    if usages:
        found.append((x509.ExtendedKeyUsage(usages), False))
    if cert.names:
        # RFC 5280 4.1.2.6: critical where the subject is empty
        found.append((x509.SubjectAlternativeName([_general_name(n) for n in cert.names]), not list(subject)))
    if cert.key_ids:
        found.append((x509.SubjectKeyIdentifier.from_public_key(key), False))
        found.append((x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), False))
    if cert.ca_issuers:
        found.append((_authority_information_access(cert.ca_issuers), False))
    replaced = {value.oid for value, _critical in cert.extensions}
    left_out = {kind.oid for kind in cert.without}
    return [*(entry for entry in found if entry[0].oid not in replaced | left_out), *cert.extensions]


def _key_usage(ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, key_cert_sign=ca, crl_sign=ca, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _authority_information_access(urls: Sequence[str]) -> x509.AuthorityInformationAccess:
    return x509.AuthorityInformationAccess(
        [
            x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(url))
            for url in urls
        ]
    )


def _delta(text: str) -> timedelta:
    match = re.fullmatch(r"([+-]?\d+)([shd])", text)
    if match is None:
        raise ValueError(f"{text!r} is not a time like -1d, 12h or 90d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def write_pem(path: Path, text: str, mode: int = 0o600) -> Path:
    """Write PEM text to a file that others can't read, and give the path back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode)
    path.write_text(text)
    return path
