# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Family files: what is only known of files, before they are served."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.context import Context
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.model import Finding


def key_mismatch(context: Context) -> Iterator[Finding]:
    """RFC 8446 4.4.3: the server proves that it has the private key of the leaf's public key."""
    leaf, key = context.leaf, context.case.key_spki
    if leaf is None or key is None or leaf.spki_sha256 == key:
        return
    owner = next(
        (f": it is the key of {context.called(i, c)}" for i, c in context.certificates if c.spki_sha256 == key), ""
    )
    yield context.finding(
        "key-mismatch",
        f"the private key does not belong to {context.called(context.leaf_at, leaf)}{owner}",
        "Give the key that this certificate was requested with: with certbot, privkey.pem and fullchain.pem of the same lineage. "
        "If the key is lost, have the certificate reissued for the one that is there.",
        certificate=context.leaf_at,
    )


RULES = (key_mismatch,)
