# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes one JSON line a finished task to the file named by TASK_TIMES: its name, and its seconds over all hosts and items."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: task_times
type: aggregate
short_description: How long each task takes
description: For the benchmarks of this collection.
author: the fullchain.tls contributors
"""


class CallbackModule(CallbackBase):
    """A task is over when the next one starts, or the play."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_times"

    def __init__(self) -> None:
        super().__init__()
        self._running: tuple[str, float] | None = None

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._finish()
        self._running = task.get_name(), time.perf_counter()

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._finish()

    def _finish(self) -> None:
        if self._running is not None:
            name, started = self._running
            with open(os.environ["TASK_TIMES"], "a", encoding="utf-8") as times:
                times.write(json.dumps({"task": name, "seconds": time.perf_counter() - started}) + "\n")
        self._running = None
