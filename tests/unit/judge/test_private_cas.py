# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A private CA's chain is accepted by the judge exactly where the clients accept it: none of the public web's rules is its own."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge import Case, Verdict, judge
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.pem import read_certificates
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.trust import load_trust_store

from tests.unit.judge.cases import SHOP
from tests.unit.judge.private_cas import PRIVATE_CAS, Chain
from tests.unit.judge.real_clients import Served, ask

# what is wrong with a chain of the tool's; of the others nothing
FOUND = {"openssl req and x509": ["no-subject-alt-name"]}


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Chain]:
    return {name: make(tmp_path_factory.mktemp("ca")) for name, make in PRIVATE_CAS.items()}


@pytest.fixture(scope="module")
def answers(chains: dict[str, Chain], tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    served = [
        Served(tuple(c.der for c in read_certificates(chain.served, name)), chain.key, chain.trust, SHOP)
        for name, chain in chains.items()
    ]
    said = ask(served, tmp_path_factory.mktemp("clients"))
    return {name: {client: words[number] for client, words in said.items()} for number, name in enumerate(chains)}


def _verdict(chain: Chain) -> Verdict:
    served, trust = read_certificates(chain.served, "chain"), load_trust_store([chain.trust])
    return judge(Case(chain=served, trust=trust, at=datetime.now(timezone.utc), server_name=SHOP))


@pytest.mark.parametrize("name", PRIVATE_CAS)
def test_clients_do_what_is_predicted(name: str, chains: dict[str, Chain], answers: dict[str, dict[str, str]]) -> None:
    predicted = _verdict(chains[name]).clients

    assert predicted == {client: not words for client, words in answers[name].items()}, answers[name]


@pytest.mark.parametrize("name", PRIVATE_CAS)
def test_what_is_found(name: str, chains: dict[str, Chain]) -> None:
    assert [finding.code for finding in _verdict(chains[name]).findings] == FOUND.get(name, [])
