# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Revocation from end to end: nginx staples, a CA on 127.0.0.1 gives CRLs and OCSP responses."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.settings import Settings, read_settings
from ansible_collections.fullchain.tls.plugins.plugin_utils.verification import (
    Files,
    complete_files,
    judge_files,
    judge_served,
    verify_endpoints,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import Endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.served import Served

from tests.pki import Cert, Pki, mint
from tests.revocation import MUST_STAPLE, Crl, Ocsp, crl_points, mint_crl, mint_ocsp, responder
from tests.unit.wire import servers
from tests.unit.wire.servers import HOST, NAME
from tests.unit.wire.web import Pages, pages

_Findings = list[tuple[str, str, int | None]]


CRL, ROOT_CRL, OCSP = "/inter.crl", "/root.crl", "/ocsp"


@pytest.fixture
def ca() -> Iterator[Pages]:
    with pages() as served:
        yield served


def shop(ca: Pages, leaves: int = 1, **leaf: Any) -> Pki:
    """Leaf and intermediate name a CRL each, the leaf a responder, too; more leaves are leaf1, leaf2, ..."""
    named = {"extensions": [crl_points(ca.url(CRL)), responder(ca.url(OCSP))], **leaf}
    return mint(
        root=Cert(),
        inter=Cert(issuer="root", extensions=[crl_points(ca.url(ROOT_CRL))]),
        **{f"leaf{n or ''}": Cert(issuer="inter", names=[NAME], **named) for n in range(leaves)},
    )


def settings(pki: Pki, mode: str = "check", **fields: Any) -> Settings:
    return Settings(trust=(pki.pem("root"),), revocation=mode, fetch_private=True, timeout=5.0, **fields)


def found(result: Mapping[str, Any]) -> _Findings:
    return [(f["code"], f["severity"], f["certificate"]) for f in result["findings"]]


def served(pki: Pki, leaf: str = "leaf", **fields: Any) -> Served:
    return Served(Endpoint(NAME), HOST, "TLSv1.3", (pki.der(leaf), pki.der("inter")), **fields)


@contextmanager
def stapling(directory: Path, pki: Pki, staple: bytes | None) -> Iterator[Endpoint]:
    (directory / "staple.der").write_bytes(staple or b"")
    how = f"ssl_stapling on; ssl_stapling_file {directory}/staple.der;" if staple else ""
    with servers.nginx(directory, pki, ["leaf", "inter"], how) as port:
        yield Endpoint(NAME, port, address=HOST)


@pytest.mark.parametrize(
    ("declared", "leaf", "expected", "refusing"),
    [
        (Ocsp(), {}, [], []),
        (Ocsp(status="revoked"), {}, [("revoked", "error", 0)], ["gnutls"]),
        (Ocsp(starts="-8d", ends="-1d"), {}, [("stale-staple", "error", 0)], ["gnutls"]),
        (None, {}, [], []),
        (None, {"extensions": MUST_STAPLE}, [("staple-missing", "error", 0)], ["gnutls"]),
        (Ocsp(), {"extensions": MUST_STAPLE}, [], []),
    ],
    ids=["good", "revoked", "stale", "none", "must-staple and none", "must-staple"],
)
def test_what_nginx_staples(
    tmp_path: Path, ca: Pages, declared: Ocsp | None, leaf: Any, expected: _Findings, refusing: list[str]
) -> None:
    pki = shop(ca, **leaf)
    staple = mint_ocsp(pki, declared) if declared else None
    with stapling(tmp_path, pki, staple) as at:
        (result,) = verify_endpoints([at], settings(pki, "stapled"))
        (off,) = verify_endpoints([at], settings(pki, "off"))
        (others,) = verify_endpoints([at], replace(settings(pki, "off"), clients=("openssl", "java", "go")))

    assert found(result) == expected
    assert [client for client, accepts in result["clients"].items() if not accepts] == refusing
    # unasked, only what one of the clients refuses because of
    assert found(off) == expected
    assert off["clients"] == result["clients"]
    assert found(others) == []
    assert not ca.asked


def test_a_leaf_s_key_cannot_choose_whom_the_controller_asks(ca: Pages) -> None:
    """Whoever has an ordinary certificate can sign another one with its key, and write any address into that."""
    pki = mint(
        root=Cert(),
        inter=Cert(issuer="root"),
        mine=Cert(issuer="inter", names=["attacker.example.com"]),
        fake=Cert(
            issuer="mine",
            names=[NAME],
            extensions=[crl_points(ca.url("/internal/admin?do=1")), responder(ca.url("/post"))],
        ),
    )
    result = judge_files(Files(pki.chain("fake", "mine", "inter"), NAME), settings(pki, "check"))

    assert not result["ok"]
    assert not ca.asked


def test_where_nobody_looked_for_a_staple_none_is_missing(ca: Pages) -> None:
    pki = shop(ca, extensions=MUST_STAPLE)
    looked = Served.from_dict(served(pki, stapled=b"").to_dict())
    unlooked = Served.from_dict(served(pki).to_dict())

    results = judge_served([looked, unlooked], settings(pki, "stapled"))

    assert [found(result) for result in results] == [[("staple-missing", "error", 0)], []]


def test_checking_asks_crls_first(ca: Pages) -> None:
    pki = shop(ca)
    ca.put(CRL, mint_crl(pki, Crl()))
    ca.put(ROOT_CRL, mint_crl(pki, Crl("root")))

    assert found(judge_served([served(pki)], settings(pki))[0]) == []
    assert ca.asked == {CRL: 1, ROOT_CRL: 1}


def test_checking_asks_a_responder_where_the_crl_tells_nothing(ca: Pages) -> None:
    pki = shop(ca)
    ca.put(ROOT_CRL, mint_crl(pki, Crl("root")))
    ca.put(OCSP, mint_ocsp(pki, Ocsp(status="revoked")))

    (result,) = judge_served([served(pki)], settings(pki))

    assert found(result) == [("revoked", "error", 0)]
    assert result["findings"][0]["message"].endswith(
        f"(keyCompromise), according to the OCSP response from {ca.url(OCSP)}"
    )
    assert ca.asked == {CRL: 1, ROOT_CRL: 1, OCSP: 1}


def test_what_cannot_be_asked_is_said(ca: Pages) -> None:
    pki = shop(ca)
    ca.put(ROOT_CRL, b"x")

    (result,) = judge_served([served(pki)], settings(pki))

    assert found(result) == [("revocation-unknown", "warning", 0), ("revocation-unknown", "warning", 1)]
    leaf, inter = (finding["message"] for finding in result["findings"])
    assert leaf == (
        f"nothing tells whether the leaf 'CN=leaf' has been revoked: the CRL at {ca.url(CRL)} answered 404 Not Found; "
        f"the OCSP responder at {ca.url(OCSP)} answered 404 Not Found"
    )
    assert inter.startswith(
        f"nothing tells whether certificate #2 'CN=inter' has been revoked: the CRL at {ca.url(ROOT_CRL)} cannot be parsed: "
    )
    assert all(result["clients"].values())


def test_private_addresses_are_left_alone(ca: Pages) -> None:
    pki = shop(ca)
    ca.put(CRL, mint_crl(pki, Crl()))
    ca.put(ROOT_CRL, mint_crl(pki, Crl("root")))

    (result,) = judge_served([served(pki)], Settings(trust=(pki.pem("root"),), revocation="check"))

    assert [code for code, _severity, _index in found(result)] == ["revocation-unknown"] * 2
    assert (
        f"the CRL at {ca.url(CRL)} is not fetched without fetch_private: 127.0.0.1 is a loopback address"
        in result["findings"][0]["message"]
    )
    assert not ca.asked


def test_nobody_is_asked_on_the_word_of_a_chain_that_nobody_trusts(ca: Pages) -> None:
    """One that ends at no root of the store, and one that only has the names of such a chain."""
    pki = shop(ca)
    fake = mint(
        other=Cert(),
        root=Cert(),
        inter=Cert(issuer="root", signed_by="other"),
        leaf=Cert(issuer="inter", names=[NAME], extensions=[crl_points(ca.url("/leaf.crl"))]),
    )
    chains = [("leaf", "inter"), ("leaf", "inter", "root")]
    both = [Served(Endpoint(NAME), HOST, "TLSv1.3", tuple(map(fake.der, names))) for names in chains]

    untrusting = judge_served([served(pki), *both], settings(mint(root=Cert(cn="another"))))
    deceived = judge_served(both, settings(fake))

    assert not any(result["ok"] for result in (*untrusting, *deceived))
    assert not ca.asked


def test_a_fleet_costs_one_download_of_each_crl(ca: Pages) -> None:
    pki = shop(ca, leaves=40)
    names = ["leaf", *(f"leaf{number}" for number in range(1, 40))]
    revoked = ["leaf7", "leaf30"]
    ca.put(CRL, mint_crl(pki, Crl(revoked=revoked)))
    ca.put(ROOT_CRL, mint_crl(pki, Crl("root")))

    results = judge_served([served(pki, name) for name in names * 3], settings(pki))

    assert [found(result) for result in results] == [
        [("revoked", "error", 0)] if name in revoked else [] for name in names * 3
    ]
    assert ca.asked == {CRL: 1, ROOT_CRL: 1}


def test_files_are_checked_before_they_are_deployed(ca: Pages) -> None:
    pki = shop(ca, extensions=[crl_points(ca.url(CRL)), *MUST_STAPLE])
    ca.put(CRL, mint_crl(pki, Crl(revoked=["leaf"])))
    ca.put(ROOT_CRL, mint_crl(pki, Crl("root")))
    chain = pki.chain("leaf", "inter")

    assert found(judge_files(Files(chain), settings(pki))) == [("revoked", "error", 0)]
    assert found(judge_files(Files(chain), settings(pki, "stapled"))) == []


def test_a_completed_file_is_checked_with_what_was_missing(ca: Pages) -> None:
    pki = shop(ca, extensions=[crl_points(ca.url(CRL))], ca_issuers=[ca.url("/inter.der")])
    ca.put(CRL, mint_crl(pki, Crl()))
    ca.put(ROOT_CRL, mint_crl(pki, Crl("root", revoked=["inter"])))
    ca.put("/inter.der", pki.der("inter"))

    _files, (given, whole) = complete_files(Files(pki.chain("leaf")), settings(pki, aia=True), "whole.pem")

    assert found(given) == [("incomplete-chain", "error", 0)]
    assert found(whole) == [("revoked", "error", 1)]
    assert ca.asked == {"/inter.der": 1, CRL: 1, ROOT_CRL: 1}


def test_as_of_another_time_what_is_revoked_stays_so_and_the_rest_is_unknown(ca: Pages) -> None:
    pki = shop(ca, leaves=2, extensions=[crl_points(ca.url(CRL))])
    ca.put(CRL, mint_crl(pki, Crl(revoked=["leaf"])))
    ca.put(ROOT_CRL, mint_crl(pki, Crl("root", ends="60d")))

    results = judge_served([served(pki), served(pki, "leaf1")], settings(pki, at=pki.now + timedelta(days=20)))

    assert [found(result) for result in results] == [[("revoked", "error", 0)], [("revocation-unknown", "warning", 0)]]


@contextmanager
def openssl_responder(directory: Path, pki: Pki, index: str, port: int) -> Iterator[None]:
    """OpenSSL's own responder, with the intermediate's key."""
    for name, text in {"ca.pem": pki.pem("inter"), "key.pem": pki.key_pem("inter"), "index.txt": index}.items():
        (directory / name).write_text(text)
    command = ["openssl", "ocsp", "-port", str(port), "-index", "index.txt", "-CA", "ca.pem", "-rsigner", "ca.pem"]
    program = subprocess.Popen(
        [*command, "-rkey", "key.pem", "-nmin", "5"],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        # A connection that asks nothing would keep it busy.
        assert program.stdout is not None
        assert program.stdout.readline().startswith(b"ACCEPT")
        yield
    finally:
        program.kill()
        program.communicate()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("V\t{until}\t\t1234\tunknown\t/CN=leaf\n", []),
        ("R\t{until}\t{when},keyCompromise\t1234\tunknown\t/CN=leaf\n", [("revoked", "error", 0)]),
        ("", [("revocation-unknown", "warning", 0)]),
    ],
    ids=["good", "revoked", "unknown"],
)
def test_openssls_responder_is_understood(tmp_path: Path, ca: Pages, line: str, expected: _Findings) -> None:
    port = servers.free_port()
    pki = shop(ca, extensions=[responder(f"http://{HOST}:{port}/")], serial=0x1234)
    ca.put(ROOT_CRL, mint_crl(pki, Crl("root")))
    index = line.format(until="491231235959Z", when="260101000000Z")
    with openssl_responder(tmp_path, pki, index, port):
        (result,) = judge_served([served(pki)], settings(pki))

    assert found(result) == expected


@pytest.mark.parametrize(
    ("value", "mode"), [("off", "off"), (False, "off"), ("stapled", "stapled"), ("check", "check")]
)
def test_modes(value: object, mode: str) -> None:
    assert read_settings({"revocation": value}).revocation == mode
    assert read_settings({}).revocation == "off"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"revocation": "on"}, "revocation: 'on' is not known (expected one of off, stapled, check)"),
        ({"revocation": True}, "revocation: True is not known (expected one of off, stapled, check)"),
    ],
)
def test_settings_that_are_none(values: Mapping[str, object], message: str) -> None:
    with pytest.raises(InputError) as raised:
        read_settings(values)
    assert str(raised.value) == message
