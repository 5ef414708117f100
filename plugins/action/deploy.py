# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import ansible.template
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.fullchain.tls.plugins.plugin_utils.controller import ControllerFiles, find_file
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment import messages
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.certificates import (
    Judged,
    collect_errors,
    judge_delivered,
    judge_lineage,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.diff import build_diff
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.facts import (
    TRUST_VARIABLE,
    VARIABLE,
    Facts,
    certificate_facts,
    trust_facts,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.host import (
    Host,
    expect_leaves,
    reasons_to_act,
    to_come,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.manifest import WantedFile, refuse_collisions
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.obtaining import Wait, in_vain
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.rendering import Renderer
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.request import Request, read_request
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.wire_state import (
    SETTLE_SECONDS,
    Clock,
    Judge,
    Watch,
    look_until,
    same,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.libraries import require_libraries
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.trust import load_trust_store, located
from ansible_collections.fullchain.tls.plugins.plugin_utils.results import Result, failing, failing_codes
from ansible_collections.fullchain.tls.plugins.plugin_utils.values import plain
from ansible_collections.fullchain.tls.plugins.plugin_utils.verification import judge_served
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import Endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.fetch import fetch_all
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.served import Served

TELLS_FAILURES = hasattr(ansible.template, "trust_as_template")
"""ansible-core 2.19 and later print the message of a failed task as text."""

PASSED_ON = ("ansible_facts", "warnings", "deprecations")
"""What Ansible itself adds to a module's answer, such as the interpreter that it found on the host."""

PASSED_ON_FAILURE = ("unreachable", "exception", "rc", "module_stdout", "module_stderr", "stdout", "stderr")
"""What tells why a module could not even run, such as an interpreter that is not there."""

FAILURE: dict[str, Any] = {"changed": False, "codes": [], "taken_back": False}
"""What every failure says besides its message: enough to branch on. Ansible prints a failed result as one long line of
JSON below the message, so what was served stays out of it; `fullchain.tls.verify_tls` shows that in full."""

FAILURE_AFTER_SWITCH = ("changed", "generation", "previous")
"""What a failure also says once the host was asked to switch."""

TAKEN_BACK_SECONDS = 10.0
"""How long endpoints may take to serve again what they served before."""


class Stop(Exception):
    """The deploy is over and failed; the message is for people. facts: what the result says besides."""

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.facts = facts


class ActionModule(ActionBase):
    """Deploy certificates and configuration to one host as one transaction; documented in modules/deploy.py."""

    _requires_connection = True
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ansible's entry: arguments to a Request, a Stop to a failed result. The result holds no private key."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        self._variables = task_vars or {}
        self._answered: dict[str, Any] = {}
        try:
            require_libraries()
            self._files = ControllerFiles(self)
            request = self._with_files(read_request(plain(self._task.args)))
            result.update(self._deploy(request))
        except InputError as error:
            result.update(FAILURE, failed=True, msg=str(error))
        except Stop as stop:
            result.update({"failed": not stop.facts.get("unreachable"), **FAILURE, **stop.facts}, msg=str(stop))
        if "msg" in result:
            self._show(result["msg"])
        result.update(self._answered)
        return result

    def _with_files(self, request: Request) -> Request:
        """The request with what its settings and endpoints name found and read: what can't be is told before anything else is done."""
        trust = located(request.settings.trust, self._files.find)
        load_trust_store(trust)
        targets = tuple(replace(target, endpoint=self._files.read_for(target.endpoint)) for target in request.targets)
        return replace(request, settings=replace(request.settings, trust=trust), targets=targets)

    def _show(self, message: str) -> None:
        """Before 2.19 Ansible prints a failure as JSON alone, all its lines in one."""
        if not TELLS_FAILURES and not self._task.no_log:
            self._display.display(message, color="red", stderr=True)

    def _say(self, line: str) -> None:
        """A line on the screen while a task goes on, which Ansible itself has nothing for."""
        if not self._task.no_log:
            self._display.display(f"  {self._variables.get('inventory_hostname', 'host')}: {line}")

    # --- the transaction

    def _deploy(self, request: Request) -> dict[str, Any]:
        delivered = self._judge_delivered(request)
        host, files, found, judged = self._inspect(request, delivered)
        if found["unknown"] and not self._task.check_mode:  # in check mode, a package may still bring them
            raise Stop(messages.unknown_accounts(found["unknown"]))
        reasons = reasons_to_act(found, request)
        result = {
            "changed": bool(reasons),
            "root": request.root,
            "generation": found["current"],
            "previous": found["current"],
            "taken_back": False,
            "notes": [note for item in judged for note in item.notes] + to_come(found),
            "reasons": reasons,
            "results": [],
        }
        if self._task.diff:
            result["diff"] = build_diff(request.root, found["files"], files)
        if not reasons or self._task.check_mode:
            return result
        endpoints = expect_leaves(request, judged)
        return self._switch(request, host, found, endpoints, result)

    def _inspect(
        self, request: Request, delivered: list[Judged]
    ) -> tuple[Host, list[WantedFile], dict[str, Any], list[Judged]]:
        """What is wanted, what the host answers to it, and all certificates, lineages among them, judged.

        What templates are told of a lineage is known when the host has answered. Where it isn't what they were rendered with, which only a
        lineage with an OCSP URL brings about, they are rendered and the host is asked once more.
        """
        trust = load_trust_store(request.settings.trust)
        judged = delivered
        while True:
            facts = certificate_facts(request, judged, trust)
            files = self._render(request, facts) + [file for item in delivered for file in item.files]
            refuse_collisions(files)
            host = Host(self._operate, request, files)
            found = host.inspect()
            judged = delivered + self._judge_lineages(request, found["lineages"])
            if certificate_facts(request, judged, trust) == facts:
                return host, files, found, judged

    def _switch(
        self, request: Request, host: Host, found: Mapping[str, Any], endpoints: list[Endpoint], result: dict[str, Any]
    ) -> dict[str, Any]:
        before = self._fetch(request, endpoints)
        applied = self._apply(host, found)
        result.update(changed=True, generation=applied["generation"])
        if not applied["ok"]:
            trouble = messages.load_failed(applied["trouble"])
            raise self._taken_back(trouble, applied["taken_back"], request, before, result)
        if applied["restarted"]:
            result["notes"].append(applied["restarted"])
        trouble = self._verify(request, endpoints, before, applied["settled"], result)
        if trouble:
            taken_back = _try(lambda: host.take_back(self._unsound_now(request, host)))
            raise self._taken_back(trouble, taken_back, request, before, result)
        confirmed = _try(partial(host.confirm, found, applied))
        if not confirmed["ok"]:
            raise Stop("\n".join(messages.unconfirmed(confirmed["error"])), **_after_switch(result))
        return result

    def _apply(self, host: Host, found: Mapping[str, Any]) -> dict[str, Any]:
        """Have the host switch. The module tells whether it has; where it can't any more, nobody knows."""
        try:
            return host.apply(found)
        except AnsibleConnectionFailure as error:
            raise Stop("\n".join(messages.lost(str(error))), changed=True, unreachable=True) from error
        except Stop as stop:
            if not {"unreachable", "module_stdout"} & set(stop.facts):
                raise
            # From 2.19 on Ansible prints an exception's text instead of the message.
            facts = {key: value for key, value in stop.facts.items() if key != "exception"}
            raise Stop("\n".join(messages.lost(str(stop))), **{**facts, "changed": True}) from stop

    def _verify(
        self, request: Request, endpoints: list[Endpoint], before: list[Served], settled: bool, result: dict[str, Any]
    ) -> list[str]:
        """Look at the endpoints; put what they serve into result, and return what is wrong with it."""
        wait = Wait(request, before, 0 if settled else SETTLE_SECONDS, time.monotonic, self._say)
        try:
            judge = partial(judge_served, settings=request.settings)
            seen = self._look(request, endpoints, judge, wait.done, wait.seconds, wait.watch)
        except Exception as error:  # whatever it is: what was switched must not stay unverified
            return [f"The endpoints could not be verified: {type(error).__name__}: {error}"]
        result["results"] = [answer for _served, answer in seen]
        bad = failing(result["results"], request.settings.fail_on)
        return messages.wire_failed(bad, len(endpoints)) + in_vain(request, bad) if bad else []

    def _unsound_now(self, request: Request, host: Host) -> list[str]:
        """The names of lineages that somebody has made unsound since they were judged."""
        answers = _try(host.inspect).get("lineages", []) if request.lineages else []
        unsound = []
        for spec, answer in zip(request.lineages, answers, strict=False):
            try:
                bad = failing([judge_lineage(spec, answer, request.settings).result], request.settings.fail_on)
            except Exception:  # whatever somebody wrote there must not keep the deploy from being taken back
                bad = [{}]
            unsound += [spec.name] if bad else []
        return unsound

    def _taken_back(
        self,
        trouble: list[str],
        taken_back: Mapping[str, Any],
        request: Request,
        before: Sequence[Served],
        result: dict[str, Any],
    ) -> Stop:
        """What failed, and what the host serves now."""

        def done(index: int, served: Served, _answer: Result) -> bool:
            return same(served, before[index])

        endpoints = [replace(served.endpoint, expect_fingerprint=None) for served in before]
        # Not judged: what was served before need not have been sound.
        seen = _try(
            lambda: {"seen": self._look(request, endpoints, lambda items: [{}] * len(items), done, TAKEN_BACK_SECONDS)}
        )
        after = [served for served, _answer in seen.get("seen", ())]
        # A failed reload has quoted the error log already.
        late = in_vain(request, failing(result["results"], request.settings.fail_on))
        lines = (
            trouble
            + messages.journal(request.journal, request.error_log if late else None, taken_back)
            + messages.host_state(taken_back, before[: len(after)], after)
        )
        number = taken_back.get("generation", result["generation"])
        facts = _after_switch({**result, "generation": number})
        codes = failing_codes(result["results"], request.settings.fail_on)
        return Stop("\n".join(lines), **facts, codes=codes, taken_back=taken_back["ok"])

    # --- what is wanted

    def _render(self, request: Request, facts: Facts) -> list[WantedFile]:
        find = partial(find_file, self._find_needle, "templates")
        told = {VARIABLE: facts, TRUST_VARIABLE: trust_facts(request.settings.trust)}
        renderer = Renderer(self._templar, {**self._variables, **told}, find, self._files.content)
        return [file for spec in request.files for file in renderer.files(spec)]

    def _judge_delivered(self, request: Request) -> list[Judged]:
        read_file = self._read_certificate_file
        return self._sound(
            request, [partial(judge_delivered, spec, request.settings, read_file) for spec in request.certificates], []
        )

    def _judge_lineages(self, request: Request, answers: Sequence[Mapping[str, Any]]) -> list[Judged]:
        reads, errors = [], []
        for spec, answer in zip(request.lineages, answers, strict=True):
            if "error" in answer:
                errors.append(f"{spec.label}: {answer['error']}")
            elif "missing" not in answer:
                reads.append(partial(judge_lineage, spec, answer, request.settings))
            elif not self._task.check_mode:  # in check mode, whoever makes it has only said that they would
                missing = f"{answer['missing']} is not there on the host: what obtains it has to run first"
                errors.append(f"{spec.label}: {missing}")
        return self._sound(request, reads, errors)

    def _sound(self, request: Request, reads: Sequence[Callable[[], Judged]], errors: list[str]) -> list[Judged]:
        """What was read, when all of it could be read and is sound; else Stop with everything that is not."""
        judged, unreadable = collect_errors(reads)
        unsound = failing([item.result for item in judged], request.settings.fail_on)
        if errors or unreadable or unsound:
            codes = failing_codes(unsound, request.settings.fail_on)
            raise Stop(messages.refused(errors + unreadable, unsound), codes=codes)
        return judged

    def _read_certificate_file(self, path: str) -> bytes:
        found = find_file(self._find_needle, "files", path)
        try:
            return self._files.content(found)
        except AnsibleError as error:
            raise OSError(None, str(error)) from error

    # --- the wire

    def _look(
        self,
        request: Request,
        endpoints: Sequence[Endpoint],
        judge: Judge,
        done: Callable[[int, Served, Result], bool],
        seconds: float,
        watch: Watch = lambda _open: None,
    ) -> list[tuple[Served, Result]]:
        clock = Clock(time.monotonic, time.sleep)
        return look_until(endpoints, partial(self._fetch, request), judge, done, clock, seconds, watch)

    def _fetch(self, request: Request, endpoints: Sequence[Endpoint]) -> list[Served]:
        if not endpoints:
            return []
        timeout = min(request.settings.timeout, max(1.0, request.verify_timeout))
        if request.verify_from == "controller":
            return fetch_all(endpoints, timeout)
        arguments = {
            "endpoints": [Served(endpoint).to_dict()["endpoint"] for endpoint in endpoints],
            "timeout": timeout,
        }
        answer = self._run("fullchain.tls.served_chain", arguments)
        served = [Served.from_dict(item) for item in answer["served"]]
        return [replace(item, endpoint=endpoint) for item, endpoint in zip(served, endpoints, strict=True)]

    # --- the host

    def _operate(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return self._run("fullchain.tls._generation", arguments)

    def _run(self, module: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Run a module on the host and return its answer; raises Stop when it fails."""
        answer: dict[str, Any] = self._execute_module(
            module_name=module, module_args=arguments, task_vars=self._variables
        )
        for key in PASSED_ON:
            if key in answer:
                self._answered.setdefault(key, answer[key])
        if answer.get("failed") or answer.get("unreachable"):
            facts = {key: answer[key] for key in PASSED_ON_FAILURE if key in answer}
            raise Stop(str(answer.get("msg", f"{module} failed on the host")), **facts)
        return answer


def _after_switch(result: Mapping[str, Any]) -> dict[str, Any]:
    return {key: result[key] for key in FAILURE_AFTER_SWITCH}


def _try(step: Callable[[], Mapping[str, Any] | None]) -> dict[str, Any]:
    """The answer of a step late in a run, or {ok: false, error}: its own trouble must not hide what is known."""
    try:
        return {"ok": True, **(step() or {})}
    except Exception as error:
        return {"ok": False, "error": str(error) or type(error).__name__}
