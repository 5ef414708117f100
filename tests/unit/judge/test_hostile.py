# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists that are made to be slow or big. Work and memory are counted here; `make bench` takes the time."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge import Case, constraints, judge, paths
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import parse_certificate

from tests.hostile import HOSTILE, NOW, SHOP, Hostile

MOST_BYTES = 32 << 20  # of memory, while a list is parsed and judged


@pytest.fixture(params=HOSTILE, ids=lambda hostile: hostile.name)
def hostile(request: pytest.FixtureRequest) -> Hostile:
    return request.param


def _judge(hostile: Hostile) -> set[str]:
    chain, trust = hostile.make()
    verdict = judge(Case(chain=tuple(map(parse_certificate, chain)), trust=trust, at=NOW, server_name=SHOP))
    assert len(verdict.findings) <= 2 * len(chain) + 5
    return {finding.code for finding in verdict.findings}


def test_it_is_judged_and_something_is_found(hostile: Hostile) -> None:
    assert hostile.found <= _judge(hostile)


def test_signatures_and_names_that_are_looked_at_are_few(hostile: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = {"signatures": 0, "names": 0}
    signed_by, names = paths.signed_by, constraints._names

    def counted(*pair: object) -> bool:
        looked_at["signatures"] += 1
        return signed_by(*pair)

    def counted_names(*arguments: object) -> Iterator[object]:
        for name in names(*arguments):
            looked_at["names"] += 1
            yield name

    monkeypatch.setattr(paths, "signed_by", counted)
    monkeypatch.setattr(constraints, "_names", counted_names)
    _judge(hostile)

    # once to find a path, and once more to follow each of the two kinds of client that do not search
    assert looked_at["signatures"] <= 3 * paths.MOST_SIGNATURES
    assert looked_at["names"] <= 100_000


def test_it_takes_little_memory(hostile: Hostile) -> None:
    chain, trust = hostile.make()
    tracemalloc.start()
    try:
        judge(Case(chain=tuple(map(parse_certificate, chain)), trust=trust, at=NOW, server_name=SHOP))
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST_BYTES
