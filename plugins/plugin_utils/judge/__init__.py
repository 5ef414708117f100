# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge: paths and rules. Pure: parsed certificates, anchors, a name and a time in, findings out.

No socket, no clock, no file and no Ansible in here.
"""

from __future__ import annotations

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.backends import Backend
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.missing import missing_above
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.model import (
    CLIENTS,
    SEVERITIES,
    Case,
    Evidence,
    Failure,
    Finding,
    Issuers,
    Missing,
    Verdict,
    parse_expires_soon,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.mutual import Mutual, Reply
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.putting_right import PutRight, issuers_of, put_right
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.verdict import breaks_off, judge

__all__ = [
    "CLIENTS",
    "SEVERITIES",
    "Backend",
    "Case",
    "Evidence",
    "Failure",
    "Finding",
    "Issuers",
    "Missing",
    "Mutual",
    "PutRight",
    "Reply",
    "Verdict",
    "breaks_off",
    "issuers_of",
    "judge",
    "missing_above",
    "parse_expires_soon",
    "put_right",
]
