# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the handshake is spoken, and what its failures mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

try:
    from OpenSSL import SSL, crypto
except ImportError:  # plugin_utils/libraries.py says what is missing
    pass

from ansible_collections.fullchain.tls.plugins.module_utils.s_client import VERSIONS, Offer
from ansible_collections.fullchain.tls.plugins.module_utils.words import quoted
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import printable
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.keys import read_private_key
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.pem import read_certificates
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import Credential
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.served import HANDSHAKE_FAILED, NOT_TLS, Authority

# Content types of the two records a TLS server may open with (RFC 8446, 5.1).
_ALERT, _HANDSHAKE = 0x15, 0x16
_APPLICATION_DATA = 0x17
_CERTIFICATE = 0x0B  # a handshake message's type

_ASKS_FOR_STAPLE = object()  # a context's app data

# `tls alert handshake failure`, `tlsv1 unrecognized name`, `tlsv13 alert certificate required`: the words that OpenSSL
# 1.1 to 4.0 put before the alert's own name differ with the version and the protocol.
_ALERT_REASON = re.compile(r"(?:ssl/tls|sslv3|tlsv1|tlsv13|tls) (?:alert )?(?P<alert>.+)")


# What comes to TLS by STARTTLS, which an endpoint has to ask for, and speaks first.
_GREETINGS = (
    (re.compile(rb"220[ -]"), "SMTP or FTP"),
    (re.compile(rb"\* (?:OK|PREAUTH)\b"), "IMAP"),
    (re.compile(rb"\+OK\b"), "POP3"),
    (re.compile(rb"(?s)..\0\0\x0a\d"), "MySQL"),
)


@dataclass(frozen=True)
class Trouble:
    """A failure on the wire: its kind (one of served.FAILURE_KINDS) and what happened, in words."""

    kind: str
    detail: str
    silent: bool = False  # nothing was said, so nothing refused


EVERYTHING = Offer()


def new_context(offer: Offer = EVERYTHING, staple: bool = False, credential: Credential | None = None) -> SSL.Context:
    """A client that accepts everything it is served, in order to look at it: nothing is verified here.

    staple: its connections ask for a stapled OCSP response (RFC 6066 8), which costs about a fiftieth of their number.
    credential: what to present when the server asks; a chain that can be read, and its key.

    Offers TLS 1.0 up and whatever cipher is left (SECLEVEL 0), so that an old or weak server is seen and judged
    instead of being missed; RFC 5746 likewise (servers without secure renegotiation).
    """
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    lowest, highest = _range(offer)
    context.set_min_proto_version(lowest)
    context.set_max_proto_version(highest)
    # The kind of key is part of a cipher up to TLS 1.2; in TLS 1.3 it is the signature algorithms', and pyOpenSSL has no
    # way to choose them.
    kinds = {None: "ALL", "ecdsa": "aECDSA", "rsa": "aRSA"}
    context.set_cipher_list(f"{kinds[offer.key_type]}:!aNULL:!eNULL:@SECLEVEL=0".encode())
    context.set_options(SSL.OP_LEGACY_SERVER_CONNECT)
    context.set_verify(SSL.VERIFY_NONE)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    if staple:
        context.set_ocsp_client_callback(_keep_staple)
        context.set_app_data(_ASKS_FOR_STAPLE)
    if credential is not None:
        _present(context, *credential)
    return context


def _present(context: SSL.Context, chain: str, key: str) -> None:
    """Raises InputError for a kind of key that the library can't use."""
    leaf, *issuers = (certificate.x509 for certificate in read_certificates(chain, "client_cert"))
    context.use_certificate(leaf)
    for issuer in issuers:
        context.add_extra_chain_cert(issuer)
    private: Any = read_private_key(key, "client_key")
    try:
        context.use_privatekey(private)
    except (TypeError, SSL.Error):
        raise InputError(
            "client_key is of a kind that cannot be presented from here; expected RSA, ECDSA or Ed25519"
        ) from None


def _keep_staple(connection: SSL.Connection, staple: bytes, _data: object) -> bool:
    """Called when the server's part of the handshake is in; b"" says that nothing was stapled."""
    connection.set_app_data(staple)
    return True


def _range(offer: Offer) -> tuple[int, int]:
    """The lowest and the highest version of TLS to offer; 0 is the highest that the library has."""
    if offer.key_type is not None:
        return SSL.TLS1_VERSION, SSL.TLS1_2_VERSION
    if offer.version is None:
        return SSL.TLS1_VERSION, 0
    only = (SSL.TLS1_VERSION, SSL.TLS1_1_VERSION, SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION)[VERSIONS.index(offer.version)]
    return only, only


def open_connection(context: SSL.Context, sni: str | None) -> SSL.Connection:
    """A connection without a socket, ready for its first `do_handshake`: bio_read and bio_write are its line."""
    connection = SSL.Connection(context, None)
    if sni is not None:
        connection.set_tlsext_host_name(sni.encode("ascii"))
    if context.get_app_data() is _ASKS_FOR_STAPLE:
        connection.request_ocsp()
    connection.set_connect_state()
    return connection


def stapled(connection: SSL.Connection) -> bytes | None:
    """The OCSP response that came along (RFC 6066 8), unparsed; b"" for none, None where nobody asked."""
    staple: bytes | None = connection.get_app_data()
    return staple


def served_chain(connection: SSL.Connection) -> tuple[bytes, ...]:
    """DER of the certificates in the server's Certificate message, in its order; also after a later failure.

    A client's `SSL_get_peer_cert_chain` is the list as sent: OpenSSL neither sorts nor completes it.
    """
    chain = connection.get_peer_cert_chain() or []
    return tuple(crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate) for certificate in chain)


def negotiated_group(connection: SSL.Connection) -> str | None:
    """The key exchange's group, `X25519MLKEM768` or so; None without one, or where the libraries can't tell."""
    try:
        name: str | None = connection.get_group_name()  # not every pyOpenSSL and OpenSSL that we run with has it
    except (AttributeError, NotImplementedError):
        return None
    return name


def is_1_3(connection: SSL.Connection) -> bool:
    """Whether TLS 1.3 was agreed on."""
    return bool(connection.get_protocol_version_name() == "TLSv1.3")


def certificate_requested(flight: bytes) -> bool:
    """Whether the server has asked for a client certificate, `flight` being our last words in the handshake.

    They then hold a Certificate message, be it an empty one: from TLS 1.3 on, a second encrypted record beside Finished
    (RFC 8446, 4.4.2); before, in the clear, ahead of the key exchange (RFC 5246, 7.4.6). The names of CAs that pyOpenSSL
    could tell need not be in the question.
    """
    kinds = list(_records(flight))
    encrypted = sum(kind == _APPLICATION_DATA for kind, _first in kinds)
    return encrypted > 1 or kinds[:1] == [(_HANDSHAKE, _CERTIFICATE)]


def _records(flight: bytes) -> Iterator[tuple[int, int]]:
    """The type of each record, and the first byte in it, which in the clear is the message's type (RFC 8446, 5.1 and 4)."""
    at = 0
    while at + 5 < len(flight):
        yield flight[at], flight[at + 5]
        at += 5 + int.from_bytes(flight[at + 3 : at + 5], "big")


def authorities(connection: SSL.Connection) -> tuple[Authority, ...]:
    """The CAs whose client certificates the server says that it takes; it need not name any (RFC 8446, 4.2.4)."""
    return tuple(Authority(name.der(), _text(name)) for name in connection.get_client_ca_list())


def _text(name: crypto.X509Name) -> str:
    """The name as RFC 4514 has it, the last part first."""
    parts = (f"{kind.decode()}={value.decode('utf-8', 'replace')}" for kind, value in reversed(name.get_components()))
    return printable(",".join(parts))


def is_not_tls(first: bytes) -> Trouble | None:
    """Judge the first bytes that a server sent: anything but a handshake or an alert record is another protocol."""
    if first[0] in (_ALERT, _HANDSHAKE) and first[1:2] in (b"", b"\x03"):
        return None
    return Trouble(NOT_TLS, f"{_protocol_of(first)}: {quoted(first)}")


def handshake_trouble(error: SSL.Error) -> Trouble:
    """The failure that an OpenSSL error stands for, quoting the alert when the server sent one."""
    queue = error.args[0] if error.args and isinstance(error.args[0], list) else []
    reasons = [reason for _library, _function, reason in queue]
    alert = next((found for found in map(_ALERT_REASON.fullmatch, reasons) if found), None)
    if alert:
        return Trouble(HANDSHAKE_FAILED, f"the server refused with the TLS alert '{alert['alert']}'")
    said = ", ".join(reasons) or "no reason given"
    return Trouble(HANDSHAKE_FAILED, f"OpenSSL could not go on with what the server sent: {said}")


def _protocol_of(first: bytes) -> str:
    if first.startswith(b"HTTP/"):
        return "the port answers plain HTTP"
    if first.startswith(b"SSH-"):
        return "the port answers SSH"
    for greeting, protocol in _GREETINGS:
        if greeting.match(first):
            return f"the port greets like {protocol}, without TLS"
    return "the port answers something other than TLS"
