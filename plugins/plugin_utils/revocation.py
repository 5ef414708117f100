# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence of revocation for the judge: what was stapled, and what CRLs and OCSP responders say, each asked once for a run.

CRLs go first: one of them answers for all certificates of its CA, a responder for one at a time. A responder is asked only
where the CRLs of a certificate told nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TypeVar

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge import Case, Evidence
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.context import Context
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.revocation import NEWS, ends_in_trust, issued, sources
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.revocation import (
    OCSP_REQUEST,
    Crl,
    OcspResponse,
    Unusable,
    crl_points,
    ocsp_request,
    parse_crl,
    parse_ocsp,
    responders,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.gather import fetch_each
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.http import Answer, Request

OFF, STAPLED, CHECK = "off", "stapled", "check"
MODES = (OFF, STAPLED, CHECK)

_CRL_BYTES = 16 * 1024 * 1024
_OCSP_BYTES = 64 * 1024
_SECONDS_IN_ALL = 60.0  # for the CRLs, and again for the responders

Fetch = Callable[[Iterable[Request]], Mapping[Request, Answer]]

_Parsed = TypeVar("_Parsed", Crl, OcspResponse)
_Issued = tuple[Certificate, Certificate]  # and its issuer


def check(cases: Iterable[Case], seconds: float, allow_private: bool = False) -> Evidence:
    """Ask what the certificates on the trusted paths of the cases name: evidence for all of them, staples apart.

    Raises nothing: what could not be had is Unusable. seconds: for each address. allow_private: private and loopback
    addresses, too.
    """
    fetch = partial(fetch_each, seconds=seconds, allow_private=allow_private, most_seconds=_SECONDS_IN_ALL)
    different = {(case.chain, id(case.trust)): Context(case) for case in cases}.values()
    trusted = [context for context in different if ends_in_trust(context)]
    asked = {(c, issuer): context.case.at for context in trusted for _index, c, issuer in issued(context)}
    evidence = Evidence(checked=True, crls=_crls(asked, fetch))
    left = [pair for pair, at in asked.items() if not _told(pair, evidence, at)]
    return replace(evidence, responses=_responses(left, fetch))


def with_staple(evidence: Evidence, stapled: bytes | None) -> Evidence:
    """Evidence with what was stapled, DER: b"" for nothing, None where nobody looked."""
    return replace(evidence, looked=stapled is not None, staple=parse_ocsp(stapled) if stapled else None)


def _crls(pairs: Iterable[_Issued], fetch: Fetch) -> dict[str, Crl | Unusable]:
    urls = dict.fromkeys(point.url for certificate, _issuer in pairs for point in crl_points(certificate))
    answers = fetch(Request(url, _CRL_BYTES) for url in urls)
    return {request.url: _parsed(answer, parse_crl) for request, answer in answers.items()}


def _told(pair: _Issued, evidence: Evidence, at: datetime) -> bool:
    return any(said.status in NEWS for _source, said in sources(*pair, evidence, at))


def _responses(pairs: Iterable[_Issued], fetch: Fetch) -> dict[tuple[str, Certificate], OcspResponse | Unusable]:
    requests = dict(_requests(pairs))
    answers = fetch(requests.values())
    return {key: _parsed(answers[request], parse_ocsp) for key, request in requests.items()}


def _requests(pairs: Iterable[_Issued]) -> Iterator[tuple[tuple[str, Certificate], Request]]:
    """RFC 6960 A.1: POST, since not every responder takes GET."""
    for certificate, issuer in pairs:
        for url in responders(certificate):
            yield (url, certificate), Request(url, _OCSP_BYTES, ocsp_request(certificate, issuer), OCSP_REQUEST)


def _parsed(answer: Answer, parse: Callable[[bytes], _Parsed | Unusable]) -> _Parsed | Unusable:
    return Unusable(answer.failure, fetched=False) if answer.failure else parse(answer.body)
