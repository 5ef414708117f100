# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chains put right, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge import Case, issuers_of, judge, put_right

from tests.pki import Cert, Pki, mint
from tests.unit.judge.cases import SHOP

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=timezone.utc)
FIRST = "the leaf 'CN=leaf' was certificate #{} and is now the first"
ROOT = "certificate #{} 'CN=root' was left out: it is a root, which clients have or do not believe"
TWICE = "certificate #{} 'CN={}' was left out: it is there twice"
STRANGER = "certificate #{} 'CN=stray' was left out: it has issued none of the others"
ORDER = "the issuers were put in order: {}"


@pytest.fixture(scope="module")
def pki() -> Pki:
    return mint(
        NOW,
        root=Cert(),
        root2=Cert(),
        upper=Cert(issuer="root"),
        lower=Cert(issuer="upper"),
        old=Cert(issuer="upper", like="lower", ends="-1d"),
        foreign=Cert(issuer="root2", like="lower"),
        cross_root=Cert(issuer="root2", like="root"),
        leaf=Cert(issuer="lower", names=[SHOP]),
        stray=Cert(issuer="root2", names=["stray.example.com"]),
        stray_ca=Cert(issuer="root2", cn="stray"),
    )


@pytest.mark.parametrize(
    ("chain", "right", "notes"),
    [
        (["leaf", "lower", "upper"], ["leaf", "lower", "upper"], []),
        (["leaf", "lower", "upper", "cross_root"], ["leaf", "lower", "upper", "cross_root"], []),
        (["leaf", "lower", "upper", "root"], ["leaf", "lower", "upper"], [ROOT.format(4)]),
        (["leaf", "upper", "lower"], ["leaf", "lower", "upper"], [ORDER.format("'CN=lower', 'CN=upper'")]),
        (["lower", "leaf", "upper"], ["leaf", "lower", "upper"], [FIRST.format(2)]),
        (
            ["root", "upper", "lower", "leaf"],
            ["leaf", "lower", "upper"],
            [FIRST.format(4), ORDER.format("'CN=lower', 'CN=upper'"), ROOT.format(1)],
        ),
        (
            ["leaf", "leaf", "lower", "upper", "upper"],
            ["leaf", "lower", "upper"],
            [TWICE.format(2, "leaf"), TWICE.format(5, "upper")],
        ),
        (
            ["leaf", "stray", "lower", "upper", "stray_ca"],
            ["leaf", "lower", "upper"],
            [STRANGER.format(2), STRANGER.format(5)],
        ),
        (
            ["leaf", "foreign", "lower", "upper"],
            ["leaf", "lower", "upper", "foreign"],
            [ORDER.format("'CN=lower', 'CN=upper', 'CN=lower'")],
        ),
        (
            ["leaf", "old", "lower", "upper"],
            ["leaf", "lower", "upper", "old"],
            [ORDER.format("'CN=lower', 'CN=upper', 'CN=lower'")],
        ),
        (
            ["leaf", "cross_root", "lower", "upper"],
            ["leaf", "lower", "upper", "cross_root"],
            [ORDER.format("'CN=lower', 'CN=upper', 'CN=root'")],
        ),
        (["leaf"], ["leaf"], []),
        (["upper", "leaf"], ["upper", "leaf"], []),
        (["leaf", "lower", "root"], ["leaf", "lower", "root"], []),
        ([], [], []),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) and not any(" " in v for v in value) else "",
)
def test_put_right(pki: Pki, chain: Sequence[str], right: Sequence[str], notes: Sequence[str]) -> None:
    done = put_right(pki.chain(*chain), pki.trust("root"))

    assert done.chain == pki.chain(*right)
    assert list(done.notes) == notes


def test_a_cross_signed_root_that_is_needed_stays(pki: Pki) -> None:
    done = put_right(pki.chain("leaf", "cross_root", "upper", "lower"), pki.trust("root2"))

    assert done.chain == pki.chain("leaf", "lower", "upper", "cross_root")


def test_a_trusted_self_signed_leaf_stays() -> None:
    pki = mint(NOW, leaf=Cert(names=[SHOP]))

    assert put_right(pki.chain("leaf"), pki.trust("leaf")).chain == pki.chain("leaf")


@pytest.mark.parametrize(
    "chain", [["root", "upper", "lower", "leaf"], ["leaf", "foreign", "lower", "upper"], ["leaf", "upper", "lower"]]
)
def test_what_was_put_right_is_found_sound(pki: Pki, chain: Sequence[str]) -> None:
    done = put_right(pki.chain(*chain), pki.trust("root"))

    assert not judge(Case(chain=done.chain, trust=pki.trust("root"), at=NOW, server_name=SHOP)).findings
    assert put_right(done.chain, pki.trust("root")).notes == ()


@pytest.mark.parametrize(
    ("chain", "issuers"),
    [
        (["leaf", "lower", "upper"], ["lower", "upper", "root"]),
        (["leaf", "lower", "upper", "root"], ["lower", "upper", "root"]),
        (["leaf", "lower", "upper", "stray_ca"], ["lower", "upper", "root"]),
        (["leaf", "lower"], ["lower"]),
        (["leaf"], []),
    ],
)
def test_the_issuers_of_a_leaf_up_to_a_trusted_root(pki: Pki, chain: Sequence[str], issuers: Sequence[str]) -> None:
    assert issuers_of(pki.chain(*chain), pki.trust("root")) == pki.chain(*issuers)
