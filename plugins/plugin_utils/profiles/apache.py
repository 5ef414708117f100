# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A TLS profile in Apache's directives, as far as the installed Apache and the OpenSSL of its mod_ssl can follow."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.directives import TlsDirectives
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.openssl import (
    OPENSSL_SINCE,
    Version,
    cipher_string,
    known_groups,
    parse_version,
    version_text,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.reader import Profile

# The first release of each branch that has a feature, from Apache's CHANGES and manual. A branch that is not named never got
# it; whatever is newer than the newest branch here has it.
NEVER: Version = (2, 2, 999)
APACHE_SINCE: dict[str, tuple[Version, Version]] = {
    "TLSv1.1 and TLSv1.2": ((2, 2, 24), (2, 4, 0)),
    "session tickets": ((2, 2, 30), (2, 4, 11)),
    "granted": (NEVER, (2, 4, 0)),
    "optional include": (NEVER, (2, 4, 0)),
    "names by address": (NEVER, (2, 4, 0)),  # before, NameVirtualHost says where names count
    "redirect 308": (NEVER, (2, 4, 0)),
    "encoded slashes": ((2, 2, 18), (2, 4, 0)),
    "stapling": (NEVER, (2, 3, 3)),
    "peer name": (NEVER, (2, 4, 5)),
    "chain in the file": (NEVER, (2, 4, 8)),
    "conf command": (NEVER, (2, 4, 8)),
    # before, the issuer has to be in SSLCertificateChainFile
    "stapling with the chain in the file": (NEVER, (2, 4, 12)),
    "protocols": (NEVER, (2, 4, 17)),
    "TLSv1.3": (NEVER, (2, 4, 36)),
    # before, SSLProtocol of a name-based host is that of the first on its address
    "own protocols": (NEVER, (2, 4, 42)),
    # ACMEv2 came with mod_md 2.0, a little before; MDContactEmail and MDRenewMode are the latest of what is written for it
    "managed domains": (NEVER, (2, 4, 42)),
    "websocket": (NEVER, (2, 4, 47)),
}


def read_apache_version(given: str | None, found: str | None) -> Version:
    """The version that is given, else the one that was found; the newest when there is none. Raises InputError."""
    if given and not re.fullmatch(r"\d+\.\d+\.\d+", given):
        raise InputError(f"apache_version {given!r} is not a version such as 2.4.62")
    return parse_version(given or found)


def apache_can(feature: str, version: Version) -> bool:
    """Tell whether Apache `version` has `feature`, a key of `APACHE_SINCE`."""
    old, new = APACHE_SINCE[feature]
    return version >= (old if version < (2, 3) else new)


@cache  # a hundred sites of a host have one profile
def apache_tls(profile: Profile, version: Version, openssl: Version) -> TlsDirectives:
    """Return the directives of `profile` for an Apache `version` whose mod_ssl is linked to `openssl`.

    Raises InputError when this Apache has none of the protocols the profile asks for.
    """
    notes: list[str] = []
    protocols = _protocols(profile, version, openssl, notes)
    directives = [
        ("SSLProtocol", _protocol_words(protocols, version, notes)),
        *_groups(profile, version, openssl, notes),
        *_ciphers(profile, protocols, openssl),
        *_ciphersuites(profile, protocols),
        ("SSLHonorCipherOrder", "on" if profile.prefer_server_order else "off"),
    ]
    # Apache has one ticket key for as long as it runs: whoever gets it can read what was recorded.
    if apache_can("session tickets", version):
        directives.append(("SSLSessionTickets", "off"))
    return TlsDirectives(protocols, tuple(directives), tuple(notes))


def _protocols(profile: Profile, version: Version, openssl: Version, notes: list[str]) -> tuple[str, ...]:
    lacking = {}
    if not apache_can("TLSv1.3", version) or openssl < OPENSSL_SINCE["TLSv1.3"]:
        lacking["TLSv1.3"] = "Apache 2.4.36 and OpenSSL 1.1.1"
    if openssl < OPENSSL_SINCE["TLSv1.2"]:
        lacking.update(dict.fromkeys(("TLSv1.1", "TLSv1.2"), "OpenSSL 1.0.1"))
    here = f"{version_text(version)} and {version_text(openssl)}"
    left = tuple(protocol for protocol in profile.protocols if protocol not in lacking)
    if not left:
        needs = lacking[profile.protocols[-1]]
        raise InputError(
            f"profile {profile.name} wants {' and '.join(profile.protocols)} alone, which needs {needs}; "
            f"here are Apache {version_text(version)} and OpenSSL {version_text(openssl)}"
        )
    notes.extend(
        f"{protocol} ({lacking[protocol]} or newer; here {here})"
        for protocol in profile.protocols
        if protocol in lacking
    )
    return left


def _protocol_words(protocols: Iterable[str], version: Version, notes: list[str]) -> str:
    if apache_can("TLSv1.1 and TLSv1.2", version):
        return " ".join(["-all", *(f"+{protocol}" for protocol in protocols)])
    # It has a word for TLSv1 alone; OpenSSL's newer versions come and go with it.
    if "TLSv1" not in protocols:
        notes.append(f"TLSv1 cannot be switched off (Apache 2.2.24 or newer; here {version_text(version)})")
    return "all -SSLv2 -SSLv3"


def _groups(profile: Profile, version: Version, openssl: Version, notes: list[str]) -> list[tuple[str, str]]:
    if not apache_can("conf command", version) or openssl < OPENSSL_SINCE["several groups"]:
        here = f"{version_text(version)} and {version_text(openssl)}"
        notes.append(f"groups (SSLOpenSSLConfCmd, Apache 2.4.8 and OpenSSL 1.0.2 or newer; here {here})")
        return []
    return [("SSLOpenSSLConfCmd", f"Curves {':'.join(known_groups(profile, openssl, notes))}")]


def _ciphers(profile: Profile, protocols: Iterable[str], openssl: Version) -> list[tuple[str, str]]:
    ciphers = cipher_string(profile, protocols, openssl)
    return [("SSLCipherSuite", ciphers)] if ciphers else []


def _ciphersuites(profile: Profile, protocols: Iterable[str]) -> list[tuple[str, str]]:
    if not profile.ciphersuites or "TLSv1.3" not in protocols:
        return []
    return [("SSLCipherSuite", f"TLSv1.3 {':'.join(profile.ciphersuites)}")]
