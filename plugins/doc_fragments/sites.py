# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the filters that read C(tls_sites) have in common."""

from __future__ import annotations


class ModuleDocFragment:
    """C(fullchain.tls.sites), C(fullchain.tls.sites.lineages) for certbot's directory, and of the filters that plan a web server's
    files C(fullchain.tls.sites.plan) and, where port 80 is the role's own, C(fullchain.tls.sites.ports).
    """

    DOCUMENTATION = r"""
options:
  _input:
    description: The sites, as in the variable C(tls_sites).
    type: list
    elements: dict
    required: true
"""

    LINEAGES = r"""
options:
  config_dir:
    description: Certbot's configuration directory on the host.
    type: str
    default: /etc/letsencrypt
"""

    PLAN = r"""
options:
  install:
    description: Whether the server is going to be installed where it is missing.
    type: str
    choices: [package, none]
    default: package
  profile:
    description: The TLS profile of sites that name none.
    type: raw
    default: intermediate
  hsts_max_age:
    description:
      - The C(max-age) of the header C(Strict-Transport-Security) of all sites, in seconds. Negative sends no such header.
      - Left out, it is the profile's.
    type: int
  address:
    description: The address or hostname at which the sites are verified. Left out, their names are resolved.
    type: str
"""

    PORTS = r"""
options:
  webroot:
    description: The directory on the host from which HTTP-01 challenges are answered.
    type: str
    default: /var/lib/fullchain/webroot
  reject_unknown_names:
    description: Whether to refuse, at the handshake, clients that ask for a name which no site has.
    type: bool
    default: false
  stapling:
    description: Whether the OCSP responses of certificates that have an OCSP URL are stapled.
    type: bool
    default: true
  port:
    description: The port that the sites are served on over TLS.
    type: int
    default: 443
  http_port:
    description: The port that redirects to HTTPS and answers HTTP-01 challenges.
    type: int
    default: 80
"""

    ISSUER = r"""
options:
  acme_server:
    description: The CA that the server obtains certificates from, V(letsencrypt), V(letsencrypt-staging) or the URL of its ACME directory.
    type: str
    default: letsencrypt
  acme_server_ca:
    description: The certificates (PEM text) that the CA's own HTTPS is verified with. Left out, the server uses the host's own store.
    type: str
  email:
    description: The e-mail address of the account at the CA.
    type: str
"""
