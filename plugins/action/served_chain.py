# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of served_chain: what the module would refuse does not reach the host, whose log holds a module's arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.fullchain.tls.plugins.module_utils.endpoints import FORMS, refuse_client_auth


class ActionModule(ActionBase):
    """See plugins/modules/served_chain.py for the documentation."""

    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module, unless a client's key would travel to it."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        endpoints = self._task.args.get("endpoints")
        if isinstance(endpoints, str):
            endpoints = endpoints.split(",")  # as the module would read it
        if not isinstance(endpoints, list) or not all(map(_can_be_read, endpoints)):
            return {**result, "failed": True, "msg": f"endpoints cannot be read: expected a list of {FORMS}"}
        try:
            refuse_client_auth(endpoints)
        except ValueError as error:
            return {**result, "failed": True, "msg": str(error)}
        answer: dict[str, Any] = self._execute_module(task_vars=task_vars, wrap_async=self._task.async_val)
        return {**result, **answer}


def _can_be_read(endpoint: Any) -> bool:
    """Whether only a key of a mapping could hold a client's key: a text with braces is JSON."""
    plain = isinstance(endpoint, str) and "{" not in endpoint and "-----BEGIN " not in endpoint
    return plain or isinstance(endpoint, Mapping)
