# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name constraints (RFC 5280 4.2.1.10), as each client holds certificates to them.

Subtrees are looked up, not compared one by one: ten thousand names under ten thousand constraints cost twenty thousand steps.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.clients import Constraints
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate, uri_host

try:
    from cryptography import x509
except ImportError:  # plugin_utils/libraries.py says what is missing
    pass

_HOSTNAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*", re.ASCII)
_DOTTED = re.compile(r"[\w-]+(\.[\w-]+)+", re.ASCII)

_Name = tuple[str, object]  # kind and value


@dataclass(frozen=True)
class Violation:
    """A name that an issuer may not issue for."""

    issuer: int  # step of the path whose constraints they are
    certificate: int  # step of the path that has the name
    # "permitted": outside what is permitted; "excluded"; "unknown": a constraint that is not understood; "too-many" to look at
    how: str
    name: str


def violations(steps: Sequence[Certificate], has_anchor: bool, constraints: Constraints) -> Iterator[Violation]:
    """What a client with these views finds along the path, leaf first: for each certificate the first issuer above that it violates.

    has_anchor: the last step is a trust anchor whose constraints the client does not look at.
    """
    limiting = _limiting(steps[: -1 if has_anchor else None])
    for below, certificate in enumerate(steps):
        if below and (certificate.self_issued or not constraints.issuers_too):
            continue
        for number, limits in limiting:
            found = _violation(limits, certificate, below == 0, constraints) if number > below else None
            if found:
                yield Violation(number, below, *found)
                break


def looked_at(steps: Sequence[Certificate]) -> int:
    """How many names there are to look at along the path, each once for every issuer above it that has name constraints."""
    names = [len(certificate.alt_names) + 1 for certificate in steps]
    return sum(sum(names[:number]) for number, _limits in _limiting(steps))


def _limiting(steps: Sequence[Certificate]) -> list[tuple[int, _Limits]]:
    """The issuers that have name constraints."""
    return [(number, _limits(issuer)) for number, issuer in enumerate(steps) if number and issuer.constrains_names]


def unknown_kinds(certificate: Certificate, known: frozenset[str]) -> list[str]:
    """Kinds of names in the certificate's name constraints that are not among the known ones."""
    return sorted(_limits(certificate).kinds - known)


@dataclass(frozen=True)
class _Limits:
    permitted: dict[str, _Subtrees]
    excluded: dict[str, _Subtrees]
    number: int  # of subtrees

    @property
    def kinds(self) -> set[str]:
        return {*self.permitted, *self.excluded}


@lru_cache(maxsize=256)
def _limits(issuer: Certificate) -> _Limits:
    found = issuer.extension(x509.NameConstraints)
    permitted = (found and found.permitted_subtrees) or ()
    excluded = (found and found.excluded_subtrees) or ()
    return _Limits(_by_kind(permitted), _by_kind(excluded), len(permitted) + len(excluded))


def _by_kind(names: Iterable[x509.GeneralName]) -> dict[str, _Subtrees]:
    kinds: dict[str, list[object]] = {}
    for name in names:
        kinds.setdefault(_KINDS.get(type(name).__name__, "other"), []).append(name.value)
    return {kind: _Subtrees(values) for kind, values in kinds.items()}


_KINDS = {
    "DNSName": "dns",
    "IPAddress": "ip",
    "RFC822Name": "email",
    "UniformResourceIdentifier": "uri",
    "DirectoryName": "directory",
    "RegisteredID": "registered-id",
}


class _Subtrees:
    """The constraints of one kind, all permitted or all excluded."""

    def __init__(self, values: Iterable[object]) -> None:
        values = list(values)
        self.texts = frozenset(value.lower() for value in values if isinstance(value, str))
        self.parents = frozenset(text.partition(".")[2] for text in self.texts)
        self.directories = frozenset(_folded(value) for value in values if isinstance(value, x509.Name))
        networks = [value for value in values if isinstance(value, IPv4Network | IPv6Network)]
        self.networks = frozenset((n.version, n.prefixlen, int(n.network_address)) for n in networks)
        self.lengths = frozenset((n.version, n.prefixlen) for n in networks)
        self.families = frozenset(n.version for n in networks)

    def hold(self, kind: str, value: object, constraints: Constraints, excluded: bool) -> bool:
        """Whether the name is within one of the subtrees."""
        if kind == "ip":
            return self._address(value, constraints, excluded)
        if isinstance(value, x509.Name):
            name = _folded(value)
            return any(name[:length] in self.directories for length in range(len(name) + 1))
        if kind == "email":
            return self._mailbox(str(value).lower())
        if kind == "uri":
            host = uri_host(str(value)) or ""
            return host in self.texts or self._below(host, bare=constraints.subdomains_of_uri)
        return self._host(str(value).lower(), excluded and constraints.wildcard_overlaps)

    def _host(self, name: str, overlaps: bool) -> bool:
        if overlaps and name.startswith("*.") and name[2:] in self.parents:
            return True
        return name in self.texts or "" in self.texts or self._below(name, bare=True)

    def _mailbox(self, name: str) -> bool:
        host = name.rpartition("@")[2]
        return name in self.texts or host in self.texts or self._below(host, bare=False)

    def _below(self, name: str, bare: bool) -> bool:
        """Below `.example.com`, or with `bare` also below `example.com`."""
        parents, dotted = _above(name)
        return not self.texts.isdisjoint(dotted) or (bare and not self.texts.isdisjoint(parents))

    def _address(self, value: object, constraints: Constraints, excluded: bool) -> bool:
        if not isinstance(value, IPv4Address | IPv6Address):
            return excluded is constraints.minds_networks
        if constraints.other_family == "cut" and value.version == 6:
            return self._within(value) or self._within(IPv4Address(value.packed[:4]))
        return self._within(value)

    def _within(self, value: IPv4Address | IPv6Address) -> bool:
        bits = value.max_prefixlen
        return any(
            (version, length, int(value) >> (bits - length) << (bits - length)) in self.networks
            for version, length in self.lengths
            if version == value.version
        )


@lru_cache(maxsize=16384)  # each issuer above asks again
def _above(name: str) -> tuple[frozenset[str], frozenset[str]]:
    """Every domain that the name is below, without and with a dot in front."""
    labels = name.split(".")
    parents = frozenset(".".join(labels[start:]) for start in range(1, len(labels)))
    return parents, frozenset(f".{parent}" for parent in parents)


def _violation(
    limits: _Limits, certificate: Certificate, leaf: bool, constraints: Constraints
) -> tuple[str, str] | None:
    names = len(certificate.alt_names) + len(certificate.x509.subject.rdns)
    if constraints.most_comparisons is not None and names * limits.number > constraints.most_comparisons:
        return "too-many", f"{names} names and {limits.number} subtrees"
    unknown = limits.kinds & constraints.refuses_unknown
    if unknown:
        return "unknown", f"names of the kind {sorted(unknown)[0]}"
    for kind, value in _names(certificate, leaf, constraints):
        how = _judge_name(limits, kind, value, constraints)
        if how:
            return how, _shown(value)
    return None


def _judge_name(limits: _Limits, kind: str, value: object, constraints: Constraints) -> str | None:
    permitted, excluded = limits.permitted.get(kind), limits.excluded.get(kind)
    if kind not in constraints.kinds:
        return "excluded" if excluded and kind in constraints.excludes_unknown else None
    if not constraints.takes_empty and any(trees and "" in trees.texts for trees in (permitted, excluded)):
        return "unknown"
    if excluded and excluded.hold(kind, value, constraints, True):
        return "excluded"
    if permitted and not _passes(permitted, value, constraints) and not permitted.hold(kind, value, constraints, False):
        return "permitted"
    return None


def _passes(permitted: _Subtrees, value: object, constraints: Constraints) -> bool:
    """An address of which no family is permitted passes some clients."""
    if not isinstance(value, IPv4Address | IPv6Address):
        return False
    return constraints.other_family == "passes" and value.version not in permitted.families


def _names(certificate: Certificate, leaf: bool, constraints: Constraints) -> Iterator[_Name]:
    for name in certificate.alt_names:
        yield _KINDS.get(type(name).__name__, "other"), name.value
    # An empty subject is no name, except to those who only count kinds.
    if certificate.x509.subject.rdns or "directory" in constraints.excludes_unknown:
        yield "directory", certificate.x509.subject
    if not certificate.dns_names and _as_host(certificate.common_name, leaf, constraints.common_name):
        yield "dns", certificate.common_name


def _as_host(common_name: str | None, leaf: bool, which: str) -> bool:
    if common_name is None or which == "never":
        return False
    if which == "hostname":
        return bool(_HOSTNAME.fullmatch(common_name))
    return leaf and (which == "always" or bool(_DOTTED.fullmatch(common_name)))


def _folded(name: x509.Name) -> tuple[object, ...]:
    """A directory name for comparison: RFC 5280 7.1 lets case and inner spaces not count."""
    return tuple(
        frozenset((part.oid.dotted_string, " ".join(str(part.value).casefold().split())) for part in rdn)
        for rdn in name.rdns
    )


def _shown(value: object) -> str:
    return value.rfc4514_string() if isinstance(value, x509.Name) else str(value)
