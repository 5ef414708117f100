# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: nginx_tls
short_description: Turn a TLS profile into nginx's directives
version_added: 0.1.0
author:
  - the fullchain.tls contributors (@fullchain)
description:
  - Returns the directives of a TLS profile, as far as an nginx of O(version) that runs with O(openssl) can follow it.
  - What it can't follow is left out and named in RV(_value.left_out). A profile of which no protocol is left is an error.
  - Of all sites that share an address and port, nginx before 1.29.2 uses C(ssl_protocols) of the default server.
    The same goes for C(ssl_ecdh_curve).
options:
  version:
    description: nginx's version.
    type: str
    required: true
  openssl:
    description: The version of OpenSSL that it runs with.
    type: str
    required: true
extends_documentation_fragment:
  - fullchain.tls.profiles
seealso:
  - module: fullchain.tls.nginx_info
"""

EXAMPLES = r"""
- name: Show the directives for this host
  ansible.builtin.debug:
    msg: "{{ 'intermediate' | fullchain.tls.nginx_tls(version='1.22.1', openssl='3.0.19') }}"

- name: Show those of a profile of our own
  ansible.builtin.debug:
    msg: "{{ profile | fullchain.tls.nginx_tls(version='1.26.3', openssl='3.5.1') }}"
  vars:
    profile:
      base: intermediate
      groups: [X25519, prime256v1]
"""

RETURN = r"""
_value:
  description: The directives, and what had to be left out.
  type: dict
  contains:
    directives:
      description: Values by the name of the directive, in the order to write them.
      type: dict
      sample: {ssl_protocols: TLSv1.2 TLSv1.3}
    protocols:
      description: The protocols that are offered.
      type: list
      elements: str
    left_out:
      description: What the profile asks and this nginx can't do, and from which version it could.
      type: list
      elements: str
      sample: [X25519MLKEM768 (OpenSSL 3.5 or newer; here 3.0.19)]
"""

from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.filtering import filtered
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.nginx import nginx_tls as directives_of
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.openssl import parse_version
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.reader import read_profile


def nginx_tls(value: Any, version: str, openssl: str) -> dict[str, Any]:
    """The filter; see DOCUMENTATION."""
    profile = filtered(read_profile, value)
    tls = filtered(directives_of, profile, filtered(parse_version, version), filtered(parse_version, openssl))
    return {"directives": dict(tls.directives), "protocols": list(tls.protocols), "left_out": list(tls.notes)}


class FilterModule:
    """Ansible's way to find the filter."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by its name."""
        return {"nginx_tls": nginx_tls}
