#!/usr/bin/python
# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
DOCUMENTATION = r"""
module: _certbot
short_description: Runs certbot for the action fullchain.tls.certbot
version_added: 0.1.0
description:
  - The part of M(fullchain.tls.certbot) that runs on a host. It decides nothing. Not meant to be used by itself.
author:
  - the fullchain.tls contributors (@fullchain)
options:
  operation:
    description:
      - V(state) reads lineages and the CA file.
      - V(prepare) tells certbot's version, writes the CA file when O(server_ca) is set, makes the webroot, writes the probe
        file and, when O(names) are given, fetches it through each of them and removes it.
      - V(clear) removes the probe file.
      - V(issue) runs certbot for one lineage and reads that.
    type: str
    choices: [state, prepare, clear, issue]
    required: true
  certbot:
    description: Name or path of the certbot executable.
    type: str
    default: certbot
  config_dir:
    description: The directory that holds certbot's configuration and lineages.
    type: path
    default: /etc/letsencrypt
  lineages:
    description: The names of the lineages to read.
    type: list
    elements: str
    default: []
  webroot:
    description: The directory whose C(.well-known/acme-challenge) is served on port 80.
    type: path
  probe:
    description: Name of the probe file; none is written without it.
    type: str
    default: ""
  content:
    description: What the probe file holds.
    type: str
    default: ""
  names:
    description: The names to fetch the probe file through, from this host.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds for each name.
    type: float
    default: 10
  server:
    description: The URL of the ACME directory.
    type: str
    default: ""
  server_ca:
    description: The certificates, PEM text, that the ACME server's own HTTPS is verified with. Empty for the system's.
    type: str
    default: ""
  email:
    description: The e-mail address of a new account. Empty for none.
    type: str
    default: ""
  eab_kid:
    description: The key identifier of the external account binding. Empty for none.
    type: str
    default: ""
  eab_hmac_key:
    description: The HMAC key of the external account binding.
    type: str
    default: ""
  name:
    description: The lineage to obtain.
    type: str
    default: ""
  options:
    description: More arguments for certbot.
    type: list
    elements: str
    default: []
  lock_timeout:
    description: Seconds to wait while another certbot runs.
    type: float
    default: 120
attributes:
  check_mode:
    support: full
    description: Reads in check mode, and does nothing else.
  diff_mode:
    support: none
    description: The action tells what differs.
"""

EXAMPLES = r"""
- name: Read a lineage
  fullchain.tls._certbot:
    operation: state
    lineages: [shop.example.com]
"""

RETURN = r"""
lineages:
  description: What there is of each lineage.
  type: list
  elements: dict
  returned: operation is V(state) or V(issue)
server_ca:
  description: The text of the CA file on the host.
  type: str
  returned: operation is V(state)
version:
  description: certbot's version; null when it is not installed.
  type: str
  returned: operation is V(prepare)
probes:
  description: What came back for each name.
  type: list
  elements: dict
  returned: operation is V(prepare)
exit_status:
  description: certbot's exit status.
  type: int
  returned: operation is V(issue)
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fullchain.tls.plugins.module_utils import certbot, certbot_issue, certbot_probe

# Where certbot is installed besides the search path: from source or pip, and as a snap.
PLACES = ["/usr/local/bin", "/snap/bin", "/opt/certbot/bin"]

SERVER_CA = "acme-server-ca.pem"


def state(module):
    """Lineages and the CA file, read."""
    config_dir = module.params["config_dir"]
    return {
        "lineages": certbot.read_lineages(config_dir, module.params["lineages"]),
        "server_ca": certbot.read_text(os.path.join(config_dir, SERVER_CA)),
    }


def prepare(module):
    """All that has to be there before certbot is asked to issue."""
    params = module.params
    changed = write_server_ca(params["config_dir"], params["server_ca"])
    executable = module.get_bin_path(params["certbot"], opt_dirs=PLACES)
    version = certbot.installed_version(executable) if executable else None
    certbot_probe.make_directory(params["webroot"])
    return {"changed": changed, "version": version, "probes": probe(params) if params["probe"] else []}


def probe(params):
    """Write the probe file. With names, fetch it through them and remove it; without, the controller does both."""
    if not params["names"]:
        certbot_probe.place(params["webroot"], params["probe"], params["content"])
        return []
    try:
        certbot_probe.place(params["webroot"], params["probe"], params["content"])
        return certbot_probe.probe_all(params["names"], params["probe"], params["content"], params["timeout"])
    finally:
        certbot_probe.remove(params["webroot"], params["probe"])


def clear(module):
    """Remove the probe file."""
    certbot_probe.remove(module.params["webroot"], module.params["probe"])
    return {}


def issue(module):
    """Run certbot, and read what it made."""
    params = module.params
    executable = module.get_bin_path(params["certbot"], required=True, opt_dirs=PLACES)
    account = (
        ["eab-kid = " + params["eab_kid"], "eab-hmac-key = " + params["eab_hmac_key"]] if params["eab_kid"] else []
    )
    ca_file = os.path.join(params["config_dir"], SERVER_CA) if params["server_ca"] else ""
    request = dict(params, certbot=executable, account_options=account, server_ca_file=ca_file)
    before = certbot.read_lineages(params["config_dir"], [params["name"]])
    result = certbot_issue.issue(request, module.tmpdir)
    after = certbot.read_lineages(params["config_dir"], [params["name"]])
    return dict(result, lineages=after, changed=after != before)


def write_server_ca(config_dir, text):
    """Write the CA file where an unattended renewal finds it, too; returns whether it was another."""
    path = os.path.join(config_dir, SERVER_CA)
    if not text or certbot.read_text(path) == text:
        return False
    certbot_probe.make_directory(config_dir)
    with open(path + ".new", "w", encoding="utf-8") as stream:
        stream.write(text)
    os.chmod(path + ".new", 0o644)
    os.replace(path + ".new", path)
    return True


OPERATIONS = {"state": state, "prepare": prepare, "clear": clear, "issue": issue}


def main():
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "operation": {"type": "str", "choices": ["state", "prepare", "clear", "issue"], "required": True},
            "certbot": {"type": "str", "default": "certbot"},
            "config_dir": {"type": "path", "default": "/etc/letsencrypt"},
            "lineages": {"type": "list", "elements": "str", "default": []},
            "webroot": {"type": "path"},
            "probe": {"type": "str", "default": ""},
            "content": {"type": "str", "default": ""},
            "names": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "float", "default": 10},
            "server": {"type": "str", "default": ""},
            "server_ca": {"type": "str", "default": ""},
            "email": {"type": "str", "default": ""},
            "eab_kid": {"type": "str", "default": ""},
            "eab_hmac_key": {"type": "str", "default": "", "no_log": True},
            "name": {"type": "str", "default": ""},
            "options": {"type": "list", "elements": "str", "default": []},
            "lock_timeout": {"type": "float", "default": 120},
        },
        supports_check_mode=True,
    )
    operation = module.params["operation"]
    if module.check_mode and operation != "state":
        module.exit_json(changed=False, skipped=True)
    try:
        result = OPERATIONS[operation](module)
    except OSError as error:
        module.fail_json(msg=f"{error.filename or operation}: {error.strerror or error}")
    module.exit_json(**dict({"changed": False}, **result))


if __name__ == "__main__":
    main()
