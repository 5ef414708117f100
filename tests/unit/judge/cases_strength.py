# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the family strength: keys and signatures, and how much is sent."""

from __future__ import annotations

from collections.abc import Sequence

from tests.pki import Cert
from tests.unit.judge.cases import OPENSSL, SHOP, Row, leaf

_LEVEL_2 = ("openssl", "curl", "python")  # Debian's OpenSSL; Node.js brings its own, with security level 1
_ALL_BUT_GO = [*OPENSSL, "java", "gnutls"]
_RSA = "rsa2048"


_CALLED = {
    "p192": "P-192", "p224": "P-224", "p384": "P-384", "p521": "P-521", "brainpool256": "brainpoolP256r1", "ed25519": "Ed25519",
    "ed448": "Ed448", "mldsa65": "ML-DSA-65",
}  # fmt: skip


def _called(key: str) -> str:
    return _CALLED.get(key, key.replace("rsa", "RSA "))


def _leaf(key: str, refusing: Sequence[str] | None = None) -> Row:
    return Row(
        f"leaf with {_called(key)}", {"leaf": leaf(key_type=key)}, found=[("weak-key", "error", 0)], refusing=refusing
    )


def _inter(key: str, refusing: Sequence[str]) -> Row:
    certs = {"inter": Cert(issuer="root", key_type=key)}
    return Row(f"intermediate with {_called(key)}", certs, found=[("weak-key", "error", 1)], refusing=refusing)


def _root(key: str, refusing: Sequence[str]) -> Row:
    return Row(
        f"root with {_called(key)}",
        {"root": Cert(key_type=key)},
        found=[("weak-key", "error", None)],
        refusing=refusing,
    )


def _names(number: int) -> dict[str, Cert]:
    return {"leaf": leaf(SHOP, *(f"h{n:05}.example.com" for n in range(number)))}


VALID = (
    *(Row(f"leaf with {_called(key)}", {"leaf": leaf(key_type=key)}) for key in ("rsa3072", "p384", "p521", "ed25519")),
    *(
        Row(f"intermediate with {_called(key)}", {"inter": Cert(issuer="root", key_type=key)})
        for key in ("rsa4096", "p384", "p521", "ed25519")
    ),
    Row("root with Ed25519", {"root": Cert(key_type="ed25519")}),
    Row("leaf signed with SHA-384", {"inter": Cert(issuer="root", key_type=_RSA), "leaf": leaf(digest="sha384")}),
    Row("leaf signed with RSA-PSS", {"inter": Cert(issuer="root", key_type=_RSA), "leaf": leaf(pss=True)}),
    Row("all signed with RSA-PSS", {"root": Cert(key_type=_RSA, pss=True), "inter": Cert(issuer="root", pss=True)}),
    *(
        Row(f"root signed with {digest.upper()}", {"root": Cert(key_type=_RSA, digest=digest)})
        for digest in ("sha1", "md5")
    ),
    Row("a trusted self-signed leaf with SHA-1", {"leaf": leaf(issuer=None, key_type=_RSA, digest="sha1")}, ["leaf"], ["leaf"]),
    Row("fifteen hundred names", _names(1500)),
)  # fmt: skip

FAULTY = (
    _leaf("rsa1024", _LEVEL_2),
    _leaf("rsa1536", _LEVEL_2),
    _leaf("rsa1952", _LEVEL_2),
    Row("leaf with RSA 1984", {"leaf": leaf(key_type="rsa1984")}, found=[("weak-key", "warning", 0)]),
    *(_leaf(key) for key in ("p192", "p224", "secp256k1", "brainpool256")),
    _leaf("ed448", ["go"]),
    _leaf("mldsa65", _ALL_BUT_GO),
    _inter("rsa1024", _LEVEL_2),
    _inter("p192", [*_LEVEL_2, "java", "go"]),
    _inter("p224", ["java"]),
    _inter("secp256k1", ["java", "go", "gnutls"]),
    _inter("brainpool256", ["java", "go", "gnutls"]),
    _inter("ed448", ["go"]),
    _inter("mldsa65", _ALL_BUT_GO),
    _root("rsa1024", _LEVEL_2),
    _root("p192", [*_LEVEL_2, "java", "go"]),
    _root("p224", ["java"]),
    _root("secp256k1", ["java", "go", "gnutls"]),
    _root("ed448", ["go"]),
    _root("mldsa65", _ALL_BUT_GO),
    Row(
        "a trusted self-signed leaf with RSA 1024",
        {"leaf": leaf(issuer=None, key_type="rsa1024")},
        ["leaf"],
        ["leaf"],
        found=[("weak-key", "error", 0)],
        refusing=_LEVEL_2,
    ),
    Row(
        "an extra with a curve that Go does not parse",
        {"stray": Cert(issuer="root", key_type="brainpool256")},
        ["leaf", "inter", "stray"],
        found=[("weak-key", "error", 2), ("unrelated-certificate", "notice", 2)],
        refusing=["go"],
    ),
    Row(
        "an extra with a curve that Go parses",
        {"stray": Cert(issuer="root", key_type="p224")},
        ["leaf", "inter", "stray"],
        found=[("unrelated-certificate", "notice", 2)],
    ),
    Row("leaf signed with SHA-1", {"inter": Cert(issuer="root", key_type=_RSA), "leaf": leaf(digest="sha1")},
        found=[("weak-signature", "error", 0)], refusing=[*OPENSSL, "go", "gnutls"]),
    Row("leaf signed with MD5", {"inter": Cert(issuer="root", key_type=_RSA), "leaf": leaf(digest="md5")},
        found=[("weak-signature", "error", 0)]),
    Row("intermediate signed with SHA-1", {"root": Cert(key_type=_RSA), "inter": Cert(issuer="root", digest="sha1")},
        found=[("weak-signature", "error", 1)], refusing=[*OPENSSL, "go", "gnutls"]),
    Row("intermediate signed with MD5", {"root": Cert(key_type=_RSA), "inter": Cert(issuer="root", digest="md5")},
        found=[("weak-signature", "error", 1)]),
    Row(
        "an intermediate signed with SHA-1 before the good one",
        {"root": Cert(key_type=_RSA), "weak": Cert(issuer="root", like="inter", digest="sha1")},
        ["leaf", "weak", "inter"],
        found=[("shadowed-issuer", "error", 1)],
        refusing=[*OPENSSL, "gnutls"],
    ),
    Row("sixteen hundred names", _names(1600), found=[("chain-too-long", "error", None)], refusing=["java"]),
    Row("six thousand names", _names(6000), found=[("chain-too-long", "error", None)], refusing=[*OPENSSL, "java"]),
    Row("ten thousand names", _names(10000), found=[("chain-too-long", "error", None)], refusing=[*OPENSSL, "java", "gnutls"]),
)  # fmt: skip

# Java holds the roots that it comes with to more (`SHA1 jdkCA & usage TLSServer` in jdk.certpath.disabledAlgorithms), and has none of ours.
BESIDE_THE_CHAIN = (
    Row("leaf signed with SHA-1 below a root of the public web", {"inter": Cert(issuer="root", key_type=_RSA), "leaf": leaf(digest="sha1")},
        public=["root"], found=[("weak-signature", "error", 0)]),
)  # fmt: skip
