# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where to look: one TLS endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ansible_collections.fullchain.tls.plugins.module_utils import endpoints as reader
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.names import parse_server_name

Credential = tuple[str, str]
"""A client's certificate with its intermediates, and its private key, as PEM texts."""


@dataclass(frozen=True)
class Endpoint:
    """One place that should speak TLS.

    host: what the user named, a hostname (A-labels, lower case) or an IP address as text without brackets.
    port: 1 to 65535.
    server_name: the name sent as SNI and looked for in the certificate; None means `host`.
    address: the IP address or hostname to connect to instead of `host`; None means `host`.
    expect_fingerprint: SHA-256 of the leaf that has to be served, lower-case hex without colons.
    timeout: seconds for name resolution, connection and handshake together; None takes the run's.
    trust: its trust anchors, as trust.load_trust_store takes them; None takes the run's.
    starttls: the protocol that comes to TLS in the clear, one of module_utils/endpoints.py's STARTTLS_PORTS; None for TLS
        from the first byte.
    sni: whether a server_name is sent.
    expect_certificate: PEM text or a path, whose first certificate has to be served; whoever can read files puts its
        fingerprint in expect_fingerprint instead.
    addresses: `first`, the first of the target's that takes a connection, or `all`, a connection to each.
    repeat: connections to make, 1 to 64. key_types: those to ask for, `ecdsa` and `rsa`, a connection for each.
    versions: whether to try which versions of TLS the server takes, a connection for each; None does as the run does.
    client_auth: what is expected of the server, `required` or `optional` client certificates; None leaves it unjudged.
    client_cert, client_key: what to present, a chain and its key, both or neither, as PEM text or a path. Whoever can read
        files puts their texts here instead of the paths.
    """

    host: str
    port: int = 443
    server_name: str | None = None
    address: str | None = None
    expect_fingerprint: str | None = None
    timeout: float | None = None
    trust: tuple[str, ...] | None = None
    starttls: str | None = None
    sni: bool = True
    expect_certificate: str | None = None
    addresses: str = "first"
    repeat: int = 1
    key_types: tuple[str, ...] = ()
    versions: bool | None = None
    client_auth: str | None = None
    client_cert: str | None = field(default=None, repr=False)
    client_key: str | None = field(default=None, repr=False)

    @property
    def label(self) -> str:
        """`host:port`, an IPv6 address in brackets: what results and reports call this endpoint."""
        return reader.label(self.host, self.port)

    @property
    def given(self) -> dict[str, Any]:
        """The fields that differ from their defaults, without what may hold a key."""
        values = ((item, getattr(self, item.name)) for item in fields(self) if item.repr)
        return {item.name: value for item, value in values if value != item.default}

    @property
    def name(self) -> str:
        """The hostname or IP address that the certificate has to be valid for."""
        return self.server_name or self.host

    @property
    def target(self) -> str:
        """The hostname or IP address that is connected to."""
        return self.address or self.host

    @property
    def credential(self) -> Credential | None:
        """The client certificate to present, and its key."""
        return None if self.client_cert is None or self.client_key is None else (self.client_cert, self.client_key)

    @property
    def sni_name(self) -> str | None:
        """The name for the server_name extension; None for an IP address, which RFC 6066 section 3 forbids there."""
        return self.name if self.sni and not reader.is_ip(self.name) else None


def parse_endpoint(value: str | Mapping[str, Any]) -> Endpoint:
    """Read one endpoint as a user writes it: `host`, `host:port`, `[IPv6]:port`, a bare IPv6 address or a mapping.

    Raises InputError naming the endpoint and what was expected, also for a key that is not known.
    """
    try:
        fields = reader.read_endpoint(value)
    except ValueError as error:
        raise InputError(str(error)) from None
    for key in ("host", "server_name", "address"):
        if key in fields:
            fields[key] = _name(fields[key], value, key)
    return Endpoint(**fields)


def _name(text: str, value: object, key: str) -> str:
    if key == "address" and reader.is_ip(text):
        return text  # with a zone (fe80::1%eth0), too: that is no server name, but can be connected to
    try:
        return parse_server_name(text)
    except InputError as error:
        raise InputError(f"endpoint {reader.named(value)}: {key}: {error}; an endpoint is {reader.FORMS}") from None
