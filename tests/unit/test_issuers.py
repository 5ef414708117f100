# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Issuers fetched from a server on 127.0.0.1, as certificates say where they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.issuers import fetch_issuers
from ansible_collections.fullchain.tls.plugins.plugin_utils.settings import Settings
from ansible_collections.fullchain.tls.plugins.plugin_utils.verification import (
    Files,
    complete_files,
    judge_files,
    judge_served,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import Endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.served import Served
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from tests.pki import Cert, Pki, mint
from tests.unit.wire.servers import HOST, NAME, free_port
from tests.unit.wire.web import Pages, pages

NOW = datetime.now(timezone.utc)


@pytest.fixture(scope="module")
def web() -> Iterator[Pages]:
    with pages() as served:
        yield served


@pytest.fixture(scope="module")
def pki(web: Pages) -> Pki:
    """leaf <- inter <- upper <- root, each issuer at an address of its own."""

    def at(*names: str) -> list[str]:
        return [f"http://{HOST}:{web.port}/{name}" for name in names]

    pki = mint(
        root=Cert(),
        other=Cert(),
        upper=Cert(issuer="root", ca_issuers=at("root")),
        inter=Cert(issuer="upper", ca_issuers=["ldap://ca.example.com/upper", *at("upper.p7c")]),
        leaf=Cert(issuer="inter", names=[NAME], ca_issuers=[*at("gone"), f"https://{HOST}/inter", *at("inter.der")]),
        pem=Cert(issuer="inter", names=[NAME], ca_issuers=at("inter.pem")),
        lost=Cert(issuer="inter", names=[NAME], ca_issuers=[*at("gone", "page"), f"http://{HOST}:{free_port()}/"]),
    )
    web.put("/inter.der", pki.der("inter"))
    web.put("/inter.pem", pki.pem("inter").encode())
    web.put("/upper.p7c", pkcs7.serialize_certificates([pki["other"].x509, pki["upper"].x509], Encoding.DER))
    web.put("/root", pki.der("root"))
    web.put("/page", b"<html>")
    return pki


def files(pki: Pki, *names: str) -> Files:
    return Files(pki.chain(*names), NAME)


def settings(pki: Pki, *trust: str, **fields: object) -> Settings:
    return replace(Settings(trust=(pki.pem(*trust),), aia=True, fetch_private=True), **fields)  # type: ignore[arg-type]


def named(result: dict[str, object]) -> tuple[list[str], bool]:
    missing = result["missing"]
    return [c["subject"] for c in missing["certificates"]], missing["complete"]  # type: ignore[index]


def test_each_missing_one_is_fetched_up_to_the_root_of_the_store(pki: Pki, web: Pages) -> None:
    web.asked.clear()
    result = judge_files(files(pki, "leaf"), settings(pki, "root"))

    assert named(result) == (["CN=inter", "CN=upper"], True)
    assert (result["ok"], result["chain_complete"]) == (False, False)
    assert web.asked == Counter(["/gone", "/inter.der", "/upper.p7c"])  # and no root: the store has it


@pytest.mark.parametrize("name", ["leaf", "pem"])
def test_up_to_the_root_that_the_store_lacks(pki: Pki, name: str) -> None:
    result = judge_files(files(pki, name), settings(pki, "other"))

    assert named(result) == (["CN=inter", "CN=upper"], False)
    assert [finding["code"] for finding in result["findings"]] == ["incomplete-chain", "untrusted-root"]


def test_a_fleet_asks_once(pki: Pki, web: Pages) -> None:
    web.asked.clear()
    served = [Served(Endpoint(NAME, port), chain=(pki.der(name),)) for port in range(1, 40) for name in ("leaf", "pem")]

    results = judge_served(served, settings(pki, "root"))

    assert all(named(result) == (["CN=inter", "CN=upper"], True) for result in results)
    assert set(web.asked.values()) == {1}


def test_nothing_is_fetched_without_being_asked_for(pki: Pki, web: Pages) -> None:
    web.asked.clear()

    assert "missing" not in judge_files(files(pki, "leaf"), settings(pki, "root", aia=False))
    assert "missing" not in judge_files(files(pki, "leaf", "inter", "upper"), settings(pki, "root"))
    assert not web.asked


def test_no_private_address_is_asked_unless_allowed(pki: Pki, web: Pages) -> None:
    web.asked.clear()
    result = judge_files(files(pki, "leaf"), settings(pki, "root", fetch_private=False))

    assert not web.asked
    assert (
        f"/inter.der is not fetched without fetch_private: {HOST} is a loopback address"
        in result["findings"][0]["message"]
    )


def test_what_could_not_be_had_is_told(pki: Pki, web: Pages) -> None:
    issuers = fetch_issuers([(pki["lost"], pki.trust("root"))], NOW, allow_private=True)

    here = f"http://{HOST}:{web.port}"
    *_others, refused = pki["lost"].ca_issuers
    assert issuers.by_subject == {}
    assert dict(issuers.failures) == {
        f"{here}/gone": "answered 404 Not Found",
        f"{here}/page": "holds no certificate (expected PEM text with '-----BEGIN CERTIFICATE-----')",
        refused: f"cannot be reached: {HOST} port {refused.split(':')[2][:-1]} refused the connection",
    }


def test_an_endless_tower_is_climbed_for_a_while(web: Pages) -> None:
    tower = {
        f"t{n}": Cert(issuer=f"t{n + 1}" if n < 9 else "root", ca_issuers=[f"http://{HOST}:{web.port}/t{n + 1}"])
        for n in range(10)
    }
    pki = mint(root=Cert(), leaf=Cert(issuer="t0", names=[NAME], ca_issuers=[f"http://{HOST}:{web.port}/t0"]), **tower)
    for name in tower:
        web.put(f"/{name}", pki.der(name))
    web.asked.clear()

    assert len(fetch_issuers([(pki["leaf"], pki.trust("root"))], NOW, allow_private=True).by_subject) == 4
    assert set(web.asked) == {"/t0", "/t1", "/t2", "/t3"}


def test_the_right_file_is_put_together(pki: Pki) -> None:
    right, (given, whole) = complete_files(files(pki, "leaf"), settings(pki, "root"), "right.pem")

    assert right.chain == pki.chain("leaf", "inter", "upper")
    assert (given["ok"], whole["ok"], whole["endpoint"]) == (False, True, "right.pem")
    tidied, _results = complete_files(
        files(pki, "leaf", "root", "upper", "inter"), settings(pki, "root", aia=False), ""
    )
    assert tidied.chain == pki.chain("leaf", "inter", "upper")


@pytest.mark.parametrize(
    ("chain", "trust", "fields", "said"),
    [
        (
            ["leaf"],
            "root",
            {"aia": False},
            "the leaf 'CN=leaf' was issued by 'CN=inter', which the server does not send",
        ),
        (["lost"], "root", {}, "the leaf 'CN=lost' was issued by 'CN=inter', which the server does not send"),
        (["leaf"], "other", {}, "certificate #3 'CN=upper' leads to 'CN=root', a root that is not in the trust store"),
    ],
)
def test_a_chain_that_cannot_be_completed_is_refused(
    pki: Pki, chain: list[str], trust: str, fields: dict[str, object], said: str
) -> None:
    with pytest.raises(InputError) as raised:
        complete_files(files(pki, *chain), settings(pki, trust, **fields), "")
    assert str(raised.value).startswith("complete_to: the chain cannot be completed: ")
    assert said in str(raised.value)
