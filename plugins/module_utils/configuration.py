# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration files of a server, and what the info modules of all servers need besides."""

import glob
import os
import socket
from typing import Any, Callable, Container, Dict, Iterator, List, NamedTuple, Optional

# Deeper than any real configuration; a file that includes itself ends here.
MAX_DEPTH = 16


class Directive(NamedTuple):
    """One directive; `block` holds what is between its braces or tags, None for one that has neither."""

    name: str
    arguments: List[str]
    block: Optional[List[Any]]


class Files:
    """The files of one configuration. What can't be read, or not parsed, is noted in `unreadable`.

    base: the directory that relative paths start from. `read` and `expand` (a glob) are for tests.
    """

    def __init__(
        self,
        base: str,
        parse: Callable[[str], List[Directive]],
        read: Optional[Callable[[str], str]] = None,
        expand: Callable[[str], List[str]] = glob.glob,
    ) -> None:
        self.base = base
        self.unreadable: List[Dict[str, str]] = []
        self._parse, self._read, self._expand = parse, read or read_text, expand

    def load(self, path: str) -> List[Directive]:
        """The directives of a file; none where it can't be read."""
        try:
            return self._parse(self._read(path))
        except (OSError, ValueError) as error:
            self.unreadable.append({"file": path, "reason": str(error)})
            return []

    def absolute(self, path: str) -> str:
        """The path, from `base` on where it is relative."""
        return os.path.join(self.base, path)

    def expand(self, pattern: str) -> List[str]:
        """The files that a pattern stands for, in the order in which servers read them."""
        return sorted(self._expand(self.absolute(pattern)))

    def included_by(self, drop_in: str, includes: Container[str]) -> Iterator[str]:
        """Yield the files that a file includes outside of any block. `includes` are the directives that do so."""
        read = [directive for path in self.expand(drop_in) for directive in self.load(path)]
        for pattern in [item.arguments[0] for item in read if item.name in includes and item.arguments]:
            yield from self.expand(pattern)


def as_file(log: str) -> Optional[str]:
    """Return the path of an error log, None where it is no file: `stderr`, `syslog:...` or `memory:...`, a pipe."""
    return log if log.startswith("/") else None


def read_text(path: str) -> str:
    """The text of a file; what is not UTF-8 in it is replaced."""
    with open(path, "rb") as stream:
        return stream.read().decode("utf-8", "replace")


def has_ipv6() -> bool:
    """Tell whether a server can listen on [::]: a kernel without IPv6 can't even make the socket."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as listener:
            listener.bind(("::", 0))
    except OSError:
        return False
    return True
