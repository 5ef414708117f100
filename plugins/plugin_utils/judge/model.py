# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the judge is asked and what it answers. Values only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.backends import Backend
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.mutual import Mutual
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate, Malformed
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.revocation import Crl, OcspResponse, Unusable
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.trust import TrustStore

CLIENTS = ("openssl", "curl", "python", "nodejs", "java", "go", "gnutls")
SEVERITIES = ("error", "warning", "notice")  # gravest first
ROLES = ("leaf", "intermediate", "root", "extra", "malformed")


FAILURES = ("unreachable", "not-tls", "handshake-failed", "protocol-too-old")


@dataclass(frozen=True)
class Failure:
    """Why no chain came over the wire. Raises ValueError for a kind that is none of FAILURES."""

    kind: str  # one of FAILURES: each is the code of a finding
    detail: str  # what the connection met, in the system's or the TLS library's words
    starttls: str | None = None  # the protocol whose way to TLS was asked for
    key_type: str | None = None  # the only kind of key that the client had offered to take
    certificate_wanted: bool = False  # the server had asked for a client certificate, and got none

    def __post_init__(self) -> None:
        if self.kind not in FAILURES:
            raise ValueError(f"{self.kind!r} is no kind of failure (expected one of {', '.join(FAILURES)})")


@dataclass(frozen=True)
class Evidence:
    """What there is to tell revoked certificates by."""

    wanted: bool = True  # the user wants to know; otherwise only what a chosen client refuses because of is told
    looked: bool = False  # a stapled response was asked for
    staple: OcspResponse | Unusable | None = None  # the one that came
    checked: bool = False  # CRLs and responders were asked
    crls: Mapping[str, Crl | Unusable] = field(default_factory=dict)  # by address
    # by address and certificate, where a responder was asked: not where CRLs had told
    responses: Mapping[tuple[str, Certificate], OcspResponse | Unusable] = field(default_factory=dict)


@dataclass(frozen=True)
class Issuers:
    """Issuers that were fetched from where certificates say they are (RFC 5280 4.2.2.1)."""

    by_subject: Mapping[bytes, tuple[Certificate, ...]] = field(default_factory=dict)  # the subject's DER
    failures: Mapping[str, str] = field(
        default_factory=dict
    )  # address -> why nothing came of it: `answered 404 Not Found`


@dataclass(frozen=True)
class Missing:
    """What leads on from where a chain breaks off, as far as it was fetched."""

    intermediates: tuple[Certificate, ...] = ()  # to be served behind it, in this order
    complete: bool = False  # with them, the chain would reach a root of the store
    root: Certificate | None = None  # what they lead to, where that is a root outside the store


@dataclass(frozen=True)
class Case:
    """Everything that a verdict rests on."""

    chain: tuple[Certificate | Malformed, ...]  # as served, in served order; () when nothing was served
    trust: TrustStore
    at: datetime  # aware
    server_name: str | None = None  # in the form of parse_server_name; None leaves names unjudged
    clients: tuple[str, ...] = CLIENTS  # who has to accept the chain
    expires_soon: str = "33%"  # days, or a share of the certificate's own lifetime
    key_spki: str | None = None  # spki_sha256 of the private key that is to serve the chain
    expect_sha256: str | None = None  # the leaf that was deployed
    failure: Failure | None = None
    on_the_wire: bool = True  # a server has sent it; False: it is in files
    backends: tuple[Backend, ...] = ()  # what the connections to the endpoint have met, where there were several
    mutual: Mutual | None = None  # what the endpoint is to do about client certificates, and did
    fetched: Issuers | None = None  # to name what is missing; they fill nothing in
    stores: Mapping[str, TrustStore] = field(default_factory=dict)  # others that the verdict tells completeness for
    revocation: Evidence | None = None  # None leaves revocation unjudged

    @property
    def is_a_chain_alone(self) -> bool:
        """Nothing is known beside the chain: no key, no connection and nothing stapled."""
        beside = (self.failure, self.expect_sha256, self.key_spki, self.revocation, self.mutual)
        return not any(beside) and not self.backends


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong."""

    code: str
    severity: str
    certificate: int | None  # index into the chain as served
    message: str  # what is wrong, naming the certificate and the values
    fix: str  # what to change, in the terms of the server and of the roles
    clients: Mapping[str, str]  # the chosen clients that refuse because of this -> in what words


@dataclass(frozen=True)
class Verdict:
    """A prediction: who accepts the chain, and everything that is wrong with it, causes first."""

    findings: tuple[Finding, ...]
    chain_complete: bool | None  # every issuer up to a trusted root was served; None when nothing was served
    clients: Mapping[str, bool]  # chosen client -> accepts
    roles: tuple[str, ...] = field(default=())  # of each served certificate, one of ROLES
    missing: Missing | None = None  # of the issuers that are missing, where fetching them was tried
    stores: Mapping[str, bool | None] = field(default_factory=dict)  # Case.stores -> chain_complete there

    @property
    def ok(self) -> bool:
        """No chosen client refuses."""
        return all(finding.severity != "error" for finding in self.findings)


@dataclass(frozen=True)
class Threshold:
    """When an end is near: a time left, or a share of the certificate's own lifetime left."""

    left: timedelta | None = None
    share: float | None = None

    def of(self, certificate: Certificate) -> timedelta:
        """The time left below which this certificate expires soon."""
        if self.left is not None:
            return self.left
        return (certificate.not_after - certificate.not_before) * (self.share or 0.0)


@lru_cache(maxsize=64)
def parse_expires_soon(text: str | int) -> Threshold:
    """`14` are days, `33%` is a share of the certificate's lifetime. Raises InputError for anything else."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(%?)\s*", str(text), re.ASCII)
    if match is None:
        raise InputError(
            f"expires_soon: {text!r} is neither a number of days nor a percentage (expected e.g. 14 or 33%)"
        )
    number = float(match[1])
    if match[2]:
        if number > 100:
            raise InputError(
                f"expires_soon: {text!r} is more than the certificate's whole lifetime (expected 0% to 100%)"
            )
        return Threshold(share=number / 100)
    if number > 36500:
        raise InputError(f"expires_soon: {text!r} days are more than a century (expected e.g. 14 or 33%)")
    return Threshold(left=timedelta(days=number))
