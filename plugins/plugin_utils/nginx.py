# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nginx on one host is to be given: every value of the templates, computed from the sites and from the host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.nginx_vhosts import Vhost, hash_settings, read_vhost
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.names import as_address
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.nginx import (
    NginxTls,
    Version,
    nginx_can,
    nginx_tls,
    parse_version,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.reader import (
    DEFAULT_PROFILE,
    Profile,
    read_profile,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.sites import (
    Site,
    absolute_path,
    deployed_endpoints,
    deployed_paths,
    read_sites,
    refuse_unseen_kinds,
)

SOURCES = ("certbot", "files")
DEFAULT_SERVER = "default_server"
Directives = list[list[str]]


@dataclass(frozen=True)
class Options:
    """What the role's variables say. `address` is where the controller finds this host, None to ask the names."""

    root: str = "/etc/nginx/fullchain"
    drop_in: str = "/etc/nginx/conf.d/fullchain.conf"
    webroot: str = "/var/lib/fullchain/webroot"
    install: str = "package"
    config_dir: str = "/etc/letsencrypt"
    profile: Any = DEFAULT_PROFILE
    hsts_max_age: int | None = None
    reject_unknown_names: bool = False
    address: str | None = None


@dataclass(frozen=True)
class Host:
    """What `nginx_info` found. A host without nginx (check mode) is taken for one with the newest."""

    version: Version
    openssl: Version
    http2: bool
    ipv6: bool
    vhosts: tuple[Vhost, ...]
    own: tuple[Vhost, ...]
    settings: Mapping[str, str]

    def listen(self, port: int, *parameters: str) -> list[str]:
        """The arguments of a server's listen directives, one for IPv4 and, where the host has it, one for IPv6."""
        addresses = [str(port), *([f"[::]:{port}"] if self.ipv6 else [])]
        return [" ".join((address, *parameters)) for address in addresses]

    def listen_tls(self, *parameters: str) -> list[str]:
        """Like `listen`, for TLS on port 443, with HTTP/2 where nginx takes that there."""
        in_listen = self.http2 and not nginx_can("http2 on", self.version) and nginx_can("listen http2", self.version)
        return self.listen(443, "ssl", *(["http2"] if in_listen else []), *parameters)


def plan(value: Any, info: Mapping[str, Any], options: Options) -> dict[str, Any]:
    """Return what the role's templates are given, by template; see `for_role` for its tasks.

    `value` is the user's list of sites, `info` the result of `nginx_info`. The keys of the result: http, sites,
    snippets, reject (each for the template of that name), endpoints (for deploy), notes (what is left to a person).
    challenge is http until the certificates are there, with notes of its own: challenge_notes.
    webroot is the option again, for the first task that writes: whatever is wrong shows before that.
    Raises InputError for sites that can't be read, and for what this host's nginx can't do.
    """
    sites = read_sites(value, SOURCES)
    fleet = read_profile(options.profile)
    absolute_path(options.webroot, "nginx_webroot")
    _refuse_host(info, options)
    host = _read_host(info)
    whole = [site for site in sites if site.whole]
    _refuse_defaults(whole, host, options)
    return {
        "http": _http(sites, host, options),
        "challenge": _challenge(sites, host, options),
        "challenge_notes": _challenge_notes(sites, host, options),
        "sites": [_site(site, fleet, host, options) for site in whole],
        "snippets": [_snippet(site, fleet, host, options) for site in sites if not site.whole],
        "reject": [_reject(fleet, host)] if options.reject_unknown_names else [],
        "endpoints": _endpoints(sites, host, options),
        "notes": [*_unreadable(info), *_notes(sites, fleet, host, options)],
        "webroot": options.webroot,
    }


def for_role(planned: Mapping[str, Any], root: str) -> dict[str, Any]:
    """Return the plan as the role's tasks take it: what `deploy` is given, each by one key.

    Role variables are lazy. Every mention of one has the sites rendered and planned anew, with a hundred sites in a tenth of a second.
    """
    challenge = {"dest": "snippets/challenge.conf", "src": "challenge.conf.j2", "vars": {"webroot": planned["webroot"]}}
    return {
        "challenge_files": [_port_80(planned["challenge"], root), challenge],
        "files": [
            _port_80(planned["http"], root),
            challenge,
            {"dest": "sites/{name}.conf", "src": "site.conf.j2", "each": planned["sites"]},
            {"dest": "snippets/{name}.conf", "src": "snippet.conf.j2", "each": planned["snippets"]},
            {"dest": "{name}.conf", "src": "default.conf.j2", "each": planned["reject"]},
        ],
        **{key: planned[key] for key in ("endpoints", "notes", "challenge_notes", "webroot")},
    }


def _port_80(http: Mapping[str, Any], root: str) -> dict[str, Any]:
    return {"dest": "http.conf", "src": "http.conf.j2", "vars": {"http": http, "root": root}}


def _refuse_host(info: Mapping[str, Any], options: Options) -> None:
    if not info.get("installed"):
        if options.install == "none":
            raise InputError("there is no nginx on this host, and nginx_install is 'none'")
        return
    if not info.get("tls_library"):
        raise InputError(f"nginx {info.get('version')} on this host is built without TLS (http_ssl_module)")
    if not info.get("drop_in_read"):
        raise InputError(
            f"{info.get('conf_path')} doesn't include {options.drop_in} in its http block; "
            f"add `include {options.drop_in.rpartition('/')[0]}/*.conf;` there"
        )


def _unreadable(info: Mapping[str, Any]) -> list[str]:
    return [f"{item['file']} was not looked into: {item['reason']}" for item in info.get("unreadable", ())]


def _read_host(info: Mapping[str, Any]) -> Host:
    installed = bool(info.get("installed"))
    # A library that imitates OpenSSL 1.1.1 (LibreSSL, BoringSSL) has no OpenSSL version.
    openssl = info.get("openssl") or ("1.1.1" if installed else None)
    return Host(
        version=parse_version(info.get("version")),
        openssl=parse_version(openssl),
        http2=not installed or "http_v2" in info.get("modules", ()),
        ipv6=bool(info.get("ipv6")),
        vhosts=tuple(read_vhost(server) for server in info.get("servers", ())),
        own=tuple(read_vhost(server) for server in info.get("own_servers", ())),
        settings=info.get("settings", {}),
    )


def _http(sites: Sequence[Site], host: Host, options: Options) -> dict[str, Any]:
    """Port 80 when every certificate is there. A snippet that nothing includes yet has its certificate, but no HTTPS."""
    names = [name for site in sites for name in _names_on_port_80(site, host)]
    whole = [name for site in sites if site.whole for name in site.names]
    waiting = [
        name
        for site in sites
        if not site.whole
        for name in _names_on_port_80(site, host)
        if 443 not in _ports_with_snippet(site, name, host, options)
    ]
    return {
        "listen": host.listen(80),
        "names": [server_name(name) for name in names if name not in waiting],
        "waiting": [server_name(name) for name in waiting],
        "redirect": 308 if nginx_can("redirect 308", host.version) else 301,
        "settings": hash_settings([server_name(name) for name in [*names, *whole]], host.settings),
    }


def _challenge(sites: Sequence[Site], host: Host, options: Options) -> dict[str, Any]:
    """Port 80 before the CA has been asked, which may refuse: what works over HTTP until then has to go on working.

    Only what we serve over TLS already is redirected. Of the other names, those that another server has stay with
    it, and those that certbot needs wait. Once all are served over TLS this is `_http`.
    """
    http = _http(sites, host, options)
    new = [(site, name) for site in sites if site.whole for name in site.names if not _served(name, host)]
    certbot = [name for site, name in new if site.certificate.source == "certbot" and not _claims(host, name, 80)]
    left = {server_name(name) for _site, name in new}
    return {
        **http,
        "names": [name for name in http["names"] if name not in left],
        "waiting": [*http["waiting"], *map(server_name, certbot)],
    }


def _served(name: str, host: Host) -> bool:
    """Tell whether a server of ours has `name` over TLS, as only a deploy that was verified leaves it."""
    return any(server_name(name) in vhost.names and vhost.tls_ports for vhost in host.own)


def _names_on_port_80(site: Site, host: Host) -> tuple[str, ...]:
    """The names to answer on port 80: of a snippet's site only those that certbot needs and no other server has."""
    if site.whole:
        return site.names
    if site.certificate.source != "certbot":
        return ()
    return tuple(name for name in site.names if not _claims(host, name, 80))


def _claims(host: Host, name: str, port: int) -> list[Vhost]:
    return [vhost for vhost in host.vhosts if vhost.on_port(port) and vhost.answers(name)]


def _site(site: Site, fleet: Profile, host: Host, options: Options) -> dict[str, Any]:
    profile = _profile(site, fleet)
    tls = nginx_tls(profile, host.version, host.openssl)
    # Only the default server of an address sees a client that sends no server name (RFC 6066 section 3: an IP address).
    default = [DEFAULT_SERVER] if _has_address(site) else []
    return {
        "name": site.name,
        "listen": host.listen_tls(*default),
        "server_names": " ".join(server_name(name) for name in site.names),
        "directives": [
            *_http2(host),
            *_certificate(site, tls, host, options),
            *_as_lists(tls),
            *_hsts(profile, host, options),
        ],
        "left_out": list(tls.notes),
        "proxy_to": site.proxy_to,
        "root": site.root,
        "extra": site.extra.strip("\n"),
    }


def _snippet(site: Site, fleet: Profile, host: Host, options: Options) -> dict[str, Any]:
    tls = nginx_tls(_profile(site, fleet), host.version, host.openssl)
    return {
        "name": site.name,
        "directives": [*_certificate(site, tls, host, options), *_as_lists(tls)],
        "left_out": list(tls.notes),
    }


def _reject(fleet: Profile, host: Host) -> dict[str, Any]:
    tls = nginx_tls(fleet, host.version, host.openssl)
    by_directive = nginx_can("reject handshake", host.version)
    return {
        "name": "default",
        "listen": host.listen_tls(DEFAULT_SERVER),
        "by_directive": by_directive,
        "directives": [*_http2(host), *_as_lists(tls)],
    }


def _refuse_defaults(whole: Sequence[Site], host: Host, options: Options) -> None:
    """Raise InputError when two servers would have to be the default server of port 443."""
    by_address = [site for site in whole if _has_address(site)]
    if len(by_address) > 1:
        raise InputError(
            f"{by_address[1].label}: a client that asks for an IP address sends no server name, so a host can serve "
            f"one site by address, and {by_address[0].label} is one already"
        )
    reason = f"{by_address[0].label} is served by IP address" if by_address else None
    if options.reject_unknown_names:
        if reason:
            raise InputError(f"nginx_reject_unknown_names can't be had: {reason}, to clients that send no server name")
        if not nginx_can("certificate from a variable", host.version):
            raise InputError("nginx_reject_unknown_names needs nginx 1.15.10 or newer")
        reason = "nginx_reject_unknown_names is on"
    for vhost in host.vhosts:
        if reason and vhost.default_on(443):
            raise InputError(f"{reason}, which needs the default server of port 443: {vhost.file} has one already")


def _endpoints(sites: Iterable[Site], host: Host, options: Options) -> list[dict[str, Any]]:
    return [
        found
        for site in sites
        for name in site.concrete_names
        for port in ([443] if site.whole else _ports_with_snippet(site, name, host, options))
        for found in deployed_endpoints(site, name, port, options.address)
    ]


def _ports_with_snippet(site: Site, name: str, host: Host, options: Options) -> list[int]:
    """The port on which a server outside of ours serves `name` with the site's snippet; none while none does."""
    ports = [
        port
        for vhost in host.vhosts
        if vhost.answers(name) and vhost.includes_file(snippet_path(site, options))
        for port in vhost.tls_ports
    ]
    return [443] if 443 in ports else ports[:1]


def snippet_path(site: Site, options: Options) -> str:
    """The file that a team's own server block includes to serve the site."""
    return f"{options.root}/current/snippets/{site.name}.conf"


def _notes(sites: Sequence[Site], fleet: Profile, host: Host, options: Options) -> list[str]:
    notes = [note for site in sites for note in _site_notes(site, host, options)]
    notes.extend(_narrow_listens(host))
    notes.extend(_default_servers(sites, fleet, host, options))
    return notes


def _site_notes(site: Site, host: Host, options: Options) -> list[str]:
    notes = []
    if not site.whole and not any(_ports_with_snippet(site, name, host, options) for name in site.concrete_names):
        notes.append(
            f"{site.label} is not verified: no server block for it includes its snippet; "
            f"add `include {snippet_path(site, options)};` to the one that serves it"
        )
    for name in site.names:
        notes.extend(_name_notes(site, name, host, options))
    return notes


def _name_notes(site: Site, name: str, host: Host, options: Options) -> list[str]:
    if site.whole:
        return [
            f"{site.label}: server_name {name} on port {port} is in {vhost.file} too; nginx uses the first it reads"
            for port in (80, 443)
            for vhost in _claims(host, name, port)
            if name in vhost.names
        ]
    return _without_challenge(site, name, host, options)


def _challenge_notes(sites: Sequence[Site], host: Host, options: Options) -> list[str]:
    """The servers of others that have to answer challenges for the CA to issue."""
    return [
        note
        for site in sites
        for name in site.names
        if not (site.whole and _served(name, host))
        for note in _without_challenge(site, name, host, options)
    ]


def _without_challenge(site: Site, name: str, host: Host, options: Options) -> list[str]:
    challenge = f"{options.root}/current/snippets/challenge.conf"
    return [
        f"{site.label}: {vhost.file} has the server for {name} on port 80; "
        f"add `include {challenge};` to it, or no ACME challenge is answered"
        for vhost in _claims(host, name, 80)
        if site.certificate.source == "certbot" and not vhost.includes_file(challenge)
    ]


def _narrow_listens(host: Host) -> list[str]:
    narrow = {(vhost.file, socket) for vhost in host.vhosts for socket in vhost.narrow_sockets((80, 443))}
    return [
        f"{file} listens on {address}:{port}; what comes in there never reaches the servers that listen on *:{port}"
        for file, (address, port) in sorted(narrow)
    ]


def _default_servers(sites: Iterable[Site], fleet: Profile, host: Host, options: Options) -> list[str]:
    """One note when sites ask for different values of what nginx takes from the default server of an address.

    Seen on 1.18, 1.22 and 1.26, for ssl_protocols documented: https://nginx.org/en/docs/http/ngx_http_ssl_module.html
    """
    if nginx_can("own protocols", host.version):
        return []
    wanted = {site.name: _of_default_server(_profile(site, fleet), host) for site in sites}
    if options.reject_unknown_names:
        wanted["nginx_reject_unknown_names"] = _of_default_server(fleet, host)
    if len(set(wanted.values())) < 2:
        return []
    listed = "; ".join(f"{name}: {value}" for name, value in wanted.items())
    note = (
        "nginx before 1.29.2 takes ssl_protocols and ssl_ecdh_curve of all sites on an address from its default server "
        f"(the first that it reads, or the one marked default_server), and these differ: {listed}"
    )
    return [note]


def _of_default_server(profile: Profile, host: Host) -> str:
    directives = dict(nginx_tls(profile, host.version, host.openssl).directives)
    return f"{directives['ssl_protocols']}, {directives['ssl_ecdh_curve']}"


def _profile(site: Site, fleet: Profile) -> Profile:
    return fleet if site.profile is None else read_profile(site.profile)


def _certificate(site: Site, tls: NginxTls, host: Host, options: Options) -> Directives:
    if site.certificate.key_types:
        if not nginx_can("several certificates", host.version):
            raise InputError(f"{site.label}: certificates of two kinds need nginx 1.11 or newer")
        refuse_unseen_kinds(site, tls.protocols)
    return [
        [directive, paths[key]]
        for paths in deployed_paths(site, options.root, f"{options.config_dir}/live")
        for directive, key in (("ssl_certificate", "fullchain_path"), ("ssl_certificate_key", "privkey_path"))
    ]


def _http2(host: Host) -> Directives:
    return [["http2", "on"]] if host.http2 and nginx_can("http2 on", host.version) else []


def _hsts(profile: Profile, host: Host, options: Options) -> Directives:
    max_age = profile.hsts_max_age if options.hsts_max_age is None else options.hsts_max_age
    if max_age is None or max_age < 0:
        return []
    always = " always" if nginx_can("header always", host.version) else ""
    return [["add_header", f'Strict-Transport-Security "max-age={max_age}"{always}']]


def _as_lists(tls: NginxTls) -> Directives:
    return [list(directive) for directive in tls.directives]


def _has_address(site: Site) -> bool:
    return any(as_address(name) for name in site.names)


def server_name(name: str) -> str:
    """Return `name` as server_name takes it: an IPv6 address has the brackets that it has in the Host header."""
    return f"[{name}]" if ":" in name else name
