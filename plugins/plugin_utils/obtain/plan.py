# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run over all sites of a host: what is to be issued, what came of it, and how to tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.obtain.decide import (
    Reason,
    obstacle,
    reasons,
    shortfalls,
    window_of,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.obtain.explain import probe_lines, refusal_lines
from ansible_collections.fullchain.tls.plugins.plugin_utils.obtain.lineages import Lineage, read_lineage
from ansible_collections.fullchain.tls.plugins.plugin_utils.obtain.versions import incapable
from ansible_collections.fullchain.tls.plugins.plugin_utils.obtain.wanted import DEFAULT_WINDOW, Wanted


@dataclass
class Plan:
    """One site on its way.

    exists: certbot has the lineage; lineage: None when it has not, or when it is broken; reasons: why to issue;
    trouble: what stopped it, as lines to print, the first without indent; issued: the CA has issued; notes: warnings.
    """

    wanted: Wanted
    lineage: Lineage | None = None
    reasons: tuple[Reason, ...] = ()
    trouble: list[str] = field(default_factory=list)
    issued: bool = False
    notes: list[str] = field(default_factory=list)

    @property
    def due(self) -> bool:
        """The CA is to be asked, and nothing has stopped that."""
        return bool(self.reasons) and not self.trouble and not self.issued


def make_plans(wanted: Sequence[Wanted], states: Sequence[Mapping[str, Any]], at: datetime) -> list[Plan]:
    """Decide for each site, from the states that the host sent in the same order."""
    return [_make_plan(item, state, at) for item, state in zip(wanted, states, strict=True)]


def _make_plan(wanted: Wanted, state: Mapping[str, Any], at: datetime) -> Plan:
    try:
        lineage = read_lineage(state)
    except InputError as error:
        return Plan(wanted, trouble=[str(error)])
    why = reasons(wanted, lineage, at)
    blocked = obstacle(wanted, lineage, why)
    plan = Plan(wanted, lineage, why, trouble=[blocked] if blocked else [])
    if lineage is not None and window_of(wanted, lineage) != wanted.window:
        days = (lineage.not_after - lineage.not_before).days
        plan.notes.append(
            f"{wanted.name}: renew_within: {wanted.window.text} is as long as the certificate lives ({days} days), "
            f"{DEFAULT_WINDOW.text} is used"
        )
    return plan


def check_version(plans: Iterable[Plan], version: str, binds_account: bool) -> None:
    """Stop the sites that the installed certbot can't obtain."""
    for plan in plans:
        lack = incapable(plan.wanted, version, binds_account)
        if lack:
            plan.trouble.append(lack)


def check_probes(plans: Iterable[Plan], results: Iterable[Mapping[str, Any]], webroot: str, where: str) -> None:
    """Stop the sites with a name that does not reach the webroot; `where` the probes came from: controller, host."""
    bad = {result["name"]: result for result in results if not result["reached"]}
    for plan in plans:
        astray = [bad[name] for name in plan.wanted.names if name in bad]
        if astray and plan.due:
            plan.trouble += [
                f"nothing was asked of the CA, since {len(astray)} of its names {_fail(astray)} to reach this host's "
                f"{webroot} (tried from the {where}):",
                *probe_lines(astray, webroot),
            ]


def _fail(names: Sequence[Any]) -> str:
    return "fails" if len(names) == 1 else "fail"


def conclude(plan: Plan, answer: Mapping[str, Any], at: datetime) -> None:
    """What came of certbot's run for one site, judged from the PEM that is there now."""
    before = plan.lineage
    if answer["exit_status"] != 0:
        plan.trouble += _refused(plan, answer)
        return
    try:
        plan.lineage = read_lineage(answer["lineages"][0])
    except InputError as error:
        plan.trouble.append(f"certbot said that it had issued, but {error}")
        return
    plan.issued = plan.lineage is not None and (before is None or plan.lineage.sha256 != before.sha256)
    lacking = shortfalls(plan.wanted, plan.lineage, at)
    if not plan.issued or lacking:
        why = "; ".join(reason.text for reason in lacking) or "the certificate is the one that was there before"
        plan.trouble.append(f"certbot said that it had issued, but {why} (its log: {answer['log_file']})")
    elif plan.lineage is not None and plan.wanted.preferred_chain not in (None, plan.lineage.top_issuer):
        plan.notes.append(
            f"{plan.wanted.name}: the CA offered no chain to {plan.wanted.preferred_chain!r}; its chain leads to "
            f"{plan.lineage.top_issuer!r}"
        )


def _refused(plan: Plan, answer: Mapping[str, Any]) -> list[str]:
    if answer["locked"]:
        return [
            "another certbot is running on this host (a renewal timer?), and has not ended in time: run again later"
        ]
    if answer["refusals"]:
        first = f"{plan.wanted.server} refused"
    else:
        first = (
            f"certbot failed (exit status {answer['exit_status']}), and {plan.wanted.server} gave no reason; "
            "certbot's last words:"
        )
    return [
        first,
        *refusal_lines(answer["refusals"], answer["last_words"]),
        f"  certbot's log on the host: {answer['log_file']}",
    ]


def differences(plans: Iterable[Plan]) -> str:
    """One line for each certificate that is to be issued: its name, and why."""
    return "".join(
        f"{plan.wanted.name}: issue, {reason.code}: {reason.text}\n"
        for plan in plans
        if plan.due
        for reason in plan.reasons
    )


def results(plans: Iterable[Plan]) -> list[dict[str, Any]]:
    """What the action returns of each site; the reasons as codes."""
    return [
        {
            "name": plan.wanted.name,
            "reasons": [reason.code for reason in plan.reasons],
            "issued": plan.issued,
            "failed": bool(plan.trouble),
        }
        for plan in plans
    ]


def message(plans: Sequence[Plan]) -> str:
    """Everything that went wrong, site by site; empty when nothing did."""
    failed = [plan for plan in plans if plan.trouble]
    if not failed:
        return ""
    lines = [f"Certificates that were not obtained: {len(failed)} of {len(plans)}."]
    for plan in failed:
        lines += ["", f"{plan.wanted.name}: {plan.trouble[0]}", *plan.trouble[1:]]
    return "\n".join(lines)
