# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzz targets: functions of bytes that raise for what must never be.

`judge_target` lets the bytes choose certificates of the judge's cases, damage them, and put them into a chain and a store: bytes that were
certificates at once would hardly ever get past the parser. `pem_target` lets them choose between PEM texts and damage those,
`revocation_target` damages a CRL and an OCSP response.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import TypeVar

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge import (
    CLIENTS,
    Case,
    Evidence,
    Verdict,
    judge,
    put_right,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.catalogue import CATALOGUE
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate, parse_certificate
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.pem import read_certificates
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.revocation import parse_crl, parse_ocsp
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.trust import TrustStore

from tests.pki import Cert, Pki, mint
from tests.revocation import Crl, Ocsp, crl_points, mint_crl, mint_ocsp
from tests.unit.judge.cases import GARBAGE, SHOP
from tests.unit.judge.tables import IN_THE_CHAIN, VALID

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=timezone.utc)
# Findings of the whole of what was served, or of what was not
_OF_NO_CERTIFICATE = frozenset({"chain-too-long", "unreachable", "not-tls", "handshake-failed", "protocol-too-old"})
_NAMES = (SHOP, "www.example.com", "192.0.2.1", "2001:db8::1", "a_b.example.com", "xn--bcher-kva.example", None)

_T = TypeVar("_T")


class Choices:
    """Bytes, spent one decision after the other; 0 when there are none left."""

    def __init__(self, data: bytes) -> None:
        self._left = iter(data)

    def number(self, below: int) -> int:
        high, low = next(self._left, 0), next(self._left, 0)
        return (high << 8 | low) % below

    def of(self, items: Sequence[_T]) -> _T:
        return items[self.number(len(items))]


def judge_target(data: bytes) -> None:
    """Judge a chain of certificates that were damaged."""
    case = _case(Choices(data))
    _check(case, judge(case))
    if all(isinstance(item, Certificate) for item in case.chain):
        _check_put_right(case)


@cache
def _pool() -> tuple[Mapping[str, bytes], ...]:
    """The certificates of each case of the judge's tables."""
    rows = [row for row in (*VALID, *IN_THE_CHAIN) if len(row.chain) < 20]
    minted = [(row, row.pki(NOW)) for row in rows]
    return tuple({name: pki.der(name) for name in {*row.chain, *row.trust} - {GARBAGE}} for row, pki in minted)


def _case(choices: Choices) -> Case:
    own = choices.of(_pool())
    chain = [_damaged(_pick(own, choices), choices) for _each in range(choices.number(8))]
    roots = [parse_certificate(_damaged(_pick(own, choices), choices)) for _each in range(1 + choices.number(3))]
    return Case(
        chain=tuple(map(parse_certificate, chain)),
        trust=TrustStore(root for root in roots if isinstance(root, Certificate)),
        at=NOW + timedelta(days=choices.number(400) - 200 if choices.number(4) == 1 else 0),
        server_name=choices.of(_NAMES) if choices.number(4) == 1 else SHOP,
        clients=CLIENTS if choices.number(4) else CLIENTS[: choices.number(len(CLIENTS))] or CLIENTS,
    )


def _pick(own: Mapping[str, bytes], choices: Choices) -> bytes:
    """One of the same case most of the time, so that there are paths."""
    pool = choices.of(_pool()) if choices.number(8) == 1 else own
    return choices.of(sorted(pool.values()))


def _damaged(der: bytes, choices: Choices) -> bytes:
    """The same, or with up to three octets changed, taken out or put in."""
    damaged = bytearray(der)
    for _each in range(choices.number(4) if choices.number(3) == 1 else 0):
        place, how, octet = choices.number(len(damaged) or 1), choices.number(3), choices.number(256)
        damaged[place : place + (how != 2)] = b"" if how == 1 else bytes([octet])
    return bytes(damaged)


def _check(case: Case, verdict: Verdict) -> None:
    errors = [finding for finding in verdict.findings if finding.severity == "error"]
    assert verdict.ok is (not errors)
    assert dict(verdict.clients) == {c: not any(c in f.clients for f in verdict.findings) for c in case.clients}
    assert all(bool(finding.clients) is (finding in errors) for finding in verdict.findings)
    assert len(verdict.roles) == len(case.chain)
    for finding in verdict.findings:
        assert finding.code in CATALOGUE
        assert finding.message.isprintable()
        assert finding.fix.isprintable()
        assert finding.certificate is None or 0 <= finding.certificate < len(case.chain)
        assert "#" in finding.message or "'" in finding.message or finding.code in _OF_NO_CERTIFICATE, finding
    if verdict.ok and case.chain:
        assert verdict.chain_complete or "untrusted-root" in {finding.code for finding in verdict.findings}


def _check_put_right(case: Case) -> None:
    """What a deploy would serve instead is complete where the original was, and needs no second putting right."""
    chain = [item for item in case.chain if isinstance(item, Certificate)]
    right = put_right(chain, case.trust)
    assert set(right.chain) <= set(chain)
    again = put_right(right.chain, case.trust)
    assert again.chain == right.chain


def pem_target(data: bytes) -> None:
    """Read a PEM text that was damaged: certificates, or one sentence that says why not and shows nothing of a key."""
    choices = Choices(data)
    text = _damaged(choices.of(_texts()), choices) if choices.number(4) else data
    try:
        assert read_certificates(text, "the file")
    except InputError as error:
        message = str(error)
        assert message.startswith(("the file ", "certificate #"))
        assert message.isprintable()
        assert not any(line in message for line in _key_lines())


@cache
def _texts() -> tuple[bytes, ...]:
    pki = _pem_pki()
    leaf, chain, key = pki.pem("leaf"), pki.pem("leaf", "inter"), pki.key_pem("leaf")
    der = pki.der("leaf")
    wrapped = base64.encodebytes(der).decode()
    others = [
        chain.replace("\n", "\r\n"),
        "\ufeff" + chain,
        chain.replace("\n", ""),
        f"subject=CN\n{leaf}\nissuer=CN\n{key}",
        leaf.replace("CERTIFICATE", "TRUSTED CERTIFICATE"),
        f"-----BEGIN PKCS7-----\n{wrapped}-----END PKCS7-----\n",
        "",
    ]
    return (*(text.encode() for text in (chain, key, *others)), der, chain.encode("utf-16"))


@cache
def _key_lines() -> tuple[str, ...]:
    return tuple(_pem_pki().key_pem("leaf").splitlines()[1:-1])


def revocation_target(data: bytes) -> None:
    """Judge a revoked certificate by a list and a stapled response that were damaged: never is it found good."""
    choices = Choices(data)
    pki, crl, response = _revocation()
    evidence = Evidence(
        looked=True,
        staple=parse_ocsp(_damaged(response, choices)),
        checked=True,
        crls={_CRL: parse_crl(_damaged(crl, choices))},
    )
    chain = pki.chain("leaf", "inter")
    case = Case(chain=chain, trust=pki.trust("root"), at=NOW, server_name=SHOP, revocation=evidence)
    verdict = judge(case)
    assert {"revoked", "revocation-unknown"} & {finding.code for finding in verdict.findings}
    assert all(finding.message.isprintable() for finding in verdict.findings)


@cache
def _revocation() -> tuple[Pki, bytes, bytes]:
    """A PKI, the list with its leaf, and a response of the same."""
    leaf = Cert(issuer="inter", names=[SHOP], extensions=[crl_points(_CRL)])
    pki = mint(NOW, root=Cert(), inter=Cert(issuer="root"), leaf=leaf)
    return pki, mint_crl(pki, Crl(revoked=["leaf"])), mint_ocsp(pki, Ocsp(status="revoked"))


_CRL = "http://ca.example.com/inter.crl"

_pem_pki = cache(lambda: mint(NOW, root=Cert(), inter=Cert(issuer="root"), leaf=Cert(issuer="inter", names=[SHOP])))

TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "judge": judge_target,
    "pem": pem_target,
    "revocation": revocation_target,
}
