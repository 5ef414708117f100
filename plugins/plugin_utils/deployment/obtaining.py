# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for certificates that the server obtains itself: when one has come, and what is said meanwhile and in vain."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.request import Request
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.wire_state import is_final, same
from ansible_collections.fullchain.tls.plugins.plugin_utils.results import Result, failing
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.served import Served

LINE_EVERY = 5.0
"""Seconds between two lines on the screen. Most certificates are there before the first."""
NAMED = 3
"""How many endpoints a line names."""


@dataclass
class Wait:
    """One verification: which endpoints are looked at how long, and a line every few seconds about those that are waited for.

    now: a monotonic clock. show: prints a line. settles: seconds until old processes answer no more.
    """

    request: Request
    before: Sequence[Served]
    settles: float
    now: Callable[[], float]
    show: Callable[[str], None]
    began: float = field(init=False)
    told: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.told = self.now()

    @property
    def seconds(self) -> float:
        """The longest that any endpoint is looked at."""
        obtains = any(target.obtained for target in self.request.targets)
        return max(self._others, self.request.obtain_timeout if obtains else 0.0)

    @property
    def _others(self) -> float:
        """How long the leaf of an endpoint that is not waited for may take."""
        return max(self.request.verify_timeout, self.settles)

    def done(self, index: int, served: Served, result: Result) -> bool:
        """Whether an endpoint needs no further look. What the server obtains replaces whatever is served meanwhile."""
        passed = self.now() - self.began
        settled = passed >= self.settles
        if self.request.targets[index].obtained:
            return not failing([result], self.request.settings.fail_on) and (
                settled or not same(served, self.before[index])
            )
        return passed >= self._others or is_final(served, result, self.before[index], settled)

    def watch(self, open_: Mapping[int, tuple[Served, Result]]) -> None:
        """Say what is waited for, when the last line was a while ago."""
        awaited = [seen for index, seen in open_.items() if self.request.targets[index].obtained]
        now = self.now()
        if awaited and now - self.told >= LINE_EVERY:
            self.told = now
            self.show(progress(awaited, now - self.began, self.request.obtain_timeout))


def progress(awaited: Sequence[tuple[Served, Result]], passed: float, limit: float) -> str:
    """One line: how many certificates the server has still to obtain, and what is served instead."""
    count = "1 certificate" if len(awaited) == 1 else f"{len(awaited)} certificates"
    named = "; ".join(f"{served.endpoint.label} {_meanwhile(served, result)}" for served, result in awaited[:NAMED])
    more = f"; and {len(awaited) - NAMED} more" if len(awaited) > NAMED else ""
    return f"waiting for the server to obtain {count}, {passed:.0f} s of {limit:g} s: {named}{more}"


def in_vain(request: Request, bad: Sequence[Result]) -> list[str]:
    """What a failure says besides its findings, when some of them are of certificates that did not come."""
    labels = {target.endpoint.label for target in request.targets if target.obtained}
    late = [result["endpoint"] for result in bad if result["endpoint"] in labels]
    if not late:
        return []
    where = f"journalctl --unit {request.journal}" if request.journal else request.error_log or "the server's own log"
    return [
        f"The server obtains certificates itself, and within {request.obtain_timeout:g} s none came for {', '.join(late)}. "
        f"Why not stands in: {where}"
    ]


def _meanwhile(served: Served, result: Result) -> str:
    codes = ", ".join(
        dict.fromkeys(finding["code"] for finding in result["findings"] if finding["severity"] == "error")
    )
    if not served.chain:
        return f"serves none yet ({served.failure_detail or 'no certificate came'})"
    return f"serves one with {codes}" if codes else "serves the one from before"
