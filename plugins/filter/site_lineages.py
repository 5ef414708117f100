# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: site_lineages
short_description: List certbot's lineages that a host's sites refer to
version_added: 0.1.0
author:
  - the fullchain.tls contributors (@fullchain)
description:
  - Returns what the option O(fullchain.tls.deploy#module:lineages) takes, for the sites whose C(certificate.source) is V(certbot).
options:
  split:
    description: Whether the server takes the leaf and the rest of its chain from two files, as Apache before 2.4.8 does.
    type: bool
    default: false
extends_documentation_fragment:
  - fullchain.tls.sites
  - fullchain.tls.sites.lineages
seealso:
  - plugin: fullchain.tls.sites
    plugin_type: filter
  - module: fullchain.tls.deploy
"""

EXAMPLES = r"""
- name: Reload the server when certbot has renewed a lineage, and verify what it serves
  fullchain.tls.deploy:
    root: /etc/nginx/fullchain
    lineages: "{{ tls_sites | fullchain.tls.site_lineages }}"
    test: [nginx, -t]
    reload: [systemctl, reload, nginx]
"""

RETURN = r"""
_value:
  description: One entry a site whose certificate certbot obtains, in the order of the sites.
  type: list
  elements: dict
"""

from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.filtering import filtered
from ansible_collections.fullchain.tls.plugins.plugin_utils.sites import lineages_on_host, read_sites


def site_lineages(value: Any, config_dir: str = "/etc/letsencrypt", split: bool = False) -> list[dict[str, Any]]:
    """The filter; see DOCUMENTATION."""
    return lineages_on_host(filtered(read_sites, value), f"{config_dir}/live", split)


class FilterModule:
    """Ansible's way to find the filter."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by its name."""
        return {"site_lineages": site_lineages}
