# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ACME account of a Caddy that would register one for each new name: the key that it has to find instead.

CertMagic registers an account when it has none for the CA and the e-mail address. Before certmagic's pull request 293 (Caddy 2.8) it did so
for every name at the same time, each with a key of its own, and stored the key of one beside the address of another. A
key that is there already is the key of all these registrations, and they are of one account (RFC 8555, section 7.3).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.openssl import Version

ONE_FOR_ALL_SINCE = (2, 8)
NO_EMAIL = "default"
"""What CertMagic calls an account without an e-mail address."""


def mixes_up_accounts(version: Version) -> bool:
    """Whether a Caddy of this version has the fault."""
    return version < ONE_FOR_ALL_SINCE


def missing_account(server: str, email: str, info: Mapping[str, Any]) -> list[str]:
    """What the command that makes the key is given: a directory on the host, the name of the files, and what is to be registered.

    server: URL of the ACME directory. email: of the account, may be empty. info: the result of `caddy_info`, with its data and accounts.
    Returns [] where there is an account.
    """
    folder = f"{_directory(server)}/{_safe(email or NO_EMAIL)}"
    known: Sequence[str] = info["accounts"]
    # Without an address CertMagic takes the account that it used last.
    if folder in known or (not email and any(item.startswith(f"{_directory(server)}/") for item in known)):
        return []
    ca, user = folder.split("/")
    return [
        f"{info['data']}/acme/{ca}/users/{user}",
        _safe((email or NO_EMAIL).lower().partition("@")[0]),
        json.dumps({"contact": [f"mailto:{email.lower()}"]} if email else {}),
    ]


def _directory(url: str) -> str:
    """What CertMagic calls a CA: host and path, in one word."""
    parts = urlsplit(url)
    path = re.sub(r"[/\\]", "-", parts.path).strip("-")
    return _safe(f"{parts.netloc}-{path}" if path else parts.netloc)


def _safe(text: str) -> str:
    """A text as CertMagic has it in names of files (KeyBuilder.Safe)."""
    text = text.lower().strip()
    for found, instead in ((" ", "_"), ("+", "_plus_"), ("*", "wildcard_"), (":", "-"), ("..", "")):
        text = text.replace(found, instead)
    return re.sub(r"[^\w@.-]", "", text, flags=re.ASCII)
