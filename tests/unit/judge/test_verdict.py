# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every case of the table: which findings, in which order, who refuses, and is the chain complete."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge import CLIENTS, judge, paths
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.catalogue import CATALOGUE

from tests.unit.judge.cases import Row
from tests.unit.judge.tables import FAULTY, VALID

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=timezone.utc)


# Errors though no client may refuse: whoever asked is told.
ASKED_FOR = ("stale-certificate", "revoked", *(code for code in CATALOGUE if code.startswith("client-certificate-")))


@pytest.mark.parametrize("row", [*VALID, *FAULTY], ids=lambda row: row.name)
def test_verdict(row: Row) -> None:
    verdict = judge(row.case(row.pki(NOW)))

    assert [(f.code, f.severity, f.certificate) for f in verdict.findings] == list(row.found)
    assert {client for client, accepts in verdict.clients.items() if not accepts} == row.refused_by
    assert list(verdict.clients) == list(row.clients)
    assert verdict.chain_complete is row.complete
    assert verdict.ok is all(severity != "error" for _code, severity, _index in row.found)
    assert len(verdict.roles) == len(row.chain)


@pytest.mark.parametrize("row", [*VALID, *FAULTY], ids=lambda row: row.name)
def test_the_short_way_for_straight_paths_says_what_the_long_one_says(
    row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = row.case(row.pki(NOW))
    short = judge(case)
    monkeypatch.setattr(paths, "_straight_path", lambda *_case: None)

    assert judge(case) == short


@pytest.mark.parametrize("row", FAULTY, ids=lambda row: row.name)
def test_an_error_has_a_client_that_refuses_and_nothing_else_has(row: Row) -> None:
    lacks_what_was_asked_for = row.failure is not None and row.failure.key_type is not None
    case = row.case(row.pki(NOW))
    for clients in (case.clients, *((client,) for client in CLIENTS)):
        for finding in judge(replace(case, clients=clients)).findings:
            # CRLs, responders and most clients' eyes for staples: what was asked for is told, whoever minds
            asked_for = finding.code in ASKED_FOR or lacks_what_was_asked_for
            assert bool(finding.clients) is (finding.severity == "error") or asked_for, (clients, finding)
            assert all(words and "{" not in words for words in finding.clients.values())


def test_every_code_of_the_catalogue_is_produced_and_no_other() -> None:
    produced = {code for row in FAULTY for code, _severity, _index in row.found}
    assert produced == set(CATALOGUE)


def test_names_of_cases_are_unique() -> None:
    names = [row.name for row in (*VALID, *FAULTY)]
    assert len(names) == len(set(names))
