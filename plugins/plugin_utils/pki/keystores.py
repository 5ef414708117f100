# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Java keystores (JKS, JCEKS) and PKCS#12 files: bytes in, certificates out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import (
    Certificate,
    Malformed,
    parse_certificate,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.der import element_at

try:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.serialization import pkcs12
except ImportError:  # plugin_utils/libraries.py says what is missing
    pass

try:
    import jks
except ImportError:  # only files of that form need it
    if TYPE_CHECKING:
        raise

_JKS_MAGIC = (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce")  # JKS, JCEKS
_PFX_VERSION = b"\x02\x01\x03"  # RFC 7292 4: what a PFX begins with, where a certificate has another SEQUENCE
_USUAL_PASSWORDS = ("changeit", "", None)  # of truststores: they hold no secret, and Java's tools want one all the same


def is_keystore(data: bytes) -> bool:
    """Whether the bytes are a keystore of one of these forms."""
    return data[:4] in _JKS_MAGIC or _is_pkcs12(data)


def _is_pkcs12(data: bytes) -> bool:
    start = element_at(data, 0)[0] if data[:1] == b"\x30" and len(data) > 1 else len(data)
    return data[start : start + 3] == _PFX_VERSION


def read_truststore(data: bytes, source: str, password: str | None = None) -> tuple[Certificate, ...]:
    """The certificates that a truststore lets its users believe; keys in it and their own certificates are left alone.

    password: of the file; None tries those that truststores usually have. `source` is what messages call the file.
    Raises InputError, never with the password, for: a wrong password, a damaged file, a certificate that cannot be parsed,
    and a Java keystore where the package purejks is not installed.
    """
    found = _of_pkcs12(data, source, password) if _is_pkcs12(data) else _of_jks(data, source, password)
    certificates = []
    for alias, der in found:
        certificate = parse_certificate(der)
        if isinstance(certificate, Malformed):
            raise InputError(f"{source}: the certificate {alias!r} cannot be parsed: {certificate.reason}")
        certificates.append(certificate)
    return tuple(certificates)


def _of_jks(data: bytes, source: str, password: str | None) -> Iterator[tuple[str, bytes]]:
    """Without a password, nothing is decrypted and the file's own digest is not looked at: entries of a truststore are in the clear."""
    try:
        store: Any = jks.KeyStore.loads(data, password, try_decrypt_keys=False)
    except NameError:
        raise InputError(
            f"{source} is a Java keystore: the Python package purejks on the controller reads it"
        ) from None
    except jks.KeystoreSignatureException:
        raise InputError(f"{source}: the password is wrong, or the file is damaged") from None
    # Whatever else bytes can lead to in there: struct.error, UnicodeDecodeError, its own exceptions, ...
    except Exception as error:  # pylint: disable=broad-except
        raise InputError(f"{source} is a damaged Java keystore ({type(error).__name__})") from None
    return ((alias, entry.cert) for alias, entry in store.certs.items())


def _of_pkcs12(data: bytes, source: str, password: str | None) -> Iterator[tuple[str, bytes]]:
    for candidate in _USUAL_PASSWORDS if password is None else (password,):
        try:
            store = pkcs12.load_pkcs12(data, None if candidate is None else candidate.encode())
        except ValueError:  # a wrong password and a damaged file are told apart by words alone
            continue
        if store.key is not None:
            return iter(())  # what comes along is the key's own chain: what the owner shows, not what he believes
        der = serialization.Encoding.DER
        return (
            (
                entry.friendly_name.decode("utf-8", "replace") if entry.friendly_name else f"#{number}",
                entry.certificate.public_bytes(der),
            )
            for number, entry in enumerate(store.additional_certs, 1)
        )
    tried = "its usual ones do not open it" if password is None else "it is wrong, or the file is damaged"
    raise InputError(f"{source} is a PKCS#12 file that wants its password (trust_password): {tried}")
