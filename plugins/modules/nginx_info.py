#!/usr/bin/python
# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: nginx_info
short_description: Tell which nginx is on a host and which servers it has
version_added: 0.1.0
author:
  - the fullchain.tls contributors (@fullchain)
description:
  - Runs C(nginx -V) and reads the configuration files that nginx reads.
  - Works with a configuration that C(nginx -t) refuses.
  - Of the configuration only C(listen), C(server_name), C(include), C(ssl_certificate), whether there is C(ssl_stapling), and RV(settings) are returned.
extends_documentation_fragment:
  - fullchain.tls.attributes
  - fullchain.tls.attributes.reads
options:
  executable:
    description:
      - The nginx to ask, a path or a name that is looked for in E(PATH) and in the usual directories for system commands.
    type: str
    default: nginx
  own:
    description:
      - A directory whose files are the caller's own. Their servers are returned in RV(own_servers) and not in RV(servers).
    type: path
    default: /etc/nginx/fullchain
  drop_in:
    description:
      - A file that nginx's C(http) block should include; RV(drop_in_read) tells whether it does.
    type: path
    default: /etc/nginx/conf.d/fullchain.conf
"""

EXAMPLES = r"""
- name: Ask which nginx is there
  fullchain.tls.nginx_info:
  register: web

- name: Show the names that it serves
  ansible.builtin.debug:
    msg: "nginx {{ web.version }} serves {{ web.servers | map(attribute='names') | flatten | join(', ') }}"
"""

RETURN = r"""
installed:
  description: Whether there is an nginx. When not, RV(version) and RV(openssl) are null and the lists are empty.
  type: bool
  returned: always
version:
  description: nginx's version.
  type: str
  returned: always
  sample: 1.22.1
tls_library:
  description: The TLS library that it runs with, which may be newer than the one that it was built with.
  type: str
  returned: always
  sample: OpenSSL 3.0.19
openssl:
  description: The version of OpenSSL that it runs with, null for another library.
  type: str
  returned: always
  sample: 3.0.19
modules:
  description: The modules named when it was built, without C(--with-) and C(_module).
  type: list
  elements: str
  returned: always
  sample: [http_ssl, http_v2, stream]
acme:
  description: Whether nginx's C(ngx_http_acme_module) is compiled in or loaded.
  type: bool
  returned: always
conf_path:
  description: The main configuration file.
  type: str
  returned: always
  sample: /etc/nginx/nginx.conf
pid_file:
  description: The file that holds the master process' number.
  type: str
  returned: always
  sample: /run/nginx.pid
error_log:
  description: The file that errors at start and reload are written to, null when they go to no file.
  type: str
  returned: always
  sample: /var/log/nginx/error.log
ipv6:
  description: Whether the host has IPv6.
  type: bool
  returned: always
drop_in_read:
  description: Whether nginx's C(http) block includes O(drop_in), whether or not the file is there yet.
  type: bool
  returned: always
servers:
  description: The C(server) blocks, in nginx's order, without those in O(own).
  type: list
  elements: dict
  returned: always
  contains:
    file:
      description: The file that holds the block.
      type: str
    listen:
      description: The arguments of each C(listen).
      type: list
      elements: list
      sample: [["443", ssl, default_server]]
    names:
      description: The arguments of C(server_name), in lower case.
      type: list
      elements: str
    includes:
      description: The files or patterns that the block includes.
      type: list
      elements: str
    certificates:
      description: The arguments of C(ssl_certificate), without those in O(own).
      type: list
      elements: str
    staples:
      description: Whether it has C(ssl_stapling) or its like, or C(ssl_trusted_certificate), outside of O(own).
      type: bool
own_servers:
  description: The C(server) blocks in the files of O(own) that O(drop_in) includes, with the keys of RV(servers).
  type: list
  elements: dict
  returned: always
settings:
  description:
    - The first argument of C(server_names_hash_bucket_size), C(server_names_hash_max_size), C(resolver) and C(ssl_verify_client), where they are
      set for all servers.
  type: dict
  returned: always
nameservers:
  description: The host's nameservers, as nginx's C(resolver) takes them.
  type: list
  elements: str
  returned: always
  sample: [192.0.2.53, "[2001:db8::53]"]
unreadable:
  description: Files that could not be read, or are not in nginx's syntax, with the reason.
  type: list
  elements: dict
  returned: always
"""

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fullchain.tls.plugins.module_utils.configuration import as_file, has_ipv6, read_text
from ansible_collections.fullchain.tls.plugins.module_utils.nginx import (
    Configuration,
    nameservers,
    parse_version_output,
)

NOT_INSTALLED = {
    "version": None,
    "tls_library": None,
    "openssl": None,
    "modules": [],
    "acme": False,
    "conf_path": None,
    "pid_file": None,
    "error_log": None,
    "drop_in_read": False,
    "servers": [],
    "own_servers": [],
    "settings": {},
    "unreadable": [],
}  # type: Dict[str, Any]


def describe(module: AnsibleModule, executable: str) -> Dict[str, Any]:
    """Return what the nginx at `executable` says about itself and what its configuration holds."""
    _rc, stdout, stderr = module.run_command([executable, "-V"], check_rc=True)
    said = parse_version_output(stdout + stderr)
    configuration = Configuration(said["conf_path"], module.params["own"], module.params["drop_in"])
    return {
        "version": said["version"],
        "tls_library": said["tls_library"],
        "openssl": said["openssl"],
        "modules": said["modules"],
        "acme": said["acme"] or configuration.acme,
        "conf_path": said["conf_path"],
        "pid_file": configuration.main.get("pid") or said["pid_path"],
        "error_log": as_file(configuration.main.get("error_log") or said["error_log_path"]),
        "drop_in_read": configuration.drop_in_read,
        "servers": configuration.servers,
        "own_servers": configuration.own_servers,
        "settings": configuration.settings,
        "unreadable": configuration.unreadable,
    }


def describe_host() -> Dict[str, Any]:
    """Return what is known of the host without an nginx."""
    try:
        resolv_conf = read_text("/etc/resolv.conf")
    except OSError:
        resolv_conf = ""
    return {"ipv6": has_ipv6(), "nameservers": nameservers(resolv_conf)}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "executable": {"type": "str", "default": "nginx"},
            "own": {"type": "path", "default": "/etc/nginx/fullchain"},
            "drop_in": {"type": "path", "default": "/etc/nginx/conf.d/fullchain.conf"},
        },
        supports_check_mode=True,
    )
    executable = module.get_bin_path(module.params["executable"], opt_dirs=["/usr/sbin", "/usr/local/sbin"])
    if executable is None:
        module.exit_json(installed=False, **describe_host(), **NOT_INSTALLED)
    try:
        found = describe(module, executable)
    except ValueError as error:
        module.fail_json(msg=str(error))
    module.exit_json(installed=True, **describe_host(), **found)


if __name__ == "__main__":
    main()
