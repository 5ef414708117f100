# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules: each a function of the context that gives findings; one file for each family."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.context import Context
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.model import Finding
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.rules import (
    authority,
    constraints,
    files,
    missing,
    mutual,
    name,
    presentation,
    revocation,
    shadowing,
    strength,
    time,
    transport,
    trust,
)

Rule = Callable[[Context], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    *transport.RULES,
    *mutual.RULES,
    *files.RULES,
    *presentation.RULES,
    *missing.RULES,
    *shadowing.RULES,
    *trust.RULES,
    *authority.RULES,
    *constraints.RULES,
    *strength.RULES,
    *name.RULES,
    *time.RULES,
    *revocation.RULES,
)

# What a path that is straight leaves to be said: nothing of what is served, of its order or of its issuers.
_SETTLED = (
    presentation.malformed,
    presentation.leaf_not_first,
    *missing.RULES,
    presentation.contradicting_key_ids,
    presentation.wrong_order,
    presentation.duplicates,
    presentation.root_served,
    presentation.unrelated,
    *shadowing.RULES,
    *trust.RULES,
    authority.not_a_ca,
    authority.path_length_exceeded,
    strength.weak_signature,
)
# What there is nothing to say of where only a chain was given.
_BESIDE_THE_CHAIN = (*transport.RULES, *mutual.RULES, *files.RULES, *revocation.RULES)


def _without(*left_out: Rule) -> tuple[Rule, ...]:
    return tuple(rule for rule in RULES if rule not in left_out)


# By whether the path is straight, and whether the chain is all there is
_RULES = {
    (False, False): RULES,
    (False, True): _without(*_BESIDE_THE_CHAIN),
    (True, False): _without(*_SETTLED),
    (True, True): _without(*_SETTLED, *_BESIDE_THE_CHAIN),
}


def rules_for(context: Context) -> tuple[Rule, ...]:
    """The rules that may have something to say: asking those that cannot takes a noticeable time when chains are many."""
    straight = context.path is not None and context.path.straight
    return _RULES[straight, context.case.is_a_chain_alone]
