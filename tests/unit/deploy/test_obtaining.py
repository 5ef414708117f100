# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates that the server obtains itself: when one has come, what is said meanwhile, and what in vain."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment import messages
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.obtaining import Wait, in_vain, progress
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.request import Request, read_request
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import Endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.served import HANDSHAKE_FAILED, Served

SHOP, WIKI = Endpoint("shop.test"), Endpoint("wiki.test")
NONE = Served(SHOP, failure_kind=HANDSHAKE_FAILED, failure_detail="the TLS alert 'internal error'")
OLD, NEW = Served(SHOP, chain=(b"old",)), Served(SHOP, chain=(b"new",))
GOOD: dict[str, Any] = {"endpoint": "shop.test:443", "ok": True, "findings": []}
BAD: dict[str, Any] = {**GOOD, "ok": False, "findings": [{"code": "self-signed", "severity": "error"}]}
WARNED: dict[str, Any] = {**GOOD, "findings": [{"code": "expires-soon", "severity": "warning"}]}


def request(**changes: Any) -> Request:
    endpoints = [{"host": "shop.test", "obtained": True}, {"host": "wiki.test"}]
    given = {"root": "/etc/caddy/fullchain", "test": ["true"], "reload": ["true"], "endpoints": endpoints, **changes}
    return read_request(given)


class Told:
    """A wait with a clock that is set by hand, and the lines that it printed."""

    def __init__(self, asked: Request, before: Served = NONE, settles: float = 1.0) -> None:
        self.time, self.lines = 100.0, []  # type: float, list[str]
        self.wait = Wait(asked, [before, before], settles, lambda: self.time, self.lines.append)

    def at(self, seconds: float) -> Wait:
        self.time = 100.0 + seconds
        return self.wait


@pytest.mark.parametrize(
    ("now", "result", "before", "seconds", "fail_on", "done"),
    [
        (NONE, BAD, NONE, 50, "error", False),
        (NEW, GOOD, NONE, 0.1, "error", True),
        (NEW, BAD, NONE, 50, "error", False),  # a stopgap is replaced
        (OLD, GOOD, OLD, 0.5, "error", False),  # from an old process?
        (OLD, GOOD, OLD, 1.5, "error", True),  # it was there before: nothing to wait for
        (NEW, WARNED, NONE, 5, "error", True),
        (NEW, WARNED, NONE, 5, "warning", False),
        (NEW, BAD, NONE, 5, "never", True),
    ],
)
def test_when_it_has_come(now: Served, result: Any, before: Served, seconds: float, fail_on: str, done: bool) -> None:
    assert Told(request(fail_on=fail_on), before).at(seconds).done(0, now, result) is done


def test_others_are_given_up_as_ever_while_one_is_waited_for() -> None:
    told = Told(request(verify_timeout=3, obtain_timeout=60))
    assert told.wait.seconds == 60
    assert not told.at(2).done(1, NONE, BAD)
    assert told.at(3).done(1, NONE, BAD)
    assert not told.at(50).done(0, NONE, BAD)


def test_the_limit_counts_only_where_something_is_obtained() -> None:
    assert Told(request(endpoints=["wiki.test"], obtain_timeout=60)).wait.seconds == 30
    assert Told(request(verify_timeout=0, obtain_timeout=0)).wait.seconds == 1


def test_a_line_every_few_seconds_and_none_where_nothing_is_waited_for() -> None:
    told = Told(request(obtain_timeout=60))
    for seconds in (0.1, 4.9, 5.1, 7.0, 10.2):
        told.at(seconds).watch({0: (NONE, BAD)})
    assert told.lines == [
        f"waiting for the server to obtain 1 certificate, {seconds} s of 60 s: "
        "shop.test:443 serves none yet (the TLS alert 'internal error')"
        for seconds in (5, 10)
    ]
    told.at(20).watch({1: (NONE, BAD)})
    told.at(20).watch({})
    assert len(told.lines) == 2


def test_what_is_served_meanwhile_and_that_there_are_more() -> None:
    line = progress([(NEW, BAD), (OLD, GOOD), (NONE, BAD), (NONE, BAD)], 5.0, 12.5)
    assert line == (
        "waiting for the server to obtain 4 certificates, 5 s of 12.5 s: shop.test:443 serves one with self-signed; "
        "shop.test:443 serves the one from before; shop.test:443 serves none yet (the TLS alert 'internal error'); and 1 more"
    )


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"journal": "caddy.service"}, "journalctl --unit caddy.service"),
        ({"error_log": "/var/log/apache2/error.log"}, "/var/log/apache2/error.log"),
        ({}, "the server's own log"),
    ],
)
def test_in_vain(given: dict[str, str], where: str) -> None:
    other = {**BAD, "endpoint": "wiki.test:443"}
    (line,) = in_vain(request(**given), [BAD, other])  # type: ignore[list-item]
    assert line == (
        "The server obtains certificates itself, and within 120 s none came for shop.test:443. Why not stands in: "
        + where
    )
    assert in_vain(request(**given), [other]) == []  # type: ignore[list-item]


def test_the_journal_is_quoted_at_its_end() -> None:
    lines = messages.journal("caddy.service", "/log", {"log": [f"line {n}" for n in range(9)]})
    assert lines[0] == "Since then the journal of caddy.service says:"
    assert lines[1:] == [f"  line {n}" for n in range(3, 9)]
    assert messages.journal("caddy.service", None, {"log": []}) == messages.journal(None, "/log", {}) == []
    assert messages.journal(None, "/log", {"log": ["a"]}) == ["Since then /log says:", "  a"]
    assert messages.journal(None, None, {"log": ["a"]}) == []
