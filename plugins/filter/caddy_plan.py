# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: caddy_plan
short_description: Compute what Caddy on a host is to be given for its sites
version_added: 0.1.0
author:
  - the fullchain.tls contributors (@fullchain)
description:
  - Used by the role P(fullchain.tls.caddy#role), whose templates hold no decisions of their own.
  - Sites that can't be read, what the host's Caddy can't do, and a Caddyfile to which no site can be added fail the task with a message that says
    what is wrong.
options:
  info:
    description: The result of M(fullchain.tls.caddy_info).
    type: dict
    required: true
  root:
    description: The directory on the host that holds C(current).
    type: str
    default: /etc/caddy/fullchain
  drop_in:
    description: The Caddyfile.
    type: str
    default: /etc/caddy/Caddyfile
extends_documentation_fragment:
  - fullchain.tls.sites
  - fullchain.tls.sites.plan
  - fullchain.tls.sites.issuer
seealso:
  - module: fullchain.tls.caddy_info
  - module: fullchain.tls.deploy
"""

EXAMPLES = r"""
- name: Ask which Caddy is there
  fullchain.tls.caddy_info:
  register: web

- name: Show what is left to do by hand
  ansible.builtin.debug:
    msg: "{{ (tls_sites | fullchain.tls.caddy_plan(web)).notes }}"
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
    endpoints:
      description: What has to be verified.
      type: list
      elements: dict
    notes:
      description: What is left to a person, in sentences.
      type: list
      elements: str
    account:
      description:
        - Where this Caddy has no account at the CA and would register one for each name (Caddy older than 2.8), what a key for it is made with.
          That is a directory, the name of the files and the text of the registration. Else empty.
      type: list
      elements: str
    webroot:
      description: Empty, since Caddy answers challenges by itself.
      type: str
"""

from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.caddy import Options, plan
from ansible_collections.fullchain.tls.plugins.plugin_utils.filtering import filtered, options_of
from ansible_collections.fullchain.tls.plugins.plugin_utils.values import plain


def caddy_plan(value: Any, info: Any, **options: Any) -> dict[str, Any]:
    """The filter; see DOCUMENTATION."""
    planned: dict[str, Any] = filtered(plan, value, plain(info), options_of(Options, options))
    return planned


class FilterModule:
    """Ansible's way to find the filter."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by its name."""
        return {"caddy_plan": caddy_plan}
