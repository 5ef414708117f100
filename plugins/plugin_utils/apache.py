# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Apache on one host is to be given: every value of the templates, computed from the sites and from the host."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils import apache_md
from ansible_collections.fullchain.tls.plugins.plugin_utils.apache_vhosts import listened_ports, read_vhost
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.apache import (
    apache_can,
    apache_tls,
    read_apache_version,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.directives import TlsDirectives
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.openssl import (
    OPENSSL_SINCE,
    Version,
    openssl_of,
    version_text,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.reader import Profile
from ansible_collections.fullchain.tls.plugins.plugin_utils.sites import Site, refuse_unseen_kinds, split_paths
from ansible_collections.fullchain.tls.plugins.plugin_utils.webserver import model, names, notes
from ansible_collections.fullchain.tls.plugins.plugin_utils.webserver.issuer import obtained, read_issuer

APACHE = model.Dialect(
    server="Apache",
    role="apache",
    block="VirtualHost with SSLEngine on",
    name="ServerName",
    certificate="SSLCertificateFile",
    include="Include {}",
    sources=("certbot", "files", "server"),
)
STAPLING = [
    ["SSLUseStapling", "on"],
    # A responder's error is no staple, and a client need not wait long for a responder that is away: the handshake does.
    ["SSLStaplingReturnResponderErrors", "off"],
    ["SSLStaplingResponderTimeout", "5"],
]
"""What staples, where the certificates have OCSP URLs, which the template knows when it is rendered."""
CACHE = "socache_shmcb"
NOBODY = "nobody.invalid"
"""A ServerName that no client can ask for (RFC 2606 section 2)."""


@dataclass(frozen=True)
class Options(model.Options):
    """What the role's variables say. `version` is Apache's where it is given; `enable`: modules can be enabled."""

    root: str = "/etc/apache2/fullchain"
    drop_in: str = "/etc/apache2/sites-enabled/000-fullchain.conf"
    version: str = ""
    enable: bool = True


@dataclass(frozen=True)
class Host(model.Host):
    """What `apache_info` found. A host without Apache (check mode) is taken for one with the newest, which listens."""

    version: Version
    openssl: Version
    modules: frozenset[str]
    ports: frozenset[int]
    http2: bool
    cache: bool

    def can(self, feature: str) -> bool:
        """Tell whether this Apache has a feature."""
        return apache_can(feature, self.version)

    def tls(self, profile: Profile) -> TlsDirectives:
        """The directives of a profile here."""
        return apache_tls(profile, self.version, self.openssl)

    @property
    def staples(self) -> bool:
        """Whether it can have a cache, and finds the issuer of a leaf where we put it, and so can ask an OCSP responder."""
        finds = self.can("chain in the file") is self.can("stapling with the chain in the file")
        return self.cache and self.can("stapling") and finds

    @property
    def access(self) -> list[str]:
        """What lets everybody in."""
        return ["Require all granted"] if self.can("granted") else ["Order allow,deny", "Allow from all"]


def plan(value: Any, info: Mapping[str, Any], options: Options) -> dict[str, Any]:
    """Return what the role's templates are given, by template, as `nginx.plan` does for nginx.

    `more` are the files of what mod_md manages.
    `first` are sites whose VirtualHost has to be read before the others'; `modules` those to enable; `access` what
    lets everybody in; `include` the directive that may match nothing; `stapling_cache` whether the drop-in has to bring one.
    Raises InputError for sites that can't be read, and for what this host's Apache can't do.
    """
    model.refuse_missing(info, options, APACHE)
    host = _read_host(info, options)
    given = model.read_given(value, options, host, APACHE)
    modules = _modules(given, host)
    managed = info.get("managed", ())
    issuer = read_issuer(APACHE, options, apache_md.BREAKS_OUT)
    apache_md.refuse(given, issuer, managed, info.get("own_managed", ()), _lacking(host))
    _refuse_host(info, options, modules)
    _refuse_defaults(given, host)
    return {
        "http": _http(given, host, names.over_http(given)),
        "challenge": _http(given, host, names.over_http_before(given)),
        "challenge_notes": notes.challenge_notes(given),
        "sites": [_site(site, given, host) for site in given.whole if site not in given.by_address],
        "first": [_site(site, given, host) for site in given.by_address],
        "snippets": [_snippet(site, given, host) for site in given.sites if not site.whole],
        "reject": [_reject(given, host)] if options.reject_unknown_names and given.sites else [],
        "endpoints": names.endpoints(given),
        "notes": [
            *notes.notes(given, info, lambda profile: host.tls(profile).notes),
            *_own_notes(given, host, modules),
            *apache_md.notes(given, managed),
        ],
        "webroot": options.webroot,
        "access": host.access,
        "more": apache_md.files(given, issuer),
        "modules": modules,
        "include": "IncludeOptional" if host.can("optional include") else "Include",
        "stapling_cache": host.cache and host.can("stapling") and not info.get("stapling_cache"),
    }


def _read_host(info: Mapping[str, Any], options: Options) -> Host:
    installed = bool(info.get("installed"))
    listening = listened_ports(info.get("listen", ())) if installed else {options.port, options.http_port}
    version, modules = read_apache_version(options.version, info.get("version")), frozenset(info.get("modules", ()))
    return Host(
        vhosts=tuple(read_vhost(vhost) for vhost in info.get("vhosts", ())),
        own=tuple(read_vhost(vhost) for vhost in info.get("own_vhosts", ())),
        version=version,
        openssl=openssl_of(info),
        modules=modules,
        ports=frozenset(listening),
        # It takes an MPM with threads (mod_http2 since 2.4.27), and a module that is there or can be enabled.
        http2=apache_can("protocols", version)
        and "mpm_prefork" not in modules
        and ("http2" in modules or options.enable),
        cache=CACHE in modules or options.enable,
    )


def _lacking(host: Host) -> str:
    """What this Apache lacks to obtain certificates itself."""
    if host.can("managed domains"):
        return ""
    return f"Apache 2.4.42 or newer, whose mod_md speaks ACMEv2; here is {version_text(host.version)}"


def _refuse_host(info: Mapping[str, Any], options: Options, modules: Sequence[str]) -> None:
    if not info.get("installed"):
        return
    if not info.get("ssl_available"):
        raise InputError("Apache on this host has no mod_ssl; install the package that brings it")
    if modules and not options.enable:
        raise InputError(
            f"Apache on this host does not load {', '.join(modules)}: load what is missing, then run this again"
        )
    if not info.get("drop_in_read"):
        directory = options.drop_in.rpartition("/")[0]
        raise InputError(
            f"{info.get('conf_path')} doesn't include {options.drop_in}; add `IncludeOptional {directory}/*.conf` there"
        )


def _refuse_defaults(given: model.Given, host: Host) -> None:
    """Raise InputError when another VirtualHost is the first of the TLS port, and one of ours would have to be."""
    reason, port = model.default_wanted(given), given.options.port
    needed = host.can("own protocols") and host.openssl >= OPENSSL_SINCE["TLSv1.3"]
    if given.options.reject_unknown_names and not needed:
        raise InputError("apache_reject_unknown_names needs Apache 2.4.42 and OpenSSL 1.1.1 or newer")
    if given.options.reject_unknown_names and given.sites and not _first_pair(given, host):
        raise InputError(
            "apache_reject_unknown_names needs a certificate for its own VirtualHost, and none of the sites has one that is there "
            "before Apache starts: give one of them certificate.source: certbot or files"
        )
    for vhost in host.vhosts:
        if reason and vhost.on_every_address(port) and not vhost.after_ours:
            raise InputError(f"{reason}, which needs the first VirtualHost of port {port}: that is in {vhost.file}")


def _modules(given: model.Given, host: Host) -> list[str]:
    """The modules that are needed and not loaded."""
    if not given.sites:
        return []
    proxied = any(site.proxy_to for site in given.sites)
    http2 = host.http2 and given.whole
    cache = [CACHE] if given.options.stapling and host.staples else []
    needed = [
        "ssl",
        *cache,
        "headers",
        "rewrite",
        *(["http2"] if http2 else []),
        *(["proxy", "proxy_http"] if proxied else []),
        *(apache_md.MODULES if obtained(given.sites) else []),
    ]
    return [module for module in needed if module not in host.modules]


def _http(given: model.Given, host: Host, by_kind: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    port, http_port = given.options.port, given.options.http_port
    code = 308 if host.can("redirect 308") else 301
    suffix = "" if port == 443 else f":{port}"
    rules = {
        "names": [f"RewriteRule ^ https://%{{SERVER_NAME}}{suffix}%{{REQUEST_URI}} [R={code},L]"],
        # The certificates of these are not there yet: nothing to redirect to.
        "waiting": ["Header always set Retry-After 60", "RewriteRule ^ - [R=503,L]"],
    }
    vhosts = [{**_named(by_kind[kind]), "rules": rules[kind]} for kind in rules if by_kind[kind]]
    ports = [*([http_port] if vhosts else []), *([port] if given.whole else [])]
    return {
        "port": http_port,
        "vhosts": vhosts,
        "listen": [number for number in ports if number not in host.ports],
        "by_name": [] if host.can("names by address") else ports,
    }


def _named(spelt: Sequence[str]) -> dict[str, Any]:
    """ServerName, which takes one plain name, and ServerAlias, which takes the rest."""
    plain = next((name for name in spelt if "*" not in name and "[" not in name), NOBODY)
    return {"server_name": plain, "aliases": [name for name in spelt if name != plain]}


def _site(site: Site, given: model.Given, host: Host) -> dict[str, Any]:
    max_age = given.hsts(site)
    hsts = [] if max_age is None else [["Header", f'always set Strict-Transport-Security "max-age={max_age}"']]
    snippet = _snippet(site, given, host)
    return {
        **snippet,
        **_named([model.spelt(name) for name in site.names]),
        "port": given.options.port,
        "directives": [*snippet["directives"], *([["Protocols", "h2 http/1.1"]] if host.http2 else []), *hsts],
        "proxy": _proxy(site, host),
        "root": site.root,
        "access": host.access,
        "extra": site.extra.strip("\n"),
    }


def _snippet(site: Site, given: model.Given, host: Host) -> dict[str, Any]:
    tls = host.tls(given.profile(site))
    if site.certificate.key_types:
        if not host.can("chain in the file"):  # one chain would be sent with both
            raise InputError(f"{site.label}: certificates of two kinds need Apache 2.4.8 or newer")
        refuse_unseen_kinds(site, tls.protocols)
    certificates = _certificates(site, given, host)
    return {
        "name": site.name,
        "certificates": certificates,
        "directives": [list(directive) for directive in tls.directives],
        "stapling": STAPLING if certificates and given.options.stapling and host.staples else [],
        "left_out": list(tls.notes),
    }


def _certificates(site: Site, given: model.Given, host: Host) -> list[dict[str, Any]]:
    """The files of each, and its name: `chain` is None where the leaf's file holds it too. None where mod_md has them."""
    leaf, chain = ("fullchain", None) if host.can("chain in the file") else ("cert", "chain")
    found = split_paths(site, given.options.root, f"{given.options.config_dir}/live")
    return [
        {"name": name, "file": paths[leaf], "key": paths["privkey"], "chain": paths[chain] if chain else None}
        for (name, _key_type), paths in zip(site.certificates, found, strict=bool(found))
    ]


def _first_pair(given: model.Given, host: Host) -> list[dict[str, Any]]:
    """The first certificate that is there before Apache is: one, or none."""
    return [pair for site in given.sites for pair in _certificates(site, given, host)][:1]


def _proxy(site: Site, host: Host) -> model.Directives:
    """Pass everything on, as nginx's proxy_pass does: an https backend's certificate is not verified."""
    if site.proxy_to is None:
        return []
    url = site.proxy_to if re.search(r"://[^/]+/", site.proxy_to) else f"{site.proxy_to}/"
    upgrade = " upgrade=websocket" if host.can("websocket") else ""
    unverified = ["SSLProxyCheckPeerName"] if host.can("peer name") else []
    tls = [
        ["SSLProxyEngine", "on"],
        *([name, "off"] for name in ["SSLProxyCheckPeerCN", "SSLProxyCheckPeerExpire", *unverified]),
    ]
    return [
        *(tls if url.startswith("https:") else []),
        ["ProxyRequests", "off"],
        ["ProxyPreserveHost", "on"],
        *([["AllowEncodedSlashes", "NoDecode"]] if host.can("encoded slashes") else []),
        ["RequestHeader", "set X-Forwarded-Proto https"],
        ["RequestHeader", "set X-Real-IP %{REMOTE_ADDR}s"],
        ["ProxyPass", f"/ {url} nocanon{upgrade}"],
        ["ProxyPassReverse", f"/ {url}"],
    ]


def _reject(given: model.Given, host: Host) -> dict[str, Any]:
    """The first VirtualHost of the port: it has nothing in common with a client, which is refused before a certificate is sent."""
    return {
        "name": "default",
        "port": given.options.port,
        "server_name": NOBODY,
        "certificates": _first_pair(given, host),
        "directives": [["SSLProtocol", "-all +TLSv1.2"], ["SSLCipherSuite", "PSK-AES128-GCM-SHA256"]],
        "stapling": [],
        "left_out": [],
    }


def _own_notes(given: model.Given, host: Host, modules: Sequence[str]) -> list[str]:
    found = [f"enabled because they are needed: {', '.join(modules)}"] if modules else []
    if given.whole and host.can("protocols") and not host.http2:
        found.append("HTTP/2 is left out: it needs mod_http2, and an MPM other than prefork")
    if given.options.stapling and not host.cache:
        found.append("OCSP stapling is left out: it needs mod_socache_shmcb")
    ports = {given.options.http_port: names.over_http(given)["names"], given.options.port: given.whole}
    for port, ours in ports.items():
        others = [vhost for vhost in host.vhosts if vhost.on_every_address(port)]
        if ours and others and all(vhost.after_ours for vhost in others):
            found.append(
                f"what comes to port {port} for a name that no VirtualHost has goes to the first, which is ours; "
                f"without it that would be the one in {others[0].file}"
            )
    return found
