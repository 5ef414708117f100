# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of mutual TLS: what the server does with a client certificate and without one.

Unless a case says otherwise, `ours` of `our CA` is presented, the server asks for one of `our CA` and takes it, and refuses a
connection without.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge import Failure, Mutual, Reply
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.pki import Cert, Pki
from tests.unit.judge.cases import Row

_CLIENT = (ExtendedKeyUsageOID.CLIENT_AUTH,)
_ANY = (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)
_CERTS = {
    "our CA": Cert(),
    "ours": Cert(issuer="our CA", names=["sender.example.com"], usages=_CLIENT),
    "any": Cert(issuer="our CA", names=["sender.example.com"], usages=_ANY),
    "plain": Cert(issuer="our CA", names=["sender.example.com"], usages=()),
    "server": Cert(issuer="our CA", names=["sender.example.com"]),
    "ended": Cert(issuer="our CA", names=["sender.example.com"], usages=_CLIENT, ends="-1d"),
    "early": Cert(issuer="our CA", names=["sender.example.com"], usages=_CLIENT, starts="1d"),
    "their CA": Cert(),
    "inter of ours": Cert(issuer="our CA"),
    "below": Cert(issuer="inter of ours", names=["sender.example.com"], usages=_CLIENT),
    "theirs": Cert(issuer="their CA", names=["sender.example.com"], usages=_CLIENT),
}
OK, TURNED_AWAY = Reply(status=200), Reply(status=400, notice="No required SSL certificate was sent")
BAD = Reply(status=400, notice="The SSL certificate error")
ALERT = Reply(refusal="the server refused with the TLS alert 'unknown ca'")
MISSING = Reply(refusal="the server refused with the TLS alert 'certificate required'")
REFUSED = Failure("handshake-failed", "the server refused with the TLS alert 'certificate required'")
_HALF = Failure(
    "unreachable", "on the connection without a client certificate, 192.0.2.7 took no connection within 10 s"
)

NOT_REQUESTED = ("client-certificate-not-requested", "error", None)
REJECTED = ("client-certificate-rejected", "error", None)
NOT_REQUIRED = ("client-certificate-not-required", "error", None)


def _mutual(*presented: str, **more: Any) -> Callable[[Pki], Mutual]:
    def of(pki: Pki) -> Mutual:
        named = ((pki["our CA"].subject_der, pki["our CA"].subject),)
        usual = Mutual("required", True, tuple(pki[one] for one in presented), OK, TURNED_AWAY, named)
        return replace(usual, **more)

    return of


def _row(name: str, mutual: Callable[[Pki], Mutual], **more: Any) -> Row:
    return Row(name, certs=_CERTS, mutual=mutual, **more)


VALID = (
    _row("client certificate taken, none refused", _mutual("ours")),
    _row("client certificate taken, none refused in the handshake", _mutual("ours", anonymous=MISSING)),
    _row("client certificate taken, none forbidden", _mutual("ours", anonymous=Reply(status=403))),
    _row("client certificate answered, none not", _mutual("ours", anonymous=Reply())),
    _row("client certificate taken, none has to log in", _mutual("ours", anonymous=Reply(status=401))),
    _row("client certificate optional, and taken", _mutual("ours", expected="optional", anonymous=None)),
    _row("client certificate with its intermediate", _mutual("below", "inter of ours")),
    _row("no client certificate, turned away", _mutual(reply=TURNED_AWAY, anonymous=None)),
    _row("no client certificate, refused as is required", _mutual(reply=MISSING, anonymous=None), failure=REFUSED),
    _row("no client certificate where it is optional", _mutual(expected="optional", reply=OK, anonymous=None)),
)
FAULTY = (
    _row(
        "no client certificate asked for",
        _mutual("ours", requested=False, anonymous=OK),
        found=[NOT_REQUESTED],
        refusing=[],
    ),
    _row(
        "no client certificate asked for, where it is optional",
        _mutual(expected="optional", requested=False, anonymous=None),
        found=[NOT_REQUESTED],
        refusing=[],
    ),
    _row("client certificate of another CA", _mutual("theirs", reply=ALERT), found=[REJECTED], failure=REFUSED),
    _row("client certificate turned away in HTTP", _mutual("theirs", reply=BAD), found=[REJECTED], refusing=[]),
    _row("client certificate that has ended", _mutual("ended", reply=BAD), found=[REJECTED], refusing=[]),
    _row("client certificate that has not begun", _mutual("early", reply=BAD), found=[REJECTED], refusing=[]),
    _row("client certificate for servers", _mutual("server", reply=BAD), found=[REJECTED], refusing=[]),
    _row("client certificate for anything, rejected", _mutual("any", reply=BAD), found=[REJECTED], refusing=[]),
    _row(
        "client certificate without usages, rejected, no CA named",
        _mutual("plain", reply=BAD, authorities=()),
        found=[REJECTED],
        refusing=[],
    ),
    _row(
        "client certificate taken, none is fine too", _mutual("ours", anonymous=OK), found=[NOT_REQUIRED], refusing=[]
    ),
    _row(
        "client certificate taken, none too, without HTTP",
        _mutual("ours", reply=Reply(), anonymous=Reply()),
        found=[NOT_REQUIRED],
        refusing=[],
    ),
    _row(
        "the same page is forbidden with a client certificate and without",
        _mutual("ours", reply=Reply(status=403), anonymous=Reply(status=403)),
        found=[NOT_REQUIRED],
        refusing=[],
    ),
    _row(
        "a stranger's client certificate and none are both forbidden",
        _mutual("theirs", reply=Reply(status=403), anonymous=Reply(status=403)),
        found=[REJECTED],
        refusing=[],
    ),
    _row(
        "the connection without a client certificate is closed, as that with one",
        _mutual("ours", reply=Reply(closed=True), anonymous=Reply(closed=True)),
        found=[NOT_REQUIRED],
        refusing=[],
    ),
    _row("no client certificate, and let in", _mutual(reply=OK, anonymous=None), found=[NOT_REQUIRED], refusing=[]),
    _row(
        "client certificate rejected, none is fine",
        _mutual("theirs", reply=ALERT, anonymous=OK),
        found=[REJECTED, NOT_REQUIRED],
        failure=REFUSED,
    ),
    _row(
        "no client certificate where one is not expected to be required, and refused",
        _mutual(expected="optional", reply=MISSING, anonymous=None),
        found=[("handshake-failed", "error", None)],
        failure=replace(REFUSED, certificate_wanted=True),
    ),
    _row(
        "silence where a client certificate is missing",
        _mutual(reply=Reply(silent=True), anonymous=None),
        found=[("handshake-failed", "error", None)],
        failure=Failure("handshake-failed", "192.0.2.7 port 443 fell silent in mid-handshake for 10 s"),
    ),
    _row(
        "the connection without a client certificate failed",
        _mutual("ours", anonymous=None),
        found=[("unreachable", "error", None)],
        failure=_HALF,
    ),
)
