# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How each client judges, as data.

Seen on OpenSSL 3.0, curl 7.88 (OpenSSL), Python 3.11, Node.js 20, OpenJDK 17, Go 1.27 and GnuTLS 3.7, as they come: on Debian 12,
OpenSSL's security level is 2, and Node.js brings an OpenSSL of its own with level 1.
tests/unit/judge/test_real_clients.py asks them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

# Extended key usages (RFC 5280 4.2.1.12); the two older ones once let servers ask for strong cryptography.
SERVER_AUTH = "1.3.6.1.5.5.7.3.1"
CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"
ANY_USAGE = "2.5.29.37.0"
_MICROSOFT_SGC = "1.3.6.1.4.1.311.10.3.3"
_NETSCAPE_SGC = "2.16.840.1.113730.4.1"
_OLD_USAGES = frozenset({SERVER_AUTH, _MICROSOFT_SGC, _NETSCAPE_SGC})

# Extensions, by their names in RFC 5280 4.2
KEY_USAGE, ALT_NAME, BASIC, NAME_CONSTRAINTS = "2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.30"
_POLICIES, _MAPPINGS, _POLICY_CONSTRAINTS, _ANY_POLICY = "2.5.29.32", "2.5.29.33", "2.5.29.36", "2.5.29.54"
_EXTENDED_KEY_USAGE, _CRL_POINTS = "2.5.29.37", "2.5.29.31"
_SUBJECT_KEY_ID, _AUTHORITY_KEY_ID, _ISSUER_ALT_NAME = "2.5.29.14", "2.5.29.35", "2.5.29.18"
_AUTHORITY_ACCESS, _TLS_FEATURE, _NO_CHECK = "1.3.6.1.5.5.7.1.1", "1.3.6.1.5.5.7.1.24", "1.3.6.1.5.5.7.48.1.5"
_NETSCAPE_TYPE = "2.16.840.1.113730.1.1"
_COMMON = frozenset(
    {KEY_USAGE, ALT_NAME, BASIC, NAME_CONSTRAINTS, _POLICIES, _MAPPINGS, _ANY_POLICY, _EXTENDED_KEY_USAGE}
)


@dataclass(frozen=True)
class Authority:
    """Who may issue, and what for (RFC 5280 6.1.4)."""

    checks_anchor: bool = True  # its path length, name constraints and critical extensions count as well
    # What makes up for basic constraints that an anchor lacks: version 1, a key usage with keyCertSign, nothing at all
    anchor_without_basic: frozenset[str] = frozenset({"version 1", "key usage"})
    counts_self_issued: bool = False  # for the path length; RFC 5280 6.1.4 (l) does not
    leaf_usages: frozenset[str] = _OLD_USAGES  # extended key usages of which the leaf has one, where it has any
    issuer_usages: frozenset[str] | None = _OLD_USAGES  # ... and each issuer; None: not looked at
    checks_anchor_usages: bool = True
    # Key usages of which the leaf has one, where it has the extension; empty: not looked at
    leaf_key_usages: frozenset[str] = frozenset({"digitalSignature", "keyEncipherment", "keyAgreement"})
    critical_extensions: frozenset[str] = _COMMON | {_POLICY_CONSTRAINTS, _CRL_POINTS, _NO_CHECK, _NETSCAPE_TYPE}
    refused_when_critical: frozenset[str] = frozenset()  # cannot be parsed, wherever it is sent


@dataclass(frozen=True)
class Constraints:
    """Which names the name constraints of an issuer hold for (RFC 5280 4.2.1.10)."""

    kinds: frozenset[str] = frozenset({"dns", "ip", "email", "uri", "directory"})  # that are understood
    # Kinds that are not understood: an excluded subtree refuses whatever name there is of the kind
    excludes_unknown: frozenset[str] = frozenset()
    refuses_unknown: frozenset[str] = frozenset()  # the constraint alone is reason to refuse
    critical_kinds: frozenset[str] | None = None  # others make a critical extension an unknown one; None: none does
    issuers_too: bool = True  # the names of the intermediates below count, too
    common_name: str = (
        "dotted"  # where there is no DNS name: "dotted" for the leaf's, "hostname" for all, "always", "never"
    )
    other_family: str = (
        "differs"  # an address of the other family: "differs", "passes" permitted ones, or is "cut" to IPv4's length
    )
    # Names times subtrees of one certificate and one issuer: more are refused (NAME_CHECK_MAX in OpenSSL, MAX_NC_CHECKS in GnuTLS)
    most_comparisons: int | None = 1 << 20
    minds_networks: bool = True  # an address name that is a network is outside what is permitted, and excluded
    wildcard_overlaps: bool = False  # *.example.com is refused where www.example.com is excluded
    subdomains_of_uri: bool = False  # a URI's host may be below the constraint
    takes_empty: bool = True  # an empty DNS constraint, which all names are below


@dataclass(frozen=True)
class Strength:
    """What is strong enough."""

    rsa_bits: int = 1962  # OpenSSL counts 112 bits of security from here on
    leaf_curves: frozenset[str] = frozenset({"secp256r1", "secp384r1", "secp521r1"})
    issuer_curves: frozenset[str] | None = None  # None: any but those in weak_curves
    weak_curves: frozenset[str] = frozenset({"secp192r1"})
    kinds: frozenset[str] = frozenset({"RSA", "EC", "Ed25519", "Ed448"})
    parses_curves: frozenset[str] | None = None  # a certificate with another, wherever it is sent, ends the handshake
    broken_digests: frozenset[str] = frozenset({"md5", "sha1"})
    broken_digests_in_public: frozenset[str] = frozenset()  # ... for roots of the public web


@dataclass(frozen=True)
class Behaviour:
    """Where a client differs from the others. The defaults are those of OpenSSL."""

    # Path building
    # RFC 4158's search; the others take one issuer for each certificate and stay with it
    tries_all_issuers: bool = False
    prefers_current_issuers: bool = True  # among several, takes the first that is within its dates
    needs_matching_key_ids: bool = True  # an authority key identifier that contradicts rules an issuer out
    needs_anchors_key_id: bool = True  # ... or only the anchor
    needs_matching_serials: bool = True  # ... and one by the issuer's serial number, too
    takes_any_anchor: bool = False  # believes a certificate of the store that is not self-signed
    checks_anchor_dates: bool = True
    most_certificates: int | None = None  # longer lists are refused
    most_bytes: int = 102400  # of the message that the certificates come in
    # Alternative names that cannot be parsed: a network where an address belongs, a URI that is none
    unparsable: frozenset[str] = frozenset()  # ... in any certificate that is sent
    unparsable_in_leaf: frozenset[str] = frozenset()
    most_unordered_intermediates: int | None = None  # in a path out of a list that is not one chain in order
    # Names, RFC 9525 apart
    partial_wildcard: bool = False  # f*.example.com
    suffix_wildcard: bool = False  # *oo.example.com
    inner_wildcard: bool = False  # www.*.com
    top_level_wildcard: bool = False  # *.com
    dotted_name: bool = False  # `example.com.` in the certificate is example.com
    underscores: bool = True
    common_name: bool = True  # looked at when no alternative name is a hostname
    common_name_beside: frozenset[str] = frozenset({"ip", "email", "uri", "other"})  # ... although there are such
    common_name_as_address: bool = False
    # What makes an issuer, and what it may say
    authority: Authority = field(default_factory=Authority)
    constraints: Constraints = field(default_factory=Constraints)
    strength: Strength = field(default_factory=Strength)


NO_HOST = frozenset({"email", "uri", "other"})

_NIST = frozenset({"secp224r1", "secp256r1", "secp384r1", "secp521r1"})

_OPENSSL = Behaviour()
# RFC 5280 wants these not to be critical
UNPARSABLE = frozenset({_SUBJECT_KEY_ID, _AUTHORITY_KEY_ID, _AUTHORITY_ACCESS})
_ML_DSA = frozenset({"ML-DSA-44", "ML-DSA-65", "ML-DSA-87"})

BEHAVIOUR = {
    "openssl": replace(_OPENSSL, partial_wildcard=True, suffix_wildcard=True),
    "curl": replace(
        _OPENSSL, takes_any_anchor=True, dotted_name=True, common_name_beside=NO_HOST, common_name_as_address=True
    ),
    "python": _OPENSSL,
    "nodejs": replace(
        _OPENSSL,
        partial_wildcard=True,
        suffix_wildcard=True,
        dotted_name=True,
        strength=Strength(rsa_bits=919, weak_curves=frozenset()),
    ),
    "java": Behaviour(
        tries_all_issuers=True,
        needs_matching_key_ids=False,
        needs_matching_serials=False,
        takes_any_anchor=True,
        checks_anchor_dates=False,
        most_certificates=10,
        most_bytes=32768,
        unparsable_in_leaf=frozenset({"uri"}),
        most_unordered_intermediates=5,
        partial_wildcard=True,
        suffix_wildcard=True,
        inner_wildcard=True,
        top_level_wildcard=True,
        underscores=False,
        authority=Authority(
            checks_anchor=False,
            anchor_without_basic=frozenset({"version 1"}),
            leaf_usages=_OLD_USAGES | {ANY_USAGE},
            issuer_usages=None,
            leaf_key_usages=frozenset({"digitalSignature"}),
            critical_extensions=_COMMON | {_POLICY_CONSTRAINTS},
        ),
        constraints=Constraints(
            common_name="hostname",
            other_family="cut",
            most_comparisons=None,
            minds_networks=False,
            takes_empty=False,
        ),
        strength=Strength(
            rsa_bits=1024,
            issuer_curves=frozenset({"secp256r1", "secp384r1", "secp521r1"}),
            broken_digests=frozenset({"md5"}),
            broken_digests_in_public=frozenset({"sha1"}),
        ),
    ),
    "go": Behaviour(
        tries_all_issuers=True,
        needs_matching_key_ids=False,
        needs_matching_serials=False,
        needs_anchors_key_id=False,
        takes_any_anchor=True,
        most_bytes=262144,
        unparsable=frozenset({"network", "uri"}),
        top_level_wildcard=True,
        common_name=False,
        authority=Authority(
            anchor_without_basic=frozenset({"version 1"}),
            counts_self_issued=True,
            leaf_usages=frozenset({SERVER_AUTH, ANY_USAGE}),
            issuer_usages=frozenset({SERVER_AUTH, ANY_USAGE}),
            leaf_key_usages=frozenset(),
            critical_extensions=_COMMON | {_POLICY_CONSTRAINTS, _CRL_POINTS},
            refused_when_critical=UNPARSABLE,
        ),
        constraints=Constraints(
            kinds=frozenset({"dns", "ip", "email", "uri"}),
            critical_kinds=frozenset({"dns", "ip", "email", "uri"}),
            issuers_too=False,
            common_name="never",
            most_comparisons=None,
            wildcard_overlaps=True,
            subdomains_of_uri=True,
        ),
        strength=Strength(
            rsa_bits=1024,
            issuer_curves=_NIST,
            parses_curves=_NIST,
            kinds=frozenset({"RSA", "EC", "Ed25519"}) | _ML_DSA,
        ),
    ),
    "gnutls": Behaviour(
        prefers_current_issuers=False,
        needs_matching_serials=False,
        takes_any_anchor=True,
        most_certificates=16,
        most_bytes=131072,
        suffix_wildcard=True,
        common_name_beside=frozenset({"email"}),
        authority=Authority(
            anchor_without_basic=frozenset({"version 1", "key usage", "nothing"}),
            counts_self_issued=True,
            leaf_usages=frozenset({SERVER_AUTH, ANY_USAGE}),
            issuer_usages=frozenset({SERVER_AUTH, _NETSCAPE_SGC}),
            checks_anchor_usages=False,
            leaf_key_usages=frozenset({"digitalSignature"}),
            critical_extensions=_COMMON
            | {_CRL_POINTS, _AUTHORITY_ACCESS, _SUBJECT_KEY_ID, _AUTHORITY_KEY_ID, _ISSUER_ALT_NAME, _TLS_FEATURE},
        ),
        constraints=Constraints(
            kinds=frozenset({"dns", "ip", "email"}),
            excludes_unknown=frozenset({"uri", "directory"}),
            refuses_unknown=frozenset({"registered-id"}),
            issuers_too=False,
            common_name="always",
            other_family="passes",
            minds_networks=False,
        ),
        strength=Strength(rsa_bits=1024, issuer_curves=_NIST | {"secp192r1"}, weak_curves=frozenset()),
    ),
}
