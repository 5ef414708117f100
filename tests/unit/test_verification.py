# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what was fetched to results."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils import verification
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge import CLIENTS, judge
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.keys import spki_sha256
from ansible_collections.fullchain.tls.plugins.plugin_utils.results import failing, failing_codes, summarise
from ansible_collections.fullchain.tls.plugins.plugin_utils.settings import Settings, read_settings
from ansible_collections.fullchain.tls.plugins.plugin_utils.verification import (
    Files,
    judge_files,
    judge_served,
    verify_endpoints,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import Endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.served import Served

from tests.pki import Cert, mint
from tests.unit.wire import servers
from tests.unit.wire.servers import HOST, NAME

RESULT_KEYS = [
    "endpoint", "address", "starttls", "key_type", "connections", "ok", "chain_complete", "reachable",
    "protocol", "cipher", "group", "versions", "clients", "chain", "findings",
]  # fmt: skip
CERTIFICATE_KEYS = ["subject", "issuer", "not_before", "not_after", "sha256", "role"]
FINDING_KEYS = ["code", "severity", "certificate", "message", "fix", "clients"]


@pytest.fixture(scope="module")
def pki():
    return servers.shop()


@pytest.fixture
def settings(pki):
    return Settings(trust=(pki.pem("root"),))


def served(pki, *names, **fields):
    endpoint = Endpoint(NAME, **{key: fields.pop(key) for key in ("expect_fingerprint", "trust") if key in fields})
    values = {"address": HOST, "protocol": "TLSv1.3", "chain": tuple(map(pki.der, names)), **fields}
    return Served(endpoint, **values)


def codes(result):
    return [finding["code"] for finding in result["findings"]]


def test_a_good_chain(pki, settings):
    spoken = {"cipher": "TLS_AES_128_GCM_SHA256", "group": "X25519"}
    result = judge_served([served(pki, "leaf", "inter", "upper", **spoken)], settings)[0]
    assert list(result) == RESULT_KEYS
    assert json.loads(json.dumps(result)) == result
    assert (result["cipher"], result["group"]) == ("TLS_AES_128_GCM_SHA256", "X25519")
    assert result["findings"] == []
    assert (result["endpoint"], result["address"], result["protocol"]) == (f"{NAME}:443", HOST, "TLSv1.3")
    assert (result["ok"], result["chain_complete"], result["reachable"]) == (True, True, True)
    assert result["clients"] == dict.fromkeys(CLIENTS, True)
    assert [item["role"] for item in result["chain"]] == ["leaf", "intermediate", "intermediate"]
    leaf = result["chain"][0]
    assert list(leaf) == CERTIFICATE_KEYS
    assert (leaf["subject"], leaf["issuer"]) == ("CN=leaf", "CN=inter")
    assert leaf["sha256"] == pki["leaf"].sha256
    assert leaf["not_after"] == pki["leaf"].not_after.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_an_incomplete_chain(pki, settings):
    result = judge_served([served(pki, "leaf")], settings)[0]
    assert codes(result) == ["incomplete-chain"]
    assert (result["ok"], result["chain_complete"]) == (False, False)
    assert all(list(finding) == FINDING_KEYS for finding in result["findings"])
    assert result["clients"] == dict.fromkeys(CLIENTS, False)


def test_only_the_chosen_clients_are_judged(pki, settings):
    chosen = read_settings({"trust": list(settings.trust), "clients": ["go", "curl"]})
    assert list(judge_served([served(pki, "leaf")], chosen)[0]["clients"]) == ["curl", "go"]


@pytest.mark.parametrize("kind", ["unreachable", "not-tls", "handshake-failed"])
def test_nothing_served(pki, settings, kind):
    result = judge_served([served(pki, failure_kind=kind, failure_detail="because", protocol=None)], settings)[0]
    assert codes(result) == [kind]
    assert (result["ok"], result["chain_complete"], result["chain"]) == (False, None, [])
    assert result["reachable"] is (kind != "unreachable")
    assert "because" in result["findings"][0]["message"]


def test_a_refusal_of_starttls_has_its_own_fix(pki, settings):
    met = {"failure_kind": "not-tls", "failure_detail": "because"}
    mail, web = judge_served(
        [Served(Endpoint(NAME, starttls=starttls), **met) for starttls in ("smtp", None)], settings
    )
    assert (mail["starttls"], web["starttls"]) == ("smtp", None)
    assert mail["findings"][0]["message"] == "asked for STARTTLS (smtp), the server comes to no TLS: because"
    assert "`starttls`" in mail["findings"][0]["fix"]
    assert "listen 443 ssl" in web["findings"][0]["fix"]


def test_a_kind_of_key_that_is_lacking_is_an_error_that_no_client_minds(pki, settings):
    met = {"key_type": "rsa", "failure_kind": "handshake-failed", "failure_detail": "because"}
    lacking, refused = judge_served(
        [Served(Endpoint(NAME), **met), served(pki, "leaf", "inter", "upper", **met)], settings
    )
    assert (lacking["ok"], lacking["key_type"], codes(lacking)) == (False, "rsa", ["handshake-failed"])
    assert lacking["clients"] == dict.fromkeys(CLIENTS, True)
    assert "no certificate with a key of the kind rsa" in lacking["findings"][0]["message"]
    assert refused["clients"] == dict.fromkeys(CLIENTS, False)  # a chain came, and then the refusal


def test_servers_behind_one_endpoint_that_differ(pki, settings):
    """One finding for the endpoint, a warning, beside what is wrong with each chain."""
    endpoint = Endpoint(NAME, addresses="all")
    chains = {"192.0.2.1": ("leaf", "inter", "upper"), "192.0.2.2": ("leaf",)}
    entries = [Served(endpoint, address, "TLSv1.3", tuple(map(pki.der, names))) for address, names in chains.items()]
    good, short = judge_served(entries, settings)
    assert (good["ok"], codes(good), codes(short)) == (True, ["inconsistent-backends"], ["incomplete-chain"])
    message = good["findings"][0]["message"]
    assert f"192.0.2.1 serves the leaf {pki['leaf'].sha256[:16]}... (until " in message
    assert "; 192.0.2.2 serves the leaf " in message
    assert [codes(result) for result in judge_served(entries[:1] * 2, settings)] == [[], []]


def test_connections_and_versions(pki, settings):
    chain = ("leaf", "inter", "upper")
    many, one = judge_served([served(pki, *chain, connections=3, versions=("TLSv1.2",)), served(pki, *chain)], settings)
    assert (many["connections"], many["versions"]) == (3, ["TLSv1.2"])
    assert (one["connections"], one["versions"]) == (1, None)


def test_a_chain_whose_handshake_failed_afterwards_is_judged_too(pki, settings):
    late = served(pki, "leaf", failure_kind="handshake-failed", failure_detail="alert")
    result = judge_served([late], settings)[0]
    assert "handshake-failed" in codes(result)
    assert result["chain_complete"] is False


@pytest.mark.parametrize("protocol", ["TLSv1", "TLSv1.1"])
def test_old_protocols(pki, settings, protocol):
    result = judge_served([served(pki, "leaf", "inter", "upper", protocol=protocol)], settings)[0]
    assert codes(result) == ["protocol-too-old"]
    assert protocol in result["findings"][0]["message"]


def test_bytes_that_are_no_certificate(pki, settings):
    odd = served(pki, "leaf", "inter", "upper")
    odd = Served(odd.endpoint, odd.address, odd.protocol, (*odd.chain, b"\x30\x00"))
    result = judge_served([odd], settings)[0]
    assert "malformed-certificate" in codes(result)
    assert result["chain"][3]["subject"] is None
    assert result["chain"][3]["role"] == "malformed"


def test_the_leaf_that_was_deployed(pki, settings):
    chain = ["leaf", "inter", "upper"]
    same, other = judge_served(
        [served(pki, *chain, expect_fingerprint=pki["leaf"].sha256), served(pki, *chain, expect_fingerprint="00" * 32)],
        settings,
    )
    assert codes(same) == []
    assert codes(other) == ["stale-certificate"]


def test_an_endpoint_s_own_trust_store_decides(pki, settings):
    elsewhere = (mint(root=Cert()).pem("root"),)
    names = ("leaf", "inter", "upper")
    results = judge_served([served(pki, *names), served(pki, *names, trust=elsewhere)], settings)
    assert [result["ok"] for result in results] == [True, False]
    with pytest.raises(InputError, match=r"nowhere\.pem"):
        verify_endpoints([Endpoint("127.0.0.1", 1, trust=("/nowhere.pem",))], settings)


def test_every_named_store_says_whether_the_chain_is_complete_there(pki, settings):
    other = mint(root=Cert())
    stores = {"ours": (pki.pem("root"),), "theirs": (other.pem("root"),), "both": (other.pem("root"), pki.pem("root"))}
    asking = replace(settings, trust_stores=stores)

    good, short, silent = judge_served(
        [served(pki, "leaf", "inter", "upper"), served(pki, "leaf"), served(pki, failure_kind="unreachable")], asking
    )

    assert good["trust_stores"] == {"ours": True, "theirs": False, "both": True}
    assert good["ok"] is True  # which hangs on trust alone
    assert short["trust_stores"] == {"ours": False, "theirs": False, "both": False}
    assert silent["trust_stores"] == {"ours": None, "theirs": None, "both": None}
    assert "trust_stores" not in judge_served([served(pki, "leaf")], settings)[0]


def test_a_named_store_that_cannot_be_read_is_named(settings):
    with pytest.raises(InputError) as raised:
        judge_served([], replace(settings, trust_stores={"corporate": ("/nonexistent.jks",)}))
    assert str(raised.value) == "trust_stores, corporate: '/nonexistent.jks' cannot be read: No such file or directory"


def test_equal_chains_are_told_apart_by_name_and_address(pki, settings):
    """What is remembered for one endpoint must not be said of another."""
    chain = tuple(pki.der(name) for name in ("leaf", "inter", "upper"))
    entries = [
        Served(Endpoint(name, port), address=address, protocol="TLSv1.3", chain=chain)
        for name, port, address in (
            (NAME, 443, "192.0.2.1"),
            ("other.example.com", 443, None),
            (NAME, 8443, "192.0.2.2"),
        )
    ]
    results = judge_served(entries, settings)
    assert [codes(result) for result in results] == [[], ["name-mismatch"], []]
    assert [result["endpoint"] for result in results] == [f"{NAME}:443", "other.example.com:443", f"{NAME}:8443"]
    assert [result["address"] for result in results] == ["192.0.2.1", None, "192.0.2.2"]


REMEMBERED = {
    "plain": Cert(names=["shop.example.com"]),
    "wildcard": Cert(names=["*.example.com"]),
    "short wildcard": Cert(names=["*.com"]),
    "several": Cert(names=["shop.example.com", "www.shop.example.com", "my_shop.example.com", "192.0.2.7"]),
    "common name": Cert(names=[], ca=False, cn="shop.example.com"),
    "partial": Cert(names=["s*.example.com", "xn--*.example.com"]),
    "inner": Cert(names=["shop.*.com"]),
}
ASKED = (
    "shop.example.com", "www.shop.example.com", "other.example.com", "my_shop.example.com", "example.com", "192.0.2.7",
    "xn--bcher-kva.example.com", "shop.example.org", "192.0.2.8",
)  # fmt: skip


@pytest.mark.parametrize("leaf", REMEMBERED.values(), ids=REMEMBERED)
@pytest.mark.parametrize("order", [["leaf", "inter"], ["inter", "leaf"], ["leaf", "other", "inter"]], ids="-".join)
def test_what_is_remembered_is_what_would_be_judged(leaf, order):
    """Names that are taken to be alike have to be so for the judge."""
    other = Cert(issuer="inter", names=["www.shop.example.com"])
    pki = mint(root=Cert(), inter=Cert(issuer="root"), leaf=replace(leaf, issuer="inter"), other=other)
    settings = Settings(trust=(pki.pem("root"),), at=pki.now)
    entries = [Served(Endpoint(name), HOST, "TLSv1.3", tuple(map(pki.der, order))) for name in ASKED]
    together = judge_served(entries, settings)
    assert together == [judge_served([entry], settings)[0] for entry in entries]


def test_many_names_behind_one_chain_are_judged_once(pki, monkeypatch):
    wild = mint(root=Cert(), leaf=Cert(issuer="root", names=["*.example.com"]))
    asked = []
    monkeypatch.setattr(verification, "judge", lambda case: asked.append(case) or judge(case))
    names = [f"site{number}.example.com" for number in range(100)]
    entries = [Served(Endpoint(name), HOST, "TLSv1.3", (wild.der("leaf"),)) for name in [*names, "example.org"]]
    results = judge_served(entries, Settings(trust=(wild.pem("root"),)))
    assert [result["ok"] for result in results] == [True] * 100 + [False]
    assert len(asked) == 2


def test_results_do_not_share_their_parts(pki, settings):
    first, second = judge_served([served(pki, "leaf"), served(pki, "leaf")], settings)
    first["findings"].clear()
    first["chain"][0].clear()
    assert second["findings"]
    assert second["chain"][0]


def test_as_of_another_time(pki, settings):
    later = Settings(trust=settings.trust, at=datetime.now(timezone.utc) + timedelta(days=400))
    assert "expired" in codes(judge_served([served(pki, "leaf", "inter", "upper")], later)[0])


def test_a_chain_that_nobody_serves_yet(pki, settings):
    chain = pki.chain("leaf", "inter", "upper")
    good = judge_files(Files(chain, NAME, spki_sha256(pki.key("leaf")), "shop.pem"), settings)
    assert codes(good) == []
    assert (good["endpoint"], good["address"], good["protocol"], good["reachable"]) == ("shop.pem", None, None, True)
    assert codes(judge_files(Files(chain, NAME, spki_sha256(pki.key("inter"))), settings)) == ["key-mismatch"]
    assert codes(judge_files(Files(chain, "other.example.com"), settings)) == ["name-mismatch"]
    assert codes(judge_files(Files(chain), settings)) == []


def test_fetched_and_judged(tmp_path, pki, settings):
    with servers.nginx(tmp_path, pki, ["leaf", "inter", "upper"]) as port:
        good, dead = verify_endpoints(
            [Endpoint(NAME, port, address=HOST), Endpoint(HOST, servers.free_port())], settings
        )
    assert (good["ok"], codes(good)) == (True, [])
    assert (dead["ok"], codes(dead)) == (False, ["unreachable"])


def test_settings_are_read_before_any_connection():
    connections = []
    with (
        servers.raw_server(connections.append) as port,
        pytest.raises(InputError, match="nowhere"),
    ):
        verify_endpoints([Endpoint(HOST, port)], Settings(trust=("/nowhere.pem",)))
    assert connections == []


def test_the_summary():
    def result(ok, reachable, *found):
        return {"ok": ok, "reachable": reachable, "findings": [{"code": code, "severity": s} for code, s in found]}

    good, bad = result(True, True, ("expires-soon", "warning")), result(False, False, ("unreachable", "error"))
    twice = result(False, True, ("expired", "error"), ("expires-soon", "warning"))
    wasteful = result(True, True, ("root-served", "notice"))
    results = [good, bad, twice, wasteful]
    assert summarise(results) == {
        "total": 4,
        "ok": 2,
        "failed": 2,
        "unreachable": 1,
        "by_code": {"expired": 1, "expires-soon": 2, "root-served": 1, "unreachable": 1},
    }
    assert summarise([]) == {"total": 0, "ok": 0, "failed": 0, "unreachable": 0, "by_code": {}}
    assert failing(results, "error") == [bad, twice]
    assert failing(results, "warning") == [good, bad, twice]
    assert failing(results, "never") == []
    assert failing_codes(results, "error") == ["expired", "unreachable"]
    assert failing_codes(results, "warning") == ["expired", "expires-soon", "unreachable"]
    assert failing_codes(results, "never") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-31T23:59:59Z", "2026-12-31T23:59:59+00:00"),
        ("2026-12-31t23:59:59z", "2026-12-31T23:59:59+00:00"),
        ("2026-12-31 23:59:59+02:00", "2026-12-31T21:59:59+00:00"),
        ("2026-12-31T23:59:59.123456789-01:30", "2027-01-01T01:29:59+00:00"),
    ],
)
def test_times(text, expected):
    assert read_settings({"at": text}).at == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"at": at}, f"at: {at!r} is not a time; expected RFC 3339, for example 2026-12-31T23:59:59Z")
        for at in ("2026-12-31", "2026-12-31T23:59:59", "2026-13-01T00:00:00Z", "2026-12-31T24:00:01Z", "tomorrow", "")
    ]
    + [
        ({"clients": ["chrome"]}, f"clients: 'chrome' is not known (expected one or more of {', '.join(CLIENTS)})"),
        ({"clients": []}, f"clients: the list is empty (expected one or more of {', '.join(CLIENTS)})"),
        ({"fail_on": "notice"}, "fail_on: 'notice' is not known (expected one of error, warning, never)"),
        ({"timeout": 0}, "timeout: 0 is not a time (expected seconds, more than 0, at most a day)"),
        ({"timeout": "soon"}, "timeout: 'soon' is not a time (expected seconds, more than 0, at most a day)"),
        (
            {"trust_stores": ["mozilla"]},
            "trust_stores: ['mozilla'] is no mapping (expected a name for each store, and its list of paths or words)",
        ),
        (
            {"trust_stores": {"java": [{"path": "a.jks"}]}},
            "trust_stores, java: [{'path': 'a.jks'}] is no list of paths or words (such as [mozilla, /etc/pki/corporate.pem])",
        ),
        ({"workers": 0}, "workers: 0 is not a count (expected a number from 1 to 1024)"),
        (
            {"expires_soon": "soon"},
            "expires_soon: 'soon' is neither a number of days nor a percentage (expected e.g. 14 or 33%)",
        ),
    ],
)
def test_settings_that_cannot_be_read(values, message):
    with pytest.raises(InputError) as refusal:
        read_settings(values)
    assert str(refusal.value) == message


def test_settings_that_are_left_out_take_their_defaults():
    assert read_settings({"trust": None, "at": None, "endpoints": ["a"]}) == Settings()
