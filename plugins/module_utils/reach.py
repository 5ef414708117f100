# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which addresses of an endpoint a host reaches."""

import socket
import time
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.fullchain.tls.plugins.module_utils.conversation import Conversation
from ansible_collections.fullchain.tls.plugins.module_utils.starttls import dialogue
from ansible_collections.fullchain.tls.plugins.module_utils.words import UNREACHABLE

Endpoint = Dict[str, Any]
Failure = Tuple[str, str]  # its kind and what happened, in words


class Place(NamedTuple):
    """Where to look at an endpoint: at `address`, for `left` of the `seconds` that it has; or why one can't."""

    endpoint: Endpoint
    address: Optional[str]
    seconds: float
    left: float
    failure: Optional[Failure] = None


def places_of(endpoint: Endpoint, timeout: float) -> List[Place]:
    """The endpoint's first address that takes a connection, or with `addresses: all` each.

    timeout: seconds that an endpoint has which has none itself; with `all` each address has what resolving the name left
    of them, or a black hole in front would use up the others' time. A STARTTLS dialogue is led here, once for each address:
    s_client leads it again, and says little of a refusal.
    """
    seconds = endpoint.get("timeout") or timeout
    started = time.time()
    target, port = endpoint.get("address") or endpoint["host"], endpoint["port"]
    try:
        found = socket.getaddrinfo(target, port, 0, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        said = getattr(error, "strerror", None) or error
        return [Place(endpoint, None, seconds, 0, (UNREACHABLE, "{0} does not resolve: {1}".format(target, said)))]
    # A server that listens on one address is told of once, whatever the resolver does.
    found = [entry for number, entry in enumerate(found) if entry not in found[:number]]
    groups = [[entry] for entry in found] if endpoint.get("addresses") == "all" else [found]
    left = max(0.1, seconds - (time.time() - started))
    return [_reach(endpoint, group, time.time() + left, seconds) for group in groups]


def _reach(endpoint: Endpoint, found: List[Any], until: float, seconds: float) -> Place:
    """The first of the addresses that takes a connection, or the last one tried and what went wrong."""
    address, refused = None, "no address"  # type: Optional[str], str
    for left, (family, kind, proto, _name, sockaddr) in zip(range(len(found), 0, -1), found):
        address = str(sockaddr[0])
        where = "{0} port {1}".format(address, endpoint["port"])
        with socket.socket(family, kind, proto) as sock:
            problem = _connect(sock, sockaddr, max(0.01, (until - time.time()) / left))
            if problem is None:
                failure = _agree(endpoint, Conversation(sock, where, until, seconds))
                return Place(endpoint, address, seconds, until - time.time(), failure)
        said = "took no connection within {0:g} s".format(seconds) if problem == "timed out" else problem
        refused = "{0} {1}".format(where, said)
    return Place(endpoint, address, seconds, 0, (UNREACHABLE, refused))


def _connect(sock: socket.socket, sockaddr: Any, seconds: float) -> Optional[str]:
    """Connect; what went wrong, or None."""
    try:
        sock.settimeout(seconds)
        sock.connect(sockaddr)
    except socket.timeout:
        return "timed out"
    except ConnectionRefusedError:
        return "refused the connection"
    except OSError as error:
        return "cannot be reached: {0}".format(error.strerror or error)
    return None


def _agree(endpoint: Endpoint, conversation: Conversation) -> Optional[Failure]:
    """Come to TLS as the endpoint's `starttls` says; what went wrong, or None."""
    if endpoint.get("starttls") is None:
        return None
    return conversation.lead(dialogue(endpoint["starttls"], endpoint.get("server_name") or endpoint["host"]))
