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
    Of the environment of Caddy's process only where it keeps its data.
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
  unit:
    description: Its systemd unit. The environment of the unit's process tells RV(data).
    type: str
    default: caddy.service
  user:
    description: The user that it runs as, whose home directory tells RV(data) where no process does.
    type: str
    default: caddy
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
  description:
    - The global options C(admin), C(auto_https), C(email), C(http_port), C(https_port) and C(storage), where they are set. Of each only the first word.
  type: dict
  returned: always
environment:
  description: The environment variables that the configuration is put together with, such as C(DOMAIN) for C({$DOMAIN}).
  type: list
  elements: str
  returned: always
data:
  description: The directory that Caddy keeps certificates and ACME accounts in, unless C(storage) says otherwise. Null where that is not known.
  type: str
  returned: always
  sample: /var/lib/caddy/.local/share/caddy
accounts:
  description:
    - The ACME accounts below RV(data). Each is the CA and the e-mail address as Caddy has them in names of files, C(default) for an account without one.
  type: list
  elements: str
  returned: always
  sample: [acme-v02.api.letsencrypt.org-directory/ops@example.com]
unreadable:
  description: Files that could not be read, or are not in the Caddyfile's syntax, with the reason.
  type: list
  elements: dict
  returned: always
"""

import pwd
from typing import Any, Dict, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fullchain.tls.plugins.module_utils.caddy import (
    Configuration,
    accounts,
    data_directory,
    parse_version,
    read_environment,
)
from ansible_collections.fullchain.tls.plugins.module_utils.server import main_process

NOT_INSTALLED = {
    "installed": False,
    "version": None,
    "drop_in_read": False,
    "without_braces": False,
    "servers": [],
    "settings": {},
    "environment": [],
    "data": None,
    "accounts": [],
    "unreadable": [],
}  # type: Dict[str, Any]


def describe(module: AnsibleModule, executable: str) -> Dict[str, Any]:
    """Return what the Caddy at `executable` says about itself and what its Caddyfile holds."""
    _rc, stdout, _stderr = module.run_command([executable, "version"], check_rc=True)
    params = module.params
    configuration = Configuration(params["conf_path"], params["own"], params["pattern"])
    data = find_data(params["unit"], params["user"])
    return {
        "installed": True,
        "version": parse_version(stdout),
        "drop_in_read": configuration.drop_in_read,
        "without_braces": configuration.without_braces,
        "servers": configuration.servers,
        "settings": configuration.settings,
        "environment": sorted(set(configuration.environment)),
        "data": data,
        "accounts": accounts(data) if data else [],
        "unreadable": configuration.unreadable,
    }


def find_data(unit: str, user: str) -> Optional[str]:
    """Where Caddy keeps its data, from the process of its unit, else from the user that it runs as."""
    process = main_process(unit)
    try:
        home = {"HOME": pwd.getpwnam(user).pw_dir}
    except KeyError:
        home = {}
    return data_directory((read_environment("/proc/%d/environ" % process) if process else {}) or home)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "executable": {"type": "str", "default": "caddy"},
            "conf_path": {"type": "path", "default": "/etc/caddy/Caddyfile"},
            "own": {"type": "path", "default": "/etc/caddy/fullchain"},
            "pattern": {"type": "path", "default": "/etc/caddy/fullchain/current/sites/*.conf"},
            "unit": {"type": "str", "default": "caddy.service"},
            "user": {"type": "str", "default": "caddy"},
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
