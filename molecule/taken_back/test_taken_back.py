# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploys that must not stand: after each, what was served before is still served, byte for byte, and the run says why.

Three sites on each host: site1 from certbot, site2 from files, and a third that comes with the fault. WEBSERVER says of which server.
"""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections import Counter

import pytest

from tests.lab import SERVER, Lab, Run, name, site
from tests.pki import Cert, Pki, mint, write_pem

VISIBLE = (1, 2)
RELOAD = f"{SERVER.role}_reload_command"


class Fleet:
    """The lab with a private CA beside the ACME CA, and a good state to return to."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        names = [name(host, number) for host in lab.hosts for number in (2, 3)]
        self.pki = mint(
            root=Cert(),
            inter=Cert(issuer="root"),
            leaf=Cert(issuer="inter", names=names),
            renewed=Cert(issuer="inter", names=names),
            expired=Cert(issuer="inter", names=names, ends="-1d"),
            foreign=Cert(issuer="inter", names=["elsewhere.example"]),
        )
        self.trust = ["{{ lab_root }}", str(write_pem(lab.folder / "private-root.pem", self.pki.pem("root")))]
        self.good = [site(1), self.files(2, "leaf", "leaf", "inter")]

    def files(self, number: int, key: str, *chain: str, **more) -> dict:
        """A site whose certificate comes from files: a chain and a key, by their names in the PKI."""
        given = {"source": "files", "fullchain": self.pki.pem(*chain), "privkey": self.pki.key_pem(key)}
        return site(number, aliases=[], certificate=given, **more)

    def play(self, *arguments: str, sites: list[dict], **variables) -> Run:
        return self.lab.play(*arguments, tls_sites=sites, tls_trust=self.trust, **variables)

    def state(self) -> dict:
        """What each host serves under each name, and every file it has for that."""
        return {
            host: (self.lab.chains(host, [name(host, number) for number in VISIBLE]), self.lab.configuration(host))
            for host in self.lab.hosts
        }


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    fleet = Fleet(Lab())
    run = fleet.play(sites=fleet.good)
    assert run.rc == 0, run.output
    assert all(len(chain) > 1 for chains, _files in fleet.state().values() for chain in chains.values())
    return fleet


def test_a_faulty_certificate_is_refused_before_a_host_is_touched(fleet):
    faults = {
        "incomplete-chain": fleet.files(2, "leaf", "leaf"),
        "key-mismatch": fleet.files(2, "foreign", "leaf", "inter"),
        "expired": fleet.files(2, "expired", "expired", "inter"),
        "name-mismatch": fleet.files(2, "foreign", "foreign", "inter"),
    }
    before = fleet.state()
    for code, faulty in faults.items():
        run = fleet.play("--tags", "deploy", sites=[site(1), faulty])
        assert run.rc != 0
        assert fleet.state() == before, code
        for host in fleet.lab.hosts:
            assert run.recap[host]["failed"] == 1, run.output
            assert f"{name(host, 2)}" in run.output
        assert f"error {code}" in run.output, run.output
        assert "fix: " in run.output


def test_a_chain_out_of_order_with_its_root_is_put_right_and_said(fleet):
    """What it becomes is what is there already, so nothing changes."""
    run = fleet.play("--tags", "deploy", sites=[site(1), fleet.files(2, "leaf", "inter", "root", "leaf")])
    assert run.rc == 0, run.output
    assert run.count("changed", fleet.lab.hosts) == dict.fromkeys(fleet.lab.hosts, 0), run.output
    for words in ("was certificate #3 and is now the first", "was left out: it is a root"):
        assert words in " ".join(run.output.split())  # long lines are wrapped


def test_a_syntax_error_is_taken_back(fleet):
    assert_taken_back(fleet, SERVER.test, SERVER.said_of_it, extra=SERVER.bad_directive)


def test_a_reload_command_that_fails_is_taken_back(fleet):
    assert_taken_back(fleet, "/bin/false", **{RELOAD: ["/bin/false"]})


def test_a_reload_that_the_server_itself_refuses_is_taken_back(fleet):
    """Its test does not mind, and `systemctl reload` says that all went well."""
    assert_taken_back(fleet, SERVER.said_of_that, extra=SERVER.refused_on_reload)


def test_a_server_that_serves_something_else_is_taken_back(fleet):
    """A vhost that the server reads first has the name of the third site, and another certificate."""
    path = f"{SERVER.etc}/{SERVER.first_file}"
    for host in fleet.lab.hosts:
        vhost = SERVER.vhost.replace("NAME", name(host, 3)).replace("LINEAGE", f"/etc/letsencrypt/live/{name(host, 1)}")
        fleet.lab.on(host, f"cat >{path} <<'EOF'\n{vhost}\nEOF\n{SERVER.reload}")
    try:
        assert_taken_back(fleet, "stale-certificate")
    finally:
        for host in fleet.lab.hosts:
            fleet.lab.on(host, f"rm {path} && {SERVER.reload}")


def assert_taken_back(fleet: Fleet, *words: str, extra: str = "", **variables) -> None:
    """Deploy a third site with a fault; see it fail in these words, and all as it was before."""
    before = fleet.state()
    run = fleet.play(
        "--tags", "deploy", sites=[*fleet.good, fleet.files(3, "leaf", "leaf", "inter", extra=extra)], **variables
    )
    assert run.rc != 0, run.output
    assert fleet.state() == before
    assert run.count("failed", fleet.lab.hosts) == dict.fromkeys(fleet.lab.hosts, 1), run.output
    for text in (*words, "Taken back", "serves what it served before, byte for byte"):
        assert text in run.output, run.output
    again = fleet.play("--tags", "deploy", sites=fleet.good)
    assert again.rc == 0, again.output
    if RELOAD in variables:
        # What was put back could not be loaded either, and the run said so: this one has loaded it.
        assert "But the server has not loaded it" in run.output
        again = fleet.play("--tags", "deploy", sites=fleet.good)
    assert again.count("changed", fleet.lab.hosts) == dict.fromkeys(fleet.lab.hosts, 0), again.output


def test_new_connections_through_twenty_deploys_see_no_failure_and_no_bad_chain(fleet):
    visitors = [Visitor(fleet, host) for host in fleet.lab.hosts]
    for visitor in visitors:
        visitor.start()
    try:
        for number in range(20):
            leaf = ("leaf", "renewed")[number % 2]
            run = fleet.play("--tags", "deploy", sites=[site(1), fleet.files(2, leaf, leaf, "inter")])
            assert run.rc == 0, run.output
    finally:
        for visitor in visitors:
            visitor.stop()
    for visitor in visitors:
        assert visitor.failures == Counter()
        assert visitor.answered > 200
        assert len(visitor.leaves) == 2  # both were seen: the deploys did happen meanwhile


class Visitor(threading.Thread):
    """A strict client that makes new connections until it is told to stop, thirty a second or so."""

    def __init__(self, fleet: Fleet, host: str) -> None:
        super().__init__()
        self.address, self.name_asked = fleet.lab.addresses[host], name(host, 2)
        self.context = ssl.create_default_context(cadata=fleet.pki.pem("root"))
        self.failures: Counter[str] = Counter()
        self.leaves: set[bytes] = set()
        self.answered = 0
        self.stopping = threading.Event()

    def run(self) -> None:
        while not self.stopping.wait(0.03):
            try:
                self.visit()
            except OSError as error:
                self.failures[repr(error)] += 1

    def visit(self) -> None:
        with (
            socket.create_connection((self.address, 443), timeout=5) as plain,
            self.context.wrap_socket(plain, server_hostname=self.name_asked) as connection,
        ):
            connection.sendall(f"HEAD / HTTP/1.1\r\nHost: {self.name_asked}\r\nConnection: close\r\n\r\n".encode())
            if not connection.recv(64).startswith(b"HTTP/1.1 "):
                raise OSError("no answer")
            self.leaves.add(connection.getpeercert(binary_form=True))
            self.answered += 1

    def stop(self) -> None:
        self.stopping.set()
        self.join()


@pytest.mark.parametrize("seconds", [3.0, 5.0, 7.0, 9.0])
def test_a_controller_that_is_killed_leaves_nothing_that_the_next_run_does_not_put_right(fleet, seconds):
    wanted = [*fleet.good, fleet.files(3, "renewed", "renewed", "inter")]
    running = subprocess.Popen(
        fleet.lab.command("--tags", "deploy", "-e", f"tls_webserver={SERVER.role}", "-e", f"{SERVER.role}_hsts_max_age=86400"),
        env=fleet.lab.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    time.sleep(seconds)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    run = fleet.play("--tags", "deploy", sites=wanted)
    assert run.rc == 0, run.output
    for host in fleet.lab.hosts:
        assert fleet.lab.chain(host, name(host, 3)) == tuple(fleet.pki.der(part) for part in ("renewed", "inter"))
    run = fleet.play("--tags", "deploy", sites=fleet.good)
    assert run.rc == 0, run.output


def test_no_key_is_printed_logged_or_left_anywhere(fleet):
    planted: Pki = fleet.pki
    secret = planted.key_pem("renewed").splitlines()[1]
    run = fleet.play("-vvvv", "--diff", sites=[site(1), fleet.files(2, "renewed", "renewed", "inter")])
    assert run.rc == 0
    faulty = fleet.play("-vvvv", "--diff", sites=[site(1), fleet.files(2, "renewed", "leaf", "inter")])
    assert faulty.rc != 0
    for text in (run.output, faulty.output):
        assert secret not in text
        assert "BEGIN PRIVATE KEY" not in text and "BEGIN EC PRIVATE KEY" not in text
    for host in fleet.lab.hosts:
        found = fleet.lab.on(
            host,
            f"journalctl --no-pager | grep -cF '{secret}'; grep -rlF '{secret}' / --exclude-dir=proc --exclude-dir=sys || true",
        ).split("\n")
        assert found[0] == "0"
        assert found[1:] and all(path.startswith(f"{SERVER.root}/generations/") for path in found[1:]), found
        assert lab_modes(fleet.lab, host) == {"600"}
    kept = subprocess.run(
        ["grep", "-rlF", secret, str(fleet.lab.folder / "ansible")], stdout=subprocess.PIPE, text=True, check=False
    )
    assert kept.stdout == ""


def lab_modes(lab: Lab, host: str) -> set[str]:
    """The modes of all private keys of a host's generations."""
    return set(lab.on(host, f"find {SERVER.root}/ -name privkey.pem -exec stat -c %a {{}} +").split())
