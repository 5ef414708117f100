# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetch many addresses over HTTP, each once, at the same time, and within bounds for all of them."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable

from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.http import Answer, Request, fetch


def fetch_each(
    requests: Iterable[Request],
    seconds: float,
    allow_private: bool = False,
    workers: int = 8,
    most_seconds: float = 120.0,
    most_bytes: int = 256 * 1024 * 1024,
) -> dict[Request, Answer]:
    """Fetch each different request once, `workers` at the same time; what is missing at the end is a failure that says so.

    seconds: for each of them. most_seconds, most_bytes: for all of them together.
    """
    run = _Run(dict.fromkeys(requests), seconds, allow_private, most_bytes)
    threads = [threading.Thread(target=run.work, daemon=True) for _number in range(min(workers, len(run.answers)))]
    for thread in threads:
        thread.start()
    until = time.monotonic() + most_seconds
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return run.close(most_seconds)


class _Run:
    """The requests of one run, shared by its threads."""

    def __init__(self, requests: dict[Request, None], seconds: float, allow_private: bool, most_bytes: int) -> None:
        self.answers: dict[Request, Answer | None] = dict.fromkeys(requests)
        self._waiting: queue.SimpleQueue[Request] = queue.SimpleQueue()
        for request in requests:
            self._waiting.put(request)
        self._seconds, self._allow_private = seconds, allow_private
        self._left, self._most = most_bytes, most_bytes
        self._lock = threading.Lock()
        self._closed = False

    def work(self) -> None:
        while not self._closed:
            try:
                request = self._waiting.get_nowait()
            except queue.Empty:
                return
            if self._left <= 0:
                answer = Answer(failure=f"was not asked: {self._most} bytes in all had been fetched")
            else:
                answer = fetch(request, self._seconds, self._allow_private)
            self._keep(request, answer)

    def _keep(self, request: Request, answer: Answer) -> None:
        with self._lock:
            if not self._closed:
                self._left -= len(answer.body)
                self.answers[request] = answer

    def close(self, seconds: float) -> dict[Request, Answer]:
        late = Answer(failure=f"was not done when the {seconds:g} s for all fetching were over")
        with self._lock:
            self._closed = True
            return {request: answer or late for request, answer in self.answers.items()}
