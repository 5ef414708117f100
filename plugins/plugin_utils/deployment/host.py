# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's half of a transaction as the controller sees it: what is sent, and what the answers mean."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.certificates import Judged
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.manifest import WantedFile, pack
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.request import Request
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import Endpoint

JUDGED = ("sha256", "public_key")
"""What tells whether a lineage still is what was judged."""


class Host:
    """The host's half of one transaction: what is sent to `_generation`, operation by operation."""

    def __init__(
        self, operate: Callable[[dict[str, Any]], dict[str, Any]], request: Request, files: list[WantedFile]
    ) -> None:
        self._send, self._request, self._files = operate, request, files
        self._run = uuid.uuid4().hex

    def inspect(self) -> dict[str, Any]:
        """What differs, the lineages, whether the server is alive."""
        return self._operate("inspect", **self._wanted(), lineages=self._lineages())

    def apply(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """Send what differs, switch to it and load it."""
        different = [item["path"] for item in found["files"] if item["state"] in ("new", "changed")]
        return self._operate(
            "apply",
            **self._wanted(),
            bundle=pack(self._files, different),
            lineages=self._lineages(found["lineages"]),
            expected=found["current"],
            confirm=self.unseen,
            seen=_seen(found),
        )

    @property
    def unseen(self) -> bool:
        """There is nothing to look at on the wire, so what could be loaded is good."""
        return not self._request.targets

    def confirm(self, found: Mapping[str, Any], applied: Mapping[str, Any]) -> dict[str, Any]:
        """What is current was good on the wire. Without anything to look at apply has tried to, and answers for it."""
        if self.unseen:
            return {"ok": "unconfirmed" not in applied, "error": applied.get("unconfirmed")}
        return self._operate("confirm", seen=_seen(found), partial=self._request.partial)

    def take_back(self, unsound: Sequence[str]) -> dict[str, Any]:
        """Make current again what was confirmed before, and put back the lineages of these names as they were judged."""
        return self._operate("take_back", unsound=list(unsound))

    def _lineages(self, told: Sequence[Mapping[str, Any]] = ()) -> list[dict[str, Any]]:
        """Where the lineages are, and what was told of each when it was judged."""
        judged = [{key: answer[key] for key in JUDGED} for answer in told] or [{} for _spec in self._request.lineages]
        return [
            {"name": spec.name, "fullchain": spec.fullchain, "privkey": spec.privkey, "chain": spec.chain, **what}
            for spec, what in zip(self._request.lineages, judged, strict=True)
        ]

    def _wanted(self) -> dict[str, Any]:
        directories = self._request.directories
        return {
            "files": [file.entry for file in self._files],
            "partial": self._request.partial,
            "mode": directories.mode,
            "owner": directories.owner,
            "group": directories.group,
        }

    def _operate(self, operation: str, **arguments: Any) -> dict[str, Any]:
        request = self._request
        server = {
            "test": list(request.test),
            "reload": list(request.reload),
            "start": list(request.start),
            "restart": list(request.restart),
            "pid_file": request.pid_file,
            "running": list(request.running),
            "error_log": request.error_log,
            "journal": request.journal,
            "seconds": request.reload_timeout,
        }
        return self._send({"op": operation, "root": request.root, "run": self._run, **server, **arguments})


def _seen(found: Mapping[str, Any]) -> dict[str, str]:
    return {item["path"]: item["sha256"] for item in found["lineages"] if "sha256" in item}


def reasons_to_act(found: Mapping[str, Any], request: Request) -> list[str]:
    """Why the host is not as wanted, in sentences; [] when it is."""
    counts: dict[str, int] = {}
    for item in found["files"]:
        counts[item["state"]] = counts.get(item["state"], 0) + 1
    reasons = [f"{state} files: {counts[state]}" for state in ("new", "changed", "removed") if state in counts]
    reasons += [f"mode or owner of {path} differs" for path in found["directories"]]
    reasons += found["unreadable"]
    reasons += [f"lineage {item['name']} is not the one last verified" for item in found["lineages"] if item["renewed"]]
    if found["pending"]:
        reasons.append("an earlier deploy neither confirmed nor took back what it switched to")
    if found["alive"] is False and request.start:
        asked = (
            f"{' '.join(request.running)} says so"
            if request.pid_file is None
            else f"{request.pid_file} names no living process"
        )
        reasons.append(f"the server does not run: {asked}")
    if found["leftovers"]:
        ports = " and port ".join(str(port) for port in found["leftovers"])
        reasons.append(f"a configuration that the server refused still answers on port {ports}")
    return reasons


def to_come(found: Mapping[str, Any]) -> list[str]:
    """In check mode: the users, groups and lineages that are not there yet. A real run does not get as far with one."""
    return [f"{sentence} yet" for sentence in found["unknown"]] + [
        f"lineage {item['name']}: {item['missing']} is not there yet; it is judged in a run without --check"
        for item in found["lineages"]
        if "missing" in item
    ]


def expect_leaves(request: Request, judged: Sequence[Judged]) -> list[Endpoint]:
    """The endpoints, each expecting the leaf that is deployed for it where that is known."""
    leaves = {item.name: item.leaf_sha256 for item in judged}
    return [
        replace(target.endpoint, expect_fingerprint=leaves[target.certificate])
        if target.certificate in leaves and target.endpoint.expect_fingerprint is None
        else target.endpoint
        for target in request.targets
    ]
