# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certification paths from the certificates that were served to a root of the trust store (RFC 5280 6, RFC 4158).

Only the served list and the store's roots take part. A path is looked for however faulty it is: the search weighs faults
instead of giving up at one, so that what is wrong with the best path can be told, all of it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from operator import add
from typing import NamedTuple

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.fitness import unfit
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate, Malformed, signed_by
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.trust import TrustStore

# Signatures looked at for one chain, as in Go: a list that needs more is made to be slow.
MOST_SIGNATURES = 100


class Cost(NamedTuple):
    """What is wrong along a path, gravest first: tuples compare in this order."""

    bad_signatures: int = 0
    not_authorities: int = 0
    contradicting_key_ids: int = 0
    unfit: int = 0
    out_of_dates: int = 0
    length: int = 0

    def plus(self, other: Cost) -> Cost:
        """Both together."""
        return Cost(*map(add, self, other))


@dataclass(frozen=True)
class Path:
    """The best way from the leaf upwards."""

    served: tuple[int, ...]  # indexes into the served list, leaf first
    anchor: Certificate | None  # the store's root that it ends at, which may also be its last served certificate
    cost: Cost
    partial_anchor: bool = False  # ends at a served certificate that is in the store without being a root
    gave_up: bool = False  # MOST_SIGNATURES were looked at and no path without fault was among them
    related: frozenset[int] = frozenset()  # every served certificate that is on some way upwards from the leaf
    straight: bool = False  # all that is served, in order, each issuer as every client takes it, and no choice anywhere

    @property
    def breaks_off(self) -> bool:
        """Nothing leads on from its last certificate, and that is not in the store (it may be a root all the same)."""
        return not (self.anchor or self.partial_anchor or self.gave_up)

    @property
    def complete(self) -> bool:
        """Every issuer up to a trusted root was served: each signature was made by the next one's key."""
        return self.anchor is not None and not self.cost.bad_signatures and not self.gave_up


@dataclass
class _Served:
    """The served list as a graph: which certificate may have issued which."""

    chain: Sequence[Certificate | Malformed]
    trust: TrustStore
    at: datetime
    signatures_left: int = MOST_SIGNATURES
    certificates: dict[int, Certificate] = field(default_factory=dict)  # each once, by its first index
    by_subject: dict[bytes, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for index, certificate in enumerate(self.chain):
            if isinstance(certificate, Certificate) and certificate.sha256 not in seen:
                seen.add(certificate.sha256)
                self.certificates[index] = certificate
                self.by_subject.setdefault(certificate.subject_der, []).append(index)

    def signed(self, certificate: Certificate, issuer: Certificate) -> bool:
        if self.signatures_left <= 0:
            return False
        self.signatures_left -= 1
        return signed_by(certificate, issuer)

    def issuers(self, way: Sequence[int]) -> Iterator[tuple[int, Cost]]:
        """Served certificates that may have issued the last one of the way, with what is wrong about each."""
        index = way[-1]
        certificate = self.certificates[index]
        if certificate.self_signed:
            return
        candidates = [i for i in self.by_subject.get(certificate.issuer_der, ()) if self.certificates[i] != certificate]
        for candidate, fault in self._weighed(certificate, [self.certificates[i] for i in candidates]):
            issuer = self.certificates[candidates[candidate]]
            own = Cost(
                not_authorities=not issuer.is_ca,
                unfit=self._unfit(issuer, way),
                out_of_dates=not within_dates(issuer, self.at),
                length=1,
            )
            yield candidates[candidate], fault.plus(own)

    def roots(self, way: Sequence[int]) -> Iterator[tuple[Certificate, Cost]]:
        """Roots of the store that may have issued the last certificate of the way, or are it."""
        certificate = self.certificates[way[-1]]
        if certificate in self.trust and certificate.self_signed:
            yield certificate, Cost()
            return
        roots = self.trust.roots(certificate.issuer_der)
        for candidate, fault in self._weighed(certificate, roots):
            root = roots[candidate]
            yield root, fault.plus(Cost(unfit=self._unfit(root, way), out_of_dates=not within_dates(root, self.at)))

    def _unfit(self, issuer: Certificate, way: Sequence[int]) -> int:
        below = sum(not self.certificates[index].self_issued for index in way[1:])
        return unfit(issuer, self.certificates[way[-1]], self.certificates[way[0]], below)

    def _weighed(self, certificate: Certificate, candidates: Sequence[Certificate]) -> Iterator[tuple[int, Cost]]:
        """Candidates by their index. Names match already; the signature decides, and key identifiers guide: where
        both contradict, the candidate is another CA of the same name and no issuer at all."""
        agreeing = [
            i for i, c in enumerate(candidates) if key_ids_agree(certificate, c) and serials_agree(certificate, c)
        ]
        found = False
        for i in agreeing:
            signed = self.signed(certificate, candidates[i])
            found = found or signed
            yield i, Cost(bad_signatures=not signed)
        if found:
            return
        for i, candidate in enumerate(candidates):
            if i not in agreeing and self.signed(certificate, candidate):
                yield i, Cost(contradicting_key_ids=1)


def within_dates(certificate: Certificate, at: datetime) -> bool:
    """RFC 5280 4.1.2.5: both ends belong to the validity."""
    return certificate.not_before <= at <= certificate.not_after


def key_ids_agree(certificate: Certificate, issuer: Certificate) -> bool:
    """RFC 5280 4.2.1.1: the issuer's key identifier is the one that the certificate names, where both have one."""
    wanted, had = certificate.authority_key_id, issuer.subject_key_id
    return wanted is None or had is None or wanted == had


def serials_agree(certificate: Certificate, issuer: Certificate) -> bool:
    """RFC 5280 4.2.1.1: the issuer's serial number, and who issued it, are those that the certificate names, if any."""
    if certificate.authority_serial is None:
        return True
    serial, names = certificate.authority_serial
    return serial == issuer.x509.serial_number and (not names or issuer.issuer_der in names)


def leaf_index(chain: Sequence[Certificate | Malformed]) -> int | None:
    """Where the server's own certificate is.

    TLS wants it first (RFC 8446 4.4.2). Where a CA's certificate is first and exactly one of the others is no CA's,
    that one was meant. None: the first certificate is malformed, or there is none.
    """
    if not chain or isinstance(chain[0], Malformed):
        return None
    if chain[0].is_ca:
        others = {
            c.sha256: i for i, c in reversed(list(enumerate(chain))) if isinstance(c, Certificate) and not c.is_ca
        }
        if len(others) == 1:
            return next(iter(others.values()))
    return 0


def best_path(chain: Sequence[Certificate | Malformed], leaf: int, trust: TrustStore, at: datetime) -> Path:
    """The path with the least wrong about it.

    When no path reaches a root, the one that gets farthest comes back, without anchor.
    """
    return _straight_path(chain, leaf, trust, at) or _cheapest_path(chain, leaf, trust, at)


def _straight_path(chain: Sequence[Certificate | Malformed], leaf: int, trust: TrustStore, at: datetime) -> Path | None:
    """The path of a chain as it should be, found without a search. None for all others."""
    steps = [certificate for certificate in chain if isinstance(certificate, Certificate)]
    if leaf or not 1 < len(steps) == len(chain) or len({c.subject_der for c in steps}) != len(steps):
        return None
    # A root that the path could end at before its last certificate would be a choice.
    roots = [root for certificate in steps for root in trust.roots(certificate.issuer_der)]
    if len(roots) != 1 or steps[-1].self_issued:
        return None
    for below, (certificate, issuer) in enumerate(pairwise([*steps, roots[0]])):
        if not _issued_soundly(certificate, issuer, at) or unfit(issuer, certificate, steps[0], below):
            return None
    served = tuple(range(len(steps)))
    return Path(served, roots[0], Cost(length=len(steps) - 1), related=frozenset(served), straight=True)


def _issued_soundly(certificate: Certificate, issuer: Certificate, at: datetime) -> bool:
    return (
        certificate.issuer_der == issuer.subject_der
        and issuer.is_ca
        and within_dates(issuer, at)
        and key_ids_agree(certificate, issuer)
        and serials_agree(certificate, issuer)
        and signed_by(certificate, issuer)
    )


def _cheapest_path(chain: Sequence[Certificate | Malformed], leaf: int, trust: TrustStore, at: datetime) -> Path:
    """Dijkstra's algorithm over the served certificates, by Cost."""
    served = _Served(chain, trust, at)
    ends: list[tuple[Cost, tuple[int, ...], Certificate]] = []
    settled: dict[int, tuple[Cost, tuple[int, ...]]] = {}
    queue: list[tuple[Cost, tuple[int, ...]]] = [(Cost(), (leaf,))]
    while queue and served.signatures_left > 0:
        cost, way = heapq.heappop(queue)
        if way[-1] in settled:
            continue
        settled[way[-1]] = cost, way
        ends += [(cost.plus(more), way, root) for root, more in served.roots(way)]
        for issuer, more in served.issuers(way):
            if issuer not in settled:
                heapq.heappush(queue, (cost.plus(more), (*way, issuer)))
    gave_up = served.signatures_left <= 0
    related = frozenset(settled)
    if ends:
        cost, way, root = min(ends, key=lambda end: end[:2])
        return Path(way, root, cost, gave_up=gave_up and any(cost[:-1]), related=related)
    believed = [entry for index, entry in settled.items() if served.certificates[index] in trust]
    if believed:
        cost, way = min(believed)
        return Path(way, None, cost, partial_anchor=True, gave_up=gave_up, related=related)
    cost, way = min(settled.values(), key=lambda entry: (entry[0][:3], -len(entry[1]), entry))
    return Path(way, None, cost, gave_up=gave_up, related=related)


def walk(chain: Sequence[Certificate | Malformed], leaf: int, trust: TrustStore, at: datetime, by_dates: bool) -> Path:
    """The one path that a client without a search takes: the store first, then the served list, and no way back.

    Issuers are chosen by name, key identifiers and, for OpenSSL (`by_dates`), dates: signatures are looked at when it
    is too late.
    """
    served = _Served(chain, trust, at)
    way = {leaf: served.certificates[leaf]}
    while True:
        certificate = list(way.values())[-1]
        root = _choice(certificate, trust.roots(certificate.issuer_der), at, by_dates)
        left = [i for i in served.by_subject.get(certificate.issuer_der, ()) if i not in way]
        issuer = _choice(certificate, [served.certificates[i] for i in left], at, by_dates)
        if root is not None or certificate.self_signed or issuer is None:
            steps = [*way.values(), *([root] if root else [])]
            bad = sum(not signed_by(certificate, issuer) for certificate, issuer in pairwise(steps))
            return Path(tuple(way), root, Cost(bad_signatures=bad))
        way[next(i for i in left if served.certificates[i] is issuer)] = issuer


def _choice(
    certificate: Certificate, candidates: Sequence[Certificate], at: datetime, by_dates: bool
) -> Certificate | None:
    """What OpenSSL's and GnuTLS's search for an issuer comes back with."""
    likely = [
        c for c in candidates if key_ids_agree(certificate, c) and (not by_dates or serials_agree(certificate, c))
    ]
    current = [c for c in likely if within_dates(c, at)] if by_dates else []
    if current:
        return current[0]
    # OpenSSL 3.0 keeps the last of those it would rather not have
    return next(iter(reversed(likely) if by_dates else likely), None)
