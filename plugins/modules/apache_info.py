#!/usr/bin/python
# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: apache_info
short_description: Tell which Apache is on a host and which virtual hosts it has
version_added: 0.1.0
author:
  - the fullchain.tls contributors (@fullchain)
description:
  - Asks the program for its version and reads the configuration files that Apache reads.
  - Works with a configuration that C(configtest) refuses.
  - Of the configuration only names, addresses, includes, modules, and the paths of certificates, pid file and error log are returned.
  - C(IfModule) is decided as Apache does; of C(IfDefine), C(IfVersion) and C(IfFile) what is inside is always read.
extends_documentation_fragment:
  - fullchain.tls.attributes
  - fullchain.tls.attributes.reads
options:
  executable:
    description:
      - The Apache to ask, a path or a name that is looked for in E(PATH) and in the usual directories for system commands.
      - Left out, C(apache2) and then C(httpd).
    type: str
  version:
    description:
      - Apache's version, where it is known better. The program is not asked for it then.
    type: str
  conf_path:
    description: The main configuration file.
    type: path
    default: /etc/apache2/apache2.conf
  envvars:
    description: A shell script that sets what C(${NAME}) stands for in the configuration, as on Debian. It need not be there.
    type: path
    default: /etc/apache2/envvars
  module_directory:
    description: The directory of modules.
    type: path
    default: /usr/lib/apache2/modules
  loaded:
    description: Modules that C(IfModule) is to take for loaded, without C(_module), because they are about to be.
    type: list
    elements: str
    default: []
  own:
    description:
      - A directory whose files are the caller's own. Their virtual hosts are returned in RV(own_vhosts) and not in RV(vhosts).
    type: path
    default: /etc/apache2/fullchain
  drop_in:
    description:
      - A file that Apache should include; RV(drop_in_read) tells whether it does.
    type: path
    default: /etc/apache2/sites-enabled/000-fullchain.conf
  unit:
    description: A systemd unit's file; RV(unit_there) tells whether it is there.
    type: path
"""

EXAMPLES = r"""
- name: Ask which Apache is there
  fullchain.tls.apache_info:
  register: web

- name: Show the names that it serves
  ansible.builtin.debug:
    msg: "Apache {{ web.version }} serves {{ web.vhosts | map(attribute='names') | flatten | join(', ') }}"
"""

RETURN = r"""
installed:
  description: Whether there is an Apache. When not, RV(version) and RV(openssl) are null and the lists are empty.
  type: bool
  returned: always
version:
  description: Apache's version, without what a distribution adds, or O(version).
  type: str
  returned: always
  sample: 2.4.62
openssl:
  description: The version of OpenSSL that mod_ssl is linked to, null where that can't be told.
  type: str
  returned: always
  sample: 3.0.19
ssl_available:
  description: Whether there is a mod_ssl, loaded or not.
  type: bool
  returned: always
modules:
  description: The modules that are compiled in or loaded, without C(_module).
  type: list
  elements: str
  returned: always
  sample: [mpm_event, ssl]
conf_path:
  description: The main configuration file.
  type: str
  returned: always
  sample: /etc/apache2/apache2.conf
pid_file:
  description: The file that holds the main process' number, null where the configuration doesn't say.
  type: str
  returned: always
  sample: /var/run/apache2/apache2.pid
error_log:
  description: The server's own error log, null when it goes to no file.
  type: str
  returned: always
  sample: /var/log/apache2/error.log
ipv6:
  description: Whether the host has IPv6.
  type: bool
  returned: always
listen:
  description: The first argument of each C(Listen).
  type: list
  elements: str
  returned: always
  sample: ["80", "443"]
stapling_cache:
  description: Whether there is an C(SSLStaplingCache).
  type: bool
  returned: always
drop_in_read:
  description: Whether Apache includes O(drop_in), whether or not the file is there yet.
  type: bool
  returned: always
vhosts:
  description: The virtual hosts, in Apache's order, without those in O(own).
  type: list
  elements: dict
  returned: always
  contains:
    file:
      description: The file that holds the C(VirtualHost).
      type: str
    addresses:
      description: Its addresses.
      type: list
      elements: str
      sample: ["*:443"]
    names:
      description: C(ServerName) and C(ServerAlias), in lower case.
      type: list
      elements: str
    tls:
      description: Whether it has C(SSLEngine on).
      type: bool
    includes:
      description: The files or patterns that it includes.
      type: list
      elements: str
    certificates:
      description: Each C(SSLCertificateFile), without those in O(own).
      type: list
      elements: str
    after_own:
      description: Whether it comes after O(drop_in), so that it isn't the default where a virtual host of O(own) has its address.
      type: bool
own_vhosts:
  description: The virtual hosts in the files of O(own) that O(drop_in) includes, with the keys of RV(vhosts).
  type: list
  elements: dict
  returned: always
managed:
  description: The domains whose certificates C(mod_md) obtains (C(MDomain), C(MDomainSet)), without those in O(own).
  type: list
  elements: dict
  returned: always
  contains:
    file:
      description: The file that declares it.
      type: str
    names:
      description: Its names, in lower case.
      type: list
      elements: str
own_managed:
  description: The names of the domains in the files of O(own) that O(drop_in) includes.
  type: list
  elements: str
  returned: always
md_store:
  description: The directory of C(MDStoreDir), null where the configuration doesn't say.
  type: str
  returned: always
  sample: /var/lib/apache2/md
unit_there:
  description: Whether O(unit) is there.
  type: bool
  returned: when O(unit) is given
unreadable:
  description: Files that could not be read, or are not in Apache's syntax, with the reason.
  type: list
  elements: dict
  returned: always
"""

import os
from typing import Any, Dict, List, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fullchain.tls.plugins.module_utils import apache
from ansible_collections.fullchain.tls.plugins.module_utils.configuration import as_file, has_ipv6

NOT_INSTALLED = {
    "version": None,
    "openssl": None,
    "ssl_available": False,
    "modules": [],
    "conf_path": None,
    "pid_file": None,
    "error_log": None,
    "listen": [],
    "stapling_cache": False,
    "drop_in_read": False,
    "vhosts": [],
    "own_vhosts": [],
    "managed": [],
    "own_managed": [],
    "md_store": None,
    "unreadable": [],
}  # type: Dict[str, Any]

ARGUMENTS = {
    "executable": {"type": "str"},
    "version": {"type": "str"},
    "conf_path": {"type": "path", "default": "/etc/apache2/apache2.conf"},
    "envvars": {"type": "path", "default": "/etc/apache2/envvars"},
    "module_directory": {"type": "path", "default": "/usr/lib/apache2/modules"},
    "loaded": {"type": "list", "elements": "str", "default": []},
    "own": {"type": "path", "default": "/etc/apache2/fullchain"},
    "drop_in": {"type": "path", "default": "/etc/apache2/sites-enabled/000-fullchain.conf"},
    "unit": {"type": "path"},
}  # type: Dict[str, Any]


def describe(module: AnsibleModule, executable: str) -> Dict[str, Any]:
    """Return what the Apache at `executable` says about itself and what its configuration holds."""
    params = module.params
    static = apache.static_modules(module.run_command([executable, "-l"], check_rc=True)[1])
    found = apache.Configuration(
        params["conf_path"],
        params["own"],
        params["drop_in"],
        loaded=[*static, *("{0}_module".format(name) for name in params["loaded"])],
        variables=environment(module, params["envvars"]),
    )
    ssl = ssl_file(executable, static, found.modules.get("ssl_module"), params["module_directory"])
    return {
        "version": params["version"] or apache.parse_version_output(asked(module, executable)),
        "openssl": openssl(module, ssl) if ssl else None,
        "ssl_available": ssl is not None,
        "modules": sorted(name[: -len("_module")] for name in {*static, *found.modules}),
        "conf_path": params["conf_path"],
        "pid_file": found.main.get("pidfile"),
        "error_log": as_file(found.main.get("errorlog", "")),
        "listen": found.listen,
        "stapling_cache": found.stapling_cache,
        "drop_in_read": found.drop_in_read,
        "vhosts": found.vhosts,
        "own_vhosts": found.own_vhosts,
        "managed": found.managed,
        "own_managed": found.own_managed,
        "md_store": found.store,
        "unreadable": found.unreadable,
    }


def asked(module: AnsibleModule, executable: str) -> str:
    """What the program answers to -v, which needs no configuration."""
    _rc, stdout, stderr = module.run_command([executable, "-v"], check_rc=True)
    return stdout + stderr


def environment(module: AnsibleModule, envvars: str) -> Dict[str, str]:
    """The variables that a script of Debian's sets; none where there is no such script."""
    if not os.path.exists(envvars):
        return {}
    _rc, stdout, _stderr = module.run_command(["sh", "-c", '. "$1" && env', "sh", envvars])
    return dict(line.split("=", 1) for line in stdout.splitlines() if "=" in line)


def ssl_file(executable: str, static: List[str], loaded: Optional[str], directory: str) -> Optional[str]:
    """The file that mod_ssl is in; None when there is none."""
    if "ssl_module" in static:
        return executable
    path = loaded or os.path.join(directory, "mod_ssl.so")
    return path if os.path.exists(path) else None


def openssl(module: AnsibleModule, path: str) -> Optional[str]:
    """The version of the OpenSSL that a program or library is linked to."""
    _rc, stdout, _stderr = module.run_command(["ldd", path])
    for library in [*apache.linked_libraries(stdout), path]:
        with open(library, "rb") as stream:
            version = apache.openssl_version(stream.read())
        if version:
            return version
    return None


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    names = [module.params["executable"]] if module.params["executable"] else ["apache2", "httpd"]
    paths = [module.get_bin_path(name, opt_dirs=["/usr/sbin", "/usr/local/sbin"]) for name in names]
    executable = next((path for path in paths if path), None)
    more = {"ipv6": has_ipv6()}
    if module.params["unit"]:
        more["unit_there"] = os.path.exists(module.params["unit"])
    if executable is None:
        module.exit_json(installed=False, **dict(NOT_INSTALLED, **more))
    try:
        found = describe(module, executable)
    except (ValueError, OSError) as error:
        module.fail_json(msg="{0}; give the version of the Apache that is there".format(error))
    module.exit_json(installed=True, **dict(found, **more))


if __name__ == "__main__":
    main()
