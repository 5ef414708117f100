# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Family presentation: a wrong issuer in front of the right one, for clients that don't look further."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.clients import BEHAVIOUR
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.context import Context
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.model import Finding
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.paths import Path, Walk, walk, within_dates
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import signed_by

_WHY = {
    "unknown-issuer": "leads to no trusted root",
    "untrusted-root": "leads to a root that is not trusted",
    "bad-signature": "has another key than the one that signed, or a signature that does not hold",
    "expired": "has expired, or leads to one that has",
    "not-yet-valid": "is not valid yet, or leads to one that is not",
    "not-a-ca": "is no CA's, or leads to one that is not",
}


@dataclass(frozen=True)
class _Shadow:
    """A served certificate at which a client's own walk leaves the good path for a refusal."""

    index: int
    words_of: str  # the code whose words that client refuses with


def shadowed_issuer(context: Context) -> Iterator[Finding]:
    """RFC 4158 2.4 advises to try every issuer. OpenSSL and GnuTLS take one for each name, and stay with it."""
    path = context.path
    if path is None or not path.complete or path.cost.contradicting_key_ids:
        return
    served = {certificate for _index, certificate in context.certificates()}
    if len({certificate.subject_der for certificate in served}) == len(served):
        return  # no two share a name
    shadows: dict[_Shadow, list[str]] = {}
    for by_dates in (True, False):
        shadow = _shadow(context, path, by_dates)
        clients = [c for c in context.case.clients if _walks(c, by_dates)]
        if shadow is not None and clients:
            shadows.setdefault(shadow, []).extend(clients)
    for shadow, clients in shadows.items():
        yield _shadowed(context, path, shadow, clients)


def _walks(client: str, by_dates: bool) -> bool:
    behaviour = BEHAVIOUR[client]
    return not behaviour.tries_all_issuers and behaviour.prefers_current_issuers is by_dates


def _shadow(context: Context, path: Path, by_dates: bool) -> _Shadow | None:
    taken = walk(context.case.chain, path.served[0], context.case.trust, context.case.at, by_dates)
    index = next((own for own in taken.served if own not in path.served), None)
    words_of = _refusal(context, path, taken)
    return None if index is None or words_of is None else _Shadow(index, words_of)


def _refusal(context: Context, path: Path, taken: Walk) -> str | None:
    """What a client finds on its own walk that is not wrong with the good path anyway, as a code."""
    if taken.anchor is None:
        return "untrusted-root" if taken.certificates[-1].self_signed else "unknown-issuer"
    issuers = [*taken.certificates[1:], taken.anchor]
    if not all(signed_by(c, issuer) for c, issuer in zip(taken.certificates, issuers, strict=True)):
        return "bad-signature"
    good = {context.certificate(index) for index in path.served}
    others = [c for c in taken.certificates if c not in good]
    if any(not within_dates(c, context.case.at) for c in others):
        return "expired" if any(c.not_after < context.case.at for c in others) else "not-yet-valid"
    return None if all(c.is_ca for c in others) else "not-a-ca"


def _shadowed(context: Context, path: Path, shadow: _Shadow, clients: Sequence[str]) -> Finding:
    wrong = context.certificate(shadow.index)
    namesakes = {i for i, c in context.certificates() if wrong is not None and c.subject_der == wrong.subject_der}
    right = next((f"#{index + 1}" for index in path.served if index in namesakes), "the end of the good path")
    label = "" if wrong is None else wrong.label
    return context.finding(
        "shadowed-issuer",
        f"certificate #{shadow.index + 1} '{label}' {_WHY[shadow.words_of]}, and is taken instead of {right}, which leads to a trusted root; "
        f"refused by {', '.join(clients)}, where only one issuer of a name is tried",
        f"Remove certificate #{shadow.index + 1} from what is served, or put it behind the good one.",
        certificate=shadow.index,
        refusing=clients,
        words_of=shadow.words_of,
    )


RULES = (shadowed_issuer,)
