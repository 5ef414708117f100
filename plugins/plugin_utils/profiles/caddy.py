# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A TLS profile in Caddy's words, as far as the installed Caddy and Go's TLS in it can follow."""

from __future__ import annotations

from functools import cache

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.directives import TlsDirectives
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.openssl import Version, version_text
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.reader import Profile

PROTOCOLS = {"TLSv1.2": "tls1.2", "TLSv1.3": "tls1.3"}
# A name that Caddy doesn't know fails its test. The version is the first that knows it.
GROUPS: dict[str, tuple[str, Version]] = {
    "X25519MLKEM768": ("x25519mlkem768", (2, 10)),
    "X25519": ("x25519", (2, 0)),
    "prime256v1": ("secp256r1", (2, 0)),
    "secp384r1": ("secp384r1", (2, 0)),
    "secp521r1": ("secp521r1", (2, 0)),
}
# Go's secure ones and, from TLS 1.0, those that it keeps for old clients; none that has Diffie-Hellman of finite fields.
CIPHERS = {
    f"{openssl}-{name}": f"TLS_{iana}_WITH_{suite}"
    for openssl, iana in (("ECDHE-ECDSA", "ECDHE_ECDSA"), ("ECDHE-RSA", "ECDHE_RSA"))
    for name, suite in (
        ("AES128-GCM-SHA256", "AES_128_GCM_SHA256"),
        ("AES256-GCM-SHA384", "AES_256_GCM_SHA384"),
        ("CHACHA20-POLY1305", "CHACHA20_POLY1305_SHA256"),
        ("AES128-SHA", "AES_128_CBC_SHA"),
        ("AES256-SHA", "AES_256_CBC_SHA"),
    )
}


@cache  # a hundred sites of a host have one profile
def caddy_tls(profile: Profile, version: Version) -> TlsDirectives:
    """Return what a Caddy of `version` takes of the profile. Raises InputError when it has none of the protocols or groups."""
    notes: list[str] = []
    protocols = _protocols(profile, notes)
    directives = [
        # the lowest and the highest: of the two that Caddy has, nothing can be missing between them
        ("protocols", f"{PROTOCOLS[protocols[0]]} {PROTOCOLS[protocols[-1]]}"),
        ("curves", " ".join(_groups(profile, version, notes))),
    ]
    ciphers = _ciphers(profile, notes) if "TLSv1.2" in protocols else []
    if ciphers:
        directives.append(("ciphers", " ".join(ciphers)))
    if profile.ciphersuites and "TLSv1.3" in protocols:
        notes.append("ciphersuites (Caddy leaves those of TLS 1.3 to Go)")
    if profile.prefer_server_order:
        notes.append("the server's order of ciphers (Go has its own)")
    return TlsDirectives(protocols, tuple(directives), tuple(notes))


def _protocols(profile: Profile, notes: list[str]) -> tuple[str, ...]:
    found = tuple(protocol for protocol in profile.protocols if protocol in PROTOCOLS)
    if not found:
        raise InputError(
            f"profile {profile.name} has none of {', '.join(PROTOCOLS)}, and Caddy speaks nothing older than TLSv1.2"
        )
    older = [protocol for protocol in profile.protocols if protocol not in PROTOCOLS]
    if older:
        notes.append(f"{', '.join(older)} (Caddy speaks nothing older than TLSv1.2)")
    return found


def _groups(profile: Profile, version: Version, notes: list[str]) -> list[str]:
    found = []
    for group in profile.groups:
        name, since = GROUPS.get(group, ("", ()))
        if name and version >= since:
            found.append(name)
        elif name:
            notes.append(f"{group} (Caddy {version_text(since)} or newer; here {version_text(version)})")
        else:
            notes.append(f"{group} (no Caddy has it)")
    if not found:
        raise InputError(
            f"profile {profile.name}: Caddy {version_text(version)} has none of {', '.join(profile.groups)}"
        )
    return found


def _ciphers(profile: Profile, notes: list[str]) -> list[str]:
    """In Caddy's names. Raises InputError when none is left: without the directive Caddy would offer its own."""
    unknown = [cipher for cipher in profile.ciphers if cipher not in CIPHERS]
    if unknown and len(unknown) == len(profile.ciphers):
        raise InputError(f"profile {profile.name}: Caddy has none of the ciphers {', '.join(profile.ciphers)}")
    if unknown:
        notes.append(f"{', '.join(unknown)} (no Caddy has them)")
    return [CIPHERS[cipher] for cipher in profile.ciphers if cipher in CIPHERS]
