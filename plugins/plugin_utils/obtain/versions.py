# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line that a version of certbot takes for a certificate, and what a version can't do."""

from __future__ import annotations

from ansible_collections.fullchain.tls.plugins.plugin_utils.obtain.wanted import Wanted

# Versions from certbot's changelog.
KEY_TYPE_FROM = (1, 10)  # --key-type and --elliptic-curve; before, every key is RSA
PREFERRED_CHAIN_FROM = (1, 6)
IP_ADDRESSES_FROM = (5, 3)  # --ip-address
EAB_FROM = (0, 37)

_CURVES = {256: "secp256r1", 384: "secp384r1", 521: "secp521r1"}


def parse_version(text: str) -> tuple[int, ...]:
    """`2.1.0` -> (2, 1, 0)."""
    return tuple(int(part) for part in text.split("."))


def incapable(wanted: Wanted, version: str, binds_account: bool = False) -> str | None:
    """What the installed certbot lacks for this certificate, and what to do; None when it can."""
    installed = parse_version(version)
    if wanted.key_type == "ecdsa" and installed < KEY_TYPE_FROM:
        return _too_old(version, KEY_TYPE_FROM, "makes no ECDSA keys", "or set certbot_key_type: rsa")
    if wanted.preferred_chain and installed < PREFERRED_CHAIN_FROM:
        return _too_old(version, PREFERRED_CHAIN_FROM, "can't choose a chain", "or leave certbot_preferred_chain empty")
    if wanted.addresses and installed < IP_ADDRESSES_FROM:
        names = ", ".join(wanted.addresses)
        return _too_old(version, IP_ADDRESSES_FROM, f"asks for no IP addresses ({names})", "or leave them out")
    if binds_account and installed < EAB_FROM:
        return _too_old(version, EAB_FROM, "has no external account binding", "")
    return None


def _too_old(version: str, wanted: tuple[int, ...], lack: str, otherwise: str) -> str:
    least = ".".join(map(str, wanted))
    advice = f"install {least} or newer (certbot_install: pip)"
    return f"certbot {version} on this host {lack}: {advice}{', ' + otherwise if otherwise else ''}"


def options(wanted: Wanted, version: str, exists: bool) -> list[str]:
    """The arguments of `certbot certonly` that this certificate decides.

    exists: the lineage is there. Then certbot would ask whether to replace it, and may not: that has been decided.
    """
    arguments = ["--force-renewal", "--renew-with-new-domains"] if exists else []
    arguments += _key_options(wanted, parse_version(version))
    if wanted.preferred_chain:
        arguments += ["--preferred-chain", wanted.preferred_chain]
    for name in wanted.names:
        arguments += ["--ip-address" if name in wanted.addresses else "-d", name]
    return arguments


def _key_options(wanted: Wanted, installed: tuple[int, ...]) -> list[str]:
    arguments = ["--key-type", wanted.key_type] if installed >= KEY_TYPE_FROM else []
    if wanted.key_size is None:
        return arguments
    if wanted.key_type == "rsa":
        return [*arguments, "--rsa-key-size", str(wanted.key_size)]
    return [*arguments, "--elliptic-curve", _CURVES[wanted.key_size]]
