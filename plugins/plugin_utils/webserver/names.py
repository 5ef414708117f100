# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which names the host answers over HTTP, and where each is to be looked at over TLS."""

from __future__ import annotations

from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.sites import Site, endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.webserver.model import Given, spelt


def over_http(given: Given) -> dict[str, list[str]]:
    """The HTTP port when every certificate is there: `names` to redirect, and those `waiting` for HTTPS.

    A snippet that nothing includes yet has its certificate, but no HTTPS.
    """
    waiting = [
        name
        for site in given.sites
        if not site.whole
        for name in _names_on_http(site, given)
        if given.options.port not in ports_with_snippet(site, name, given)
    ]
    names = [name for site in given.sites for name in _names_on_http(site, given) if name not in waiting]
    return {"names": [spelt(name) for name in names], "waiting": [spelt(name) for name in waiting]}


def over_http_before(given: Given) -> dict[str, list[str]]:
    """The same before the CA has been asked, which may refuse: what works over HTTP until then has to go on working.

    Only what we serve over TLS already is redirected. Of the other names, those that another server has stay with
    it, and those that certbot needs wait. Once all are served over TLS this is `over_http`.
    """
    http = over_http(given)
    new = [(site, name) for site in given.whole for name in site.names if not given.host.serves(name)]
    certbot = [
        name
        for site, name in new
        if site.certificate.source == "certbot" and not given.host.claims(name, given.options.http_port)
    ]
    left = {spelt(name) for _site, name in new}
    return {
        "names": [name for name in http["names"] if name not in left],
        "waiting": [*http["waiting"], *map(spelt, certbot)],
    }


def _names_on_http(site: Site, given: Given) -> tuple[str, ...]:
    """The names to answer over HTTP: of a snippet's site only those that certbot needs and no other server has."""
    if site.whole:
        return site.names
    if site.certificate.source != "certbot":
        return ()
    return tuple(name for name in site.names if not given.host.claims(name, given.options.http_port))


def ports_with_snippet(site: Site, name: str, given: Given) -> list[int]:
    """The port on which a server outside of ours serves `name` with the site's snippet; none while none does."""
    ports = [
        port
        for vhost in given.host.vhosts
        if vhost.answers(name) and vhost.includes_file(given.options.snippet(site))
        for port in vhost.tls_ports
    ]
    return [given.options.port] if given.options.port in ports else ports[:1]


def _expected(site: Site) -> dict[str, Any]:
    return {"obtained": True} if site.certificate.source == "server" else {"certificate": site.name}


def endpoints(given: Given) -> list[dict[str, Any]]:
    """What deploy verifies on the wire."""
    return [
        {**endpoint(name, port, given.options.address), **_expected(site)}
        for site in given.sites
        for name in site.concrete_names
        for port in ([given.options.port] if site.whole else ports_with_snippet(site, name, given))
    ]
