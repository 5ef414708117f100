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
    Row("constraints: example.com permitted", {"inter": inter(extensions=constraints([D("example.com")]))}),
    Row("constraints: .example.com permitted", {"inter": inter(extensions=constraints([D(".example.com")]))}),
    Row("constraints: example.org excluded", {"inter": inter(extensions=constraints(None, [D("example.org")]))}),
    Row("constraints: two permitted", {"inter": inter(extensions=constraints([D("example.org"), D("example.com")]))}),
    Row(
        "constraints: example.com permitted, a wildcard below it",
        {"inter": inter(extensions=constraints([D("example.com")])), "leaf": leaf("*.example.com")},
    ),
    Row(
        "constraints: capitals",
        {"inter": inter(extensions=constraints([D("EXAMPLE.com")])), "leaf": leaf("shop.Example.com")},
    ),
    Row(
        "constraints: a network permitted, an address of it",
        {"inter": inter(extensions=constraints([net("192.0.2.0/24")])), "leaf": leaf("192.0.2.7")},
        server_name="192.0.2.7",
    ),
    Row(
        "constraints: a network permitted, a hostname", {"inter": inter(extensions=constraints([net("192.0.2.0/24")]))}
    ),
    Row(
        "constraints: e-mail permitted, a hostname",
        {"inter": inter(extensions=constraints([x509.RFC822Name("example.org")]))},
    ),
    Row(
        "constraints: a URI excluded, a hostname",
        {"inter": inter(extensions=constraints(None, [x509.UniformResourceIdentifier("example.org")]))},
    ),
    Row("constraints: on the leaf itself", {"leaf": leaf(extensions=constraints([D("example.org")]))}),
    Row(
        "constraints: a directory name permitted, its own, not critical",
        {"inter": inter(extensions=constraints([directory("leaf")], crit=False))},
    ),
    Row(
        "constraints: an address, the common name a permitted hostname",
        {"inter": inter(extensions=constraints([D("example.com")])), "leaf": leaf("192.0.2.7", cn=SHOP)},
        server_name="192.0.2.7",
    ),
    Row(
        "constraints: an address, empty subject, a hostname permitted",
        {"inter": inter(extensions=constraints([D("example.com")])), "leaf": leaf("192.0.2.7", cn="")},
        server_name="192.0.2.7",
    ),
    Row(
        "constraints: an address, the common name one label, another hostname excluded",
        {"inter": inter(extensions=constraints(None, [D("example.com")])), "leaf": leaf("192.0.2.7")},
        server_name="192.0.2.7",
    ),
    Row(
        "constraints: the hostname permitted, the common name not",
        {"inter": inter(extensions=constraints([D("example.com")])), "leaf": leaf(cn="www.example.org")},
    ),
    Row(
        "constraints: the hostname permitted, the common name excluded",
        {"inter": inter(extensions=constraints(None, [D("example.org")])), "leaf": leaf(cn="www.example.org")},
    ),
    Row(
        "constraints: an e-mail address that is permitted",
        {"inter": inter(extensions=constraints([M("example.org")])), "leaf": with_names(D(SHOP), M("a@example.org"))},
    ),
    Row(
        "constraints: another e-mail domain excluded",
        {
            "inter": inter(extensions=constraints(None, [M("example.org")])),
            "leaf": with_names(D(SHOP), M("a@example.com")),
        },
    ),
    Row(
        "constraints: a URI whose host is permitted",
        {
            "inter": inter(extensions=constraints([U("x.example.com")])),
            "leaf": with_names(D(SHOP), U("https://x.example.com/")),
        },
    ),
    Row(
        "constraints: a URI whose host is below a permitted domain with a dot",
        {
            "inter": inter(extensions=constraints([U(".example.com")])),
            "leaf": with_names(D(SHOP), U("https://x.example.com/")),
        },
    ),
    Row(
        "constraints: a SPIFFE URI, a hostname permitted",
        {"inter": inter(extensions=constraints([D("example.com")])), "leaf": with_names(D(SHOP), U("spiffe://td/x"))},
    ),
    Row(
        "constraints: an address beside the hostname, hostnames permitted alone",
        {"inter": inter(extensions=constraints([D("example.com")])), "leaf": leaf(SHOP, "192.0.2.7")},
    ),
    Row(
        "constraints: a hostname permitted, all addresses excluded",
        {"inter": inter(extensions=constraints([D("example.com")], [net("0.0.0.0/0"), net("::/0")]))},
    ),
    Row(
        "constraints: a hostname permitted, all e-mail excluded",
        {"inter": inter(extensions=constraints([D("example.com"), M("example.com")], None))},
    ),
    Row(
        "constraints: an IPv6 network permitted, an address of it",
        {"inter": inter(extensions=constraints([net("2001:db8::/32")])), "leaf": leaf("2001:db8::7")},
        server_name="2001:db8::7",
    ),
    Row(
        "constraints: networks of both families permitted, IPv6",
        {
            "inter": inter(extensions=constraints([net("192.0.2.0/24"), net("2001:db8::/32")])),
            "leaf": leaf("2001:db8::7"),
        },
        server_name="2001:db8::7",
    ),
    Row(
        "constraints: networks of both families permitted, IPv4",
        {
            "inter": inter(extensions=constraints([net("192.0.2.0/24"), net("2001:db8::/32")])),
            "leaf": leaf("192.0.2.7"),
        },
        server_name="192.0.2.7",
    ),
    Row(
        "constraints: an IPv6 network excluded, IPv4",
        {"inter": inter(extensions=constraints(None, [net("2001:db8::/32")])), "leaf": leaf("192.0.2.7")},
        server_name="192.0.2.7",
    ),
    Row(
        "constraints: the hostname itself permitted", {"inter": inter(extensions=constraints([D("shop.example.com")]))}
    ),
    Row(
        "constraints: .example.com excluded, example.com",
        {"inter": inter(extensions=constraints(None, [D(".example.com")])), "leaf": leaf("example.com")},
        server_name="example.com",
    ),
    Row(
        "constraints: .example.com permitted, a wildcard below it",
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
        "a URI that is none among the names",
        {"leaf": with_names(D(SHOP), U("http://["))},
        found=[("malformed-certificate", "error", 0)],
        refusing=["java", "go"],
    ),
    Row(
        "constraints: a URI that is none, where URIs are permitted",
        {"inter": inter(extensions=constraints([U("example.com")])), "leaf": with_names(D(SHOP), U("http://["))},
        found=[("malformed-certificate", "error", 0), ("name-constraint-violated", "error", 0)],
        refusing=[*OPENSSL, "java", "go"],
        one_fault=False,
    ),
    Row(
        "a network among the names, and no intermediate",
        {"leaf": with_names(D(SHOP), net("192.0.2.0/25"))},
        ["leaf"],
        found=[("malformed-certificate", "error", 0), ("incomplete-chain", "error", 0)],
        complete=False,
        one_fault=False,
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
        "constraints: .example.com permitted, example.com",
        {"inter": inter(extensions=constraints([D(".example.com")])), "leaf": leaf("example.com")},
        server_name="example.com",
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: example.org permitted",
        {"inter": inter(extensions=constraints([D("example.org")]))},
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: example.org permitted, not critical",
        {"inter": inter(extensions=constraints([D("example.org")], crit=False))},
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: a suffix within a label permitted",
        {"inter": inter(extensions=constraints([D("op.example.com")]))},
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: example.com excluded",
        {"inter": inter(extensions=constraints(None, [D("example.com")]))},
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: the hostname itself excluded",
        {"inter": inter(extensions=constraints(None, [D("shop.example.com")]))},
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: the empty hostname permitted, which is all",
        {"inter": inter(extensions=constraints([D("")]))},
        found=[("name-constraint-violated", "error", 0)],
        refusing=["java"],
    ),
    Row(
        "constraints: the empty hostname excluded, which is all",
        {"inter": inter(extensions=constraints(None, [D("")]))},
        found=[("name-constraint-violated", "error", 0), ("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: one of several names not permitted",
        {"inter": inter(extensions=constraints([D("example.com")])), "leaf": leaf(SHOP, "www.example.org")},
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: a wildcard, one name below it permitted",
        {"inter": inter(extensions=constraints([D("shop.example.com")])), "leaf": leaf("*.example.com")},
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: a wildcard, one name below it excluded",
        {"inter": inter(extensions=constraints(None, [D("www.example.com")])), "leaf": leaf("*.example.com")},
        found=[("name-constraint-violated", "error", 0)],
        refusing=["go"],
    ),
    Row(
        "constraints: a wildcard, its domain excluded",
        {"inter": inter(extensions=constraints(None, [D("example.com")])), "leaf": leaf("*.example.com")},
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: in the root: example.org permitted",
        {"root": Cert(extensions=constraints([D("example.org")]))},
        found=[("name-constraint-violated", "error", 0)],
        refusing=[*OPENSSL, "go", "gnutls"],
    ),
    Row(
        "constraints: in the root: example.com excluded",
        {"root": Cert(extensions=constraints(None, [D("example.com")]))},
        found=[("name-constraint-violated", "error", 0)],
        refusing=[*OPENSSL, "go", "gnutls"],
    ),
    Row(
        "constraints: in the root, which is served, too",
        {"root": Cert(extensions=constraints([D("example.org")]))},
        ["leaf", "inter", "root"],
        found=[("name-constraint-violated", "error", 0), ("root-served", "notice", 2)],
        refusing=[*OPENSSL, "go", "gnutls"],
    ),
    Row(
        "constraints: another network permitted",
        {"inter": inter(extensions=constraints([net("198.51.100.0/24")])), "leaf": leaf("192.0.2.7")},
        server_name="192.0.2.7",
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: the address's network excluded",
        {"inter": inter(extensions=constraints(None, [net("192.0.2.0/24")])), "leaf": leaf("192.0.2.7")},
        server_name="192.0.2.7",
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: all of IPv4 excluded, IPv6",
        {"inter": inter(extensions=constraints(None, [net("0.0.0.0/0")])), "leaf": leaf("2001:db8::7")},
        server_name="2001:db8::7",
        found=[("name-constraint-violated", "error", 0)],
        refusing=["java"],
    ),
    Row(
        "constraints: an IPv4 network permitted, IPv6",
        {"inter": inter(extensions=constraints([net("192.0.2.0/24")])), "leaf": leaf("2001:db8::7")},
        server_name="2001:db8::7",
        found=[("name-constraint-violated", "error", 0)],
        refusing=[*OPENSSL, "java", "go"],
    ),
    Row(
        "constraints: hostnames permitted, an address",
        {"inter": inter(extensions=constraints([D("example.com")])), "leaf": leaf("192.0.2.7")},
        server_name="192.0.2.7",
        found=[("name-constraint-violated", "error", 0)],
        refusing=["java", "gnutls"],
    ),
    Row(
        "constraints: another directory name permitted",
        {"inter": inter(extensions=constraints([directory("nobody")]))},
        found=[("name-constraint-violated", "error", 0), ("unknown-critical-extension", "error", 1)],
        refusing=[*OPENSSL, "java", "go"],
    ),
    Row(
        "constraints: its own directory name permitted",
        {"inter": inter(extensions=constraints([directory("leaf")]))},
        found=[("unknown-critical-extension", "error", 1)],
        refusing=["go"],
    ),
    Row(
        "constraints: another directory name permitted, empty subject",
        {"inter": inter(extensions=constraints([directory("nobody")])), "leaf": leaf(cn="")},
        found=[("unknown-critical-extension", "error", 1)],
        refusing=["go"],
    ),
    Row(
        "constraints: its own directory name excluded",
        {"inter": inter(extensions=constraints(None, [directory("leaf")]))},
        found=[("name-constraint-violated", "error", 0), ("unknown-critical-extension", "error", 1)],
    ),
    Row(
        "constraints: the empty directory name permitted",
        {"inter": inter(extensions=constraints([x509.DirectoryName(x509.Name([]))]))},
        found=[("unknown-critical-extension", "error", 1)],
        refusing=["go"],
    ),
    Row(
        "constraints: a registered ID permitted",
        {"inter": inter(extensions=constraints([x509.RegisteredID(O("1.2.3"))]))},
        found=[("name-constraint-violated", "error", 0), ("unknown-critical-extension", "error", 1)],
        refusing=["go", "gnutls"],
    ),
    Row(
        "constraints: a registered ID permitted, not critical",
        {"inter": inter(extensions=constraints([x509.RegisteredID(O("1.2.3"))], crit=False))},
        found=[("name-constraint-violated", "error", 0)],
        refusing=["gnutls"],
    ),
    Row(
        "constraints: only a common name, which is not permitted",
        {"inter": inter(extensions=constraints([D("example.org")])), "leaf": Cert(issuer="inter", ca=False, cn=SHOP)},
        found=[("name-constraint-violated", "error", 0), ("no-subject-alt-name", "error", 0)],
    ),
    Row(
        "constraints: only a common name, which is permitted",
        {"inter": inter(extensions=constraints([D("example.com")])), "leaf": Cert(issuer="inter", ca=False, cn=SHOP)},
        found=[("no-subject-alt-name", "error", 0)],
        refusing=["go"],
    ),
    Row(
        "constraints: on the second intermediate",
        {**tower(2), "i2": Cert(issuer="root", extensions=constraints([D("example.org")]))},
        ["leaf", "i1", "i2"],
        found=[("name-constraint-violated", "error", 0), ("name-constraint-violated", "error", 1)],
    ),
    Row(
        "constraints: on the second intermediate, against the first one's directory name",
        {**tower(2), "i2": Cert(issuer="root", extensions=constraints([directory("leaf")]))},
        ["leaf", "i1", "i2"],
        found=[("name-constraint-violated", "error", 1), ("unknown-critical-extension", "error", 2)],
        refusing=[*OPENSSL, "java", "go"],
    ),
    Row(
        "constraints: another directory name permitted, not critical",
        {"inter": inter(extensions=constraints([directory("nobody")], crit=False))},
        found=[("name-constraint-violated", "error", 0)],
        refusing=[*OPENSSL, "java"],
    ),
    Row(
        "constraints: another directory name excluded",
        {"inter": inter(extensions=constraints(None, [directory("nobody")]))},
        found=[("name-constraint-violated", "error", 0), ("unknown-critical-extension", "error", 1)],
        refusing=["go", "gnutls"],
    ),
    Row(
        "constraints: its own directory name excluded, not critical",
        {"inter": inter(extensions=constraints(None, [directory("leaf")], crit=False))},
        found=[("name-constraint-violated", "error", 0)],
        refusing=[*OPENSSL, "java", "gnutls"],
    ),
    Row(
        "constraints: a directory name excluded, empty subject",
        {"inter": inter(extensions=constraints(None, [directory("nobody")])), "leaf": leaf(cn="")},
        found=[("name-constraint-violated", "error", 0), ("unknown-critical-extension", "error", 1)],
        refusing=["go", "gnutls"],
    ),
    Row(
        "constraints: hostname and directory name permitted, both its own",
        {"inter": inter(extensions=constraints([directory("leaf"), D("example.com")]))},
        found=[("unknown-critical-extension", "error", 1)],
        refusing=["go"],
    ),
    Row(
        "constraints: a registered ID excluded",
        {"inter": inter(extensions=constraints(None, [x509.RegisteredID(O("1.2.3"))]))},
        found=[("name-constraint-violated", "error", 0), ("unknown-critical-extension", "error", 1)],
        refusing=["go", "gnutls"],
    ),
    Row(
        "constraints: a registered ID and the hostname permitted",
        {"inter": inter(extensions=constraints([x509.RegisteredID(O("1.2.3")), D("example.com")]))},
        found=[("name-constraint-violated", "error", 0), ("unknown-critical-extension", "error", 1)],
        refusing=["go", "gnutls"],
    ),
    Row(
        "constraints: an address, the common name a hostname that is not permitted",
        {"inter": inter(extensions=constraints([D("example.org")])), "leaf": leaf("192.0.2.7", cn=SHOP)},
        server_name="192.0.2.7",
        found=[("name-constraint-violated", "error", 0)],
        refusing=[*OPENSSL, "java", "gnutls"],
    ),
    Row(
        "constraints: an address, the common name with spaces, a hostname permitted",
        {"inter": inter(extensions=constraints([D("example.com")])), "leaf": leaf("192.0.2.7", cn="My Server")},
        server_name="192.0.2.7",
        found=[("name-constraint-violated", "error", 0)],
        refusing=["gnutls"],
    ),
    Row(
        "constraints: an e-mail address that is not permitted",
        {"inter": inter(extensions=constraints([M("example.org")])), "leaf": with_names(D(SHOP), M("a@example.com"))},
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: an e-mail domain excluded",
        {
            "inter": inter(extensions=constraints(None, [M("example.com")])),
            "leaf": with_names(D(SHOP), M("a@example.com")),
        },
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: an e-mail address excluded",
        {
            "inter": inter(extensions=constraints(None, [M("a@example.com")])),
            "leaf": with_names(D(SHOP), M("a@example.com")),
        },
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: a URI whose host is not permitted",
        {
            "inter": inter(extensions=constraints([U("example.org")])),
            "leaf": with_names(D(SHOP), U("https://x.example.com/")),
        },
        found=[("name-constraint-violated", "error", 0)],
        refusing=[*OPENSSL, "java", "go"],
    ),
    Row(
        "constraints: a URI whose host is below a permitted domain without a dot",
        {
            "inter": inter(extensions=constraints([U("example.com")])),
            "leaf": with_names(D(SHOP), U("https://x.example.com/")),
        },
        found=[("name-constraint-violated", "error", 0)],
        refusing=[*OPENSSL, "java"],
    ),
    Row(
        "constraints: a URI whose host is excluded",
        {
            "inter": inter(extensions=constraints(None, [U("x.example.com")])),
            "leaf": with_names(D(SHOP), U("https://x.example.com/")),
        },
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: an address beside the hostname, all addresses excluded",
        {
            "inter": inter(extensions=constraints([D("example.com")], [net("0.0.0.0/0"), net("::/0")])),
            "leaf": leaf(SHOP, "192.0.2.7"),
        },
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: an IPv6 network permitted, IPv4",
        {"inter": inter(extensions=constraints([net("2001:db8::/32")])), "leaf": leaf("192.0.2.7")},
        server_name="192.0.2.7",
        found=[("name-constraint-violated", "error", 0)],
        refusing=[*OPENSSL, "java", "go"],
    ),
    Row(
        "constraints: two intermediates that permit nothing in common",
        {
            **tower(2),
            "i1": Cert(issuer="i2", extensions=constraints([D("example.com")])),
            "i2": Cert(issuer="root", extensions=constraints([D("example.org")])),
        },
        ["leaf", "i1", "i2"],
        found=[("name-constraint-violated", "error", 0), ("name-constraint-violated", "error", 1)],
    ),
    Row(
        "constraints: two intermediates, one within the other's",
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
        "constraints: .example.com excluded, a name below it",
        {"inter": inter(extensions=constraints(None, [D(".example.com")]))},
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: .example.com excluded, a wildcard below it",
        {"inter": inter(extensions=constraints(None, [D(".example.com")])), "leaf": leaf("*.example.com")},
        found=[("name-constraint-violated", "error", 0)],
    ),
    Row(
        "constraints: an intermediate's common name is a hostname that is not permitted",
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
        "constraints: in the root: the intermediate's directory name excluded",
        {"root": Cert(extensions=constraints(None, [directory("inter")]))},
        found=[
            ("name-constraint-violated", "error", 0),
            ("name-constraint-violated", "error", 1),
            ("unknown-critical-extension", "error", None),
        ],
        refusing=[*OPENSSL, "go", "gnutls"],
    ),
    Row(
        "constraints: an otherName permitted",
        {"inter": inter(extensions=constraints([x509.OtherName(O("1.3.6.1.4.1.311.20.2.3"), b"\x0c\x01a")]))},
        found=[("unknown-critical-extension", "error", 1)],
        refusing=["go"],
    ),
)
