# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at what an endpoint serves with what a host has: Python's sockets and the openssl command (1.0.2 up).

Python's own ssl module tells the chain as served only from 3.13 on; the command has always done so.
"""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, List, Optional, Tuple

from ansible_collections.fullchain.tls.plugins.module_utils.conversation import Conversation
from ansible_collections.fullchain.tls.plugins.module_utils.endpoints import read_endpoint
from ansible_collections.fullchain.tls.plugins.module_utils.s_client import (
    Endpoint,
    Openssl,
    certificates,
    failure_of,
    find_openssl,
    look,
    protocol_of,
    refuse_unknown_protocols,
)
from ansible_collections.fullchain.tls.plugins.module_utils.starttls import dialogue
from ansible_collections.fullchain.tls.plugins.module_utils.words import UNREACHABLE

Served = Dict[str, Any]
Failure = Tuple[str, str]  # its kind and what happened, in words


def fetch_all(endpoints: List[Any], openssl: str, timeout: float = 10, workers: int = 16) -> List[Served]:
    """What each endpoint serves, in their order. A failure is a result.

    endpoints: as read_endpoint takes them. openssl: the command. timeout: seconds for each. workers: how many at a time.
    Raises ValueError for parameters that cannot be read, OSError when the command can't be run.
    """
    read = [read_endpoint(value) for value in endpoints]
    if timeout <= 0:
        raise ValueError("timeout: {0} is not a time; expected seconds, more than 0".format(timeout))
    if workers < 1:
        raise ValueError("workers: {0} is not a count; expected 1 or more".format(workers))
    command = find_openssl(openssl)
    refuse_unknown_protocols(read, command)
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda endpoint: fetch(endpoint, timeout, command), read))


def fetch(endpoint: Endpoint, timeout: float, openssl: Openssl) -> Served:
    """What one endpoint serves, in the shape of plugin_utils/wire/served.py. A failure is a result.

    timeout: seconds for name resolution, connection and handshake together, where the endpoint has none itself.
    """
    seconds = endpoint.get("timeout") or timeout
    until = time.time() + seconds
    address, failure = _reach(endpoint, until, seconds)
    if failure:
        return _served(endpoint, address, failure=failure)
    said, complained = look(endpoint, str(address), until, openssl)
    chain = certificates(said)
    failure = None
    if complained:
        answered = bool(chain or endpoint.get("starttls"))
        failure = failure_of(complained, answered, str(address), endpoint["port"], seconds)
    return _served(endpoint, address, protocol_of(said) if chain else None, chain, failure)


def _served(
    endpoint: Endpoint,
    address: Optional[str],
    protocol: Optional[str] = None,
    chain: Optional[List[str]] = None,
    failure: Optional[Failure] = None,
) -> Served:
    kind, detail = failure or (None, None)
    return {
        "endpoint": endpoint,
        "address": address,
        "protocol": protocol,
        "chain": chain or [],
        "failure_kind": kind,
        "failure_detail": detail,
        "stapled": None,
    }


def _reach(endpoint: Endpoint, until: float, seconds: float) -> Tuple[Optional[str], Optional[Failure]]:
    """(the first address that takes a connection, None), or (the last one tried, what went wrong).

    A STARTTLS dialogue is led here, too: s_client leads it again, and says little of a refusal.
    """
    target, port = endpoint.get("address") or endpoint["host"], endpoint["port"]
    try:
        found = socket.getaddrinfo(target, port, 0, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        said = getattr(error, "strerror", None) or error
        return None, (UNREACHABLE, "{0} does not resolve: {1}".format(target, said))
    address, refused = None, "no address"  # type: Optional[str], str
    for left, (family, kind, proto, _name, sockaddr) in zip(range(len(found), 0, -1), found):
        address = str(sockaddr[0])
        where = "{0} port {1}".format(address, port)
        with socket.socket(family, kind, proto) as sock:
            problem = _connect(sock, sockaddr, max(0.01, (until - time.time()) / left))
            if problem is None:
                return address, _agree(endpoint, Conversation(sock, where, until, seconds))
        said = "took no connection within {0:g} s".format(seconds) if problem == "timed out" else problem
        refused = "{0} {1}".format(where, said)
    return address, (UNREACHABLE, refused)


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
