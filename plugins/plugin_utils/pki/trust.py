# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trust stores: the certificates that a client believes without being shown an issuer."""

from __future__ import annotations

import base64
import hashlib
import re
import ssl
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.keystores import is_keystore, read_truststore
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.pem import read_certificates

try:
    import certifi
except ImportError:  # only the word `mozilla` needs it
    pass

# Where distributions keep the bundle, for a Python whose OpenSSL was built with other paths.
_SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # macOS, BSD
)
SYSTEM = "system"
_WORDS = (SYSTEM, "mozilla")
_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)


class TrustStore:
    """Trust anchors, found by subject and by key. Immutable.

    A certificate that is not self-signed is kept, but is no root: see `intermediates`.
    """

    def __init__(self, certificates: Iterable[Certificate], public: frozenset[str] = frozenset()) -> None:
        """public: sha256 of roots that the public web trusts, of which those in the store are held to its rules."""
        self.certificates = tuple(dict.fromkeys(certificates))
        self.public = (
            frozenset(c for c in self.certificates if c.sha256 in public) if public else frozenset[Certificate]()
        )
        self._held = frozenset(self.certificates)
        self._roots = _by_subject(c for c in self.certificates if _is_root(c))
        self._others = _by_subject(c for c in self.certificates if not _is_root(c))

    def __contains__(self, certificate: object) -> bool:
        return certificate in self._held

    def __len__(self) -> int:
        return len(self.certificates)

    def roots(self, subject: bytes) -> tuple[Certificate, ...]:
        """The self-issued anchors of that subject (its DER)."""
        return self._roots.get(subject, ())

    def intermediates(self, subject: bytes) -> tuple[Certificate, ...]:
        """Certificates of that subject that are in the store without being roots."""
        return self._others.get(subject, ())

    def has_root_key(self, certificate: Certificate) -> bool:
        """Whether a root of the store has the certificate's subject and key: then it is that root, cross-signed."""
        return any(c.spki_sha256 == certificate.spki_sha256 for c in self.roots(certificate.subject_der))


def _is_root(certificate: Certificate) -> bool:
    """As OpenSSL tells roots: self-issued, and not by another key. An anchor's own signature proves nothing."""
    return certificate.self_issued and certificate.authority_key_id in (None, certificate.subject_key_id)


def _by_subject(certificates: Iterable[Certificate]) -> dict[bytes, tuple[Certificate, ...]]:
    index: dict[bytes, tuple[Certificate, ...]] = {}
    for certificate in certificates:
        index[certificate.subject_der] = (*index.get(certificate.subject_der, ()), certificate)
    return index


def load_trust_store(items: Sequence[str], password: str | None = None) -> TrustStore:
    """The union of the items: a path to a PEM file or to a directory of them, PEM text, `system` or `mozilla`.

    A file may also be a Java keystore or PKCS#12; `password` opens those (None: see keystores.read_truststore).
    Raises InputError for an unknown word, a path that cannot be read, and an item with no certificate in it. Files are
    read once for as long as their size and time of change stay the same.
    """
    if not items:
        raise InputError(f"trust is empty (expected PEM paths, PEM text or the words {', '.join(_WORDS)})")
    return _store(tuple(_load(item, password) for item in items))


def located(items: Sequence[str], find: Callable[[str], str | None]) -> tuple[str, ...]:
    """The items, with each relative path found as the caller finds files; words and PEM text stay as they are.

    find: a path to where it is, or None. What is not found stays as it is too: load_trust_store says what is wrong with it.
    """
    return tuple(item if "-----BEGIN " in item or item in _WORDS else find(item) or item for item in items)


@lru_cache(maxsize=64)
def _store(parts: tuple[tuple[Certificate, ...], ...]) -> TrustStore:
    return TrustStore((certificate for part in parts for certificate in part), _public_roots())


def _public_roots() -> frozenset[str]:
    """What Mozilla trusts, by sha256, told by certifi; nothing where that isn't installed."""
    try:
        bundle = Path(certifi.where())
    except NameError:
        return frozenset()
    return _digests(_Version.of(bundle))


@lru_cache(maxsize=4)
def _digests(version: _Version) -> frozenset[str]:
    """Of the certificates in a PEM file, unparsed: a thousandth of a second for all of them."""
    blocks = _BLOCK.findall(Path(version.path).read_bytes())
    return frozenset(hashlib.sha256(base64.b64decode(block)).hexdigest() for block in blocks)


def _load(item: str, password: str | None) -> tuple[Certificate, ...]:
    if "-----BEGIN " in item:
        return read_certificates(item, "the PEM text in trust")
    if item in _WORDS:
        return _read_path(_system_bundle() if item == SYSTEM else _mozilla_bundle())
    path = Path(item).expanduser()
    if "/" not in item and not path.exists():
        raise InputError(f"trust: '{item}' is neither a file nor one of the words {', '.join(_WORDS)}")
    return _read_path(path, password)


def _system_bundle() -> Path:
    """The bundle that OpenSSL would use (SSL_CERT_FILE is honoured), else where distributions keep it."""
    defaults = ssl.get_default_verify_paths()
    for candidate in (defaults.cafile, *_SYSTEM_BUNDLES, defaults.capath):
        if candidate and Path(candidate).exists():
            return Path(candidate)
    raise InputError("trust: the system has no bundle of trusted certificates (install the package ca-certificates)")


def _mozilla_bundle() -> Path:
    try:
        return Path(certifi.where())
    except NameError:
        raise InputError("trust: 'mozilla' needs the Python package certifi on the controller") from None


def _read_path(path: Path, password: str | None = None) -> tuple[Certificate, ...]:
    try:
        files = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
        found = [
            certificate for file in files for certificate in _read_file(_Version.of(file), path.is_dir(), password)
        ]
    except OSError as error:
        raise InputError(f"trust: {str(path)!r} cannot be read: {error.strerror}") from None
    if not found:
        raise InputError(f"trust: {str(path)!r} has no certificate in it")
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True)
class _Version:
    """A file as it is now: the cache notices when it changes."""

    path: str
    modified: int  # nanoseconds
    size: int

    @classmethod
    def of(cls, file: Path) -> _Version:
        stat = file.stat()
        return cls(str(file), stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=1024)
def _read_file(version: _Version, within_directory: bool, password: str | None) -> tuple[Certificate, ...]:
    data = Path(version.path).read_bytes()
    if within_directory and b"-----BEGIN CERTIFICATE-----" not in data:
        return ()  # a README or a revocation list in a hashed directory
    if is_keystore(data):
        return read_truststore(data, f"trust: {version.path!r}", password)
    return read_certificates(data, f"trust: {version.path!r}")
