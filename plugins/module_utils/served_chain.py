# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at what an endpoint serves with what a host has: Python's sockets and the openssl command (1.0.2 up).

Python's own ssl module tells the chain as served only from 3.13 on; the command has always done so.
"""

import os
import re
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.fullchain.tls.plugins.module_utils.endpoints import is_ip, read_endpoint

UNREACHABLE = "unreachable"
NOT_TLS = "not-tls"
HANDSHAKE_FAILED = "handshake-failed"

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\n.+?\n-----END CERTIFICATE-----\n", re.DOTALL)
# `Protocol  : TLSv1.2` is the session's; the `New, ` line names the cipher's own protocol, right for TLS 1.3 only.
_PROTOCOLS = (re.compile(r"^ *Protocol *: (\S+)$", re.MULTILINE), re.compile(r"^New, (TLSv1\.3),", re.MULTILINE))
_ALERT = re.compile(r":(?:ssl/tls|sslv3|tlsv1|tlsv13|tls) (?:alert )?([^:]+):[^\n]*SSL alert number \d+")
_REASON = re.compile(r":error:[^:]*:[^:]*:[^:]*:([^:]+):")
_FOREIGN = (
    "wrong version number",
    "unknown protocol",
    "packet length too long",
    "http request",
    "record layer failure",
)

Endpoint = Dict[str, Any]
Served = Dict[str, Any]


class Openssl(NamedTuple):
    """The command and its version, (1, 1) or so."""

    path: str
    version: Tuple[int, ...]


def find_openssl(path: str) -> Openssl:
    """Ask the command for its version. Raises OSError when it can't be run, ValueError when it is not OpenSSL's."""
    done = subprocess.Popen(
        [path, "version"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    said = done.communicate()[0].decode("utf-8", "replace").strip()
    match = re.match(r"(?:Open|Libre)SSL (\d+)\.(\d+)", said)
    if not match:
        raise ValueError("{0} version said {1!r}; expected OpenSSL's".format(path, said))
    return Openssl(path, (int(match.group(1)), int(match.group(2))))


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
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda endpoint: fetch(endpoint, timeout, command), read))


def fetch(endpoint: Endpoint, timeout: float, openssl: Openssl) -> Served:
    """What one endpoint serves, in the shape of plugin_utils/wire/served.py. A failure is a result.

    timeout: seconds for name resolution, connection and handshake together, where the endpoint has none itself.
    """
    seconds = endpoint.get("timeout") or timeout
    until = time.time() + seconds
    target = endpoint.get("address") or endpoint["host"]
    address, refused = _reach(target, endpoint["port"], until, seconds)
    if refused:
        return _served(endpoint, address, failure=(UNREACHABLE, refused))
    said, complained = _look(endpoint, str(address), until, openssl)
    chain = _CERTIFICATE.findall(said)
    failure = None if complained == "" else _failure(complained, bool(chain), str(address), endpoint["port"], seconds)
    return _served(endpoint, address, _protocol(said) if chain else None, chain, failure)


def _served(
    endpoint: Endpoint,
    address: Optional[str],
    protocol: Optional[str] = None,
    chain: Optional[List[str]] = None,
    failure: Optional[Tuple[str, str]] = None,
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


def _reach(target: str, port: int, until: float, seconds: float) -> Tuple[Optional[str], Optional[str]]:
    """(the first address that takes a connection, None), or (the last one tried, what went wrong)."""
    try:
        found = socket.getaddrinfo(target, port, 0, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return None, "{0} does not resolve: {1}".format(target, getattr(error, "strerror", None) or error)
    address, refused = None, "no address"  # type: Optional[str], str
    for left, (family, kind, proto, _name, sockaddr) in zip(range(len(found), 0, -1), found):
        address = str(sockaddr[0])
        share = max(0.01, (until - time.time()) / left)
        problem = _connect(socket.socket(family, kind, proto), sockaddr, share)
        if problem is None:
            return address, None
        said = "took no connection within {0:g} s".format(seconds) if problem == "timed out" else problem
        refused = "{0} port {1} {2}".format(address, port, said)
    return address, refused


def _connect(sock: socket.socket, sockaddr: Any, seconds: float) -> Optional[str]:
    """Connect and hang up; what went wrong, or None."""
    try:
        sock.settimeout(seconds)
        sock.connect(sockaddr)
    except socket.timeout:
        return "timed out"
    except ConnectionRefusedError:
        return "refused the connection"
    except OSError as error:
        return "cannot be reached: {0}".format(error.strerror or error)
    finally:
        sock.close()
    return None


def _look(endpoint: Endpoint, address: str, until: float, openssl: Openssl) -> Tuple[str, str]:
    """What s_client printed, and what it complained of: "" after a handshake, `timed out` when it was stopped."""
    command = [openssl.path, *_arguments(endpoint, address, openssl)]
    # An empty configuration: Debian's raises the lowest protocol, and this is to see servers older than that.
    environment = dict(os.environ, LC_ALL="C", OPENSSL_CONF=os.devnull)
    client = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )
    try:
        out, err = client.communicate(timeout=max(0.1, until - time.time()))
    except subprocess.TimeoutExpired:
        client.kill()
        out, err = client.communicate()
        err = b"timed out"
    said, complaint = out.decode("utf-8", "replace"), err.decode("utf-8", "replace")
    failed = client.returncode != 0 or _ALERT.search(complaint) or "-----BEGIN CERTIFICATE-----" not in said
    return said, (complaint or "no word from openssl") if failed else ""


def _arguments(endpoint: Endpoint, address: str, openssl: Openssl) -> List[str]:
    where = "[{0}]:{1}" if ":" in address else "{0}:{1}"
    arguments = [
        "s_client",
        "-showcerts",
        "-connect",
        where.format(address, endpoint["port"]),
    ]
    # Servers without RFC 5746. Before 3.0 they are let in by default, and the option is one of servers: clients refuse it.
    arguments += ["-legacy_server_connect"] if openssl.version >= (3, 0) else []
    # The levels came with 1.1.0; level 0 lets weak keys and ciphers be seen.
    arguments += ["-cipher", "ALL:!aNULL:@SECLEVEL=0" if openssl.version >= (1, 1) else "ALL:!aNULL"]
    name = endpoint.get("server_name") or endpoint["host"]
    if not is_ip(name):  # RFC 6066, section 3: no address in the extension
        arguments += ["-servername", name.encode("idna").decode("ascii") if not _is_ascii(name) else name]
    return arguments


def _is_ascii(text: str) -> bool:
    return all(ord(character) < 128 for character in text)


def _protocol(said: str) -> Optional[str]:
    found = [match.group(1) for match in (pattern.search(said) for pattern in _PROTOCOLS) if match]
    return found[0] if found else None


def _failure(complaint: str, chain: bool, address: str, port: int, seconds: float) -> Tuple[str, str]:
    """Kind and detail of a handshake that failed, from what s_client wrote on stderr."""
    where = "{0} port {1}".format(address, port)
    if complaint == "timed out":
        kind = HANDSHAKE_FAILED if chain else UNREACHABLE
        return kind, "{0} took the connection but completed no handshake within {1:g} s".format(where, seconds)
    alert = _ALERT.search(complaint)
    if alert:
        return HANDSHAKE_FAILED, "the server refused with the TLS alert '{0}'".format(alert.group(1))
    reasons = _REASON.findall(complaint)
    if any(foreign in reason for reason in reasons for foreign in _FOREIGN):
        return NOT_TLS, "{0} answers something other than TLS ({1})".format(where, reasons[0])
    if "unexpected eof" in complaint or "errno=0" in complaint or "errno=104" in complaint:
        return (HANDSHAKE_FAILED if chain else UNREACHABLE), "{0} broke off before the handshake was done".format(where)
    return HANDSHAKE_FAILED, "openssl could not go on: {0}".format(", ".join(reasons) or complaint.strip()[:200])
