# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apache's mod_md obtains and renews, and a unit has Apache take it into use. Each test goes on from where the one before ended."""

from __future__ import annotations

import socket
import ssl
import time

import pytest

from tests.lab import SERVER, Lab, Run, name, over_http, site, until

MD = {"certificate": {"source": "server"}}
OWN = [site(1, **MD), site(2, aliases=[], proxy_to="http://127.0.0.1:8000", **MD)]
SITES = [*OWN, site(3, aliases=[])]  # the third's is certbot's
CURRENT = f"{SERVER.root}/current"
UNIT = "fullchain-apache-md.service"
EVERYTHING = "find /etc /opt /srv /usr /var/lib -xdev -printf '%p %s %m %T@\\n' | grep -v systemd | sort"
LEFT = f"ls /etc/systemd/system/{UNIT} /etc/systemd/system/*.wants/{UNIT} /usr/local/sbin/fullchain-apache-md 2>/dev/null || true"
DEPLOY = ("--tags", "deploy")
VERIFY = "fullchain.tls.verify_tls"
EMAIL = {"certbot_email": "ops@example.com"}


@pytest.fixture(scope="module")
def lab() -> Lab:
    return Lab()


def hosts_ok(lab: Lab, run: Run, changed: int | None = None) -> Run:
    assert run.rc == 0, run.output
    assert run.count("failed", lab.hosts) == dict.fromkeys(lab.hosts, 0), run.output
    if changed is not None:
        assert run.count("changed", lab.hosts) == dict.fromkeys(lab.hosts, changed), run.output
    return run


def on_each(lab: Lab, script: str) -> dict[str, str]:
    return {host: lab.on(host, script) for host in lab.hosts}


def everywhere(lab: Lab, answer: str) -> dict[str, str]:
    return dict.fromkeys(lab.hosts, answer)


def test_check_mode_on_bare_hosts_tells_what_would_happen_and_touches_nothing(lab):
    before = on_each(lab, EVERYTHING)
    run = hosts_ok(lab, lab.play("--check", "--diff", tls_sites=SITES, **EMAIL))
    assert on_each(lab, EVERYTHING) == before
    assert lab.orders() == 0
    for host in lab.hosts:
        assert f"+<MDomainSet {name(host, 1)} {name(host, 1, 'www')} auto>" in run.output


def test_what_mod_md_cannot_have_is_refused_before_anything_is_touched(lab):
    before = on_each(lab, EVERYTHING)
    for variables, words in (
        ({"certbot_email": ""}, "needs apache_email (or certbot_email)"),
        ({"apache_version": "2.4.41"}, "needs Apache 2.4.42 or newer, whose mod_md speaks ACMEv2; here is 2.4.41"),
    ):
        run = lab.play(*DEPLOY, tls_sites=OWN, **{**EMAIL, **variables})
        assert run.count("failed", lab.hosts) == dict.fromkeys(lab.hosts, 1), run.output
        assert words in " ".join(run.output.split()), run.output
    assert on_each(lab, EVERYTHING) == before


def test_the_first_run_ends_with_https(lab):
    """One order for each site, though Apache is reloaded between the first and the last."""
    run = hosts_ok(lab, lab.play(tls_sites=OWN, **EMAIL))
    assert lab.orders() == len(OWN) * len(lab.hosts)
    for host in lab.hosts:
        assert f"  {host}: waiting for the server to obtain " in run.output
    assert on_each(lab, f"systemctl is-active {UNIT}; systemctl is-enabled {UNIT}") == everywhere(
        lab, "active\nenabled"
    )


def test_certbot_works_beside_it(lab):
    hosts_ok(lab, lab.play(tls_sites=SITES, **EMAIL))
    assert lab.orders() == len(SITES) * len(lab.hosts)
    for host, address in lab.addresses.items():
        for asked in (name(host, 1), name(host, 1, "www"), name(host, 2), name(host, 3)):
            assert len(lab.chain(host, asked)) == 3  # leaf and two intermediates
            assert over_http(address, asked, "/a?b=c")[:2] == (308, f"https://{asked}/a?b=c")
        # mod_md answers for its own names before our redirect, and leaves the others to the webroot.
        assert over_http(address, name(host, 1), "/.well-known/acme-challenge/none")[0] == 404


def test_the_second_run_changes_nothing_and_waits_for_nothing(lab):
    orders = lab.orders()
    run = hosts_ok(lab, lab.play(tls_sites=SITES, **EMAIL), changed=0)
    assert "waiting for the server" not in run.output
    assert lab.orders() == orders
    assert all(run.recap[host]["ok"] <= 21 for host in lab.hosts), run.recap
    hosts_ok(lab, lab.play("--check", tls_sites=SITES, **EMAIL), changed=0)


def test_the_unit_goes_and_comes_with_apache(lab):
    on_each(lab, f"systemctl stop {SERVER.service}")
    assert on_each(lab, f"systemctl is-active {UNIT} || true") == everywhere(lab, "inactive")
    on_each(lab, f"systemctl start {SERVER.service}")
    assert on_each(lab, f"systemctl is-active {UNIT}") == everywhere(lab, "active")


def state(lab: Lab) -> dict:
    """What each host serves, and every file it has for that."""
    return {
        host: (lab.configuration(host), lab.chains(host, [name(host, number) for number in (1, 2, 3)]))
        for host in lab.hosts
    }


def test_a_name_that_the_ca_refuses_is_waited_for_and_taken_back_with_its_words(lab):
    before = state(lab)
    nowhere = {"name": "site.that.is.nowhere.test", "root": "/srv", **MD}
    run = lab.play(*DEPLOY, tls_sites=[*SITES, nowhere], apache_obtain_timeout=20, **EMAIL)
    assert run.count("failed", lab.hosts) == dict.fromkeys(lab.hosts, 1), run.output
    for words in (
        *(f"  {host}: waiting for the server to obtain 1 certificate, " for host in lab.hosts),
        "site.that.is.nowhere.test:443 serves one with self-signed",
        "within 20 s none came for site.that.is.nowhere.test",
        "/var/log/apache2/error.log says:",
        "[md:error]",
        "no such host",
        "Taken back: generation",
        "serves what it served before, byte for byte",
    ):
        assert words in run.output, run.output
    assert state(lab) == before
    hosts_ok(lab, lab.play(*DEPLOY, tls_sites=SITES, **EMAIL), changed=0)


def test_an_mdomain_of_the_team_is_left_alone_and_its_name_refused(lab):
    team = f"{SERVER.etc}/conf-enabled/team-md.conf"
    for host in lab.hosts:
        lab.on(host, f"echo 'MDomain {name(host, 4)} x.example.com' >{team}; {SERVER.reload}")
    run = lab.play(*DEPLOY, tls_sites=[*SITES, site(4, **MD)], **EMAIL)
    assert run.count("failed", lab.hosts) == dict.fromkeys(lab.hosts, 1), run.output
    assert f"{team} has an MDomain with site4.deb" in " ".join(run.output.split()), run.output
    hosts_ok(lab, lab.play(*DEPLOY, tls_sites=SITES, **EMAIL), changed=0)
    on_each(lab, f"rm {team}; {SERVER.reload}")


def test_a_snippet_in_a_vhost_of_the_team_s(lab):
    """The unit has Apache take the certificate into use; the run after that verifies it."""
    snippet = {key: site(4, **MD)[key] for key in ("name", "certificate")}
    run = hosts_ok(lab, lab.play(*DEPLOY, tls_sites=[*SITES, snippet], **EMAIL), changed=1)
    assert f"add `Include {CURRENT}/snippets/site4." in " ".join(run.output.split())
    for host in lab.hosts:
        inside = f"ServerName {name(host, 4)}\nSSLEngine on\nInclude {CURRENT}/snippets/{name(host, 4)}.conf"
        vhost = f"<VirtualHost *:443>\n{inside}\n</VirtualHost>"
        lab.on(host, f"cat >{SERVER.etc}/sites-enabled/team.conf <<'EOF'\n{vhost}\nEOF\n{SERVER.reload}")
    for host in lab.hosts:
        until(lambda host=host: len(lab.chain(host, name(host, 4))) == 3, 60)
    run = hosts_ok(lab, lab.play("--skip-tags", "obtain", tls_sites=[*SITES, snippet], **EMAIL), changed=0)
    assert all(f"ok      {name(host, 4)}:443 at" in run.output for host in lab.hosts), run.output
    on_each(lab, f"rm {SERVER.etc}/sites-enabled/team.conf; {SERVER.reload}")


def test_where_nothing_is_obtained_any_more_no_unit_is_left(lab):
    hosts_ok(lab, lab.play(*DEPLOY, tls_sites=SITES[2:], **EMAIL))
    assert on_each(lab, LEFT) == everywhere(lab, "")
    assert on_each(lab, f"systemctl list-units --all --no-legend {UNIT}") == everywhere(lab, "")
    assert on_each(lab, f"systemctl is-active {SERVER.service}") == everywhere(lab, "active")
    hosts_ok(lab, lab.play(*DEPLOY, tls_sites=SITES[2:], **EMAIL), changed=0)


LIFETIME = 60


def test_a_renewal_is_taken_into_use_while_nobody_touches_it_and_no_handshake_fails(lab):
    """A CA whose certificates last a minute; mod_md, which looks twice a day, is told to look every other second."""
    short = lab.short_lived(LIFETIME)
    interval = f"{SERVER.etc}/conf-enabled/team-md.conf"
    on_each(lab, f"echo 'MDCheckInterval 2s' >{interval}")
    one = {"tls_sites": [site(1, aliases=[], **MD)], "tls_trust": [str(short)], "tls_expires_soon": "1%"}
    variables = {**one, **EMAIL, "apache_acme_server": "https://ca:14002/dir"}
    on_each(lab, "rm -rf /etc/apache2/md")  # what the other CA has issued would be kept
    hosts_ok(lab, lab.play(*DEPLOY, **variables))
    pids = on_each(lab, "cat /run/apache2/apache2.pid")
    seen, ends = watch(lab, short, LIFETIME + 10)
    for host, leaves in seen.items():
        assert 2 <= len(leaves) <= 3, (host, ends)
    assert on_each(lab, "cat /run/apache2/apache2.pid") == pids
    # At the end of the watch the next renewal may be ordered and not taken into use yet, one a host.
    orders, taken = short_orders(lab), sum(map(len, seen.values()))
    assert taken <= orders <= taken + len(lab.hosts), (orders, ends)
    verified = lab.play(playbook=VERIFY, **variables)
    assert verified.rc == 0, verified.output
    assert f"{len(lab.hosts)} endpoints: {len(lab.hosts)} ok" in verified.output
    on_each(lab, f"rm {interval}")
    hosts_ok(lab, lab.play(*DEPLOY, tls_sites=[]))
    assert on_each(lab, LEFT) == everywhere(lab, "")


def watch(lab: Lab, root, seconds: float) -> tuple[dict[str, set[bytes]], dict[str, list[str]]]:
    """Shake hands with each host, some times a second, as a client that refuses what has expired; the leaves seen, and their ends."""
    trust = ssl.create_default_context(cafile=str(root))
    seen: dict[str, set[bytes]] = {host: set() for host in lab.hosts}
    ends: dict[str, list[str]] = {host: [] for host in lab.hosts}
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for host, address in lab.addresses.items():
            with socket.create_connection((address, 443), timeout=10) as plain:
                connection = trust.wrap_socket(plain, server_hostname=name(host, 1))
                leaf = connection.getpeercert(binary_form=True) or b""
                if leaf not in seen[host]:
                    seen[host].add(leaf)
                    ends[host].append(str((connection.getpeercert() or {}).get("notAfter")))
                connection.close()
        time.sleep(0.2)
    return seen, ends


def short_orders(lab: Lab) -> int:
    return int(lab.on("ca", "journalctl --unit pebble-short --output cat | grep -c 'POST /order-plz' || true"))
