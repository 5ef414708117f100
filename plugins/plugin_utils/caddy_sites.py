# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sites of a Caddyfile that are somebody else's: what their addresses mean."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.webserver.vhosts import ANY, Socket, Vhost

HTTP, HTTPS = "http", "https"

# scheme://host:port/path, of which every part may be missing
_ADDRESS = re.compile(r"(?:(?P<scheme>https?)://)?(?P<host>\[[^\]]*\]|[^:/]*)(?::(?P<port>\d+))?(?:/.*)?")


def read_vhosts(server: Mapping[str, Any], ports: Mapping[str, int]) -> Iterator[Vhost]:
    """Read one entry of `caddy_info`'s servers: one for each address, since each has a port of its own.

    ports: where the Caddyfile has HTTP and HTTPS. An address that can't be read (a placeholder) is left out.
    """
    for address in server["addresses"]:
        found = _ADDRESS.fullmatch(address)
        if found is None:
            continue
        host = found["host"].strip("[]")
        port = int(found["port"]) if found["port"] else ports[HTTP if found["scheme"] == HTTP else HTTPS]
        # Without a name there is nothing to have a certificate for, unless https says so.
        plain = found["scheme"] == HTTP or port == ports[HTTP] or not (host or found["scheme"] or port == ports[HTTPS])
        yield Vhost(
            file=server["file"],
            names=(host,) if host else (),
            sockets=(Socket(ANY, port, not plain),),
            includes=tuple(server["includes"]),
            matches=matches,
        )


def matches(pattern: str, name: str) -> bool:
    """Tell whether an address has `name`: exactly, or with `*` for one label of it."""
    labels, wanted = name.split("."), pattern.split(".")
    return len(labels) == len(wanted) and all(part in ("*", label) for part, label in zip(wanted, labels, strict=True))
