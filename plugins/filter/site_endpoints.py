# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: site_endpoints
short_description: List the endpoints that a host's sites should answer on
version_added: 0.1.0
author:
  - the fullchain.tls contributors (@fullchain)
description:
  - Returns what the option O(fullchain.tls.verify_tls#module:endpoints) takes, one endpoint for each name of each site.
  - A wildcard is no name that a client could ask for, and gets none.
options:
  address:
    description:
      - The address or hostname to connect to, whatever the names resolve to.
      - Left out, the names are resolved.
    type: str
  port:
    description: The port to connect to.
    type: int
    default: 443
extends_documentation_fragment:
  - fullchain.tls.sites
seealso:
  - plugin: fullchain.tls.sites
    plugin_type: filter
  - module: fullchain.tls.verify_tls
"""

EXAMPLES = r"""
- name: Verify every site of this host at the host's own address
  fullchain.tls.verify_tls:
    endpoints: "{{ tls_sites | fullchain.tls.site_endpoints(address=ansible_host) }}"
"""

RETURN = r"""
_value:
  description: The endpoints, in the order of the sites and of their names.
  type: list
  elements: dict
  sample: [{host: shop.example.com, port: 443, server_name: shop.example.com, address: 192.0.2.7}]
"""

from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.filtering import filtered
from ansible_collections.fullchain.tls.plugins.plugin_utils.sites import read_sites
from ansible_collections.fullchain.tls.plugins.plugin_utils.sites import site_endpoints as endpoints_of


def site_endpoints(value: Any, address: str | None = None, port: int = 443) -> list[dict[str, Any]]:
    """The filter; see DOCUMENTATION."""
    return endpoints_of(filtered(read_sites, value), address or None, int(port))


class FilterModule:
    """Ansible's way to find the filter."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by its name."""
        return {"site_endpoints": site_endpoints}
