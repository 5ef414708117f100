# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Naming what a chain lacks, by issuers that were fetched; they never make it any better."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge import Case, Issuers, Missing, breaks_off, judge
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import parse_certificate

from tests.pki import Cert, Pki, mint
from tests.unit.judge.cases import SHOP

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=timezone.utc)
URL = "http://ca.example.com/inter.der"


@pytest.fixture(scope="module")
def pki() -> Pki:
    return mint(
        NOW,
        root=Cert(),
        other=Cert(),
        upper=Cert(issuer="root"),
        inter=Cert(issuer="upper"),
        renewed=Cert(issuer="upper", like="inter", ends="-1d"),
        crossed=Cert(issuer="other", like="upper", ends="3d"),
        namesake=Cert(issuer="upper", cn="inter"),
        leaf=Cert(issuer="inter", names=[SHOP], ca_issuers=[URL]),
        direct=Cert(issuer="other", names=[SHOP]),
        loop_a=Cert(issuer="loop_b"),
        loop_b=Cert(issuer="loop_a"),
        looped=Cert(issuer="loop_a", names=[SHOP]),
    )


def fetched(pki: Pki, *names: str, failures: dict[str, str] | None = None) -> Issuers:
    found: dict[bytes, tuple[object, ...]] = {}
    for certificate in pki.chain(*names):
        found[certificate.subject_der] = (*found.get(certificate.subject_der, ()), certificate)
    return Issuers(found, failures or {})  # type: ignore[arg-type]


def case(pki: Pki, *chain: str, issuers: Issuers | None, trust: str = "root") -> Case:
    return Case(chain=pki.chain(*chain), trust=pki.trust(trust), at=NOW, server_name=SHOP, fetched=issuers)


def said(case: Case) -> Iterator[tuple[str, int | None, str]]:
    for finding in judge(case).findings:
        yield finding.code, finding.certificate, finding.message


def test_all_that_is_missing_is_named_in_order(pki: Pki) -> None:
    given = case(pki, "leaf", issuers=fetched(pki, "upper", "inter", "root"))

    assert list(said(given)) == [
        (
            "incomplete-chain",
            0,
            "the leaf 'CN=leaf' was issued by 'CN=inter', which the server does not send: 'CN=inter', 'CN=upper' are missing; "
            "with that, the chain would be complete",
        )
    ]
    assert judge(given).missing == Missing(pki.chain("inter", "upper"), complete=True)
    assert f"append 'CN=inter', 'CN=upper' (the CA offers it at {URL}) to the file" in judge(given).findings[0].fix


def test_above_an_intermediate_it_is_known_what_it_is(pki: Pki) -> None:
    assert [code for code, *_rest in said(case(pki, "leaf", "inter", issuers=None))] == ["unknown-issuer"]
    assert list(said(case(pki, "leaf", "inter", issuers=fetched(pki, "upper")))) == [
        (
            "incomplete-chain",
            1,
            "certificate #2 'CN=inter' was issued by 'CN=upper', which the server does not send: 'CN=upper' is missing; "
            "with that, the chain would be complete",
        )
    ]


def test_a_root_outside_the_store_is_told_from_a_missing_intermediate(pki: Pki) -> None:
    given = case(pki, "leaf", "inter", "upper", issuers=fetched(pki, "root"), trust="other")

    assert list(said(given)) == [
        (
            "untrusted-root",
            2,
            "certificate #3 'CN=upper' leads to 'CN=root', a root that is not in the trust store (it was fetched, not sent)",
        )
    ]
    assert judge(given).missing == Missing(root=pki["root"])
    # a leaf of a root's own: without fetching it looks like one whose intermediate is missing
    direct = case(pki, "direct", issuers=fetched(pki, "other"))
    assert [code for code, *_rest in said(direct)] == ["untrusted-root"]
    assert [code for code, *_rest in said(replace(direct, fetched=None))] == ["incomplete-chain"]


def test_both_at_once_are_two_findings(pki: Pki) -> None:
    given = case(pki, "leaf", issuers=fetched(pki, "inter", "upper", "root"), trust="other")

    assert [(code, message.rpartition("; ")[2]) for code, _index, message in said(given)] == [
        ("incomplete-chain", "even then, 'CN=root' would be no trusted root"),
        ("untrusted-root", "the leaf 'CN=leaf' leads to 'CN=root', a root that is not in the trust store (it was fetched, not sent)"),
    ]  # fmt: skip
    assert judge(given).missing == Missing(pki.chain("inter", "upper"), root=pki["root"])


def test_what_did_not_come_is_told(pki: Pki) -> None:
    (found,) = said(case(pki, "leaf", issuers=Issuers({}, {URL: "answered 404 Not Found"})))

    assert found[0] == "incomplete-chain"
    assert found[2].endswith(f"and which is no trusted root; it could not be fetched: {URL} answered 404 Not Found")


def test_only_what_has_signed_it_counts_and_what_lasts_is_preferred(pki: Pki) -> None:
    given = case(pki, "leaf", issuers=fetched(pki, "namesake", "renewed", "inter", "crossed", "upper"))

    assert judge(given).missing == Missing(pki.chain("inter", "upper"), complete=True)
    alone = case(pki, "leaf", issuers=fetched(pki, "namesake"))
    assert judge(alone).missing == Missing()


def test_the_way_to_a_root_of_the_store_is_found_among_others(pki: Pki) -> None:
    """A cross-sign by another root lasts longer, and was fetched along with the good one."""
    longer = mint(
        NOW,
        root=Cert(),
        other=Cert(),
        inter=Cert(issuer="root", ends="900d"),
        crossed=Cert(issuer="other", like="inter", ends="1800d"),
        leaf=Cert(issuer="inter", names=[SHOP]),
    )
    names = ("crossed", "inter", "other")

    found = judge(case(longer, "leaf", issuers=fetched(longer, *names))).missing
    assert found == Missing(longer.chain("inter"), complete=True)
    neither = replace(case(longer, "leaf", issuers=fetched(longer, *names)), trust=pki.trust("root"))
    assert judge(neither).missing == Missing(longer.chain("crossed"), root=longer["other"])


def test_issuers_that_lead_in_a_circle_end(pki: Pki) -> None:
    given = case(pki, "looped", issuers=fetched(pki, "loop_a", "loop_b"))

    assert judge(given).missing == Missing(pki.chain("loop_a", "loop_b"))


@pytest.mark.parametrize(
    "chain", [("leaf",), ("leaf", "inter"), ("leaf", "upper"), ("direct",), ("leaf", "inter", "upper")]
)
@pytest.mark.parametrize("trust", ["root", "other"])
def test_fetching_never_changes_what_clients_do(pki: Pki, chain: tuple[str, ...], trust: str) -> None:
    without = judge(case(pki, *chain, issuers=None, trust=trust))
    with_all = judge(case(pki, *chain, issuers=fetched(pki, "inter", "upper", "root", "other", "crossed"), trust=trust))

    assert (with_all.ok, with_all.clients, with_all.chain_complete) == (
        without.ok,
        without.clients,
        without.chain_complete,
    )


def test_an_endless_tower_is_climbed_for_a_while() -> None:
    tower = {f"t{n}": Cert(issuer=f"t{n + 1}" if n < 19 else "root") for n in range(20)}
    pki = mint(NOW, root=Cert(), leaf=Cert(issuer="t0", names=[SHOP]), **tower)

    missing = judge(case(pki, "leaf", issuers=fetched(pki, *tower))).missing

    assert missing == Missing(pki.chain(*(f"t{n}" for n in range(8))))


def test_where_a_chain_breaks_off(pki: Pki) -> None:
    def end(*names: str, trust: str = "root") -> object:
        return breaks_off(pki.chain(*names), pki.trust(trust), NOW)

    assert end("leaf") == pki["leaf"]
    assert end("leaf", "inter", "namesake") == pki["inter"]
    assert end("leaf", "inter", "upper") is None
    assert end("leaf", "inter", "upper", "root", trust="other") is None  # it ends, at the wrong root
    assert breaks_off((parse_certificate(b""),), pki.trust("root"), NOW) is None
