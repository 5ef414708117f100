# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does a name reach this host's webroot? Fetches a file over port 80 the way an ACME server does.

Used on hosts and on the controller. The rules are those of RFC 8555 section 8.3 and of the public servers: plain HTTP
to port 80 of the name, at most ten redirects, these only to names, over HTTP to port 80 or HTTPS to port 443, and the
certificate met on the way is not verified.
"""

import http.client
import ipaddress
import os
import queue
import socket
import ssl
import stat
import threading
import time
from typing import Any, Dict, List, NamedTuple, Sequence, Tuple
from urllib.parse import urljoin, urlsplit

CHALLENGE_PATH = "/.well-known/acme-challenge/"

MOST_REDIRECTS = 10
MOST_ADDRESSES = 8
WORKERS = 16
LONGEST_BODY = 65536
WORDS = 80

# A probe file that a killed run left behind is taken away by a later one.
PROBE_PREFIX = "fullchain-probe-"
STALE_AFTER = 3600

_PORTS = {"http": 80, "https": 443}

_REDIRECTS = (301, 302, 303, 307, 308)


class Answer(NamedTuple):
    """What came of asking one address."""

    address: str  # IP address that was connected to; empty when none could be
    url: str  # the last URL asked for
    status: int  # 0 when no HTTP answer came
    reason: str
    server: str  # the Server header
    words: str  # the first printable words of the body
    failure: str  # why there is no answer, or none that an ACME server would take
    connected: bool
    reached: bool  # the probe file came back


class Unfit(Exception):
    """A redirect that an ACME server would not follow; the text says why."""


class Unreachable(Exception):
    """No connection to any address; the text says why."""


def place(webroot: str, name: str, content: str) -> str:
    """Write the probe file below `webroot` for anyone to read; returns its path. Stale probe files are removed."""
    directory = challenges(webroot)
    make_directory(directory)
    remove_stale(directory)
    path = os.path.join(directory, name)
    with open(path, "w") as stream:
        stream.write(content)
    os.chmod(path, 0o644)  # whatever the umask: the web server runs as another user
    return path


def challenges(webroot: str) -> str:
    """The directory below `webroot` that CHALLENGE_PATH is served from."""
    return os.path.join(webroot, ".well-known", "acme-challenge")


def make_directory(path: str) -> None:
    """Make `path` and its missing parents with mode 0755, whatever the umask; what exists is left as it is."""
    if os.path.isdir(path):
        return
    make_directory(os.path.dirname(path))
    os.mkdir(path)
    os.chmod(path, 0o755)  # noqa: S103 - the web server runs as another user


def remove_stale(directory: str) -> None:
    """Remove the probe files in `directory` that are older than STALE_AFTER seconds."""
    for name in os.listdir(directory):
        path = os.path.join(directory, name)
        if name.startswith(PROBE_PREFIX) and time.time() - os.lstat(path)[stat.ST_MTIME] > STALE_AFTER:
            os.unlink(path)


def remove(webroot: str, name: str) -> None:
    """Remove a probe file; one that is gone already is fine."""
    path = os.path.join(challenges(webroot), name)
    if os.path.lexists(path):
        os.unlink(path)


def probe_all(names: Sequence[str], probe: str, content: str, timeout: float) -> List[Dict[str, Any]]:
    """Fetch the probe file through each name; results in the order of `names`.

    probe: the file's name; content: what has to come back; timeout: seconds for each name in all (resolution, every
    address, redirects).

    A result has name; reached (bool); addresses, what the name resolved to; answers, those that were not the probe
    file, as dicts of Answer; failure, why there are no answers at all, else empty. Never raises: a name that is
    dead costs its timeout and holds nobody up.
    """
    results: Dict[str, Dict[str, Any]] = {}
    waiting: "queue.Queue[str]" = queue.Queue()
    for name in names:
        waiting.put(name)
    threads = min(WORKERS, len(names))
    for _number in range(threads):
        # Daemons: getaddrinfo() can't be interrupted, and must not keep the process.
        threading.Thread(target=_work, args=(waiting, results, probe, content, timeout), daemon=True).start()
    # One more second than the names can take, so that their own messages come first.
    rounds = -(-len(names) // threads) if threads else 0
    end = time.monotonic() + rounds * timeout + 1
    while len(results) < len(set(names)) and time.monotonic() < end:
        time.sleep(0.02)
    return [dict(results.get(name) or _nothing(name, f"no answer within {timeout:g} s")) for name in names]


def _work(
    waiting: "queue.Queue[str]", results: Dict[str, Dict[str, Any]], probe: str, content: str, timeout: float
) -> None:
    while True:
        try:
            name = waiting.get_nowait()
        except queue.Empty:
            return
        results[name] = probe_name(name, probe, content, timeout)


def _nothing(name: str, failure: str, addresses: Sequence[str] = ()) -> Dict[str, Any]:
    return {"name": name, "reached": False, "addresses": list(addresses), "answers": [], "failure": failure}


def probe_name(name: str, probe: str, content: str, timeout: float) -> Dict[str, Any]:
    """Fetch the probe file through every address of one name; see probe_all().

    Every address that answers has to answer with the file: an ACME server may pick any of them. One that can't be
    connected to is forgiven beside one that can, as ACME servers go on from IPv6 to IPv4.
    """
    end = time.monotonic() + timeout
    try:
        addresses = resolve(name, 80)
    except (OSError, UnicodeError) as error:
        return _nothing(name, getattr(error, "strerror", None) or str(error))
    answers: List[Answer] = []
    addresses = addresses[:MOST_ADDRESSES]
    for number, address in enumerate(addresses):
        # A share of the time for each, so that a dead IPv6 address leaves some for the others.
        share = (end - time.monotonic()) / (len(addresses) - number)
        answers.append(follow(name, address, CHALLENGE_PATH + probe, content, time.monotonic() + share))
    bad = [answer for answer in answers if answer.connected and not answer.reached]
    reached = not bad and any(answer.reached for answer in answers)
    if not reached and not bad:
        bad = answers
    listed = [] if reached else [dict(answer._asdict()) for answer in bad]
    return {"name": name, "reached": reached, "addresses": addresses, "answers": listed, "failure": ""}


def resolve(name: str, port: int) -> List[str]:
    """The addresses of a name, IPv6 first as ACME servers prefer; raises OSError."""
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    addresses: List[str] = []
    for family, _type, _protocol, _canonical, address in sorted(found, key=lambda entry: entry[0] != socket.AF_INET6):
        if family in (socket.AF_INET, socket.AF_INET6) and str(address[0]) not in addresses:
            addresses.append(str(address[0]))
    return addresses


def follow(name: str, address: str, path: str, content: str, end: float) -> Answer:
    """Ask `address` for http://name/path and follow redirects; `end` is the time.monotonic() to give up at."""
    host = f"[{name}]" if ":" in name else name
    answer = Answer(address, f"http://{host}{path}", 0, "", "", "", "", False, False)
    addresses = [address]
    try:
        for _redirect in range(MOST_REDIRECTS + 1):
            address, response = _ask(answer.url, addresses, end)
            body = response.pop("body")
            location = response.pop("location")
            answer = answer._replace(address=address, words=first_words(body), connected=True, **response)
            if response["status"] not in _REDIRECTS:
                return answer._replace(reached=response["status"] == 200 and body.strip() == content.encode())
            answer = answer._replace(url=next_url(answer.url, location))
            addresses = resolve(urlsplit(answer.url).hostname or "", 80)
        return answer._replace(failure=f"more than {MOST_REDIRECTS} redirects")
    except Unreachable as error:
        return answer._replace(failure=str(error))
    except (OSError, http.client.HTTPException, ValueError, Unfit) as error:
        return answer._replace(failure=describe(error), connected=True)


def describe(error: Exception) -> str:
    """An exception in the words a person would use."""
    if isinstance(error, socket.timeout):
        return "timed out"
    if isinstance(error, http.client.RemoteDisconnected):
        return "the connection was closed without an answer"
    if isinstance(error, http.client.HTTPException):
        return f"no HTTP answer ({printable(str(error) or type(error).__name__)})"
    return printable(getattr(error, "strerror", None) or str(error))


def next_url(url: str, location: str) -> str:
    """The URL a redirect leads to; raises Unfit for one that ACME servers refuse to follow."""
    target = urljoin(url, location)
    parts = urlsplit(target)
    shown = printable(target)
    if not location:
        raise Unfit("a redirect without a Location")
    if parts.scheme not in _PORTS or not parts.hostname:
        raise Unfit(f"a redirect to {shown}, which is neither HTTP nor HTTPS")
    if (parts.port or _PORTS[parts.scheme]) not in _PORTS.values():
        raise Unfit(f"a redirect to {shown}: ACME servers follow to the ports 80 and 443 only")
    if _is_address(parts.hostname):
        raise Unfit(f"a redirect to {shown}: ACME servers do not follow to an IP address")
    return target


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _ask(url: str, addresses: Sequence[str], end: float) -> Tuple[str, Dict[str, Any]]:
    """One GET to the first address that can be connected to, and that address; raises Unreachable."""
    parts = urlsplit(url)
    failure = "no address"
    for address in addresses:
        try:
            raw = socket.create_connection((address, parts.port or _PORTS[parts.scheme]), timeout=_left(end))
        except OSError as error:
            failure = describe(error)
            continue
        with raw:
            return address, _get(raw, parts, end)
    raise Unreachable(failure)


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise socket.timeout("timed out")
    return left


def _get(raw: socket.socket, parts: Any, end: float) -> Dict[str, Any]:
    """The answer to a GET for `parts` on a connected socket."""
    host = parts.hostname or ""
    raw.settimeout(_left(end))
    sock: socket.socket = _unverified(raw, host) if parts.scheme == "https" else raw
    connection = http.client.HTTPConnection(host, timeout=_left(end))
    connection.sock = sock
    path = (parts.path or "/") + ("?" + parts.query if parts.query else "")
    connection.request("GET", path, headers={"User-Agent": "fullchain.tls probe", "Connection": "close"})
    response = connection.getresponse()
    body = _body(response, end)
    connection.close()
    return {
        "status": response.status,
        "reason": printable(response.reason or ""),
        "server": printable(response.getheader("Server") or ""),
        "location": response.getheader("Location") or "",
        "body": body,
    }


def _body(response: http.client.HTTPResponse, end: float) -> bytes:
    """At most LONGEST_BODY bytes: what is longer is no key authorization. A dripping server is left at `end`."""
    body = b""
    while len(body) < LONGEST_BODY:
        piece = response.read1(4096)
        if not piece:
            break
        body += piece
        _left(end)
    return body


def _unverified(raw: socket.socket, host: str) -> ssl.SSLSocket:
    """TLS without verification: before the first certificate there is none to verify, and ACME servers don't."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(raw, server_hostname=host)


def first_words(body: bytes) -> str:
    """The beginning of a body, safe to print: at most WORDS characters, white space folded."""
    text = printable(" ".join(body[: 4 * LONGEST_BODY].decode("utf-8", "replace").split()))
    return text if len(text) <= WORDS else text[: WORDS - 3] + "..."


def printable(text: str) -> str:
    """Text from outside without anything that could move a terminal's cursor; at most 200 characters."""
    return "".join(character if character.isprintable() else "?" for character in text[:200])
