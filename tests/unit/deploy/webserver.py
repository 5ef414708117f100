# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real nginx on 127.0.0.1, a real ansible-playbook, and one site: shop.test."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import Endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.fetch import fetch_all

from tests.pki import Pki

ROOT = Path(__file__).resolve().parents[3]
NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
NAME = "shop.test"

SITE = """\
# {{ ansible_managed }}
server {
  listen 127.0.0.1:{{ port }} ssl;
  server_name {{ site.name }};
  ssl_certificate {{ root }}/current/certs/{{ site.name }}/fullchain.pem;
  ssl_certificate_key {{ root }}/current/certs/{{ site.name }}/privkey.pem;
  {{ site.extra | default('') }}
  location / { return 200 "ok\\n"; }
}
"""


@dataclass
class Play:
    """What an ansible-playbook run left: exit code, everything it printed, and each task's result."""

    rc: int
    output: str
    results: list[dict[str, Any]]


class Webserver:
    """nginx with its configuration in base; it is started by the first deploy."""

    def __init__(self, base: Path, pki: Pki) -> None:
        self.base, self.pki, self.root = base, pki, base / "fullchain"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        (base / "templates").mkdir()
        (base / "templates" / "site.conf.j2").write_text(SITE)
        (base / "trust.pem").write_text(pki.pem("root"))
        (base / "nginx.conf").write_text(
            f"pid {base}/nginx.pid;\nerror_log {base}/error.log;\nevents {{ worker_connections 128; }}\n"
            f"http {{ access_log off; include {self.root}/current/sites/*.conf; }}\n"
        )

    def command(self, *words: str) -> list[str]:
        """An nginx command for this server."""
        return [str(NGINX), *words, "-c", str(self.base / "nginx.conf")]

    def stop(self) -> None:
        """Stop nginx where it runs. By its number: `nginx -s stop` reads the configuration, which may be broken."""
        pid_file = self.base / "nginx.pid"
        if not pid_file.exists():
            return
        os.kill(int(pid_file.read_text()), signal.SIGTERM)
        deadline = time.monotonic() + 10
        while pid_file.exists() and time.monotonic() < deadline:  # nginx removes it when it ends
            time.sleep(0.02)

    def task(
        self, which: str = "leaf", chain: tuple[str, ...] = ("inter",), key: str = "", **parameters: Any
    ) -> dict[str, Any]:
        """A deploy of the declared certificate `which` with these issuers; parameters replace those that are good."""
        arguments = {
            "root": str(self.root),
            "files": [self.site()],
            "certificates": [
                {"name": NAME, "fullchain": self.pki.pem(which, *chain), "privkey": self.pki.key_pem(key or which)}
            ],
            "test": self.command("-t"),
            "reload": self.command("-s", "reload"),
            "start": self.command(),
            "pid_file": str(self.base / "nginx.pid"),
            "error_log": str(self.base / "error.log"),
            "endpoints": [{"host": NAME, "address": "127.0.0.1", "port": self.port}],
            "trust": [str(self.base / "trust.pem")],
            "verify_timeout": 3,
            "reload_timeout": 5,
        }
        return {"fullchain.tls.deploy": {**arguments, **parameters}, "ignore_errors": True}

    def site(self, extra: str = "") -> dict[str, Any]:
        """The entry of `files` for the site."""
        each = [{"name": NAME, "extra": extra}]
        return {
            "dest": "sites/{name}.conf",
            "src": "site.conf.j2",
            "each": each,
            "vars": {"port": self.port, "root": str(self.root)},
        }

    def play(self, *tasks: dict[str, Any], options: tuple[str, ...] = (), **variables: Any) -> Play:
        """Run tasks on this machine."""
        running = self.start_play(*tasks, options=options, **variables)
        output, _nothing = running.communicate()
        record = self.base / "record"
        results = [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []
        return Play(running.returncode, output, results)

    def start_play(
        self, *tasks: dict[str, Any], options: tuple[str, ...] = (), **variables: Any
    ) -> subprocess.Popen[str]:
        """Start an ansible-playbook in a session of its own."""
        variables = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, **variables}
        play = [{"hosts": "all", "gather_facts": False, "vars": variables, "tasks": list(tasks)}]
        (self.base / "play.yml").write_text(json.dumps(play))
        (self.base / "record").unlink(missing_ok=True)
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".work"),
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "record",
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_LOCAL_TEMP": str(self.base / "tmp"),
            "ANSIBLE_REMOTE_TEMP": str(self.base / "remote-tmp"),
            "RECORD": str(self.base / "record"),
        }
        program = str(Path(sys.executable).parent / "ansible-playbook")
        return subprocess.Popen(
            [program, "-i", "web1,", str(self.base / "play.yml"), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
            cwd=self.base,
            start_new_session=True,
        )

    def served(self) -> tuple[bytes, ...]:
        """The chain that nginx serves for the site now; () when it serves none."""
        return fetch_all([Endpoint(NAME, self.port, address="127.0.0.1")], timeout=5.0)[0].chain

    def chain(self, *names: str) -> tuple[bytes, ...]:
        """What should be served, by declared names."""
        return tuple(self.pki.der(name) for name in names)

    def links(self) -> dict[str, str | None]:
        """Where current and confirmed point."""
        links = {name: self.root / name for name in ("current", "confirmed")}
        return {name: os.readlink(link) if link.is_symlink() else None for name, link in links.items()}
