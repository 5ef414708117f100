# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left to a person, in sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.reader import Profile
from ansible_collections.fullchain.tls.plugins.plugin_utils.sites import Site
from ansible_collections.fullchain.tls.plugins.plugin_utils.webserver.model import Given
from ansible_collections.fullchain.tls.plugins.plugin_utils.webserver.names import ports_with_snippet
from ansible_collections.fullchain.tls.plugins.plugin_utils.webserver.vhosts import Vhost


def notes(given: Given, info: Mapping[str, Any], left_out: Callable[[Profile], Iterable[str]]) -> list[str]:
    """All of them but those that one server alone has. `left_out`: what the server can't do of a profile."""
    return [
        *(f"{item['file']} was not looked into: {item['reason']}" for item in info.get("unreadable", ())),
        *(note for site in given.sites for note in _site_notes(site, given)),
        *_narrow_listens(given),
        *_left_out(given, left_out),
    ]


def challenge_notes(given: Given) -> list[str]:
    """The servers of others that have to answer challenges for the CA to issue."""
    return [
        note
        for site in given.sites
        for name in site.names
        if not (site.whole and given.host.serves(name))
        for note in _without_challenge(site, name, given)
    ]


def _site_notes(site: Site, given: Given) -> list[str]:
    found = []
    if not site.whole and not any(ports_with_snippet(site, name, given) for name in site.concrete_names):
        found.append(
            f"{site.label} is not verified: no {given.dialect.block} for it includes its snippet; "
            f"add `{given.dialect.include.format(given.options.snippet(site))}` to the one that serves it"
        )
    for name in site.names:
        found.extend(_shadows(site, name, given) if site.whole else _in_the_team_s_own(site, name, given))
    return list(dict.fromkeys(found))


def _shadows(site: Site, name: str, given: Given) -> list[str]:
    """The servers of others that have the very name of a site that gets one of ours."""
    return [
        f"{site.label}: {given.dialect.name} {name} on port {port} is in {vhost.file} too{_with_certificates(vhost, given)}; "
        f"{given.dialect.server} {given.dialect.shadowed}"
        for port in (given.options.http_port, given.options.port)
        for vhost in given.host.claims(name, port)
        if name in vhost.names
    ]


def _with_certificates(vhost: Vhost, given: Given) -> str:
    return f", with {given.dialect.certificate} {' and '.join(vhost.certificates)}" if vhost.certificates else ""


def _in_the_team_s_own(site: Site, name: str, given: Given) -> list[str]:
    beside = [
        f"{site.label}: {vhost.file} has {given.dialect.certificate} {' and '.join(vhost.certificates)} for {name}; "
        "take it away when the snippet is included, which brings its own"
        for vhost in given.host.vhosts
        if vhost.certificates and vhost.tls_ports and vhost.answers(name)
    ]
    return [*beside, *_without_challenge(site, name, given)]


def _without_challenge(site: Site, name: str, given: Given) -> list[str]:
    port, challenge = given.options.http_port, given.options.challenge
    return [
        f"{site.label}: {vhost.file} has the server for {name} on port {port}; "
        f"add `{given.dialect.include.format(challenge)}` to it, or no ACME challenge is answered"
        for vhost in given.host.claims(name, port)
        if site.certificate.source == "certbot" and not vhost.includes_file(challenge)
    ]


def _narrow_listens(given: Given) -> list[str]:
    ports = (given.options.http_port, given.options.port)
    narrow = {(vhost.file, socket) for vhost in given.host.vhosts for socket in vhost.narrow_sockets(ports)}
    return [
        f"{file} listens on {address}:{port}; what comes in there never reaches the servers that listen on *:{port}"
        for file, (address, port) in sorted(narrow)
    ]


def _left_out(given: Given, left_out: Callable[[Profile], Iterable[str]]) -> list[str]:
    """What the profiles ask and this server can't do, each once, however many sites have the profile."""
    profiles = dict.fromkeys(given.profile(site) for site in given.sites)
    return [f"left out of the TLS profile {profile.name}: {note}" for profile in profiles for note in left_out(profile)]
