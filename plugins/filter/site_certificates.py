# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: site_certificates
short_description: List the certificates that have to be delivered to a host
version_added: 0.1.0
author:
  - the fullchain.tls contributors (@fullchain)
description:
  - Returns what the option O(fullchain.tls.deploy#module:certificates) takes, for the sites whose C(certificate.source) is V(files).
  - What is returned may hold private keys, so it belongs in that option and nowhere else.
options:
  reader:
    description: The user that the server runs as, and its group, where that is not root and has to be able to read the keys.
    type: str
  split:
    description: Whether the server takes the leaf and the rest of its chain from two files, as Apache before 2.4.8 does.
    type: bool
    default: false
extends_documentation_fragment:
  - fullchain.tls.sites
seealso:
  - plugin: fullchain.tls.sites
    plugin_type: filter
  - module: fullchain.tls.deploy
"""

EXAMPLES = r"""
- name: Deliver the certificates of all sites
  fullchain.tls.deploy:
    root: /etc/nginx/fullchain
    certificates: "{{ tls_sites | fullchain.tls.site_certificates }}"
    test: [nginx, -t]
    reload: [systemctl, reload, nginx]
"""

RETURN = r"""
_value:
  description: One entry a site whose certificate is delivered, in the order of the sites.
  type: list
  elements: dict
"""

from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.filtering import filtered
from ansible_collections.fullchain.tls.plugins.plugin_utils.sites import delivered_certificates, read_sites


def site_certificates(value: Any, split: bool = False, reader: str | None = None) -> list[dict[str, Any]]:
    """The filter; see DOCUMENTATION."""
    return delivered_certificates(filtered(read_sites, value), split, reader)


class FilterModule:
    """Ansible's way to find the filter."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by its name."""
        return {"site_certificates": site_certificates}
