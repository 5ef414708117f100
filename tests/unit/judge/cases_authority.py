# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the family authority, without name constraints: who may issue, how deep, and for what."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID as E
from cryptography.x509.oid import ObjectIdentifier as O

from tests.pki import Cert
from tests.unit.judge.cases import OPENSSL, SHOP, Row, leaf, tower

BC, KU = x509.BasicConstraints, x509.KeyUsage
D, U = x509.DNSName, x509.UniformResourceIdentifier
_BITS = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign",
         "crl_sign", "encipher_only", "decipher_only")  # fmt: skip


def inter(**fault: object) -> Cert:
    return Cert(issuer="root", **fault)  # type: ignore[arg-type]


def ku(**bits: bool) -> tuple[x509.ExtensionType, bool]:
    return KU(**{bit: bits.get(bit, False) for bit in _BITS}), True


def unknown(critical: bool) -> list[tuple[x509.ExtensionType, bool]]:
    return [(x509.UnrecognizedExtension(O("1.2.3.4.5"), b"\x05\x00"), critical)]


def constraints(permitted: Sequence[x509.GeneralName]) -> list[tuple[x509.ExtensionType, bool]]:
    return [(x509.NameConstraints(permitted, None), True)]


def directory(common_name: str) -> x509.DirectoryName:
    return x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)]))


VALID = (
    Row("intermediate basic constraints not critical", {"inter": inter(extensions=[(BC(True, None), False)])}),
    Row("intermediate without key usage", {"inter": inter(without=[KU])}),
    Row("root without key usage", {"root": Cert(without=[KU])}),
    Row(
        "path length: 0 in the root, leaf below it",
        {"root": Cert(path_length=0), "leaf": leaf(issuer="root")},
        ["leaf"],
    ),
    Row("path length: 0 in the intermediate, leaf below it", {"inter": inter(path_length=0)}),
    Row(
        "path length: 1 in the second issuer, one below it",
        {**tower(2), "i2": Cert(issuer="root", path_length=1)},
        ["leaf", "i1", "i2"],
    ),
    Row(
        "path length: 0, the leaf itself is self-issued",
        {"i2": Cert(issuer="root", path_length=0), "leaf": leaf(issuer="i2", cn="i2")},
        ["leaf", "i2"],
    ),
    Row(
        "path length: 0 in the intermediate, the leaf is a CA's", {"inter": inter(path_length=0), "leaf": leaf(ca=True)}
    ),
    Row("leaf with CA:TRUE", {"leaf": leaf(ca=True)}),
    Row("leaf without basic constraints", {"leaf": leaf(without=[BC])}),
    Row("leaf without key usage", {"leaf": leaf(without=[KU])}),
    Row("leaf without extended key usage", {"leaf": leaf(usages=())}),
    Row("leaf for servers and clients", {"leaf": leaf(usages=[E.SERVER_AUTH, E.CLIENT_AUTH])}),
    Row("intermediate for servers alone", {"inter": inter(usages=[E.SERVER_AUTH])}),
    Row("root for servers alone", {"root": Cert(usages=[E.SERVER_AUTH])}),
    Row(
        "leaf with critical policies",
        {"leaf": leaf(extensions=[(x509.CertificatePolicies([x509.PolicyInformation(O("1.2.3"), None)]), True)])},
    ),
    Row("intermediate with critical inhibitAnyPolicy", {"inter": inter(extensions=[(x509.InhibitAnyPolicy(0), True)])}),
    Row(
        "leaf whose alternative name is critical",
        {"leaf": leaf(extensions=[(x509.SubjectAlternativeName([D(SHOP)]), True)])},
    ),
    Row(
        "intermediate with critical policies",
        {"inter": inter(extensions=[(x509.CertificatePolicies([x509.PolicyInformation(O("1.2.3"), None)]), True)])},
    ),
    Row("leaf for servers and e-mail", {"leaf": leaf(usages=[E.EMAIL_PROTECTION, E.SERVER_AUTH])}),
    Row(
        "basic constraints not critical, no key usage, no key identifiers anywhere",
        {
            "root": Cert(extensions=[(BC(True, None), False)], without=[KU]),
            "inter": inter(extensions=[(BC(True, None), False)], without=[KU], key_ids=False),
            "leaf": leaf(key_ids=False),
        },
    ),
)

FAULTY = (
    Row("intermediate without basic constraints", {"inter": inter(without=[BC])}, found=[("not-a-ca", "error", 1)]),
    Row(
        "intermediate without basic constraints and key usage",
        {"inter": inter(without=[BC, KU])},
        found=[("not-a-ca", "error", 1)],
    ),
    Row(
        "intermediate key usage without keyCertSign",
        {"inter": inter(extensions=[ku(digital_signature=True)])},
        found=[("wrong-key-usage", "error", 1)],
    ),
    Row(
        "intermediate with CA:FALSE and keyCertSign",
        {"inter": inter(ca=False, extensions=[ku(key_cert_sign=True)])},
        found=[("not-a-ca", "error", 1)],
    ),
    Row(
        "root key usage without keyCertSign",
        {"root": Cert(extensions=[ku(digital_signature=True)])},
        found=[("wrong-key-usage", "error", None)],
    ),
    Row(
        "root without basic constraints",
        {"root": Cert(without=[BC])},
        found=[("not-a-ca", "error", None)],
        refusing=["java", "go"],
    ),
    Row(
        "root without basic constraints and key usage",
        {"root": Cert(without=[BC, KU])},
        found=[("not-a-ca", "error", None)],
        refusing=[*OPENSSL, "java", "go"],
    ),
    Row("root with CA:FALSE", {"root": Cert(ca=False)}, found=[("not-a-ca", "error", None)]),
    Row(
        "root without any extension",
        {"root": Cert(without=[BC, KU], key_ids=False)},
        found=[("not-a-ca", "error", None)],
        refusing=[*OPENSSL, "java", "go"],
    ),
    Row(
        "root with CA:FALSE, leaf below it",
        {"root": Cert(ca=False), "leaf": leaf(issuer="root")},
        ["leaf"],
        found=[("not-a-ca", "error", None)],
    ),
    Row(
        "root whose key usage lacks keyCertSign, leaf below it",
        {"root": Cert(extensions=[ku(digital_signature=True)]), "leaf": leaf(issuer="root")},
        ["leaf"],
        found=[("wrong-key-usage", "error", None)],
    ),
    Row(
        "path length: 0 in the root, one intermediate",
        {"root": Cert(path_length=0)},
        found=[("path-length-exceeded", "error", None)],
        refusing=[*OPENSSL, "go", "gnutls"],
    ),
    Row(
        "path length: 0 in the second issuer, one below it",
        {**tower(2), "i2": Cert(issuer="root", path_length=0)},
        ["leaf", "i1", "i2"],
        found=[("path-length-exceeded", "error", 2)],
    ),
    Row(
        "path length: 1 in the third issuer, two below it",
        {**tower(3), "i3": Cert(issuer="root", path_length=1)},
        ["leaf", "i1", "i2", "i3"],
        found=[("path-length-exceeded", "error", 3)],
    ),
    Row(
        "path length: a self-issued intermediate does not count",
        {"i2": Cert(issuer="root", path_length=0), "i1": Cert(issuer="i2", cn="i2"), "leaf": leaf(issuer="i1")},
        ["leaf", "i1", "i2"],
        found=[("path-length-exceeded", "error", 2)],
        refusing=["go", "gnutls"],
    ),
    Row(
        "leaf for clients alone",
        {"leaf": leaf(usages=[E.CLIENT_AUTH])},
        found=[("wrong-extended-key-usage", "error", 0)],
    ),
    Row(
        "leaf for any usage",
        {"leaf": leaf(usages=[E.ANY_EXTENDED_KEY_USAGE])},
        found=[("wrong-extended-key-usage", "error", 0)],
        refusing=OPENSSL,
    ),
    Row(
        "leaf for clients alone, critical",
        {"leaf": leaf(extensions=[(x509.ExtendedKeyUsage([E.CLIENT_AUTH]), True)])},
        found=[("wrong-extended-key-usage", "error", 0)],
    ),
    Row(
        "leaf for Microsoft's server-gated cryptography",
        {"leaf": leaf(usages=[O("1.3.6.1.4.1.311.10.3.3")])},
        found=[("wrong-extended-key-usage", "error", 0)],
        refusing=["go", "gnutls"],
    ),
    Row(
        "leaf for Netscape's server-gated cryptography",
        {"leaf": leaf(usages=[O("2.16.840.1.113730.4.1")])},
        found=[("wrong-extended-key-usage", "error", 0)],
        refusing=["go", "gnutls"],
    ),
    Row(
        "intermediate for clients alone",
        {"inter": inter(usages=[E.CLIENT_AUTH])},
        found=[("wrong-extended-key-usage", "error", 1)],
        refusing=[*OPENSSL, "go", "gnutls"],
    ),
    Row(
        "intermediate for clients alone, critical",
        {"inter": inter(extensions=[(x509.ExtendedKeyUsage([E.CLIENT_AUTH]), True)])},
        found=[("wrong-extended-key-usage", "error", 1)],
        refusing=[*OPENSSL, "go", "gnutls"],
    ),
    Row(
        "intermediate for any usage",
        {"inter": inter(usages=[E.ANY_EXTENDED_KEY_USAGE])},
        found=[("wrong-extended-key-usage", "error", 1)],
        refusing=[*OPENSSL, "gnutls"],
    ),
    Row(
        "intermediate for Microsoft's server-gated cryptography",
        {"inter": inter(usages=[O("1.3.6.1.4.1.311.10.3.3")])},
        found=[("wrong-extended-key-usage", "error", 1)],
        refusing=["go", "gnutls"],
    ),
    Row(
        "intermediate for Netscape's server-gated cryptography",
        {"inter": inter(usages=[O("2.16.840.1.113730.4.1")])},
        found=[("wrong-extended-key-usage", "error", 1)],
        refusing=["go"],
    ),
    Row(
        "intermediate for e-mail",
        {"inter": inter(usages=[E.EMAIL_PROTECTION])},
        found=[("wrong-extended-key-usage", "error", 1)],
        refusing=[*OPENSSL, "go", "gnutls"],
    ),
    Row(
        "second intermediate for clients alone",
        {**tower(2), "i2": Cert(issuer="root", usages=[E.CLIENT_AUTH])},
        ["leaf", "i1", "i2"],
        found=[("wrong-extended-key-usage", "error", 2)],
        refusing=[*OPENSSL, "go", "gnutls"],
    ),
    Row(
        "root for clients alone",
        {"root": Cert(usages=[E.CLIENT_AUTH])},
        found=[("wrong-extended-key-usage", "error", None)],
        refusing=[*OPENSSL, "go"],
    ),
    Row(
        "leaf with keyCertSign alone",
        {"leaf": leaf(extensions=[ku(key_cert_sign=True)])},
        found=[("wrong-key-usage", "error", 0)],
        refusing=[*OPENSSL, "java", "gnutls"],
    ),
    Row(
        "leaf with keyEncipherment alone, ECDSA",
        {"leaf": leaf(extensions=[ku(key_encipherment=True)])},
        found=[("wrong-key-usage", "error", 0)],
        refusing=["java", "gnutls"],
    ),
    Row(
        "leaf with keyAgreement alone, ECDSA",
        {"leaf": leaf(extensions=[ku(key_agreement=True)])},
        found=[("wrong-key-usage", "error", 0)],
        refusing=["java", "gnutls"],
    ),
    Row(
        "leaf with keyEncipherment alone, RSA",
        {"leaf": leaf(key_type="rsa2048", extensions=[ku(key_encipherment=True)])},
        found=[("wrong-key-usage", "error", 0)],
        refusing=["java", "gnutls"],
    ),
    Row(
        "leaf with nonRepudiation alone",
        {"leaf": leaf(extensions=[ku(content_commitment=True)])},
        found=[("wrong-key-usage", "error", 0)],
        refusing=[*OPENSSL, "java", "gnutls"],
    ),
    Row(
        "leaf with cRLSign alone",
        {"leaf": leaf(extensions=[ku(crl_sign=True)])},
        found=[("wrong-key-usage", "error", 0)],
        refusing=[*OPENSSL, "java", "gnutls"],
    ),
    Row(
        "leaf with keyCertSign alone, not critical",
        {"leaf": leaf(extensions=[(ku(key_cert_sign=True)[0], False)])},
        found=[("wrong-key-usage", "error", 0)],
        refusing=[*OPENSSL, "java", "gnutls"],
    ),
    Row(
        "leaf with an unknown critical extension",
        {"leaf": leaf(extensions=unknown(True))},
        found=[("unknown-critical-extension", "error", 0)],
    ),
    Row(
        "intermediate with an unknown critical extension",
        {"inter": inter(extensions=unknown(True))},
        found=[("unknown-critical-extension", "error", 1)],
    ),
    Row(
        "root with an unknown critical extension",
        {"root": Cert(extensions=unknown(True))},
        found=[("unknown-critical-extension", "error", None)],
        refusing=[*OPENSSL, "go", "gnutls"],
    ),
    Row(
        "root with an unknown critical extension, served",
        {"root": Cert(extensions=unknown(True))},
        ["leaf", "inter", "root"],
        found=[("unknown-critical-extension", "error", None), ("root-served", "notice", 2)],
        refusing=[*OPENSSL, "go", "gnutls"],
    ),
    Row(
        "intermediate with requireExplicitPolicy, policies there",
        {
            "inter": inter(
                extensions=[
                    (x509.PolicyConstraints(0, None), True),
                    (x509.CertificatePolicies([x509.PolicyInformation(O("1.2.3"), None)]), False),
                ]
            ),
            "leaf": leaf(extensions=[(x509.CertificatePolicies([x509.PolicyInformation(O("1.2.3"), None)]), False)]),
        },
        found=[("unknown-critical-extension", "error", 1)],
        refusing=["gnutls"],
    ),
    Row(
        "intermediate with inhibitPolicyMapping",
        {"inter": inter(extensions=[(x509.PolicyConstraints(None, 0), True)])},
        found=[("unknown-critical-extension", "error", 1)],
        refusing=["gnutls"],
    ),
    Row(
        "leaf with critical authorityInfoAccess",
        {
            "leaf": leaf(
                extensions=[
                    (
                        x509.AuthorityInformationAccess(
                            [
                                x509.AccessDescription(
                                    x509.oid.AuthorityInformationAccessOID.CA_ISSUERS,
                                    x509.UniformResourceIdentifier("http://a/b"),
                                )
                            ]
                        ),
                        True,
                    )
                ]
            )
        },
        found=[("unknown-critical-extension", "error", 0)],
        refusing=[*OPENSSL, "java", "go"],
    ),
    Row(
        "leaf with critical cRLDistributionPoints",
        {
            "leaf": leaf(
                extensions=[
                    (
                        x509.CRLDistributionPoints(
                            [x509.DistributionPoint([x509.UniformResourceIdentifier("http://a/b")], None, None, None)]
                        ),
                        True,
                    )
                ]
            )
        },
        found=[("unknown-critical-extension", "error", 0)],
        refusing=["java"],
    ),
    Row(
        "a precertificate as leaf",
        {"leaf": leaf(extensions=[(x509.PrecertPoison(), True)])},
        found=[("unknown-critical-extension", "error", 0)],
    ),
    Row(
        "leaf with critical ocsp-nocheck",
        {"leaf": leaf(extensions=[(x509.OCSPNoCheck(), True)])},
        found=[("unknown-critical-extension", "error", 0)],
        refusing=["java", "go", "gnutls"],
    ),
    Row(
        "leaf with critical subjectKeyIdentifier",
        {"leaf": leaf(extensions=[(x509.SubjectKeyIdentifier(b"abc"), True)])},
        found=[("unknown-critical-extension", "error", 0)],
        refusing=[*OPENSSL, "java", "go"],
    ),
    Row(
        "leaf with critical issuerAltName",
        {"leaf": leaf(extensions=[(x509.IssuerAlternativeName([D("x")]), True)])},
        found=[("unknown-critical-extension", "error", 0)],
        refusing=[*OPENSSL, "java", "go"],
    ),
    Row(
        "authority key identifier with another serial number",
        {"leaf": leaf(key_ids=False, extensions=[(x509.AuthorityKeyIdentifier(None, [directory("root")], 5), False)])},
        found=[("unknown-issuer", "error", 0)],
        refusing=OPENSSL,
    ),
    Row(
        "leaf with critical nsCertType",
        {
            "leaf": leaf(
                extensions=[(x509.UnrecognizedExtension(O("2.16.840.1.113730.1.1"), b"\x03\x02\x06\x40"), True)]
            )
        },
        found=[("unknown-critical-extension", "error", 0)],
        refusing=["java", "go", "gnutls"],
    ),
    Row(
        "leaf with critical freshestCRL",
        {
            "leaf": leaf(
                extensions=[
                    (
                        x509.FreshestCRL(
                            [x509.DistributionPoint([x509.UniformResourceIdentifier("http://a/b")], None, None, None)]
                        ),
                        True,
                    )
                ]
            )
        },
        found=[("unknown-critical-extension", "error", 0)],
    ),
    Row(
        "leaf with critical authorityKeyIdentifier",
        {"leaf": leaf(extensions=[(x509.AuthorityKeyIdentifier(b"x" * 20, None, None), True)], key_ids=False)},
        found=[("unknown-issuer", "error", 0), ("unknown-critical-extension", "error", 0)],
    ),
    Row(
        "leaf with critical timestamps (SCT)",
        {
            "leaf": leaf(
                extensions=[(x509.UnrecognizedExtension(O("1.3.6.1.4.1.11129.2.4.2"), b"\x04\x02\x00\x00"), True)]
            )
        },
        found=[("unknown-critical-extension", "error", 0)],
    ),
    Row(
        "an extra with an unknown critical extension",
        {"x": Cert(issuer="root", extensions=unknown(True))},
        ["leaf", "inter", "x"],
        found=[("unrelated-certificate", "notice", 2)],
    ),
    Row(
        "an extra with critical authorityInfoAccess",
        {"x": Cert(issuer="root", extensions=[(x509.SubjectKeyIdentifier(b"abc"), True)])},
        ["leaf", "inter", "x"],
        found=[("unknown-critical-extension", "error", 2), ("unrelated-certificate", "notice", 2)],
        refusing=["go"],
    ),
    Row(
        "two cross-signs, the first exceeds a path length",
        {"root2": Cert(path_length=0), "cross": Cert(issuer="root2", like="inter")},
        ["leaf", "cross", "inter"],
        ["root", "root2"],
        found=[("shadowed-issuer", "error", 1)],
        refusing=[*OPENSSL, "gnutls"],
    ),
    Row(
        "in front: the intermediate for clients alone",
        {"x": Cert(issuer="root", like="inter", usages=[E.CLIENT_AUTH])},
        ["leaf", "x", "inter"],
        found=[("shadowed-issuer", "error", 1)],
        refusing=[*OPENSSL, "gnutls"],
    ),
    Row(
        "in front: the intermediate for other names",
        {"x": Cert(issuer="root", like="inter", extensions=constraints([D("example.org")]))},
        ["leaf", "x", "inter"],
        found=[("shadowed-issuer", "error", 1)],
        refusing=[*OPENSSL, "gnutls"],
    ),
    Row(
        "in front: the intermediate without keyCertSign",
        {"x": Cert(issuer="root", like="inter", extensions=[ku(digital_signature=True)])},
        ["leaf", "x", "inter"],
        found=[("shadowed-issuer", "error", 1)],
        refusing=[*OPENSSL, "gnutls"],
    ),
    Row(
        "in front: the intermediate with an unknown critical extension",
        {"x": Cert(issuer="root", like="inter", extensions=unknown(True))},
        ["leaf", "x", "inter"],
        found=[("shadowed-issuer", "error", 1)],
        refusing=[*OPENSSL, "gnutls"],
    ),
    Row(
        "in front: the intermediate that exceeds a path length",
        {**tower(2), "x": Cert(issuer="root", like="i2", path_length=0)},
        ["leaf", "i1", "x", "i2"],
        found=[("shadowed-issuer", "error", 2)],
        refusing=[*OPENSSL, "gnutls"],
    ),
)
