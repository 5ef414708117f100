# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scenario's lab, as its tests see it: run a playbook, ask the CA, a host and the wire."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
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


@dataclass(frozen=True)
class Server:
    """A web server as its hosts have it: the role's name and Debian's, and what a fault of each kind looks like."""

    role: str
    service: str
    etc: str
    test: str
    bad_directive: str
    said_of_it: str
    refused_on_reload: str
    said_of_that: str
    first_file: str
    vhost: str

    @property
    def root(self) -> str:
        """Where everything that is deployed lies."""
        return f"{self.etc}/fullchain"

    @property
    def reload(self) -> str:
        """A shell command."""
        return f"systemctl reload {self.service}"


SERVERS = {
    "nginx": Server(
        role="nginx",
        service="nginx",
        etc="/etc/nginx",
        test="nginx -t",
        bad_directive="no_such_directive on;",
        said_of_it='unknown directive "no_such_directive"',
        # Port 22 is sshd's: `nginx -t` does not mind, and `systemctl reload` says that all went well.
        refused_on_reload="listen 22;",
        said_of_that="bind() to 0.0.0.0:22 failed",
        first_file="conf.d/a-vhost-of-the-team.conf",
        vhost="server { listen 443 ssl; server_name NAME; ssl_certificate LINEAGE/fullchain.pem; ssl_certificate_key LINEAGE/privkey.pem; }",
    ),
    "apache": Server(
        role="apache",
        service="apache2",
        etc="/etc/apache2",
        test="apache2ctl configtest",
        bad_directive="no_such_directive on",
        said_of_it="Invalid command 'no_such_directive'",
        # configtest opens no cipher, and a graceful restart onto it ends the server.
        refused_on_reload="SSLCipherSuite no-such-cipher",
        said_of_that="the server died on the reload",
        first_file="sites-enabled/000-a-vhost-of-the-team.conf",
        vhost="""<VirtualHost *:443>
            ServerName NAME
            SSLEngine on
            SSLCertificateFile LINEAGE/fullchain.pem
            SSLCertificateKeyFile LINEAGE/privkey.pem
            </VirtualHost>""",
    ),
}
SERVER = SERVERS[os.environ.get("WEBSERVER", "nginx")]
"""The one that a scenario is about."""

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
        variables = {"tls_webserver": SERVER.role, **variables}
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
            "ANSIBLE_TIMEOUT": "60",  # a loaded machine takes longer than the ten seconds of the default to come to sudo
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

    def configuration(self, host: str, root: str = "") -> str:
        """A digest of each file of the generation that a host uses, its mode and owner with it; root: another than the web server's."""
        return self.on(
            host,
            f"cd {root or SERVER.root}/current/ && find . -type f -exec stat -c '%a %U:%G %n' {{}} + -exec sha256sum {{}} + | sort",
        )

    def short_lived(self, seconds: int) -> Path:
        """Start one more Pebble beside the lab's, https://ca:14002/dir, whose certificates last so long; the path of its root."""
        configuration = json.loads(self.on("ca", "cat /etc/pebble/pebble.json"))
        ports = {
            "listenAddress": "0.0.0.0:14002",
            "managementListenAddress": "0.0.0.0:15002",
            "certificateValidityPeriod": seconds,
        }
        configuration["pebble"].update(ports)
        self.on("ca", f"echo '{json.dumps(configuration)}' >/etc/pebble/short.json")
        self.on(
            "ca",
            "systemd-run -q --unit=pebble-short -p EnvironmentFile=/etc/pebble/environment pebble -config /etc/pebble/short.json",
        )
        path = self.folder / "short-root.pem"
        path.write_text(
            self.on("ca", "for i in 1 2 3 4 5; do curl -sk https://localhost:15002/roots/0 && break; sleep 1; done")
        )
        return path

    @staticmethod
    def _lab(*arguments: str, script: str = "") -> str:
        command = [ROOT / "lab" / "lab", *arguments]
        done = subprocess.run(command, input=script, stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout.strip()


def until(condition: Callable[[], Any], seconds: float) -> None:
    """Wait until the condition holds. Raises AssertionError when it doesn't in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.5)


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
