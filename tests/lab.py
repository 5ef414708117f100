# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scenario's lab, as its tests see it: run a playbook, ask the CA, a host and the wire."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import parse_endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.fetch import fetch_all

ROOT = Path(__file__).resolve().parent.parent
FLEET = ROOT / "molecule" / "fleet" / "inventory.yml"
SITE = "fullchain.tls.site"

_RECAP = re.compile(
    r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)\s+skipped=(\d+)", re.MULTILINE
)


@dataclass(frozen=True)
class Run:
    """A finished ansible-playbook: its exit code and all that it printed."""

    rc: int
    output: str

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        """The counts of PLAY RECAP for each host."""
        keys = ("ok", "changed", "unreachable", "failed", "skipped")
        return {host: dict(zip(keys, map(int, counts), strict=True)) for host, *counts in _RECAP.findall(self.output)}

    def count(self, key: str, hosts: Iterable[str]) -> dict[str, int]:
        """One of the counts for each of some hosts."""
        return {host: self.recap[host][key] for host in hosts}


class Lab:
    """The lab that LAB_NAME names, and the fleet that molecule/fleet/inventory.yml declares on it."""

    def __init__(self) -> None:
        self.folder = ROOT / ".work" / f"lab-{os.environ['LAB_NAME']}"
        self.inventory = self.folder / "inventory.yml"
        groups = json.loads(self.inventory.read_text())["all"]["children"]["lab"]["children"]
        self.addresses = {name: facts["ansible_host"] for name, facts in groups["web"]["hosts"].items()}
        self.hosts = tuple(self.addresses)
        self.root = (self.folder / "pebble-root.pem").read_text()

    def play(
        self, *arguments: str, playbook: str = SITE, environment: Mapping[str, str] | None = None, **variables: Any
    ) -> Run:
        """Run a playbook on the fleet; `variables` are extra variables, `environment` is added to Ansible's."""
        with NamedTemporaryFile("w", suffix=".json", dir=self.folder) as extra:
            json.dump(variables, extra)
            extra.flush()
            done = subprocess.run(
                self.command(*arguments, "-e", f"@{extra.name}", playbook=playbook),
                env={**self.environment, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
        return Run(done.returncode, done.stdout)

    def command(self, *arguments: str, playbook: str = SITE) -> list[str]:
        """The command line of a playbook's run on the fleet."""
        return ["ansible-playbook", "-i", str(self.inventory), "-i", str(FLEET), "--limit", "web", playbook, *arguments]

    @property
    def environment(self) -> Mapping[str, str]:
        """What Ansible is to find in its environment; nothing of what molecule has set for its own runs."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "MOLECULE_"))}
        return {
            **inherited,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".work"),
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
            "ANSIBLE_NOCOLOR": "1",
        }

    def orders(self) -> int:
        """How many orders the CA has been asked for."""
        return int(self._lab("orders"))

    def on(self, host: str, script: str) -> str:
        """Output of a shell script run as root on a host; raises CalledProcessError where it fails.

        It comes over standard input: sudo logs command lines.
        """
        return self._lab("ssh", host, "sudo sh -s", script=script)

    def chain(self, host: str, name: str) -> tuple[bytes, ...]:
        """The chain that a host serves under a name, as DER."""
        return fetch_all([parse_endpoint({"host": name, "address": self.addresses[host]})])[0].chain

    def chains(self, host: str, names: Iterable[str]) -> dict[str, tuple[bytes, ...]]:
        """The chain for each name."""
        return {name: self.chain(host, name) for name in names}

    def configuration(self, host: str, etc: str = "/etc/nginx") -> str:
        """A digest of each file of the generation that a host uses, its mode and owner with it."""
        return self.on(
            host,
            f"cd {etc}/fullchain/current/ && find . -type f -exec stat -c '%a %U %n' {{}} + -exec sha256sum {{}} + | sort",
        )

    @staticmethod
    def _lab(*arguments: str, script: str = "") -> str:
        command = [ROOT / "lab" / "lab", *arguments]
        done = subprocess.run(command, input=script, stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout.strip()


def site(number: int, aliases: Iterable[str] = ("www",), **more: Any) -> dict[str, Any]:
    """An entry of tls_sites: siteN on whichever host, with a directory to serve unless something else is said."""
    name = f"site{number}.{{{{ inventory_hostname }}}}.test"
    kind = {} if {"root", "proxy_to"} & set(more) else {"root": "/var/www/html"}
    return {"name": name, "aliases": [f"{alias}.{name}" for alias in aliases], **kind, **more}


def name(host: str, number: int, alias: str = "") -> str:
    """The name of siteN on a host, or of its alias."""
    return f"{alias}.site{number}.{host}.test" if alias else f"site{number}.{host}.test"


def over_http(address: str, host: str, path: str) -> tuple[int, str | None, bytes]:
    """Status, Location and body of an answer on port 80; a redirect is not followed."""
    connection = HTTPConnection(address, timeout=10)
    connection.request("GET", path, headers={"Host": host})
    answer = connection.getresponse()
    return answer.status, answer.headers["Location"], answer.read()
