# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutual TLS: what is expected of a server, and what it did with a client certificate and without one."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate

REQUIRED = "required"

# 400 is how nginx turns a client away, 401 and 403 how a server does that asks first and decides by the place.
_TURNED_AWAY = (400, 401, 403)


@dataclass(frozen=True)
class Reply:
    """How a server took a connection, once it knew the client's certificate or that it had none."""

    refusal: str | None = None  # why TLS came to nothing, in words
    status: int | None = None  # of the answer to an HTTP request
    notice: str | None = None  # what that answer says of the certificate
    closed: bool = False  # there was none: the connection was closed instead
    silent: bool = False  # the handshake was not completed, and nothing said


@dataclass(frozen=True)
class Mutual:
    """What an endpoint is to do, and did."""

    expected: str  # REQUIRED, or "optional"
    requested: bool  # the server asked for a certificate, in the handshake
    presented: tuple[Certificate, ...] = ()  # the client's, its own first
    reply: Reply = Reply()  # to these, or to none where none were presented
    anonymous: Reply | None = None  # to none, on a second connection
    authorities: tuple[tuple[bytes, str], ...] = ()  # CAs that the server named: DER and text

    @property
    def rejected(self) -> str | None:
        """Why the certificate that was presented did not do."""
        if not (self.presented and self.requested):
            return None
        if self.reply.refusal:
            return self.reply.refusal
        return f"it answers {self.reply.status}, '{self.reply.notice}'" if self.reply.notice else None

    @property
    def turned_away_alike(self) -> str | None:
        """The same answer turns a client away with the certificate and without: that one does not do, or the place is nobody's."""
        without, status = self.anonymous, self.reply.status
        alike = without is not None and without.status == status and status in _TURNED_AWAY
        return f"it answers {status} with a certificate and without" if alike else None

    @property
    def lets_anyone_in(self) -> str | None:
        """What a client without a certificate meets, where it is not turned away; None also where that was not tried."""
        without = self.anonymous if self.presented else self.reply
        if not self.requested or without is None or without.silent or without.refusal or without.notice:
            return None
        if without.status is not None:
            return self.turned_away_alike or (
                None if without.status in _TURNED_AWAY else f"it answers {without.status}"
            )
        if self.presented and self.reply.status is not None:
            return None  # what is answered with the certificate is not without
        how = "the connection closed without an answer" if without.closed else "nothing refused"
        return f"the handshake is completed and {how}"

    @property
    def explains_failure(self) -> bool:
        """The connection failed for want of the right certificate: that has its own finding, or is as it should be."""
        as_expected = bool(self.presented) or self.expected == REQUIRED
        return self.requested and self.reply.refusal is not None and as_expected

    @property
    def unnamed_issuer(self) -> bool:
        """The server names CAs, and none of them has issued the client's certificate or one of its issuers."""
        issuers = {certificate.issuer_der for certificate in self.presented}
        return bool(self.authorities) and not any(der in issuers for der, _text in self.authorities)
