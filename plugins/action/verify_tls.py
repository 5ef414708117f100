# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action verify_tls: parameters in, a report out. It runs on the controller and connects to no managed host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.libraries import require_libraries
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import read_certificates
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.keys import read_private_key, spki_sha256
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.names import parse_server_name
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.trust import located
from ansible_collections.fullchain.tls.plugins.plugin_utils.report.text import failure_text, report_lines
from ansible_collections.fullchain.tls.plugins.plugin_utils.verification import (
    FAIL_ON,
    Result,
    Settings,
    failing,
    judge_chain,
    judge_served,
    read_settings,
    summarise,
    verify_endpoints,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import Endpoint, parse_endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.served import read_served

ARGUMENTS: dict[str, Any] = {
    "endpoints": {"type": "list", "elements": "raw"},
    "served": {"type": "raw"},
    "chain": {"type": "str"},
    "server_name": {"type": "str"},
    "privkey": {"type": "str", "no_log": True},
    "trust": {"type": "list", "elements": "str", "default": ["system"]},
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
            required_by={"server_name": "chain", "privkey": "chain"},
        )
        try:
            require_libraries()
            results = self._verify(params)
        except InputError as error:
            return {**result, "failed": True, "msg": str(error)}
        return {**result, **self._conclude(results, params["fail_on"], params["show"])}

    def _verify(self, params: Mapping[str, Any]) -> list[Result]:
        trust = located(params["trust"], self._find_file)
        settings = read_settings({**params, "trust": trust})
        if params.get("chain") is not None:
            return [self._judge_files(params, settings)]
        endpoints = [self._with_files(parse_endpoint(value)) for value in params.get("endpoints") or ()]
        if params["versions"]:
            endpoints = [replace(one, versions=True) if one.versions is None else one for one in endpoints]
        served = read_served(params["served"]) if params.get("served") is not None else []
        served = [replace(item, endpoint=self._with_files(item.endpoint)) for item in served]
        if not endpoints and not served:
            raise InputError("there is nothing to verify: the list of endpoints is empty")
        return [*verify_endpoints(endpoints, settings), *judge_served(served, settings)]

    def _judge_files(self, params: Mapping[str, Any], settings: Settings) -> Result:
        source, pem = self._read(params["chain"], "chain")
        chain = read_certificates(pem, source)
        key_spki = None
        if params.get("privkey") is not None:
            key_source, key_pem = self._read(params["privkey"], "privkey")
            key_spki = spki_sha256(read_private_key(key_pem, key_source))
        name = params.get("server_name")
        return judge_chain(chain, settings, parse_server_name(name) if name else None, key_spki, label=source)

    def _read(self, value: str, key: str) -> tuple[str, bytes]:
        """(what messages call it, its bytes): PEM text, or a path on the controller, searched for as `copy` does.

        A file encrypted with ansible-vault is decrypted. What is no path is not quoted: it may be a piece of a key.
        """
        if "-----BEGIN " in value:
            return key, value.encode()
        if "\n" in value or len(value) > 1024:
            raise InputError(f"{key} is neither PEM text (it has no -----BEGIN line) nor a path")
        try:
            found = self._loader.get_real_file(self._find_needle("files", value))
            return value, Path(found).read_bytes()
        except (AnsibleError, OSError) as error:
            said = getattr(error, "strerror", None) or "no such file on the controller"
            raise InputError(f"{key}: {value!r} cannot be read: {said}") from None
        finally:
            self._loader.cleanup_all_tmp_files()

    def _with_files(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint with the files found and read that it names."""
        if endpoint.trust is not None:
            endpoint = replace(endpoint, trust=located(endpoint.trust, self._find_file))
        if endpoint.expect_certificate is not None:
            source, pem = self._read(endpoint.expect_certificate, "expect_certificate")
            leaf = read_certificates(pem, source)[0]
            endpoint = replace(endpoint, expect_fingerprint=leaf.sha256, expect_certificate=None)
        return endpoint

    def _find_file(self, path: str) -> str | None:
        """Where a path is that is relative to the role or the playbook, as for the module copy."""
        try:
            return str(self._find_needle("files", path))
        except AnsibleError:
            return None

    def _conclude(self, results: list[Result], fail_on: str, show: bool) -> dict[str, Any]:
        summary = summarise(results)
        if show:
            for line in report_lines(results, summary):
                self._display.display(line)
        bad = failing(results, fail_on)
        returned = {"changed": False, "results": results, "summary": summary}
        if not bad:
            return returned
        # Once is enough: what has been shown is not said again.
        return {**returned, "failed": True, "msg": failure_text([] if show else bad, summary)}
