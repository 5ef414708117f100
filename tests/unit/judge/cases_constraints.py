# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of name constraints: which names an issuer may issue for."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network

from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier as O

from tests.pki import Cert
from tests.unit.judge.cases import OPENSSL, SHOP, Row, leaf, tower

D, M, U = x509.DNSName, x509.RFC822Name, x509.UniformResourceIdentifier


def inter(**fault: object) -> Cert:
    return Cert(issuer="root", **fault)  # type: ignore[arg-type]


def net(text: str) -> x509.IPAddress:
    return x509.IPAddress(ip_network(text))


def directory(common_name: str) -> x509.DirectoryName:
    return x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)]))


def constraints(
    permitted: Sequence[x509.GeneralName] | None = None,
    excluded: Sequence[x509.GeneralName] | None = None,
    crit: bool = True,
) -> list[tuple[x509.ExtensionType, bool]]:
    return [(x509.NameConstraints(permitted, excluded), crit)]


def with_names(*names: x509.GeneralName) -> Cert:
    return leaf(extensions=[(x509.SubjectAlternativeName(names), False)])


VALID = (
    Row("constraints: intermediate permitted ok", {"inter": inter(extensions=constraints([D("example.com")]))}),
    Row("constraints: intermediate permitted ok dot", {"inter": inter(extensions=constraints([D(".example.com")]))}),
    Row("constraints: intermediate excluded other", {"inter": inter(extensions=constraints(None, [D("example.org")]))}),
    Row("constraints: permitted two", {"inter": inter(extensions=constraints([D("example.org"), D("example.com")]))}),
    Row(
        "constraints: wildcard leaf permitted base",
        {"inter": inter(extensions=constraints([D("example.com")])), "leaf": leaf("*.example.com")},
    ),
    Row(
        "constraints: case",
        {"inter": inter(extensions=constraints([D("EXAMPLE.com")])), "leaf": leaf("shop.Example.com")},
    ),
    Row(
        "constraints: ip permitted ok",
        {"inter": inter(extensions=constraints([net("192.0.2.0/24")])), "leaf": leaf("192.0.2.7")},
        server_name="192.0.2.7",
    ),
    Row("constraints: ip only, leaf dns", {"inter": inter(extensions=constraints([net("192.0.2.0/24")]))}),
    Row("constraints: email permitted", {"inter": inter(extensions=constraints([x509.RFC822Name("example.org")]))}),
    Row(
        "constraints: uri excluded irrelevant",
        {"inter": inter(extensions=constraints(None, [x509.UniformResourceIdentifier("example.org")]))},
    ),
    Row("constraints: on leaf itself", {"leaf": leaf(extensions=constraints([D("example.org")]))}),
    Row(
        "constraints: directory not critical, permitted own",
        {"inter": inter(extensions=constraints([directory("leaf")], crit=False))},
    ),
    Row(
        "constraints: leaf ip common name dotted, dns permit ok",
        {"inter": inter(extensions=constraints([D("example.com")])), "leaf": leaf("192.0.2.7", cn=SHOP)},
        server_name="192.0.2.7",
    ),
    Row(
        "constraints: leaf ip empty subject, dns permit",
        {"inter": inter(extensions=constraints([D("example.com")])), "leaf": leaf("192.0.2.7", cn="")},
        server_name="192.0.2.7",
    ),
    Row(
        "constraints: leaf ip common name simple, dns exclude other",
        {"inter": inter(extensions=constraints(None, [D("example.com")])), "leaf": leaf("192.0.2.7")},
        server_name="192.0.2.7",
    ),
    Row(
        "constraints: leaf dns ok, common name violates",
        {"inter": inter(extensions=constraints([D("example.com")])), "leaf": leaf(cn="www.example.org")},
    ),
    Row(
        "constraints: leaf dns ok, common name excluded",
        {"inter": inter(extensions=constraints(None, [D("example.org")])), "leaf": leaf(cn="www.example.org")},
    ),
    Row(
        "constraints: email alternative name ok",
        {"inter": inter(extensions=constraints([M("example.org")])), "leaf": with_names(D(SHOP), M("a@example.org"))},
    ),
    Row(
        "constraints: email excluded other",
        {
            "inter": inter(extensions=constraints(None, [M("example.org")])),
            "leaf": with_names(D(SHOP), M("a@example.com")),
        },
    ),
    Row(
        "constraints: uri alternative name ok exact",
        {
            "inter": inter(extensions=constraints([U("x.example.com")])),
            "leaf": with_names(D(SHOP), U("https://x.example.com/")),
        },
    ),
    Row(
        "constraints: uri alternative name host sub, dot",
        {
            "inter": inter(extensions=constraints([U(".example.com")])),
            "leaf": with_names(D(SHOP), U("https://x.example.com/")),
        },
    ),
    Row(
        "constraints: uri spiffe alternative name, dns constraints:",
        {"inter": inter(extensions=constraints([D("example.com")])), "leaf": with_names(D(SHOP), U("spiffe://td/x"))},
    ),
    Row(
        "constraints: ip alternative name beside dns, dns permitted only",
        {"inter": inter(extensions=constraints([D("example.com")])), "leaf": leaf(SHOP, "192.0.2.7")},
    ),
    Row(
        "constraints: dns, ip excluded all (typical)",
        {"inter": inter(extensions=constraints([D("example.com")], [net("0.0.0.0/0"), net("::/0")]))},
    ),
    Row(
        "constraints: dns + no email typical",
        {"inter": inter(extensions=constraints([D("example.com"), M("example.com")], None))},
    ),
    Row(
        "constraints: v6 ok",
        {"inter": inter(extensions=constraints([net("2001:db8::/32")])), "leaf": leaf("2001:db8::7")},
        server_name="2001:db8::7",
    ),
    Row(
        "constraints: v4+v6 permitted, v6 leaf",
        {
            "inter": inter(extensions=constraints([net("192.0.2.0/24"), net("2001:db8::/32")])),
            "leaf": leaf("2001:db8::7"),
        },
        server_name="2001:db8::7",
    ),
    Row(
        "constraints: v4+v6 permitted, v4 leaf",
        {
            "inter": inter(extensions=constraints([net("192.0.2.0/24"), net("2001:db8::/32")])),
            "leaf": leaf("192.0.2.7"),
        },
        server_name="192.0.2.7",
    ),
    Row(
        "constraints: v6 excluded, v4 leaf",
        {"inter": inter(extensions=constraints(None, [net("2001:db8::/32")])), "leaf": leaf("192.0.2.7")},
        server_name="192.0.2.7",
    ),
    Row("constraints: permitted host itself", {"inter": inter(extensions=constraints([D("shop.example.com")]))}),
    Row(
        "constraints: excluded dot form, base name",
        {"inter": inter(extensions=constraints(None, [D(".example.com")])), "leaf": leaf("example.com")},
        server_name="example.com",
    ),
    Row(
        "constraints: permitted dot form, wildcard",
        {"inter": inter(extensions=constraints([D(".example.com")])), "leaf": leaf("*.example.com")},
    ),
)

FAULTY = (
    Row(
        "constraints: more to compare than OpenSSL and GnuTLS do",
        {
            "inter": inter(extensions=constraints(None, [D(f"e{n}.example.com") for n in range(1500)])),
            "leaf": leaf(SHOP, *(f"h{n}.shop.example.com" for n in range(700))),
        },
        found=[("name-constraint-violated", "error", 0), ("chain-too-long", "notice", None)],
        refusing=[*OPENSSL, "gnutls"],
        clients=[*OPENSSL, "go", "gnutls"],  # Java refuses so many bytes
    ),
    Row(
        "a network among the names",
        {"leaf": with_names(D(SHOP), net("192.0.2.0/25"))},
        found=[("malformed-certificate", "error", 0)],
        refusing=["go"],
    ),
    Row(
        "constraints: a network among the names, within what is permitted",
        {
            "inter": inter(extensions=constraints([net("192.0.2.0/24")])),
            "leaf": with_names(D(SHOP), net("192.0.2.0/25")),
        },
        found=[("malformed-certificate", "error", 0), ("name-constraint-violated", "error", 0)],
        refusing=[*OPENSSL, "go"],
        one_fault=False,
    ),
    Row(
        "constraints: a network among the names, another is excluded",
        {
            "inter": inter(extensions=constraints(None, [net("198.51.100.0/24")])),
            "leaf": with_names(D(SHOP), net("192.0.2.0/25")),
        },
        found=[("malformed-certificate", "error", 0), ("name-constraint-violated", "error", 0)],
        refusing=[*OPENSSL, "go"],
        one_fault=False,
    ),
    Row(
        "constraints: intermediate permitted dot, name is base",
        {"inter": inter(extensions=constraints([D(".example.com")])), "leaf": leaf("example.com")},
        server_name="example.com",
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: intermediate permitted other",
        {"inter": inter(extensions=constraints([D("example.org")]))},
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: intermediate permitted other not critical",
        {"inter": inter(extensions=constraints([D("example.org")], crit=False))},
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: intermediate permitted suffix without dot",
        {"inter": inter(extensions=constraints([D("op.example.com")]))},
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: intermediate excluded",
        {"inter": inter(extensions=constraints(None, [D("example.com")]))},
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: intermediate excluded exact",
        {"inter": inter(extensions=constraints(None, [D("shop.example.com")]))},
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: permitted empty dns (all)",
        {"inter": inter(extensions=constraints([D("")]))},
        found=[("name-constraint-violated", "error", 0)],
        refusing=["java"],
    ),
    Row(
        "constraints: excluded empty dns (all)",
        {"inter": inter(extensions=constraints(None, [D("")]))},
        found=[("name-constraint-violated", "error", 0), ("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: one of several alternative names violates",
        {"inter": inter(extensions=constraints([D("example.com")])), "leaf": leaf(SHOP, "www.example.org")},
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: wildcard leaf permitted narrower",
        {"inter": inter(extensions=constraints([D("shop.example.com")])), "leaf": leaf("*.example.com")},
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: wildcard leaf excluded narrower",
        {"inter": inter(extensions=constraints(None, [D("www.example.com")])), "leaf": leaf("*.example.com")},
        found=[("name-constraint-violated", "error", 0)],
        refusing=["go"],
    ),
    Row(
        "constraints: wildcard leaf excluded base",
        {"inter": inter(extensions=constraints(None, [D("example.com")])), "leaf": leaf("*.example.com")},
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: root permitted other in the anchor",
        {"root": Cert(extensions=constraints([D("example.org")]))},
        found=[("name-constraint-violated", "error", 0)],
        refusing=[*OPENSSL, "go", "gnutls"],
    ),
    Row(
        "constraints: root excluded in the anchor",
        {"root": Cert(extensions=constraints(None, [D("example.com")]))},
        found=[("name-constraint-violated", "error", 0)],
        refusing=[*OPENSSL, "go", "gnutls"],
    ),
    Row(
        "constraints: root served too",
        {"root": Cert(extensions=constraints([D("example.org")]))},
        ["leaf", "inter", "root"],
        found=[("name-constraint-violated", "error", 0), ("root-served", "notice", 2)],
        refusing=[*OPENSSL, "go", "gnutls"],
    ),
    Row(
        "constraints: ip permitted other",
        {"inter": inter(extensions=constraints([net("198.51.100.0/24")])), "leaf": leaf("192.0.2.7")},
        server_name="192.0.2.7",
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: ip excluded",
        {"inter": inter(extensions=constraints(None, [net("192.0.2.0/24")])), "leaf": leaf("192.0.2.7")},
        server_name="192.0.2.7",
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: ip excluded all v4, leaf v6",
        {"inter": inter(extensions=constraints(None, [net("0.0.0.0/0")])), "leaf": leaf("2001:db8::7")},
        server_name="2001:db8::7",
        found=[("name-constraint-violated", "error", 0)],
        refusing=["java"],
    ),
    Row(
        "constraints: ip permitted v4, leaf v6",
        {"inter": inter(extensions=constraints([net("192.0.2.0/24")])), "leaf": leaf("2001:db8::7")},
        server_name="2001:db8::7",
        found=[("name-constraint-violated", "error", 0)],
        refusing=[*OPENSSL, "java", "go"],
    ),
    Row(
        "constraints: dns only, leaf ip",
        {"inter": inter(extensions=constraints([D("example.com")])), "leaf": leaf("192.0.2.7")},
        server_name="192.0.2.7",
        found=[("name-constraint-violated", "error", 0)],
        refusing=["java", "gnutls"],
    ),
    Row(
        "constraints: directory permitted other",
        {"inter": inter(extensions=constraints([directory("nobody")]))},
        found=[("name-constraint-violated", "error", 0), ("unknown-critical-extension", "error", 1)],
        refusing=[*OPENSSL, "java", "go"],
    ),
    Row(
        "constraints: directory permitted own",
        {"inter": inter(extensions=constraints([directory("leaf")]))},
        found=[("unknown-critical-extension", "error", 1)],
        refusing=["go"],
    ),
    Row(
        "constraints: directory permitted other, leaf empty subject",
        {"inter": inter(extensions=constraints([directory("nobody")])), "leaf": leaf(cn="")},
        found=[("unknown-critical-extension", "error", 1)],
        refusing=["go"],
    ),
    Row(
        "constraints: directory excluded own",
        {"inter": inter(extensions=constraints(None, [directory("leaf")]))},
        found=[("name-constraint-violated", "error", 0), ("unknown-critical-extension", "error", 1)],
    ),
    Row(
        "constraints: directory permitted empty DN",
        {"inter": inter(extensions=constraints([x509.DirectoryName(x509.Name([]))]))},
        found=[("unknown-critical-extension", "error", 1)],
        refusing=["go"],
    ),
    Row(
        "constraints: registered id",
        {"inter": inter(extensions=constraints([x509.RegisteredID(O("1.2.3"))]))},
        found=[("name-constraint-violated", "error", 0), ("unknown-critical-extension", "error", 1)],
        refusing=["go", "gnutls"],
    ),
    Row(
        "constraints: registered id not critical,",
        {"inter": inter(extensions=constraints([x509.RegisteredID(O("1.2.3"))], crit=False))},
        found=[("name-constraint-violated", "error", 0)],
        refusing=["gnutls"],
    ),
    Row(
        "constraints: no alternative name, common name permitted other",
        {"inter": inter(extensions=constraints([D("example.org")])), "leaf": Cert(issuer="inter", ca=False, cn=SHOP)},
        found=[("name-constraint-violated", "error", 0), ("no-subject-alt-name", "error", 0)],
    ),
    Row(
        "constraints: no alternative name, common name permitted ok",
        {"inter": inter(extensions=constraints([D("example.com")])), "leaf": Cert(issuer="inter", ca=False, cn=SHOP)},
        found=[("no-subject-alt-name", "error", 0)],
        refusing=["go"],
    ),
    Row(
        "constraints: on second intermediate",
        {**tower(2), "i2": Cert(issuer="root", extensions=constraints([D("example.org")]))},
        ["leaf", "i1", "i2"],
        found=[("name-constraint-violated", "error", 0), ("name-constraint-violated", "error", 1)],
    ),
    Row(
        "constraints: directory on second intermediate, violated by issuer 1",
        {**tower(2), "i2": Cert(issuer="root", extensions=constraints([directory("leaf")]))},
        ["leaf", "i1", "i2"],
        found=[("name-constraint-violated", "error", 1), ("unknown-critical-extension", "error", 2)],
        refusing=[*OPENSSL, "java", "go"],
    ),
    Row(
        "constraints: directory not critical, permitted other",
        {"inter": inter(extensions=constraints([directory("nobody")], crit=False))},
        found=[("name-constraint-violated", "error", 0)],
        refusing=[*OPENSSL, "java"],
    ),
    Row(
        "constraints: directory excluded other",
        {"inter": inter(extensions=constraints(None, [directory("nobody")]))},
        found=[("name-constraint-violated", "error", 0), ("unknown-critical-extension", "error", 1)],
        refusing=["go", "gnutls"],
    ),
    Row(
        "constraints: directory not critical, excluded own",
        {"inter": inter(extensions=constraints(None, [directory("leaf")], crit=False))},
        found=[("name-constraint-violated", "error", 0)],
        refusing=[*OPENSSL, "java", "gnutls"],
    ),
    Row(
        "constraints: directory excluded, leaf empty",
        {"inter": inter(extensions=constraints(None, [directory("nobody")])), "leaf": leaf(cn="")},
        found=[("name-constraint-violated", "error", 0), ("unknown-critical-extension", "error", 1)],
        refusing=["go", "gnutls"],
    ),
    Row(
        "constraints: directory + dns permitted, both ok",
        {"inter": inter(extensions=constraints([directory("leaf"), D("example.com")]))},
        found=[("unknown-critical-extension", "error", 1)],
        refusing=["go"],
    ),
    Row(
        "constraints: registered excluded",
        {"inter": inter(extensions=constraints(None, [x509.RegisteredID(O("1.2.3"))]))},
        found=[("name-constraint-violated", "error", 0), ("unknown-critical-extension", "error", 1)],
        refusing=["go", "gnutls"],
    ),
    Row(
        "constraints: registered permitted+dns ok",
        {"inter": inter(extensions=constraints([x509.RegisteredID(O("1.2.3")), D("example.com")]))},
        found=[("name-constraint-violated", "error", 0), ("unknown-critical-extension", "error", 1)],
        refusing=["go", "gnutls"],
    ),
    Row(
        "constraints: leaf ip common name dotted, dns only permit other",
        {"inter": inter(extensions=constraints([D("example.org")])), "leaf": leaf("192.0.2.7", cn=SHOP)},
        server_name="192.0.2.7",
        found=[("name-constraint-violated", "error", 0)],
        refusing=[*OPENSSL, "java", "gnutls"],
    ),
    Row(
        "constraints: leaf ip common name spaces, dns permit",
        {"inter": inter(extensions=constraints([D("example.com")])), "leaf": leaf("192.0.2.7", cn="My Server")},
        server_name="192.0.2.7",
        found=[("name-constraint-violated", "error", 0)],
        refusing=["gnutls"],
    ),
    Row(
        "constraints: email alternative name violates",
        {"inter": inter(extensions=constraints([M("example.org")])), "leaf": with_names(D(SHOP), M("a@example.com"))},
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: email excluded",
        {
            "inter": inter(extensions=constraints(None, [M("example.com")])),
            "leaf": with_names(D(SHOP), M("a@example.com")),
        },
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: email excluded address",
        {
            "inter": inter(extensions=constraints(None, [M("a@example.com")])),
            "leaf": with_names(D(SHOP), M("a@example.com")),
        },
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: uri alternative name violates",
        {
            "inter": inter(extensions=constraints([U("example.org")])),
            "leaf": with_names(D(SHOP), U("https://x.example.com/")),
        },
        found=[("name-constraint-violated", "error", 0)],
        refusing=[*OPENSSL, "java", "go"],
    ),
    Row(
        "constraints: uri alternative name host sub, no dot",
        {
            "inter": inter(extensions=constraints([U("example.com")])),
            "leaf": with_names(D(SHOP), U("https://x.example.com/")),
        },
        found=[("name-constraint-violated", "error", 0)],
        refusing=[*OPENSSL, "java"],
    ),
    Row(
        "constraints: uri excluded exact",
        {
            "inter": inter(extensions=constraints(None, [U("x.example.com")])),
            "leaf": with_names(D(SHOP), U("https://x.example.com/")),
        },
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: ip+dns, ip excluded all",
        {
            "inter": inter(extensions=constraints([D("example.com")], [net("0.0.0.0/0"), net("::/0")])),
            "leaf": leaf(SHOP, "192.0.2.7"),
        },
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: v6 permitted, v4 leaf",
        {"inter": inter(extensions=constraints([net("2001:db8::/32")])), "leaf": leaf("192.0.2.7")},
        server_name="192.0.2.7",
        found=[("name-constraint-violated", "error", 0)],
        refusing=[*OPENSSL, "java", "go"],
    ),
    Row(
        "constraints: two intermediates, each permits, disjoint",
        {
            **tower(2),
            "i1": Cert(issuer="i2", extensions=constraints([D("example.com")])),
            "i2": Cert(issuer="root", extensions=constraints([D("example.org")])),
        },
        ["leaf", "i1", "i2"],
        found=[("name-constraint-violated", "error", 0), ("name-constraint-violated", "error", 1)],
    ),
    Row(
        "constraints: two intermediates nested",
        {
            **tower(2),
            "i1": Cert(issuer="i2", extensions=constraints([D("shop.example.com")])),
            "i2": Cert(issuer="root", extensions=constraints([D("example.com")])),
        },
        ["leaf", "i1", "i2"],
        found=[("name-constraint-violated", "error", 1)],
        refusing=["java"],
    ),
    Row(
        "constraints: excluded dot form, sub",
        {"inter": inter(extensions=constraints(None, [D(".example.com")]))},
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: excluded dot form, wildcard",
        {"inter": inter(extensions=constraints(None, [D(".example.com")])), "leaf": leaf("*.example.com")},
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: ca subject dns-like common name violates",
        {
            **tower(2),
            "i2": Cert(issuer="root", extensions=constraints([D("example.com")])),
            "i1": Cert(issuer="i2", cn="ca.example.org"),
        },
        ["leaf", "i1", "i2"],
        found=[("name-constraint-violated", "error", 1)],
        refusing=["java"],
    ),
    Row(
        "constraints: intermediate CN violates directory of root excluded",
        {"root": Cert(extensions=constraints(None, [directory("inter")]))},
        found=[
            ("name-constraint-violated", "error", 0),
            ("name-constraint-violated", "error", 1),
            ("unknown-critical-extension", "error", None),
        ],
        refusing=[*OPENSSL, "go", "gnutls"],
    ),
    Row(
        "constraints: othername in constraints:",
        {"inter": inter(extensions=constraints([x509.OtherName(O("1.3.6.1.4.1.311.20.2.3"), b"\x0c\x01a")]))},
        found=[("unknown-critical-extension", "error", 1)],
        refusing=["go"],
    ),
)
