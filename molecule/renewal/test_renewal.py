# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""certbot renews by its own timer: 1.12, 2.1 and 4.0 (Debian 11, 12 and 13) and the newest; nginx on two hosts, Apache on one.

What a CA would have to get wrong is done by another deploy hook, which runs before ours. Each test goes on from where the one before it
ended. All renewals are due at once.
"""

from __future__ import annotations

import base64
import time
from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from tests.lab import Lab, Run, name, site, until
from tests.visits import visited

SITES = [site(1, aliases=["www"])]
SERVERS = {
    "tls_webserver": "{{ 'apache' if inventory_hostname == 'deb12' else 'nginx' }}",
    "certbot_renewal_textfile": "/srv/metrics/fullchain_tls.prom",
}
HOOKS = "/etc/letsencrypt/renewal-hooks/deploy"
SPOILT = {
    "incomplete": ("cat LIVE/cert.pem >LIVE/fullchain.pem", "unable to get local issuer certificate (depth 0)"),
    "key": (
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 >LIVE/privkey.pem",
        "its key does not match",
    ),
    "expired": (
        "awk '/BEGIN/ { n++ } n < 3' LIVE/fullchain.pem >/srv/two && cat /srv/two /srv/expired.pem >LIVE/fullchain.pem",
        "certificate has expired (depth 2)",
    ),
}


@pytest.fixture(scope="module")
def lab() -> Lab:
    lab = Lab()
    for host in lab.hosts:
        lab.on(host, "mkdir -p /srv/metrics /var/www/html && echo here >/var/www/html/index.html")
    return lab


def play(lab: Lab, *arguments: str, **variables) -> Run:
    run = lab.play(*arguments, tls_sites=SITES, **SERVERS, **variables)
    assert run.rc == 0, run.output
    return run


def changed(run: Run) -> int:
    return sum(counts["changed"] for counts in run.recap.values())


def leaf(lab: Lab, host: str) -> bytes:
    return lab.chain(host, name(host, 1))[0]


def timers(lab: Lab, host: str) -> list[str]:
    """What would have certbot renew, each with its next time."""
    return lab.on(host, "systemctl list-timers --all --no-legend --no-pager | grep -i certbot").splitlines()


def live(host: str) -> str:
    return f"/etc/letsencrypt/live/{name(host, 1)}"


def version(lab: Lab, host: str) -> str:
    return lab.on(host, f"cd {live(host)} && readlink -f *.pem | sed 's/.*[a-z]\\([0-9]*\\).pem/\\1/' | sort -u")


def said(lab: Lab, host: str) -> str:
    """What the hook last said to the journal."""
    return lab.on(host, "journalctl -t fullchain-tls -o cat --no-pager | tail -n 1")


def metric(lab: Lab, host: str) -> str:
    """Whether the last renewal was a success, to Prometheus; empty before the first."""
    file = SERVERS["certbot_renewal_textfile"]
    return lab.on(host, f"sed -n 's/^fullchain_tls_renewal_success{{.*}} //p' {file} 2>/dev/null || true")


def renew(lab: Lab, host: str) -> None:
    """What the timer does."""
    lab.on(host, "systemctl start certbot.service")


def test_the_first_run_brings_one_timer(lab):
    play(lab)
    for host in lab.hosts:
        (timer,) = timers(lab, host)
        assert timer.split()[-2:] == ["certbot.timer", "certbot.service"]
        assert timer.split()[0] not in ("-", "n/a")
        lab.on(host, "systemctl is-enabled certbot.timer && test -x " + HOOKS + "/50-fullchain-tls")
    assert changed(play(lab)) == 0
    assert lab.orders() == len(lab.hosts)


def test_the_timer_renews_and_no_visitor_notices(lab):
    """Moved to now; what it starts is ours to the last word."""
    before = {host: leaf(lab, host) for host in lab.hosts}
    timer = "/etc/systemd/system/certbot.timer.d"
    with visited(lab, 1) as visitors:
        for host in lab.hosts:
            lab.on(
                host,
                f"""sed -i '1i renew_before_expiry = 20 years' /etc/letsencrypt/renewal/*.conf
                mkdir {timer}
                printf '[Timer]\\nOnActiveSec=1\\nRandomizedDelaySec=0\\nAccuracySec=1\\n' >{timer}/now.conf
                systemctl daemon-reload && systemctl restart certbot.timer""",
            )
        for host in lab.hosts:
            until(lambda host=host: metric(lab, host) == "1", 90)
            assert leaf(lab, host) != before[host]
            lab.on(host, f"rm -r {timer} && systemctl daemon-reload && systemctl restart certbot.timer")
        time.sleep(1)
    for visitor in visitors:
        assert len(visitor.seen) == 2, visitor.seen
        assert all(what.startswith("200 ") for what in visitor.seen), visitor.seen
    for host in lab.hosts:
        server = "apache" if host == "deb12" else "nginx"
        assert said(lab, host) == f"{name(host, 1)}: renewed, and served by {server}"
    assert lab.orders() == 2 * len(lab.hosts)


def test_the_next_run_of_the_playbook_finds_all_well(lab):
    orders = lab.orders()
    run = play(lab)
    assert changed(run) == 0, run.output
    assert lab.orders() == orders


@pytest.mark.parametrize("fault", SPOILT)
def test_a_bad_lineage_is_never_served(lab, fault):
    for host in lab.hosts:
        refused(lab, host, fault)


def refused(lab: Lab, host: str, fault: str) -> None:
    """A visitor sees one certificate all the time. One order, and one more when the fault is gone."""
    script, reason = SPOILT[fault]
    before, good, orders = leaf(lab, host), version(lab, host), lab.orders()
    lab.on(host, f"cat >/srv/expired.pem <<'EOF'\n{expired(lab, host)}EOF")
    spoil(lab, host, script)
    with visited(lab, 1) as visitors:
        renew(lab, host)
    assert reason in said(lab, host)
    assert f"Version {int(good) + 1} is set aside, version {good} is linked again" in said(lab, host)
    assert metric(lab, host) == "0"
    assert version(lab, host) == good
    assert leaf(lab, host) == before
    assert [len(visitor.seen) for visitor in visitors] == [1] * len(visitors)
    assert lab.orders() == orders + 1
    lab.on(host, f"rm {HOOKS}/00-spoil")
    renew(lab, host)
    assert metric(lab, host) == "1"
    assert version(lab, host) == str(int(good) + 1)
    assert leaf(lab, host) != before
    assert lab.orders() == orders + 2


def spoil(lab: Lab, host: str, script: str) -> None:
    hook = "#!/bin/sh\n" + script.replace("LIVE", '"$RENEWED_LINEAGE"') + "\n"
    text = base64.b64encode(hook.encode()).decode()
    lab.on(host, f"echo {text} | base64 -d >{HOOKS}/00-spoil && chmod +x {HOOKS}/00-spoil")


def expired(lab: Lab, host: str) -> str:
    """The upper intermediate once more, by the same root, with its end in the past: Pebble gives its keys to whoever asks."""
    upper = x509.load_der_x509_certificate(lab.chain(host, name(host, 1))[2])
    pem = lab.on("ca", "curl -sk https://localhost:15000/root-keys/0").encode()
    key = serialization.load_pem_private_key(pem, None)
    now = datetime.now(timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(upper.subject)
        .issuer_name(upper.issuer)
        .public_key(upper.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now - timedelta(days=1))
    )
    for extension in upper.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    # A key that is read from PEM might be of a kind that signs nothing; Pebble's does.
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()  # type: ignore[arg-type]


def test_the_newest_certbot_takes_over_with_the_same_timer(lab):
    """From the package index, on the newest Debian alone, beside the package; its first run is the role's."""
    host, before = lab.hosts[-1], lab.orders()
    pip = {"certbot_install": "pip"}
    play(lab, "--limit", host, **pip)
    assert lab.orders() == before
    (timer,) = timers(lab, host)
    assert timer.split()[-2:] == ["certbot.timer", "certbot.service"]
    assert "ExecStart=/opt/certbot/bin/certbot " in lab.on(host, "systemctl cat certbot.service")
    assert changed(play(lab, "--limit", host, **pip)) == 0
    for fault in SPOILT:
        refused(lab, host, fault)
    assert changed(play(lab, "--limit", host, **pip)) == 0


def test_what_the_role_obtains_itself_is_its_deploys_to_load(lab):
    """certbot from 5.3 on runs deploy hooks for it, too."""
    host, orders = lab.hosts[-1], lab.orders()
    before = said(lab, host)
    play(lab, "--limit", host, certbot_install="pip", certbot_key_type="rsa")
    assert lab.orders() == orders + 1
    assert said(lab, host) == before


def test_a_reload_that_is_refused(lab):
    """A server that can't take its configuration in any more keeps what it has, and the links are put back."""
    for host in lab.hosts:
        before, good, orders = leaf(lab, host), version(lab, host), lab.orders()
        file = "/etc/apache2/sites-enabled/bad.conf" if host == "deb12" else "/etc/nginx/conf.d/bad.conf"
        lab.on(host, f"echo no_such_directive >{file}")
        renew(lab, host)
        lab.on(host, f"rm {file}")
        assert "the configuration test of" in said(lab, host)
        assert metric(lab, host) == "0"
        assert (leaf(lab, host), version(lab, host), lab.orders()) == (before, good, orders + 1)
