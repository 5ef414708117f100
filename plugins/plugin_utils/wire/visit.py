# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The visit to one endpoint: connect, shake hands, look. It never blocks: it yields what has to be waited for."""

from __future__ import annotations

import errno
import os
import selectors
import socket
import time
from collections.abc import Generator, Sequence

try:
    from OpenSSL import SSL
except ImportError:  # plugin_utils/libraries.py says what is missing
    pass

from ansible_collections.fullchain.tls.plugins.module_utils.starttls import dialogue
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.converse import Conversation
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import Endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.line import Line, Steps, Wait
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.question import Answer, ask
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.resolve import Address
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.served import UNREACHABLE, ClientAuth, Served
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.tls import (
    Trouble,
    authorities,
    certificate_requested,
    handshake_trouble,
    is_1_3,
    negotiated_group,
    open_connection,
    served_chain,
    stapled,
)

# How long a TLS 1.3 server that asked for a client certificate may be silent before that is taken for consent: those
# that accept send session tickets at once, and those that refuse an alert.
_CONSENT_SECONDS = 1.0
# How long to wait likewise, tickets or not, before it is asked something: Node.js closes the connection without an alert, as
# others do when they hear what is no request of theirs.
_QUIET_SECONDS = 0.2

# Sent in: True when the socket is ready, False when the time is up.
Visit = Generator[Wait, bool, Served]


def visit(
    endpoint: Endpoint, addresses: Sequence[Address], until: float, seconds: float, context: SSL.Context
) -> Visit:
    """Fetch what `endpoint` serves from the first of `addresses` that takes a connection.

    until: when to give up, in time.monotonic seconds; seconds: the timeout that this stands for, for messages.
    """
    trouble, address = Trouble(UNREACHABLE, "no address"), None
    for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        now = time.monotonic()
        # A share of the time for each address, or a black hole in front would use up the others' time.
        share = now + max(0.0, until - now) / left
        try:
            sock = socket.socket(address.family, socket.SOCK_STREAM)
        except OSError as error:  # no IPv6 in this kernel, or no file descriptor left
            trouble = Trouble(UNREACHABLE, f"no socket for {address.label}: {error.strerror}")
            continue
        with sock:
            sock.setblocking(False)
            refused = yield from _connect(sock, address, share, seconds)
            if refused is None:
                return (yield from _look(endpoint, sock, address, until, seconds, context))
            trouble = refused
    return Served(
        endpoint,
        address=address.host if address else None,
        failure_kind=trouble.kind,
        failure_detail=trouble.detail,
    )


def _connect(sock: socket.socket, address: Address, until: float, seconds: float) -> Steps:
    """Connect; None when it stands."""
    code = sock.connect_ex(address.sockaddr)
    if code in (errno.EINPROGRESS, errno.EWOULDBLOCK):
        if not (yield Wait(sock, selectors.EVENT_WRITE, until)):
            return Trouble(UNREACHABLE, f"{address.label} took no connection within {seconds:g} s")
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code == 0:
        return None
    said = "refused the connection" if code == errno.ECONNREFUSED else f"cannot be reached: {os.strerror(code)}"
    return Trouble(UNREACHABLE, f"{address.label} {said}")


def _look(
    endpoint: Endpoint, sock: socket.socket, address: Address, until: float, seconds: float, context: SSL.Context
) -> Visit:
    line = Line(sock, address, open_connection(context, endpoint.sni_name))
    trouble = None
    if endpoint.starttls is not None:
        conversation = Conversation(sock, address.label, until, seconds)
        trouble = yield from conversation.lead(dialogue(endpoint.starttls, endpoint.name))
        line.agreed = trouble is None
    if trouble is None:
        trouble = yield from _shake_hands(line, until, seconds)
    requested, answer = certificate_requested(line.flight), Answer(trouble)
    asks = endpoint.client_auth is not None and endpoint.starttls is None
    if trouble is None and requested and is_1_3(line.connection):
        patience = _QUIET_SECONDS if asks else _CONSENT_SECONDS
        trouble = yield from _await_consent(line, min(until, time.monotonic() + patience), once=not asks)
        answer = Answer(trouble)
    if trouble is None and asks:
        answer = yield from ask(line, endpoint.name, until)
        # Who has not been asked for a certificate is refused for something else: a place on the server, say.
        trouble = answer.trouble if requested else None
    chain = served_chain(line.connection)
    tells = chain and (endpoint.client_auth or (trouble and requested))
    return Served(
        endpoint,
        address=address.host,
        protocol=line.connection.get_protocol_version_name() if chain else None,
        cipher=line.connection.get_cipher_name() if chain else None,
        group=negotiated_group(line.connection) if chain else None,
        chain=chain,
        failure_kind=trouble.kind if trouble else None,
        failure_detail=trouble.detail if trouble else None,
        stapled=stapled(line.connection),
        client_auth=_client_auth(line, requested, answer) if tells else None,
    )


def _client_auth(line: Line, requested: bool, answer: Answer) -> ClientAuth:
    named = authorities(line.connection) if requested else ()
    refused = answer.trouble is not None and not answer.trouble.silent
    return ClientAuth(requested, named, refused, answer.status, answer.notice, answer.closed)


def _shake_hands(line: Line, until: float, seconds: float) -> Steps:
    """Complete the handshake; None when it stands."""
    while True:
        try:
            line.connection.do_handshake()
            line.send()
            line.complete = True
            return None
        except SSL.WantReadError:
            pass
        except SSL.Error as error:
            return handshake_trouble(error)
        except OSError as error:
            return line.broken(os.strerror(error.errno or 0))
        try:
            line.send()
        except OSError as error:
            return line.broken(os.strerror(error.errno or 0))
        if not (yield Wait(line.sock, selectors.EVENT_READ, until)):
            return line.silent(seconds)
        trouble = line.receive()
        if trouble:
            return trouble


def _await_consent(line: Line, until: float, once: bool) -> Steps:
    """Read: TLS 1.3 has the server look at the client's certificate after the client is done (RFC 8446, 4.4.2.4).

    once: whatever the server says that is no refusal is consent; otherwise, a refusal may follow it.
    """
    while (yield Wait(line.sock, selectors.EVENT_READ, until)):
        try:
            trouble = line.receive()
            if trouble is None:
                line.connection.recv(1)
            return trouble
        except SSL.WantReadError:
            if once:
                return None
        except (SSL.ZeroReturnError, SSL.SysCallError):
            return None if once else line.broken("it closed the connection")
        except SSL.Error as error:
            return handshake_trouble(error)
    return None
