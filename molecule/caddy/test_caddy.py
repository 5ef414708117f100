# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Caddy on Debian 12 and 13, which obtains and renews its certificates itself. Each test goes on from where the one before ended."""

from __future__ import annotations

import ssl
from http.client import HTTPSConnection
from socket import create_connection

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import parse_endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.fetch import fetch_all

from tests.lab import Lab, Run, name, over_http, site, until
from tests.pki import Cert, Pki, mint, write_pem

SERVER = {"certificate": {"source": "server"}}
FIRST = [site(1, **SERVER), site(2, aliases=[], proxy_to="http://127.0.0.1:8000", **SERVER)]
ETC = "/etc/caddy"
OBTAINED = 200.0
"""Seconds. Caddy waits for a minute after a first attempt that failed, and for two after the next; Pebble refuses a nonce now and then."""
CERTIFICATES = "/var/lib/caddy/.local/share/caddy/certificates"
RELOAD = f"runuser -u caddy -- env HOME=/var/lib/caddy caddy reload --force --config {ETC}/Caddyfile"
LISTENERS = "ss -Hltn 'sport = :443' | wc -l"
VERIFY = "fullchain.tls.verify_tls"
# Every file that a deploy could have touched; systemd and Caddy keep some of their own up to date.
EVERYTHING = "find /etc /opt /srv /usr /var/lib -xdev -printf '%p %s %m %T@\\n' | grep -v systemd | sort"


class Fleet:
    """The lab, and a private CA beside the ACME CA for what is delivered from files."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        names = [name(host, number) for host in lab.hosts for number in (2, 3)]
        self.pki: Pki = mint(root=Cert(), inter=Cert(issuer="root"), leaf=Cert(issuer="inter", names=names))
        self.trust = ["{{ lab_root }}", str(write_pem(lab.folder / "private-root.pem", self.pki.pem("root")))]

    def play(self, *arguments: str, sites: list[dict], **variables) -> Run:
        given = {"tls_webserver": "caddy", "tls_trust": self.trust, **variables}
        return self.lab.play(*arguments, tls_sites=sites, **given)

    def files(self, number: int, *chain: str, **more) -> dict:
        given = {"source": "files", "fullchain": self.pki.pem(*chain), "privkey": self.pki.key_pem("leaf")}
        return site(number, aliases=[], certificate=given, **more)

    def state(self, *numbers: int) -> dict:
        """What each host serves under these sites' names, and every file it has for that."""
        return {
            host: (
                [self.served(host, name(host, number)) for number in numbers],
                self.lab.configuration(host, f"{ETC}/fullchain"),
            )
            for host in self.lab.hosts
        }

    def served(self, host: str, asked: str) -> tuple[tuple[bytes, ...], str | None]:
        """The chain that a host serves under a name, and why it serves none."""
        (served,) = fetch_all([parse_endpoint({"host": asked, "address": self.lab.addresses[host]})])
        return served.chain, served.failure_detail

    def accounts(self) -> int:
        """How many accounts the CA has."""
        said = self.lab.on("ca", "journalctl --unit pebble --output cat | grep 'There are now .* accounts' | tail -n 1")
        return int(said.partition("There are now ")[2].split()[0]) if said else 0

    def on_each(self, script: str) -> list[str]:
        return [self.lab.on(host, script.replace("HOST", host)) for host in self.lab.hosts]


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return Fleet(Lab())


def hosts_ok(fleet: Fleet, run: Run, changed: int | None = None) -> None:
    assert run.rc == 0, run.output
    if changed is not None:
        assert run.count("changed", fleet.lab.hosts) == dict.fromkeys(fleet.lab.hosts, changed), run.output


def test_what_caddy_cannot_have_is_refused_before_anything_is_touched(fleet):
    before = fleet.on_each(EVERYTHING)
    for faulty, words in (
        (
            site(1),
            "certificate.source 'certbot', which it is when left out, is not supported here (supported: server, files)",
        ),
        (site(1, **SERVER, proxy_to="http://127.0.0.1:8000/app"), "Caddy takes scheme, host and port alone"),
        (fleet.files(2, "leaf"), "error incomplete-chain"),
    ):
        run = fleet.play(sites=[faulty])
        assert run.rc != 0
        assert words in " ".join(run.output.split()), run.output
    assert fleet.on_each(EVERYTHING) == before


def test_check_mode_on_bare_hosts_tells_what_would_happen_and_touches_nothing(fleet):
    before = fleet.on_each(EVERYTHING)
    run = fleet.play("--check", "--diff", sites=[*FIRST, fleet.files(3, "leaf", "inter")])
    hosts_ok(fleet, run)
    assert fleet.on_each(EVERYTHING) == before
    for host in fleet.lab.hosts:
        assert f"+{name(host, 1)}, {name(host, 1, 'www')} {{" in run.output
        assert run.recap[host]["changed"] > 0


def test_the_first_run_ends_with_https(fleet):
    """And with one account a host, although three names are new to the CA at the same time."""
    assert fleet.accounts() == 0
    run = fleet.play(sites=FIRST)
    hosts_ok(fleet, run)
    assert fleet.accounts() == len(fleet.lab.hosts)
    for host in fleet.lab.hosts:
        assert len(fleet.lab.chain(host, name(host, 1))) == 3  # leaf and two intermediates
        for asked in (name(host, 1), name(host, 1, "www"), name(host, 2)):
            assert f"{asked}:443 at {fleet.lab.addresses[host]}," in run.output, run.output


def test_the_second_run_changes_nothing_and_waits_for_nothing(fleet):
    orders = fleet.lab.orders()
    run = fleet.play(sites=FIRST)
    hosts_ok(fleet, run, changed=0)
    assert fleet.lab.orders() == orders
    assert "waiting for the server" not in run.output
    assert all(run.recap[host]["ok"] <= 12 for host in fleet.lab.hosts), run.output


def test_http_is_redirected_and_https_answers_with_hsts_and_passes_on(fleet):
    fleet.on_each(
        "mkdir -p /var/www/html /srv/app && echo static HOST >/var/www/html/index.html && echo app HOST >/srv/app/index.html && "
        "systemd-run -q --unit=app python3 -m http.server 8000 --bind 127.0.0.1 --directory /srv/app && "
        "curl -s --retry 9 --retry-connrefused --retry-delay 1 http://127.0.0.1:8000/"
    )
    trust = ssl.create_default_context(cadata=fleet.lab.root)
    for host, address in fleet.lab.addresses.items():
        for number, body in ((1, f"static {host}\n"), (2, f"app {host}\n")):
            status, location, _body = over_http(address, name(host, number), "/a?b=c")
            assert (status, location) == (308, f"https://{name(host, number)}/a?b=c")
            connection = HTTPSConnection(address, context=trust, timeout=10)
            connection.sock = trust.wrap_socket(
                create_connection((address, 443), 10), server_hostname=name(host, number)
            )
            connection.request("GET", "/", headers={"Host": name(host, number)})
            answer = connection.getresponse()
            assert (answer.status, answer.read().decode()) == (200, body)
            assert answer.headers["Strict-Transport-Security"] == "max-age=63072000"


def test_a_site_from_files_whose_key_only_caddy_may_read_and_one_that_goes(fleet):
    run = fleet.play(sites=[FIRST[0], fleet.files(3, "leaf", "inter")])
    hosts_ok(fleet, run, changed=1)
    for host in fleet.lab.hosts:
        assert fleet.lab.chain(host, name(host, 3)) == tuple(fleet.pki.der(part) for part in ("leaf", "inter"))
        assert f"640 caddy ./certs/{name(host, 3)}/privkey.pem" in fleet.lab.on(
            host, f"cd {ETC}/fullchain/current && find . -name privkey.pem -exec stat -c '%a %G %n' {{}} +"
        )
        assert fleet.lab.on(host, f"cd {ETC}/fullchain/current/ && grep -rl {name(host, 2)} . || true") == ""


FAULTS = {
    "a broken directive": (
        {"extra": "no_such_directive"},
        {},
        ["caddy validate", "unrecognized directive: no_such_directive"],
    ),
    "a port that is taken": ({"extra": "}\nhttp://:22 {\n\trespond no"}, {}, ["bind: address already in use"]),
    "a reload that fails": ({}, {"caddy_reload_command": ["/bin/false"]}, ["/bin/false"]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_deploy_that_must_not_stand_is_taken_back(fleet, fault):
    more, variables, words = FAULTS[fault]
    assert_taken_back(fleet, words, site(4, **SERVER, **more), **variables)


def test_a_certificate_that_clients_refuse_is_taken_back(fleet):
    """The CA that Caddy asks is none that the fleet trusts."""
    words = ["error unknown-issuer", "waiting for the server to obtain"]
    assert_taken_back(fleet, words, site(4, **SERVER), tls_trust=fleet.trust[1:], caddy_obtain_timeout=8)


def assert_taken_back(fleet: Fleet, words: list[str], faulty: dict, **variables) -> None:
    """Deploy one more site, which has a fault; see it fail in these words, and all as it was before."""
    good = [FIRST[0], fleet.files(3, "leaf", "inter")]
    before = fleet.state(1, 3)
    run = fleet.play("--tags", "deploy", sites=[*good, faulty], **variables)
    assert run.count("failed", fleet.lab.hosts) == dict.fromkeys(fleet.lab.hosts, 1), run.output
    assert fleet.state(1, 3) == before
    for text in (*words, "Taken back", "serves what it served before, byte for byte"):
        assert text in run.output, run.output
    assert fleet.on_each(LISTENERS) == ["1"] * len(fleet.lab.hosts)
    again = fleet.play("--tags", "deploy", sites=good)
    hosts_ok(fleet, again)
    assert fleet.on_each("systemctl is-active caddy") == ["active"] * len(fleet.lab.hosts)


def test_what_a_reload_that_was_refused_has_left_is_ended_by_the_next_run(fleet):
    """Caddy opens its ports in any order, so that it takes some attempts until it has opened 443 when it comes to the one that is taken."""
    good = [FIRST[0], fleet.files(3, "leaf", "inter")]
    fleet.on_each(
        f"cd {ETC} && cp Caddyfile Caddyfile.good && printf '\nhttp://:22 {{\n\trespond no\n}}\n' >>Caddyfile && "
        f"while [ $({LISTENERS}) = 1 ]; do ! {RELOAD} 2>/dev/null || exit 1; done; mv Caddyfile.good Caddyfile"
    )
    check = fleet.play("--tags", "deploy", "--check", sites=good)
    hosts_ok(fleet, check, changed=1)
    run = fleet.play("--tags", "deploy", sites=good)
    hosts_ok(fleet, run, changed=1)
    assert " ".join(run.output.split()).count("443, which no reload ends: it was restarted") == len(fleet.lab.hosts)
    assert fleet.on_each(LISTENERS) == ["1"] * len(fleet.lab.hosts)
    hosts_ok(fleet, fleet.play("--tags", "deploy", sites=good), changed=0)


def test_a_name_that_the_ca_refuses_is_waited_for_and_taken_back_with_its_words(fleet):
    words = [
        *(f"  {host}: waiting for the server to obtain 1 certificate, " for host in fleet.lab.hosts),
        "site.that.is.nowhere.test:443 at ",
        "serves none yet (",
        "within 12 s none came for site.that.is.nowhere.test",
        "journalctl --unit caddy.service",
        "no such host",
    ]
    nowhere = {"name": "site.that.is.nowhere.test", "root": "/srv", **SERVER}
    assert_taken_back(fleet, words, nowhere, caddy_obtain_timeout=12)


def test_a_stopped_caddy_is_started(fleet):
    fleet.on_each("systemctl stop caddy")
    run = fleet.play("--tags", "deploy", sites=[FIRST[0]])
    hosts_ok(fleet, run, changed=1)
    assert fleet.on_each("systemctl is-active caddy") == ["active"] * len(fleet.lab.hosts)


def test_a_name_of_the_team_s_own_is_named_and_a_snippet_serves_it(fleet):
    fleet.on_each(f"printf '\\n%s {{\\n\\trespond team\\n}}\\n' site4.HOST.test >>{ETC}/Caddyfile")
    run = fleet.play("--tags", "deploy", sites=[FIRST[0], site(4, aliases=[], **SERVER)])
    assert run.rc != 0
    assert f"{ETC}/Caddyfile has a site site4." in " ".join(run.output.split()), run.output
    own = {**SERVER, "name": "site4.{{ inventory_hostname }}.test"}
    run = fleet.play("--tags", "deploy", sites=[FIRST[0], own])
    hosts_ok(fleet, run)
    assert f"import {ETC}/fullchain/current/snippets/site4." in " ".join(run.output.split()), run.output
    fleet.on_each(
        f"sed -i 's,respond team,import {ETC}/fullchain/current/snippets/site4.HOST.test.conf\\n\\t&,' {ETC}/Caddyfile"
    )
    fleet.on_each(f"{RELOAD} 2>/dev/null")
    for host in fleet.lab.hosts:
        until(lambda host=host: fleet.lab.chain(host, name(host, 4)), OBTAINED)
    run = fleet.play(sites=[FIRST[0], own])
    hosts_ok(fleet, run, changed=0)
    assert all(f"ok      {name(host, 4)}:443 at" in run.output for host in fleet.lab.hosts), run.output
    fleet.on_each(f"sed -i '/^site4/,/^}}/d' {ETC}/Caddyfile")
    hosts_ok(fleet, fleet.play("--tags", "deploy", sites=[FIRST[0]]), changed=1)


def test_a_renewal_of_caddy_s_own_is_served_and_sound(fleet):
    """A CA whose certificates last half a minute, so that Caddy renews while nobody touches it."""
    short = fleet.lab.short_lived(45)
    fleet.on_each(f"sed -i '1i {{\\n\\trenew_interval 2s\\n}}' {ETC}/Caddyfile ")
    trust = {"tls_trust": [str(short)], "caddy_acme_server": "https://ca:14002/dir", "tls_expires_soon": "1%"}
    hosts_ok(fleet, fleet.play("--tags", "deploy", sites=FIRST, **trust))
    names = {host: (name(host, 1), name(host, 1, "www"), name(host, 2)) for host in fleet.lab.hosts}
    before = {host: fleet.lab.chains(host, names[host]) for host in names}
    processes = fleet.on_each("systemctl show --property MainPID caddy")
    for host, chains in before.items():
        for asked, chain in chains.items():
            until(lambda host=host, asked=asked, chain=chain: fleet.lab.chain(host, asked) not in ((), chain), OBTAINED)
    assert fleet.on_each("systemctl show --property MainPID caddy") == processes
    assert fleet.on_each("journalctl --unit caddy --output cat | grep -c 'JWS verification error' || true") == [
        "0",
        "0",
    ]
    verified = fleet.play(playbook=VERIFY, sites=FIRST, **trust)
    assert verified.rc == 0, verified.output
    assert f"{3 * len(fleet.lab.hosts)} endpoints" in verified.output
