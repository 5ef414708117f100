# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From endpoints, served chains or PEM files to results: what the actions verify_tls and deploy share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils import revocation
from ansible_collections.fullchain.tls.plugins.plugin_utils.backends import backends_of
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.issuers import fetch_issuers
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge import (
    CLIENTS,
    Backend,
    Case,
    Evidence,
    Failure,
    Finding,
    Issuers,
    Missing,
    Verdict,
    breaks_off,
    judge,
    parse_expires_soon,
    put_right,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import (
    Certificate,
    Malformed,
    parse_certificate,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.names import covers
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.trust import TrustStore, load_trust_store
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import Endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.fetch import (
    DEFAULT_TIMEOUT,
    DEFAULT_WORKERS,
    fetch_all,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.served import UNREACHABLE, Served

FAIL_ON = ("error", "warning", "never")

# Forbidden by RFC 8996; the clients that the judge knows offer TLS 1.2 at least.
_OLD_PROTOCOLS = ("SSLv3", "TLSv1", "TLSv1.1")

# RFC 3339, 5.6: a date, a time and an offset; a space may stand for the T.
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.\d+)?(?:([Zz])|([+-]\d\d:\d\d))", re.ASCII)

_PLAIN_NAME = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+){2,}", re.ASCII)

Result = dict[str, Any]


@dataclass(frozen=True)
class Settings:
    """How to verify, the same for every endpoint of a run.

    trust: PEM paths, PEM text, keystores, `system` or `mozilla`; trust_password opens keystores. trust_stores: more of them, by
    name; each result says in which the chain is complete. aia: fetch the issuers that are missing, to name them; fetch_private:
    from private addresses, too. clients: who has to accept the chain. at: judge as of this time
    (aware), None for now. expires_soon: days or a share of the lifetime. fail_on: `error`, `warning` or `never`.
    timeout: seconds that an endpoint may take. workers: endpoints that are worked on at the same time. revocation: one of
    revocation.MODES.
    """

    trust: tuple[str, ...] = ("system",)
    trust_password: str | None = field(default=None, repr=False)
    trust_stores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    aia: bool = False
    fetch_private: bool = False
    clients: tuple[str, ...] = CLIENTS
    at: datetime | None = None
    expires_soon: str = "33%"
    fail_on: str = "error"
    timeout: float = DEFAULT_TIMEOUT
    workers: int = DEFAULT_WORKERS
    revocation: str = revocation.OFF


def read_settings(values: Mapping[str, Any]) -> Settings:
    """Settings from parameters as a user gives them; what is missing or None takes its default.

    Other keys are left alone. Raises InputError naming the value and what was expected.
    """
    given = {key: read(values[key], key) for key, read in _READERS.items() if values.get(key) is not None}
    return Settings(**given)


def parse_time(text: str, key: str = "at") -> datetime:
    """A moment as RFC 3339 writes it. Raises InputError; a time without its offset would be anyone's guess."""
    match = _RFC3339.fullmatch(text.strip())
    if match:
        date, time, _zulu, offset = match.groups()
        try:
            return datetime.fromisoformat(f"{date}T{time}{offset or '+00:00'}").astimezone(timezone.utc)
        except (ValueError, OverflowError):
            pass
    raise InputError(f"{key}: {text!r} is not a time; expected RFC 3339, for example 2026-12-31T23:59:59Z")


def verify_endpoints(endpoints: Sequence[Endpoint], settings: Settings) -> list[Result]:
    """Fetch what the endpoints serve and judge it: one result for each, in their order, or several where it asks for them.

    Raises InputError for settings that cannot be read, before any connection is made.
    """
    bench = _Bench(settings)
    for endpoint in endpoints:
        bench.trust_of(endpoint)
    staple = settings.revocation != revocation.OFF
    return judge_served(fetch_all(endpoints, settings.timeout, settings.workers, staple), settings)


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
        raise InputError(f"complete_to: the chain cannot be completed: {verdict.findings[0].message}")
    right = replace(files, chain=whole, label=label)
    return right, [bench.result_of_files(files), bench.result_of_files(right)]


def summarise(results: Sequence[Result]) -> dict[str, Any]:
    """Counts over results. `failed` are those that are not ok, the unreachable among them."""
    ok = sum(result["ok"] for result in results)
    codes = Counter(finding["code"] for result in results for finding in result["findings"])
    return {
        "total": len(results),
        "ok": ok,
        "failed": len(results) - ok,
        "unreachable": sum(not result["reachable"] for result in results),
        "by_code": dict(sorted(codes.items())),
    }


def failing(results: Iterable[Result], fail_on: str) -> list[Result]:
    """The results that make a task fail: those with a finding of severity `fail_on` or above; none for `never`."""
    return [result for result in results if _failing_findings(result, fail_on)]


def failing_codes(results: Iterable[Result], fail_on: str) -> list[str]:
    """The codes of the findings that make a task fail, each once, in alphabetical order."""
    return sorted({finding["code"] for result in results for finding in _failing_findings(result, fail_on)})


def _failing_findings(result: Result, fail_on: str) -> list[dict[str, Any]]:
    severities = {"error": ("error",), "warning": ("error", "warning"), "never": ()}[fail_on]
    return [finding for finding in result["findings"] if finding["severity"] in severities]


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
        return revocation.with_staple(self._checked, stapled) if self._judges_revocation else None

    @property
    def _judges_revocation(self) -> bool:
        return self._settings.revocation != revocation.OFF

    def fetch_issuers(self, chains: Iterable[tuple[_Parsed, TrustStore]]) -> None:
        """Fetch the issuers that the chains lack, where the settings want that, so that the judge can name them."""
        if not self._settings.aia:
            return
        different = {(chain, id(trust)): trust for chain, trust in chains}
        breaks = ((breaks_off(chain, trust, self._at), trust) for (chain, _id), trust in different.items())
        wanted = [(certificate, trust) for certificate, trust in breaks if certificate is not None]
        self._fetched = fetch_issuers(wanted, self._at, self._settings.fetch_private)

    def result(self, served: Served, backends: tuple[Backend, ...] = ()) -> Result:
        return _result(served.endpoint.label, served, *self._answer(served, backends))

    def result_of_files(self, files: Files) -> Result:
        verdict = self.judge(files.chain, files.server_name, key_spki=files.key_spki)
        return _result(files.label, _NOT_FETCHED, files.chain, verdict)

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
        name, expected, failure = served.endpoint.name, served.endpoint.expect_fingerprint, _failure(served)
        stapled = served.stapled if self._judges_revocation else None
        question = (chain, _alike(chain, name), expected, failure, served.endpoint.trust, stapled, backends)
        if question not in self._answers:
            trust = self.trust_of(served.endpoint)
            self._answers[question] = self.judge(
                chain, name, trust, expect_sha256=expected, failure=failure, stapled=stapled, backends=backends
            )
        return chain, self._answers[question]

    def judge(
        self,
        chain: _Parsed,
        server_name: str | None,
        trust: TrustStore | None = None,
        key_spki: str | None = None,
        expect_sha256: str | None = None,
        failure: Failure | None = None,
        stapled: bytes | None = None,
        backends: tuple[Backend, ...] = (),
    ) -> Verdict:
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
                key_spki=key_spki,
                expect_sha256=expect_sha256,
                failure=failure,
                revocation=self._evidence(stapled),
                backends=backends,
            )
        )


_NOT_FETCHED = Served(Endpoint(""))
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
        return Failure(served.failure_kind, served.failure_detail or "", served.endpoint.starttls, lacking)
    if served.protocol in _OLD_PROTOCOLS:
        return Failure("protocol-too-old", f"offered TLS 1.0 to 1.3, the server chose {served.protocol}")
    return None


def _result(label: str, served: Served, chain: _Parsed, verdict: Verdict) -> Result:
    return {
        "endpoint": label,
        "address": served.address,
        "starttls": served.endpoint.starttls,
        "key_type": served.key_type,
        "connections": served.connections,
        "ok": verdict.ok,
        "chain_complete": verdict.chain_complete,
        "reachable": served.failure_kind != UNREACHABLE,
        "protocol": served.protocol,
        "cipher": served.cipher,
        "group": served.group,
        "versions": None if served.versions is None else list(served.versions),
        "clients": dict(verdict.clients),
        "chain": [_describe(item, role) for item, role in zip(chain, verdict.roles, strict=True)],
        "findings": [_finding(finding) for finding in verdict.findings],
        **({"missing": _missing(verdict.missing)} if verdict.missing else {}),
        **({"trust_stores": dict(verdict.stores)} if verdict.stores else {}),
    }


def _missing(missing: Missing) -> dict[str, Any]:
    return {"certificates": [_describe(c, "intermediate") for c in missing.intermediates], "complete": missing.complete}


def _describe(item: Certificate | Malformed, role: str) -> dict[str, Any]:
    if isinstance(item, Malformed):
        unread = dict.fromkeys(("subject", "issuer", "not_before", "not_after"))
        return {**unread, "sha256": item.sha256, "role": role}
    return {
        "subject": item.subject,
        "issuer": item.issuer,
        "not_before": _rfc3339(item.not_before),
        "not_after": _rfc3339(item.not_after),
        "sha256": item.sha256,
        "role": role,
    }


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "certificate": finding.certificate,
        "message": finding.message,
        "fix": finding.fix,
        "clients": dict(finding.clients),
    }


def _trust(value: Any, _key: str) -> tuple[str, ...]:
    return tuple(map(str, [value] if isinstance(value, str) else value))


def _trust_stores(value: Any, key: str) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, Mapping):
        raise InputError(
            f"{key}: {value!r} is no mapping (expected a name for each store, and its list of paths or words)"
        )
    return {str(name): _store_items(items, f"{key}, {name}") for name, items in value.items()}


def _store_items(value: Any, key: str) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, Sequence) or not items or not all(isinstance(item, str) for item in items):
        raise InputError(f"{key}: {value!r} is no list of paths or words (such as [mozilla, /etc/pki/corporate.pem])")
    return tuple(items)


def _clients(value: Any, key: str) -> tuple[str, ...]:
    given = [value] if isinstance(value, str) else list(value)
    unknown = [client for client in given if client not in CLIENTS]
    if unknown or not given:
        said = f"{unknown[0]!r} is not known" if unknown else "the list is empty"
        raise InputError(f"{key}: {said} (expected one or more of {', '.join(CLIENTS)})")
    return tuple(client for client in CLIENTS if client in given)


def _moment(value: Any, key: str) -> datetime:
    return value if isinstance(value, datetime) and value.tzinfo else parse_time(str(value), key)


def _threshold(value: Any, _key: str) -> str:
    parse_expires_soon(value)
    return str(value)


def _fail_on(value: Any, key: str) -> str:
    if value not in FAIL_ON:
        raise InputError(f"{key}: {value!r} is not known (expected one of {', '.join(FAIL_ON)})")
    return str(value)


def _revocation(value: Any, key: str) -> str:
    mode = revocation.OFF if value is False else value  # `off` is a boolean in YAML 1.1
    if mode not in revocation.MODES:
        raise InputError(f"{key}: {value!r} is not known (expected one of {', '.join(revocation.MODES)})")
    return str(mode)


def _seconds(value: Any, key: str) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = 0.0
    if not 0 < seconds <= 86400:
        raise InputError(f"{key}: {value!r} is not a time (expected seconds, more than 0, at most a day)")
    return seconds


def _count(value: Any, key: str) -> int:
    text = str(value)
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= 1024:
        raise InputError(f"{key}: {value!r} is not a count (expected a number from 1 to 1024)")
    return int(text)


_READERS: dict[str, Callable[[Any, str], Any]] = {
    "trust": _trust,
    "trust_password": lambda value, _key: str(value),
    "trust_stores": _trust_stores,
    "aia": lambda value, _key: bool(value),
    "fetch_private": lambda value, _key: bool(value),
    "clients": _clients,
    "at": _moment,
    "expires_soon": _threshold,
    "fail_on": _fail_on,
    "timeout": _seconds,
    "workers": _count,
    "revocation": _revocation,
}
