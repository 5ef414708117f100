# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/migration.md, done: server blocks that `certbot --nginx` has edited come to these roles.

The certificate is kept, the CA is asked for nothing, and every handshake that is made meanwhile succeeds. What is done by hand is
what the guide says, its own blocks. Each test goes on from where the one before it ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab import ROOT, Lab, Run, name, over_http, site
from tests.visits import visited

GUIDE = (ROOT / "docs" / "migration.md").read_text()
ORDERS_BEFORE = 3  # of each host
VHOST = """\
server {{
    listen 80;
    server_name {name} www.{name};
    root /var/www/html;
}}
"""


def block(heading: str, language: str) -> str:
    """The first block of that language beneath a heading of the guide."""
    section = GUIDE.partition(f" {heading}\n")[2]
    found = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found, f"docs/migration.md has no {language} block beneath '{heading}'"
    return found.group(1)


@pytest.fixture(scope="module")
def lab() -> Lab:
    """On each host, site1 and site2 as `certbot --nginx` leaves them, and site3 by certbot's own server, with hooks."""
    lab = Lab()
    ca = (lab.folder / "acme-ca.pem").read_text()
    for host in lab.hosts:
        blocks = "".join(
            f"cat >/etc/nginx/sites-enabled/site{number} <<'EOF'\n{VHOST.format(name=name(host, number))}EOF\n"
            for number in (1, 2)
        )
        certbot = "certbot -n --agree-tos --register-unsafely-without-email --server https://ca:14000/dir"
        pairs = [f"-d {name(host, number)} -d www.{name(host, number)}" for number in (1, 2)]
        lab.on(
            host,
            f"""set -e
            export DEBIAN_FRONTEND=noninteractive REQUESTS_CA_BUNDLE=/root/acme-ca.pem
            cat >/root/acme-ca.pem <<'EOF'\n{ca}EOF
            apt-get -qq install -y --no-install-recommends nginx-light python3-certbot-nginx >/dev/null 2>&1
            rm -f /etc/nginx/sites-enabled/default
            echo here >/var/www/html/index.html
            systemctl stop nginx
            {certbot} certonly --standalone -d {name(host, 3)} --pre-hook 'systemctl stop nginx' --post-hook 'systemctl start nginx' >&2
            {blocks}systemctl restart nginx
            {certbot} --nginx --redirect {pairs[0]} >&2
            {certbot} --nginx --redirect {pairs[1]} >&2
            nginx -t -q""",
        )
    return lab


def hosts_ok(lab: Lab, run: Run) -> None:
    assert run.rc == 0, run.output
    assert run.count("failed", lab.hosts) == dict.fromkeys(lab.hosts, 0), run.output


def unchanged(lab: Lab, run: Run) -> None:
    hosts_ok(lab, run)
    assert run.count("changed", lab.hosts) == dict.fromkeys(lab.hosts, 0), run.output


@contextmanager
def always_served(lab: Lab, number: int) -> Iterator[None]:
    """Every visit to siteN meets the same certificate and its page."""
    with visited(lab, number) as visitors:
        yield
    for visitor in visitors:
        (what,) = visitor.seen
        assert what.startswith("200 "), visitor.seen
        assert visitor.seen[what] > 100


def by_hand(lab: Lab, number: int, commands: str) -> None:
    """Commands of the guide on each host, its file and its names replaced by those of siteN."""
    for host in lab.hosts:
        replaced = commands.replace("/sites-enabled/shop", f"/sites-enabled/site{number}")
        lab.on(host, replaced.replace("shop.example.com", name(host, number)))


def snippet(number: int) -> dict:
    return {key: value for key, value in site(number).items() if key != "root"}


def test_to_the_whole_server_block(lab):
    orders, sites = lab.orders(), [site(1)]
    assert orders == ORDERS_BEFORE * len(lab.hosts)
    with always_served(lab, 1), always_served(lab, 2):
        checked = lab.play("--check", "--diff", tls_sites=sites)
        hosts_ok(lab, checked)
        assert "issue, " not in checked.output
        run = lab.play(tls_sites=sites)
        hosts_ok(lab, run)
        for host in lab.hosts:
            said = f"server_name {name(host, 1)} on port 443 is in /etc/nginx/sites-enabled/site1 too"
            assert said in " ".join(run.output.split())
        by_hand(lab, 1, block("To the whole server block", "sh"))
        run = lab.play(tls_sites=sites)
        unchanged(lab, run)
        assert "sites-enabled/site1" not in run.output
    assert lab.orders() == orders
    for host, address in lab.addresses.items():
        assert over_http(address, name(host, 1), "/x")[:2] == (308, f"https://{name(host, 1)}/x")


def test_to_the_snippet(lab):
    orders, sites = lab.orders(), [site(1), snippet(2)]
    with always_served(lab, 2):
        run = lab.play(tls_sites=sites)
        hosts_ok(lab, run)
        assert "no server block for it includes its snippet" in " ".join(run.output.split())
        text = block("To the snippet", "nginx")
        by_hand(
            lab,
            2,
            f"cat >/etc/nginx/sites-enabled/shop <<'EOF'\n{text}EOF\nnginx -t -q && systemctl reload nginx",
        )
        run = lab.play(tls_sites=sites)
        hosts_ok(lab, run)
        assert "/etc/nginx/sites-enabled/site2" not in run.output
        unchanged(lab, lab.play(tls_sites=sites))
    assert lab.orders() == orders
    for host, address in lab.addresses.items():
        assert f"www.{name(host, 2)}:443 at {address}," in run.output
        assert over_http(address, name(host, 2), "/")[0] == 301


def test_the_renewal_goes_on_as_it_did(lab):
    """certbot's nginx plugin changes the configuration for its challenge and puts it back, ours with it."""
    before = {host: (lab.configuration(host), lab.chain(host, name(host, 1))) for host in lab.hosts}
    for host in lab.hosts:
        renew = f"certbot renew --force-renewal --no-random-sleep-on-renew --cert-name {name(host, 1)}"
        lab.on(host, f"REQUESTS_CA_BUNDLE=/root/acme-ca.pem {renew} >&2")
        assert lab.configuration(host) == before[host][0]
        assert lab.chain(host, name(host, 1)) != before[host][1]
    hosts_ok(lab, lab.play(tls_sites=[site(1), snippet(2)]))


def test_a_lineage_by_certbots_own_server_no_longer_stops_nginx(lab):
    """The renewal goes over the webroot, where the guide has put it, while nginx runs on."""
    sites, orders = [site(1), snippet(2), site(3, aliases=[])], lab.orders()
    hosts_ok(lab, lab.play(tls_sites=sites))
    assert lab.orders() == orders
    by_hand(lab, 3, block("From geerlingguy.certbot and geerlingguy.nginx", "sh"))
    with always_served(lab, 1):
        for host in lab.hosts:
            renew = f"certbot renew --force-renewal --no-random-sleep-on-renew --cert-name {name(host, 3)}"
            lab.on(host, f"REQUESTS_CA_BUNDLE=/root/acme-ca.pem {renew} >&2")
    assert lab.orders() == orders + len(lab.hosts)
    unchanged(lab, lab.play(tls_sites=sites))  # certbot's hook has had it served, and verified it
