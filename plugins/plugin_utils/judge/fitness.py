# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every client takes in an issuer: the search for a path prefers those that have it."""

from __future__ import annotations

from functools import lru_cache

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.clients import BEHAVIOUR, SERVER_AUTH, Constraints
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.constraints import violations
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate, Key

RSA_BITS = 2048  # BR 6.1.5, NIST SP 800-131A
GOOD_DIGESTS = frozenset({"sha256", "sha384", "sha512", "sha224", None})
_GOOD_CURVES = frozenset({"secp256r1", "secp384r1", "secp521r1"})
KNOWN_EXTENSIONS = frozenset.intersection(*(b.authority.critical_extensions for b in BEHAVIOUR.values()))
# With one of these, a leaf may serve as far as any client cares.
SERVING_KEY_USAGES = frozenset.intersection(*filter(None, (b.authority.leaf_key_usages for b in BEHAVIOUR.values())))
MOST_BYTES = min(b.most_bytes for b in BEHAVIOUR.values())  # of a message that every client takes
_ANY_NAMES = Constraints()
_FEW = 200


def ordinary_key(key: Key) -> bool:
    """BR 6.1.5: RSA from 2048 bits, ECDSA on P-256, P-384 or P-521."""
    return (key.kind == "RSA" and key.bits >= RSA_BITS) or (key.kind == "EC" and key.curve in _GOOD_CURVES)


def unfit(issuer: Certificate, certificate: Certificate, leaf: Certificate, below: int) -> int:
    """How many things some client minds about `issuer` having issued `certificate`, with that leaf at the path's beginning.

    below: intermediates between the two ends that are not self-issued.
    """
    faults = _own_faults(issuer) + (certificate.signature_digest not in GOOD_DIGESTS)
    if issuer.path_length is not None and below > issuer.path_length:
        faults += 1
    # A preference, which thousands of names for each of a hundred issuers are not worth; the rule looks at all of them.
    if issuer.constrains_names and len(leaf.alt_names) <= _FEW and any(violations((leaf, issuer), False, _ANY_NAMES)):
        faults += 1
    return faults


@lru_cache(maxsize=8192)
def _own_faults(issuer: Certificate) -> int:
    usages = issuer.extended_key_usage
    return sum(
        (
            issuer.may_not_sign,
            usages is not None and SERVER_AUTH not in usages,
            not issuer.critical_extensions <= KNOWN_EXTENSIONS,
            not ordinary_key(issuer.key),
        )
    )
