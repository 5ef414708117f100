#!/usr/bin/python
# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: _generation
short_description: The host's half of fullchain.tls.deploy
version_added: 0.1.0
author:
  - the fullchain.tls contributors (@fullchain)
description:
  - Private to this collection. Its options may change with any release; use M(fullchain.tls.deploy).
  - Stages a generation of files, switches to it, has the server test and load it, and takes it back.
options:
  op:
    description: What to do. O(op=inspect) changes nothing of what a server sees.
    type: str
    required: true
    choices: [inspect, apply, confirm, take_back]
  root:
    description: The directory that holds the generations.
    type: path
    required: true
  mode:
    description: Mode of the directories, as a number.
    type: int
    default: 448
  owner:
    description: Owner of the directories.
    type: str
  group:
    description: Group of the directories.
    type: str
  files:
    description: What the generation has to hold.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Where the file stands, relative to the generation.
        type: str
        required: true
      sha256:
        description: SHA-256 of its bytes.
        type: str
        required: true
      mode:
        description: Its mode, as a number.
        type: int
        required: true
      owner:
        description: Its owner.
        type: str
      group:
        description: Its group.
        type: str
      secret:
        description: Whether its content must not be shown.
        type: bool
        default: false
      readers:
        description: Names of users who have to be able to open it.
        type: list
        elements: str
        default: []
  bundle:
    description: Contents of the files that differ. JSON of paths and contents, compressed, in Base64.
    type: str
  partial:
    description: Whether files that O(files) does not name stay.
    type: bool
    default: false
  lineages:
    description: Certificates that are on the host already.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The name of the lineage.
        type: str
        required: true
      fullchain:
        description: Path of its certificates.
        type: path
        required: true
      privkey:
        description: Path of its private key.
        type: path
        required: true
      chain:
        description: Path of its intermediates, when they are served from a file of their own and O(lineages[].fullchain) is the leaf's.
        type: path
      sha256:
        description: What O(op=inspect) told of it. For O(op=apply).
        type: str
      public_key:
        description: What O(op=inspect) told of it. For O(op=apply).
        type: str
  confirm:
    description: Confirm at once, as there is nothing to verify. For O(op=apply).
    type: bool
    default: false
  seen:
    description: SHA-256 of the lineages that were verified, by path. For O(op=confirm), or with O(confirm).
    type: dict
    default: {}
  unsound:
    description: The names of lineages that are not sound any more. For O(op=take_back).
    type: list
    elements: str
    default: []
  expected:
    description: The generation that was current when O(op=inspect) ran. For O(op=apply).
    type: int
  run:
    description: What tells this run from others.
    type: str
    default: ""
  test:
    description: The command that tests the server's configuration.
    type: list
    elements: str
    default: []
  reload:
    description: The command that has the server load it.
    type: list
    elements: str
    default: []
  start:
    description: The command that starts a server that has died.
    type: list
    elements: str
    default: []
  restart:
    description: The command that restarts a server which goes on with what it refused.
    type: list
    elements: str
    default: []
  pid_file:
    description: Where the server writes its process number.
    type: path
  running:
    description: The command that answers 0 while the server runs.
    type: list
    elements: str
    default: []
  error_log:
    description: Where the server writes what went wrong.
    type: path
  journal:
    description: The server's systemd unit.
    type: str
  seconds:
    description: How long a new process of the server may take to appear.
    type: float
    default: 10.0
attributes:
  check_mode:
    support: full
    description: Can run in check mode and then answers what differs.
  diff_mode:
    support: full
    description: Answers what is in files that differ, for the action to show.
"""

EXAMPLES = r"""
- name: See what fullchain.tls.deploy would change
  fullchain.tls._generation:
    op: inspect
    root: /etc/nginx/fullchain
"""

RETURN = r"""
generation:
  description: The current generation.
  type: int
  returned: except for O(op=inspect)
"""

import base64
import errno
import json
import os
import zlib

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fullchain.tls.plugins.module_utils import transaction
from ansible_collections.fullchain.tls.plugins.module_utils.generation import (
    Directories,
    Entry,
    GenerationError,
    Store,
)
from ansible_collections.fullchain.tls.plugins.module_utils.server import Server

ARGUMENTS = {
    "op": {"type": "str", "required": True, "choices": ["inspect", "apply", "confirm", "take_back"]},
    "root": {"type": "path", "required": True},
    "mode": {"type": "int", "default": 0o700},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "files": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "str", "required": True},
            "sha256": {"type": "str", "required": True},
            "mode": {"type": "int", "required": True},
            "owner": {"type": "str"},
            "group": {"type": "str"},
            "secret": {"type": "bool", "default": False, "no_log": False},
            "readers": {"type": "list", "elements": "str", "default": []},
        },
    },
    # One opaque value: no content is logged on the host, and no short content is scrubbed from the answer.
    "bundle": {"type": "str", "no_log": True},
    "partial": {"type": "bool", "default": False},
    "lineages": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "fullchain": {"type": "path", "required": True},
            "privkey": {"type": "path", "required": True, "no_log": False},
            "chain": {"type": "path"},
            "sha256": {"type": "str"},
            "public_key": {"type": "str", "no_log": False},
        },
    },
    "confirm": {"type": "bool", "default": False},
    "seen": {"type": "dict", "default": {}},
    "unsound": {"type": "list", "elements": "str", "default": []},
    "expected": {"type": "int"},
    "run": {"type": "str", "default": ""},
    "test": {"type": "list", "elements": "str", "default": []},
    "reload": {"type": "list", "elements": "str", "default": []},
    "start": {"type": "list", "elements": "str", "default": []},
    "restart": {"type": "list", "elements": "str", "default": []},
    "pid_file": {"type": "path"},
    "running": {"type": "list", "elements": "str", "default": []},
    "error_log": {"type": "path"},
    "journal": {"type": "str"},
    "seconds": {"type": "float", "default": 10.0},
}


def unpack(bundle):
    """The contents in a bundle: bytes by path."""
    if not bundle:
        return {}
    contents = json.loads(zlib.decompress(base64.b64decode(bundle)).decode("utf-8"))
    return {path: text.encode("latin-1") for path, text in contents.items()}


def server_of(params):
    """The server that the options describe."""
    return Server(
        test=params["test"],
        reload=params["reload"],
        start=params["start"],
        pid_file=params["pid_file"],
        error_log=params["error_log"],
        seconds=params["seconds"],
        running=params["running"],
        journal=params["journal"],
        restart=params["restart"],
    )


def operate(module):
    """Run the operation and return its answer."""
    params = module.params
    store, server = Store(params["root"].rstrip("/")), server_of(params)
    if params["op"] == "inspect":
        return inspect(module, store, server)
    if module.check_mode:
        return {"generation": store.current()}
    with store.locked(create=True):
        if params["op"] == "apply":
            return apply(module, store, server)
        if params["op"] == "confirm":
            return transaction.confirm(store, params["run"], params["seen"], params["partial"])
        return transaction.take_back(store, server, params["run"], unsound=params["unsound"])


def inspect(module, store, server):
    """What differs; outside of check mode, the leftovers of killed runs are removed on the way."""
    arguments = (*wanted(module.params), module.params["lineages"], module._diff)
    if module.check_mode:
        return transaction.inspect(store, server, *arguments)
    with store.locked(create=False):
        store.clean()
        return transaction.inspect(store, server, *arguments)


def apply(module, store, server):
    """Switch, and confirm when there is nothing to verify."""
    params = module.params
    contents = unpack(params["bundle"])
    for entry in params["files"]:
        if entry["secret"] and entry["path"] in contents:
            module.no_log_values.add(contents[entry["path"]].decode("latin-1"))
    arguments = (*wanted(params), contents, params["expected"], params["run"], params["lineages"])
    answer = transaction.apply(store, server, *arguments)
    if answer["ok"] and params["confirm"]:
        try:
            transaction.confirm(store, params["run"], params["seen"], params["partial"])
        except OSError as error:  # such as a disk that has become full: it is switched and loaded all the same
            answer["unconfirmed"] = explain(error, params["root"], os.geteuid())
    return answer


def wanted(params):
    """The options that say what the generation has to hold."""
    named = [Entry(**entry) for entry in params["files"]]
    return named, params["partial"], Directories(params["mode"], params["owner"], params["group"])


def explain(error, root, user):
    """An OSError in words, for a user who may lack a right because of who they are (a number)."""
    who = " for user %d, who is not root: is become missing?" % user
    refused = error.errno in (errno.EACCES, errno.EPERM) and user != 0
    return "%s: %s%s" % (error.filename or root, error.strerror, who if refused else "")


def main():
    """Run as a module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        answer = operate(module)
    except GenerationError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        # apply answers for itself once it has switched, so nothing was.
        more = ". Nothing was switched: the host is as it was" if module.params["op"] == "apply" else ""
        module.fail_json(msg=explain(error, module.params["root"], os.geteuid()) + more)
    module.exit_json(changed=module.params["op"] != "inspect", **answer)


if __name__ == "__main__":
    main()
