# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many connections an endpoint asks for, and what they come to together. Most ask for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from ansible_collections.fullchain.tls.plugins.module_utils.endpoints import REQUIRED
from ansible_collections.fullchain.tls.plugins.module_utils.s_client import VERSIONS, Offer
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import Endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.resolve import Address
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.served import Served
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.tls import EVERYTHING


class Look(NamedTuple):
    """One connection: to the first of `addresses` that takes it, with `offer`."""

    addresses: tuple[Address, ...]
    offer: Offer


_ONE = (EVERYTHING,)
_ANONYMOUS = Offer(anonymous=True)


def offers(endpoint: Endpoint) -> Sequence[Offer]:
    """What is offered to each address, once for each connection."""
    if not (endpoint.key_types or endpoint.versions or endpoint.client_cert) and endpoint.repeat == 1:
        return _ONE  # as most endpoints ask for
    kinds = [Offer(key_type=key_type) for key_type in endpoint.key_types] or [EVERYTHING]
    versions = [Offer(version=version) for version in VERSIONS] if endpoint.versions else []
    return [*kinds * endpoint.repeat, *versions, *([_ANONYMOUS] if _shows_that_required(endpoint) else [])]


def _shows_that_required(endpoint: Endpoint) -> bool:
    """Whether a connection without the endpoint's client certificate has to show that the server wants one."""
    return endpoint.client_cert is not None and endpoint.client_auth == REQUIRED


def looks(endpoint: Endpoint, addresses: tuple[Address, ...]) -> list[Look]:
    """The connections that `endpoint` asks for, `addresses` being those of its target."""
    places = [(address,) for address in addresses] if endpoint.addresses == "all" else [addresses]
    return [Look(place, offer) for place in places for offer in offers(endpoint)]


def gather(seen: Sequence[tuple[Offer, Served]]) -> list[Served]:
    """What the connections of one endpoint have shown: what is alike is told once, with the number of `connections`.

    Those that tried a version come to `versions` of the others with the same address, the one without a client certificate to
    their `anonymous`.
    """
    if len(seen) == 1:
        offer, served = seen[0]
        return [replace(served, key_type=offer.key_type) if offer.key_type else served]
    counts: dict[Served, int] = {}
    taken: dict[str | None, list[str]] = {}
    anonymous = {served.address: served for offer, served in seen if offer.anonymous}
    # Of several addresses it may have met another one.
    anywhere = seen[-1][1] if anonymous and seen[0][1].endpoint.addresses == "first" else None
    tried = [(offer.version, served) for offer, served in seen if offer.version]
    for version, served in tried:
        if served.protocol == version:
            taken.setdefault(served.address, []).append(version)
    for offer, served in seen:
        if not (offer.version or offer.anonymous):
            one = replace(served, key_type=offer.key_type)
            counts[one] = counts.get(one, 0) + 1
    return [
        replace(
            one,
            connections=count,
            versions=tuple(taken.get(one.address, ())) if tried else None,
            anonymous=anonymous.get(one.address, anywhere),
        )
        for one, count in counts.items()
    ]
