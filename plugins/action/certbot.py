# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Obtain the certificates of all sites of a host with certbot. The documentation is in plugins/modules/certbot.py."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.release import __version__ as ansible_version
from ansible_collections.fullchain.tls.plugins.module_utils.certbot_probe import PROBE_PREFIX, probe_all
from ansible_collections.fullchain.tls.plugins.plugin_utils.controller import find_file
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.libraries import require_libraries
from ansible_collections.fullchain.tls.plugins.plugin_utils.obtain import plan as planning
from ansible_collections.fullchain.tls.plugins.plugin_utils.obtain.versions import options
from ansible_collections.fullchain.tls.plugins.plugin_utils.obtain.wanted import Wanted, read_binding, read_wanted
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.pem import read_certificates

CORE_VERSION = tuple(int(part) for part in ansible_version.split(".")[:2])

ARGUMENTS = {
    "sites": {"type": "list", "elements": "dict", "required": True},
    "webroot": {"type": "path", "required": True},
    "certbot": {"type": "str", "default": "certbot"},
    "config_dir": {"type": "path", "default": "/etc/letsencrypt"},
    "server": {"type": "str", "default": "letsencrypt"},
    "server_ca": {"type": "path"},
    "email": {"type": "str"},
    "eab_kid": {"type": "str"},
    "eab_hmac_key": {"type": "str", "no_log": True},
    "key_type": {"type": "str", "choices": ["ecdsa", "rsa"], "default": "ecdsa"},
    "key_size": {"type": "int"},
    "preferred_chain": {"type": "str"},
    "renew_within": {"type": "str", "default": "33%"},
    "probe": {"type": "str", "choices": ["controller", "host", "off"], "default": "controller"},
    "probe_timeout": {"type": "float", "default": 10},
    "lock_timeout": {"type": "float", "default": 120},
}


class ActionModule(ActionBase):
    """Reads the lineages, decides, probes, and has certbot issue what is due."""

    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ansible's entry point; see plugins/modules/certbot.py."""
        super().run(tmp, task_vars)
        self._vars = task_vars or {}
        together = [("eab_kid", "eab_hmac_key")]
        self._options = self.validate_argument_spec(ARGUMENTS, required_together=together)[1]
        try:
            require_libraries()
            wanted = read_wanted(self._options["sites"], self._options)
            self._binding = read_binding(self._options["eab_kid"], self._options["eab_hmac_key"])
        except InputError as error:
            raise AnsibleActionFail(str(error)) from None
        self._server_ca = self._read_server_ca()
        if not wanted:
            return {"changed": False, "sites": []}
        return self._obtain(wanted)

    def _obtain(self, wanted: Sequence[Wanted]) -> dict[str, Any]:
        state = self._host("state", lineages=[item.name for item in wanted])
        plans = planning.make_plans(wanted, state["lineages"], _now())
        new_ca = self._server_ca not in ("", state["server_ca"])
        due = planning.differences(plans) + ("the CA file for the ACME server: written\n" if new_ca else "")
        if due and not self._task.check_mode:
            self._issue([plan for plan in plans if plan.due])
        return self._result(plans, due, new_ca)

    def _issue(self, plans: list[planning.Plan]) -> None:
        """Probe, then have certbot issue, site by site: one that fails does not hold up the others."""
        version = self._prepare(plans)
        for plan in plans:
            if plan.due:
                planning.conclude(plan, self._run_certbot(plan, version), _now())

    def _prepare(self, plans: list[planning.Plan]) -> str:
        """Stop the sites that this certbot can't obtain, and those with names that don't reach the webroot.

        Returns certbot's version.
        """
        names = sorted({name for plan in plans for name in plan.wanted.names})
        version, results = self._probe(names, self._options["probe"] if names else "off")
        if plans and not version:
            raise AnsibleActionFail(
                f"certbot: {self._options['certbot']!r} is not installed on this host (expected the name or the path of "
                "certbot's executable; the role fullchain.tls.certbot installs it)"
            )
        planning.check_version(plans, version, bool(self._binding[0]))
        planning.check_probes(plans, results, self._options["webroot"], self._options["probe"])
        return version

    def _probe(self, names: list[str], where: str) -> tuple[str, list[dict[str, Any]]]:
        """certbot's version, and what came back for each name; the probe file is gone afterwards."""
        timeout = self._options["probe_timeout"]
        if where == "off":
            return self._host("prepare")["version"] or "", []
        probe = {"probe": PROBE_PREFIX + secrets.token_hex(16), "content": secrets.token_hex(32)}
        if where == "host":
            found = self._host("prepare", names=names, timeout=timeout, **probe)
            return found["version"] or "", found["probes"]
        try:
            version = self._host("prepare", **probe)["version"]
            results = probe_all(names, probe["probe"], probe["content"], timeout) if version else []
        finally:
            self._host("clear", **probe)
        return version or "", results

    def _run_certbot(self, plan: planning.Plan, version: str) -> dict[str, Any]:
        return self._host(
            "issue",
            name=plan.wanted.name,
            server=plan.wanted.server,
            email=self._options["email"] or "",
            eab_kid=self._binding[0],
            eab_hmac_key=self._binding[1],
            options=options(plan.wanted, version, plan.lineage is not None),
            lock_timeout=self._options["lock_timeout"],
        )

    def _host(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Run the module on the host; its failure is this action's."""
        common = {name: self._options[name] for name in ("certbot", "config_dir", "webroot")}
        answer: dict[str, Any] = self._execute_module(
            module_name="fullchain.tls._certbot",
            module_args={"operation": operation, "server_ca": self._server_ca, **common, **arguments},
            task_vars=self._vars,
        )
        if answer.get("failed"):
            raise AnsibleActionFail(
                f"certbot ({operation}): {answer.get('msg') or answer.get('module_stderr') or answer}"
            )
        return answer

    def _read_server_ca(self) -> str:
        """The text of server_ca, a path on the controller (looked for like the src of a copy); empty without one."""
        value = self._options["server_ca"]
        if not value:
            return ""
        try:
            text = Path(find_file(self._find_needle, "files", value)).read_text(encoding="utf-8")
            read_certificates(text, f"server_ca: {value}")
        except (OSError, UnicodeDecodeError) as error:
            said = getattr(error, "strerror", None) or error
            raise AnsibleActionFail(f"server_ca: {value!r} can't be read on the controller: {said}") from None
        except InputError as error:
            raise AnsibleActionFail(str(error)) from None
        return text

    def _result(self, plans: list[planning.Plan], due: str, new_ca: bool) -> dict[str, Any]:
        would = bool(due) and bool(self._task.check_mode)
        result: dict[str, Any] = {
            "changed": would or new_ca or any(plan.issued for plan in plans),
            "sites": planning.results(plans),
        }
        if due:
            result["diff"] = {"prepared": due}
        notes = [note for plan in plans for note in plan.notes]
        if notes:
            result["warnings"] = notes
        trouble = planning.message(plans)
        if not trouble:
            return result
        self._show(trouble)
        return {**result, "failed": True, "msg": trouble}

    def _show(self, trouble: str) -> None:
        """Print what went wrong, line by line. ansible-core does so itself from 2.19; before, it prints JSON only."""
        if CORE_VERSION < (2, 19) and not self._task.no_log:
            self._display.error(trouble, wrap_text=False)


def _now() -> datetime:
    return datetime.now(timezone.utc)
