# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host tells about certificates that it obtained itself: the chain, and the public half of the key."""

import hashlib
import os
from subprocess import DEVNULL, PIPE, Popen
from typing import Any, Dict, Optional, Sequence


class LineageError(ValueError):
    """A lineage that can't be used; the message says which file, and why."""


def read_lineage(fullchain: str, privkey: str, chain: Optional[str] = None) -> Dict[str, Any]:
    """Read one lineage; the private key stays where it is. With a chain, fullchain is the leaf's file.

    Returns {fullchain, sha256, public_key} (PEM texts, SHA-256 of the file), or {missing: path}
    where a file is not there, or {error: sentence} where it cannot be used.
    """
    for path in [fullchain, *([chain] if chain else []), privkey]:
        if not os.path.exists(path):
            return {"missing": path}
    try:
        data = read_parts(fullchain, chain)
        return {
            "fullchain": data.decode("ascii", "replace"),
            "sha256": hashlib.sha256(data).hexdigest(),
            "public_key": public_half(privkey),
        }
    except (OSError, LineageError) as error:
        return {"error": str(error)}


def read_parts(fullchain: str, chain: Optional[str]) -> bytes:
    """The bytes of the file of certificates, or of the two. LineageError: Apache takes no empty SSLCertificateChainFile."""
    parts = []
    for path in [fullchain, chain] if chain else [fullchain]:
        with open(path, "rb") as stream:
            parts.append(stream.read())
    if chain and b"-----BEGIN" not in parts[1]:
        raise LineageError(
            "%s holds no certificate, and a server that takes it as a file of its own refuses it empty" % chain
        )
    return b"".join(parts)


def public_half(privkey: str) -> str:
    """The public key in PEM that belongs to a private key's file. LineageError: openssl can't read it, and why.

    An encrypted key is refused: the empty pass phrase keeps openssl from asking for one.
    """
    return _openssl(["pkey", "-in", privkey, "-pubout", "-passin", "pass:"], privkey, "private key")


def unloadable(fullchain: str, privkey: str) -> Optional[str]:
    """Why no server can load this pair, None where one could: what is there is not judged here."""
    try:
        _openssl(["crl2pkcs7", "-nocrl", "-certfile", fullchain], fullchain, "list of certificates")
        leaf = _openssl(["x509", "-in", fullchain, "-noout", "-pubkey"], fullchain, "certificate")
        return None if leaf == public_half(privkey) else "%s is not the key of %s" % (privkey, fullchain)
    except LineageError as error:
        return str(error)


def _openssl(arguments: Sequence[str], path: str, kind: str) -> str:
    """What openssl prints. LineageError says what the file is not, in openssl's words."""
    try:
        process = Popen(["openssl", *arguments], stdin=DEVNULL, stdout=PIPE, stderr=PIPE)
    except FileNotFoundError:
        raise LineageError("openssl is not installed on this host; it is needed to read %s" % path) from None
    output, errors = process.communicate()
    if process.returncode != 0:
        lines = errors.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
        raise LineageError("%s is no %s that openssl can read: %s" % (path, kind, lines[0]))
    return output.decode("ascii", "replace")
