#!/usr/bin/python
# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: caddy_info
short_description: Tell which Caddy is on a host and which sites it has
version_added: 0.1.0
author:
  - the fullchain.tls contributors (@fullchain)
description:
  - Runs C(caddy version) and reads the Caddyfile with what it imports.
  - Works with a Caddyfile that C(caddy validate) refuses.
  - Of the configuration only addresses, imports, some global options and the names of environment variables are returned.
extends_documentation_fragment:
  - fullchain.tls.attributes
  - fullchain.tls.attributes.reads
options:
  executable:
    description:
      - The Caddy to ask, a path or a name that is looked for in E(PATH) and in the usual directories for system commands.
    type: str
    default: caddy
  conf_path:
    description: The Caddyfile that it runs with.
    type: path
    default: /etc/caddy/Caddyfile
  own:
    description: A directory whose files are the caller's own. Their sites are not returned.
    type: path
    default: /etc/caddy/fullchain
  pattern:
    description: What the Caddyfile should import; RV(drop_in_read) tells whether it does.
    type: path
    default: /etc/caddy/fullchain/current/sites/*.conf
"""

EXAMPLES = r"""
- name: Ask which Caddy is there
  fullchain.tls.caddy_info:
  register: web

- name: Show the addresses that it serves
  ansible.builtin.debug:
    msg: "Caddy {{ web.version }} serves {{ web.servers | map(attribute='addresses') | flatten | join(', ') }}"
"""

RETURN = r"""
installed:
  description: Whether there is a Caddy. When not, RV(version) is null and the lists are empty.
  type: bool
  returned: always
version:
  description: Caddy's version.
  type: str
  returned: always
  sample: 2.6.2
conf_path:
  description: O(conf_path) again.
  type: str
  returned: always
drop_in_read:
  description: Whether the Caddyfile imports O(pattern), whether or not a file matches it yet.
  type: bool
  returned: always
without_braces:
  description: Whether the Caddyfile is one site without braces, after which no second one can stand.
  type: bool
  returned: always
servers:
  description: The site blocks, in Caddy's order, without those below O(own).
  type: list
  elements: dict
  returned: always
  contains:
    file:
      description: The file that holds the block.
      type: str
    addresses:
      description: Its addresses, in lower case.
      type: list
      elements: str
      sample: [shop.example.com, "http://www.shop.example.com"]
    includes:
      description: The files or patterns that the block imports.
      type: list
      elements: str
settings:
  description: The global options C(admin), C(auto_https), C(http_port) and C(https_port), where they are set.
  type: dict
  returned: always
environment:
  description: The environment variables that the configuration is put together with, such as C(DOMAIN) for C({$DOMAIN}).
  type: list
  elements: str
  returned: always
unreadable:
  description: Files that could not be read, or are not in the Caddyfile's syntax, with the reason.
  type: list
  elements: dict
  returned: always
"""

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fullchain.tls.plugins.module_utils.caddy import Configuration, parse_version

NOT_INSTALLED = {
    "installed": False,
    "version": None,
    "drop_in_read": False,
    "without_braces": False,
    "servers": [],
    "settings": {},
    "environment": [],
    "unreadable": [],
}  # type: Dict[str, Any]


def describe(module: AnsibleModule, executable: str) -> Dict[str, Any]:
    """Return what the Caddy at `executable` says about itself and what its Caddyfile holds."""
    _rc, stdout, _stderr = module.run_command([executable, "version"], check_rc=True)
    params = module.params
    configuration = Configuration(params["conf_path"], params["own"], params["pattern"])
    return {
        "installed": True,
        "version": parse_version(stdout),
        "drop_in_read": configuration.drop_in_read,
        "without_braces": configuration.without_braces,
        "servers": configuration.servers,
        "settings": configuration.settings,
        "environment": sorted(set(configuration.environment)),
        "unreadable": configuration.unreadable,
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "executable": {"type": "str", "default": "caddy"},
            "conf_path": {"type": "path", "default": "/etc/caddy/Caddyfile"},
            "own": {"type": "path", "default": "/etc/caddy/fullchain"},
            "pattern": {"type": "path", "default": "/etc/caddy/fullchain/current/sites/*.conf"},
        },
        supports_check_mode=True,
    )
    executable = module.get_bin_path(module.params["executable"], opt_dirs=["/usr/sbin", "/usr/local/sbin"])
    found = NOT_INSTALLED
    if executable is not None:
        try:
            found = describe(module, executable)
        except ValueError as error:
            module.fail_json(msg=str(error))
    module.exit_json(conf_path=module.params["conf_path"], **found)


if __name__ == "__main__":
    main()
