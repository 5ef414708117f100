# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivered certificates and lineages before they are served: root <- inter <- leaf."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.certificates import (
    Judged,
    judge_delivered,
    judge_lineage,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.facts import certificate_facts, trust_facts
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.request import (
    CertificateSpec,
    LineageSpec,
    Metadata,
    read_request,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.settings import Settings
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.pki import Cert, mint
from tests.revocation import responder

PKI = mint(
    root=Cert(),
    inter=Cert(issuer="root"),
    leaf=Cert(issuer="inter", names=["shop.test", "www.shop.test", "*.cdn.test"]),
    other=Cert(issuer="inter", names=["shop.test"]),
    stapled=Cert(
        issuer="inter",
        names=["shop.test"],
        extensions=[responder("http://ocsp.example.com/a", "http://ocsp.example.com/b")],
    ),
)
SETTINGS = Settings(trust=(PKI.pem("root"),))


def no_file(path: str) -> bytes:
    raise OSError(2, "No such file or directory")


def judged(**given: Any) -> Judged:
    values: dict[str, Any] = {
        "label": "certificates[0] (shop.test)",
        "name": "shop.test",
        "server_names": ("shop.test",),
        "fullchain": PKI.pem("leaf", "inter"),
        "chain": None,
        "privkey": PKI.key_pem("leaf"),
        **given,
    }
    return judge_delivered(CertificateSpec(**values), SETTINGS, values.pop("read_file", no_file))


def codes(result: Judged) -> list[str]:
    return [finding["code"] for finding in result.result["findings"] if finding["severity"] == "error"]


def test_sound() -> None:
    result = judged()
    assert (codes(result), result.notes, result.leaf_sha256) == ([], (), PKI["leaf"].sha256)
    fullchain, key = result.files
    assert (fullchain.path, fullchain.metadata.mode, fullchain.secret) == (
        "certs/shop.test/fullchain.pem",
        0o644,
        False,
    )
    assert (key.path, key.metadata.mode, key.secret) == ("certs/shop.test/privkey.pem", 0o600, True)
    assert fullchain.content.decode() == PKI.pem("leaf", "inter")
    assert key.content.decode() == PKI.key_pem("leaf")
    assert PKI.key_pem("leaf").splitlines()[1] not in repr(result)


def test_combined_holds_leaf_intermediates_and_key_in_this_order() -> None:
    combined = judged(combined=True).files[2]
    assert (combined.path, combined.metadata.mode, combined.secret) == ("certs/shop.test/combined.pem", 0o600, True)
    assert combined.content.decode() == PKI.pem("leaf", "inter") + PKI.key_pem("leaf")


def test_who_may_read_the_key_may_read_what_holds_it_and_nothing_else_changes() -> None:
    key = Metadata(0o640, "root", "ssl-cert")
    files = judged(combined=True, key=key, readable_by=("postgres",)).files
    assert {file.path.rpartition("/")[2]: file.metadata for file in files} == {
        "fullchain.pem": Metadata(0o644),
        "privkey.pem": key,
        "combined.pem": key,
    }
    assert {file.readers for file in files} == {("postgres",)}


def test_cert_and_chain() -> None:
    result = judged(fullchain=PKI.pem("leaf"), chain=PKI.pem("inter"))
    assert result.files[0].content.decode() == PKI.pem("leaf", "inter")


def test_split_is_two_more_files_and_the_rest_none_where_it_is_empty() -> None:
    result = judged(split=True)
    files = {file.path.rpartition("/")[2]: file.content.decode() for file in result.files}
    assert list(files) == ["fullchain.pem", "cert.pem", "chain.pem", "privkey.pem"]
    assert (files["cert.pem"], files["chain.pem"]) == (PKI.pem("leaf"), PKI.pem("inter"))
    alone = mint(root=Cert(), leaf=Cert(issuer="root", names=["shop.test"]))
    spec = CertificateSpec("label", "alone", ("shop.test",), alone.pem("leaf"), None, alone.key_pem("leaf"), split=True)
    short = judge_delivered(spec, Settings(trust=(alone.pem("root"),)), no_file)
    assert [file.path for file in short.files] == [
        f"certs/alone/{name}.pem" for name in ("fullchain", "cert", "privkey")
    ]
    assert [facts(item)["separate_chain"] for item in (result, short)] == [True, False]


def facts(*items: Judged, name: str = "", trust: str = "root", **parameters: Any) -> dict[str, Any]:
    """What templates are told of the certificate of this name, by default that of the first item."""
    given = {"root": "/r", "test": ["t"], "reload": ["r"], **parameters}
    delivered = [{"name": item.name, "fullchain": "x", "privkey": "x"} for item in items]
    request = read_request({"certificates": delivered, **given})
    return certificate_facts(request, items, PKI.trust(trust))[name or items[0].name]


def test_what_templates_are_told_of_a_lineage_before_and_after_it_was_read() -> None:
    paths = {"cert": "/l/cert.pem", "chain": "/l/chain.pem", "privkey": "/l/privkey.pem"}
    lineages = {"certificates": [], "lineages": [{"name": "shop.test", **paths}]}
    nothing = {"separate_chain": True, "ocsp": [], "issuers": []}
    assert facts(name="shop.test", **lineages) == nothing
    assert facts(judged(), **lineages) == nothing
    urls = ["http://ocsp.example.com/a", "http://ocsp.example.com/b"]
    assert facts(judged(fullchain=PKI.pem("stapled", "inter"), privkey=PKI.key_pem("stapled")), **lineages) == {
        **nothing,
        "ocsp": urls,
        "issuers": [PKI.pem("inter"), PKI.pem("root")],
    }


@pytest.mark.parametrize(
    ("items", "system", "others"),
    [
        (["system"], True, []),
        ([PKI.pem("root")], False, ["root"]),
        (["system", PKI.pem("inter", "root")], True, ["inter", "root"]),
    ],
)
def test_what_templates_are_told_of_trust(items: list[str], system: bool, others: list[str]) -> None:
    assert trust_facts(items) == {"system": system, "certificates": [PKI.pem(name) for name in others]}


def test_put_right_and_said() -> None:
    result = judged(fullchain=PKI.pem("leaf", "root", "inter"))
    assert codes(result) == []
    assert result.files[0].content.decode() == PKI.pem("leaf", "inter")
    assert result.notes and all(note.startswith("certificates[0] (shop.test): ") for note in result.notes)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"fullchain": PKI.pem("leaf")}, "incomplete-chain"),
        ({"privkey": PKI.key_pem("other")}, "key-mismatch"),
        ({"server_names": ("shop.test", "foreign.test")}, "name-mismatch"),
        ({"server_names": ("*.shop.test",)}, "name-mismatch"),
    ],
)
def test_unsound(given: dict[str, Any], code: str) -> None:
    assert codes(judged(**given)) == [code]


def test_every_name_is_judged_and_each_finding_told_once() -> None:
    result = judged(server_names=("a.test", "shop.test", "b.test"), fullchain=PKI.pem("leaf"))
    assert sorted(codes(result)) == ["incomplete-chain", "name-mismatch", "name-mismatch"]
    assert not result.result["ok"]
    assert codes(judged(server_names=("www.shop.test", "*.cdn.test"))) == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"fullchain": "no/such.pem"},
            "certificates[0] (shop.test): fullchain: 'no/such.pem' cannot be read on the controller: No such file",
        ),
        ({"fullchain": PKI.key_pem("leaf")}, "certificates[0] (shop.test): fullchain"),
        ({"privkey": PKI.pem("leaf")}, "certificates[0] (shop.test): privkey"),
        (
            {"privkey": "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg"},
            "certificates[0] (shop.test): privkey is neither PEM text",
        ),
        ({"privkey": "a\nb"}, "certificates[0] (shop.test): privkey is neither PEM text"),
    ],
)
def test_unreadable(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        judged(**given)
    assert str(caught.value).startswith(message)
    assert "MIG" not in str(caught.value)


def public_pem(name: str) -> str:
    form = PublicFormat.SubjectPublicKeyInfo
    return str(PKI.key(name).public_key().public_bytes(Encoding.PEM, form).decode())


def test_lineage() -> None:
    spec = LineageSpec(
        "lineages[0] (shop.test)", "shop.test", ("shop.test",), "/live/fullchain.pem", "/live/privkey.pem"
    )
    answer = {"fullchain": PKI.pem("leaf", "inter"), "public_key": public_pem("leaf")}
    result = judge_lineage(spec, answer, SETTINGS)
    assert (codes(result), result.files) == ([], ())
    assert codes(judge_lineage(spec, {**answer, "public_key": public_pem("other")}, SETTINGS)) == ["key-mismatch"]
    assert codes(judge_lineage(spec, {**answer, "fullchain": PKI.pem("leaf")}, SETTINGS)) == ["incomplete-chain"]
    with pytest.raises(InputError, match=r"lineages\[0\] \(shop.test\): /live/fullchain.pem"):
        judge_lineage(spec, {**answer, "fullchain": "nonsense"}, SETTINGS)
