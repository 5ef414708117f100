# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CRLs and OCSP responses, read. What they mean is tested with the judge."""

from __future__ import annotations

import base64
import textwrap
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.revocation import (
    Crl,
    Entry,
    OcspResponse,
    Point,
    Unusable,
    crl_points,
    must_staple,
    ocsp_request,
    parse_crl,
    parse_ocsp,
    responders,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests import revocation
from tests.pki import Cert, Pki, mint
from tests.revocation import MUST_STAPLE, OCSP_SIGNING, Ocsp, mint_crl, mint_ocsp, responder

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=timezone.utc)
_URLS = [f"http://ca.example.com/{number}" for number in range(9)]


@pytest.fixture(scope="module")
def pki() -> Pki:
    return mint(
        NOW,
        root=Cert(),
        inter=Cert(issuer="root"),
        other=Cert(issuer="root"),
        delegate=Cert(issuer="inter", ca=False, usages=[OCSP_SIGNING]),
        leaf=Cert(issuer="inter", names=["shop.example.com"]),
        mldsa=Cert(issuer="root", key_type="mldsa65"),
        ed448=Cert(issuer="root", key_type="ed448"),
    )


def crl(pki: Pki, **fields: object) -> Crl:
    read = parse_crl(mint_crl(pki, revocation.Crl(**fields)))  # type: ignore[arg-type]
    assert isinstance(read, Crl)
    return read


def response(pki: Pki, **fields: object) -> OcspResponse:
    read = parse_ocsp(mint_ocsp(pki, Ocsp(**fields)))  # type: ignore[arg-type]
    assert isinstance(read, OcspResponse)
    return read


def with_extensions(*extensions: tuple[x509.ExtensionType, bool]) -> Certificate:
    return mint(NOW, leaf=Cert(names=["shop.example.com"], extensions=extensions))["leaf"]


def serial(pki: Pki, name: str) -> int:
    return pki[name].x509.serial_number


def test_a_list(pki: Pki) -> None:
    read = crl(pki, revoked=["leaf"])

    assert read.entry(serial(pki, "leaf")) == Entry(NOW - timedelta(days=2), "keyCompromise")
    assert read.entry(serial(pki, "other")) is None
    assert (read.this_update, read.next_update) == (NOW - timedelta(days=1), NOW + timedelta(days=7))
    assert read.issuer_der == pki["inter"].subject_der
    assert crl(pki, ends=None).next_update is None


@pytest.mark.parametrize(("reason", "told"), [(None, None), ("unspecified", None), ("superseded", "superseded")])
def test_reasons(pki: Pki, reason: str | None, told: str | None) -> None:
    listed = crl(pki, revoked=["leaf"], reason=reason).entry(serial(pki, "leaf"))
    said = response(pki, status="revoked", reason=reason).about(pki["leaf"], pki["inter"])

    assert isinstance(listed, Entry)
    assert said is not None
    assert said.entry is not None
    assert (listed.reason, said.entry.reason) == (told, told)


def test_a_list_as_pem(pki: Pki) -> None:
    body = "\n".join(textwrap.wrap(base64.b64encode(mint_crl(pki, revocation.Crl(revoked=["leaf"]))).decode(), 64))

    read = parse_crl(f"-----BEGIN X509 CRL-----\n{body}\n-----END X509 CRL-----\n".encode())

    assert isinstance(read, Crl)
    assert read.entry(serial(pki, "leaf"))


@pytest.mark.parametrize("data", [b"", b"<html>", b"\x30\x03\x02\x01\x01", b"-----BEGIN X509 CRL-----\n"])
def test_what_is_neither(data: bytes) -> None:
    for read in (parse_crl(data), parse_ocsp(data)):
        assert isinstance(read, Unusable)
        assert read.why.startswith("cannot be parsed: ")
        assert read.fetched


@pytest.mark.parametrize("signer", ["inter", "ed448", "mldsa"])
def test_whose_signature_it_is(pki: Pki, signer: str) -> None:
    listed = crl(pki, issuer=signer) if signer != "mldsa" else None
    said = response(pki, issuer="inter", signed_by="delegate")

    if listed is not None:
        assert [listed.signed_by(pki[name]) for name in (signer, "other", "mldsa")] == [True, False, False]
    assert [said.signed_by(pki[name]) for name in ("delegate", "inter", "mldsa", "ed448")] == [
        True,
        False,
        False,
        False,
    ]


class Counting:
    """A list that counts how often it is read from its start."""

    def __init__(self, parsed: x509.CertificateRevocationList) -> None:
        self._parsed, self.read = parsed, 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._parsed, name)

    def __iter__(self) -> Iterator[x509.RevokedCertificate]:
        self.read += 1
        return iter(self._parsed)

    def get_revoked_certificate_by_serial_number(self, number: int) -> x509.RevokedCertificate | None:
        self.read += 1
        return self._parsed.get_revoked_certificate_by_serial_number(number)


def test_a_long_list_is_read_once_and_not_for_each_certificate(pki: Pki) -> None:
    counting = Counting(x509.load_der_x509_crl(mint_crl(pki, revocation.Crl(revoked=["leaf", "other"]))))
    read = Crl(counting)  # type: ignore[arg-type]

    assert [read.entry(number) for number in range(1000)] == [None] * 1000
    assert counting.read == 1


def test_addresses() -> None:
    leaf = with_extensions(revocation.crl_points(*_URLS), responder(*_URLS))

    assert crl_points(leaf) == tuple(Point(url, frozenset(_URLS)) for url in _URLS[:4])
    assert responders(leaf) == tuple(_URLS[:2])
    assert (crl_points(with_extensions()), responders(with_extensions())) == ((), ())


def test_what_is_no_address() -> None:
    name = x509.RelativeDistinguishedName([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    relative = revocation.crl_points(relative_name=name)
    names = x509.DistributionPoint([x509.DNSName("ca.example.com")], None, None, None)

    assert crl_points(with_extensions(relative)) == ()
    assert crl_points(with_extensions((x509.CRLDistributionPoints([names]), False))) == ()


def test_must_staple() -> None:
    version_2 = x509.TLSFeature([x509.TLSFeatureType.status_request_v2])

    assert must_staple(with_extensions(*MUST_STAPLE))
    assert not must_staple(with_extensions((version_2, False)))
    assert not must_staple(with_extensions())


def test_what_a_responder_is_asked(pki: Pki) -> None:
    asked = ocsp.load_der_ocsp_request(ocsp_request(pki["leaf"], pki["inter"]))

    assert asked.serial_number == serial(pki, "leaf")
    assert isinstance(asked.hash_algorithm, hashes.SHA1)
    assert list(asked.extensions) == []


@pytest.mark.parametrize("digest", [hashes.SHA1, hashes.SHA256, hashes.SHA512])
def test_who_is_meant(pki: Pki, digest: type[hashes.HashAlgorithm]) -> None:
    said = response(pki, digest=digest)

    assert said.about(pki["leaf"], pki["inter"])
    assert said.about(pki["leaf"], pki["other"]) is None
    assert said.about(pki["other"], pki["inter"]) is None


@pytest.mark.parametrize("by_name", [False, True])
def test_who_is_named(pki: Pki, by_name: bool) -> None:
    said = response(pki, signed_by="delegate", by_name=by_name)

    assert [said.names(pki[name]) for name in ("delegate", "inter", "mldsa")] == [True, False, False]
    assert [c.subject for c in said.certificates] == ["CN=delegate"]


def test_what_a_responder_says_instead(pki: Pki) -> None:
    said = response(pki, error="sig_required")

    assert (said.status, said.singles, said.certificates) == ("sigRequired", (), ())


@pytest.fixture(scope="module")
def listed(pki: Pki) -> bytes:
    return mint_crl(pki, revocation.Crl(revoked=["leaf", "other"]))


@given(place=st.integers(0, 2000), value=st.integers(0, 255))
@settings(max_examples=500, deadline=None)
def test_a_mutated_list_never_raises_and_is_not_believed(pki: Pki, listed: bytes, place: int, value: int) -> None:
    signed = x509.load_der_x509_crl(listed).tbs_certlist_bytes
    place = listed.index(signed) + place % len(signed)
    read = parse_crl(listed[:place] + bytes([value]) + listed[place + 1 :])

    if isinstance(read, Crl):
        assert read.unknown_critical is None or value != listed[place]
        read.entry(serial(pki, "leaf"))
        assert read.signed_by(pki["inter"]) is (value == listed[place])


def test_a_key_that_cannot_be_read_has_signed_nothing(pki: Pki) -> None:
    issuer = pki["inter"]
    issuer.__dict__["public_key"] = None

    assert not crl(pki).signed_by(issuer)
    assert not response(pki).signed_by(issuer)


@given(place=st.integers(0, 2000), value=st.integers(0, 255))
@example(place=0, value=0x30)
@settings(max_examples=500, deadline=None)
def test_a_mutated_response_never_raises(pki: Pki, place: int, value: int) -> None:
    der = bytearray(mint_ocsp(pki, Ocsp(status="revoked", signed_by="delegate")))
    der[place % len(der)] = value
    read = parse_ocsp(bytes(der))

    if isinstance(read, OcspResponse) and read.singles:
        read.about(pki["leaf"], pki["inter"])
        assert [read.names(certificate) or True for certificate in read.certificates] == [True] * len(read.certificates)
        assert read.signed_by(pki["delegate"]) in (True, False)
