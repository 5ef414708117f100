# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The few fields of a certificate that are wanted as they are encoded, cut out of its DER.

Only of certificates that a full parser has taken: nothing is checked here.
"""

from __future__ import annotations

from typing import NamedTuple

_VERSION = 0xA0  # the tag of TBSCertificate's first field, which version 1 leaves out


class Fields(NamedTuple):
    """TBSCertificate and what is in it (RFC 5280 4.1), each with its tag and length where not said otherwise."""

    signed: bytes  # TBSCertificate, the bytes that the signature is for
    serial: bytes  # its content alone
    issuer: bytes
    subject: bytes


def fields_of(der: bytes) -> Fields:
    """Cut the fields out."""
    signed_at, _end = element_at(der, 0)  # within Certificate
    at, signed_end = element_at(der, signed_at)  # within TBSCertificate
    if der[at] == _VERSION:
        at = element_at(der, at)[1]
    serial_at, signature = element_at(der, at)
    issuer = element_at(der, signature)[1]
    validity = element_at(der, issuer)[1]
    subject = element_at(der, validity)[1]
    spki = element_at(der, subject)[1]
    return Fields(der[signed_at:signed_end], der[serial_at:signature], der[issuer:validity], der[subject:spki])


def element_at(der: bytes, at: int) -> tuple[int, int]:
    """Where the content of the element at `at` begins, and where it ends (X.690 8.1.3)."""
    length = der[at + 1]
    if length < 0x80:
        return at + 2, at + 2 + length
    start = at + 2 + (length & 0x7F)
    return start, start + int.from_bytes(der[at + 2 : start], "big")
