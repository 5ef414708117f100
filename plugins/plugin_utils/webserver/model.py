# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan is made from: the sites, the host, what the role's variables say, and how the server calls things."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.names import as_address
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.reader import (
    DEFAULT_PROFILE,
    Profile,
    read_profile,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.sites import Site, absolute_path, read_sites
from ansible_collections.fullchain.tls.plugins.plugin_utils.webserver.vhosts import Vhost

Directives = list[list[str]]


@dataclass(frozen=True)
class Dialect:
    """How a server calls things, for what is said to people. `include` is a format with the path in it.

    `sources` are where it can have certificates from, `shadowed` what it does with a name that another server has, too.
    """

    server: str
    role: str
    block: str
    name: str
    certificate: str
    include: str
    sources: tuple[str, ...] = ("certbot", "files")
    shadowed: str = "uses the first it reads"


@dataclass(frozen=True)
class Options:
    """What the role's variables say. `address` is where the controller finds this host, None to ask the names.

    acme_server, acme_server_ca (PEM text, empty for the host's own trust store) and email are for what the server obtains itself.
    """

    root: str
    drop_in: str
    webroot: str = "/var/lib/fullchain/webroot"
    install: str = "package"
    config_dir: str = "/etc/letsencrypt"
    profile: Any = DEFAULT_PROFILE
    hsts_max_age: int | None = None
    reject_unknown_names: bool = False
    stapling: bool = True
    address: str | None = None
    port: int = 443
    http_port: int = 80
    acme_server: str = "letsencrypt"
    acme_server_ca: str = ""
    email: str = ""

    @property
    def current(self) -> str:
        """Where the server finds what is deployed."""
        return f"{self.root}/current"

    @property
    def challenge(self) -> str:
        """The file that answers HTTP-01 challenges in whichever server includes it."""
        return f"{self.current}/snippets/challenge.conf"

    def snippet(self, site: Site) -> str:
        """The file that a team's own server includes to serve the site."""
        return f"{self.current}/snippets/{site.name}.conf"


@dataclass(frozen=True)
class Host:
    """What the server's info module found, as far as it is the same for every server."""

    vhosts: tuple[Vhost, ...]
    own: tuple[Vhost, ...]

    def claims(self, name: str, port: int) -> list[Vhost]:
        """The servers of others that answer `name` on `port`."""
        return [vhost for vhost in self.vhosts if vhost.on_port(port) and vhost.answers(name)]

    def serves(self, name: str) -> bool:
        """Tell whether a server of ours has `name` over TLS, as only a deploy that was verified leaves it."""
        return any(spelt(name) in vhost.names and vhost.tls_ports for vhost in self.own)


@dataclass(frozen=True)
class Given:
    """All of it for one host, read and checked."""

    sites: tuple[Site, ...]
    fleet: Profile
    host: Host
    options: Options
    dialect: Dialect

    @cached_property
    def whole(self) -> list[Site]:
        """The sites that get a server of their own."""
        return [site for site in self.sites if site.whole]

    @cached_property
    def by_address(self) -> list[Site]:
        """Those that only the default server of a port can serve: a client sends no IP address as server name (RFC 6066 section 3)."""
        return [site for site in self.whole if any(as_address(name) for name in site.names)]

    def profile(self, site: Site) -> Profile:
        """The TLS profile of a site: its own, or the fleet's."""
        return self.fleet if site.profile is None else read_profile(site.profile)

    def hsts(self, site: Site) -> int | None:
        """The max-age to send for a site; None for no header."""
        own, fleet = self.profile(site).hsts_max_age, self.options.hsts_max_age
        max_age = own if fleet is None else fleet
        return None if max_age is None or max_age < 0 else max_age


def read_given(value: Any, options: Options, host: Host, dialect: Dialect) -> Given:
    """Read the user's list of sites. Raises InputError for what can't be read, and for two sites by address."""
    sites = read_sites(value, dialect.sources)
    absolute_path(options.webroot, f"{dialect.role}_webroot")
    given = Given(sites, read_profile(options.profile), host, options, dialect)
    _refuse_two_by_address(given)
    return given


def refuse_missing(info: Mapping[str, Any], options: Options, dialect: Dialect) -> None:
    """Raise InputError when the server is not there and is not going to be."""
    if not info.get("installed") and options.install == "none":
        raise InputError(f"there is no {dialect.server} on this host, and {dialect.role}_install is 'none'")


def _refuse_two_by_address(given: Given) -> None:
    if len(given.by_address) > 1:
        first, second, *_more = given.by_address
        raise InputError(
            f"{second.label}: a client that asks for an IP address sends no server name, so a host can serve "
            f"one site by address, and {first.label} is one already"
        )


def default_wanted(given: Given) -> str | None:
    """Why a server of ours has to be the default of the TLS port, None when none has. Raises InputError for two reasons."""
    by_address, reject = given.by_address, given.options.reject_unknown_names
    if by_address and reject:
        raise InputError(
            f"{given.dialect.role}_reject_unknown_names can't be had: {by_address[0].label} is served by IP address, "
            "to clients that send no server name"
        )
    if by_address:
        return f"{by_address[0].label} is served by IP address"
    return f"{given.dialect.role}_reject_unknown_names is on" if reject else None


def spelt(name: str) -> str:
    """Return `name` as it stands in the Host header, where an IPv6 address has brackets."""
    return f"[{name}]" if ":" in name else name
