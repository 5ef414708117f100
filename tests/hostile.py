# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of certificates that are made to be slow, big or endless."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache, partial
from ipaddress import ip_network

from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.trust import TrustStore
from cryptography import x509

from tests.pki import Cert, mint

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=timezone.utc)
SHOP = "shop.example.com"
_MANY = tuple(f"h{n:05}.example.com" for n in range(10_000))
_NAMESAKES = tuple(f"c{n}" for n in range(99))

Made = tuple[tuple[bytes, ...], TrustStore]


@dataclass(frozen=True)
class Hostile:
    """A list that is served, and the codes that have to be among its findings. `make` gives DER and the store that it is judged by."""

    name: str
    declare: Callable[[], Mapping[str, Cert]]
    found: frozenset[str]
    trust: tuple[str, ...] = ("root",)

    def make(self) -> Made:
        """Mint it, once: leaf first, then everything that is declared but the root."""
        return _made(self)


@cache
def _made(hostile: Hostile) -> Made:
    declared = hostile.declare()
    pki = mint(NOW, **{"root": Cert(), **declared})
    served = ["leaf", *(name for name in declared if name != "leaf")]
    return tuple(map(pki.der, served)), pki.trust(*hostile.trust)


def _chained_namesakes(key_ids: bool) -> Mapping[str, Cert]:
    towers = {
        n: Cert(issuer=_NAMESAKES[i - 1] if i else None, cn="CA", key_ids=key_ids) for i, n in enumerate(_NAMESAKES)
    }
    return {**towers, "leaf": Cert(issuer="c50", names=[SHOP], key_ids=key_ids)}


def _one_key(key_ids: bool) -> Mapping[str, Cert]:
    twins = {n: Cert(cn="CA", key="c0" if i else None, key_ids=key_ids) for i, n in enumerate(_NAMESAKES)}
    return {**twins, "leaf": Cert(issuer="c50", names=[SHOP], key_ids=key_ids)}


def _ring() -> Mapping[str, Cert]:
    own = {f"r{i}": Cert() for i in range(50)}
    crossed = {f"x{i}": Cert(issuer=f"r{i + 1}", like=f"r{i}") for i in range(49)}
    return {**crossed, **own, "leaf": Cert(issuer="r0", names=[SHOP])}


def _everyone_signs_everyone() -> Mapping[str, Cert]:
    own = {f"k{i}": Cert() for i in range(10)}
    crossed = {f"g{i}{j}": Cert(issuer=f"k{j}", like=f"k{i}") for i in range(10) for j in range(10) if i != j}
    return {**crossed, **own, "leaf": Cert(issuer="k0", names=[SHOP])}


def _strangers() -> Mapping[str, Cert]:
    return {**{name: Cert() for name in _NAMESAKES}, "leaf": Cert(issuer="root", names=[SHOP])}


def _big_keys() -> Mapping[str, Cert]:
    tower = {f"a{i}": Cert(issuer=f"a{i + 1}" if i < 97 else "root", key="big", key_type="rsa4096") for i in range(98)}
    return {**tower, "leaf": Cert(issuer="a0", names=[SHOP])}


def _names(number: int) -> Mapping[str, Cert]:
    return {"inter": Cert(issuer="root"), "leaf": Cert(issuer="inter", names=_MANY[:number])}


def _constrained(
    permitted: Sequence[x509.GeneralName] | None, excluded: Sequence[x509.GeneralName] | None, names: Sequence[str]
) -> Mapping[str, Cert]:
    limits = [(x509.NameConstraints(permitted, excluded), True)]
    return {"inter": Cert(issuer="root", extensions=limits), "leaf": Cert(issuer="inter", names=names)}


def _dns(prefix: str, number: int) -> list[x509.GeneralName]:
    return [x509.DNSName(f"{prefix}{n}.example.com") for n in range(number)]


def _networks() -> list[x509.GeneralName]:
    networks = (ip_network(f"10.{a}.{b}.0/{24 + a % 8}", strict=False) for a in range(100) for b in range(100))
    return [x509.IPAddress(network) for network in networks]


def _constrained_tower(names: int) -> Mapping[str, Cert]:
    limits = [(x509.NameConstraints([*_dns("p", 1), x509.DNSName("example.com")], _dns("e", 200)), True)]
    tower = {
        f"t{i}": Cert(issuer=f"t{i + 1}" if i < 97 else "root", cn=f"t{i}.example.com", extensions=limits)
        for i in range(98)
    }
    return {**tower, "leaf": Cert(issuer="t0", names=_MANY[:names])}


_TOO_LONG, _MISMATCH, _CONSTRAINED = "chain-too-long", "name-mismatch", "name-constraint-violated"
_ADDRESSES = [f"10.200.{n // 256}.{n % 256}" for n in range(5000)]

HOSTILE = (
    Hostile("99 namesakes that issued each other", partial(_chained_namesakes, True), frozenset({_TOO_LONG})),
    Hostile("99 namesakes without key identifiers", partial(_chained_namesakes, False), frozenset({_TOO_LONG})),
    Hostile("99 namesakes with one key", partial(_one_key, True), frozenset({_TOO_LONG, "untrusted-root"})),
    Hostile("99 namesakes with one key, without identifiers", partial(_one_key, False), frozenset({_TOO_LONG})),
    Hostile("99 namesakes, a third of them trusted", partial(_chained_namesakes, False), frozenset({_TOO_LONG}), _NAMESAKES[60:]),
    Hostile("a ring of cross-signs", _ring, frozenset({_TOO_LONG, "untrusted-root"})),
    Hostile("ten CAs that cross-signed each other", _everyone_signs_everyone, frozenset({_TOO_LONG})),
    Hostile("99 strangers", _strangers, frozenset({_TOO_LONG, "unrelated-certificate"})),
    Hostile("98 intermediates with RSA 4096", _big_keys, frozenset({_TOO_LONG})),
    Hostile("10,000 names", partial(_names, 10_000), frozenset({_TOO_LONG, _MISMATCH})),
    Hostile("10,000 names under 20,000 constraints", lambda: _constrained(_dns("n", 10_000), _dns("e", 10_000), _MANY), frozenset({_CONSTRAINED})),
    Hostile("5,000 addresses under 10,000 networks", lambda: _constrained(None, _networks(), [SHOP, *_ADDRESSES]), frozenset({_CONSTRAINED})),
    Hostile("98 intermediates with constraints", partial(_constrained_tower, 20), frozenset({_TOO_LONG, _MISMATCH})),
    Hostile("98 intermediates with constraints, 2,000 names", partial(_constrained_tower, 2000), frozenset({_CONSTRAINED})),
)  # fmt: skip
