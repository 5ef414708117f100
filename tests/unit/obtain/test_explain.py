# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person reads when something went wrong: whole messages."""

from __future__ import annotations

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.obtain.explain import ADVICE, probe_lines, refusal_lines

URN = "urn:ietf:params:acme:error:"
WEBROOT = "/srv/webroot"


def answer(**fields):
    address = fields.get("address", "192.0.2.7")
    url = "http://a.test/.well-known/acme-challenge/fullchain-probe-1"
    given = {"address": address, "url": url, "status": 0, "reason": "", "server": "", "words": "", "failure": ""}
    return {**given, "connected": True, "reached": False, **fields}


def result(*answers, name="a.test", **fields):
    addresses = [item["address"] for item in answers]
    return {"name": name, "reached": False, "addresses": addresses, "answers": list(answers), "failure": "", **fields}


def test_a_name_that_reaches_the_webroot_is_not_spoken_of():
    assert probe_lines([result(reached=True)], WEBROOT) == []


def test_a_name_without_an_address():
    assert probe_lines([result(failure="Name or service not known")], WEBROOT) == [
        "  a.test",
        "    resolved to: nothing (Name or service not known)",
        "    to do:       give the name an A or AAAA record that leads to this host, or take it out of the site",
    ]


def test_another_server_answers():
    other = answer(status=404, reason="Not Found", server="nginx/1.18.0", words="<html> <head>")
    assert probe_lines([result(other)], WEBROOT) == [
        "  a.test",
        "    resolved to: 192.0.2.7",
        '    came back:   from 192.0.2.7: 404 Not Found, Server: nginx/1.18.0, "<html> <head>"',
        "    to do:       if the address is this host's, let its web server answer "
        "http://a.test/.well-known/acme-challenge/ from /srv/webroot; if not, correct the name's A and AAAA records",
    ]


def test_nobody_answers_at_any_address():
    refused = answer(connected=False, failure="Connection refused")
    late = answer(connected=False, failure="timed out", address="2001:db8::7")
    assert probe_lines([result(refused, late)], WEBROOT) == [
        "  a.test",
        "    resolved to: 192.0.2.7, 2001:db8::7",
        "    came back:   from 192.0.2.7: Connection refused",
        "    came back:   from 2001:db8::7: timed out",
        "    to do:       if the address is this host's, start a web server on its port 80 and let that through the firewall",
    ]


def test_where_a_redirect_led():
    redirected = answer(status=403, reason="Forbidden", url="https://b.test/login")
    (line,) = (line for line in probe_lines([result(redirected)], WEBROOT) if "came back" in line)
    assert line == "    came back:   from 192.0.2.7: 403 Forbidden (after a redirect to https://b.test/login)"


def test_a_redirect_that_is_not_followed():
    redirected = answer(status=302, reason="Found", failure="a redirect to http://a.test:8080/x: refused")
    (line,) = (line for line in probe_lines([result(redirected)], WEBROOT) if "came back" in line)
    assert line.endswith("302 Found; a redirect to http://a.test:8080/x: refused")


def test_each_name_its_challenge_and_the_words_of_the_ca():
    refusals = [
        {
            "identifier": "a.test",
            "challenge": "http-01",
            "type": URN + "unauthorized",
            "detail": "Invalid response: 404",
        },
        {"identifier": "b.test", "challenge": "http-01", "type": URN + "odd", "detail": "Something\nelse"},
    ]
    assert refusal_lines(refusals, ["ignored"]) == [
        "  a.test (http-01)",
        "    the CA says: Invalid response: 404 [unauthorized]",
        f"    to do:       {ADVICE['unauthorized']}",
        "  b.test (http-01)",
        "    the CA says: Something else [odd]",
    ]


def test_a_problem_with_parts():
    parts = [{"identifier": "a.test", "type": URN + "rejectedIdentifier", "detail": "on a blocklist"}]
    problem = {"type": URN + "rejectedIdentifier", "detail": "Cannot issue for 1 name", "subproblems": parts}
    assert refusal_lines([problem], []) == [
        "  the request",
        "    the CA says: Cannot issue for 1 name [rejectedIdentifier]",
        "    a.test: on a blocklist",
        f"    to do:       {ADVICE['rejectedIdentifier']}",
    ]


def test_an_account_that_is_not_taken_is_no_matter_of_the_webroot():
    problem = {"type": URN + "unauthorized", "detail": "unknown kid", "subproblems": []}
    assert "certbot_eab_kid" in refusal_lines([problem], [])[-1]


def test_the_failed_order_does_not_repeat_what_was_said_of_a_name():
    named = {"identifier": "a.test", "challenge": "http-01", "type": URN + "dns", "detail": "no such host"}
    echo = {"type": URN + "dns", "detail": "no such host", "subproblems": []}
    assert refusal_lines([named, echo], []) == refusal_lines([named], [])


@pytest.mark.parametrize(("words", "lines"), [(["one", "two"], ["  one", "  two"]), ([], ["  certbot gave no reason"])])
def test_certbots_own_words_where_the_ca_said_nothing(words, lines):
    assert refusal_lines([], words) == lines


def test_nothing_from_outside_can_move_the_cursor():
    evil = "\x1b[2J\x9b31m\u202eabc\r\n"
    refusal = {"identifier": evil, "challenge": evil, "type": URN + evil, "detail": evil}
    lines = refusal_lines([refusal], [evil]) + refusal_lines([], [evil])
    lines += probe_lines([result(answer(status=200, reason=evil, server=evil, words=evil, url=evil))], WEBROOT)
    lines += probe_lines([result(failure=evil)], WEBROOT)
    assert all(line.isprintable() for line in lines)
