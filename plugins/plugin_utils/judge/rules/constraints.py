# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Family authority: the names that an issuer may issue for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.clients import BEHAVIOUR, Constraints
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.constraints import Violation, looked_at, violations
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.context import Context
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.model import Finding

# A path that needs more is made to be slow.
MOST_LOOKED_AT = 20_000

_WHAT = {
    "permitted": "is outside what {issuer} is permitted to issue for",
    "excluded": "is excluded from what {issuer} may issue for",
    "unknown": "is below name constraints of {issuer} that clients do not understand",
    "too-many": "are more to compare, with the constraints of {issuer}, than clients are ready to",
}
_WORDS = {
    "permitted": None,
    "excluded": "name-constraint-violated/excluded",
    "unknown": "name-constraint-violated/unknown",
    "too-many": "name-constraint-violated/too-many",
}


def name_constraint_violated(context: Context) -> Iterator[Finding]:
    """RFC 5280 6.1.4 (g), 6.1.3 (b), (c). On which names count, clients differ: see clients.Constraints."""
    if not any(certificate.constrains_names for _index, certificate in context.steps[1:]):
        return
    number = looked_at([certificate for _index, certificate in context.steps])
    if number > MOST_LOOKED_AT:
        yield context.finding(
            "name-constraint-violated",
            f"along the path, names would have to be held against name constraints {number} times; after {MOST_LOOKED_AT} nobody goes on",
            "Have the certificate issued by a CA with fewer name constraints, or for fewer names.",
            certificate=context.leaf_at,
            words_of="name-constraint-violated/too-many",
        )
        return
    found: dict[Violation, list[str]] = {}
    for (constraints, checks_anchor), clients in _views().items():
        for violation in _violations(context, constraints, checks_anchor):
            found.setdefault(violation, []).extend(clients)
    for violation, clients in found.items():
        yield _finding(context, violation, clients)


@lru_cache(maxsize=1)
def _views() -> dict[tuple[Constraints, bool], list[str]]:
    """Clients by how they look at name constraints."""
    views: dict[tuple[Constraints, bool], list[str]] = {}
    for client, behaviour in BEHAVIOUR.items():
        views.setdefault((behaviour.constraints, behaviour.authority.checks_anchor), []).append(client)
    return views


def _violations(context: Context, constraints: Constraints, checks_anchor: bool) -> Iterator[Violation]:
    steps = [certificate for _index, certificate in context.steps]
    ignores_last = not checks_anchor and context.is_anchor(steps[-1])
    return violations(steps, ignores_last, constraints)


def _finding(context: Context, violation: Violation, clients: list[str]) -> Finding:
    index, certificate = context.steps[violation.certificate]
    issuer = context.called(*context.steps[violation.issuer])
    what = _WHAT[violation.how].format(issuer=issuer)
    return context.finding(
        "name-constraint-violated",
        f"'{violation.name}' in {context.called(index, certificate)} {what} (name constraints); refused by {', '.join(clients)}",
        "Have the certificate issued by a CA that may issue for this name, or without the name.",
        certificate=index,
        refusing=clients,
        words_of=_WORDS[violation.how],
    )


RULES = (name_constraint_violated,)
