# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what was served to what the judge is told of client certificates."""

from __future__ import annotations

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge import Mutual, Reply
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.pem import read_certificates
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.served import Served


def mutual_of(served: Served) -> Mutual | None:
    """None where the endpoint expects nothing of client certificates, or the server did not come as far as to its own."""
    endpoint, shown = served.endpoint, served.client_auth
    if endpoint.client_auth is None or shown is None:
        return None
    return Mutual(
        expected=endpoint.client_auth,
        requested=shown.requested,
        presented=read_certificates(endpoint.client_cert, "client_cert") if endpoint.client_cert else (),
        reply=_reply(served),
        anonymous=_reply(served.anonymous) if served.anonymous and served.anonymous.client_auth else None,
        authorities=shown.authorities,
    )


def _reply(served: Served) -> Reply:
    shown = served.client_auth
    if shown is None:
        return Reply()
    refusal = served.failure_detail if shown.refused else None
    silent = served.failure_kind is not None and not shown.refused
    return Reply(refusal, shown.status, shown.notice, shown.closed, silent)
