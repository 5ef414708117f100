# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a connection comes to TLS in protocols that begin in the clear: one small dialogue each, bytes in, bytes out.

For the controller and for hosts: no socket in here. A dialogue yields Say and Hear, is sent what was heard, and returns when TLS may begin.
"""

import re
from typing import Callable, Dict, Generator, List, NamedTuple, Pattern, Tuple, Union

from ansible_collections.fullchain.tls.plugins.module_utils.words import quoted

# What a server may say before TLS: greetings and lists of capabilities are a few kilobytes at most.
MOST_BYTES = 65536


class Say(NamedTuple):
    """Send these bytes."""

    data: bytes


class Hear(NamedTuple):
    """Wait for bytes of what is called `awaited`, `greeting` or so."""

    awaited: str


class Refused(Exception):
    """TLS does not come about; why, in a sentence's words and the server's own."""


Turn = Union[Say, Hear]
Dialogue = Generator[Turn, bytes, None]


def dialogue(protocol: str, name: str) -> Dialogue:
    """The dialogue of `protocol`, one of DIALOGUES, with the server called `name`. Raises Refused when it ends without TLS."""
    inbox = _Inbox()
    yield from DIALOGUES[protocol](inbox, name)
    if inbox.data:
        # The client speaks first in TLS: whoever adds to the answer has slipped something in (CVE-2011-0411), or is confused.
        raise Refused(f"after agreeing to TLS it went on in the clear: {quoted(bytes(inbox.data))}")


class _Inbox:
    """What has come and is not read yet."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._total = 0

    def more(self, awaited: str) -> Dialogue:
        """Wait for more of it. Raises Refused for TLS, and for too much."""
        heard = yield Hear(awaited)
        if not self._total and re.match(rb"[\x15\x16]\x03[\x00-\x04]", heard):
            raise Refused("the port speaks TLS from the first byte: leave `starttls` out")
        self._total += len(heard)
        if self._total > MOST_BYTES:
            raise Refused(f"it sent more than {MOST_BYTES} bytes, and {awaited} was not among them")
        self.data += heard

    def take(self, count: int, awaited: str) -> Generator[Turn, bytes, bytes]:
        """The next `count` bytes."""
        while len(self.data) < count:
            yield from self.more(awaited)
        taken = bytes(self.data[:count])
        del self.data[:count]
        return taken

    def line(self, awaited: str) -> Generator[Turn, bytes, bytes]:
        """The next line, without its end."""
        while b"\n" not in self.data:
            yield from self.more(awaited)
        line = yield from self.take(self.data.index(b"\n") + 1, awaited)
        return line.rstrip(b"\r\n")

    def until(self, end: Pattern[bytes], awaited: str) -> Generator[Turn, bytes, bytes]:
        """What comes up to the first match of `end`, and with it; `end` has one `>`, as its last byte.

        Each byte is searched once, when the `>` after it has come: a server may send much, and in small pieces.
        """
        begin = known = 0
        while True:
            close = self.data.find(b">", known) + 1
            if not close:
                known = len(self.data)
                yield from self.more(awaited)
                continue
            found = end.search(self.data, begin, close)
            if found:
                return (yield from self.take(found.end(), awaited))
            begin = known = close


# --- protocols of lines ---------------------------------------------------------------------------------------------


def _smtp(inbox: _Inbox, _name: str) -> Dialogue:
    """RFC 3207, 4."""
    greeting = yield from _reply(inbox, "SMTP", "greeting")
    _want(greeting, b"220", "the SMTP server turns the connection away")
    yield Say(b"EHLO [127.0.0.1]\r\n")
    offer = yield from _reply(inbox, "SMTP", "answer to EHLO")
    _want(offer, b"250", "the SMTP server refuses EHLO")
    if not any(line[4:].strip().upper() == b"STARTTLS" for line in offer[1:]):
        others = b", ".join(line[4:].strip() for line in offer[1:]) or b"nothing"
        raise Refused(f"the SMTP server does not offer STARTTLS, but {quoted(others)}")
    yield Say(b"STARTTLS\r\n")
    answer = yield from _reply(inbox, "SMTP", "answer to STARTTLS")
    _want(answer, b"220", "the SMTP server refuses STARTTLS")


def _ftp(inbox: _Inbox, _name: str) -> Dialogue:
    """RFC 4217, 4."""
    greeting = yield from _reply(inbox, "FTP", "greeting")
    while greeting[-1].startswith(b"120"):  # ready in some minutes (RFC 959, 5.4)
        greeting = yield from _reply(inbox, "FTP", "greeting")
    _want(greeting, b"220", "the FTP server turns the connection away")
    yield Say(b"AUTH TLS\r\n")
    answer = yield from _reply(inbox, "FTP", "answer to AUTH TLS")
    _want(answer, b"234", "the FTP server refuses AUTH TLS")


def _reply(inbox: _Inbox, protocol: str, awaited: str) -> Generator[Turn, bytes, List[bytes]]:
    """The lines of one reply: `250-` goes on, `250 ` ends it (RFC 5321 4.2.1, RFC 959 4.2). Raises Refused for other text."""
    lines = [(yield from inbox.line(awaited))]
    if not re.match(rb"[1-5]\d\d(?:[ -]|$)", lines[0]):
        raise Refused(f"what answers there is not {protocol}: {quoted(lines[0])}")
    code = lines[0][:3]
    while lines[-1][3:4] == b"-" or not lines[-1].startswith(code):
        lines.append((yield from inbox.line(awaited)))
    return lines


def _want(reply: List[bytes], code: bytes, otherwise: str) -> None:
    if not reply[-1].startswith(code):
        raise Refused(f"{otherwise}: {quoted(reply[-1])}")


def _imap(inbox: _Inbox, _name: str) -> Dialogue:
    """RFC 9051, 6.2.1."""
    greeting = yield from inbox.line("greeting")
    if not re.match(rb"\* (?:OK|PREAUTH|BYE)\b", greeting, re.IGNORECASE):
        raise Refused(f"what answers there is not IMAP: {quoted(greeting)}")
    if greeting[2:5].upper() == b"BYE":
        raise Refused(f"the IMAP server turns the connection away: {quoted(greeting)}")
    yield Say(b"a STARTTLS\r\n")
    answer = yield from inbox.line("answer to STARTTLS")
    while answer.startswith(b"* "):  # untagged: said beside it
        answer = yield from inbox.line("answer to STARTTLS")
    if not re.match(rb"a OK\b", answer, re.IGNORECASE):
        raise Refused(f"the IMAP server refuses STARTTLS: {quoted(answer)}")


def _pop3(inbox: _Inbox, _name: str) -> Dialogue:
    """RFC 2595, 4."""
    greeting = yield from inbox.line("greeting")
    if greeting.startswith(b"-ERR"):
        raise Refused(f"the POP3 server turns the connection away: {quoted(greeting)}")
    if not greeting.startswith(b"+OK"):
        raise Refused(f"what answers there is not POP3: {quoted(greeting)}")
    yield Say(b"STLS\r\n")
    answer = yield from inbox.line("answer to STLS")
    if not answer.startswith(b"+OK"):
        raise Refused(f"the POP3 server refuses STLS: {quoted(answer)}")


# --- XML ------------------------------------------------------------------------------------------------------------

_XMPP_OPEN = (
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams' to='{name}' version='1.0'>"
)
# `[^<>]`, for a search that may run on over the next `<` begins anew at each of them.
_XMPP_END = re.compile(rb"</(?:\w+:)?(?:features|error|stream)\s*>|<(?:\w+:)?features\s*/>")
_XMPP_ANSWER = re.compile(rb"<proceed\b[^<>]*/>|</proceed\s*>|<failure\b[^<>]*>|</(?:\w+:)?(?:error|stream)\s*>")
_XMPP_CONDITION = re.compile(rb"<([a-z-]+)\s[^<>]*urn:ietf:params:xml:ns:xmpp-streams")


def _xmpp(inbox: _Inbox, name: str) -> Dialogue:
    """RFC 6120, 5.4. Regular expressions will do: a stream is no document that a parser would finish."""
    yield Say(_XMPP_OPEN.format(name=name).encode())
    start = yield from inbox.take(1, "stream")
    if start != b"<":
        raise Refused(f"what answers there is not XMPP: {quoted(start + inbox.data)}")
    features = yield from inbox.until(_XMPP_END, "list of features")
    _go_on(features)
    if not re.search(rb"<(?:\w+:)?starttls\b", features):
        raise Refused("the XMPP server does not offer STARTTLS")
    yield Say(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    answer = yield from inbox.until(_XMPP_ANSWER, "answer to STARTTLS")
    _go_on(answer)
    if b"<failure" in answer:
        raise Refused(f"the XMPP server refuses STARTTLS: {quoted(answer)}")


def _go_on(said: bytes) -> None:
    """Raise Refused for the end of the stream (RFC 6120, 4.9)."""
    condition = _XMPP_CONDITION.search(said)
    if condition:
        text = re.search(rb"<text\b[^<>]*>([^<]*)", said)
        raise Refused(
            f"the XMPP server ends the stream: {quoted(b': '.join([condition[1], *(text.groups() if text else ())]))}"
        )
    if re.search(rb"</(?:\w+:)?(?:error|stream)\s*>\Z", said):
        raise Refused(f"the XMPP server ends the stream: {quoted(said[-60:])}")


# --- protocols of bytes ---------------------------------------------------------------------------------------------

_LDAP_OID = b"1.3.6.1.4.1.1466.20037"
_LDAP_RESULTS = {1: "operationsError", 2: "protocolError", 10: "referral", 52: "unavailable", 53: "unwillingToPerform"}


def _ldap(inbox: _Inbox, _name: str) -> Dialogue:
    """RFC 4511, 4.14: an ExtendedRequest, and its response."""
    request = b"\x80" + bytes([len(_LDAP_OID)]) + _LDAP_OID
    operation = b"\x02\x01\x01\x77" + bytes([len(request)]) + request
    yield Say(b"\x30" + bytes([len(operation)]) + operation)
    head = yield from inbox.take(2, "answer to StartTLS")
    if head[0] != 0x30 or head[1] in (0x80, 0xFF) or head[1] > 0x84:
        raise Refused(f"what answers there is not LDAP: {quoted(head + inbox.data)}")
    size = head[1]
    if size > 0x80:  # the long form, which Active Directory has for short messages, too (X.690, 8.1.3.5)
        size = int.from_bytes((yield from inbox.take(size - 0x80, "answer to StartTLS")), "big")
    message = yield from inbox.take(min(size, MOST_BYTES), "answer to StartTLS")
    code, words = _ldap_result(message)
    if code != 0:
        named = f" ({_LDAP_RESULTS[code]})" if code in _LDAP_RESULTS else ""
        raise Refused(f"the LDAP server refuses StartTLS with result {code}{named}: {quoted(words)}")


def _ldap_result(message: bytes) -> Tuple[int, bytes]:
    """resultCode and diagnosticMessage (RFC 4511, 4.1.9) of what is in an LDAPMessage. Raises Refused when it is none."""
    try:
        _tag, _number, at = _element(message, 0)
        tag, response, _at = _element(message, at)
        _tag, code, at = _element(response, 0)
        _tag, _matched, at = _element(response, at)
        _tag, words, _at = _element(response, at)
    except IndexError:
        raise Refused(f"what answers there is not LDAP: {quoted(message)}") from None
    if tag != 0x78:
        raise Refused(f"the LDAP server answers StartTLS with another message: {quoted(message)}")
    return int.from_bytes(code, "big"), words


def _element(data: bytes, at: int) -> Tuple[int, bytes, int]:
    """Tag and content of the BER element at `at`, and where the next one is. Raises IndexError when it isn't all there."""
    size, start = data[at + 1], at + 2
    if size > 0x80:
        start += size - 0x80
        size = int.from_bytes(data[at + 2 : start], "big")
    if start + size > len(data):
        raise IndexError(at)
    return data[at], data[start : start + size], start + size


def _postgres(inbox: _Inbox, _name: str) -> Dialogue:
    """PostgreSQL's frontend/backend protocol: SSLRequest, and one byte."""
    yield Say((8).to_bytes(4, "big") + (80877103).to_bytes(4, "big"))
    answer = yield from inbox.take(1, "answer to SSLRequest")
    if answer == b"S":
        return
    if answer == b"N":
        raise Refused("the PostgreSQL server refuses TLS: 'N' (its setting ssl is off)")
    said = answer + bytes(inbox.data)
    if answer != b"E":
        raise Refused(f"what answers there is not PostgreSQL: {quoted(said)}")
    # ErrorResponse has fields, of which M is the message; servers that could not fork send text.
    words = re.search(rb"\0M([^\0]*)", said)
    raise Refused(f"the PostgreSQL server answers with an error: {quoted(words[1] if words else said[1:])}")


_CLIENT_PROTOCOL_41, _CLIENT_SSL, _CLIENT_SECURE_CONNECTION = 0x200, 0x800, 0x8000


def _mysql(inbox: _Inbox, _name: str) -> Dialogue:
    """MySQL's client/server protocol: Initial Handshake, and SSLRequest."""
    size = yield from inbox.take(4, "greeting")
    length = int.from_bytes(size[:3], "little")
    if not 0 < length <= 4096:
        raise Refused(f"what answers there is not MySQL: {quoted(size + inbox.data)}")
    greeting = yield from inbox.take(length, "greeting")
    if greeting[0] == 0xFF:
        code, words = int.from_bytes(greeting[1:3], "little"), greeting[3:]
        raise Refused(f"the MySQL server turns the connection away with error {code}: {quoted(words)}")
    version, zero, rest = greeting[1:].partition(b"\0")
    if greeting[0] != 10 or not zero or len(rest) < 15:
        raise Refused(f"what answers there is not MySQL: {quoted(size + greeting)}")
    # After the version: 4 bytes of connection id, 8 of a nonce, a filler, and the lower half of the capabilities.
    if not int.from_bytes(rest[13:15], "little") & _CLIENT_SSL:
        raise Refused(
            f"the MySQL server {quoted(version)} does not offer TLS: CLIENT_SSL is not among its capabilities"
        )
    flags = _CLIENT_PROTOCOL_41 | _CLIENT_SSL | _CLIENT_SECURE_CONNECTION
    # Capabilities, the largest packet, a character set (utf8) and zeros: 32 bytes, the second packet.
    yield Say(b"\x20\0\0\x01" + flags.to_bytes(4, "little") + (1 << 24).to_bytes(4, "little") + b"\x21" + bytes(23))


DIALOGUES: Dict[str, Callable[[_Inbox, str], Dialogue]] = {
    "smtp": _smtp,
    "imap": _imap,
    "pop3": _pop3,
    "ftp": _ftp,
    "ldap": _ldap,
    "xmpp": _xmpp,
    "postgres": _postgres,
    "mysql": _mysql,
}
