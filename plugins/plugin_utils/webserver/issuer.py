# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CA that a server obtains certificates from by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.obtain.wanted import read_server
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.names import as_address
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.pem import read_certificates
from ansible_collections.fullchain.tls.plugins.plugin_utils.sites import Site
from ansible_collections.fullchain.tls.plugins.plugin_utils.webserver import model

ACME_CA = "acme-server-ca.pem"
"""The file in a generation that holds what the ACME server's own HTTPS is verified with."""

# An address that neither ends an argument nor opens a placeholder, a variable or a block, in a Caddyfile and in Apache.
EMAIL = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+")


@dataclass(frozen=True)
class Issuer:
    """url: the ACME directory. ca: PEM text, empty for the host's own trust store. email: empty for an account without.

    current: where the server finds what is deployed.
    """

    url: str
    ca: str
    email: str
    current: str

    @property
    def files(self) -> list[dict[str, Any]]:
        """What deploy has to deliver for it, as `deploy` takes files; [] for the host's own trust store."""
        return [{"dest": ACME_CA, "content": self.ca}] if self.ca else []

    def trusted(self, directive: str) -> model.Directives:
        """The server's directive that names this file; [] for the host's own trust store."""
        return [[directive, f"{self.current}/{ACME_CA}"]] if self.ca else []


def obtained(sites: Iterable[Site]) -> list[Site]:
    """The sites whose certificates the server obtains."""
    return [site for site in sites if site.certificate.source == "server"]


def refuse_addresses(sites: Iterable[Site], who: str, instead: str = "certbot or files") -> None:
    """Raise InputError for an IP address among the names that `who` would have to obtain a certificate for; instead: other sources."""
    for site in obtained(sites):
        for name in site.names:
            if as_address(name):
                raise InputError(
                    f"{site.label}: {name} is an IP address, for which {who} obtains no certificate; "
                    f"give certificate.source: {instead}"
                )


def read_issuer(dialect: model.Dialect, options: model.Options, breaks_out: str) -> Issuer:
    """Check what the role's variables ROLE_acme_server, ROLE_acme_server_ca and ROLE_email hold. Raises InputError.

    breaks_out: the characters that no directive of the server can take inside a quoted URL.
    """
    role, ca, email = dialect.role, options.acme_server_ca, options.email
    if email and not EMAIL.fullmatch(email):
        raise InputError(f"{role}_email {email!r} is not an e-mail address such as ops@example.com")
    if ca:
        read_certificates(ca, f"{role}_acme_server_ca")
    url = read_server(options.acme_server)
    found = next((character for character in url if character in breaks_out), None)
    if found:
        raise InputError(
            f"{role}_acme_server {url!r} holds a quote or a brace or such ({found}), which no directive can take"
        )
    return Issuer(url, ca, email, options.current)
