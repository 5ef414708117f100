# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action verify_tls: parameters in, a report out. It runs on the controller and connects to no managed host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.fullchain.tls.plugins.plugin_utils.bundle import bundle_of, read_target
from ansible_collections.fullchain.tls.plugins.plugin_utils.controller import ControllerFiles
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.libraries import require_libraries
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.keys import read_private_key, spki_sha256
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.names import parse_server_name
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.pem import read_certificates
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.trust import located
from ansible_collections.fullchain.tls.plugins.plugin_utils.report.text import (
    failure_text,
    report_lines,
    written_line,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.results import Result, failing, summarise
from ansible_collections.fullchain.tls.plugins.plugin_utils.revocation import MODES, OFF
from ansible_collections.fullchain.tls.plugins.plugin_utils.settings import FAIL_ON, Settings, read_settings
from ansible_collections.fullchain.tls.plugins.plugin_utils.values import plain
from ansible_collections.fullchain.tls.plugins.plugin_utils.verification import (
    Files,
    complete_files,
    judge_files,
    verify_endpoints,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import parse_endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.served import read_served

ARGUMENTS: dict[str, Any] = {
    "endpoints": {"type": "list", "elements": "raw"},
    "served": {"type": "raw"},
    "chain": {"type": "str"},
    "server_name": {"type": "str"},
    "privkey": {"type": "str", "no_log": True},
    "trust": {"type": "list", "elements": "str", "default": ["system"]},
    "trust_password": {"type": "str", "no_log": True},
    "trust_stores": {"type": "dict"},
    "aia": {"type": "bool", "default": False},
    "revocation": {"type": "str", "default": OFF, "choices": list(MODES)},
    "fetch_private": {"type": "bool", "default": False},
    "complete_to": {"type": "path"},
    "clients": {"type": "list", "elements": "str"},
    "at": {"type": "str"},
    "expires_soon": {"type": "str", "default": "33%"},
    "fail_on": {"type": "str", "default": "error", "choices": list(FAIL_ON)},
    "timeout": {"type": "float", "default": 10},
    "versions": {"type": "bool", "default": False},
    "workers": {"type": "int", "default": 16},
    "show": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """See plugins/modules/verify_tls.py for the documentation."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, params = self.validate_argument_spec(
            ARGUMENTS,
            mutually_exclusive=[("chain", "endpoints"), ("chain", "served")],
            required_one_of=[("endpoints", "served", "chain")],
            required_by={"server_name": "chain", "privkey": "chain", "complete_to": "chain"},
        )
        try:
            require_libraries()
            self._files = ControllerFiles(self)
            settings = self._located(read_settings(params))
            if params.get("complete_to") is not None:
                return {**result, **self._complete(params, settings)}
            results = self._verify(params, settings)
        except InputError as error:
            return {**result, "failed": True, "msg": str(error)}
        return {**result, **self._conclude(results, params["fail_on"], params["show"])}

    def _verify(self, params: Mapping[str, Any], settings: Settings) -> list[Result]:
        if params.get("chain") is not None:
            return [judge_files(self._read_files(params), settings)]
        endpoints = [self._files.read_for(parse_endpoint(plain(value))) for value in params.get("endpoints") or ()]
        if params["versions"]:
            endpoints = [replace(one, versions=True) if one.versions is None else one for one in endpoints]
        served = read_served(params["served"]) if params.get("served") is not None else []
        served = [replace(item, endpoint=self._files.read_for(item.endpoint)) for item in served]
        if not endpoints and not served:
            raise InputError("there is nothing to verify: the list of endpoints is empty")
        return verify_endpoints(endpoints, settings, served)

    def _complete(self, params: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
        """Write the right chain; what is wrong with that one, and not with the given one, fails the task."""
        target = read_target(self._loader.path_dwim(params["complete_to"]))
        right, results = complete_files(self._read_files(params), settings, str(target))
        bundle = bundle_of(right.chain, target)
        if bundle.changed and not self._task.check_mode:
            bundle.write()
        returned = self._conclude(results, params["fail_on"], params["show"], deciding=results[1:])
        if params["show"]:
            self._display.display(written_line(str(target), len(right.chain), bundle.changed, self._task.check_mode))
        headers = dict.fromkeys(("before_header", "after_header"), str(target))
        return {
            **returned,
            "changed": bundle.changed,
            "diff": {"before": bundle.before, "after": bundle.after, **headers},
        }

    def _read_files(self, params: Mapping[str, Any]) -> Files:
        source, pem = self._files.read(params["chain"], "chain")
        chain = read_certificates(pem, source)
        key_spki = None
        if params.get("privkey") is not None:
            key_source, key_pem = self._files.read(params["privkey"], "privkey")
            key_spki = spki_sha256(read_private_key(key_pem, key_source))
        name = params.get("server_name")
        return Files(chain, parse_server_name(name) if name else None, key_spki, source)

    def _located(self, settings: Settings) -> Settings:
        stores = {name: located(items, self._files.find) for name, items in settings.trust_stores.items()}
        return replace(settings, trust=located(settings.trust, self._files.find), trust_stores=stores)

    def _conclude(
        self, results: list[Result], fail_on: str, show: bool, deciding: list[Result] | None = None
    ) -> dict[str, Any]:
        """The task's result. deciding: those that the task fails because of, where not all may make it fail."""
        summary = summarise(results)
        if show:
            for line in report_lines(results, summary):
                self._display.display(line)
        bad = failing(results if deciding is None else deciding, fail_on)
        returned = {"changed": False, "results": results, "summary": summary}
        if not bad:
            return returned
        # Once is enough: what has been shown is not said again.
        return {**returned, "failed": True, "msg": failure_text(bad, summary, shown=show)}
