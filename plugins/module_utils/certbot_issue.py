# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of `certbot certonly` for one lineage, and what can be learnt from it."""

import os
import re
import shutil
import tempfile
import time
from typing import Any, Dict, List, Mapping, Tuple

from ansible_collections.fullchain.tls.plugins.module_utils.certbot import run
from ansible_collections.fullchain.tls.plugins.module_utils.certbot_log import (
    refusals,
    section_of_run,
    wants_account_binding,
)

# Seconds. certbot itself gives up on the server's validation after 90.
LONGEST_RUN = 900
LOCK_RETRY = 3

# certbot.errors.LockError, in these words from 0.17 to 5.8.
_LOCKED = "Another instance of Certbot is already running"

_LOG_PATH = re.compile(r"Saving debug log to (.+)")
_DEFAULT_LOG = "/var/log/letsencrypt/letsencrypt.log"

# Lines that say nothing about what went wrong.
_NOISE = ("Saving debug log to", "Ask for help or search for solutions", "Plugins selected", "- - -")

LAST_LINES = 8

# What roles/certbot/templates/renewal-hook.sh.j2 looks for: a deploy judges, loads and verifies what this run obtains.
DEPLOY_FOLLOWS = "FULLCHAIN_TLS_DEPLOY"

EAB_WANTED = "urn:ietf:params:acme:error:externalAccountRequired"


def issue(request: Mapping[str, Any], tmpdir: str) -> Dict[str, Any]:
    """Have certbot obtain one certificate.

    request: certbot (path), config_dir, webroot, name, server, server_ca_file, email, account_options (list of
    `key = value` lines that hold secrets), options (command-line arguments decided on the controller), lock_timeout
    (seconds to wait while another certbot runs). tmpdir: a directory only this user can enter.

    Returns exit_status; refusals, see certbot_log.refusals(); last_words, the end of what certbot printed, for when the
    server said nothing; log_file, where certbot's own log is; locked, whether another certbot held the lock to the end.
    """
    private = tempfile.mkdtemp(prefix="certbot-", dir=tmpdir)  # mode 0700
    try:
        configuration = os.path.join(private, "run.ini")
        write_private(configuration, request["account_options"])
        result = _run_when_free(command(request, configuration), environment(request), request["lock_timeout"])
        return _learn(result, configuration, bound=bool(request["account_options"]))
    finally:
        shutil.rmtree(private)


def write_private(path: str, lines: List[str]) -> None:
    """Write a file that nobody else has ever been able to open.

    Secrets go through it and not through the command line, which every user of the host can read.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write("".join(line + "\n" for line in lines))


def command(request: Mapping[str, Any], configuration: str) -> List[str]:
    """The command line. --cert-name keeps certbot from inventing `name-0001`; -w has to stand before the names."""
    arguments = [request["certbot"], "certonly", "--non-interactive", "--agree-tos", "--no-eff-email"]
    arguments += ["--config", configuration, "--config-dir", request["config_dir"], "--server", request["server"]]
    arguments += ["--email", request["email"]] if request["email"] else ["--register-unsafely-without-email"]
    arguments += ["--webroot", "--webroot-path", request["webroot"], "--cert-name", request["name"]]
    return arguments + list(request["options"])


def environment(request: Mapping[str, Any]) -> Dict[str, str]:
    """What certbot (python-requests) needs to trust the ACME server's own HTTPS, and what tells the deploy hook to stand aside.

    certbot runs that for a first certificate, too, from 5.3 on.
    """
    ca = {"REQUESTS_CA_BUNDLE": request["server_ca_file"]} if request["server_ca_file"] else {}
    return {DEPLOY_FOLLOWS: "1", **ca}


def _run_when_free(arguments: List[str], env: Dict[str, str], patience: float) -> Tuple[int, str, str]:
    """Run certbot, again and again while another one (a renewal timer's) holds its lock, for `patience` seconds."""
    end = time.monotonic() + patience
    while True:
        result = run(arguments, env=env, timeout=LONGEST_RUN)
        if result[0] == 0 or _LOCKED not in result[1] + result[2] or time.monotonic() > end:
            return result
        time.sleep(LOCK_RETRY)


def _learn(result: Tuple[int, str, str], marker: str, bound: bool) -> Dict[str, Any]:
    code, output, complaint = result
    found = _LOG_PATH.search(complaint + output)
    log_file = found.group(1).strip() if found else _DEFAULT_LOG
    return {
        "exit_status": code,
        "refusals": _refusals(section_of_run(_log(log_file), marker), bound) if code != 0 else [],
        "last_words": last_words(complaint) or last_words(output),
        "log_file": log_file,
        "locked": code != 0 and _LOCKED in output + complaint,
    }


def _refusals(log: str, bound: bool) -> List[Dict[str, Any]]:
    """What the server said; that it wants an account binding is said in its directory, not in a problem document."""
    said = refusals(log)
    if said or bound or not wants_account_binding(log):
        return said
    return [{"type": EAB_WANTED, "detail": "externalAccountRequired: true (in its directory)", "subproblems": []}]


def _log(path: str) -> str:
    """The text of certbot's log; empty if it wrote none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""


def last_words(text: str) -> List[str]:
    """The last lines that say something."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip() and not line.strip().startswith(_NOISE)]
    return lines[-LAST_LINES:]
