# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge's cases: each states its one fault beside a valid chain, and what has to be found.

Unless a case says otherwise: `leaf` <- `inter` <- `root`, the leaf for shop.example.com; `leaf` and `inter` are served, `root`
is trusted, and every client is chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge import (
    CLIENTS,
    Backend,
    Case,
    Evidence,
    Failure,
    Mutual,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import parse_certificate
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.revocation import Unusable, parse_crl, parse_ocsp
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.trust import TrustStore
from cryptography import x509

from tests.pki import Cert, Pki, mint
from tests.revocation import Crl, Ocsp, mint_crl, mint_ocsp

SHOP = "shop.example.com"
GARBAGE = "(garbage)"  # stands in a chain for bytes that are no certificate
ALL_BUT_JAVA = tuple(client for client in CLIENTS if client != "java")
OPENSSL = ("openssl", "curl", "python", "nodejs")  # what is built on it
ONE_ISSUER_ONLY = ("openssl", "curl", "python", "nodejs", "gnutls")


@dataclass(frozen=True)
class Row:
    """A case of the table."""

    name: str
    certs: Mapping[str, Cert] = field(default_factory=dict)  # beside or instead of the three valid ones
    chain: Sequence[str] = ("leaf", "inter")
    trust: Sequence[str] = ("root",)
    server_name: str | None = SHOP
    found: Sequence[tuple[str, str, int | None]] = ()  # code, severity, index, in order
    refusing: Sequence[str] | None = None  # None: all chosen clients when there is an error, else nobody
    complete: bool | None = True
    clients: Sequence[str] = CLIENTS
    expires_soon: str = "33%"
    key: str | None = None  # whose key is to serve the chain
    expect: str | None = None  # which leaf was deployed
    failure: Failure | None = None
    backends: Sequence[Backend] = ()
    mutual: Callable[[Pki], Mutual] | None = None
    public: Sequence[str] = ()  # roots that the public web trusts
    one_fault: bool = True  # False: clients may word another fault of it
    # What came stapled; b"": nothing; None: nobody looked
    staple: Ocsp | bytes | None = None
    # What CRLs said, by address, and responders, by address and declared name; None: nobody asked
    crls: Mapping[str, Crl | bytes | Unusable] | None = None
    responses: Mapping[tuple[str, str], Ocsp | bytes | Unusable] = field(default_factory=dict)
    # Why real clients with just this trust store say otherwise; "" when they say what the judge says
    deviation: str = ""

    @property
    def refused_by(self) -> set[str]:
        if self.refusing is not None:
            return set(self.refusing)
        return set(self.clients) if any(severity == "error" for _code, severity, _index in self.found) else set()

    def pki(self, now: datetime) -> Pki:
        valid = {"root": Cert(), "inter": Cert(issuer="root"), "leaf": Cert(issuer="inter", names=[SHOP])}
        return mint(now, **{**valid, **self.certs})

    def served(self, pki: Pki) -> tuple[bytes, ...]:
        return tuple(b"\x30\x03\x02\x01" if name == GARBAGE else pki.der(name) for name in self.chain)

    def case(self, pki: Pki) -> Case:
        return Case(
            chain=tuple(parse_certificate(der) for der in self.served(pki)),
            trust=TrustStore(pki.chain(*self.trust), frozenset(pki[name].sha256 for name in self.public)),
            at=pki.now,
            server_name=self.server_name,
            clients=tuple(self.clients),
            expires_soon=self.expires_soon,
            key_spki=pki[self.key].spki_sha256 if self.key else None,
            expect_sha256=pki[self.expect].sha256 if self.expect else None,
            failure=self.failure,
            revocation=self.evidence(pki),
            backends=tuple(self.backends),
            mutual=self.mutual(pki) if self.mutual else None,
        )

    def stapled(self, pki: Pki) -> bytes | None:
        return mint_ocsp(pki, self.staple) if isinstance(self.staple, Ocsp) else self.staple

    def evidence(self, pki: Pki) -> Evidence | None:
        if self.staple is None and self.crls is None:
            return None
        stapled = self.stapled(pki)
        return Evidence(
            looked=stapled is not None,
            staple=parse_ocsp(stapled) if stapled else None,
            checked=self.crls is not None,
            crls={url: _crl(pki, said) for url, said in (self.crls or {}).items()},
            responses={(url, pki[name]): _response(pki, said) for (url, name), said in self.responses.items()},
        )


def _crl(pki: Pki, said: Crl | bytes | Unusable) -> Any:
    return said if isinstance(said, Unusable) else parse_crl(mint_crl(pki, said) if isinstance(said, Crl) else said)


def _response(pki: Pki, said: Ocsp | bytes | Unusable) -> Any:
    return said if isinstance(said, Unusable) else parse_ocsp(mint_ocsp(pki, said) if isinstance(said, Ocsp) else said)


def leaf(*names: str, issuer: str | None = "inter", **fault: object) -> Cert:
    return Cert(issuer=issuer, names=names or (SHOP,), **fault)  # type: ignore[arg-type]


def _alt_names(*names: x509.GeneralName) -> list[tuple[x509.ExtensionType, bool]]:
    return [(x509.SubjectAlternativeName(names), False)]


def tower(height: int) -> dict[str, Cert]:
    """`height` intermediates: leaf <- i1 <- ... <- root."""
    issuers = {f"i{n}": Cert(issuer=f"i{n + 1}" if n < height else "root") for n in range(1, height + 1)}
    return {**issuers, "leaf": leaf(issuer="i1")}


_TWO_ROOTS = {"root2": Cert(), "cross": Cert(issuer="root2", like="inter")}
_WRONG_KEY_ID: list[tuple[x509.ExtensionType, bool]] = [
    (x509.AuthorityKeyIdentifier(b"another key's id", None, None), False)
]

VALID = (
    Row("leaf and intermediate"),
    Row("issued by the root itself", {"leaf": leaf(issuer="root")}, ["leaf"]),
    Row("a self-signed leaf that is trusted", {"leaf": leaf(issuer=None)}, ["leaf"], ["leaf"]),
    Row("leaf with an empty subject", {"leaf": leaf(cn="")}),
    Row("leaf without subject key identifier", {"leaf": leaf(cn="", key_ids=False)}),
    Row(
        "no key identifiers at all",
        {"root": Cert(key_ids=False), "inter": Cert(issuer="root", key_ids=False), "leaf": leaf(key_ids=False)},
    ),
    Row("a root of version 1", {"root": Cert(version_1=True)}),
    Row(
        "an intermediate that was renewed, twice, below one issuer",
        {"upper": Cert(issuer="root"), "inter": Cert(issuer="upper"), "renewed": Cert(issuer="upper", like="inter")},
        ["leaf", "inter", "renewed", "upper"],
    ),
    Row("RSA", {"inter": Cert(issuer="root", key_type="rsa2048"), "leaf": leaf(key_type="rsa2048")}),
    Row(
        "a cross-signed root at the end",
        {"root2": Cert(), "cross": Cert(issuer="root2", like="root")},
        ["leaf", "inter", "cross"],
    ),
    Row(
        "a cross-signed root that is needed",
        {"root2": Cert(), "cross": Cert(issuer="root2", like="root")},
        ["leaf", "inter", "cross"],
        ["root2"],
    ),
    Row(
        "an expired cross-signed root that is not needed",
        {"root2": Cert(), "cross": Cert(issuer="root2", like="root", ends="-1d")},
        ["leaf", "inter", "cross"],
    ),
    Row(
        "an expired extra after a valid path",
        {"old": Cert(issuer="root", like="inter", ends="-1d")},
        ["leaf", "inter", "old"],
    ),
    Row("an intermediate signed by two roots, the first trusted", _TWO_ROOTS, ["leaf", "inter", "cross"]),
    Row("an intermediate signed by two roots, only the one served", _TWO_ROOTS, ["leaf", "cross"], ["root2"]),
    Row("an intermediate signed by two roots, both trusted", _TWO_ROOTS, ["leaf", "cross", "inter"], ["root", "root2"]),
    Row("two intermediates", tower(2), ["leaf", "i1", "i2"]),
    Row("nine intermediates", tower(9), ["leaf", *(f"i{n}" for n in range(1, 10))]),
    Row("no OCSP URL, a caIssuers URL", {"leaf": leaf(ca_issuers=["http://ca.example.com/inter.der"])}),
    Row("no name asked for", server_name=None),
    Row("wildcard", {"leaf": leaf("*.example.com")}),
    Row("wildcard and an A-label", {"leaf": leaf("*.example.com")}, server_name="xn--bcher-kva.example.com"),
    Row("capitals", {"leaf": leaf("SHOP.Example.COM")}),
    Row("IPv4 address", {"leaf": leaf("192.0.2.7")}, server_name="192.0.2.7"),
    Row("IPv6 address", {"leaf": leaf("2001:db8::7")}, server_name="2001:db8::7"),
    Row("one label", {"leaf": leaf("localhost")}, server_name="localhost"),
    Row("a lifetime of 200 days", {"leaf": leaf(starts="-70d", ends="11231999s")}, public=["root"]),
    Row("a lifetime of ten years, private", {"leaf": leaf(ends="3600d")}),
    Row("above the threshold", {"leaf": leaf(starts="-60d", ends="30d")}),
    Row("the key that belongs to it", key="leaf"),
    Row("the leaf that was deployed", expect="leaf"),
)

PRESENTATION = (
    Row("leaf alone", chain=["leaf"], found=[("incomplete-chain", "error", 0)], complete=False),
    Row(
        "leaf alone, with a URL of its issuer",
        {"leaf": leaf(ca_issuers=["http://ca.example.com/inter.der"])},
        ["leaf"],
        found=[("incomplete-chain", "error", 0)],
        complete=False,
    ),
    Row("leaf alone, nothing of its CA trusted", {"other": Cert()}, ["leaf"], ["other"], found=[("incomplete-chain", "error", 0)], complete=False),
    Row(
        "leaf alone, its issuer in the store as an intermediate",
        chain=["leaf"],
        trust=["root", "inter"],
        found=[("incomplete-chain", "error", 0)],
        complete=False,
        deviation="what a store happens to hold fills nothing in: other stores lack it",
    ),
    Row(
        "second intermediate missing, in the store as an intermediate",
        tower(2),
        ["leaf", "i1"],
        ["root", "i2"],
        found=[("incomplete-chain", "error", 1)],
        complete=False,
        deviation="what a store happens to hold fills nothing in: other stores lack it",
    ),
    Row("second intermediate missing", tower(2), ["leaf", "i1"], found=[("unknown-issuer", "error", 1)], complete=False),
    Row(
        "leaf expired and alone",
        {"leaf": leaf(ends="-1d")},
        ["leaf"],
        found=[("incomplete-chain", "error", 0), ("expired", "error", 0)],
        complete=False,
    ),
    Row(
        "authority key identifier of another key",
        {"leaf": leaf(extensions=_WRONG_KEY_ID)},
        found=[("unknown-issuer", "error", 0)],
        refusing=ONE_ISSUER_ONLY,
    ),
    Row(
        "authority key identifier of another key, above",
        {"inter": Cert(issuer="root", extensions=_WRONG_KEY_ID)},
        found=[("unknown-issuer", "error", 1)],
        refusing=[*ONE_ISSUER_ONLY, "java"],
    ),
    Row("intermediate first", chain=["inter", "leaf"], found=[("leaf-not-first", "error", 0)]),
    Row("root first", chain=["root", "inter", "leaf"], found=[("leaf-not-first", "error", 0), ("root-served", "notice", 0)]),
    Row("only a CA", chain=["inter"], server_name=None, found=[("no-subject-alt-name", "error", 0)], refusing=["go"]),
    Row("two intermediates swapped", tower(2), ["leaf", "i2", "i1"], found=[("wrong-order", "warning", 1)]),
    Row(
        "six intermediates not in order",
        tower(6),
        ["leaf", "i2", "i1", "i3", "i4", "i5", "i6"],
        found=[("chain-too-long", "error", None), ("wrong-order", "warning", 1)],
        refusing=["java"],
    ),
    Row("six intermediates not in order, without Java", tower(6), ["leaf", "i2", "i1", "i3", "i4", "i5", "i6"],
        clients=ALL_BUT_JAVA, found=[("wrong-order", "warning", 1)]),
    Row("a foreign cross-sign before the good one", _TWO_ROOTS, ["leaf", "cross", "inter"], found=[("shadowed-issuer", "error", 1)], refusing=ONE_ISSUER_ONLY),
    Row("a foreign cross-sign, for Go and Java", _TWO_ROOTS, ["leaf", "cross", "inter"], clients=["go", "java"]),
    Row(
        "a foreign cross-sign and its root before the good one",
        _TWO_ROOTS,
        ["leaf", "cross", "root2", "inter"],
        found=[("shadowed-issuer", "error", 1)],
        refusing=ONE_ISSUER_ONLY,
    ),
    Row(
        "an expired foreign cross-sign before the good one",
        {"root2": Cert(), "cross": Cert(issuer="root2", like="inter", ends="-1d")},
        ["leaf", "cross", "inter"],
        found=[("shadowed-issuer", "error", 1)],
        refusing=["gnutls"],
    ),
    Row(
        "the expired intermediate before the renewed one",
        {"old": Cert(issuer="root", like="inter", ends="-1d")},
        ["leaf", "old", "inter"],
        found=[("shadowed-issuer", "error", 1)],
        refusing=["gnutls"],
    ),
    Row(
        "the coming intermediate before the current one",
        {"next": Cert(issuer="root", like="inter", starts="1d")},
        ["leaf", "next", "inter"],
        found=[("shadowed-issuer", "error", 1)],
        refusing=["gnutls"],
    ),
    Row(
        "a damaged intermediate before the good one",
        {"other": Cert(), "damaged": Cert(issuer="root", like="inter", signed_by="other")},
        ["leaf", "damaged", "inter"],
        found=[("shadowed-issuer", "error", 1)],
        refusing=ONE_ISSUER_ONLY,
    ),
    Row(
        "an intermediate without CA bit before the good one",
        {"plain": Cert(issuer="root", like="inter", ca=False)},
        ["leaf", "plain", "inter"],
        found=[("shadowed-issuer", "error", 1)],
        refusing=ONE_ISSUER_ONLY,
    ),
    Row(
        "another key of the same name before the good one, no key identifiers",
        {"leaf": leaf(key_ids=False), "namesake": Cert(issuer="root", cn="inter", key_ids=False)},
        ["leaf", "namesake", "inter"],
        found=[("shadowed-issuer", "error", 1)],
        refusing=ONE_ISSUER_ONLY,
    ),
    Row(
        "another key of the same name before the good one, told apart by key identifiers",
        {"namesake": Cert(issuer="root", cn="inter")},
        ["leaf", "namesake", "inter"],
        found=[("unrelated-certificate", "notice", 1)],
    ),
    Row("intermediate twice", chain=["leaf", "inter", "inter"], found=[("duplicate-certificate", "notice", 2)]),
    Row("leaf twice", chain=["leaf", "leaf", "inter"], found=[("duplicate-certificate", "notice", 1)]),
    Row("a stranger between", {"stray": leaf(issuer="root")}, ["leaf", "stray", "inter"], found=[("unrelated-certificate", "notice", 1)]),
    Row("a stranger twice", {"stray": leaf(issuer="root")}, ["leaf", "inter", "stray", "stray"],
        found=[("duplicate-certificate", "notice", 3), ("unrelated-certificate", "notice", 2)]),
    Row("an untrusted root of others", {"other": Cert()}, ["leaf", "inter", "other"], found=[("unrelated-certificate", "notice", 2)]),
    Row("eleven certificates", tower(10), ["leaf", *(f"i{n}" for n in range(1, 11))], found=[("chain-too-long", "error", None)], refusing=["java"]),
    Row("eleven certificates, without Java", tower(10), ["leaf", *(f"i{n}" for n in range(1, 11))],
        clients=ALL_BUT_JAVA, found=[("chain-too-long", "notice", None)]),
    Row("seventeen certificates", tower(16), ["leaf", *(f"i{n}" for n in range(1, 17))],
        found=[("chain-too-long", "error", None)], refusing=["java", "gnutls"]),
    Row("root served", chain=["leaf", "inter", "root"], found=[("root-served", "notice", 2)]),
    Row("root served between", chain=["leaf", "root", "inter"], found=[("root-served", "notice", 1)]),
    Row("malformed instead of the intermediate", chain=["leaf", GARBAGE], found=[("malformed-certificate", "error", 1)], complete=False),
    Row("malformed beside a path", chain=["leaf", "inter", GARBAGE], found=[("malformed-certificate", "error", 2)]),
    Row("malformed first", chain=[GARBAGE, "inter"], found=[("malformed-certificate", "error", 0)], complete=False),
)  # fmt: skip

TRUST = (
    Row("self-signed", {"leaf": leaf(issuer=None)}, ["leaf"], found=[("self-signed", "error", 0)], complete=False),
    Row("root untrusted", {"other": Cert()}, ["leaf", "inter", "root"], ["other"], found=[("untrusted-root", "error", 2)], complete=False),
    Row(
        "root untrusted, another of its name trusted",
        {"other": Cert(cn="root")},
        ["leaf", "inter", "root"],
        ["other"],
        found=[("untrusted-root", "error", 2)],
        complete=False,
    ),
    Row(
        "an intermediate as the only anchor",
        trust=["inter"],
        found=[("untrusted-root", "error", 1)],
        refusing=["openssl", "python", "nodejs"],
        complete=False,
    ),
    Row("the leaf as the only anchor", trust=["leaf"], chain=["leaf"], found=[("untrusted-root", "error", 0)],
        refusing=["openssl", "python", "nodejs"], complete=False),
    Row("leaf's signature", {"other": Cert(), "leaf": leaf(signed_by="other")}, found=[("bad-signature", "error", 0)], complete=False),
    Row(
        "intermediate's signature",
        {"other": Cert(), "inter": Cert(issuer="root", signed_by="other")},
        found=[("bad-signature", "error", 1)],
        complete=False,
    ),
    Row(
        "another key of the same name, no key identifiers",
        {"leaf": leaf(key_ids=False), "namesake": Cert(issuer="root", cn="inter", key_ids=False)},
        ["leaf", "namesake"],
        found=[("bad-signature", "error", 0)],
        complete=False,
    ),
    Row("issued by a leaf", {"inter": Cert(issuer="root", ca=False)}, found=[("not-a-ca", "error", 1)]),
    Row(
        "issued by a leaf, without Node.js",
        {"inter": Cert(issuer="root", ca=False)},
        clients=["openssl", "java"],
        found=[("not-a-ca", "error", 1)],
    ),
)  # fmt: skip

TIME = (
    Row("leaf expired", {"leaf": leaf(ends="-1d")}, found=[("expired", "error", 0)]),
    Row("leaf not yet valid", {"leaf": leaf(starts="1d")}, found=[("not-yet-valid", "error", 0)]),
    Row("intermediate expired", {"inter": Cert(issuer="root", ends="-1d")}, found=[("expired", "error", 1)]),
    Row(
        "all expired",
        {"inter": Cert(issuer="root", ends="-1d"), "leaf": leaf(ends="-2d")},
        found=[("expired", "error", 0), ("expired", "error", 1)],
    ),
    Row("root expired", {"root": Cert(ends="-1d")}, found=[("expired", "error", None)], refusing=ALL_BUT_JAVA),
    Row("root expired, for Java", {"root": Cert(ends="-1d")}, clients=["java"], found=[("expired", "warning", None)]),
    Row("leaf below a third", {"leaf": leaf(starts="-61d", ends="29d")}, found=[("expires-soon", "warning", 0)]),
    Row("leaf below 14 days", {"leaf": leaf(ends="13d")}, expires_soon="14", found=[("expires-soon", "warning", 0)]),
    Row(
        "leaf below 10 hours",
        {"leaf": leaf(starts="-6d", ends="9h")},
        expires_soon="10%",
        found=[("expires-soon", "warning", 0)],
    ),
    Row(
        "intermediate ends before the leaf",
        {"inter": Cert(issuer="root", ends="50d")},
        found=[("outlived-by-leaf", "warning", 1)],
    ),
    Row(
        "a lifetime of 201 days, issued in March 2026",
        {"leaf": leaf(starts="-70d", ends="131d")},
        public=["root"],
        found=[("lifetime-too-long", "warning", 0)],
    ),
    Row("root ends before the leaf", {"root": Cert(ends="50d")}, found=[("outlived-by-leaf", "warning", None)]),
)

NAME = (
    Row("another name", {"leaf": leaf("www.example.com")}, found=[("name-mismatch", "error", 0)]),
    Row("another name, ours in the common name", {"leaf": leaf("www.example.com", cn=SHOP)}, found=[("name-mismatch", "error", 0)]),
    Row("no alternative name, another common name", {"leaf": Cert(issuer="inter", ca=False)},
        found=[("name-mismatch", "error", 0)]),
    Row("wildcard, two labels", {"leaf": leaf("*.example.com")}, server_name="a.b.example.com", found=[("name-mismatch", "error", 0)]),
    Row("wildcard, no label", {"leaf": leaf("*.example.com")}, server_name="example.com", found=[("name-mismatch", "error", 0)]),
    Row("wildcard of a top level", {"leaf": leaf("*.com")}, server_name="shop.com", found=[("name-mismatch", "error", 0)],
        refusing=["openssl", "curl", "python", "nodejs", "gnutls"]),
    Row("wildcard inside a label", {"leaf": leaf("sh*.example.com")}, found=[("name-mismatch", "error", 0)],
        refusing=["curl", "python", "go", "gnutls"]),
    Row("wildcard inside a label, for Node.js and Java", {"leaf": leaf("sh*.example.com")}, clients=["nodejs", "java"],
        found=[("name-mismatch", "warning", 0)]),
    Row("wildcard at the start of a label", {"leaf": leaf("*op.example.com")}, found=[("name-mismatch", "error", 0)],
        refusing=["curl", "python", "go"]),
    Row("wildcard in the middle", {"leaf": leaf("shop.*.com")}, found=[("name-mismatch", "error", 0)], refusing=ALL_BUT_JAVA),
    Row("wildcard in an A-label", {"leaf": leaf("xn--*.example.com")}, server_name="xn--bcher-kva.example.com", found=[("name-mismatch", "error", 0)]),
    Row("a dot at the end", {"leaf": leaf("shop.example.com.")}, found=[("name-mismatch", "error", 0)],
        refusing=["openssl", "python", "java", "go", "gnutls"]),
    Row("underscore", {"leaf": leaf("my_shop.example.com")}, server_name="my_shop.example.com", found=[("name-mismatch", "error", 0)], refusing=["java"]),
    Row("address wanted, name had", server_name="192.0.2.7", found=[("name-mismatch", "error", 0)]),
    Row("another address", {"leaf": leaf("192.0.2.8")}, server_name="192.0.2.7", found=[("name-mismatch", "error", 0)]),
    Row("address as a name", {"leaf": leaf(extensions=_alt_names(x509.DNSName("192.0.2.7")))}, server_name="192.0.2.7",
        found=[("name-mismatch", "error", 0)]),
    Row("only in the common name", {"leaf": Cert(issuer="inter", ca=False, cn=SHOP)}, found=[("no-subject-alt-name", "error", 0)], refusing=["go"]),
    Row("only in the common name, for OpenSSL", {"leaf": Cert(issuer="inter", ca=False, cn=SHOP)}, clients=["openssl"],
        found=[("no-subject-alt-name", "warning", 0)]),
    Row("only in the common name, no name asked for", {"leaf": Cert(issuer="inter", ca=False, cn=SHOP)}, server_name=None,
        found=[("no-subject-alt-name", "error", 0)], refusing=["go"]),
    Row("a wildcard in the common name", {"leaf": Cert(issuer="inter", ca=False, cn="*.example.com")}, found=[("no-subject-alt-name", "error", 0)],
        refusing=["go"]),
    Row("in the common name, beside an address", {"leaf": leaf("192.0.2.7", cn=SHOP)}, found=[("no-subject-alt-name", "error", 0)],
        refusing=["curl", "go", "gnutls"]),
    Row("in the common name, beside a mail address", {"leaf": leaf(cn=SHOP, extensions=_alt_names(x509.RFC822Name("a@example.com")))},
        found=[("no-subject-alt-name", "error", 0)], refusing=["go"]),
    Row("in the common name, beside a URI", {"leaf": leaf(cn=SHOP, extensions=_alt_names(x509.UniformResourceIdentifier("https://example.com/")))},
        found=[("no-subject-alt-name", "error", 0)], refusing=["go", "gnutls"]),
    Row("address in the common name", {"leaf": Cert(issuer="inter", ca=False, cn="192.0.2.7")}, server_name="192.0.2.7",
        found=[("no-subject-alt-name", "error", 0)], refusing=["openssl", "python", "nodejs", "java", "go", "gnutls"]),
    Row("a self-signed certificate for another name", {"leaf": leaf("debian", issuer=None)}, ["leaf"],
        found=[("default-certificate", "error", 0)], complete=False),
    Row("a default certificate, expired", {"leaf": leaf("abc.traefik.default", issuer=None, ends="-1d", cn="TRAEFIK DEFAULT CERT")}, ["leaf"],
        found=[("default-certificate", "error", 0)], complete=False, one_fault=False),
    Row("a default certificate, issued", {"leaf": leaf("ingress.local", cn="Kubernetes Ingress Controller Fake Certificate")},
        found=[("default-certificate", "error", 0)]),
    Row("a trusted self-signed certificate for another name", {"leaf": leaf("debian", issuer=None)}, ["leaf"], ["leaf"],
        found=[("name-mismatch", "error", 0)]),
)  # fmt: skip

# What no client can be asked about: it is not, or not only, in the chain.
BESIDE_THE_CHAIN = (
    *(
        Row(
            kind,
            chain=[],
            failure=Failure(kind, "what the connection met"),
            found=[(kind, "error", None)],
            complete=None,
        )
        for kind in ("unreachable", "not-tls", "handshake-failed", "protocol-too-old")
    ),
    Row(
        "nothing where STARTTLS is asked for",
        chain=[],
        failure=Failure("unreachable", "what the connection met", starttls="smtp"),
        found=[("unreachable", "error", None)],
        complete=None,
    ),
    Row(
        "no TLS after STARTTLS",
        chain=[],
        failure=Failure("not-tls", "what the connection met", starttls="smtp"),
        found=[("not-tls", "error", None)],
        complete=None,
    ),
    Row(
        "a kind of key that the server lacks",
        chain=[],
        failure=Failure("handshake-failed", "what the connection met", key_type="rsa"),
        found=[("handshake-failed", "error", None)],
        refusing=[],
        complete=None,
    ),
    Row(
        "another leaf than deployed",
        {"new": leaf()},
        expect="new",
        found=[("stale-certificate", "error", 0)],
        refusing=[],
    ),
    Row(
        "another chain at another address",
        backends=[
            Backend("192.0.2.7", ("ab" * 32,), datetime(2026, 7, 31, tzinfo=timezone.utc)),
            Backend("192.0.2.8", failure="unreachable"),
        ],
        found=[("inconsistent-backends", "warning", None)],
    ),
    Row("key of nobody", {"other": leaf()}, key="other", found=[("key-mismatch", "error", 0)]),
    Row("key of another certificate", key="inter", found=[("key-mismatch", "error", 0)]),
    Row("leaf not first, its key given", chain=["inter", "leaf"], key="leaf", found=[("leaf-not-first", "error", 0)]),
)
