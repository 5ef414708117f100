# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site that the team's own server block serves over HTTP gets its certificate: nothing breaks on the way, whatever the CA says.

Each test goes on from where the one before it ended.
"""

from __future__ import annotations

import socket

import pytest

from tests.lab import Lab, Run, name, over_http, site

CURRENT = "/etc/nginx/fullchain/current"
VHOST = """\
server {{
    listen 80;
    server_name {name} www.{name};
    {lines}
    location / {{
        return 200 "the team's own";
    }}
}}
"""
THE_TEAMS_OWN = (200, None, b"the team's own")


CHALLENGE = f"include {CURRENT}/snippets/challenge.conf;"


@pytest.fixture(scope="module")
def lab() -> Lab:
    """The lab, with an nginx on each host that serves nothing of ours yet."""
    lab = Lab()
    hosts_ok(lab, lab.play("--skip-tags", "verify", tls_sites=[]))
    return lab


def hosts_ok(lab: Lab, run: Run) -> None:
    assert run.rc == 0, run.output
    assert run.count("failed", lab.hosts) == dict.fromkeys(lab.hosts, 0), run.output


def give_a_vhost(lab: Lab, lines: str = "") -> None:
    """The team's own server for site3, over plain HTTP unless its lines say more; NAME in them is the site's."""
    for host in lab.hosts:
        text = VHOST.format(name=name(host, 3), lines=lines.replace("NAME", name(host, 3)))
        lab.on(host, f"cat >/etc/nginx/sites-enabled/team <<'EOF'\n{text}EOF\nnginx -t -q && nginx -s reload")


def test_a_site_that_works_over_http_goes_on_while_there_is_no_certificate(lab):
    """Its own server keeps the name, and the run says what that has to include; other names wait."""
    give_a_vhost(lab)
    run = lab.play(tls_sites=[site(3), site(4)])
    assert run.rc != 0
    for host, address in lab.addresses.items():
        assert f"/etc/nginx/sites-enabled/team has the server for {name(host, 3)} on port 80" in " ".join(
            run.output.split()
        )
        assert over_http(address, name(host, 3), "/") == THE_TEAMS_OWN
        assert over_http(address, name(host, 4), "/")[:2] == (503, None)


def test_a_ca_that_refuses_leaves_it_as_it_is(lab):
    give_a_vhost(lab, CHALLENGE)
    run = lab.play(tls_sites=[site(3, aliases=[]), {**site(4), "aliases": ["ca"]}], certbot_probe="off")
    assert run.rc != 0
    assert "the CA says: " in run.output
    assert "Certificates that were not obtained: 1 of 2." in run.output
    for host, address in lab.addresses.items():
        assert over_http(address, name(host, 3), "/") == THE_TEAMS_OWN
        assert over_http(address, name(host, 4), "/")[:2] == (503, None)


def test_with_the_certificate_it_is_redirected(lab):
    hosts_ok(lab, lab.play(tls_sites=[site(3)]))
    for host, address in lab.addresses.items():
        assert over_http(address, f"www.{name(host, 3)}", "/x")[:2] == (308, f"https://www.{name(host, 3)}/x")


def test_a_snippet_is_verified_once_the_team_s_own_server_includes_it(lab):
    whole = site(3)
    snippet, orders = {key: whole[key] for key in ("name", "aliases")}, lab.orders()
    run = lab.play("--skip-tags", "verify", tls_sites=[snippet])
    hosts_ok(lab, run)
    for host in lab.hosts:
        said = f"add `include {CURRENT}/snippets/{name(host, 3)}.conf;` to the one that serves it"
        assert said in " ".join(run.output.split())
        with pytest.raises(OSError):
            socket.create_connection((lab.addresses[host], 443), timeout=10)
    give_a_vhost(lab, f"{CHALLENGE} listen 443 ssl; include {CURRENT}/snippets/NAME.conf;")
    run = lab.play(tls_sites=[snippet])
    hosts_ok(lab, run)
    assert "is not verified" not in run.output
    assert lab.orders() == orders
    for host, address in lab.addresses.items():
        assert f"www.{name(host, 3)}:443 at {address}," in run.output
        assert len(lab.chain(host, name(host, 3))) == 3
        assert over_http(address, name(host, 3), "/") == THE_TEAMS_OWN
