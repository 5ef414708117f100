# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host holds of a lineage, read from the PEM that it sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.keys import read_public_key, spki_sha256
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.pem import read_certificates

try:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
except ImportError:  # plugin_utils/libraries.py says what is missing
    pass


@dataclass(frozen=True)
class Lineage:
    """A lineage that certbot can go on with.

    sha256: the certificate's fingerprint; names: those of the certificate, DNS names in lower case and IP addresses as text; key_type: rsa, ecdsa or another's
    name; key_size: bits; key_fits: whether the private key is the certificate's; top_issuer: the common name of the
    issuer of the last certificate in fullchain.pem. The rest is what certbot's renewal configuration says, None
    where it says nothing: server, the ACME directory it came from; asked_chain, the chain asked for; keeps_key.
    """

    name: str
    sha256: str
    names: frozenset[str]
    key_type: str
    key_size: int
    key_fits: bool
    not_before: datetime
    not_after: datetime
    top_issuer: str | None
    server: str | None = None
    asked_chain: str | None = None
    keeps_key: bool = False

    @property
    def key_label(self) -> str:
        """The key as people name it: `RSA 2048`, `ECDSA P-256`."""
        return key_label(self.key_type, self.key_size)


def key_label(key_type: str, key_size: int | None) -> str:
    """`RSA 2048`, `ECDSA P-256`, or without the size when that is None."""
    if key_size is None:
        return key_type.upper()
    return f"{key_type.upper()} {'P-' if key_type == 'ecdsa' else ''}{key_size}"


def read_lineage(state: Mapping[str, Any]) -> Lineage | None:
    """The lineage of what the host sent (module_utils/certbot.py: read_lineage), None when there is none yet.

    Raises InputError for one that is broken, saying what is there and how to put it right: certbot would
    refuse it too, some of its versions only after the CA has issued.
    """
    if not state["paths"]:
        return None
    renewal = state["renewal"]
    if state["errors"] or renewal is None or not state["fullchain"] or not state["public_key"]:
        raise InputError(_broken(state))
    try:
        chain = read_certificates(state["fullchain"], "fullchain.pem")
        key = spki_sha256(read_public_key(state["public_key"], "the public half of privkey.pem"))
    except InputError as error:
        raise InputError(f"the lineage is broken: {error}. {_way_out(state['name'])}") from None
    return _lineage(state["name"], chain, key, renewal)


def _lineage(name: str, chain: tuple[Certificate, ...], key: str, renewal: Mapping[str, str]) -> Lineage:
    leaf = chain[0]
    key_type, key_size = _key(leaf)
    return Lineage(
        name=name,
        sha256=leaf.sha256,
        names=frozenset([*(name.lower() for name in leaf.dns_names), *map(str, leaf.ip_addresses)]),
        key_type=key_type,
        key_size=key_size,
        key_fits=key == leaf.spki_sha256,
        not_before=leaf.not_before,
        not_after=leaf.not_after,
        top_issuer=_issuer_name(chain[-1]),
        server=renewal.get("server"),
        asked_chain=renewal.get("preferred_chain"),
        keeps_key=renewal.get("reuse_key", "").lower() == "true",
    )


def _key(leaf: Certificate) -> tuple[str, int]:
    public = leaf.x509.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        return "rsa", public.key_size
    if isinstance(public, ec.EllipticCurvePublicKey):
        return "ecdsa", public.key_size
    return type(public).__name__.removesuffix("PublicKey").strip("_").lower(), 0


def _issuer_name(certificate: Certificate) -> str | None:
    names = certificate.x509.issuer.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else None


def _broken(state: Mapping[str, Any]) -> str:
    found = ", ".join(state["paths"])
    why = "; ".join(state["errors"]) or f"of live, archive and renewal configuration only this is there: {found}"
    return f"the lineage is broken: {why}. {_way_out(state['name'])}"


def _way_out(name: str) -> str:
    return (
        f"certbot can't go on with it. Restore it from a backup, or remove what is left of it "
        f"(`certbot delete --cert-name {name}`, or live/{name}, archive/{name} and renewal/{name}.conf) and run again"
    )
