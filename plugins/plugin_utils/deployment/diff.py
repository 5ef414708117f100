# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run would change, as Ansible's --diff shows it. A secret's content never gets in here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.manifest import KEY_NAME, WantedFile


def build_diff(root: str, described: Iterable[Mapping[str, Any]], files: Sequence[WantedFile]) -> list[dict[str, str]]:
    """One entry for each file that differs. described: the host's answer (path, state, secret, before)."""
    wanted = {file.path: file for file in files}
    return [_entry(root, item, wanted.get(item["path"])) for item in described if item["state"] != "same"]


def _entry(root: str, item: Mapping[str, Any], file: WantedFile | None) -> dict[str, str]:
    path = f"{root}/current/{item['path']}"
    before, after = _secret(item) if item["secret"] or (file and file.secret) else _plain(item, file)
    return {
        "before_header": path if item["state"] != "new" else f"{path} (not there)",
        "after_header": path if item["state"] != "removed" else f"{path} (removed)",
        "before": before,
        "after": after,
    }


def _plain(item: Mapping[str, Any], file: WantedFile | None) -> tuple[str, str]:
    before = str(item.get("before", ""))
    after = file.content.decode("utf-8", "replace") if file else ""
    if before == after and file and item["state"] == "changed":
        return "(another mode or owner)\n", f"(mode {file.metadata.mode:04o}, owner as asked for)\n"
    return before, after


def _secret(item: Mapping[str, Any]) -> tuple[str, str]:
    kind = "private key" if item["path"].rpartition("/")[2] == KEY_NAME else "secret"
    shown = f"({kind}, not shown)\n"
    states = {"new": ("", shown), "removed": (shown, ""), "changed": (f"({kind} before, not shown)\n", shown)}
    return states[item["state"]]
