# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers that a host has, ours and those of others, and what they mean for ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

ANY = "*"
EVERY_ADDRESS = (ANY, "[::]")


@dataclass(frozen=True)
class Socket:
    """Where a server listens. `address` is `ANY`, an IP address (IPv6 in brackets; [::] for any) or a name."""

    address: str
    port: int
    tls: bool
    default: bool = False


@dataclass(frozen=True)
class Vhost:
    """One server block or VirtualHost, and the file it is in.

    `matches` tells whether a pattern of its names matches a name, by the rules of the server it belongs to.
    `certificates` are the files of certificates that it names itself, in whatever it includes, too, but in ours.
    `after_ours`: the server reads it after ours, where that decides which is the default.
    `staples`: it has directives of its own that staple OCSP responses.
    """

    file: str
    names: tuple[str, ...]
    sockets: tuple[Socket, ...]
    includes: tuple[str, ...]
    matches: Callable[[str, str], bool]
    certificates: tuple[str, ...] = ()
    after_ours: bool = False
    staples: bool = False

    def on_port(self, port: int) -> bool:
        """Tell whether the server listens on `port`."""
        return any(socket.port == port for socket in self.sockets)

    def on_every_address(self, port: int) -> bool:
        """Tell whether the server listens on `port` of all addresses."""
        return any(socket.port == port and socket.address in EVERY_ADDRESS for socket in self.sockets)

    def default_on(self, port: int) -> bool:
        """Tell whether the server is marked as the default of `port` on all addresses."""
        return any(
            socket.default and socket.port == port and socket.address in EVERY_ADDRESS for socket in self.sockets
        )

    @property
    def tls_ports(self) -> tuple[int, ...]:
        """The ports on which the server speaks TLS."""
        return tuple(dict.fromkeys(socket.port for socket in self.sockets if socket.tls))

    def narrow_sockets(self, ports: Sequence[int]) -> list[tuple[str, int]]:
        """The sockets on `ports` of one address, which a server prefers to those of any address."""
        return [
            (socket.address, socket.port)
            for socket in self.sockets
            if socket.port in ports and socket.address not in EVERY_ADDRESS
        ]

    def answers(self, name: str) -> bool:
        """Tell whether one of the server's names matches `name`."""
        return any(self.matches(pattern, name) for pattern in self.names)

    def includes_file(self, path: str) -> bool:
        """Tell whether the server includes `path`, by itself or through a pattern."""
        return any(fnmatchcase(path, pattern) for pattern in self.includes)
