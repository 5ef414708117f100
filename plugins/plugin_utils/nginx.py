# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nginx on one host is to be given: every value of the templates, computed from the sites and from the host."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.fullchain.tls.plugins.module_utils.nginx import STAPLING
from ansible_collections.fullchain.tls.plugins.plugin_utils import nginx_acme
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.nginx_vhosts import hash_settings, read_vhost
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.directives import TlsDirectives
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.nginx import (
    nginx_can,
    nginx_tls,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.openssl import Version, openssl_of, parse_version
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.reader import Profile
from ansible_collections.fullchain.tls.plugins.plugin_utils.sites import Site, deployed_paths, refuse_unseen_kinds
from ansible_collections.fullchain.tls.plugins.plugin_utils.webserver import model, names, notes
from ansible_collections.fullchain.tls.plugins.plugin_utils.webserver.issuer import obtained, read_issuer

DEFAULT_SERVER = "default_server"
VERIFY_CLIENT = "ssl_verify_client"
_ASKS_CLIENTS = re.compile(rf"\b(?:{VERIFY_CLIENT}|include)\b")
TRUSTED = "ocsp.pem"
NGINX = model.Dialect(
    server="nginx",
    role="nginx",
    block="server block",
    name="server_name",
    certificate="ssl_certificate",
    include="include {};",
    sources=("certbot", "files", "server"),
)


@dataclass(frozen=True)
class Options(model.Options):
    """What the role's variables say."""

    root: str = "/etc/nginx/fullchain"
    drop_in: str = "/etc/nginx/conf.d/fullchain.conf"


@dataclass(frozen=True)
class Host(model.Host):
    """What `nginx_info` found. A host without nginx (check mode) is taken for one with the newest."""

    version: Version
    openssl: Version
    http2: bool
    ipv6: bool
    settings: Mapping[str, str]
    nameservers: tuple[str, ...]

    @property
    def resolves(self) -> bool:
        """Whether nginx can have the names of other hosts looked up: by a `resolver` of the team's, or one of ours."""
        return "resolver" in self.settings or bool(self.nameservers)

    def listen(self, port: int, *parameters: str) -> list[str]:
        """The arguments of a server's listen directives, one for IPv4 and, where the host has it, one for IPv6."""
        addresses = [str(port), *([f"[::]:{port}"] if self.ipv6 else [])]
        return [" ".join((address, *parameters)) for address in addresses]

    def listen_tls(self, port: int, *parameters: str) -> list[str]:
        """Like `listen`, for TLS, with HTTP/2 where nginx takes that there."""
        in_listen = self.http2 and not nginx_can("http2 on", self.version) and nginx_can("listen http2", self.version)
        return self.listen(port, "ssl", *(["http2"] if in_listen else []), *parameters)

    def tls(self, profile: Profile) -> TlsDirectives:
        """The directives of a profile here."""
        return nginx_tls(profile, self.version, self.openssl)


def plan(value: Any, info: Mapping[str, Any], options: Options) -> dict[str, Any]:
    """Return what the role's templates are given, by template; see `webserver.view.for_role` for its tasks.

    `value` is the user's list of sites, `info` the result of `nginx_info`. The keys of the result: http, sites,
    snippets, reject (each for the template of that name), endpoints (for deploy), notes (what is left to a person).
    challenge is http until the certificates are there, with notes of its own: challenge_notes.
    webroot is the option again, for the first task that writes: whatever is wrong shows before that.
    Raises InputError for sites that can't be read, and for what this host's nginx can't do.
    """
    _refuse_host(info, options)
    host = _read_host(info)
    given = model.read_given(value, options, host, NGINX)
    _refuse_defaults(given, host)
    issuer = read_issuer(NGINX, options, nginx_acme.BREAKS_OUT)
    nginx_acme.refuse(given, _lacking(info, host))
    return {
        "http": _http(given, host, names.over_http(given)),
        "challenge": _http(given, host, names.over_http_before(given)),
        "challenge_notes": notes.challenge_notes(given),
        "sites": [_site(site, given, host) for site in given.whole],
        "snippets": [_snippet(site, given, host) for site in given.sites if not site.whole],
        "reject": [_reject(given, host)] if options.reject_unknown_names else [],
        "more": [*nginx_acme.files(given, issuer), *_http_files(given, host)],
        "endpoints": names.endpoints(given),
        "notes": [
            *notes.notes(given, info, lambda profile: host.tls(profile).notes),
            *_default_servers(given, host),
        ],
        "webroot": options.webroot,
    }


def _refuse_host(info: Mapping[str, Any], options: model.Options) -> None:
    model.refuse_missing(info, options, NGINX)
    if not info.get("installed"):
        return
    if not info.get("tls_library"):
        raise InputError(f"nginx {info.get('version')} on this host is built without TLS (http_ssl_module)")
    if not info.get("drop_in_read"):
        raise InputError(
            f"{info.get('conf_path')} doesn't include {options.drop_in} in its http block; "
            f"add `include {options.drop_in.rpartition('/')[0]}/*.conf;` there"
        )


def _lacking(info: Mapping[str, Any], host: Host) -> str:
    """What this host lacks for nginx to obtain certificates itself."""
    if not info.get("acme"):
        return (
            "nginx's own ACME module, and this nginx does not load it: install the module's package from nginx.org, "
            "and have nginx.conf load modules/ngx_http_acme_module.so"
        )
    return "" if host.resolves else "nginx to have a resolver, and this host names no nameserver in /etc/resolv.conf"


def _read_host(info: Mapping[str, Any]) -> Host:
    installed = bool(info.get("installed"))
    return Host(
        version=parse_version(info.get("version")),
        openssl=openssl_of(info),
        http2=not installed or "http_v2" in info.get("modules", ()),
        ipv6=bool(info.get("ipv6")),
        vhosts=tuple(read_vhost(server) for server in info.get("servers", ())),
        own=tuple(read_vhost(server) for server in info.get("own_servers", ())),
        settings=info.get("settings", {}),
        nameservers=tuple(info.get("nameservers", ())),
    )


def _http(given: model.Given, host: Host, by_kind: Mapping[str, list[str]]) -> dict[str, Any]:
    port = given.options.port
    table = [
        *(name for kind in names.over_http(given).values() for name in kind),
        *(model.spelt(name) for site in given.whole for name in site.names),
    ]
    return {
        **by_kind,
        "listen": host.listen(given.options.http_port),
        "redirect": 308 if nginx_can("redirect 308", host.version) else 301,
        "port": "" if port == 443 else f":{port}",
        "settings": hash_settings(table, host.settings),
    }


def _site(site: Site, given: model.Given, host: Host) -> dict[str, Any]:
    tls = host.tls(given.profile(site))
    default = [DEFAULT_SERVER] if site in given.by_address else []
    return {
        "name": site.name,
        "listen": host.listen_tls(given.options.port, *default),
        "server_names": " ".join(model.spelt(name) for name in site.names),
        "directives": [
            *_http2(host),
            *_certificate(site, tls, host, given.options),
            *_as_lists(tls),
            *_hsts(given.hsts(site), host),
        ],
        "certificates": _known_certificates(site),
        "stapling": _stapling(given, host, site),
        "left_out": list(tls.notes),
        "proxy_to": site.proxy_to,
        "root": site.root,
        "extra": site.extra.strip("\n"),
    }


def _snippet(site: Site, given: model.Given, host: Host) -> dict[str, Any]:
    tls = host.tls(given.profile(site))
    return {
        "name": site.name,
        "directives": [*_certificate(site, tls, host, given.options), *_as_lists(tls)],
        "certificates": _known_certificates(site),
        "stapling": _stapling(given, host, site),
        "left_out": list(tls.notes),
    }


def _reject(given: model.Given, host: Host) -> dict[str, Any]:
    return {
        "name": "default",
        "listen": host.listen_tls(given.options.port, DEFAULT_SERVER),
        "by_directive": nginx_can("reject handshake", host.version),
        "directives": [*_http2(host), *_as_lists(host.tls(given.fleet))],
    }


def _refuse_defaults(given: model.Given, host: Host) -> None:
    """Raise InputError when two servers would have to be the default server of the TLS port."""
    reason, port = model.default_wanted(given), given.options.port
    if given.options.reject_unknown_names and not nginx_can("certificate from a variable", host.version):
        raise InputError("nginx_reject_unknown_names needs nginx 1.15.10 or newer")
    for vhost in host.vhosts:
        if reason and vhost.default_on(port):
            raise InputError(f"{reason}, which needs the default server of port {port}: {vhost.file} has one already")


def _default_servers(given: model.Given, host: Host) -> list[str]:
    """One note when sites ask for different values of what nginx takes from the default server of an address.

    Seen on 1.18, 1.22 and 1.26, for ssl_protocols documented: https://nginx.org/en/docs/http/ngx_http_ssl_module.html
    """
    if nginx_can("own protocols", host.version):
        return []
    wanted = {site.name: _of_default_server(given.profile(site), host) for site in given.sites}
    if given.options.reject_unknown_names:
        wanted["nginx_reject_unknown_names"] = _of_default_server(given.fleet, host)
    if len(set(wanted.values())) < 2:
        return []
    listed = "; ".join(f"{name}: {value}" for name, value in wanted.items())
    note = (
        "nginx before 1.29.2 takes ssl_protocols and ssl_ecdh_curve of all sites on an address from its default server "
        f"(the first that it reads, or the one marked default_server), and these differ: {listed}"
    )
    return [note]


def _of_default_server(profile: Profile, host: Host) -> str:
    directives = dict(host.tls(profile).directives)
    return f"{directives['ssl_protocols']}, {directives['ssl_ecdh_curve']}"


def _certificate(site: Site, tls: TlsDirectives, host: Host, options: model.Options) -> model.Directives:
    if site.certificate.source == "server":
        return nginx_acme.certificate(site, nginx_can("certificate cache", host.version))
    if site.certificate.key_types:
        if not nginx_can("several certificates", host.version):
            raise InputError(f"{site.label}: certificates of two kinds need nginx 1.11 or newer")
        refuse_unseen_kinds(site, tls.protocols)
    return [
        [directive, paths[key]]
        for paths in deployed_paths(site, options.root, f"{options.config_dir}/live")
        for directive, key in (("ssl_certificate", "fullchain_path"), ("ssl_certificate_key", "privkey_path"))
    ]


def _stapling(given: model.Given, host: Host, site: Site) -> model.Directives:
    """What staples, where the certificates have OCSP URLs, which the template knows when it is rendered.

    nginx trusts the authorities that a staple is verified against to issue client certificates, too. So where clients may be asked for some,
    as in a server of the team's or by a file that `extra` includes, it staples unverified, and clients verify what they get.
    Nothing is said where the team says it: a directive that is there twice is an error.
    """
    if not given.options.stapling or not _known_certificates(site) or _staples_by_hand(site, given, host):
        return []
    asks_clients = not site.whole or _ASKS_CLIENTS.search(site.extra) or VERIFY_CLIENT in host.settings
    trusted = [["ssl_stapling_verify", "on"], ["ssl_trusted_certificate", f"{given.options.current}/{TRUSTED}"]]
    return [["ssl_stapling", "on"], *([] if asks_clients else trusted)]


def _known_certificates(site: Site) -> list[str]:
    """The names of the certificates that deploy knows, and can tell the template of."""
    return [] if site.certificate.source == "server" else [name for name, _key_type in site.certificates]


def _staples_by_hand(site: Site, given: model.Given, host: Host) -> bool:
    """Whether the team has stapling directives where ours would be: in `extra`, or in the server that includes the snippet."""
    if site.whole:
        return any(word in site.extra for word in STAPLING)
    return any(vhost.staples for vhost in host.vhosts if vhost.includes_file(given.options.snippet(site)))


def _http_files(given: model.Given, host: Host) -> list[dict[str, Any]]:
    """The files, as deploy takes them, that are there where something is stapled, or obtained by nginx."""
    obtains = bool(obtained(given.sites))
    resolver = " ".join([*host.nameservers, *([] if host.ipv6 else ["ipv6=off"])])
    wanted = host.nameservers and "resolver" not in host.settings and (obtains or given.options.stapling)
    files = {
        **({TRUSTED: {}} if given.options.stapling else {}),
        **({"resolver.conf": {"resolver": resolver, "always": obtains}} if wanted else {}),
    }
    return [{"dest": dest, "src": f"{dest}.j2", "vars": values, "optional": True} for dest, values in files.items()]


def _http2(host: Host) -> model.Directives:
    return [["http2", "on"]] if host.http2 and nginx_can("http2 on", host.version) else []


def _hsts(max_age: int | None, host: Host) -> model.Directives:
    if max_age is None:
        return []
    always = " always" if nginx_can("header always", host.version) else ""
    return [["add_header", f'Strict-Transport-Security "max-age={max_age}"{always}']]


def _as_lists(tls: TlsDirectives) -> model.Directives:
    return [list(directive) for directive in tls.directives]
