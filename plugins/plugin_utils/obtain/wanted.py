# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wanted of certbot: the options of one run, and of each certificate."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.names import as_address, parse_server_name
from ansible_collections.fullchain.tls.plugins.plugin_utils.values import is_list, kind

# The ACME directories that have a short name.
SERVERS = {
    "letsencrypt": "https://acme-v02.api.letsencrypt.org/directory",
    "letsencrypt-staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
}

# Sizes in bits: what public CAs sign, and what certbot can make.
KEY_SIZES = {"rsa": (2048, 3072, 4096), "ecdsa": (256, 384, 521)}

_WINDOW = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(%?)\s*", re.ASCII)


@dataclass(frozen=True)
class Window:
    """How long before its end a certificate is renewed: a time, or a share of the certificate's own lifetime."""

    text: str
    left: timedelta | None = None
    share: float = 0.0

    def of(self, lifetime: timedelta) -> timedelta:
        """The window of a certificate that lives for `lifetime`."""
        return lifetime * self.share if self.left is None else self.left


DEFAULT_WINDOW = Window(text="33%", share=0.33)


@dataclass(frozen=True)
class Wanted:
    """One certificate as it should be.

    names: normalised, the certificate's first name first; key_size: bits, None when any will do; server: the URL of the
    ACME directory; preferred_chain: the common name of the issuer of the chain's last certificate, or None.
    """

    name: str
    names: tuple[str, ...]
    key_type: str
    key_size: int | None
    server: str
    window: Window
    preferred_chain: str | None = None

    @property
    def addresses(self) -> tuple[str, ...]:
        """Those of the names that are IP addresses."""
        return tuple(name for name in self.names if as_address(name) is not None)


def read_wanted(sites: Any, options: Mapping[str, Any]) -> tuple[Wanted, ...]:
    """The certificates that `sites` want from certbot, with the `options` of the action.

    Sites whose certificate.source is not `certbot` are left out. Raises InputError naming the site and the value.
    """
    if not is_list(sites):
        raise InputError(f"sites must be a list of mappings, not {kind(sites)}")
    shared = {
        "key_type": options["key_type"],
        "key_size": read_key_size(options["key_type"], options.get("key_size")),
        "server": read_server(options["server"]),
        "window": read_window(options["renew_within"]),
        "preferred_chain": options.get("preferred_chain") or None,
    }
    wanted = tuple(
        item
        for number, site in enumerate(sites)
        if _from_certbot(number, site)
        for item in _read_site(f"sites[{number}]", site, shared)
    )
    _refuse_twice(wanted)
    return wanted


def _from_certbot(number: int, site: Any) -> bool:
    if not isinstance(site, Mapping):
        raise InputError(f"sites[{number}] must be a mapping with at least a name, not {kind(site)}")
    certificate = site.get("certificate") or {}
    return not isinstance(certificate, Mapping) or certificate.get("source", "certbot") == "certbot"


def _read_site(label: str, site: Mapping[str, Any], shared: Mapping[str, Any]) -> Iterator[Wanted]:
    """A site's certificates: one for each of its certificate.key_types, the first with the site's name."""
    name = site.get("name")
    if not isinstance(name, str) or not name:
        raise InputError(f"{label}: name must be a string, not {'empty' if name == '' else kind(name)}")
    label = str(site.get("label") or f"{label} ({name})")  # a normalised site knows where the user wrote it
    names = site.get("names") or [name, *(site.get("aliases") or [])]
    if not is_list(names):
        raise InputError(f"{label}: names must be a list, not {kind(names)}")
    checked = tuple(dict.fromkeys(_read_name(label, value) for value in names))
    read = Wanted(name=_read_name(label, name), names=checked, **shared)
    first, *others = (site.get("certificate") or {}).get("key_types") or (read.key_type,)
    yield _of_kind(read, first)
    for key_type in others:
        yield replace(_of_kind(read, key_type), name=f"{read.name}-{key_type}")


def _of_kind(wanted: Wanted, key_type: str) -> Wanted:
    """The size that was asked for is that of the kind that it was asked for with."""
    return wanted if key_type == wanted.key_type else replace(wanted, key_type=key_type, key_size=None)


def _read_name(label: str, value: Any) -> str:
    if isinstance(value, str) and value.startswith("*."):
        raise InputError(
            f"{label}: {value!r} can't be had over the webroot: CAs give wildcards by DNS-01 only (expected each name "
            "itself, or a certificate of your own with source: files)"
        )
    try:
        return parse_server_name(value)
    except InputError as error:
        raise InputError(f"{label}: {error}") from None


def _refuse_twice(wanted: Iterable[Wanted]) -> None:
    seen: set[str] = set()
    for item in wanted:
        if item.name in seen:
            raise InputError(f"sites: two sites are named {item.name!r} (expected one, its other names as aliases)")
        seen.add(item.name)


def read_server(value: str) -> str:
    """The URL of an ACME directory, from a key of SERVERS or the URL itself. Raises InputError."""
    url = SERVERS.get(value, value)
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", url):
        raise InputError(f"server: {value!r} is no ACME directory (expected {', '.join(SERVERS)}, or an https:// URL)")
    return url


def read_binding(kid: str | None, hmac_key: str | None) -> tuple[str, str]:
    """Key identifier and HMAC key of an external account binding, without the newline that a vault leaves at their end.

    Both become a line of a configuration file. Raises InputError, never quoting the key, for what is not one word.
    """
    values = ((kid or "").strip(), (hmac_key or "").strip())
    for name, value in zip(("eab_kid", "eab_hmac_key"), values, strict=True):
        if any(character.isspace() or not character.isprintable() for character in value):
            raise InputError(f"{name}: one word is expected, and there is white space or a control character in it")
    return values


def read_key_size(key_type: str, value: int | None) -> int | None:
    """The size in bits, None when left to certbot. Raises InputError for one that the key type has not."""
    if value and value not in KEY_SIZES[key_type]:
        sizes = ", ".join(map(str, KEY_SIZES[key_type]))
        raise InputError(f"key_size: {value} is no size of an {key_type.upper()} key (expected {sizes})")
    return value or None


def read_window(value: str | int) -> Window:
    """`30` are days, `33%` is a share of the certificate's lifetime. Raises InputError."""
    text = str(value).strip()
    match = _WINDOW.fullmatch(text)
    if match is None:
        raise InputError(f"renew_within: {value!r} is neither days nor a percentage (expected e.g. 30 or 33%)")
    number = float(match[1])
    if match[2] and number >= 100:
        raise InputError(f"renew_within: {value!r} would renew at every run (expected less than 100%)")
    if not match[2] and number > 3650:
        raise InputError(f"renew_within: {value!r} days is longer than any certificate lives (expected e.g. 30 or 33%)")
    return (
        Window(text=text, share=number / 100) if match[2] else Window(text=f"{text} days", left=timedelta(days=number))
    )
