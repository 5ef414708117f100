# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verify 2,000 endpoints of an nginx on loopback, beside what else makes TLS connections to the same server.

That is two `openssl s_time -new` in parallel, and Prometheus' blackbox_exporter asked for as many probes (which check the
chain against the same root) by `ab`. Fetching and judging are both in our figure. All take turns, so that a machine that drifts
drifts under them all; a value is the median of the rounds' ratios. Prints `name: value, goal, ok|short (absolute figures)`.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / ".work")]

from ansible_collections.fullchain.tls.plugins.plugin_utils.results import summarise  # noqa: E402
from ansible_collections.fullchain.tls.plugins.plugin_utils.settings import Settings  # noqa: E402
from ansible_collections.fullchain.tls.plugins.plugin_utils.verification import verify_endpoints  # noqa: E402
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import Endpoint  # noqa: E402

from tests.pki import Cert, Pki, mint  # noqa: E402
from tests.unit.wire.servers import HOST, free_port, nginx  # noqa: E402

ENDPOINTS = 2000
ROUNDS = 3
CLIENTS = 32  # of ab, at the same time
SECONDS = 4  # of one turn of s_time
# All behind one chain, as behind a load balancer.
NAMES = [f"site{number}.bench.example.com" for number in range(ENDPOINTS)]


def fleet() -> Pki:
    """A leaf for all names (ECDSA P-256), an intermediate and a root."""
    return mint(root=Cert(), inter=Cert(issuer="root"), leaf=Cert(issuer="inter", names=["*.bench.example.com"]))


def verified_a_second(port: int, settings: Settings) -> float:
    """Endpoints that verify_endpoints gets through in a second. Exits when one of them is not found good."""
    endpoints = [Endpoint(name, port, address=HOST) for name in NAMES]
    started = time.perf_counter()
    results = verify_endpoints(endpoints, settings)
    took = time.perf_counter() - started
    summary = summarise(results)
    if summary["ok"] != ENDPOINTS:
        sys.exit(f"verify: not all endpoints were found good: {summary}")
    return ENDPOINTS / took


def handshakes_a_second(port: int) -> float:
    """The sum of two s_time in parallel. Their own `real seconds` are rounded up, so they are timed from here."""
    command = ["openssl", "s_time", "-new", "-connect", f"{HOST}:{port}", "-time", str(SECONDS)]
    started = time.perf_counter()
    clients = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) for _client in range(2)
    ]
    total = 0.0
    for client in clients:
        said, _nothing = client.communicate()
        total += int(re.findall(r"(\d+) connections in \d+ real seconds", said)[-1])
    return total / (time.perf_counter() - started)


@contextlib.contextmanager
def blackbox_exporter(directory: Path, root: str) -> Iterator[int]:
    """Prometheus' prober, with a module that checks the chain and the name; its port."""
    (directory / "root.pem").write_text(root)
    (directory / "blackbox.yml").write_text(
        "modules:\n  tls:\n    prober: tcp\n    timeout: 10s\n    tcp:\n      tls: true\n      tls_config:\n"
        f"        ca_file: {directory}/root.pem\n        server_name: {NAMES[0]}\n"
    )
    port = free_port()
    listen = [f"--web.listen-address={HOST}:{port}", f"--config.file={directory}/blackbox.yml", "--log.level=error"]
    process = subprocess.Popen(["prometheus-blackbox-exporter", *listen], stderr=subprocess.DEVNULL)
    try:
        for _try in range(100):
            with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
                break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()


def probes_a_second(exporter: int, port: int) -> float:
    """Probes of blackbox_exporter, asked for over kept connections. Exits when one does not succeed."""
    url = f"http://{HOST}:{exporter}/probe?target={HOST}:{port}&module=tls"
    said = _run("curl", "-sS", url)
    if "\nprobe_success 1" not in said:
        sys.exit(f"verify: blackbox_exporter does not find the chain good:\n{said}")
    said = _run("ab", "-q", "-k", "-l", "-n", str(ENDPOINTS), "-c", str(CLIENTS), url)
    if not re.search(r"Failed requests: +0\n", said):
        sys.exit(f"verify: blackbox_exporter failed:\n{said}")
    return float(re.findall(r"Requests per second: +([\d.]+)", said)[0])


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def report(what: str, unit: str, goal: float, rounds: Sequence[tuple[float, float]]) -> None:
    """Print a figure: ours and theirs of each round, both a second."""
    value = statistics.median(ours / theirs for ours, theirs in rounds)
    ours, theirs = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(
        f"verify: endpoints a second, beside {what}: {value:.2f}, goal at least {goal:.1f}, "
        f"{'ok' if value >= goal else 'short'} ({ours:.0f}/s verified, {theirs:.0f}/s {unit}; "
        f"{ENDPOINTS} endpoints, {ROUNDS} rounds, {os.cpu_count()} cores)"
    )


def main() -> None:
    """Run the rounds and print the figures."""
    pki = fleet()
    with (
        tempfile.TemporaryDirectory() as folder,
        nginx(Path(folder), pki, ["leaf", "inter"], workers="auto") as port,
        blackbox_exporter(Path(folder), pki.pem("root")) as exporter,
    ):
        settings = Settings(trust=(pki.pem("root"),))
        rounds = [
            (verified_a_second(port, settings), handshakes_a_second(port), probes_a_second(exporter, port))
            for _round in range(ROUNDS)
        ]
    report("two openssl s_time", "handshakes", 1.0, [(ours, s_time) for ours, s_time, _probes in rounds])
    report("blackbox_exporter", "probes", 1.2, [(ours, probes) for ours, _s_time, probes in rounds])


if __name__ == "__main__":
    main()
