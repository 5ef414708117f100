# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private and public keys: PEM in, parsed values out. No message ever quotes a key's text."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, TypeAlias

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.pem import to_text

try:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
except ImportError:  # plugin_utils/libraries.py says what is missing
    pass

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

    PrivateKey: TypeAlias = PrivateKeyTypes
    PublicKey: TypeAlias = PublicKeyTypes

_PRIVATE = re.compile(r"-----BEGIN (?P<label>(?:[A-Z0-9]+ )*PRIVATE KEY)-----.*?-----END (?P=label)-----", re.DOTALL)
_PUBLIC = re.compile(r"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL)


def read_private_key(pem: str | bytes, source: str) -> PrivateKey:
    """Read the one private key of a PEM text; parameters and certificates beside it are borne.

    `source` is what messages call the text. Raises InputError, without any of the text, for: nothing in it, a certificate
    where the key is wanted, an encrypted key, several keys, a damaged key.
    """
    text = to_text(pem, source)
    blocks = list(_PRIVATE.finditer(text))
    if len(blocks) != 1:
        raise InputError(_not_one_key(text, len(blocks), source))
    block = blocks[0].group()
    if blocks[0]["label"] == "ENCRYPTED PRIVATE KEY" or "\nProc-Type: 4,ENCRYPTED" in block.replace("\r\n", "\n"):
        raise InputError(
            f"the private key in {source} is encrypted (a server can't ask for its password; decrypt it: openssl pkey)"
        )
    try:
        return serialization.load_pem_private_key(block.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # `from None`: the parser's own words may hold bytes of the key.
        raise InputError(f"the private key in {source} cannot be parsed (is the file damaged or cut off?)") from None


def _not_one_key(text: str, found: int, source: str) -> str:
    if found > 1:
        return f"{source} holds {found} private keys (expected one)"
    if not text.strip():
        return f"{source} is empty (expected a PEM private key)"
    if "PRIVATE KEY-----" in text:
        return f"the private key in {source} is cut off: its '-----END' line is missing"
    if "-----BEGIN CERTIFICATE-----" in text:
        return f"{source} holds a certificate where a private key is wanted"
    if "-----BEGIN PUBLIC KEY-----" in text:
        return f"{source} holds a public key where a private key is wanted"
    return f"{source} holds no private key (expected PEM text with '-----BEGIN PRIVATE KEY-----')"


def read_public_key(pem: str | bytes, source: str) -> PublicKey:
    """Read a `BEGIN PUBLIC KEY` block, the form in which a host tells of a key that it keeps. Raises InputError."""
    text = to_text(pem, source)
    block = _PUBLIC.search(text)
    if block is None:
        raise InputError(f"{source} holds no public key (expected PEM text with '-----BEGIN PUBLIC KEY-----')")
    try:
        return serialization.load_pem_public_key(block.group().encode())
    except (ValueError, UnsupportedAlgorithm):
        raise InputError(f"the public key in {source} cannot be parsed") from None


def spki_sha256(key: PrivateKey | PublicKey | Certificate) -> str:
    """Lower-case hex SHA-256 of the SubjectPublicKeyInfo: equal for a key, its public half and its certificates."""
    if isinstance(key, Certificate):
        return key.spki_sha256
    public = key.public_key() if hasattr(key, "public_key") else key
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()
