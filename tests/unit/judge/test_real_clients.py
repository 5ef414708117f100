# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict is a prediction: here the clients themselves are asked.

Each case of the table is served on 127.0.0.1, and every client connects. The server is a small Go program, since others
refuse to load some of the chains.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge import CLIENTS, judge

from tests.documents import TABLE, clients_table
from tests.pki import Pki
from tests.unit.judge.cases import GARBAGE, Row
from tests.unit.judge.real_clients import Served, ask, ask_about
from tests.unit.judge.tables import FAULTY, IN_THE_CHAIN, VALID
from tests.unit.wire.servers import s_server

_EXOTIC = ("p192", "p224", "secp256k1", "brainpool256", "ed448", "mldsa65")
# A certificate as the first must have the key that the server has; without a name there is nothing to connect to. No client
# asks CRLs or responders; here none has a certificate of its own.
ROWS = [
    row
    for row in (*VALID, *IN_THE_CHAIN)
    if row.server_name and row.chain[0] != GARBAGE and row.crls is None and row.mutual is None
]


@pytest.fixture(scope="module")
def minted() -> dict[str, Pki]:
    now = datetime.now(timezone.utc)
    return {row.name: row.pki(now) for row in ROWS}


@pytest.fixture(scope="module")
def answers(minted: dict[str, Pki], tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What each client said to each case, by the case's name: "" where it accepted."""
    asked = [_served(row, minted[row.name]) for row in ROWS]
    said = ask(asked, tmp_path_factory.mktemp("clients"))
    return {row.name: {client: words[number] for client, words in said.items()} for number, row in enumerate(ROWS)}


def _served(row: Row, pki: Pki) -> Served:
    first = row.certs.get(row.chain[0])
    exotic = first is not None and first.key_type in _EXOTIC
    trust, name = pki.pem(*row.trust), row.server_name or ""
    return Served(row.served(pki), pki.key_pem(row.chain[0]), trust, name, exotic, row.stapled(pki) or b"")


@pytest.mark.parametrize("row", [row for row in ROWS if not row.deviation], ids=lambda row: row.name)
def test_clients_do_what_is_predicted(row: Row, minted: dict[str, Pki], answers: dict[str, dict[str, str]]) -> None:
    predicted = judge(row.case(minted[row.name])).clients

    assert {c: predicted[c] for c in row.clients} == {c: not answers[row.name][c] for c in row.clients}, answers[
        row.name
    ]


@pytest.mark.parametrize("row", [row for row in ROWS if row.deviation], ids=lambda row: row.name)
def test_deviations_are_still_ones(row: Row, minted: dict[str, Pki], answers: dict[str, dict[str, str]]) -> None:
    predicted = judge(row.case(minted[row.name])).clients

    assert all(predicted[client] is bool(answers[row.name][client]) is False for client in CLIENTS)


WORDED = [row for row in ROWS if row.one_fault and not row.deviation and [s for _c, s, _i in row.found] == ["error"]]


@pytest.mark.parametrize("row", WORDED, ids=lambda row: row.name)
def test_clients_use_the_words_of_the_finding(
    row: Row, minted: dict[str, Pki], answers: dict[str, dict[str, str]]
) -> None:
    (finding,) = [f for f in judge(row.case(minted[row.name])).findings if f.severity == "error"]

    different = {
        client: (words, answers[row.name][client])
        for client, words in finding.clients.items()
        if client in CLIENTS and not _said(words, answers[row.name][client])
    }
    assert not different


def test_clients_use_the_words_for_a_client_certificate_that_is_refused(tmp_path: Path) -> None:
    """With TLS 1.2, where the alert comes in the handshake: later, some clients no longer look.

    The server names no CA: Java presents nothing that is of none of those named.
    """
    row = next(row for row in FAULTY if row.name == "client certificate of another CA")
    pki = row.pki(datetime.now(timezone.utc))
    demand = ("-tls1_2", "-Verify", "1", "-verify_return_error")
    own = pki.pem("theirs") + pki.key_pem("theirs")
    with s_server(tmp_path / "server", pki, list(row.chain), *demand) as port:
        case = Served(row.served(pki), pki.key_pem("leaf"), pki.pem(*row.trust), str(row.server_name), client=own)
        answers = ask_about(replace(case, port=port), tmp_path)
    (finding,) = judge(row.case(pki)).findings

    assert {client: answers[client] for client in CLIENTS if not _said(finding.clients[client], answers[client])} == {}


def test_the_table_in_docs_is_this_one(minted: dict[str, Pki], answers: dict[str, dict[str, str]]) -> None:
    """`DOCS=write` (`make docs`) writes it."""
    table = clients_table([_entry(row, minted[row.name], answers[row.name]) for row in ROWS])
    if os.environ.get("DOCS") == "write":
        TABLE.write_text(table)

    assert TABLE.read_text() == table, "`make docs` writes it anew"
    assert len(ROWS) >= 80
    assert sum(bool(row.deviation) for row in ROWS) <= 2


def _entry(row: Row, pki: Pki, said: dict[str, str]) -> tuple[str, list[str], dict[str, bool], dict[str, bool], str]:
    verdict = judge(replace(row.case(pki), clients=CLIENTS))
    did = {client: not words for client, words in said.items()}
    return row.name, [finding.code for finding in verdict.findings], dict(verdict.clients), did, row.deviation


def _said(words: str, answer: str) -> bool:
    """The answer has all the words, among addresses and numbers of its own."""
    return set(re.findall(r"\w+", words.lower())) <= set(re.findall(r"\w+", answer.lower()))
