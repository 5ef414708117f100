# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The STARTTLS dialogues, bytes in and bytes out."""

from __future__ import annotations

import contextlib

import pytest
from ansible_collections.fullchain.tls.plugins.module_utils import starttls
from ansible_collections.fullchain.tls.plugins.module_utils.endpoints import STARTTLS_PORTS
from ansible_collections.fullchain.tls.plugins.module_utils.starttls import (
    DIALOGUES,
    MOST_BYTES,
    Hear,
    Refused,
    Say,
    dialogue,
)
from hypothesis import given
from hypothesis import strategies as st

NAME = "im.example.com"
EHLO = b"EHLO [127.0.0.1]\r\n"
XMPP_OPEN = (
    b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
    b"to='im.example.com' version='1.0'>"
)
XMPP_STARTTLS = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
XMPP_STREAM = (
    b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' from='im.example.com' id='1' version='1.0' "
    b"xmlns:stream='http://etherx.jabber.org/streams'>"
)
LDAP_REQUEST = bytes.fromhex("301d02010177188016") + b"1.3.6.1.4.1.1466.20037"
POSTGRES_REQUEST = bytes.fromhex("0000000804d2162f")
MYSQL_REQUEST = bytes.fromhex("20000001008a00000000000121") + bytes(23)


def mysql_greeting(capabilities=0xFFFF, version=b"10.11.19-MariaDB"):
    body = b"\x0a" + version + b"\0" + bytes(4) + b"nonce678" + b"\0" + capabilities.to_bytes(2, "little") + bytes(40)
    return len(body).to_bytes(3, "little") + b"\0" + body


def ldap_response(code, words=b"", tag=0x78):
    content = b"\x0a\x01" + bytes([code]) + b"\x04\x00\x04" + bytes([len(words)]) + words
    message = b"\x02\x01\x01" + bytes([tag, len(content)]) + content
    return b"\x30" + bytes([len(message)]) + message


def long_form(message):
    """As Active Directory writes lengths."""
    return b"\x30\x84" + (len(message) - 2).to_bytes(4, "big") + message[2:]


def lead(protocol, answers, size=None):
    """What was sent in a dialogue with a server that gives these answers, each cut into pieces of `size` bytes."""
    talk, sent, waiting = dialogue(protocol, NAME), [], list(answers)
    pieces = []
    turn = next(talk, None)
    while turn is not None:
        if isinstance(turn, Say):
            sent.append(turn.data)
            reply = b""
        else:
            if not pieces:
                answer = waiting.pop(0)
                step = size or len(answer)
                pieces = [answer[at : at + step] for at in range(0, len(answer), step)]
            reply = pieces.pop(0)
        try:
            turn = talk.send(reply)
        except StopIteration:
            turn = None
    assert not waiting, "the dialogue ended early"
    assert not pieces, "the dialogue ended early"
    return sent


AGREED = [
    ("smtp", [b"220 a ESMTP\r\n", b"250-a\r\n250-SIZE 1000\r\n250 STARTTLS\r\n", b"220 2.0.0 go\r\n"], [EHLO, b"STARTTLS\r\n"]),
    ("smtp", [b"220-a\r\n220 b\r\n", b"250-a\r\n250-starttls\r\n250 HELP\r\n", b"220 go\r\n"], [EHLO, b"STARTTLS\r\n"]),
    ("imap", [b"* OK ready\r\n", b"* CAPABILITY IMAP4rev1\r\na OK begin\r\n"], [b"a STARTTLS\r\n"]),
    ("pop3", [b"+OK ready\r\n", b"+OK begin\r\n"], [b"STLS\r\n"]),
    ("ftp", [b"220 ready\r\n", b"234 go\r\n"], [b"AUTH TLS\r\n"]),
    ("ftp", [b"120 wait\r\n220-hello\r\n  230 not yet\r\n220 ready\r\n", b"234 go\r\n"], [b"AUTH TLS\r\n"]),
    ("ldap", [ldap_response(0)], [LDAP_REQUEST]),
    ("ldap", [long_form(ldap_response(0, b"fine"))], [LDAP_REQUEST]),
    (
        "xmpp",
        [
            XMPP_STREAM + b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>",
            b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
        ],
        [XMPP_OPEN, XMPP_STARTTLS],
    ),
    (
        "xmpp",
        [
            XMPP_STREAM + b"<features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></features>",
            b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'></proceed>",
        ],
        [XMPP_OPEN, XMPP_STARTTLS],
    ),
    ("postgres", [b"S"], [POSTGRES_REQUEST]),
    ("mysql", [mysql_greeting()], [MYSQL_REQUEST]),
]  # fmt: skip


@pytest.mark.parametrize("size", [None, 1, 7])
@pytest.mark.parametrize(("protocol", "answers", "sent"), AGREED)
def test_agreed(protocol, answers, sent, size):
    assert lead(protocol, answers, size) == sent


@pytest.mark.parametrize(("protocol", "answers", "_sent"), AGREED)
def test_what_comes_in_the_clear_after_agreeing(protocol, answers, _sent):
    """Anyone on the way could have added it (CVE-2011-0411)."""
    with pytest.raises(Refused) as refusal:
        lead(protocol, [*answers[:-1], answers[-1] + b"250 more\r\n"])
    assert str(refusal.value) == "after agreeing to TLS it went on in the clear: '250 more'"


REFUSED = [
    ("smtp", [b"554 5.7.1 not you\r\n"], "the SMTP server turns the connection away: '554 5.7.1 not you'"),
    ("smtp", [b"220 a\r\n", b"502 what?\r\n"], "the SMTP server refuses EHLO: '502 what?'"),
    ("smtp", [b"220 a\r\n", b"250-a\r\n250-SIZE 9\r\n250 HELP\r\n"], "the SMTP server does not offer STARTTLS, but 'SIZE 9, HELP'"),
    ("smtp", [b"220 a\r\n", b"250 STARTTLS\r\n"], "the SMTP server does not offer STARTTLS, but 'nothing'"),
    ("smtp", [b"220 a\r\n", b"250-a\r\n250 STARTTLS\r\n", b"454 4.7.0 TLS not available\r\n"],
     "the SMTP server refuses STARTTLS: '454 4.7.0 TLS not available'"),
    ("smtp", [b"SSH-2.0-OpenSSH_9.2\r\n"], "what answers there is not SMTP: 'SSH-2.0-OpenSSH_9.2'"),
    ("smtp", [b"220 \x1b[31m\xff\r\n", b"500 \x1b[31m" + b"x" * 200 + b"\r\n"],
     "the SMTP server refuses EHLO: '500 \\x1b[31m" + "x" * 91 + "'..."),
    ("imap", [b"* BYE overloaded\r\n"], "the IMAP server turns the connection away: '* BYE overloaded'"),
    ("imap", [b"+OK pop\r\n"], "what answers there is not IMAP: '+OK pop'"),
    ("imap", [b"* OK hi\r\n", b"a NO no TLS here\r\n"], "the IMAP server refuses STARTTLS: 'a NO no TLS here'"),
    ("imap", [b"* PREAUTH hi\r\n", b"a BAD too late\r\n"], "the IMAP server refuses STARTTLS: 'a BAD too late'"),
    ("pop3", [b"-ERR busy\r\n"], "the POP3 server turns the connection away: '-ERR busy'"),
    ("pop3", [b"* OK imap\r\n"], "what answers there is not POP3: '* OK imap'"),
    ("pop3", [b"+OK hi\r\n", b"-ERR unknown command\r\n"], "the POP3 server refuses STLS: '-ERR unknown command'"),
    ("ftp", [b"421 too many\r\n"], "the FTP server turns the connection away: '421 too many'"),
    ("ftp", [b"220 hi\r\n", b"530 Please login\r\n"], "the FTP server refuses AUTH TLS: '530 Please login'"),
    ("ldap", [ldap_response(2, b"unsupported extended operation")],
     "the LDAP server refuses StartTLS with result 2 (protocolError): 'unsupported extended operation'"),
    ("ldap", [ldap_response(80, b"odd")], "the LDAP server refuses StartTLS with result 80: 'odd'"),
    ("ldap", [ldap_response(0, tag=0x61)], "the LDAP server answers StartTLS with another message: "),
    ("ldap", [b"\x30\x03\x02\x01\x01"], "what answers there is not LDAP: "),
    ("ldap", [b"HTTP/1.1 400 Bad Request\r\n"], "what answers there is not LDAP: 'HTTP/1.1 400 Bad Request'"),
    ("xmpp", [XMPP_STREAM + b"<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>"],
     "the XMPP server ends the stream: 'host-unknown'"),
    ("xmpp", [XMPP_STREAM + b"<stream:error><undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
              b"<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>No features</text></stream:error>"],
     "the XMPP server ends the stream: 'undefined-condition: No features'"),
    ("xmpp", [XMPP_STREAM + b"</stream:stream>"], "the XMPP server ends the stream: "),
    ("xmpp", [XMPP_STREAM + b"<stream:features><bind/></stream:features>"], "the XMPP server does not offer STARTTLS"),
    ("xmpp", [XMPP_STREAM + b"<stream:features/>"], "the XMPP server does not offer STARTTLS"),
    ("xmpp", [XMPP_STREAM + b"<stream:features><starttls/></stream:features>", b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"],
     "the XMPP server refuses STARTTLS: \"<failure "),
    ("xmpp", [b"HTTP/1.1 400 Bad Request\r\n"], "what answers there is not XMPP: 'HTTP/1.1 400 Bad Request'"),
    ("postgres", [b"N"], "the PostgreSQL server refuses TLS: 'N' (its setting ssl is off)"),
    ("postgres", [b"E\0\0\0\x2cSFATAL\0C53300\0Mtoo many connections\0\0"],
     "the PostgreSQL server answers with an error: 'too many connections'"),
    ("postgres", [b"Ecould not fork\n\0"], "the PostgreSQL server answers with an error: 'could not fork'"),
    ("postgres", [b"HTTP/1.1 400 Bad Request\r\n"], "what answers there is not PostgreSQL: 'HTTP/1.1 400 Bad Request'"),
    ("mysql", [mysql_greeting(0xF7FF)],
     "the MySQL server '10.11.19-MariaDB' does not offer TLS: CLIENT_SSL is not among its capabilities"),
    ("mysql", [b"\x0d\0\0\0\xff\x6a\x04not for you"[:4 + 13] + b"!"],
     "the MySQL server turns the connection away with error 1130: 'not for yo"),
    ("mysql", [b"220 mail.example.com\r\n"], "what answers there is not MySQL: '220 mail.example.com'"),
    ("mysql", [b"\x04\0\0\0\x09old"], "what answers there is not MySQL: "),
]  # fmt: skip


@pytest.mark.parametrize(("protocol", "answers", "words"), REFUSED)
def test_refused(protocol, answers, words):
    with pytest.raises(Refused) as refusal:
        lead(protocol, answers)
    assert str(refusal.value).startswith(words)
    assert "\x1b" not in str(refusal.value)


@pytest.mark.parametrize("protocol", DIALOGUES)
@pytest.mark.parametrize("record", ["15030300020228", "160303007a0200007603"])
def test_a_port_that_speaks_tls_at_once(protocol, record):
    with pytest.raises(Refused, match="the port speaks TLS from the first byte: leave `starttls` out"):
        lead(protocol, [bytes.fromhex(record)])


# Of each protocol something that could go on without end.
ENDLESS = {
    "smtp": b"220-hello\r\n",
    "imap": b"* OK hello\r\n",
    "pop3": b"+OK hello",
    "ftp": b"120 wait\r\n",
    "ldap": b"\x30\x84\xff\xff\xff\xff",
    "xmpp": b"<?xml version='1.0'?>",
}


@pytest.mark.parametrize(("protocol", "said"), ENDLESS.items())
def test_a_flood_is_cut_off(protocol, said):
    talk, received = dialogue(protocol, NAME), 0
    turn = next(talk, None)
    with pytest.raises(Refused, match="sent more than 65536 bytes"):
        while received < 2 * MOST_BYTES:
            received += len(said) if isinstance(turn, Hear) else 0
            turn = talk.send(said if isinstance(turn, Hear) else b"")


class Counting:
    """A pattern that counts the bytes which it is given to search."""

    def __init__(self, pattern):
        self.pattern, self.searched = pattern, 0

    def search(self, data, start=0, end=None):
        end = len(data) if end is None else end
        self.searched += end - start
        return self.pattern.search(data, start, end)


@pytest.mark.parametrize("said", [b"<a ", b"<a>", b"<proceed/", b"<fail", b"a", b">"])
@pytest.mark.parametrize("size", [1, 4096])
def test_xmpp_searches_each_byte_once(monkeypatch, said, size):
    end, answer = Counting(starttls._XMPP_END), Counting(starttls._XMPP_ANSWER)
    monkeypatch.setattr(starttls, "_XMPP_END", end)
    monkeypatch.setattr(starttls, "_XMPP_ANSWER", answer)
    first = XMPP_STREAM + b"<stream:features><starttls/></stream:features>"
    flood = said * (8192 // len(said)) + b"<proceed/>"
    lead("xmpp", [first, flood], size)
    assert end.searched < len(first)
    assert answer.searched <= len(flood)


@pytest.mark.parametrize("pattern", [starttls._XMPP_ANSWER, starttls._XMPP_CONDITION])
def test_no_xmpp_pattern_runs_on_over_the_next_tag(pattern):
    """Or each `<` of many would have it search all that follows."""
    assert pattern.search(b"<failure <urn:ietf:params:xml:ns:xmpp-streams>") is None


@pytest.mark.parametrize("protocol", DIALOGUES)
@given(
    beginning=st.integers(0, 11),
    answers=st.lists(
        st.binary(min_size=1, max_size=40) | st.sampled_from([b"\n", b" ", b"</stream>", b"\x30\x84"]), min_size=1
    ),
)
def test_nothing_that_a_server_says_breaks_a_dialogue(protocol, beginning, answers):
    """It is agreed to, refused, or needs more."""
    known = [said for name, turns, _sent in AGREED if name == protocol for said in turns]
    talk, waiting = dialogue(protocol, NAME), [*known[:beginning], *answers]
    turn = next(talk, None)
    with contextlib.suppress(Refused, StopIteration):
        while waiting:
            turn = talk.send(waiting.pop(0) if isinstance(turn, Hear) else b"")


def test_each_protocol_that_may_be_asked_for_has_a_dialogue():
    assert list(DIALOGUES) == list(STARTTLS_PORTS)
