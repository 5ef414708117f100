# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that are no web servers of a role: the playbooks in playbooks/examples, all of them on each host.

Each test goes on from where the one before it ended. Only the packages are installed one after the other; else the five
playbooks run side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from tests.lab import ROOT, Lab, Run, name
from tests.pki import Cert, mint, write_pem

CURL = "curl --silent --show-error --cacert /srv/root.pem --resolve NAME:PORT:127.0.0.1"
VARIABLES = {
    "postgresql_version": "{{ {'bookworm': '15', 'trixie': '17'}[lab_suite] }}",
    "dovecot_version": "{{ {'bookworm': '2.3', 'trixie': '2.4'}[lab_suite] }}",
    "tls_hosts": "web",
}

DROP_INS = {
    "haproxy": "BindReadOnlyPaths=",  # a container may not mount what is bound there
    "dovecot": "TimeoutStopSec=5",  # its package restarts it so soon that the signal to stop may be missed for 90 s
}


@dataclass(frozen=True)
class Service:
    """A service and how to meet it; in its commands NAME, PORT and OLDER (a copy of what was deployed) are filled in.

    process: what its main process is called. client: a strict client of its protocol. astray: has the service take its
    certificate from OLDER instead, in a way that its playbook does not manage; home: undoes that.
    """

    name: str
    package: str
    port: int
    process: str
    client: str
    astray: str
    home: str
    starttls: str = ""
    reads_key: str = "root:root 600"
    secrets: tuple[str, ...] = ("privkey.pem",)
    variables: Mapping[str, Any] = field(default_factory=dict)

    @property
    def root(self) -> str:
        return f"/etc/{self.name}/fullchain"

    @property
    def playbook(self) -> str:
        return str(ROOT / "playbooks" / "examples" / f"{self.name}.yml")

    def fill(self, command: str, host: str) -> str:
        words = {"NAME": name(host, 1), "PORT": str(self.port), "OLDER": f"/srv/older/{self.name}/{name(host, 1)}"}
        for word, value in words.items():
            command = command.replace(word, value)
        return command


SERVICES = [
    Service(
        name="haproxy",
        package="haproxy",
        port=8443,  # lighttpd has 443
        process="haproxy",
        client=f"{CURL} https://NAME:PORT/",
        astray="sed 's#crt [^ ]*#crt OLDER/combined.pem#' /etc/haproxy/haproxy.cfg >/srv/older/haproxy.cfg && "
        "echo CONFIG=/srv/older/haproxy.cfg >>/etc/default/haproxy && systemctl restart haproxy",
        home="sed -i /CONFIG=/d /etc/default/haproxy && systemctl restart haproxy",
        secrets=("combined.pem", "privkey.pem"),
        variables={"tls_port": 8443},
    ),
    Service(
        name="lighttpd",
        package="lighttpd",
        port=443,
        process="lighttpd",
        client=f"{CURL} https://NAME:PORT/",
        astray='echo \'$HTTP["host"] == "NAME" { ssl.pemfile = "OLDER/fullchain.pem" ssl.privkey = "OLDER/privkey.pem" }\' '
        ">/etc/lighttpd/conf-enabled/95-team.conf && systemctl reload lighttpd",
        home="rm /etc/lighttpd/conf-enabled/95-team.conf && systemctl reload lighttpd",
        reads_key="root:www-data 640",
    ),
    Service(
        name="postfix",
        package="postfix",
        port=25,
        process="master",
        client=f"{CURL} --ssl-reqd smtp://NAME:PORT -X NOOP",
        astray="postconf -P smtp/inet/smtpd_tls_cert_file=OLDER/fullchain.pem "
        "smtp/inet/smtpd_tls_key_file=OLDER/privkey.pem && systemctl reload postfix",
        home="postconf -PX smtp/inet/smtpd_tls_cert_file smtp/inet/smtpd_tls_key_file && systemctl reload postfix",
        starttls="smtp",
    ),
    Service(
        name="dovecot",
        package="dovecot-imapd",
        port=143,
        process="dovecot",
        client=f"{CURL} --ssl-reqd imap://NAME:PORT -X NOOP",
        astray="sed 's#[^ <]*/certs/[^/]*#OLDER#' /etc/dovecot/fullchain/current/tls.conf >/etc/dovecot/local.conf && "
        "systemctl reload dovecot",
        home="rm /etc/dovecot/local.conf && systemctl reload dovecot",
        starttls="imap",
    ),
    Service(
        name="postgresql",
        package="postgresql",
        port=5432,
        process="postgres",
        client="runuser -u postgres -- psql --quiet --command \"ALTER ROLE postgres PASSWORD 'lab'\" && PGPASSWORD=lab psql "
        '--no-align --tuples-only --command "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()" '
        '"host=NAME hostaddr=127.0.0.1 user=postgres sslmode=verify-full sslrootcert=/srv/root.pem" | grep -x t',
        astray="cd / && for file in cert:fullchain key:privkey; do runuser -u postgres -- psql --quiet --command "
        "\"ALTER SYSTEM SET ssl_${file%:*}_file = 'OLDER/${file#*:}.pem'\"; done && systemctl reload postgresql",
        home="cd / && for setting in ssl_cert_file ssl_key_file; do runuser -u postgres -- psql --quiet --command "
        '"ALTER SYSTEM RESET $setting"; done && systemctl reload postgresql',
        starttls="postgres",
        reads_key="root:postgres 640",
    ),
]
EACH = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)


def side_by_side(do: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    with ThreadPoolExecutor() as pool:
        return list(pool.map(do, items))


class Fleet:
    """The lab with a private CA, and what its hosts serve."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        names = [name(host, 1) for host in lab.hosts]
        self.pki = mint(
            root=Cert(),
            inter=Cert(issuer="root"),
            leaf=Cert(issuer="inter", names=names),
            renewed=Cert(issuer="inter", names=names),
        )
        self.trust = str(write_pem(lab.folder / "private-root.pem", self.pki.pem("root")))

    def play(self, service: Service, *arguments: str, leaf: str, chain: tuple[str, ...] = ("inter",)) -> Run:
        certificate = {
            "name": "site1.{{ inventory_hostname }}.test",
            "fullchain": self.pki.pem(leaf, *chain),
            "privkey": self.pki.key_pem(leaf),
        }
        given = {**VARIABLES, **service.variables, "tls_certificate": certificate, "tls_trust": [self.trust]}
        return self.lab.play(*arguments, playbook=service.playbook, **given)

    def play_all(self, *arguments: str, leaf: str, chain: tuple[str, ...] = ("inter",)) -> list[tuple[Service, Run]]:
        """Run all playbooks side by side."""

        def play(service: Service) -> Run:
            return self.play(service, *arguments, leaf=leaf, chain=chain)

        return list(zip(SERVICES, side_by_side(play, SERVICES), strict=True))

    def on_each(self, command: str, service: Service) -> dict[str, str]:
        """What a command prints on each host."""
        run = partial(self._on, command, service)
        return dict(zip(self.lab.hosts, side_by_side(run, self.lab.hosts), strict=True))

    def _on(self, command: str, service: Service, host: str) -> str:
        return self.lab.on(host, service.fill(command, host))

    def served(self, service: Service) -> dict[str, str]:
        """The chain that OpenSSL is served on each host, in PEM; it refuses one that does not lead to the root."""
        starttls = f"-starttls {service.starttls}" if service.starttls else ""
        return self.on_each(
            f"openssl s_client -connect 127.0.0.1:PORT {starttls} -servername NAME -verify_hostname NAME -CAfile /srv/root.pem "
            "-verify_return_error -showcerts 2>/dev/null </dev/null | sed -n '/BEGIN CERT/,/END CERT/p'",
            service,
        )

    def state(self, service: Service) -> list[dict[str, str]]:
        """What the hosts serve, and every file that they have for that."""
        files = side_by_side(lambda host: self.lab.configuration(host, service.root), self.lab.hosts)
        return [self.served(service), dict(zip(self.lab.hosts, files, strict=True))]

    def states(self) -> list[list[dict[str, str]]]:
        """The state of each service."""
        return side_by_side(self.state, SERVICES)

    def serves(self, service: Service, leaf: str) -> bool:
        return set(self.served(service).values()) == {self.pki.pem(leaf, "inter").strip()}


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    fleet = Fleet(Lab())
    drop_ins = [
        f"mkdir /etc/systemd/system/{unit}.service.d && printf '[Service]\\n{setting}\\n' >/etc/systemd/system/{unit}.service.d/lab.conf"
        for unit, setting in DROP_INS.items()
    ]
    # apt's cache is made here once, and not by ten modules at the same time.
    commands = [
        "set -e",
        *drop_ins,
        "apt-cache gencaches --quiet",
        f"cat >/srv/root.pem <<'EOF'\n{fleet.pki.pem('root')}EOF",
    ]
    side_by_side(lambda host: fleet.lab.on(host, "\n".join(commands)), fleet.lab.hosts)
    return fleet


def went_well(fleet: Fleet, run: Run, changed: int | None = None) -> None:
    assert run.rc == 0, run.output
    assert changed is None or run.count("changed", fleet.lab.hosts) == dict.fromkeys(fleet.lab.hosts, changed), (
        run.output
    )


def test_check_mode_on_a_bare_host_needs_no_service_and_touches_nothing(fleet):
    for service, run in fleet.play_all("--check", "--diff", leaf="leaf"):
        went_well(fleet, run, changed=3)
        fleet.on_each(f"! dpkg-query --show {service.package} 2>/dev/null && test ! -e /etc/{service.name}", service)


@EACH
def test_first_run_ends_with_a_chain_that_strict_clients_accept(fleet, service):
    went_well(fleet, fleet.play(service, leaf="leaf"))
    assert fleet.serves(service, "leaf")
    fleet.on_each(service.client, service)
    keys = f"cd {service.root}/current/certs/NAME && grep -l 'PRIVATE KEY' * && stat -c '%U:%G %a' $(grep -l 'PRIVATE KEY' *)"
    expected = [*service.secrets, *[service.reads_key] * len(service.secrets)]
    assert fleet.on_each(keys, service) == dict.fromkeys(fleet.lab.hosts, "\n".join(expected))


def test_second_run_changes_nothing(fleet):
    for _service, run in fleet.play_all(leaf="leaf"):
        went_well(fleet, run, changed=0)


def test_renewed_certificate_is_served_by_the_process_that_ran_before(fleet):
    processes = [fleet.on_each(f"pgrep --oldest --exact {service.process}", service) for service in SERVICES]
    for (service, run), before in zip(fleet.play_all(leaf="renewed"), processes, strict=True):
        went_well(fleet, run, changed=1)
        assert fleet.serves(service, "renewed")
        assert fleet.on_each(f"pgrep --oldest --exact {service.process}", service) == before, service.name


def test_chain_without_its_intermediate_is_refused_before_a_host_is_touched(fleet):
    before = fleet.states()
    for _service, run in fleet.play_all(leaf="leaf", chain=()):
        assert run.rc != 0
        assert run.count("failed", fleet.lab.hosts) == dict.fromkeys(fleet.lab.hosts, 1), run.output
        assert run.count("changed", fleet.lab.hosts) == dict.fromkeys(fleet.lab.hosts, 0), run.output
        assert "Refused before anything on the host was touched" in run.output
        assert "error incomplete-chain" in run.output and "fix: " in run.output
    assert fleet.states() == before


def test_what_only_the_wire_can_refuse_is_taken_back(fleet):
    """Something else of the service's configuration has the last word on its certificate: tests and reloads go well."""
    for service in SERVICES:
        fleet.on_each(f"mkdir -p /srv/older && cp -aL {service.root}/current/certs /srv/older/{service.name}", service)
        fleet.on_each(service.astray, service)
    before = fleet.states()
    assert all(fleet.serves(service, "renewed") for service in SERVICES)
    for _service, run in fleet.play_all(leaf="leaf"):
        assert run.rc != 0
        assert run.count("failed", fleet.lab.hosts) == dict.fromkeys(fleet.lab.hosts, 1), run.output
        for words in (
            "error stale-certificate",
            "Taken back: generation",
            "serves what it served before, byte for byte",
        ):
            assert words in run.output, run.output
    assert fleet.states() == before


def test_without_what_led_it_astray_all_is_as_it_was(fleet):
    for service in SERVICES:
        fleet.on_each(f"{service.home} && rm -r /srv/older/{service.name}", service)
    for service, run in fleet.play_all(leaf="renewed"):
        went_well(fleet, run, changed=0)
        assert fleet.serves(service, "renewed")
        fleet.on_each(service.client, service)
