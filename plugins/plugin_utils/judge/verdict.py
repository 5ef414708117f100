# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict: every rule asked, echoes taken out, causes first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.catalogue import CATALOGUE, RANK
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.context import Context
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.model import (
    CLIENTS,
    SEVERITIES,
    Case,
    Finding,
    Verdict,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.rules import rules_for
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate, Malformed
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.trust import TrustStore


def judge(case: Case) -> Verdict:
    """Say what each chosen client will make of the case, and everything that is wrong with it.

    Never raises for a chain, however unsound: that is findings. Raises InputError for an `expires_soon` that is none.
    """
    context = Context(case)
    findings = _causes_first([finding for rule in rules_for(context) for finding in rule(context)])
    refusing = {client for finding in findings for client in finding.clients}
    return Verdict(
        findings=findings,
        chain_complete=_chain_complete(context),
        missing=context.missing if case.fetched else None,
        stores={name: _chain_complete(Context(replace(case, trust=store))) for name, store in case.stores.items()},
        clients={client: client not in refusing for client in case.clients},
        roles=tuple(_role(context, index) for index in range(len(case.chain))),
    )


def breaks_off(chain: Sequence[Certificate | Malformed], trust: TrustStore, at: datetime) -> Certificate | None:
    """The last certificate of the best path, if its issuer is neither served nor a root of the store."""
    return Context(Case(chain=tuple(chain), trust=trust, at=at)).broken_at


def _causes_first(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Gravest first, then by the catalogue's order of causes; without those that only repeat another."""
    causes = [finding for finding in findings if CATALOGUE[finding.code].hides]
    kept = [finding for finding in findings if not any(_repeats(finding, cause) for cause in causes)]
    return tuple(
        sorted(
            kept,
            key=lambda f: (SEVERITIES.index(f.severity), RANK[f.code], -1 if f.certificate is None else f.certificate),
        )
    )


def _repeats(finding: Finding, cause: Finding) -> bool:
    """An echo: it comes of the cause, and nobody refuses because of it who would not refuse anyway."""
    refusing = {client for client in finding.clients if client in CLIENTS}
    return finding.code in CATALOGUE[cause.code].hides and refusing <= cause.clients.keys()


def _chain_complete(context: Context) -> bool | None:
    if not context.case.chain:
        return None
    return context.path is not None and context.path.complete


def _role(context: Context, index: int) -> str:
    """A related certificate beside the path is what it is, an intermediate or a root; `extra` leads nowhere, or is a second copy."""
    certificate, path = context.certificate(index), context.path
    if certificate is None:
        return "malformed"
    if index == context.leaf_at:
        return "leaf"
    if path is None or index not in path.related:
        return "extra"
    return "root" if certificate.self_signed else "intermediate"
