# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What OpenSSL's version decides of a TLS profile, whichever server it runs in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.reader import Profile

Version = tuple[int, ...]

# OpenSSL's CHANGES. A name that the library doesn't know fails the server's configuration test, or its start.
OPENSSL_SINCE: dict[str, Version] = {
    "several groups": (1, 0, 2),
    "X25519": (1, 1, 0),
    "X448": (1, 1, 1),
    "TLSv1.2": (1, 0, 1),
    "TLSv1.3": (1, 1, 1),
    "security level": (1, 1, 0),
    "X25519MLKEM768": (3, 5),
    "SecP256r1MLKEM768": (3, 5),
    "SecP384r1MLKEM1024": (3, 5),
}
# The newest there is: what a host without the server is assumed to get when a check mode run asks.
NEWEST: Version = (999,)


def parse_version(text: str | None) -> Version:
    """Return ``1.22.1`` (or OpenSSL's ``1.1.1w``, ``3.5.0-dev``) as numbers; None and "" are the newest."""
    if not text:
        return NEWEST
    found = re.match(r"\d+(?:\.\d+)*", text)
    if found is None:
        raise InputError(f"{text!r} is not a version such as 1.22.1")
    return tuple(int(part) for part in found.group().split("."))


def openssl_of(info: Mapping[str, Any]) -> Version:
    """The version that a server runs with, from the result of its info module; the newest where it is not installed.

    Where the library does not tell, or only imitates OpenSSL (LibreSSL, BoringSSL), it is 1.1.1: something newer might be refused.
    """
    return parse_version(info.get("openssl") or ("1.1.1" if info.get("installed") else None))


def version_text(version: Version) -> str:
    """The version as people write it."""
    return ".".join(str(part) for part in version)


def known_groups(profile: Profile, openssl: Version, notes: list[str]) -> list[str]:
    """The groups of the profile that OpenSSL has. Raises InputError when there is none; the others go to `notes`."""

    def known(group: str) -> bool:
        return openssl >= OPENSSL_SINCE.get(group, (0,))

    for group in profile.groups:
        if not known(group):
            notes.append(
                f"{group} (OpenSSL {version_text(OPENSSL_SINCE[group])} or newer; here {version_text(openssl)})"
            )
    groups = [group for group in profile.groups if known(group)]
    if not groups:
        raise InputError(
            f"profile {profile.name}: OpenSSL {version_text(openssl)} has none of {', '.join(profile.groups)}"
        )
    return groups


def cipher_string(profile: Profile, protocols: Iterable[str], openssl: Version) -> str:
    """The ciphers of TLS 1.2 and older in OpenSSL's syntax; empty when no such protocol is offered."""
    if set(protocols) <= {"TLSv1.3"} or not profile.ciphers:
        return ""
    # TLS 1.0 and 1.1 sign with SHA-1, which OpenSSL 3 refuses from level 1 on and Debian (level 2) in 1.1.1.
    old = bool({"TLSv1", "TLSv1.1"} & set(protocols)) and openssl >= OPENSSL_SINCE["security level"]
    return ":".join([*(["@SECLEVEL=0"] if old else []), *profile.ciphers])
