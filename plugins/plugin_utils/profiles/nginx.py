# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A TLS profile in nginx's directives, as far as the installed nginx and the OpenSSL it runs with can follow."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.directives import TlsDirectives
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.openssl import (
    OPENSSL_SINCE,
    Version,
    cipher_string,
    known_groups,
    version_text,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.reader import Profile

# nginx's CHANGES, by feature: the first version that has it.
NGINX_SINCE: dict[str, Version] = {
    "header always": (1, 7, 5),
    "listen http2": (1, 9, 5),
    "several groups": (1, 11, 0),
    "several certificates": (1, 11, 0),  # an RSA and an ECDSA one
    "redirect 308": (1, 13, 0),
    "TLSv1.3": (1, 13, 0),
    "certificate from a variable": (1, 15, 10),  # `data:` with variables; from a file 1.15.9
    "reject handshake": (1, 19, 4),
    "conf command": (1, 19, 4),
    "rotated ticket keys": (1, 23, 2),  # before, one ticket key for as long as nginx runs
    "http2 on": (1, 25, 1),
    "certificate cache": (1, 27, 4),
    "own protocols": (1, 29, 2),  # before, ssl_protocols of a name-based server are the default server's
}


def nginx_can(feature: str, version: Version) -> bool:
    """Tell whether nginx `version` has `feature`, a key of `NGINX_SINCE`."""
    return version >= NGINX_SINCE[feature]


@cache  # a hundred sites of a host have one profile
def nginx_tls(profile: Profile, version: Version, openssl: Version) -> TlsDirectives:
    """Return the directives of `profile` for an nginx `version` that runs with `openssl`.

    Raises InputError when this nginx has none of the protocols the profile asks for.
    """
    notes: list[str] = []
    protocols = _protocols(profile, version, openssl, notes)
    directives = [
        ("ssl_protocols", " ".join(protocols)),
        ("ssl_ecdh_curve", _groups(profile, version, openssl, notes)),
        *_ciphers(profile, protocols, openssl),
        *_ciphersuites(profile, protocols, version, notes),
        ("ssl_prefer_server_ciphers", "on" if profile.prefer_server_order else "off"),
        ("ssl_session_timeout", "1d"),
        ("ssl_session_cache", "shared:fullchain:10m"),
    ]
    if not nginx_can("rotated ticket keys", version):
        directives.append(("ssl_session_tickets", "off"))
    return TlsDirectives(protocols, tuple(directives), tuple(notes))


def _protocols(profile: Profile, version: Version, openssl: Version, notes: list[str]) -> tuple[str, ...]:
    if nginx_can("TLSv1.3", version) and openssl >= OPENSSL_SINCE["TLSv1.3"]:
        return profile.protocols
    left = tuple(protocol for protocol in profile.protocols if protocol != "TLSv1.3")
    if not left:
        raise InputError(
            f"profile {profile.name} wants TLSv1.3 alone, which needs nginx 1.13 and OpenSSL 1.1.1; "
            f"here are nginx {version_text(version)} and OpenSSL {version_text(openssl)}"
        )
    if left != profile.protocols:
        notes.append(
            f"TLSv1.3 (nginx 1.13 and OpenSSL 1.1.1 or newer; here {version_text(version)} and {version_text(openssl)})"
        )
    return left


def _groups(profile: Profile, version: Version, openssl: Version, notes: list[str]) -> str:
    groups = known_groups(profile, openssl, notes)
    if nginx_can("several groups", version) and openssl >= OPENSSL_SINCE["several groups"]:
        return ":".join(groups)
    if len(groups) > 1:
        notes.append(f"{', '.join(groups[1:])} (nginx 1.11 and OpenSSL 1.0.2 or newer take more than one group)")
    return groups[0]


def _ciphers(profile: Profile, protocols: Iterable[str], openssl: Version) -> list[tuple[str, str]]:
    ciphers = cipher_string(profile, protocols, openssl)
    return [("ssl_ciphers", ciphers)] if ciphers else []


def _ciphersuites(
    profile: Profile, protocols: Iterable[str], version: Version, notes: list[str]
) -> list[tuple[str, str]]:
    if not profile.ciphersuites or "TLSv1.3" not in protocols:
        return []
    if not nginx_can("conf command", version):
        notes.append(f"ciphersuites (ssl_conf_command, nginx 1.19.4 or newer; here {version_text(version)})")
        return []
    return [("ssl_conf_command", f"Ciphersuites {':'.join(profile.ciphersuites)}")]
