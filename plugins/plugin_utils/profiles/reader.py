# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS profiles: Mozilla's guidelines, kept as JSON beside this file, and mappings of a user's own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.values import hint, is_list, refuse_unknown_keys

# The newest guideline that has a profile defines it: 6.0 dropped `old`, which 5.8 was the last to have.
GUIDELINES = ("mozilla-6.0.json", "mozilla-5.8.json")
PROTOCOLS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
DEFAULT_PROFILE = "intermediate"

# What OpenSSL's cipher strings, groups and suites are made of; nothing here can end a directive.
_WORD = re.compile(r"[A-Za-z0-9!+@=_.-]+")


@dataclass(frozen=True)
class Profile:
    """What a server is to offer, in OpenSSL's names.

    `ciphers` are those of TLS 1.2 and older, `ciphersuites` those of TLS 1.3 (empty: the library's own).
    `hsts_max_age` is in seconds; None leaves it to the caller.
    """

    name: str
    protocols: tuple[str, ...]
    groups: tuple[str, ...]
    ciphers: tuple[str, ...]
    prefer_server_order: bool
    ciphersuites: tuple[str, ...] = ()
    hsts_max_age: int | None = None


def profile_names() -> tuple[str, ...]:
    """The names a user can give, most secure first."""
    return tuple(_named())


def read_profile(value: Any) -> Profile:
    """Return the profile that `value` names, or that it describes as a mapping.

    A mapping changes the profile named by its key ``base`` (intermediate when left out) with any of protocols,
    groups, ciphers, ciphersuites, prefer_server_order and hsts_max_age. Raises InputError for an unknown name
    or key, or a value that isn't what the key takes.
    """
    if isinstance(value, Mapping):
        return _read_mapping(value)
    if isinstance(value, str) and value in _named():
        return _named()[value]
    known = profile_names()
    raise InputError(
        f"unknown profile {value!r}{hint(value, known)} (known: {', '.join(known)}, or a mapping of your own)"
    )


@cache
def _named() -> dict[str, Profile]:
    profiles: dict[str, Profile] = {}
    for file_name in GUIDELINES:
        guideline = json.loads((Path(__file__).parent / file_name).read_text(encoding="utf-8"))
        for name, data in guideline["profiles"].items():
            lists = {key: tuple(entry) for key, entry in data.items() if isinstance(entry, list)}
            profiles.setdefault(name, Profile(name=f"{name} of {guideline['guideline']}", **{**data, **lists}))
    return profiles


def _read_mapping(value: Mapping[Any, Any]) -> Profile:
    known = ("base", *(field.name for field in fields(Profile) if field.name != "name"))
    refuse_unknown_keys(value, known, "profile")
    base = read_profile(value.get("base", DEFAULT_PROFILE))
    changes = {key: _READERS[key](key, value[key]) for key in value if key != "base"}
    return replace(base, name=f"{base.name}, changed: {', '.join(changes)}" if changes else base.name, **changes)


def _read_protocols(key: str, value: Any) -> tuple[str, ...]:
    protocols = _read_words(key, value)
    unknown = [protocol for protocol in protocols if protocol not in PROTOCOLS]
    if unknown or not protocols:
        got = repr(unknown[0]) if unknown else "none"
        raise InputError(f"profile: {key} must be of {', '.join(PROTOCOLS)}, not {got}")
    return tuple(protocol for protocol in PROTOCOLS if protocol in protocols)


def _read_groups(key: str, value: Any) -> tuple[str, ...]:
    groups = _read_words(key, value)
    if not groups:
        raise InputError(f"profile: {key} must name at least one group, such as X25519")
    return groups


def _read_words(key: str, value: Any) -> tuple[str, ...]:
    if not is_list(value):
        raise InputError(f"profile: {key} must be a list, not {value!r}")
    for word in value:
        if not isinstance(word, str) or not _WORD.fullmatch(word):
            raise InputError(f"profile: {key} holds {word!r}, which is no name that OpenSSL could know")
    return tuple(value)


def _read_switch(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InputError(f"profile: {key} must be true or false, not {value!r}")
    return value


def _read_seconds(key: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"profile: {key} must be a number of seconds (negative: no header), not {value!r}")
    return value


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "protocols": _read_protocols,
    "groups": _read_groups,
    "ciphers": _read_words,
    "ciphersuites": _read_words,
    "prefer_server_order": _read_switch,
    "hsts_max_age": _read_seconds,
}
