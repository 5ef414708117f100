# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts as the plain values that tasks return, and what they come to together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge import Finding, Missing, Verdict
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate, Malformed
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import Endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.served import UNREACHABLE, ClientAuth, Served

Result = dict[str, Any]

NOT_FETCHED = Served(Endpoint(""))


def result_of(label: str, served: Served, chain: Sequence[Certificate | Malformed], verdict: Verdict) -> Result:
    """The result for an endpoint, whose chain has been parsed; `label` is what it is called. NOT_FETCHED stands for files."""
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
        **({"client_auth": _client_auth(served.client_auth)} if served.client_auth else {}),
        **({"trust_stores": dict(verdict.stores)} if verdict.stores else {}),
    }


def _missing(missing: Missing) -> dict[str, Any]:
    return {"certificates": [_describe(c, "intermediate") for c in missing.intermediates], "complete": missing.complete}


def _client_auth(shown: ClientAuth) -> dict[str, Any]:
    return {"requested": shown.requested, "authorities": [authority.text for authority in shown.authorities]}


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
