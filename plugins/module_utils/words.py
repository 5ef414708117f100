# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server said and did, for messages; the kinds of failures."""

from typing import Tuple

UNREACHABLE = "unreachable"
NOT_TLS = "not-tls"
HANDSHAKE_FAILED = "handshake-failed"


def quoted(said: bytes, most: int = 100) -> str:
    """The first line of `said` in quotes, at most that many bytes of it, safe for a screen: what is not printable ASCII is escaped."""
    line = said.split(b"\n", 1)[0].rstrip(b"\r")
    return repr(line[:most])[1:] + ("..." if len(line) > most else "")


def came_to_nothing(label: str, heard: bool, what: str) -> Tuple[str, str]:
    """Kind and words of the failure that a dialogue ends in when the server called `label` says no more.

    heard: whether it had said anything. what: what it did, `sent no greeting within 10 s` or so.
    """
    if heard:
        return NOT_TLS, "{0} {1}".format(label, what)
    hint = "(as a port may that speaks TLS from the first byte)"
    return UNREACHABLE, "{0} took the connection but {1} {2}".format(label, what, hint)
