# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a chain that breaks off lacks, told by issuers that were fetched. A verdict never hangs on it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.model import Issuers, Missing
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.paths import best_path, leaf_index, within_dates
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate, Malformed, signed_by
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.trust import TrustStore

_MOST = 8  # issuers above each other


def breaks_off(chain: Sequence[Certificate | Malformed], trust: TrustStore, at: datetime) -> Certificate | None:
    """The last certificate of the best path, if its issuer is neither served nor a root of the store."""
    leaf = leaf_index(chain)
    if leaf is None:
        return None
    path = best_path(chain, leaf, trust, at)
    last = chain[path.served[-1]]
    return last if path.breaks_off and isinstance(last, Certificate) and not last.self_signed else None


def missing_above(certificate: Certificate, fetched: Issuers, trust: TrustStore, at: datetime) -> Missing:
    """Follow fetched issuers upwards from the certificate, whose issuer is not there."""
    way: list[Certificate] = []
    while len(way) < _MOST:
        if any(signed_by(certificate, root) for root in trust.roots(certificate.issuer_der)):
            return Missing(tuple(way), complete=True)
        found = [
            c for c in fetched.by_subject.get(certificate.issuer_der, ()) if signed_by(certificate, c) and c not in way
        ]
        if not found:
            break
        certificate = max(found, key=lambda c: (within_dates(c, at), not c.self_signed, c.not_after))
        if certificate.self_signed:
            return Missing(tuple(way), root=certificate)
        way.append(certificate)
    return Missing(tuple(way))
