# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: apache_tls
short_description: Turn a TLS profile into Apache's directives
version_added: 0.1.0
author:
  - the fullchain.tls contributors (@fullchain)
description:
  - Returns the directives of a TLS profile, as far as an Apache of O(version) whose mod_ssl is linked to O(openssl) can follow it.
  - What it can't follow is left out and named in RV(_value.left_out). A profile of which no protocol is left is an error.
  - Of all sites that share an address and port, Apache before 2.4.42 uses C(SSLProtocol) of the first that it reads.
options:
  version:
    description: Apache's version. Empty is the newest.
    type: str
    required: true
  openssl:
    description: The version of OpenSSL that its mod_ssl is linked to. Empty is the newest.
    type: str
    required: true
extends_documentation_fragment:
  - fullchain.tls.profiles
seealso:
  - module: fullchain.tls.apache_info
"""

EXAMPLES = r"""
- name: Show the directives for this host
  ansible.builtin.debug:
    msg: "{{ 'intermediate' | fullchain.tls.apache_tls(version='2.4.71', openssl='3.0.19') }}"

- name: Show those of a profile of our own
  ansible.builtin.debug:
    msg: "{{ profile | fullchain.tls.apache_tls(version='2.4.71', openssl='3.5.1') }}"
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
      description: Each directive's name and value, in the order to write them. A name may come twice.
      type: list
      elements: list
      sample: [[SSLProtocol, -all +TLSv1.2 +TLSv1.3]]
    protocols:
      description: The protocols that are offered.
      type: list
      elements: str
    left_out:
      description: What the profile asks and this Apache can't do, and from which version it could.
      type: list
      elements: str
      sample: [X25519MLKEM768 (OpenSSL 3.5 or newer; here 3.0.19)]
    split:
      description: Whether the leaf and the rest of its chain are given in two files, as before Apache 2.4.8.
      type: bool
"""

from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.filtering import filtered
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.apache import apache_can, read_apache_version
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.apache import apache_tls as directives_of
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.openssl import parse_version
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.reader import read_profile


def apache_tls(value: Any, version: str, openssl: str) -> dict[str, Any]:
    """The filter; see DOCUMENTATION."""
    profile, apache = filtered(read_profile, value), filtered(read_apache_version, version, None)
    tls = filtered(directives_of, profile, apache, filtered(parse_version, openssl))
    return {
        "directives": [list(directive) for directive in tls.directives],
        "protocols": list(tls.protocols),
        "left_out": list(tls.notes),
        "split": not apache_can("chain in the file", apache),
    }


class FilterModule:
    """Ansible's way to find the filter."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by its name."""
        return {"apache_tls": apache_tls}
