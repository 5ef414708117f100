# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report on the screen."""

from __future__ import annotations

from ansible_collections.fullchain.tls.plugins.plugin_utils.report.text import failure_text, report_lines, result_lines
from ansible_collections.fullchain.tls.plugins.plugin_utils.results import summarise


def finding(severity="error", **values):
    defaults = {"code": "expired", "certificate": 0, "message": "it ended", "fix": "renew it", "clients": {}}
    return {"severity": severity, **defaults, **values}


def result(**values):
    defaults = {
        "endpoint": "shop.example.com:443",
        "address": "192.0.2.7",
        "starttls": None,
        "key_type": None,
        "connections": 1,
        "versions": None,
        "ok": True,
        "reachable": True,
        "protocol": "TLSv1.3",
        "chain": [{"not_after": "2026-12-31T23:59:59Z"}],
        "findings": [],
    }
    return {**defaults, **values}


def test_one_line_for_a_good_endpoint():
    assert result_lines(result()) == ["ok      shop.example.com:443 at 192.0.2.7, TLSv1.3, until 2026-12-31"]


def test_the_stores_that_trust_it_and_those_that_do_not():
    stores = {"mozilla": True, "corporate-java": False, "system": True}
    assert result_lines(result(trust_stores=stores))[1:] == [
        "        trusted by mozilla, system, not by corporate-java"
    ]
    assert result_lines(result(trust_stores={"a": False}))[1:] == ["        trusted not by a"]
    assert result_lines(result(trust_stores={"a": None}))[1:] == []


def test_a_warning_is_seen_in_the_line():
    warned = result(findings=[finding("warning"), finding("notice", code="root-served", fix="")])
    assert result_lines(warned) == [
        "warning shop.example.com:443 at 192.0.2.7, TLSv1.3, until 2026-12-31",
        "        warning expired: it ended",
        "          fix: renew it",
        "        notice root-served: it ended",
    ]
    assert result_lines(result(findings=[finding("notice")]))[0].startswith("ok ")


def test_what_is_not_known_is_left_out():
    assert result_lines(result(address=None, protocol=None, chain=[])) == ["ok      shop.example.com:443"]
    assert result_lines(result(endpoint="192.0.2.7:443", chain=[{"not_after": None}])) == [
        "ok      192.0.2.7:443, TLSv1.3"
    ]
    assert result_lines(result(endpoint="[::1]:443", address="::1")) == ["ok      [::1]:443, TLSv1.3, until 2026-12-31"]


def test_the_protocol_before_tls():
    assert result_lines(result(endpoint="mail.example.com:25", starttls="smtp"))[0].startswith(
        "ok      mail.example.com:25 (smtp) at 192.0.2.7,"
    )


def test_what_tells_the_results_of_an_endpoint_apart():
    told = result(key_type="rsa", connections=3, protocol="TLSv1.2", versions=["TLSv1.2", "TLSv1.3"])
    assert result_lines(told) == [
        "ok      shop.example.com:443 at 192.0.2.7, TLSv1.2, rsa, 3 connections, takes TLSv1.2 TLSv1.3, until 2026-12-31"
    ]


def test_an_address_that_another_begins_with_is_shown():
    assert result_lines(result(endpoint="192.0.2.70:443"))[0].startswith("ok      192.0.2.70:443 at 192.0.2.7,")


def test_the_whole_report():
    results = [
        result(),
        result(ok=False, findings=[finding(clients={"curl": "...", "go": "..."})]),
        result(
            ok=False, reachable=False, address=None, protocol=None, chain=[], findings=[finding(code="unreachable")]
        ),
    ]
    summary = summarise(results)
    assert report_lines(results, summary) == [
        "ok      shop.example.com:443 at 192.0.2.7, TLSv1.3, until 2026-12-31",
        "FAILED  shop.example.com:443 at 192.0.2.7, TLSv1.3, until 2026-12-31",
        "        error expired: it ended",
        "          fix: renew it",
        "          refused by: curl, go",
        "FAILED  shop.example.com:443",
        "        error unreachable: it ended",
        "          fix: renew it",
        "3 endpoints: 1 ok, 2 failed, of which 1 unreachable",
        "findings: expired 1, unreachable 1",
    ]
    assert failure_text(results[1:2], summary).splitlines() == [
        "3 endpoints: 1 ok, 2 failed, of which 1 unreachable",
        "FAILED  shop.example.com:443 at 192.0.2.7, TLSv1.3, until 2026-12-31",
        "        error expired: it ended",
        "          fix: renew it",
        "          refused by: curl, go",
    ]


def test_the_summary_of_one_and_of_none():
    assert report_lines([], summarise([])) == ["0 endpoints: 0 ok, 0 failed"]
    assert report_lines([result()], summarise([result()]))[-1] == "1 endpoint: 1 ok, 0 failed"
