# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: apache_plan
short_description: Compute what Apache on a host is to be given for its sites
version_added: 0.1.0
author:
  - the fullchain.tls contributors (@fullchain)
description:
  - Used by the role P(fullchain.tls.apache#role), whose templates hold no decisions of their own.
  - Sites that can't be read, and what the host's Apache can't do, fail the task with a message that says what is wrong.
options:
  info:
    description: The result of M(fullchain.tls.apache_info).
    type: dict
    required: true
  root:
    description: The directory on the host that holds C(current).
    type: str
    default: /etc/apache2/fullchain
  drop_in:
    description: The file by which Apache includes what is below O(root).
    type: str
    default: /etc/apache2/sites-enabled/000-fullchain.conf
  version:
    description: Apache's version, where it is not to be the one that O(info) holds.
    type: str
  enable:
    description: Whether modules that are needed and not loaded are going to be enabled.
    type: bool
    default: true
extends_documentation_fragment:
  - fullchain.tls.sites
  - fullchain.tls.sites.plan
  - fullchain.tls.sites.issuer
  - fullchain.tls.sites.ports
  - fullchain.tls.sites.lineages
seealso:
  - module: fullchain.tls.apache_info
  - module: fullchain.tls.deploy
"""

EXAMPLES = r"""
- name: Ask which Apache is there
  fullchain.tls.apache_info:
  register: web

- name: Show what is left to do by hand
  ansible.builtin.debug:
    msg: "{{ (tls_sites | fullchain.tls.apache_plan(web)).notes }}"
"""

RETURN = r"""
_value:
  description: Values for the templates and for M(fullchain.tls.deploy).
  type: dict
  contains:
    files:
      description: What O(fullchain.tls.deploy#module:files) of the deploy is; the templates are the role's.
      type: list
      elements: dict
    challenge_files:
      description: The same so long as certificates may be missing. Once all names are served over TLS, its files are among RV(_value.files), alike.
      type: list
      elements: dict
    challenge_notes:
      description: The servers of others that have to answer challenges, in sentences.
      type: list
      elements: str
    endpoints:
      description: What has to be verified.
      type: list
      elements: dict
    notes:
      description: What is left to a person, in sentences.
      type: list
      elements: str
    modules:
      description: The modules that are needed and not loaded.
      type: list
      elements: str
    include:
      description: The directive that includes files of which there may be none.
      type: str
    stapling_cache:
      description: Whether Apache has no C(SSLStaplingCache) of somebody else's and can have one.
      type: bool
    webroot:
      description: O(webroot) again.
      type: str
"""

from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.apache import Options, plan
from ansible_collections.fullchain.tls.plugins.plugin_utils.filtering import filtered, options_of
from ansible_collections.fullchain.tls.plugins.plugin_utils.values import plain
from ansible_collections.fullchain.tls.plugins.plugin_utils.webserver.view import for_role

OWN = ("modules", "include", "stapling_cache")


def apache_plan(value: Any, info: Any, **options: Any) -> dict[str, Any]:
    """The filter; see DOCUMENTATION."""
    given = options_of(Options, options)
    planned = filtered(plan, value, plain(info), given)
    return {**for_role(planned, given.root), **{key: planned[key] for key in OWN}}


class FilterModule:
    """Ansible's way to find the filter."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by its name."""
        return {"apache_plan": apache_plan}
