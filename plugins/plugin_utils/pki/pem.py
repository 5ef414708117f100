# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates in files: PEM, or one in DER (RFC 7468, RFC 5280 4.2.2.1)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import (
    Certificate,
    Malformed,
    parse_certificate,
)

try:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.serialization import pkcs7
except ImportError:  # plugin_utils/libraries.py says what is missing
    pass

_BLOCK = re.compile(
    r"-----BEGIN (?P<label>[A-Z0-9 ]+)-----(?P<body>.*?)(?:-----END (?P=label)-----|(?=-----BEGIN )|\Z)", re.DOTALL
)
_CERTIFICATE_LABELS = ("CERTIFICATE", "X509 CERTIFICATE")
_SKIPPED_LABELS = ("DH PARAMETERS", "EC PARAMETERS")  # servers skip them in a certificate file, too


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


def read_issuers(data: bytes, source: str) -> tuple[Certificate, ...]:
    """What a caIssuers address gives: one certificate in DER, or a PKCS#7 of certificates (RFC 5280 4.2.2.1); PEM is met, too.

    Raises InputError, beginning with `source`, for anything else.
    """
    if data[:1] != b"\x30":
        return read_certificates(data, source)
    certificate = parse_certificate(data)
    if isinstance(certificate, Certificate):
        return (certificate,)
    try:
        found = pkcs7.load_der_pkcs7_certificates(data)
    except (ValueError, UnsupportedAlgorithm):
        raise InputError(f"{source} is neither a certificate nor a PKCS#7 of certificates") from None
    parsed = [parse_certificate(one.public_bytes(serialization.Encoding.DER)) for one in found]
    return tuple(one for one in parsed if isinstance(one, Certificate))


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
