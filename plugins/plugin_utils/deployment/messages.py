# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What deploy says when it stops: what failed, the finding and its fix, and the state the host is in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.wire_state import leaf_sha256, same
from ansible_collections.fullchain.tls.plugins.plugin_utils.report.text import result_lines
from ansible_collections.fullchain.tls.plugins.plugin_utils.results import Result
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.served import Served

Outcome = Mapping[str, Any]

NEXT_RUN = "The next run of this task finishes or undoes it, whatever the state."
JOURNAL_LINES = 6
PUT_RIGHT = "Put that right, then run this task again. Until then a restart of the server may fail."


def refused(errors: Sequence[str], unsound: Sequence[Result]) -> str:
    """Nothing was touched: these inputs cannot be read, these certificates are unsound."""
    count = len(errors) + len(unsound)
    lines = [f"Refused before anything on the host was touched: {_certificates(count)} cannot be deployed."]
    lines += [_indent(error) for error in errors]
    lines += [_indent(line) for result in unsound for line in result_lines(result)]
    return "\n".join(lines)


def unknown_accounts(sentences: Sequence[str]) -> str:
    """Nothing was touched: these users and groups are not there."""
    return "\n".join(["Refused before anything on the host was touched:", *(_indent(line) for line in sentences)])


def load_failed(outcome: Outcome) -> list[str]:
    """The server's test, reload or start went wrong: the command, its answer, its words and those of its log."""
    headings = {
        "test": "The server's configuration test failed",
        "reload": "The server was not reloaded",
        "start": "The server could not be started",
        "restart": "The server could not be restarted",
    }
    lines = [f"{headings.get(outcome['step'], 'The server could not load what was deployed')}: {outcome['reason']}."]
    lines += [f"  {line}" for line in outcome["lines"]]
    if outcome["log"]:
        lines += ["  its error log says:", *(f"    {line}" for line in outcome["log"])]
    return lines


def wire_failed(failing: Sequence[Result], total: int) -> list[str]:
    """The server runs with what was deployed, and these endpoints do not serve it as they should."""
    heading = f"After the reload {len(failing)} of {total} endpoints {'does' if len(failing) == 1 else 'do'} not serve what they should:"
    return [heading, *(_indent(line) for result in failing for line in result_lines(result))]


def journal(unit: str | None, error_log: str | None, taken_back: Outcome) -> list[str]:
    """What the server has written since it was switched; [] where it has neither journal nor log, or nothing stands in it."""
    lines = taken_back.get("log", ())[-JOURNAL_LINES:]
    where = f"the journal of {unit}" if unit else error_log
    return [f"Since then {where} says:", *(_indent(line) for line in lines)] if lines and where else []


def host_state(taken_back: Outcome, before: Sequence[Served], after: Sequence[Served]) -> list[str]:
    """The state of the host after a taking back; before and after: what the endpoints served then and serve now."""
    put_back = taken_back.get("put_back", ())
    compared = [_comparison(old, new) for old, new in zip(before, after, strict=True)]
    return _where(taken_back) + [_indent(line) for line in (*put_back, *compared)]


def unconfirmed(error: str) -> list[str]:
    """Everything is served as it should be, and the host could not be told."""
    return [f"What was deployed is loaded and served, but that could not be noted on the host: {error}.", NEXT_RUN]


def lost(error: str) -> list[str]:
    """The host was asked to switch, and gave no answer."""
    return [error, "The host was asked to switch and gave no answer: what it serves now is not known.", NEXT_RUN]


def _where(taken_back: Outcome) -> list[str]:
    if "error" in taken_back:
        return [f"It could not be taken back: {taken_back['error']}.", NEXT_RUN]
    number = taken_back["generation"]
    what = (
        f"generation {number} is current again"
        if number is not None
        else "there was none before, so none is current now"
    )
    if taken_back["ok"]:
        restarted = f" {_sentence(taken_back['restarted'])}" if taken_back.get("restarted") else ""
        return [f"Taken back: {what}.{restarted}"]
    heading = f"Taken back on the disk: {what}. But the server has not loaded it:"
    return [heading, *(f"  {line}" for line in load_failed(taken_back["trouble"])), PUT_RIGHT]


def _comparison(before: Served, after: Served) -> str:
    label = after.endpoint.label
    if not after.chain:
        reason = after.failure_detail or "no certificate was served"
        return f"{label} serves nothing{', as before' if not before.chain else ', but did before'}: {reason}"
    if same(before, after):
        return f"{label} serves what it served before, byte for byte (leaf sha256 {leaf_sha256(after)})"
    if not before.chain:
        return f"{label} serves a chain again (leaf sha256 {leaf_sha256(after)}); before this run it served none"
    return (
        f"{label} serves another chain than before: leaf sha256 {leaf_sha256(after)}, "
        f"before leaf sha256 {leaf_sha256(before)}"
    )


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _certificates(count: int) -> str:
    return "1 certificate" if count == 1 else f"{count} certificates"


def _indent(line: str) -> str:
    return f"  {line}"
