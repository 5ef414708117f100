# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What templates are told about the certificates that they name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.certificates import CHAIN_NAME, Judged
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.request import Request
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge import issuers_of
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.pem import to_pem
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.revocation import responders
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.trust import SYSTEM, TrustStore, load_trust_store

VARIABLE = "certificate_facts"
"""What the variable is called that templates find them in."""

TRUST_VARIABLE = "trust_facts"
"""What the variable is called that tells templates what the chains are judged against."""

Facts = dict[str, dict[str, Any]]


def certificate_facts(request: Request, judged: Iterable[Judged], trust: TrustStore) -> Facts:
    """By name, for every certificate and lineage: separate_chain, ocsp and issuers, as modules/deploy.py documents them.

    A lineage that nobody has read yet is taken for what nearly all are, without an OCSP URL.
    """
    unread: Facts = {spec.name: _facts(False, (), ()) for spec in request.certificates}
    unread.update((spec.name, _facts(spec.chain is not None, (), ())) for spec in request.lineages)
    return {**unread, **{item.name: _read(item, unread[item.name], trust) for item in judged}}


def trust_facts(items: Sequence[str]) -> dict[str, Any]:
    """What `trust` holds, for templates: system, whether the host's own store is among it, and the certificates of the rest, in PEM.

    items: as load_trust_store takes them. The system's own are not listed: which those are differs from one controller to the next.
    """
    rest = [item for item in items if item != SYSTEM]
    certificates = load_trust_store(rest).certificates if rest else ()
    return {"system": SYSTEM in items, "certificates": [to_pem(certificate) for certificate in certificates]}


def _read(item: Judged, unread: dict[str, Any], trust: TrustStore) -> dict[str, Any]:
    # A lineage's chain is there, or the lineage is refused.
    separate = unread["separate_chain"] or any(file.path.endswith(f"/{CHAIN_NAME}") for file in item.files)
    urls = responders(item.chain[0])
    issuers = issuers_of(item.chain, trust) if urls else ()
    return _facts(separate, urls, [to_pem(issuer) for issuer in issuers])


def _facts(separate_chain: bool, ocsp: Iterable[str], issuers: Iterable[str]) -> dict[str, Any]:
    return {"separate_chain": separate_chain, "ocsp": list(ocsp), "issuers": list(issuers)}
