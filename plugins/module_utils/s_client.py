# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`openssl s_client`: its arguments in the versions that hosts have (1.0.2 up), and what its words mean."""

import os
import re
import subprocess
import time
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.fullchain.tls.plugins.module_utils.endpoints import is_ip, label, to_ascii
from ansible_collections.fullchain.tls.plugins.module_utils.words import HANDSHAKE_FAILED, NOT_TLS, UNREACHABLE

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

_CIPHER = re.compile(r"^New, \S+, Cipher is (\S+)$", re.MULTILINE)
# OpenSSL 3.2 up says `Negotiated TLS1.3 group`; in `Temp Key` elliptic curves come with and without `ECDH`.
_GROUPS = (
    re.compile(r"^Negotiated TLS1\.3 group: (\S+)$", re.MULTILINE),
    re.compile(r"^(?:Server|Peer) Temp Key: (?:ECDH, )?([^,\s]+), \d+ bits$", re.MULTILINE),
)
# The library's own names for what the command calls otherwise.
_NAMES = {"X25519": "x25519", "X448": "x448", "prime256v1": "secp256r1", "P-256": "secp256r1", "P-384": "secp384r1"}

Endpoint = Dict[str, Any]

VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_OPTIONS = {"TLSv1": "-tls1", "TLSv1.1": "-tls1_1", "TLSv1.2": "-tls1_2", "TLSv1.3": "-tls1_3"}
_CIPHERS = {None: "ALL", "ecdsa": "aECDSA", "rsa": "aRSA"}


class Offer(NamedTuple):
    """What a connection offers: only `key_type`, `ecdsa` or `rsa`, or only `version`, one of VERSIONS; None for all.

    anonymous: no client certificate, though the endpoint has one.
    """

    key_type: Optional[str] = None
    version: Optional[str] = None
    anonymous: bool = False


class Openssl(NamedTuple):
    """The command, whose it is (OpenSSL or LibreSSL) and its version, (1, 1, 1) or so."""

    path: str
    maker: str
    version: Tuple[int, ...]

    def knows(self, version: str) -> bool:
        """Whether it speaks that version of TLS."""
        return version != "TLSv1.3" or self.version >= (1, 1, 1)


def find_openssl(path: str) -> Openssl:
    """Ask the command for its version. Raises OSError when it can't be run, ValueError when it is not OpenSSL's."""
    done = subprocess.Popen(
        [path, "version"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    said = done.communicate()[0].decode("utf-8", "replace").strip()
    match = re.match(r"((?:Open|Libre)SSL) (\d+)\.(\d+)\.(\d+)", said)
    if not match:
        raise ValueError("{0} version said {1!r}; expected OpenSSL's".format(path, said))
    return Openssl(path, match.group(1), tuple(int(number) for number in match.groups()[1:]))


def refuse_unknown_protocols(endpoints: List[Endpoint], openssl: Openssl) -> None:
    """Raise ValueError when the command does not know the `starttls` of an endpoint: what it knows grew with 1.1.1."""
    wanted = [endpoint for endpoint in endpoints if endpoint.get("starttls")]
    if not wanted:
        return
    said = subprocess.Popen(
        [openssl.path, "s_client", "-starttls", "?"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ).communicate()[0]
    known = set(re.findall(r"[a-z0-9-]+", said.decode("utf-8", "replace")))
    for endpoint in wanted:
        if endpoint["starttls"] not in known:
            raise ValueError(
                "endpoint {0}: starttls {1} is not known to this host's {2} {3} ({4})".format(
                    label(endpoint["host"], endpoint["port"]),
                    endpoint["starttls"],
                    openssl.maker,
                    ".".join(map(str, openssl.version)),
                    openssl.path,
                )
            )


def certificates(said: str) -> List[str]:
    """The certificates that s_client printed, each in PEM form, in served order."""
    return _CERTIFICATE.findall(said)


def look(endpoint: Endpoint, address: str, until: float, openssl: Openssl, offer: Offer) -> Tuple[str, str]:
    """What s_client printed, and what it complained of: "" after a handshake, `timed out` when it was stopped."""
    command = [openssl.path, *_arguments(endpoint, address, openssl), *_offered(offer, openssl)]
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
    if openssl.version >= (3,):  # before, it is what they do anyway, and 1.1.1 takes the option for a server's
        arguments.append("-legacy_server_connect")
    name = endpoint.get("server_name") or endpoint["host"]
    if endpoint.get("starttls"):
        arguments += ["-starttls", endpoint["starttls"]]
    if endpoint.get("starttls") == "xmpp":
        arguments += ["-xmpphost", name]
    if endpoint.get("sni") is False or is_ip(name):  # RFC 6066, section 3: no address in the extension
        # OpenSSL before 1.1.1, and LibreSSL, send a name only when they are told to.
        arguments += ["-noservername"] if openssl.maker == "OpenSSL" and openssl.version >= (1, 1, 1) else []
    else:
        arguments += ["-servername", to_ascii(name)]
    return arguments


def _offered(offer: Offer, openssl: Openssl) -> List[str]:
    # The levels came with 1.1.0; level 0 lets weak keys and ciphers be seen.
    level = ":@SECLEVEL=0" if openssl.version >= (1, 1) else ""
    arguments = ["-cipher", _CIPHERS[offer.key_type] + ":!aNULL" + level]
    if offer.version:
        arguments.append(_OPTIONS[offer.version])
    elif offer.key_type and openssl.knows("TLSv1.3"):
        arguments.append("-no_tls1_3")  # whose ciphers say nothing of the key
    return arguments


def protocol_of(said: str) -> Optional[str]:
    """The TLS version that was agreed on, as s_client printed it."""
    found = [match.group(1) for match in (pattern.search(said) for pattern in _PROTOCOLS) if match]
    return found[0] if found else None


def answered(said: str) -> bool:
    """Whether the server said anything in the handshake, as s_client tells when it ends by itself."""
    return bool(_CERTIFICATE.search(said) or re.search(r"^SSL handshake has read [1-9]", said, re.MULTILINE))


def cipher_of(said: str) -> Optional[str]:
    """The cipher suite that was agreed on."""
    found = _CIPHER.search(said)
    return found.group(1) if found and found.group(1) not in ("(NONE)", "0000") else None


def group_of(said: str) -> Optional[str]:
    """The key exchange's group; None without one, or for a finite field, of which s_client tells the size alone."""
    found = [match.group(1) for match in (pattern.search(said) for pattern in _GROUPS) if match]
    return _NAMES.get(found[0], found[0]) if found and found[0] != "DH" else None


def failure_of(complaint: str, heard: bool, address: str, port: int, seconds: float) -> Tuple[str, str]:
    """Kind and detail of a handshake that failed, from what s_client wrote on stderr; heard: whether the server said anything."""
    where = "{0} port {1}".format(address, port)
    if complaint == "timed out":
        kind = HANDSHAKE_FAILED if heard else UNREACHABLE
        return kind, "{0} took the connection but completed no handshake within {1:g} s".format(where, seconds)
    alert = _ALERT.search(complaint)
    if alert:
        return HANDSHAKE_FAILED, "the server refused with the TLS alert '{0}'".format(alert.group(1))
    reasons = _REASON.findall(complaint)
    if any(foreign in reason for reason in reasons for foreign in _FOREIGN):
        return NOT_TLS, "{0} answers something other than TLS ({1})".format(where, reasons[0])
    if "unexpected eof" in complaint or "errno=0" in complaint or "errno=104" in complaint:
        return (HANDSHAKE_FAILED if heard else UNREACHABLE), "{0} broke off before the handshake was done".format(where)
    return HANDSHAKE_FAILED, "openssl could not go on: {0}".format(", ".join(reasons) or complaint.strip()[:200])
