# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge chains of DER, beside cryptography's own verifier on the same chains: one core, no network.

A chain is what public CAs issue: leaf and intermediate, ECDSA P-256, ending at a root of the store. Both sides begin with
bytes, parse, build the path, check its signatures, dates and names; the judge also predicts seven clients and words its
findings. The two take turns; the value is the median of the rounds' ratios. Measured for chains that share nothing, and
for those of one CA, whose intermediate's signature was looked at before. Then lists that are made to be slow.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / ".work")]

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge import Case, judge  # noqa: E402
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import parse_certificate  # noqa: E402
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.trust import TrustStore  # noqa: E402
from cryptography import x509  # noqa: E402
from cryptography.x509.verification import PolicyBuilder, Store  # noqa: E402

import tests.hostile as hostile_lists  # noqa: E402
from tests.pki import Cert, Pki, mint  # noqa: E402

ROUNDS = 7
CHAINS = 300  # a round
NOW = datetime.now(timezone.utc)


class Chain(NamedTuple):
    """What a server sends, and the name that it was asked for."""

    served: tuple[bytes, ...]
    name: str


class Fleet(NamedTuple):
    """Chains, and the roots that they end at."""

    chains: list[Chain]
    roots: list[bytes]


def sharing_nothing() -> Fleet:
    """Each chain with a root and an intermediate of its own."""
    pkis = [_pki(f"ca{number}.", [number]) for number in range(CHAINS)]
    return Fleet([_chain(pki, number) for number, pki in enumerate(pkis)], [pki.der("root") for pki in pkis])


def sharing_intermediates() -> Fleet:
    """All chains from one intermediate."""
    pki = _pki("", range(CHAINS))
    return Fleet([_chain(pki, number) for number in range(CHAINS)], [pki.der("root")])


def _pki(ca: str, numbers: Sequence[int]) -> Pki:
    leaves = {f"leaf{n}": Cert(issuer="inter", names=[_name(n)], starts="-1d", ends="80d") for n in numbers}
    return mint(NOW, root=Cert(cn=f"{ca}root"), inter=Cert(issuer="root", cn=f"{ca}inter"), **leaves)


def _chain(pki: Pki, number: int) -> Chain:
    return Chain((pki.der(f"leaf{number}"), pki.der("inter")), _name(number))


def _name(number: int) -> str:
    return f"site{number}.bench.example.com"


def judged_a_second(fleet: Fleet) -> float:
    """Chains through the judge. Exits when one of them is not found good."""
    roots = [parse_certificate(der) for der in fleet.roots]
    trust = TrustStore(roots)

    def one(chain: Chain) -> bool:
        served = tuple(map(parse_certificate, chain.served))
        verdict = judge(Case(chain=served, trust=trust, at=NOW, server_name=chain.name))
        return verdict.ok and not verdict.findings

    return _a_second(one, fleet.chains)


def verified_a_second(fleet: Fleet) -> float:
    """Chains through cryptography's verifier, which raises for one that it does not accept."""
    builder = PolicyBuilder().store(Store([x509.load_der_x509_certificate(der) for der in fleet.roots])).time(NOW)

    def one(chain: Chain) -> bool:
        leaf, *issuers = (x509.load_der_x509_certificate(der) for der in chain.served)
        return len(builder.build_server_verifier(x509.DNSName(chain.name)).verify(leaf, issuers)) == 3

    return _a_second(one, fleet.chains)


def _a_second(one: Callable[[Chain], bool], chains: Sequence[Chain]) -> float:
    started = time.perf_counter()
    good = sum(map(one, chains))
    took = time.perf_counter() - started
    if good != len(chains):
        sys.exit(f"judge: only {good} of {len(chains)} chains were found good")
    return len(chains) / took


def measure(what: str, make: Callable[[], Fleet], goal: float) -> None:
    """Run the rounds, each with certificates that nobody has seen before, and print the figure."""
    rounds = []
    for _round in range(ROUNDS):
        fleet = make()
        rounds.append((judged_a_second(fleet), verified_a_second(fleet)))
    value = statistics.median(ours / theirs for ours, theirs in rounds)
    ours, theirs = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(
        f"judge: chains a second that {what}, beside cryptography's verifier: {value:.2f}, goal at least {goal}, "
        f"{'ok' if value >= goal else 'short'} ({ours:.0f}/s judged, {theirs:.0f}/s verified; "
        f"{CHAINS} chains, {ROUNDS} rounds, one core)"
    )


def slowest_hostile(goal: float) -> None:
    """Each hostile list is judged once, with nothing remembered of it; print the one that took longest, in milliseconds."""
    took = {}
    for hostile in hostile_lists.HOSTILE:
        chain, trust = hostile.make()
        gc.collect()  # what minting left behind is not the list's fault
        started = time.perf_counter()
        judge(
            Case(
                chain=tuple(map(parse_certificate, chain)),
                trust=trust,
                at=hostile_lists.NOW,
                server_name=hostile_lists.SHOP,
            )
        )
        took[hostile.name] = (time.perf_counter() - started) * 1000
    name, value = max(took.items(), key=lambda item: item[1])
    print(
        f"judge: ms for the slowest of {len(took)} hostile lists: {value:.0f}, goal at most {goal:.0f}, "
        f"{'ok' if value <= goal else 'short'} ({name}; the median took {statistics.median(took.values()):.0f} ms)"
    )


def main() -> None:
    """Measure all three."""
    slowest_hostile(100)
    measure("share nothing", sharing_nothing, 0.6)
    measure("share their intermediates", sharing_intermediates, 0.95)


if __name__ == "__main__":
    main()
