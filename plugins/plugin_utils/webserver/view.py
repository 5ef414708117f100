# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as the tasks of a role take it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PASSED_ON = ("endpoints", "notes", "challenge_notes", "webroot")


def for_role(planned: Mapping[str, Any], root: str) -> dict[str, Any]:
    """Return what `deploy` is given, each by one key.

    Role variables are lazy. Every mention of one has the sites rendered and planned anew, with a hundred sites in a tenth of a second.
    """
    challenge = {
        "dest": "snippets/challenge.conf",
        "src": "challenge.conf.j2",
        "vars": {"webroot": planned["webroot"], "access": planned.get("access", [])},
    }
    return {
        "challenge_files": [_http(planned["challenge"], root), challenge],
        "files": [
            _http(planned["http"], root),
            challenge,
            {"dest": "sites/{name}.conf", "src": "site.conf.j2", "each": planned["sites"]},
            {"dest": "snippets/{name}.conf", "src": "snippet.conf.j2", "each": planned["snippets"]},
            {"dest": "{name}.conf", "src": "default.conf.j2", "each": planned["reject"]},
            {"dest": "{name}.conf", "src": "site.conf.j2", "each": planned.get("first", [])},
            *planned.get("more", []),
        ],
        **{key: planned[key] for key in PASSED_ON},
    }


def _http(http: Mapping[str, Any], root: str) -> dict[str, Any]:
    return {"dest": "http.conf", "src": "http.conf.j2", "vars": {"http": http, "root": root}}
