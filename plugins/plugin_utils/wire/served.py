# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was met at an endpoint, as plain values that also travel through Ansible."""

from __future__ import annotations

import base64
import binascii
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ansible_collections.fullchain.tls.plugins.module_utils import endpoints as reader
from ansible_collections.fullchain.tls.plugins.module_utils import words
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import printable
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import Endpoint, parse_endpoint

UNREACHABLE, NOT_TLS, HANDSHAKE_FAILED = words.UNREACHABLE, words.NOT_TLS, words.HANDSHAKE_FAILED
FAILURE_KINDS = (UNREACHABLE, NOT_TLS, HANDSHAKE_FAILED)

_PLAIN = ("address", "protocol", "failure_detail", "cipher", "group", "key_type")
_KEYS = ("endpoint", *_PLAIN, "chain", "failure_kind", "stapled", "versions", "connections")
_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)


class Authority(NamedTuple):
    """A CA that a server names when it asks for a client certificate: its name's DER, and as RFC 4514 text."""

    der: bytes
    text: str


@dataclass(frozen=True)
class ClientAuth:
    """What a connection showed of client certificates.

    requested: the server asked for one in the handshake; authorities: the CAs that it named.
    refused: the connection came to nothing after that, other than by silence.
    status: of its answer to an HTTP request, None for none; notice: what that answer says of the certificate; closed: the
        connection was closed instead.
    """

    requested: bool
    authorities: tuple[Authority, ...] = ()
    refused: bool = False
    status: int | None = None
    notice: str | None = None
    closed: bool = False


@dataclass(frozen=True)
class Served:
    """What one endpoint served.

    address: the IP address that answered, or was tried last; None when the name did not resolve.
    protocol: `TLSv1.3`, `TLSv1.2`, ... as OpenSSL names them; None without a handshake.
    cipher, group: of the key exchange and after it, as OpenSSL names them; None where the library can't tell.
    key_type: the one that was asked for, `ecdsa` or `rsa`; None for any.
    versions: of TLS, those that the server takes; None when they were not tried.
    connections: how many have shown this.
    chain: DER of each certificate as served, in served order; kept when the handshake failed after it.
    failure_kind: one of FAILURE_KINDS, or None; failure_detail says what happened, in a sentence's words.
    stapled: the OCSP response that came with the chain, DER; b"" when none came, None when nobody looked for one.
    client_auth: set where the server came to its own certificate, and the endpoint expects something of client certificates or
        the handshake failed after one was asked for.
    anonymous: what was served to a connection that had no client certificate, beside this one that had.
    """

    endpoint: Endpoint
    address: str | None = None
    protocol: str | None = None
    chain: tuple[bytes, ...] = ()
    failure_kind: str | None = None
    failure_detail: str | None = None
    stapled: bytes | None = None
    cipher: str | None = None
    group: str | None = None
    key_type: str | None = None
    versions: tuple[str, ...] | None = None
    connections: int = 1
    client_auth: ClientAuth | None = None
    anonymous: Served | None = None

    def to_dict(self) -> dict[str, Any]:
        """The shape that the module served_chain returns: certificates as PEM, the staple as base64. It has no client certificates."""
        return {
            "endpoint": {**self.endpoint.given, "host": self.endpoint.host, "port": self.endpoint.port},
            "address": self.address,
            "protocol": self.protocol,
            "chain": [der_to_pem(der) for der in self.chain],
            "failure_kind": self.failure_kind,
            "failure_detail": self.failure_detail,
            "stapled": None if self.stapled is None else base64.b64encode(self.stapled).decode("ascii"),
            "cipher": self.cipher,
            "group": self.group,
            "key_type": self.key_type,
            "versions": None if self.versions is None else list(self.versions),
            "connections": self.connections,
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Served:
        """Read back what to_dict gave. Raises InputError saying which part is not as expected."""
        if not isinstance(value, Mapping) or "endpoint" not in value:
            called = reader.named(value) if isinstance(value, Mapping) else "that is no mapping"
            raise InputError(f"served entry {called} cannot be read: expected a result of fullchain.tls.served_chain")
        unknown = sorted(str(key) for key in value if key not in _KEYS)
        if unknown:
            named = ", ".join(map(repr, unknown))
            raise InputError(f"served entry has unknown keys {named} (known: {', '.join(_KEYS)})")
        endpoint = parse_endpoint(value["endpoint"])
        plain: dict[str, Any] = {key: _read_text(value.get(key), key, endpoint) for key in _PLAIN}
        return cls(
            endpoint=endpoint,
            **plain,
            chain=_read_chain(value.get("chain") or (), endpoint),
            failure_kind=_read_kind(value.get("failure_kind"), endpoint),
            stapled=_read_staple(value.get("stapled"), endpoint),
            versions=_read_versions(value.get("versions"), endpoint),
            connections=_read_count(value.get("connections", 1), endpoint),
        )


def read_served(value: Any) -> list[Served]:
    """Read the result of the module served_chain, or the list `served` in it. Raises InputError."""
    entries = value.get("served") if isinstance(value, Mapping) else value
    if isinstance(entries, str) or not isinstance(entries, Sequence):
        raise InputError(
            "served cannot be read: expected the result of fullchain.tls.served_chain, or its list `served`"
        )
    return [Served.from_dict(entry) for entry in entries]


def der_to_pem(der: bytes) -> str:
    """One certificate as a PEM block (RFC 7468), whatever its bytes hold."""
    body = "\n".join(textwrap.wrap(base64.b64encode(der).decode("ascii"), 64))
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"


def _read_text(value: object, key: str, endpoint: Endpoint) -> str | None:
    """A text that a host has told, without what would move a terminal's cursor."""
    if value is not None and not isinstance(value, str):
        raise InputError(f"served entry for {endpoint.label}: {key} is not a text")
    return None if value is None else printable(value)


def _read_staple(text: str | None, endpoint: Endpoint) -> bytes | None:
    try:
        return None if text is None else base64.b64decode(text, validate=True)
    except (ValueError, TypeError):
        raise InputError(f"served entry for {endpoint.label}: stapled is not base64") from None


def _read_versions(items: object, endpoint: Endpoint) -> tuple[str, ...] | None:
    if items is None:
        return None
    if not isinstance(items, (list, tuple)) or not all(isinstance(item, str) for item in items):
        raise InputError(f"served entry for {endpoint.label}: versions is not a list of versions of TLS")
    return tuple(map(printable, items))


def _read_count(value: object, endpoint: Endpoint) -> int:
    if not isinstance(value, int) or value < 1:
        raise InputError(f"served entry for {endpoint.label}: connections {value!r} is not a count")
    return value


def _read_chain(items: object, endpoint: Endpoint) -> tuple[bytes, ...]:
    if isinstance(items, str) or not isinstance(items, Sequence):
        raise InputError(f"served entry for {endpoint.label}: chain is not a list")
    return tuple(_read_block(item, number, endpoint) for number, item in enumerate(items))


def _read_block(text: object, number: int, endpoint: Endpoint) -> bytes:
    """The bytes of one PEM block. They need not be a certificate: that is the judge's to find."""
    found = _BLOCK.fullmatch(str(text).strip())
    try:
        return base64.b64decode("".join(found.group(1).split()), validate=True) if found else _refuse(number, endpoint)
    except binascii.Error:
        return _refuse(number, endpoint)


def _refuse(number: int, endpoint: Endpoint) -> bytes:
    raise InputError(f"served entry for {endpoint.label}: chain[{number}] is not one PEM certificate")


def _read_kind(kind: str | None, endpoint: Endpoint) -> str | None:
    if kind is not None and kind not in FAILURE_KINDS:
        raise InputError(
            f"served entry for {endpoint.label}: failure_kind {kind!r} is not known ({', '.join(FAILURE_KINDS)})"
        )
    return kind
