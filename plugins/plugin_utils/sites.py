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
KEY_TYPES = ("ecdsa", "rsa")
CERTIFICATE_KEYS = ("source", *FILE_KEYS, "key_types", *KEY_TYPES)

# Characters that neither end a directive, open a block or a string, nor start a variable, in nginx and in Apache.
_PATH = re.compile(r"/[A-Za-z0-9._~/@%+,:=-]*")
_URL = re.compile(r"https?://[A-Za-z0-9\[][A-Za-z0-9._~:/?#\[\]@!&*+,=%-]*")


@dataclass(frozen=True)
class SiteCertificate:
    """Where a site's certificates come from.

    ``source`` is one of `SOURCES`. key_types: the kinds of keys of a site that has several certificates, the first one's first; empty
    for the usual site. files: for source ``files`` alone, for each certificate the values of FILE_KEYS that are given, paths
    on the controller or PEM text.
    """

    source: str
    key_types: tuple[str, ...] = ()
    files: tuple[Mapping[str, str], ...] = field(default=(), repr=False)


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
    def certificates(self) -> tuple[tuple[str, str | None], ...]:
        """The name of each certificate, which is that of its lineage and directory, and the kind of its key where it has several.

        The first is named as the site, so that it stays what it is when a second kind is added.
        """
        first, *others = self.certificate.key_types or (None,)
        return ((self.name, first), *((f"{self.name}-{key_type}", key_type) for key_type in others))

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


def deployed_paths(site: Site, root: str, lineages: str) -> list[dict[str, str]]:
    """Where the web server finds the chain and the key of each of the site's certificates on the host.

    `root` is the directory that holds ``current``, `lineages` certbot's ``live`` directory. Empty for source
    ``server``, whose files are the server's own affair.
    """
    return [
        {f"{form}_path": paths[form] for form in ("fullchain", "privkey")}
        for paths in split_paths(site, root, lineages)
    ]


def split_paths(site: Site, root: str, lineages: str) -> list[dict[str, str]]:
    """The same for every form that there is of them: fullchain, or cert and chain, and privkey."""
    directory = {"certbot": lineages, "files": f"{root}/current/certs"}.get(site.certificate.source)
    if directory is None:
        return []
    return [{form: f"{directory}/{name}/{form}.pem" for form in FILE_KEYS} for name, _key_type in site.certificates]


def normalise(site: Site, root: str, lineages: str, profile: Any = DEFAULT_PROFILE) -> dict[str, Any]:
    """Return the site as plain data for templates. It holds paths on the host, never PEM text.

    `profile` is the fleet's, for sites that have none of their own. Of several certificates the first one's paths are told.
    """
    paths = deployed_paths(site, root, lineages)[:1]
    return {
        "name": site.name,
        "aliases": list(site.aliases),
        "names": list(site.names),
        "certificate": {
            "source": site.certificate.source,
            "key_types": list(site.certificate.key_types),
            **(paths[0] if paths else {}),
        },
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

    split: the server takes the leaf and the rest from two files. reader: the user that the server runs as, with a group of that
    name, where it reads keys without being root.
    """
    readable = {"group": reader, "readable_by": [reader]} if reader else {}
    return [
        {
            "name": name,
            "server_names": list(site.names),
            **files,
            "source": f"{site.label}, {key_type}" if key_type else site.label,
            **({"split": True} if split else {}),
            **readable,
        }
        for site in sites
        for (name, key_type), files in zip(site.certificates, site.certificate.files, strict=False)
    ]


def lineages_on_host(sites: Iterable[Site], lineages: str, split: bool = False) -> list[dict[str, Any]]:
    """Return what `deploy` reads and judges on the host: the ``lineages`` of the sites whose source is ``certbot``.

    split: the server takes the leaf and the rest from two files.
    """
    forms = ("cert", "chain", "privkey") if split else ("fullchain", "privkey")
    return [
        {
            "name": name,
            "server_names": list(site.names),
            **{form: f"{lineages}/{name}/{form}.pem" for form in forms},
        }
        for site in sites
        if site.certificate.source == "certbot"
        for name, _key_type in site.certificates
    ]


def endpoint(name: str, port: int, address: str | None) -> dict[str, Any]:
    """Return `name` on `port` as `verify_tls` takes it, asked at `address` when there is one."""
    found: dict[str, Any] = {"host": name, "port": port, "server_name": name}
    if address:
        found["address"] = address
    return found


def deployed_endpoints(site: Site, name: str, port: int, address: str | None) -> list[dict[str, Any]]:
    """Return the endpoints at which a deploy looks for `name`: one for each certificate that has to be served there.

    What the server obtains itself is known by nothing but its being sound.
    """
    found = endpoint(name, port, address)
    if site.certificate.source == "server":
        return [{**found, "obtained": True}]
    return [
        {**found, **({"key_types": [key_type]} if key_type else {}), "certificate": certificate}
        for certificate, key_type in site.certificates
    ]


def refuse_unseen_kinds(site: Site, protocols: Iterable[str]) -> None:
    """Raise InputError for a site with several certificates of which only one could be looked at after a deploy.

    In TLS 1.3 the kind of key is chosen by signature algorithms, which the verifier can't choose; up to 1.2 by the cipher.
    """
    if not set(protocols) - {"TLSv1.3"}:
        raise InputError(
            f"{site.label}: certificates of two kinds need a profile with TLS 1.2 (with TLS 1.3 alone, such as in modern, each "
            "client takes the ECDSA one, and the other could not be verified)"
        )


def site_endpoints(sites: Iterable[Site], address: str | None = None, port: int = 443) -> list[dict[str, Any]]:
    """Return one endpoint for each name of each site that a client can ask for (so none for wildcards).

    It asks for each kind of key where the site has several.
    """
    return [
        {
            **endpoint(name, port, address),
            **({"key_types": list(site.certificate.key_types)} if site.certificate.key_types else {}),
        }
        for site in sites
        for name in site.concrete_names
    ]


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
    given = {key: value[key] for key in (*FILE_KEYS, *KEY_TYPES) if value.get(key) is not None}
    if source == "files":
        if value.get("key_types") is not None:
            raise InputError(f"{label}: certificate.key_types is for source certbot; files are given as ecdsa and rsa")
        return _read_files(given, label)
    if given:
        raise InputError(f"{label}: certificate.{next(iter(given))} needs certificate.source: files, not {source!r}")
    return SiteCertificate(source, _read_key_types(value.get("key_types"), source, label))


def _read_key_types(value: Any, source: str, label: str) -> tuple[str, ...]:
    """The kinds, in the order given; one alone is no choice of a site's, but certbot_key_type's."""
    if value is None:
        return ()
    if source != "certbot":
        raise InputError(f"{label}: certificate.key_types needs certificate.source: certbot, not {source!r}")
    if not is_list(value) or sorted(map(str, value)) != sorted(KEY_TYPES):
        raise InputError(
            f"{label}: certificate.key_types {value!r} is not known (expected [ecdsa, rsa] for a certificate of each; the kind of a "
            "single one is certbot_key_type)"
        )
    return tuple(value)


def _read_files(given: Mapping[str, Any], label: str) -> SiteCertificate:
    """The files of one certificate, or of one for each kind of key."""
    kinds = tuple(key for key in KEY_TYPES if key in given)
    if not kinds:
        return SiteCertificate("files", files=(_read_pair(given, f"{label}: certificate"),))
    if len(given) != len(KEY_TYPES) or kinds != KEY_TYPES:
        raise InputError(
            f"{label}: certificate: give both ecdsa and rsa, each a mapping with fullchain and privkey, and nothing beside them; "
            "or fullchain and privkey of a single certificate"
        )
    files = []
    for kind_of_key in kinds:
        pair = given[kind_of_key]
        called = f"{label}: certificate.{kind_of_key}"
        if not isinstance(pair, Mapping):
            raise InputError(f"{called} must be a mapping with fullchain and privkey, not {kind(pair)}")
        refuse_unknown_keys(pair, FILE_KEYS, called)
        files.append(_read_pair({key: value for key, value in pair.items() if value is not None}, called))
    return SiteCertificate("files", kinds, tuple(files))


def _read_pair(files: Mapping[str, Any], called: str) -> dict[str, str]:
    for key, value in files.items():
        if not isinstance(value, str) or not value.strip():
            raise InputError(f"{called}.{key} must be a path on the controller or PEM text")
    if "fullchain" in files and ("cert" in files or "chain" in files):
        raise InputError(f"{called}: give fullchain, or cert and chain, not both")
    if "fullchain" not in files and not ("cert" in files and "chain" in files):
        raise InputError(f"{called}: needs fullchain, or cert and chain")
    if "privkey" not in files:
        raise InputError(f"{called}: needs privkey")
    return {key: files[key] for key in FILE_KEYS if key in files}


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
