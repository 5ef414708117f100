# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a chain that breaks off lacks, told by issuers that were fetched. A verdict never hangs on it."""

from __future__ import annotations

from collections import deque
from datetime import datetime

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.model import Issuers, Missing
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.paths import within_dates
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate, signed_by
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.trust import TrustStore

_MOST = 8  # issuers above each other


def missing_above(certificate: Certificate, fetched: Issuers, trust: TrustStore, at: datetime) -> Missing:
    """Follow fetched issuers upwards from the certificate, whose issuer is not there.

    Every way is tried, nearest ends first: one to a root of the store, else one to another root, else the one that lasts.
    """
    queue: deque[tuple[Certificate, ...]] = deque([(certificate,)])
    seen, ends = {certificate}, []
    while queue:
        way = queue.popleft()
        if any(signed_by(way[-1], root) for root in trust.roots(way[-1].issuer_der)):
            return Missing(way[1:], complete=True)
        above = [] if len(way) > _MOST else _issuers_of(way[-1], fetched, at)
        roots = [issuer for issuer in above if issuer.self_signed]
        above = [issuer for issuer in above if issuer not in seen and issuer not in roots]
        if roots or not above:
            ends.append(Missing(way[1:], root=roots[0] if roots else None))
        seen.update(above)
        queue.extend((*way, issuer) for issuer in above)
    return min(ends, key=lambda end: end.root is None)


def _issuers_of(certificate: Certificate, fetched: Issuers, at: datetime) -> list[Certificate]:
    """Those that signed it, what is valid and lasts first."""
    found = [c for c in fetched.by_subject.get(certificate.issuer_der, ()) if signed_by(certificate, c)]
    return sorted(found, key=lambda c: (within_dates(c, at), c.not_after), reverse=True)
