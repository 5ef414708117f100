# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Family presentation: a wrong issuer in front of the right one, for clients that don't look further."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.catalogue import RANK
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.clients import BEHAVIOUR
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.context import Context
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.model import Finding
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.paths import Path, walk
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.rules import (
    authority,
    constraints,
    missing,
    strength,
    time,
    trust,
)

# What there is to say of a path, wherever it leads
_RULES = (*missing.RULES, *trust.RULES, *authority.RULES, *constraints.RULES, *strength.RULES, *time.RULES)

_WHY = {
    "incomplete-chain": "leads to no trusted root",
    "unknown-issuer": "leads to no trusted root",
    "untrusted-root": "leads to a root that is not trusted",
    "bad-signature": "has another key than the one that signed, or a signature that does not hold",
    "expired": "has expired, or leads to one that has",
    "not-yet-valid": "is not valid yet, or leads to one that is not",
    "not-a-ca": "is no CA's, or leads to one that is not",
    "path-length-exceeded": "may not have so many intermediates below it, or leads to one that may not",
    "name-constraint-violated": "may not issue for this name, or leads to one that may not",
}


@dataclass(frozen=True)
class _Shadow:
    """A served certificate at which a client's own walk leaves the good path for a refusal, and the refusal's code."""

    index: int
    code: str


def shadowed_issuer(context: Context) -> Iterator[Finding]:
    """RFC 4158 2.4 advises to try every issuer. OpenSSL and GnuTLS take one for each name, and stay with it."""
    path = context.path
    if path is None or not path.complete or path.cost.contradicting_key_ids:
        return
    served = {certificate for _index, certificate in context.certificates}
    if len({certificate.subject_der for certificate in served}) == len(served):
        return  # no two share a name
    shadows: dict[_Shadow, dict[str, str]] = {}
    for by_dates in (True, False):
        for shadow, client, words in _shadows(context, path, by_dates):
            shadows.setdefault(shadow, {})[client] = words
    for shadow, words_by_client in shadows.items():
        yield _shadowed(context, path, shadow, words_by_client)


def _shadows(context: Context, path: Path, by_dates: bool) -> Iterator[tuple[_Shadow, str, str]]:
    """The clients that such a walk leads to a refusal that the good path does not have, with their words."""
    taken = walk(context.case.chain, path.served[0], context.case.trust, context.case.at, by_dates)
    index = next((own for own in taken.served if own not in path.served), None)
    if index is None:
        return
    everyone = replace(context.case, clients=tuple(BEHAVIOUR))
    anyway = {(f.code, f.certificate) for f in _findings(Context(everyone, along=path))}
    new = [f for f in _findings(Context(everyone, along=taken)) if (f.code, f.certificate) not in anyway]
    for client in context.case.clients:
        finding = next((f for f in new if client in f.clients), None)
        if finding is not None and _walks(client, by_dates):
            yield _Shadow(index, finding.code), client, finding.clients[client]


def _findings(context: Context) -> list[Finding]:
    return sorted((finding for rule in _RULES for finding in rule(context)), key=lambda f: RANK[f.code])


def _walks(client: str, by_dates: bool) -> bool:
    behaviour = BEHAVIOUR[client]
    return not behaviour.tries_all_issuers and behaviour.prefers_current_issuers is by_dates


def _shadowed(context: Context, path: Path, shadow: _Shadow, words: dict[str, str]) -> Finding:
    wrong = context.certificate(shadow.index)
    namesakes = {i for i, c in context.certificates if wrong is not None and c.subject_der == wrong.subject_der}
    right = next((f"#{index + 1}" for index in path.served if index in namesakes), "the end of the good path")
    label = "" if wrong is None else wrong.label
    why = _WHY.get(shadow.code, f"is not what clients take ({shadow.code})")
    return context.finding(
        "shadowed-issuer",
        f"certificate #{shadow.index + 1} '{label}' {why}, and is taken instead of {right}, which leads to a trusted root; "
        f"refused by {', '.join(words)}, where only one issuer of a name is tried",
        f"Remove certificate #{shadow.index + 1} from what is served, or put it behind the good one.",
        certificate=shadow.index,
        words=words,
    )


RULES = (shadowed_issuer,)
