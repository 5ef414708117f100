# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_endpoints
short_description: List the endpoints that the sites of many hosts should answer on
version_added: 0.1.0
author:
  - the fullchain.tls contributors (@fullchain)
description:
  - Returns what the option O(fullchain.tls.verify_tls#module:endpoints) takes, for all hosts at once.
  - A host has one endpoint for each name in its variable C(tls_sites), each at the host's own address, which is
    C(tls_verify_address), else C(ansible_host), else the host's name in the inventory.
  - A host whose variable C(tls_endpoints) is set has those instead. A host with neither has none.
options:
  _input:
    description: The names of the hosts.
    type: list
    elements: str
    required: true
  hostvars:
    description: The variables of all hosts, Ansible's C(hostvars).
    type: dict
    required: true
  verify_from:
    description:
      - Only hosts whose variable C(tls_verify_from) (default V(controller)) is this.
      - Left out, all hosts.
    type: str
    choices: [controller, host]
seealso:
  - plugin: fullchain.tls.site_endpoints
    plugin_type: filter
  - module: fullchain.tls.verify_tls
"""

EXAMPLES = r"""
- name: Verify every site of the play's hosts in one task
  fullchain.tls.verify_tls:
    endpoints: "{{ ansible_play_hosts | fullchain.tls.fleet_endpoints(hostvars) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: The endpoints, in the order of the hosts.
  type: list
  elements: raw
  sample: [{host: shop.example.com, port: 443, server_name: shop.example.com, address: 192.0.2.7}]
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.fleet import VERIFY_FROM, endpoints_of_host
from ansible_collections.fullchain.tls.plugins.plugin_utils.values import plain


def fleet_endpoints(
    hosts: Sequence[str], hostvars: Mapping[str, Mapping[str, Any]], verify_from: str | None = None
) -> list[Any]:
    """The filter; see DOCUMENTATION."""
    if verify_from is not None and verify_from not in VERIFY_FROM:
        raise AnsibleFilterError(f"verify_from: {verify_from!r} is not known (expected {' or '.join(VERIFY_FROM)})")
    return [endpoint for host in map(str, hosts) for endpoint in _endpoints_of(host, hostvars[host], verify_from)]


def _endpoints_of(host: str, variables: Mapping[str, Any], verify_from: str | None) -> list[Any]:
    try:
        return endpoints_of_host(host, {key: plain(variables[key]) for key in _KEYS if key in variables}, verify_from)
    except InputError as error:
        raise AnsibleFilterError(f"host {host}: {error}") from error


# Ansible templates a host's variables one by one as they are asked for; the others are none of this filter's business.
_KEYS = ("tls_endpoints", "tls_sites", "tls_verify_from", "tls_verify_address", "tls_trust", "ansible_host")


class FilterModule:
    """Ansible's way to find the filter."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by its name."""
        return {"fleet_endpoints": fleet_endpoints}
