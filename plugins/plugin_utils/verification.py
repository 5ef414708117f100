# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From endpoints, served chains or PEM files to results: what the actions verify_tls and deploy share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils import revocation
from ansible_collections.fullchain.tls.plugins.plugin_utils.backends import backends_of
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.issuers import fetch_issuers
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge import (
    Backend,
    Case,
    Evidence,
    Failure,
    Issuers,
    Verdict,
    breaks_off,
    judge,
    parse_expires_soon,
    put_right,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.mutual import mutual_of
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import (
    Certificate,
    Malformed,
    parse_certificate,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.names import covers
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.trust import TrustStore, load_trust_store
from ansible_collections.fullchain.tls.plugins.plugin_utils.results import NOT_FETCHED, Result, result_of
from ansible_collections.fullchain.tls.plugins.plugin_utils.settings import Settings
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import Endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.fetch import fetch_all
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.served import Served

# Forbidden by RFC 8996; the clients that the judge knows offer TLS 1.2 at least.
_OLD_PROTOCOLS = ("SSLv3", "TLSv1", "TLSv1.1")

_PLAIN_NAME = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+){2,}", re.ASCII)


def verify_endpoints(endpoints: Sequence[Endpoint], settings: Settings, served: Sequence[Served] = ()) -> list[Result]:
    """Fetch what the endpoints serve and judge it: one result for each, in their order, or several where it asks for them.

    served: what was fetched elsewhere, to be judged in the same sitting; its results come last.
    Raises InputError for settings that cannot be read, before any connection is made.
    """
    bench = _Bench(settings)
    for endpoint in (*endpoints, *(item.endpoint for item in served)):
        bench.trust_of(endpoint)
    # Always with what is stapled: a client may refuse because of it.
    fetched = fetch_all(endpoints, settings.timeout, settings.workers, staple=True) if endpoints else []
    return judge_served([*fetched, *served], settings)


def judge_served(served: Sequence[Served], settings: Settings) -> list[Result]:
    """Judge what was fetched: one result for each, in the same order. Raises InputError for unreadable settings."""
    bench = _Bench(settings)
    bench.fetch((tuple(map(parse_certificate, entry.chain)), bench.trust_of(entry.endpoint)) for entry in served)
    return [bench.result(entry, backends) for entry, backends in zip(served, backends_of(served), strict=True)]


@dataclass(frozen=True)
class Files:
    """Certificates that nobody serves yet, in the order in which they would be served, and what goes with them.

    key_spki: keys.spki_sha256 of their private key; None leaves it unjudged, as it does the name. label: what the result calls them.
    """

    chain: tuple[Certificate, ...]
    server_name: str | None = None
    key_spki: str | None = None
    label: str = "chain"


def judge_files(files: Files, settings: Settings) -> Result:
    """Judge a chain without a connection. Raises InputError for unreadable settings."""
    bench = _Bench(settings)
    bench.fetch([(files.chain, bench.trust)])
    return bench.result_of_files(files)


def complete_files(files: Files, settings: Settings, label: str) -> tuple[Files, list[Result]]:
    """The chain as a server should serve it, named `label`, and the results for it as it is given and as it should be.

    That is leaf first, in order, without the root; and with settings.aia also what is missing.
    Raises InputError, in the words of the finding, for a chain that leads to no trusted root all the same.
    """
    bench = _Bench(settings)
    bench.fetch_issuers([(files.chain, bench.trust)])
    missing = bench.judge(files.chain, None).missing
    whole = put_right([*files.chain, *(missing.intermediates if missing else ())], bench.trust).chain
    bench.check_revocation([(files.chain, bench.trust), (whole, bench.trust)])
    verdict = bench.judge(whole, None)
    if not verdict.chain_complete:
        hint = "" if settings.aia else " (aia: true fetches what is missing)"
        raise InputError(f"complete_to: the chain cannot be completed: {verdict.findings[0].message}{hint}")
    right = replace(files, chain=whole, label=label)
    return right, [bench.result_of_files(files), bench.result_of_files(right)]


class _Bench:
    """One sitting of the judge: settings read, one moment for all, and equal questions answered once.

    Thousands of names behind one load balancer serve a few chains.
    """

    def __init__(self, settings: Settings) -> None:
        parse_expires_soon(settings.expires_soon)
        self._settings = settings
        self.trust = self._load(settings.trust)
        self._stores = {name: self._named(name, items) for name, items in settings.trust_stores.items()}
        self._at = settings.at or datetime.now(timezone.utc)
        self._answers: dict[object, Verdict] = {}
        self._fetched: Issuers | None = None
        self._checked = Evidence()

    def fetch(self, chains: Iterable[tuple[_Parsed, TrustStore]]) -> None:
        """Fetch what the settings want beside the chains, so that the judge has it."""
        chains = list(chains)
        self.fetch_issuers(chains)
        self.check_revocation(chains)

    def check_revocation(self, chains: Iterable[tuple[_Parsed, TrustStore]]) -> None:
        """Ask CRLs and responders about the certificates of the chains."""
        if self._settings.revocation == revocation.CHECK:
            cases = (Case(chain, trust, self._at) for chain, trust in chains)
            self._checked = revocation.check(cases, self._settings.timeout, self._settings.fetch_private)

    def _evidence(self, stapled: bytes | None) -> Evidence | None:
        wanted = self._settings.revocation != revocation.OFF
        if stapled is None and not wanted:
            return None
        return replace(revocation.with_staple(self._checked, stapled), wanted=wanted)

    def fetch_issuers(self, chains: Iterable[tuple[_Parsed, TrustStore]]) -> None:
        """Fetch the issuers that the chains lack, where the settings want that, so that the judge can name them."""
        if not self._settings.aia:
            return
        different = {(chain, id(trust)): trust for chain, trust in chains}
        breaks = ((breaks_off(chain, trust, self._at), trust) for (chain, _id), trust in different.items())
        wanted = [(certificate, trust) for certificate, trust in breaks if certificate is not None]
        self._fetched = fetch_issuers(wanted, self._at, self._settings.fetch_private)

    def result(self, served: Served, backends: tuple[Backend, ...] = ()) -> Result:
        return result_of(served.endpoint.label, served, *self._answer(served, backends))

    def result_of_files(self, files: Files) -> Result:
        verdict = self.judge(files.chain, files.server_name, key_spki=files.key_spki, on_the_wire=False)
        return result_of(files.label, NOT_FETCHED, files.chain, verdict)

    def trust_of(self, endpoint: Endpoint) -> TrustStore:
        """The endpoint's own trust store, or the one of the settings. Raises InputError."""
        return self.trust if endpoint.trust is None else self._load(endpoint.trust)

    def _load(self, items: Sequence[str]) -> TrustStore:
        return load_trust_store(items, self._settings.trust_password)

    def _named(self, name: str, items: Sequence[str]) -> TrustStore:
        try:
            return self._load(items)
        except InputError as error:
            raise InputError(f"trust_stores, {name}: {str(error).removeprefix('trust: ')}") from None

    def _answer(self, served: Served, backends: tuple[Backend, ...]) -> tuple[_Parsed, Verdict]:
        chain = tuple(map(parse_certificate, served.chain))
        endpoint = served.endpoint
        beside: dict[str, Any] = {
            "expect_sha256": endpoint.expect_fingerprint,
            "failure": _failure(served),
            "stapled": served.stapled,
            "backends": backends,
            "mutual": mutual_of(served),
        }
        question = (chain, _alike(chain, endpoint.name), endpoint.trust, *beside.values())
        if question not in self._answers:
            self._answers[question] = self.judge(chain, endpoint.name, self.trust_of(endpoint), **beside)
        return chain, self._answers[question]

    def judge(
        self,
        chain: _Parsed,
        server_name: str | None,
        trust: TrustStore | None = None,
        stapled: bytes | None = None,
        **known: Any,
    ) -> Verdict:
        """known: further fields of the case."""
        return judge(
            Case(
                chain=chain,
                trust=trust or self.trust,
                stores=self._stores,
                fetched=self._fetched,
                at=self._at,
                server_name=server_name,
                clients=self._settings.clients,
                expires_soon=self._settings.expires_soon,
                revocation=self._evidence(stapled),
                **known,
            )
        )


_Parsed = tuple[Certificate | Malformed, ...]


def _alike(chain: _Parsed, name: str) -> object:
    """What stands for `name` in a question about `chain`: the same for names that the verdict cannot tell apart.

    Those are the hostnames that the first certificate covers as RFC 9525 has it, in the plain form about which no
    client has views of its own (no underscore, no A-label, at least three labels), if the others cover them alike.
    """
    if not _PLAIN_NAME.fullmatch(name) or "xn--" in name:
        return name
    covered = tuple(isinstance(c, Certificate) and covers(c.dns_names, c.ip_addresses, name) for c in chain)
    return covered if covered[:1] == (True,) else name


def _failure(served: Served) -> Failure | None:
    """What the wire met, for the judge; a handshake in a protocol that clients refuse is a failure for them."""
    if served.failure_kind is not None:
        lacking = None if served.chain else served.key_type
        wanted = served.client_auth is not None and served.client_auth.requested and not served.endpoint.client_cert
        return Failure(served.failure_kind, served.failure_detail or "", served.endpoint.starttls, lacking, wanted)
    if served.protocol in _OLD_PROTOCOLS:
        return Failure("protocol-too-old", f"offered TLS 1.0 to 1.3, the server chose {served.protocol}")
    without = served.anonymous
    refused = without is not None and without.client_auth is not None and without.client_auth.refused
    if without is not None and without.failure_kind is not None and not refused:
        return Failure(
            without.failure_kind, f"on the connection without a client certificate, {without.failure_detail}"
        )
    return None
