# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a fleet, from bare hosts on: each test goes on from where the one before it ended.

Every run is one of playbooks/site.yml on Debian 11, 12 and 13 at once.
"""

from __future__ import annotations

import re
import socket
import ssl
from http.client import HTTPSConnection

import pytest

from tests.lab import Lab, name, over_http, site

FIRST = [site(1), site(2, aliases=[], proxy_to="http://127.0.0.1:8000")]
VERIFY = "fullchain.tls.verify_tls"
CURRENT = "/etc/nginx/fullchain/current"
# Every file that a deploy could have touched, with size, mode and time; systemd keeps some of its own up to date.
EVERYTHING = "find /etc /opt /srv /usr /var/lib -xdev -printf '%p %s %m %T@\\n' | grep -v systemd | sort"


@pytest.fixture(scope="module")
def lab() -> Lab:
    return Lab()


def hosts_ok(lab: Lab, run) -> None:
    assert run.rc == 0, run.output
    assert run.count("failed", lab.hosts) == dict.fromkeys(lab.hosts, 0), run.output


def lines_of_the_lineage(lab: Lab, host: str, number: int) -> set[str]:
    """The names in the certificate of a site, read on the host."""
    live = f"/etc/letsencrypt/live/{name(host, number)}/cert.pem"
    return set(
        lab.on(host, f"openssl x509 -in {live} -noout -ext subjectAltName | tail -n 1").replace("DNS:", "").split(", ")
    )


def test_a_site_that_cannot_be_read_is_refused_before_anything_is_touched(lab):
    before = {host: lab.on(host, EVERYTHING) for host in lab.hosts}
    run = lab.play(tls_sites=[site(1), {"name": "a.test", "alias": ["b.test"], "root": "/srv"}])
    assert run.rc != 0
    assert "tls_sites[1] (a.test): unknown key 'alias', did you mean 'aliases'?" in run.output
    assert {host: lab.on(host, EVERYTHING) for host in lab.hosts} == before
    assert run.count("failed", lab.hosts) == dict.fromkeys(lab.hosts, 1)


def test_check_mode_on_bare_hosts_tells_what_would_happen_and_touches_nothing(lab):
    before = {host: lab.on(host, EVERYTHING) for host in lab.hosts}
    run = lab.play("--check", "--diff", tls_sites=FIRST)
    hosts_ok(lab, run)
    assert {host: lab.on(host, EVERYTHING) for host in lab.hosts} == before
    assert lab.orders() == 0
    for host in lab.hosts:
        assert f"server_name {name(host, 1)}" in run.output
        assert run.recap[host]["changed"] > 0


def test_the_first_run_ends_with_https(lab):
    run = lab.play(tls_sites=FIRST)
    hosts_ok(lab, run)
    assert lab.orders() == 2 * len(lab.hosts)
    for host in lab.hosts:
        assert len(lab.chain(host, name(host, 1))) == 3  # leaf and two intermediates
        assert lab.chain(host, name(host, 1, "www")) == lab.chain(host, name(host, 1))
        assert lab.chain(host, name(host, 2)) != lab.chain(host, name(host, 1))


def test_http_is_redirected_and_https_answers_with_hsts(lab):
    trust = ssl.create_default_context(cadata=lab.root)
    for host, address in lab.addresses.items():
        status, location, _body = over_http(address, name(host, 1), "/a?b=c")
        assert (status, location) == (308, f"https://{name(host, 1)}/a?b=c")
        connection = HTTPSConnection(address, context=trust, timeout=10)
        connection.sock = trust.wrap_socket(_connect(address), server_hostname=name(host, 1))
        connection.request("GET", "/index.nginx-debian.html", headers={"Host": name(host, 1)})
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.headers["Strict-Transport-Security"] == "max-age=63072000"


def test_http_2_is_spoken(lab):
    trust = ssl.create_default_context(cadata=lab.root)
    trust.set_alpn_protocols(["h2", "http/1.1"])
    for host, address in lab.addresses.items():
        with trust.wrap_socket(_connect(address), server_hostname=name(host, 1)) as connection:
            assert connection.selected_alpn_protocol() == "h2"


def test_the_second_run_changes_nothing_and_asks_nothing_of_the_ca(lab):
    orders = lab.orders()
    run = lab.play(tls_sites=FIRST)
    hosts_ok(lab, run)
    assert run.count("changed", lab.hosts) == dict.fromkeys(lab.hosts, 0), run.output
    assert lab.orders() == orders
    tasks = {host: counts["ok"] for host, counts in run.recap.items() if host in lab.hosts}
    assert all(count <= 18 for count in tasks.values()), tasks


def test_skip_tags_obtain_and_a_host_that_is_looked_at_through_itself(lab):
    """Nothing but the host itself reaches 127.0.0.1: both the deploy and the verifying afterwards have asked there."""
    orders = lab.orders()
    run = lab.play("--skip-tags", "obtain", tls_sites=FIRST, nginx_hsts_max_age=86400, **through_itself(lab.hosts[0]))
    hosts_ok(lab, run)
    assert run.count("changed", lab.hosts) == dict.fromkeys(lab.hosts, 1), run.output
    assert lab.orders() == orders
    assert "TASK [Obtain" not in run.output and "TASK [Answer HTTP-01 challenges" not in run.output
    assert_verified(lab, run)


def test_tags_verify_changes_nothing_and_fails_for_what_a_client_refuses(lab):
    run = lab.play("--tags", "verify", tls_sites=FIRST, **through_itself(lab.hosts[0]))
    assert run.rc == 0, run.output
    assert not any(counts["changed"] for counts in run.recap.values()), run.output
    assert set(re.findall(r"TASK \[(.*?)\]", run.output)) == {
        "Group the hosts whose tls_verify_from is host",
        "Fetch what is served",
        "Judge all endpoints",
        "Fail when something is wrong",
    }
    assert_verified(lab, run)
    untrusted = lab.play(playbook=VERIFY, tls_sites=FIRST, tls_trust=["system"], **through_itself(lab.hosts[0]))
    assert untrusted.rc != 0
    for host in lab.hosts:
        assert f"FAILED  {name(host, 1)}:443 at {seen_at(lab, host)}" in untrusted.output, untrusted.output


def test_a_user_who_does_not_become_root_is_told_so(lab):
    """Everything else here is done by a user who may sudo."""
    before = {host: lab.configuration(host) for host in lab.hosts}
    run = lab.play("--tags", "deploy", tls_sites=FIRST, tls_become=False)
    assert run.count("failed", lab.hosts) == dict.fromkeys(lab.hosts, 1), run.output
    assert (
        "/etc/nginx/fullchain/.lock: Permission denied for user 1000, who is not root: is become missing?" in run.output
    )
    assert {host: lab.configuration(host) for host in lab.hosts} == before


def test_limit_touches_no_other_host(lab):
    first, *others = lab.hosts
    before = {host: lab.configuration(host) for host in others}
    run = lab.play("--limit", first, "--tags", "deploy", tls_sites=FIRST)
    assert run.rc == 0, run.output
    assert run.recap.keys() == {first}
    assert run.recap[first]["changed"] == 1
    assert {host: lab.configuration(host) for host in others} == before
    verified = lab.play("--limit", first, playbook=VERIFY, tls_sites=FIRST)
    assert verified.rc == 0, verified.output
    assert [host for host in lab.hosts if name(host, 1) in verified.output] == [first]


def test_one_host_after_the_other_ends_at_the_first_that_fails(lab):
    before = {host: lab.configuration(host) for host in lab.hosts}
    run = lab.play(tls_sites=[site(1, extra="no_such_directive on;"), FIRST[1]], tls_serial=1)
    assert run.rc != 0
    assert run.recap.keys() & set(lab.hosts) == {lab.hosts[0]}, run.output
    assert {host: lab.configuration(host) for host in lab.hosts} == before


def test_one_host_after_the_other_and_all_verified_at_once(lab):
    run = lab.play(tls_sites=FIRST, tls_serial=1, nginx_reject_unknown_names=True)
    hosts_ok(lab, run)
    assert all(run.recap[host]["changed"] for host in lab.hosts), run.output
    assert run.output.count("TASK [Judge all endpoints") == 1
    assert_verified(lab, run, itself=False)


@pytest.mark.parametrize("asked", ["unknown.test", None])
def test_an_unknown_name_is_refused_at_the_handshake(lab, asked):
    """No certificate is sent. nginx 1.18 can't say why it refuses: the role's way there looks like a fault of its own."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for host, address in lab.addresses.items():
        alert = "INTERNAL_ERROR" if host == "deb11" else "UNRECOGNIZED_NAME"
        with pytest.raises(ssl.SSLError, match=alert), _connect(address) as connection:
            context.wrap_socket(connection, server_hostname=asked)
        with context.wrap_socket(_connect(address), server_hostname=name(host, 1)) as connection:
            assert connection.getpeercert(binary_form=True) == lab.chain(host, name(host, 1))[0]


def through_itself(first: str) -> dict[str, str]:
    """Variables with which one host is looked at from itself, the others from the controller."""
    return {
        "tls_verify_from": f"{{{{ 'host' if inventory_hostname == '{first}' else 'controller' }}}}",
        "tls_verify_address": f"{{{{ '127.0.0.1' if inventory_hostname == '{first}' else ansible_host }}}}",
    }


def seen_at(lab: Lab, host: str) -> str:
    return "127.0.0.1" if host == lab.hosts[0] else lab.addresses[host]


def assert_verified(lab: Lab, run, itself: bool = True) -> None:
    """The run has verified each name of FIRST on each host, at the address where that is looked at."""
    for host, address in lab.addresses.items():
        for asked in (name(host, 1), name(host, 1, "www"), name(host, 2)):
            assert f"{asked}:443 at {seen_at(lab, host) if itself else address}," in run.output, run.output
    assert f"{3 * len(lab.hosts)} endpoints" in run.output


def test_a_name_added_is_one_order_a_host(lab):
    orders = lab.orders()
    hosts_ok(lab, lab.play(tls_sites=[site(1), site(2, proxy_to="http://127.0.0.1:8000")]))
    assert lab.orders() == orders + len(lab.hosts)
    for host in lab.hosts:
        assert lines_of_the_lineage(lab, host, 2) == {name(host, 2), name(host, 2, "www")}
        assert lab.chain(host, name(host, 2, "www")) == lab.chain(host, name(host, 2))


def test_a_name_removed_is_one_order_a_host_and_only_once(lab):
    orders = lab.orders()
    for _run in range(2):
        hosts_ok(lab, lab.play(tls_sites=FIRST))
        assert lab.orders() == orders + len(lab.hosts)
    for host in lab.hosts:
        assert lines_of_the_lineage(lab, host, 2) == {name(host, 2)}


def test_a_site_removed_takes_its_files_with_it(lab):
    hosts_ok(lab, lab.play(tls_sites=FIRST[:1]))
    for host in lab.hosts:
        files = lab.on(host, f"cd {CURRENT} && grep -rl {name(host, 2)} . || true")
        assert files == ""
        assert lab.on(host, f"ls {CURRENT}/sites") == f"{name(host, 1)}.conf"


def test_a_second_kind_of_key_is_one_more_order_and_both_are_served(lab):
    """The certificate that was there stays as it is."""
    before, orders = {host: lab.chain(host, name(host, 1)) for host in lab.hosts}, lab.orders()
    both = site(1, certificate={"key_types": ["ecdsa", "rsa"]})
    run = lab.play(tls_sites=[both])
    hosts_ok(lab, run)
    assert lab.orders() == orders + len(lab.hosts)
    for host, address in lab.addresses.items():
        assert lab.chain(host, name(host, 1)) == before[host]
        for kind in ("ecdsa", "rsa"):
            assert f"{name(host, 1)}:443 at {address}, TLSv1.2, {kind}, until" in run.output
    run = lab.play(tls_sites=[both])
    assert run.count("changed", lab.hosts) == dict.fromkeys(lab.hosts, 0), run.output


def test_an_empty_list_takes_everything_away_and_nginx_goes_on(lab):
    hosts_ok(lab, lab.play("--skip-tags", "verify", tls_sites=[]))
    for host in lab.hosts:
        assert lab.on(host, f"ls {CURRENT}/sites 2>/dev/null || true") == ""
        assert lab.on(host, "systemctl is-active nginx") == "active"


def _connect(address: str) -> socket.socket:
    return socket.create_connection((address, 443), timeout=10)
