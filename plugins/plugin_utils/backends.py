# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what was served to what the judge compares: the servers behind one endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge import Backend
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate, parse_certificate
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.served import Served


def backends_of(served: Sequence[Served]) -> list[tuple[Backend, ...]]:
    """For each entry the servers to compare it with: for the first one of an endpoint, all that stand beside it there.

    An endpoint that asks for one connection has none. Kinds of keys are compared each with its own, for two chains are
    what they are there for.
    """
    found: list[tuple[Backend, ...]] = [()] * len(served)
    several = [number for number, entry in enumerate(served) if _asks_for_several(entry)]
    for _endpoint, numbers in groupby(several, key=lambda number: served[number].endpoint):
        by_kind: dict[str | None, list[int]] = {}
        for number in numbers:
            by_kind.setdefault(served[number].key_type, []).append(number)
        for alike in by_kind.values():
            found[alike[0]] = tuple(_backend(served[number]) for number in alike)
    return found


def _asks_for_several(entry: Served) -> bool:
    return entry.endpoint.addresses == "all" or entry.endpoint.repeat > 1


def _backend(entry: Served) -> Backend:
    chain = [parse_certificate(der) for der in entry.chain]
    leaf = chain[0] if chain else None
    return Backend(
        address=entry.address,
        chain=tuple(certificate.sha256 for certificate in chain),
        not_after=leaf.not_after if isinstance(leaf, Certificate) else None,
        protocol=entry.protocol,
        failure=entry.failure_kind,
        connections=entry.connections,
    )
