# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: sites
short_description: Check the list of sites that a fleet serves
version_added: 0.1.0
author:
  - the fullchain.tls contributors (@fullchain)
description:
  - Checks the whole list O(_input) and returns it in one shape, each key present.
  - The first thing that is wrong fails the task, naming the site, the value and what was expected.
  - What is returned holds no certificate and no key, so that templates can be given it.
options:
  sources:
    description: The values of C(certificate.source) that the caller can serve.
    type: list
    elements: str
    choices: [certbot, files, server]
    default: [certbot, files, server]
  root:
    description: The directory on the host that holds C(current); delivered certificates lie below it.
    type: str
    default: /etc/nginx/fullchain
  profile:
    description: The TLS profile of sites that name none, a profile's name or a mapping. It is checked like theirs.
    type: raw
    default: intermediate
extends_documentation_fragment:
  - fullchain.tls.sites
  - fullchain.tls.sites.lineages
seealso:
  - plugin: fullchain.tls.site_certificates
    plugin_type: filter
  - plugin: fullchain.tls.site_lineages
    plugin_type: filter
  - plugin: fullchain.tls.site_endpoints
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show the names of all certificates that certbot has to obtain
  ansible.builtin.debug:
    msg: "{{ tls_sites | fullchain.tls.sites | selectattr('certificate.source', 'eq', 'certbot') | map(attribute='names') }}"
  vars:
    tls_sites:
      - name: shop.example.com
        aliases: [www.shop.example.com]
        proxy_to: http://127.0.0.1:8000
"""

RETURN = r"""
_value:
  description: The checked sites, in the order given.
  type: list
  elements: dict
  contains:
    name:
      description: The first name, an A-label hostname in lower case or an IP address.
      type: str
    aliases:
      description: The other names.
      type: list
      elements: str
    names:
      description: All names, RV(_value[].name) first.
      type: list
      elements: str
    certificate:
      description:
        - Its C(source), and unless that is V(server), C(fullchain_path) and C(privkey_path), where the web server finds them on the host.
      type: dict
    proxy_to:
      description: The URL that requests are passed to, or null.
      type: str
    root:
      description: The directory whose files are served, or null.
      type: str
    profile:
      description: The TLS profile, a name or a mapping.
      type: raw
    extra:
      description: Verbatim directives.
      type: str
    label:
      description: What messages call the site.
      type: str
      sample: tls_sites[0] (shop.example.com)
"""

from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.filtering import filtered
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.reader import DEFAULT_PROFILE, read_profile
from ansible_collections.fullchain.tls.plugins.plugin_utils.sites import SOURCES, normalise, read_sites
from ansible_collections.fullchain.tls.plugins.plugin_utils.values import plain


def sites(
    value: Any,
    sources: Any = SOURCES,
    root: str = "/etc/nginx/fullchain",
    config_dir: str = "/etc/letsencrypt",
    profile: Any = DEFAULT_PROFILE,
) -> list[dict[str, Any]]:
    """The filter; see DOCUMENTATION."""
    filtered(read_profile, profile)
    return [
        normalise(site, root, f"{config_dir}/live", plain(profile)) for site in filtered(read_sites, value, sources)
    ]


class FilterModule:
    """Ansible's way to find the filter."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by its name."""
        return {"sites": sites}
