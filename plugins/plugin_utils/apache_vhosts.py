# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtual hosts that an Apache has, and the addresses that it listens on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.webserver.vhosts import ANY, Socket, Vhost

_ADDRESS = re.compile(r"(\[[^\]]*\]|[^:]*)(?::(\d+|\*))?")
EVERY = (ANY, "_default_", "0.0.0.0")  # noqa: S104, read here and not bound
EVERY_PORT = (80, 443)


def read_vhost(found: Mapping[str, Any]) -> Vhost:
    """Read one entry of `apache_info`'s vhosts."""
    return Vhost(
        file=found["file"],
        names=tuple(found["names"]),
        sockets=tuple(socket for word in found["addresses"] for socket in _sockets(word, found["tls"])),
        includes=tuple(found["includes"]),
        matches=_matches,
        certificates=tuple(found["certificates"]),
        after_ours=found["after_own"],
    )


def listened_ports(arguments: Iterable[str]) -> set[int]:
    """The ports of Listen directives, on whichever address."""
    found = (re.search(r"(\d+)$", argument) for argument in arguments)
    return {int(match[1]) for match in found if match}


def _sockets(word: str, tls: bool) -> Iterator[Socket]:
    """An address of a VirtualHost: address:port, or an address alone, which is that of every port."""
    match = _ADDRESS.fullmatch(word)
    if match is None:
        return
    address = ANY if match[1] in EVERY else match[1]
    for port in [int(match[2])] if match[2] and match[2] != "*" else EVERY_PORT:
        yield Socket(address, port, tls)


def _matches(pattern: str, name: str) -> bool:
    """Tell whether a ServerName or ServerAlias matches; the asterisk and the question mark are Apache's own."""
    return fnmatchcase(name, pattern) if set("*?") & set(pattern) else pattern in (name, f"[{name}]")
