# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When an answer from the wire is final, how long it is waited for, and what is said about the host in the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment import messages
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.host import reasons_to_act
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.request import read_request
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.wire_state import Clock, is_final, look_until
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import Endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.served import UNREACHABLE, Served

OLD, NEW = b"old leaf", b"new leaf"
SHOP = Endpoint("shop.test")
EXPECTING = replace(SHOP, expect_fingerprint=sha256(NEW).hexdigest())


def served(*chain: bytes, endpoint: Endpoint = SHOP, failure: str | None = None) -> Served:
    return Served(endpoint, chain=chain, failure_kind=failure, failure_detail="connection refused" if failure else None)


@pytest.mark.parametrize(
    ("now", "ok", "before", "settled", "final"),
    [
        (served(failure=UNREACHABLE), False, served(OLD), True, False),
        (served(NEW, endpoint=EXPECTING), True, served(OLD), False, True),
        (served(NEW, endpoint=EXPECTING), False, served(OLD), False, True),  # wrong with the right leaf stays wrong
        (served(OLD, endpoint=EXPECTING), True, served(OLD), True, False),  # sound, and not the one deployed
        (served(NEW, endpoint=EXPECTING), True, served(NEW), False, False),  # the expected leaf, from an old process?
        (served(NEW, endpoint=EXPECTING), True, served(NEW), True, True),
        (served(OLD), True, served(OLD), False, False),
        (served(OLD), True, served(OLD), True, True),
        (served(OLD), False, served(OLD), True, False),
        (served(NEW), False, served(OLD), False, True),
    ],
)
def test_final(now: Served, ok: bool, before: Served, settled: bool, final: bool) -> None:
    assert is_final(now, {"ok": ok}, before, settled) is final


class Wire:
    """Serves the answers in turn, the last one for ever; a clock that moves only by sleeping."""

    def __init__(self, *answers: Served) -> None:
        self.answers, self.time, self.asked = list(answers), 0.0, 0

    def fetch(self, endpoints: Sequence[Endpoint]) -> list[Served]:
        self.asked += 1
        return [self.answers.pop(0) if len(self.answers) > 1 else self.answers[0] for _endpoint in endpoints]

    def look(self, endpoints: Sequence[Endpoint], seconds: float) -> list[bytes]:
        def sleep(duration: float) -> None:
            self.time += duration

        def done(_index: int, answer: Served, _result: Any) -> bool:
            return answer.chain == (NEW,)

        clock = Clock(lambda: self.time, sleep)
        seen = look_until(endpoints, self.fetch, lambda items: [{} for _item in items], done, clock, seconds)
        return [answer.chain[0] for answer, _result in seen]


def test_looks_until_the_new_leaf_comes() -> None:
    wire = Wire(served(OLD), served(OLD), served(NEW))
    assert wire.look([SHOP], 30.0) == [NEW]
    assert (wire.asked, wire.time < 1.0) == (3, True)


def test_gives_up_when_the_time_is_over() -> None:
    wire = Wire(served(OLD))
    assert wire.look([SHOP], 5.0) == [OLD]
    assert wire.time == pytest.approx(5.0)


def test_only_the_undone_are_asked_again_and_the_order_stays() -> None:
    wire = Wire(served(NEW), served(OLD), served(NEW))
    assert wire.look([SHOP, SHOP], 5.0) == [NEW, NEW]
    assert wire.answers == [served(NEW)]


def test_nothing_to_look_at() -> None:
    wire = Wire(served(OLD))
    assert wire.look([], 5.0) == []
    assert wire.asked == 0


TAKEN_BACK = {"ok": True, "generation": 6}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            served(OLD),
            served(OLD),
            f"shop.test:443 serves what it served before, byte for byte (leaf sha256 {sha256(OLD).hexdigest()})",
        ),
        (
            served(OLD),
            served(NEW),
            f"shop.test:443 serves another chain than before: leaf sha256 {sha256(NEW).hexdigest()}, before leaf sha256",
        ),
        (served(OLD, b"inter"), served(OLD), "shop.test:443 serves another chain than before"),
        (
            served(failure=UNREACHABLE),
            served(failure=UNREACHABLE),
            "shop.test:443 serves nothing, as before: connection refused",
        ),
        (served(OLD), served(failure=UNREACHABLE), "shop.test:443 serves nothing, but did before: connection refused"),
        (served(failure=UNREACHABLE), served(NEW), "; before this run it served none"),
    ],
)
def test_state_of_the_host(before: Served, after: Served, said: str) -> None:
    lines = messages.host_state(TAKEN_BACK, [before], [after])
    assert lines[0] == "Taken back: generation 6 is current again."
    assert said in lines[1]


def test_a_restart_that_had_to_be_is_said() -> None:
    taken_back = {**TAKEN_BACK, "restarted": "it still answered on port 443: it was restarted"}
    assert messages.host_state(taken_back, [], []) == [
        "Taken back: generation 6 is current again. It still answered on port 443: it was restarted."
    ]


@pytest.mark.parametrize(
    ("leftovers", "reasons"),
    [([], []), ([80, 443], ["a configuration that the server refused still answers on port 80 and port 443"])],
)
def test_a_server_that_answers_with_what_it_refused_is_a_reason_to_act(
    leftovers: list[int], reasons: list[str]
) -> None:
    found = {"files": [], "directories": [], "unreadable": [], "lineages": [], "pending": False, "alive": True}
    request = read_request({"root": "/etc/caddy/fullchain", "test": ["true"], "reload": ["true"]})
    assert reasons_to_act({**found, "leftovers": leftovers}, request) == reasons


def test_taking_back_that_failed_is_not_called_done() -> None:
    trouble = {
        "step": "test",
        "reason": "the test command nginx -t answered 1",
        "lines": ["[emerg] elsewhere"],
        "log": [],
    }
    lines = messages.host_state({"ok": False, "generation": None, "trouble": trouble}, [], [])
    assert (
        lines[0]
        == "Taken back on the disk: there was none before, so none is current now. But the server has not loaded it:"
    )
    assert lines[1:] == [
        "  The server's configuration test failed: the test command nginx -t answered 1.",
        "    [emerg] elsewhere",
        messages.PUT_RIGHT,
    ]


def test_taking_back_that_could_not_be_asked_for() -> None:
    lines = messages.host_state({"ok": False, "error": "another deploy took over /root"}, [], [])
    assert lines == ["It could not be taken back: another deploy took over /root.", messages.NEXT_RUN]
