# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ACME server's own words, read from the log of one run.

The logs are made here in the form in which certbot 1.12 to 5.8 write them: each response with its headers, its body as it came.
"""

import json

import pytest
from ansible_collections.fullchain.tls.plugins.module_utils.certbot_log import (
    LONGEST_TEXT,
    refusals,
    section_of_run,
    wants_account_binding,
)

URN = "urn:ietf:params:acme:error:"


def begin(marker, version="2.1.0"):
    stamp = "2026-11-22 08:44:03,379:DEBUG:certbot._internal.main:"
    return f"{stamp}certbot version: {version}\n{stamp}Arguments: ['-n', '--config', '{marker}']\n"


def response(value, status=200, indent=3):
    body = value if isinstance(value, str) else json.dumps(value, indent=indent)
    headers = f"HTTP {status}\nContent-Type: application/json\nReplay-Nonce: h4b9\n\n"
    return (
        "2026-11-22 08:44:03,385:DEBUG:acme.client:Received response:\n" + headers + body + "\n"
        "2026-11-22 08:44:03,387:DEBUG:acme.client:Storing nonce: h4b9\n"
        '2026-11-22 08:44:03,392:DEBUG:acme.client:Sending POST request to https://ca.test/x:\n{\n  "protected": "ey",\n'
        '  "payload": ""\n}\n'
    )


def authorization(name, status="invalid", **error):
    challenge = {"type": "http-01", "url": "https://ca.test/c", "status": status}
    if error:
        challenge["error"] = error
    return {"status": status, "identifier": {"type": "dns", "value": name}, "challenges": [challenge]}


def test_each_refused_name_once_with_its_challenge():
    refused = authorization("a.test", type=URN + "connection", detail="refused", status=400)
    log = begin("x") + response(authorization("a.test", "pending")) + response(refused) + response(refused)
    log += response(authorization("b.test", type=URN + "dns", detail="no such host"), indent=None)
    log += response(authorization("c.test", "valid"))
    assert refusals(log) == [
        {"identifier": "a.test", "challenge": "http-01", "type": URN + "connection", "detail": "refused"},
        {"identifier": "b.test", "challenge": "http-01", "type": URN + "dns", "detail": "no such host"},
    ]


def test_a_problem_document_with_subproblems():
    part = {"type": URN + "caa", "detail": "CAA forbids", "identifier": {"type": "dns", "value": "a.test"}}
    problem = {"type": URN + "caa", "detail": "2 names", "status": 403, "subproblems": [part, "odd"]}
    assert refusals(begin("x") + response(problem, 403)) == [
        {
            "type": URN + "caa",
            "detail": "2 names",
            "subproblems": [{"identifier": "a.test", "type": URN + "caa", "detail": "CAA forbids"}],
        }
    ]


def test_an_order_that_could_not_be_finalized():
    order = {
        "status": "invalid",
        "finalize": "https://ca.test/f",
        "error": {"type": URN + "badCSR", "detail": "too small"},
    }
    assert [refusal["detail"] for refusal in refusals(begin("x") + response(order))] == ["too small"]


@pytest.mark.parametrize(
    "value",
    [
        {"type": URN + "badNonce", "detail": "nonce"},
        {"status": "valid", "finalize": "https://ca.test/f"},
        {"type": "about:blank", "detail": "no ACME problem"},
        {"identifier": "odd", "challenges": "odd"},
        {"identifier": {}, "challenges": ["odd", {"error": "odd"}]},
        {"type": 7, "detail": URN},
        '{"type": "' + URN + "dns",
        "[1]",
        "<html>{not json}</html>",
    ],
)
def test_what_says_nothing(value):
    assert refusals(begin("x") + response(value)) == []


def test_texts_are_cut_and_odd_ones_are_empty():
    problem = {"type": URN + "dns", "detail": "x" * (LONGEST_TEXT + 1), "subproblems": {"odd": 1}}
    (refusal,) = refusals(response(problem))
    assert (len(refusal["detail"]), refusal["subproblems"]) == (LONGEST_TEXT, [])
    assert refusals(response({"type": URN + "dns", "detail": ["odd"]}))[0]["detail"] == ""


def test_the_section_of_a_run():
    first, second, third = (
        begin(marker) + response({"run": marker}) for marker in ("/tmp/one", "/tmp/two", "/tmp/three")
    )
    log = "older lines\n" + first + second + third
    assert section_of_run(log, "/tmp/two") == second[: second.rindex("\n") + 1]
    assert section_of_run(log, "/tmp/one") == first
    assert section_of_run(log, "/tmp/four") == ""
    assert section_of_run("", "/tmp/one") == ""


@pytest.mark.parametrize(("meta", "wanted"), [({"externalAccountRequired": True}, True), ({}, False), ("odd", False)])
def test_a_directory_that_wants_account_binding(meta, wanted):
    log = response({"newAccount": "https://ca.test/a", "meta": meta})
    assert wants_account_binding(log) is wanted
    assert refusals(log) == []
