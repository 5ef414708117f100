# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From endpoints, served chains or PEM files to results: what the actions verify_tls and deploy share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge import (
    CLIENTS,
    Case,
    Failure,
    Finding,
    Verdict,
    judge,
    parse_expires_soon,
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

    trust: PEM paths, PEM text, `system` or `mozilla`. clients: who has to accept the chain. at: judge as of this time
    (aware), None for now. expires_soon: days or a share of the lifetime. fail_on: `error`, `warning` or `never`.
    timeout: seconds that an endpoint may take. workers: endpoints that are worked on at the same time.
    """

    trust: tuple[str, ...] = ("system",)
    clients: tuple[str, ...] = CLIENTS
    at: datetime | None = None
    expires_soon: str = "33%"
    fail_on: str = "error"
    timeout: float = DEFAULT_TIMEOUT
    workers: int = DEFAULT_WORKERS


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
    """Fetch what the endpoints serve and judge it: one result for each, in their order.

    Raises InputError for settings that cannot be read, before any connection is made.
    """
    bench = _Bench(settings)
    for endpoint in endpoints:
        bench.trust_of(endpoint)
    return judge_served(fetch_all(endpoints, settings.timeout, settings.workers), settings)


def judge_served(served: Sequence[Served], settings: Settings) -> list[Result]:
    """Judge what was fetched: one result for each, in the same order. Raises InputError for unreadable settings."""
    bench = _Bench(settings)
    return [bench.result(entry) for entry in served]


def judge_chain(
    chain: Sequence[Certificate],
    settings: Settings,
    server_name: str | None = None,
    key_spki: str | None = None,
    label: str = "chain",
) -> Result:
    """Judge certificates that nobody serves yet, in the order in which they would be served.

    key_spki: keys.spki_sha256 of the private key that goes with them. label: what the result calls them.
    """
    bench = _Bench(settings)
    verdict = bench.judge(tuple(chain), server_name, key_spki=key_spki)
    return _result(label, None, None, tuple(chain), verdict, reachable=True)


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
        self._trust: TrustStore = load_trust_store(settings.trust)
        self._at = settings.at or datetime.now(timezone.utc)
        self._answers: dict[object, Verdict] = {}

    def result(self, served: Served) -> Result:
        chain, verdict = self._answer(served)
        reachable = served.failure_kind != UNREACHABLE
        return _result(served.endpoint.label, served.address, served.protocol, chain, verdict, reachable)

    def trust_of(self, endpoint: Endpoint) -> TrustStore:
        """The endpoint's own trust store, or the one of the settings. Raises InputError."""
        return self._trust if endpoint.trust is None else load_trust_store(endpoint.trust)

    def _answer(self, served: Served) -> tuple[_Parsed, Verdict]:
        chain = tuple(map(parse_certificate, served.chain))
        name, expected, failure = served.endpoint.name, served.endpoint.expect_fingerprint, _failure(served)
        question = (chain, _alike(chain, name), expected, failure, served.endpoint.trust)
        if question not in self._answers:
            trust = self.trust_of(served.endpoint)
            self._answers[question] = self.judge(chain, name, trust, expect_sha256=expected, failure=failure)
        return chain, self._answers[question]

    def judge(
        self,
        chain: _Parsed,
        server_name: str | None,
        trust: TrustStore | None = None,
        key_spki: str | None = None,
        expect_sha256: str | None = None,
        failure: Failure | None = None,
    ) -> Verdict:
        return judge(
            Case(
                chain=chain,
                trust=trust or self._trust,
                at=self._at,
                server_name=server_name,
                clients=self._settings.clients,
                expires_soon=self._settings.expires_soon,
                key_spki=key_spki,
                expect_sha256=expect_sha256,
                failure=failure,
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
        return Failure(served.failure_kind, served.failure_detail or "")
    if served.protocol in _OLD_PROTOCOLS:
        return Failure("protocol-too-old", f"offered TLS 1.0 to 1.3, the server chose {served.protocol}")
    return None


def _result(
    label: str, address: str | None, protocol: str | None, chain: _Parsed, verdict: Verdict, reachable: bool
) -> Result:
    return {
        "endpoint": label,
        "address": address,
        "ok": verdict.ok,
        "chain_complete": verdict.chain_complete,
        "reachable": reachable,
        "protocol": protocol,
        "clients": dict(verdict.clients),
        "chain": [_describe(item, role) for item, role in zip(chain, verdict.roles, strict=True)],
        "findings": [_finding(finding) for finding in verdict.findings],
    }


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
    "clients": _clients,
    "at": _moment,
    "expires_soon": _threshold,
    "fail_on": _fail_on,
    "timeout": _seconds,
    "workers": _count,
}
