# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a sound but untidy chain right, as a deploy serves it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.paths import best_path, leaf_index
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.trust import TrustStore


@dataclass(frozen=True)
class PutRight:
    """A chain as it should be served."""

    chain: tuple[Certificate, ...]  # leaf, then each issuer; no root
    notes: tuple[str, ...]  # a sentence for each thing that was put right; () when nothing had to be


def put_right(chain: Sequence[Certificate], trust: TrustStore) -> PutRight:
    """Order the chain leaf first, and leave out the root, copies and what belongs to no path.

    A certificate that is on some way upwards from the leaf stays, behind the path: a cross-signed root is what clients
    with an older store need. Between several issuers, the path takes one that lasts as long as the leaf. A chain without
    a path to a root of the store comes back as it is, without notes: it is the judge's to refuse.
    """
    as_it_is = PutRight(tuple(chain), ())
    leaf = leaf_index(chain)
    if leaf is None:
        return as_it_is
    path = best_path(chain, leaf, trust, chain[leaf].not_after)
    if not path.complete:
        return as_it_is
    wanted = [*path.served, *(index for index in sorted(path.related) if index not in path.served)]
    kept = [index for index in wanted if index == leaf or not chain[index].self_signed]
    return PutRight(tuple(chain[index] for index in kept), tuple(_notes(chain, leaf, kept)))


def issuers_of(chain: Sequence[Certificate], trust: TrustStore) -> tuple[Certificate, ...]:
    """The issuers of the leaf, which is first, up to a root of the store. Without a path to one, what else is in the chain."""
    path = best_path(chain, 0, trust, chain[0].not_after)
    if path.anchor is None:
        return tuple(chain[1:])
    issuers = [chain[index] for index in path.served[1:]]
    return (*issuers, *([path.anchor] if path.anchor not in issuers else []))


def _notes(chain: Sequence[Certificate], leaf: int, kept: Sequence[int]) -> Iterator[str]:
    if leaf:
        yield f"the leaf '{chain[leaf].label}' was certificate #{leaf + 1} and is now the first"
    issuers = kept[1:]
    if list(issuers) != sorted(issuers):
        order = ", ".join(f"'{chain[index].label}'" for index in issuers)
        yield f"the issuers were put in order: {order}"
    for index, certificate in enumerate(chain):
        if index in kept:
            continue
        if certificate in chain[:index]:
            yield f"certificate #{index + 1} '{certificate.label}' was left out: it is there twice"
        elif certificate.self_signed:
            yield f"certificate #{index + 1} '{certificate.label}' was left out: it is a root, which clients have or do not believe"
        else:
            yield f"certificate #{index + 1} '{certificate.label}' was left out: it has issued none of the others"
