# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of sites that a fleet serves (``tls_sites``): read, checked, and handed on in the shapes others need."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.names import parse_server_name
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.reader import DEFAULT_PROFILE, read_profile
from ansible_collections.fullchain.tls.plugins.plugin_utils.values import is_list, kind, refuse_unknown_keys

SOURCES = ("certbot", "files", "server")
SITE_KEYS = ("name", "aliases", "certificate", "proxy_to", "root", "profile", "client_auth", "extra")
FILE_KEYS = ("fullchain", "cert", "chain", "privkey")
CERTIFICATE_KEYS = ("source", *FILE_KEYS)

# Characters that neither end a directive, open a block or a string, nor start a variable, in nginx and in Apache.
_PATH = re.compile(r"/[A-Za-z0-9._~/@%+,:=-]*")
_URL = re.compile(r"https?://[A-Za-z0-9\[][A-Za-z0-9._~:/?#\[\]@!&*+,=%-]*")


@dataclass(frozen=True)
class SiteCertificate:
    """Where a site's certificate comes from.

    ``source`` is one of `SOURCES`. The others are set for source ``files`` only: paths on the controller or PEM text.
    """

    source: str
    fullchain: str | None = field(default=None, repr=False)
    cert: str | None = field(default=None, repr=False)
    chain: str | None = field(default=None, repr=False)
    privkey: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Site:
    """One checked site. `profile` is what the user gave (a name or a mapping), None for the fleet's own."""

    label: str
    name: str
    aliases: tuple[str, ...]
    certificate: SiteCertificate
    proxy_to: str | None = None
    root: str | None = None
    profile: str | Mapping[str, Any] | None = None
    extra: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """All names, the certificate's first."""
        return (self.name, *self.aliases)

    @property
    def concrete_names(self) -> tuple[str, ...]:
        """The names that a client can ask for: all but wildcards."""
        return tuple(name for name in self.names if not name.startswith("*."))

    @property
    def whole(self) -> bool:
        """Whether the site gets a server block of its own, rather than a snippet for the team's."""
        return self.proxy_to is not None or self.root is not None


def read_sites(value: Any, sources: Sequence[str] = SOURCES) -> tuple[Site, ...]:
    """Check `value`, the list that a user wrote, and return its sites in the order given.

    `sources` are the certificate sources that the caller can serve. Raises InputError naming the site, the
    value and what was expected; the message never holds certificate or key text.
    """
    if not is_list(value):
        raise InputError(f"tls_sites must be a list of mappings, not {kind(value)}")
    sites = tuple(_read_site(position, item, sources) for position, item in enumerate(value))
    _refuse_shared_names(sites)
    return sites


def deployed_paths(site: Site, root: str, lineages: str) -> dict[str, str]:
    """Where the web server finds the site's chain and key on the host.

    `root` is the directory that holds ``current``, `lineages` certbot's ``live`` directory. Empty for source
    ``server``, whose files are the server's own affair.
    """
    paths = split_paths(site, root, lineages)
    return {f"{form}_path": paths[form] for form in ("fullchain", "privkey") if paths}


def split_paths(site: Site, root: str, lineages: str) -> dict[str, str]:
    """The same for every form that there is of them: fullchain, or cert and chain, and privkey."""
    directories = {"certbot": f"{lineages}/{site.name}", "files": f"{root}/current/certs/{site.name}"}
    directory = directories.get(site.certificate.source)
    return {form: f"{directory}/{form}.pem" for form in FILE_KEYS} if directory else {}


def normalise(site: Site, root: str, lineages: str, profile: Any = DEFAULT_PROFILE) -> dict[str, Any]:
    """Return the site as plain data for templates. It holds paths on the host, never PEM text.

    `profile` is the fleet's, for sites that have none of their own.
    """
    return {
        "name": site.name,
        "aliases": list(site.aliases),
        "names": list(site.names),
        "certificate": {"source": site.certificate.source, **deployed_paths(site, root, lineages)},
        "proxy_to": site.proxy_to,
        "root": site.root,
        "profile": profile if site.profile is None else site.profile,
        "extra": site.extra,
        "label": site.label,
    }


def delivered_certificates(
    sites: Iterable[Site], split: bool = False, reader: str | None = None
) -> list[dict[str, Any]]:
    """Return what `deploy` delivers: the ``certificates`` of the sites whose source is ``files``. Holds keys.

    split: the server takes the leaf and the rest from two files. reader: the user that the server runs as, with a group of
    that name, where it reads keys without being root.
    """
    readable = {"group": reader, "readable_by": [reader]} if reader else {}
    return [
        {
            "name": site.name,
            "server_names": list(site.names),
            **{key: value for key in FILE_KEYS if (value := getattr(site.certificate, key)) is not None},
            "source": site.label,
            **readable,
            **({"split": True} if split else {}),
        }
        for site in sites
        if site.certificate.source == "files"
    ]


def lineages_on_host(sites: Iterable[Site], lineages: str, split: bool = False) -> list[dict[str, Any]]:
    """Return what `deploy` reads and judges on the host: the ``lineages`` of the sites whose source is ``certbot``.

    split: the server takes the leaf and the rest from two files.
    """
    forms = ("cert", "chain", "privkey") if split else ("fullchain", "privkey")
    return [
        {
            "name": site.name,
            "server_names": list(site.names),
            **{form: f"{lineages}/{site.name}/{form}.pem" for form in forms},
        }
        for site in sites
        if site.certificate.source == "certbot"
    ]


def endpoint(name: str, port: int, address: str | None) -> dict[str, Any]:
    """Return `name` on `port` as `verify_tls` takes it, asked at `address` when there is one."""
    found: dict[str, Any] = {"host": name, "port": port, "server_name": name}
    if address:
        found["address"] = address
    return found


def site_endpoints(sites: Iterable[Site], address: str | None = None, port: int = 443) -> list[dict[str, Any]]:
    """Return one endpoint for each name of each site that a client can ask for (so none for wildcards)."""
    return [endpoint(name, port, address) for site in sites for name in site.concrete_names]


def _read_site(position: int, item: Any, sources: Sequence[str]) -> Site:
    label = f"tls_sites[{position}]"
    if not isinstance(item, Mapping):
        raise InputError(f"{label} must be a mapping with at least a name, not {kind(item)}")
    if not item.get("name"):
        raise InputError(f"{label}: name is missing (a hostname or an IP address)")
    name = _server_name(item["name"], "name", label)
    label = f"{label} ({name})"
    refuse_unknown_keys(item, SITE_KEYS, label)
    certificate = _read_certificate(item.get("certificate"), label, sources)
    site = Site(
        label=label,
        name=name,
        aliases=_read_aliases(item.get("aliases"), label, wildcard=certificate.source == "files"),
        certificate=certificate,
        proxy_to=_read_proxy_to(item.get("proxy_to"), label),
        root=_read_root(item.get("root"), label),
        profile=_read_profile(item.get("profile"), label),
        extra=_string(item.get("extra") or "", "extra", label),
    )
    _refuse_combinations(site, item)
    return site


def _refuse_combinations(site: Site, item: Mapping[str, Any]) -> None:
    if site.proxy_to and site.root:
        raise InputError(f"{site.label}: proxy_to and root exclude each other; give one, or neither for a snippet")
    if site.extra and not site.whole:
        raise InputError(
            f"{site.label}: extra needs proxy_to or root; without them only a snippet is written, "
            "and such directives belong beside its include"
        )
    if item.get("client_auth"):
        raise InputError(f"{site.label}: client_auth: mutual TLS is not supported by this version")


def _read_aliases(value: Any, label: str, wildcard: bool) -> tuple[str, ...]:
    if value is None:
        return ()
    if not is_list(value):
        raise InputError(f"{label}: aliases must be a list of names, not {kind(value)}")
    return tuple(_server_name(alias, f"aliases[{n}]", label, wildcard) for n, alias in enumerate(value))


def _server_name(value: Any, key: str, label: str, wildcard: bool = False) -> str:
    text = _string(value, key, label)
    if text.startswith("*.") and not wildcard:
        raise InputError(
            f"{label}: {key}: wildcard {text!r} can't be had here: "
            "only an alias of a site whose certificate.source is files may be a wildcard"
        )
    try:
        return parse_server_name(text, wildcard=wildcard)
    except InputError as error:
        raise InputError(f"{label}: {key}: {error}") from error


def _read_certificate(value: Any, label: str, sources: Sequence[str]) -> SiteCertificate:
    value = {} if value is None else value
    if not isinstance(value, Mapping):
        raise InputError(f"{label}: certificate must be a mapping with source, not {kind(value)}")
    refuse_unknown_keys(value, CERTIFICATE_KEYS, f"{label}: certificate")
    source = value.get("source", "certbot")
    if source not in SOURCES:
        raise InputError(f"{label}: certificate.source {source!r} is unknown (known: {', '.join(SOURCES)})")
    if source not in sources:
        left_out = "" if "source" in value else ", which it is when left out,"
        raise InputError(
            f"{label}: certificate.source {source!r}{left_out} is not supported here (supported: {', '.join(sources)})"
        )
    files = {key: value[key] for key in FILE_KEYS if value.get(key) is not None}
    if source != "files":
        if files:
            raise InputError(
                f"{label}: certificate.{next(iter(files))} needs certificate.source: files, not {source!r}"
            )
        return SiteCertificate(source)
    return _read_files(files, label)


def _read_files(files: Mapping[str, Any], label: str) -> SiteCertificate:
    for key, value in files.items():
        if not isinstance(value, str) or not value.strip():
            raise InputError(f"{label}: certificate.{key} must be a path on the controller or PEM text")
    if "fullchain" in files and ("cert" in files or "chain" in files):
        raise InputError(f"{label}: certificate: give fullchain, or cert and chain, not both")
    if "fullchain" not in files and not ("cert" in files and "chain" in files):
        raise InputError(f"{label}: certificate.source files needs fullchain, or cert and chain")
    if "privkey" not in files:
        raise InputError(f"{label}: certificate.source files needs privkey")
    return SiteCertificate("files", **files)


def _read_proxy_to(value: Any, label: str) -> str | None:
    if value is None or value == "":
        return None
    text = _string(value, "proxy_to", label)
    if not _URL.fullmatch(text):
        raise InputError(
            f"{label}: proxy_to {text!r} is not a URL such as http://127.0.0.1:8000 "
            "(http or https; no space, quote, ';', '{', '}' or '$')"
        )
    return text


def _read_root(value: Any, label: str) -> str | None:
    if value is None or value == "":
        return None
    return absolute_path(_string(value, "root", label), f"{label}: root")


def absolute_path(text: str, label: str) -> str:
    """The path, if it is one that a server's directive can take as it is. Raises InputError."""
    if not _PATH.fullmatch(text):
        raise InputError(
            f"{label} {text!r} is not an absolute path such as /srv/shop (no space, quote, ';', '{{', '}}' or '$')"
        )
    return text


def _read_profile(value: Any, label: str) -> str | Mapping[str, Any] | None:
    if value is None:
        return None
    try:
        read_profile(value)
    except InputError as error:
        raise InputError(f"{label}: {error}") from error
    return value if isinstance(value, str) else dict(value)


def _refuse_shared_names(sites: Iterable[Site]) -> None:
    owners: dict[str, Site] = {}
    for site in sites:
        for name in site.names:
            owner = owners.setdefault(name, site)
            if owner is not site:
                raise InputError(f"{site.label}: the name {name!r} is also in {owner.label}")
        if len(set(site.names)) < len(site.names):
            twice = next(name for name in site.names if site.names.count(name) > 1)
            raise InputError(f"{site.label}: the name {twice!r} is given twice")


def _string(value: Any, key: str, label: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"{label}: {key} must be a string, not {kind(value)}")
    return value
