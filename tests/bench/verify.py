# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verify 2,000 endpoints of an nginx on loopback, beside two `openssl s_time -new` against the same server.

Fetching and judging are both in the figure. The two take turns, so that a machine that drifts drifts under both; the
value is the median of the rounds' ratios. Prints `name value goal ok|short (absolute figures)`.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / ".work")]

from ansible_collections.fullchain.tls.plugins.plugin_utils.verification import (  # noqa: E402
    Settings,
    summarise,
    verify_endpoints,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import Endpoint  # noqa: E402

from tests.pki import Cert, Pki, mint  # noqa: E402
from tests.unit.wire.servers import HOST, nginx  # noqa: E402

ENDPOINTS = 2000
GOAL = 1.0
ROUNDS = 3
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


def main() -> None:
    """Run the rounds and print the figure."""
    pki = fleet()
    with (
        tempfile.TemporaryDirectory() as directory,
        nginx(Path(directory), pki, ["leaf", "inter"], workers="auto") as port,
    ):
        settings = Settings(trust=(pki.pem("root"),))
        rounds = [(verified_a_second(port, settings), handshakes_a_second(port)) for _round in range(ROUNDS)]
    value = statistics.median(ours / theirs for ours, theirs in rounds)
    ours, theirs = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(
        f"verify: endpoints a second, beside two openssl s_time: {value:.2f}, goal at least {GOAL:.1f}, "
        f"{'ok' if value >= GOAL else 'short'} ({ours:.0f}/s verified, {theirs:.0f}/s handshakes; "
        f"{ENDPOINTS} endpoints, {ROUNDS} rounds, {os.cpu_count()} cores)"
    )


if __name__ == "__main__":
    main()
