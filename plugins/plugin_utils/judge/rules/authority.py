# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Family authority: who may issue."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.context import Context
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.model import Finding


def not_a_ca(context: Context) -> Iterator[Finding]:
    """RFC 5280 6.1.4 (k): every issuer of the path says CA:TRUE in its basic constraints; a trust anchor need not."""
    for index, issuer in context.steps[1:]:
        if not issuer.is_ca and issuer not in context.case.trust:
            yield context.finding(
                "not-a-ca",
                f"{context.called(index, issuer)} has issued a certificate of the path and is not a CA (basicConstraints lacks CA:TRUE)",
                "Have the certificate reissued by a CA. In a private CA, give the issuer basicConstraints=critical,CA:TRUE and keyUsage keyCertSign.",
                certificate=index,
            )


RULES = (not_a_ca,)
