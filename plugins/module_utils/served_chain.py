# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at what an endpoint serves with what a host has: Python's sockets and the openssl command (1.0.2 up).

Python's own ssl module tells the chain as served only from 3.13 on; the command has always done so.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, List, Optional, Tuple

from ansible_collections.fullchain.tls.plugins.module_utils.endpoints import read_endpoint, refuse_client_auth
from ansible_collections.fullchain.tls.plugins.module_utils.reach import Failure, Place, places_of
from ansible_collections.fullchain.tls.plugins.module_utils.s_client import (
    VERSIONS,
    Offer,
    Openssl,
    answered,
    certificates,
    cipher_of,
    failure_of,
    find_openssl,
    group_of,
    look,
    protocol_of,
    refuse_unknown_protocols,
)

Served = Dict[str, Any]


def fetch_all(
    endpoints: List[Any], openssl: str, timeout: float = 10, workers: int = 16, versions: bool = False
) -> List[Served]:
    """What each endpoint serves, in their order; several for one that asks for several connections. A failure is a result.

    endpoints: as read_endpoint takes them. openssl: the command. timeout: seconds for each. workers: how many at a time.
    versions: whether to try which versions of TLS are taken, where an endpoint doesn't say.
    Raises ValueError for parameters that cannot be read, OSError when the command can't be run.
    """
    refuse_client_auth(endpoints)
    read = [read_endpoint(value) for value in endpoints]
    if timeout <= 0:
        raise ValueError("timeout: {0} is not a time; expected seconds, more than 0".format(timeout))
    if workers < 1:
        raise ValueError("workers: {0} is not a count; expected 1 or more".format(workers))
    command = find_openssl(openssl)
    refuse_unknown_protocols(read, command)
    with ThreadPoolExecutor(workers) as pool:
        found = pool.map(lambda endpoint: places_of(endpoint, timeout), read)
        places = [place for group in found for place in group]
        asked = [(place, _offers(place, versions, command)) for place in places]
        one_by_one = [(place, offer) for place, offers in asked for offer in offers]
        seen = iter(list(pool.map(lambda one: fetch(one[0], one[1], command), one_by_one)))
    return [served for _place, offers in asked for served in _gather([(offer, next(seen)) for offer in offers])]


def _offers(place: Place, versions: bool, openssl: Openssl) -> List[Offer]:
    """What to offer, once for each connection."""
    if place.failure:
        return [Offer()]
    endpoint = place.endpoint
    kinds = [Offer(key_type=key_type) for key_type in endpoint.get("key_types", ())] or [Offer()]
    offers = kinds * int(endpoint.get("repeat", 1))
    if endpoint.get("versions", versions):
        offers += [Offer(version=version) for version in VERSIONS if openssl.knows(version)]
    return offers


def fetch(place: Place, offer: Offer, openssl: Openssl) -> Served:
    """What is served there, in the shape of plugin_utils/wire/served.py. A failure is a result."""
    if place.failure:
        return _served(place, offer, failure=place.failure)
    said, complained = look(place.endpoint, str(place.address), time.time() + place.left, openssl, offer)
    chain = certificates(said)
    failure = None
    if complained:
        heard = answered(said) or bool(place.endpoint.get("starttls"))
        failure = failure_of(complained, heard, str(place.address), place.endpoint["port"], place.seconds)
    return _served(place, offer, said, chain, failure)


def _served(
    place: Place,
    offer: Offer,
    said: str = "",
    chain: Optional[List[str]] = None,
    failure: Optional[Failure] = None,
) -> Served:
    kind, detail = failure or (None, None)
    return {
        "endpoint": place.endpoint,
        "address": place.address,
        "protocol": protocol_of(said) if chain else None,
        "cipher": cipher_of(said) if chain else None,
        "group": group_of(said) if chain else None,
        "key_type": offer.key_type,
        "versions": None,
        "connections": 1,
        "chain": chain or [],
        "failure_kind": kind,
        "failure_detail": detail,
        "stapled": None,
    }


def _gather(seen: List[Tuple[Offer, Served]]) -> List[Served]:
    """What the connections to one address have shown, as plugin_utils/wire/looks.py tells it."""
    told = []  # type: List[Served]
    tried = [(offer.version, served["protocol"]) for offer, served in seen if offer.version]
    for served in (served for offer, served in seen if not offer.version):
        alike = [one for one in told if dict(one, connections=1) == served]
        if alike:
            alike[0]["connections"] += 1
        else:
            told.append(served)
    for served in told:
        served["versions"] = [version for version, protocol in tried if version == protocol] if tried else None
    return told
