# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What certbot keeps on a host: lineages, accounts, its version. Read only; nothing here runs an ACME order."""

import errno
import os
import re
import subprocess
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from ansible_collections.fullchain.tls.plugins.module_utils.lineage import public_half

# What is read of renewal/<name>.conf, all of it in [renewalparams].
RENEWAL_KEYS = ("server", "authenticator", "account", "preferred_chain", "reuse_key", "key_type")

_KEY_VALUE = re.compile(r"^\s*([A-Za-z0-9_]+)\s*=\s*(.*?)\s*$")
_VERSION = re.compile(r"certbot\s+(\d+(?:\.\d+)*)")


def read_lineages(config_dir: str, names: Sequence[str]) -> List[Dict[str, Any]]:
    """The state of each lineage in `names`, in that order; see read_lineage()."""
    return [read_lineage(config_dir, name) for name in names]


def read_lineage(config_dir: str, name: str) -> Dict[str, Any]:
    """What certbot's directory holds for one lineage.

    Returns name; paths, those of live/<name>, archive/<name> and renewal/<name>.conf that exist (a dangling symlink
    counts as existing); renewal, the values of RENEWAL_KEYS that the renewal configuration sets, or None; fullchain,
    PEM text or None; public_key, the public half of privkey.pem as PEM or None; errors, why one of these could not be
    read. The private key never leaves the host. Never raises.
    """
    live = os.path.join(config_dir, "live", name)
    configuration = os.path.join(config_dir, "renewal", name + ".conf")
    places = (live, os.path.join(config_dir, "archive", name), configuration)
    errors: List[str] = []
    state: Dict[str, Any] = {
        "name": name,
        "paths": [place for place in places if os.path.lexists(place)],
        "errors": errors,
    }
    state["renewal"] = _read(configuration, errors, parse_renewal)
    state["fullchain"] = _read(os.path.join(live, "fullchain.pem"), errors)
    state["public_key"] = None
    if state["fullchain"] is not None:
        state["public_key"] = _public_key(os.path.join(live, "privkey.pem"), errors)
    return state


def _public_key(path: str, errors: List[str]) -> Optional[str]:
    if not os.path.exists(path):
        errors.append(f"{path}: {os.strerror(errno.ENOENT)}")
        return None
    try:
        return public_half(path)
    except ValueError as error:
        errors.append(str(error))
        return None


def _read(path: str, errors: List[str], parse: Optional[Callable[[str], Any]] = None) -> Any:
    """The text of a file, parsed when `parse` is given; None when it is not there or, with an error, unreadable."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            text = stream.read()
    except OSError as error:
        if error.errno != errno.ENOENT or os.path.islink(path):
            errors.append(f"{path}: {error.strerror}")
        return None
    return parse(text) if parse else text


def read_text(path: str) -> Optional[str]:
    """The text of a file, None when it can't be read."""
    text: Optional[str] = _read(path, [])
    return text


def parse_renewal(text: str) -> Dict[str, str]:
    """RENEWAL_KEYS of a renewal configuration's [renewalparams]; quotes around a value are taken off."""
    values: Dict[str, str] = {}
    section = ""
    for line in text.splitlines():
        if line.lstrip().startswith("["):
            section = line.strip().strip("[]").strip()
            continue
        match = _KEY_VALUE.match(line)
        if match and section == "renewalparams" and match.group(1) in RENEWAL_KEYS:
            values[match.group(1)] = _unquote(match.group(2))
    return values


def _unquote(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value


def installed_version(executable: str) -> Optional[str]:
    """What `certbot --version` answers, such as `2.1.0`; None when it answers nothing of the kind."""
    output, complaint = run((executable, "--version"))[1:]
    match = _VERSION.search(output) or _VERSION.search(complaint)  # before 0.2x on standard error
    return match.group(1) if match else None


def run(
    command: Sequence[str], env: Optional[Dict[str, str]] = None, timeout: Optional[float] = None
) -> Tuple[int, str, str]:
    """Exit status, standard output and standard error of a command, in the C locale and with no standard input.

    env adds to this process's environment. After `timeout` seconds the command is asked to end (SIGTERM, so that
    certbot takes its challenge files away) and the status is -15. A command that can't be started gives 127.
    """
    environment = dict(os.environ, LC_ALL="C.UTF-8", LANGUAGE="", **(env or {}))
    try:
        process = subprocess.Popen(
            list(command), env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    except OSError as error:
        return 127, "", f"{command[0]}: {error.strerror}"
    try:
        output, complaint = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.terminate()
        output, complaint = process.communicate()
    return process.returncode, output.decode("utf-8", "replace"), complaint.decode("utf-8", "replace")
