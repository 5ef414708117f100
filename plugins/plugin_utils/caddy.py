# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Caddy on one host is to be given: every value of the templates, computed from the sites and from the host."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.fullchain.tls.plugins.plugin_utils.caddy_account import missing_account, mixes_up_accounts
from ansible_collections.fullchain.tls.plugins.plugin_utils.caddy_sites import HTTP, HTTPS, read_vhosts
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.caddy import caddy_tls
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.directives import TlsDirectives
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.openssl import Version, parse_version, version_text
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.reader import Profile
from ansible_collections.fullchain.tls.plugins.plugin_utils.sites import Site, deployed_paths
from ansible_collections.fullchain.tls.plugins.plugin_utils.webserver import model, names, notes
from ansible_collections.fullchain.tls.plugins.plugin_utils.webserver.issuer import (
    EMAIL,
    Issuer,
    obtained,
    read_issuer,
    refuse_addresses,
)

CADDY = model.Dialect(
    server="Caddy",
    role="caddy",
    block="site block",
    name="the address",
    certificate="tls",
    include="import {}",
    sources=("server", "files"),
    shadowed="leaves what comes in there to it",
)
BREAKS_OUT = '"`{}\\'
MANAGED_OFF = ("off", "disable_certs")


@dataclass(frozen=True)
class Options(model.Options):
    """What the role's variables say."""

    root: str = "/etc/caddy/fullchain"
    drop_in: str = "/etc/caddy/Caddyfile"


@dataclass(frozen=True)
class Host(model.Host):
    """What `caddy_info` found. A host without Caddy (check mode) is taken for one with the newest."""

    version: Version

    def tls(self, profile: Profile) -> TlsDirectives:
        """The directives of a profile here."""
        return caddy_tls(profile, self.version)


def plan(value: Any, info: Mapping[str, Any], options: Options) -> dict[str, Any]:
    """Return what the role's tasks are given: files and endpoints for deploy, notes for a person.

    `value` is the user's list of sites, `info` the result of `caddy_info`. Raises InputError for sites that can't be read,
    and for a Caddyfile to which no site can be added, or in which none would get a certificate.
    """
    model.refuse_missing(info, options, CADDY)
    settings = info.get("settings", {})
    ports = {HTTP: _port(settings, "http_port", 80), HTTPS: _port(settings, "https_port", 443)}
    options = replace(options, http_port=ports[HTTP], port=ports[HTTPS])
    vhosts = tuple(vhost for server in info.get("servers", ()) for vhost in read_vhosts(server, ports))
    host = Host(vhosts=vhosts, own=(), version=parse_version(info.get("version")))
    given = model.read_given(value, options, host, CADDY)
    _refuse_caddyfile(given, info)
    for site in given.sites:
        _refuse_site(site, given)
    issuer = read_issuer(CADDY, options, BREAKS_OUT)
    account, unseen = _account(given, issuer, host.version, info)
    return {
        "files": [*issuer.files, *_files(given, host, _issuer(issuer))],
        "endpoints": names.endpoints(given),
        "notes": [
            *notes.notes(given, info, lambda profile: host.tls(profile).notes),
            *_without_redirects(given, settings),
            *unseen,
        ],
        "webroot": "",
        "account": account,
    }


def _port(settings: Mapping[str, str], key: str, default: int) -> int:
    return int(settings[key]) if settings.get(key, "").isdigit() else default


def _files(given: model.Given, host: Host, issuer: model.Directives) -> list[dict[str, Any]]:
    whole = [_site(site, given, host, issuer) for site in given.whole]
    snippets = [_tls(site, given, host, issuer) for site in given.sites if not site.whole]
    return [
        {"dest": "sites/{name}.conf", "src": "site.conf.j2", "each": whole},
        {"dest": "snippets/{name}.conf", "src": "snippet.conf.j2", "each": snippets},
    ]


def _site(site: Site, given: model.Given, host: Host, issuer: model.Directives) -> dict[str, Any]:
    max_age = given.hsts(site)
    return {
        **_tls(site, given, host, issuer),
        "addresses": ", ".join(model.spelt(name) for name in site.names),
        "hsts": None if max_age is None else f"max-age={max_age}",
        "proxy_to": site.proxy_to.rstrip("/") if site.proxy_to else None,
        "root": site.root,
        "extra": site.extra.strip("\n"),
    }


def _tls(site: Site, given: model.Given, host: Host, issuer: model.Directives) -> dict[str, Any]:
    """What the directive tls of a site holds: files, or an issuer that Caddy obtains the certificate from."""
    tls = host.tls(given.profile(site))
    if site.certificate.key_types:
        raise InputError(
            f"{site.label}: Caddy takes one certificate for a site here, and certificate has ecdsa and rsa"
        )
    paths = deployed_paths(site, given.options.root, "")
    return {
        "name": site.name,
        "certificate": "".join(f"{pair['fullchain_path']} {pair['privkey_path']}" for pair in paths),
        "directives": [list(directive) for directive in tls.directives],
        "issuer": [] if paths else issuer,
        "left_out": list(tls.notes),
    }


def _issuer(issuer: Issuer) -> model.Directives:
    """The CA. Named even where it is Caddy's default, which has a second CA beside it that nobody asked for."""
    return [
        ["dir", f'"{issuer.url}"'],
        *([["email", issuer.email]] if issuer.email else []),
        *issuer.trusted("trusted_roots"),
    ]


def _account(
    given: model.Given, issuer: Issuer, version: Version, info: Mapping[str, Any]
) -> tuple[list[str], list[str]]:
    """What the key of a missing account is made with, and a note where nobody can see whether there is one."""
    if not mixes_up_accounts(version) or not obtained(given.sites):
        return [], []
    settings = info.get("settings", {})
    email = issuer.email or settings.get("email", "")
    if "storage" not in settings and info.get("data") and (not email or EMAIL.fullmatch(email)):
        return missing_account(issuer.url, email, info), []
    return [], [
        f"whether Caddy has an account at {issuer.url} can't be seen here: its storage or its e-mail address is "
        "an unusual one. Where it has none, deploy one site with one name first, since Caddy "
        f"{version_text(version)} mixes up accounts"
    ]


def _refuse_caddyfile(given: model.Given, info: Mapping[str, Any]) -> None:
    """Raise InputError for what in the Caddyfile would keep the sites from being loaded, or from getting certificates."""
    path, settings = info.get("conf_path"), info.get("settings", {})
    if info.get("without_braces"):
        raise InputError(
            f"{path} is one site without braces, after which no other can stand; put braces around its directives"
        )
    if info.get("environment"):
        variable = f"{{${info['environment'][0]}}}"
        raise InputError(
            f"{path} is put together with {variable} of the service's environment, which a reload from here would leave "
            f"empty; write the value instead, or {{env.{info['environment'][0]}}} where the server itself may read it"
        )
    if settings.get("admin") == "off":
        raise InputError(f"{path} has `admin off`: without it Caddy can't be reloaded, only restarted")
    waiting = [site.label for site in obtained(given.sites)]
    if waiting and settings.get("auto_https") in MANAGED_OFF:
        raise InputError(
            f"{path} has `auto_https {settings['auto_https']}`: Caddy would obtain no certificate for {waiting[0]}"
        )


def _refuse_site(site: Site, given: model.Given) -> None:
    """Raise InputError for a site that this Caddy can't have, saying why."""
    refuse_addresses([site], "Caddy", "files")
    if site.proxy_to and (urlsplit(site.proxy_to).path.strip("/") or re.search(r"[?#@]", site.proxy_to)):
        raise InputError(
            f"{site.label}: proxy_to {site.proxy_to!r}: Caddy takes scheme, host and port alone, such as http://127.0.0.1:8000"
        )
    for vhost in given.host.vhosts:
        twice = [
            name for name in site.names if site.whole and given.options.port in vhost.tls_ports and name in vhost.names
        ]
        if twice:
            raise InputError(
                f"{site.label}: {vhost.file} has a site {twice[0]} already, and Caddy takes a name but once; "
                "take it out there, or leave out proxy_to and root here and import the snippet there"
            )


def _without_redirects(given: model.Given, settings: Mapping[str, str]) -> list[str]:
    off = settings.get("auto_https")
    if off not in ("off", "disable_redirects") or not given.whole:
        return []
    return [f"the Caddyfile has `auto_https {off}`: HTTP is not redirected to HTTPS"]
