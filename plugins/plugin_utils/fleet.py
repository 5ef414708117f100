# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host's variables to the endpoints that it should answer on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.sites import read_sites, site_endpoints

VERIFY_FROM = ("controller", "host")


def endpoints_of_host(host: str, variables: Mapping[str, Any], verify_from: str | None = None) -> list[Any]:
    """The endpoints of one host, each as parse_endpoint takes it.

    variables: those of tls_endpoints, tls_sites, tls_verify_from, tls_verify_address, tls_trust and ansible_host that are set.
    verify_from: none for a host that is looked at from elsewhere. Raises InputError.
    """
    looked_at_from = variables.get("tls_verify_from") or "controller"
    if looked_at_from not in VERIFY_FROM:
        raise InputError(f"tls_verify_from: {looked_at_from!r} is not known (expected {' or '.join(VERIFY_FROM)})")
    if verify_from not in (None, looked_at_from):
        return []
    if variables.get("tls_endpoints") is not None:
        return _listed(variables["tls_endpoints"])
    address = variables.get("tls_verify_address") or variables.get("ansible_host") or host
    found = site_endpoints(read_sites(variables.get("tls_sites") or []), address)
    trust = variables.get("tls_trust")
    if not trust:
        return found
    # `-e tls_trust=a.pem,b.pem` is a text.
    listed = [item.strip() for item in trust.split(",")] if isinstance(trust, str) else trust
    return [{**endpoint, "trust": listed} for endpoint in found]


def _listed(value: Any) -> list[Any]:
    """A list, or a text with commas, which is what `-e tls_endpoints=a.example,b.example:8443` makes of it."""
    if isinstance(value, str):
        items = [item.strip() for item in value.split(",")]
        if "" in items:
            # `-e tls_endpoints=a, b` without quotes: Ansible ends the value at the space, and b would go unverified.
            raise InputError(f"tls_endpoints: {value!r} has nothing beside a comma (a text with spaces needs quotes)")
        return items
    if isinstance(value, list):
        return value
    raise InputError(f"tls_endpoints: {value!r} is no list (expected a list, or a text with commas)")
