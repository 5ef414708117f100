# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates that nginx obtains itself, by its module ngx_http_acme_module.

Written from https://nginx.org/en/docs/http/ngx_http_acme_module.html: no distribution that the lab has carries the module.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.sites import Site
from ansible_collections.fullchain.tls.plugins.plugin_utils.webserver import model
from ansible_collections.fullchain.tls.plugins.plugin_utils.webserver.issuer import (
    Issuer,
    obtained,
    refuse_addresses,
)

ISSUER = "fullchain"
"""What our acme_issuer is called, among those that the team may have."""
BREAKS_OUT = "\"'\\;{}$"
ZONE_HOLDS = 30
"""Certificates that the module's own zone of 256k has room for, to be on the safe side: some 35 with keys of RSA 2048."""


def certificate(site: Site, cached: bool) -> model.Directives:
    """What stands in the server instead of a certificate's files. cached: nginx can keep it from one handshake to the next."""
    return [
        ["acme_certificate", " ".join([ISSUER, *site.names])],
        ["ssl_certificate", "$acme_certificate"],
        ["ssl_certificate_key", "$acme_certificate_key"],
        *([["ssl_certificate_cache", "max=2"]] if cached else []),
    ]


def files(given: model.Given, issuer: Issuer) -> list[dict[str, Any]]:
    """What deploy writes for the issuer, as `deploy` takes it; [] where nginx obtains nothing."""
    sites = obtained(given.sites)
    if not sites:
        return []
    directives = [
        ["uri", issuer.url],
        *([["contact", issuer.email]] if issuer.email else []),
        *issuer.trusted("ssl_trusted_certificate"),
        ["accept_terms_of_service"],
    ]
    zone = f"{max(1, len(sites) // 100)}M" if len(sites) > ZONE_HOLDS else ""
    values = {"issuer": ISSUER, "directives": directives, "zone": zone}
    return [{"dest": "acme.conf", "src": "acme.conf.j2", "vars": {"acme": values}}, *issuer.files]


def refuse(given: model.Given, lacking: str) -> None:
    """Raise InputError for a site that nginx can't obtain a certificate for here. lacking: what this host lacks, '' for nothing."""
    for site in obtained(given.sites):
        if lacking:
            raise InputError(f"{site.label}: certificate.source 'server' needs {lacking}")
    refuse_addresses(given.sites, "nginx")
