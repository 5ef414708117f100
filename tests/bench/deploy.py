# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploy 100 sites to one host of the lab, with nginx and then with Apache, beside a looped `template` task that writes the same files to it.

The time of the deploy is that of its one task: staging, the server's test, reload, 100 endpoints verified on the wire, and
confirming; the loop only writes. Also counted: the tasks of a run of site.yml, with 1 site and with 100, and of one
that changes nothing. Prints one line a figure: `name: value, goal, ok|short (absolute figures)`.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "tests" / "bench"
sys.path[:0] = [str(ROOT), str(ROOT / ".work")]
os.environ["LAB_NAME"] = "bench"

from tests.lab import SERVERS, Lab, Run, Server  # noqa: E402
from tests.pki import Cert, mint, write_pem  # noqa: E402

SITES = 100
ROUNDS = 3
HOST = "web1"
DEPLOY, LOOP = "Deploy the sites and verify what is served", "Looped template"


class Bench:
    """A host of the lab, and sites for it with a certificate from files."""

    def __init__(self, server: Server) -> None:
        for command in (["down"], ["up", f"{HOST}=bookworm"]):  # each server has the ports to itself
            subprocess.run([ROOT / "lab" / "lab", *command], check=True, stdout=subprocess.DEVNULL)
        self.server, self.lab = server, Lab()
        self.times = self.lab.folder / "times"
        self.names = [f"site{number}.bench.test" for number in range(SITES)]
        pki = mint(root=Cert(), inter=Cert(issuer="root"), leaf=Cert(issuer="inter", names=self.names))
        files = {"root": pki.pem("root"), "fullchain": pki.pem("leaf", "inter"), "privkey": pki.key_pem("leaf")}
        self.files = {key: str(write_pem(self.lab.folder / f"{key}.pem", text)) for key, text in files.items()}

    def sites(self, number: int) -> list[dict[str, Any]]:
        """The first `number` sites."""
        given = {"source": "files", "fullchain": self.files["fullchain"], "privkey": self.files["privkey"]}
        return [{"name": name, "root": "/var/www/html", "certificate": given} for name in self.names[:number]]

    def play(self, playbook: str, **variables: Any) -> tuple[Run, dict[str, float]]:
        """Run a playbook and return it with the seconds of each task. Exits when it fails."""
        self.times.unlink(missing_ok=True)
        run = self.lab.play(
            playbook=playbook,
            tls_webserver=self.server.role,
            environment={
                "TASK_TIMES": str(self.times),
                "ANSIBLE_CALLBACK_PLUGINS": str(BENCH / "callback"),
                "ANSIBLE_CALLBACKS_ENABLED": "task_times",
            },
            **variables,
        )
        if run.rc:
            sys.exit(run.output)
        lines = map(json.loads, self.times.read_text().splitlines())
        return run, {line["task"].rpartition(" : ")[2]: line["seconds"] for line in lines}

    def deploy(self, number: int, playbook: str = "fullchain.tls.site") -> tuple[Run, dict[str, float]]:
        """Have so many sites on the host."""
        return self.play(playbook, tls_sites=self.sites(number), tls_trust=[self.files["root"]])

    def looped(self) -> tuple[float, int]:
        """Seconds of the loop, and how many files it wrote."""
        with TemporaryDirectory(dir=self.lab.folder) as copy:
            tar = [ROOT / "lab" / "lab", "ssh", HOST, f"sudo tar -C {self.server.root}/current/ -c ."]
            packed = subprocess.run(tar, check=True, stdout=subprocess.PIPE).stdout
            subprocess.run(["tar", "-C", copy, "-x"], input=packed, check=True)
            paths = (path for path in Path(copy).rglob("*") if path.is_file() and not path.name.startswith("."))
            files = sorted(str(path.relative_to(copy)) for path in paths)
            if len(files) < 3 * SITES:  # a configuration, a chain and a key for each
                sys.exit(f"deploy: {len(files)} files were deployed, fewer than {3 * SITES}")
            _run, seconds = self.play(
                str(BENCH / "looped.yml"),
                looped_from=copy,
                looped_to="/tmp/looped",  # on the host of the lab
                looped_files=files,
                looped_directories=sorted({str(Path(file).parent) for file in files}),
            )
        return seconds[LOOP], len(files)


def figure(name: str, value: float, goal: float, absolute: str, digits: int = 2) -> None:
    """Print one; lower is better for all of them."""
    verdict = "ok" if value <= goal else "short"
    print(f"{name}: {value:.{digits}f}, goal at most {goal:.{digits}f}, {verdict} ({absolute})", flush=True)


def measure(server: Server) -> None:
    """Take turns, and print the figures of one server."""
    bench = Bench(server)
    bench.deploy(1)
    seconds = []
    for _round in range(ROUNDS):
        hundred, times = bench.deploy(SITES)
        seconds.append(times[DEPLOY])
        unchanged, _times = bench.deploy(SITES)
        one, _times = bench.deploy(1)
    bench.deploy(SITES)
    loop, files = bench.looped()
    deploy = statistics.median(seconds)
    figure(
        f"deploy: {SITES} sites with {server.role}, beside a looped template that writes the same files",
        deploy / loop,
        0.1,
        f"{deploy:.1f} s, median of {ROUNDS}; {loop:.1f} s for {files} files",
        digits=3,
    )
    tasks = {name: run.recap[HOST]["ok"] for name, run in (("1", one), ("100", hundred), ("unchanged", unchanged))}
    figure(
        f"deploy: tasks a host for 100 sites more than for 1 with {server.role}",
        tasks["100"] - tasks["1"],
        0,
        f"{tasks['100']}, {tasks['1']}",
        0,
    )
    figure(
        f"deploy: tasks a host when nothing changes with {server.role}",
        tasks["unchanged"],
        15,
        "from files; with certbot see molecule/lifecycle",
        0,
    )


def main() -> None:
    """One server after the other."""
    for server in SERVERS.values():
        measure(server)


if __name__ == "__main__":
    main()
