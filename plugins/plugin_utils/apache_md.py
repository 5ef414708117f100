# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The managed domains of Apache's mod_md: one for each site whose certificate the server obtains itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.sites import Site
from ansible_collections.fullchain.tls.plugins.plugin_utils.webserver import model
from ansible_collections.fullchain.tls.plugins.plugin_utils.webserver.issuer import (
    Issuer,
    obtained,
    refuse_addresses,
)

MODULES = ("md", "watchdog")
BREAKS_OUT = "\"'\\<>$"


def files(given: model.Given, issuer: Issuer) -> list[dict[str, Any]]:
    """What deploy writes for the managed domains, as `deploy` takes it; [] where there are none."""
    sites = obtained(given.sites)
    if not sites:
        return []
    values = {"domains": [list(site.names) for site in sites], "directives": _directives(issuer)}
    return [{"dest": "md.conf", "src": "md.conf.j2", "vars": {"md": values}}, *issuer.files]


def _directives(issuer: Issuer) -> model.Directives:
    """What each domain says for itself, so that it holds whatever the team's own settings for all domains say.

    http-01 alone: our VirtualHosts do not take part in tls-alpn-01, and without a word on it mod_md wants Apache itself to listen on 80.
    """
    return [
        ["MDCertificateAuthority", f'"{issuer.url}"'],
        ["MDCertificateAgreement", "accepted"],
        ["MDContactEmail", issuer.email],
        *issuer.trusted("MDCACertificateFile"),
        ["MDCAChallenges", "http-01"],
        ["MDRenewMode", "auto"],
    ]


def refuse(
    given: model.Given, issuer: Issuer, managed: Sequence[Mapping[str, Any]], own: Sequence[str], lacking: str
) -> None:
    """Raise InputError for a site that mod_md can't manage here, or that certbot can't have from it.

    managed: the team's own domains, and own: the names of ours, as `apache_info` tells them. lacking: what this Apache lacks for mod_md, '' for nothing.
    """
    refuse_addresses(given.sites, "mod_md")
    _refuse_answered(given, own)
    for site in obtained(given.sites):
        if lacking:
            raise InputError(f"{site.label}: certificate.source 'server' needs {lacking}")
        if not issuer.email:
            raise InputError(
                f"{site.label}: certificate.source 'server' needs apache_email (or certbot_email): mod_md makes no account at a CA without"
            )
        for domain, name in _managed_twice(site, managed):
            raise InputError(
                f"{site.label}: {domain['file']} has an MDomain with {name}, and mod_md takes a name but once; take it out there"
            )
        for where, more in _drawn_in(site, given):
            raise InputError(
                f"{site.label}: {where} answers to its names too, and mod_md would ask for {more} in the same certificate; "
                "give it names of its own, or add them to the site's aliases"
            )


def _refuse_answered(given: model.Given, own: Sequence[str]) -> None:
    """Raise InputError for a name that is to go from mod_md to certbot: mod_md answers 404 to every challenge for it that is not its own."""
    for site in given.sites:
        name = next((name for name in site.names if name in own), None)
        if name and site.certificate.source == "certbot":
            raise InputError(
                f"{site.label}: mod_md obtains the certificate of {name} until now, and answers the challenges for that name: certbot could not get "
                "one. Deploy once without the site, or with certificate.source: files; then give it certificate.source: certbot"
            )


def notes(given: model.Given, managed: Sequence[Mapping[str, Any]]) -> list[str]:
    """The domains of the team that hold a name whose certificate comes from elsewhere."""
    return [
        f"{site.label}: {domain['file']} has an MDomain with {name}: mod_md gives its own certificate to that name, too"
        for site in given.sites
        for domain, name in _managed_twice(site, managed)
    ]


def _managed_twice(site: Site, managed: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], str]]:
    return ((domain, name) for domain in managed for name in site.names if name in domain["names"])


def _drawn_in(site: Site, given: model.Given) -> Iterator[tuple[str, str]]:
    """VirtualHosts with TLS that a name of the site leads to, and a name of theirs that the site hasn't.

    mod_md hands a domain's certificate to each VirtualHost that answers to one of its names, by a wildcard, too, and adds all names
    of that one to the domain. A domain with a wildcard can't be had by http-01; one VirtualHost with two domains ends the server.
    """
    for vhost in given.host.vhosts:
        if vhost.tls_ports and any(vhost.answers(name) for name in site.names):
            yield from ((f"the VirtualHost in {vhost.file}", name) for name in vhost.names if name not in site.names)
    for other in given.whole:
        wildcards = [name for name in other.names if name.startswith("*.")]
        for wildcard in wildcards:
            if other is not site and any(name.endswith(wildcard[1:]) for name in site.names):
                yield other.label, wildcard
