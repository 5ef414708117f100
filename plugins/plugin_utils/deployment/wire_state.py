# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What endpoints serve before, after and after a taking back: when an answer is final, and when it is the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import parse_certificate
from ansible_collections.fullchain.tls.plugins.plugin_utils.results import Result
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import Endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.served import Served

Fetch = Callable[[Sequence[Endpoint]], Sequence[Served]]
Judge = Callable[[Sequence[Served]], Sequence[Result]]
Watch = Callable[[Mapping[int, tuple[Served, Result]]], None]

PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between two looks; the last one repeats. Most reloads are through within a tenth of a second."""


SETTLE_SECONDS = 1.0
"""After this long old processes are taken to answer no more, where the host could not tell. nginx takes 0.1 s."""


@dataclass
class Clock:
    """Time, for a loop that waits. Tests bring their own."""

    now: Callable[[], float]
    sleep: Callable[[float], None]
    looks: int = field(default=0)

    def pause(self, deadline: float) -> bool:
        """Sleep a little; False when the deadline has come."""
        left = deadline - self.now()
        if left <= 0:
            return False
        self.sleep(min(left, PAUSES[min(self.looks, len(PAUSES) - 1)]))
        self.looks += 1
        return True


def leaf_sha256(served: Served) -> str | None:
    """SHA-256 of the first certificate served, None when none was."""
    return parse_certificate(served.chain[0]).sha256 if served.chain else None


def same(one: Served, other: Served) -> bool:
    """Whether two looks saw the same chain, byte for byte; nothing served twice is the same, too."""
    return one.chain == other.chain


def is_final(served: Served, result: Result, before: Served, settled: bool) -> bool:
    """Whether another look cannot show anything else.

    What was served before may still come from an old process, unless settled: then there is none any more.
    The leaf that is expected is what new processes serve, so what is wrong with it stays wrong.
    """
    # A failure may be as it should: a client without a certificate is to be refused.
    failed = served.failure_kind is not None and not result["ok"]
    if failed or (not settled and same(served, before)):
        return False
    if served.endpoint.expect_fingerprint is not None:
        looks = (served, served.anonymous) if served.anonymous is not None else (served,)
        return all(leaf_sha256(look) == served.endpoint.expect_fingerprint for look in looks)
    return bool(result["ok"]) or not same(served, before)


def look_until(
    endpoints: Sequence[Endpoint],
    fetch: Fetch,
    judge: Judge,
    done: Callable[[int, Served, Result], bool],
    clock: Clock,
    seconds: float,
    watch: Watch = lambda _open: None,
) -> list[tuple[Served, Result]]:
    """Fetch and judge the endpoints until each is done or the seconds are over; only the undone are fetched again.

    watch is told after each look what the undone serve, by their place in endpoints.
    """
    deadline = clock.now() + seconds
    seen: dict[int, tuple[Served, Result]] = {}
    open_ = list(range(len(endpoints)))
    while open_:
        served = fetch([endpoints[index] for index in open_])
        seen.update(zip(open_, zip(served, judge(served), strict=True), strict=True))
        open_ = [index for index in open_ if not done(index, *seen[index])]
        watch({index: seen[index] for index in open_})
        if open_ and not clock.pause(deadline):
            break
    return [seen[index] for index in range(len(endpoints))]
