# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results as lines for a screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Result = Mapping[str, Any]


def report_lines(results: Sequence[Result], summary: Mapping[str, Any]) -> list[str]:
    """One line for each result, its findings and their fixes beneath, and the summary at the end."""
    return [*(line for result in results for line in result_lines(result)), *summary_lines(summary)]


def failure_text(results: Sequence[Result], summary: Mapping[str, Any], shown: bool = False) -> str:
    """The message of a task that fails because of `results`, on several lines; shown: those are on the screen already."""
    warned = sum(result["ok"] for result in results)
    minded = f"; {warned} with a warning, which fail_on minds" if warned else ""
    lines = () if shown else (line for result in results for line in result_lines(result))
    return "\n".join([summary_lines(summary)[0] + minded, *lines])


def written_line(path: str, certificates: int, changed: bool, check_mode: bool) -> str:
    """What has become of the file that a completed chain was to be written to."""
    done = "would be written" if check_mode else "written"
    return f"{path}: {f'{certificates} certificates {done}' if changed else 'it is right already'}"


def result_lines(result: Result) -> list[str]:
    """The line of one result, and indented beneath it the stores that it was held against and each finding with its fix and who refuses."""
    return [
        _headline(result),
        *_store_lines(result),
        *(line for finding in result["findings"] for line in _finding_lines(finding)),
    ]


def summary_lines(summary: Mapping[str, Any]) -> list[str]:
    """`3 endpoints: 1 ok, 2 failed, of which 1 unreachable`, and the findings by code when there are any."""
    total = summary["total"]
    counts = f"{total} endpoint{'' if total == 1 else 's'}: {summary['ok']} ok, {summary['failed']} failed"
    if summary["unreachable"]:
        counts += f", of which {summary['unreachable']} unreachable"
    codes = ", ".join(f"{code} {count}" for code, count in summary["by_code"].items())
    return [counts, f"findings: {codes}"] if codes else [counts]


def _headline(result: Result) -> str:
    """`FAILED  shop.example.com:25 (smtp) at 192.0.2.7, TLSv1.3, until 2026-12-01`: what is unknown is left out."""
    address, protocol, chain = result["address"], result["protocol"], result["chain"]
    until = chain[0]["not_after"] if chain else None
    # The address says nothing new where the endpoint was named by it.
    host = result["endpoint"].rpartition(":")[0].strip("[]")
    where = f" ({result['starttls']})" if result["starttls"] else ""
    where += f" at {address}" if address and address != host else ""
    count, versions = result["connections"], result["versions"]
    facts = [
        protocol,
        result["key_type"],
        f"{count} connections" if count > 1 else None,
        f"takes {' '.join(versions)}" if versions else None,
        f"until {until[:10]}" if until else None,
    ]
    return f"{_state(result):<7} {result['endpoint']}{where}" + "".join(f", {fact}" for fact in facts if fact)


def _store_lines(result: Result) -> list[str]:
    """`trusted by mozilla, not by corporate-java`, where stores were named and something was served."""
    stores = result.get("trust_stores", {})
    by = [name for name, complete in stores.items() if complete]
    not_by = [name for name, complete in stores.items() if complete is False]
    said = [f"{word} {', '.join(names)}" for word, names in (("by", by), ("not by", not_by)) if names]
    return [f"        trusted {', '.join(said)}"] if said else []


def _state(result: Result) -> str:
    if not result["ok"]:
        return "FAILED"
    return "warning" if any(finding["severity"] == "warning" for finding in result["findings"]) else "ok"


def _finding_lines(finding: Mapping[str, Any]) -> list[str]:
    lines = [f"        {finding['severity']} {finding['code']}: {finding['message']}"]
    if finding["fix"]:
        lines.append(f"          fix: {finding['fix']}")
    if finding["clients"]:
        lines.append(f"          refused by: {', '.join(finding['clients'])}")
    return lines
