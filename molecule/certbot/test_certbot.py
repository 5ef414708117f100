# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""certbot 1.12, 2.1 and 4.0 (Debian 11, 12 and 13) at once against the CA; its own count of orders says what it was asked.

Each test goes on from where the one before it ended. Port 80 of each host serves the webroot and nothing else.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab import Lab, Run, name, site

PLAYBOOK = Path(__file__).with_name("obtain.yml")
WEBROOT = "/var/lib/fullchain/webroot"


@pytest.fixture(scope="module")
def lab() -> Lab:
    lab = Lab()
    serve = f"mkdir -p {WEBROOT} && systemd-run -q --unit=webroot python3 -m http.server 80 --directory {WEBROOT}"
    for host in lab.hosts:
        lab.on(host, serve)
    return lab


def obtain(lab: Lab, *arguments: str, sites=None, **variables) -> Run:
    given = {"certbot_install": "none", "tls_sites": sites or [site(1)], **variables}
    return lab.play("--diff", *arguments, playbook=str(PLAYBOOK), **given)


def issues(lab: Lab, orders: int, reason: str | None = None, **variables) -> None:
    """A run that asks for `orders` orders a host and gives the reason; the run after it asks for none."""
    before = lab.orders()
    run = obtain(lab, **variables)
    assert run.rc == 0, run.output
    assert lab.orders() - before == orders * len(lab.hosts)
    for host in lab.hosts:
        assert run.recap[host]["changed"] == (1 if orders else 0) or reason == "missing", run.output
        assert reason is None or f"{name(host, 1)}: issue, {reason}:" in run.output, run.output
    if orders:
        issues(lab, 0, **variables)


def on_each(lab: Lab, script: str) -> list[str]:
    """The output of a script on each host; `LIVE` in it stands for the lineage of the first site."""
    return [lab.on(host, script.replace("LIVE", f"/etc/letsencrypt/live/{name(host, 1)}")) for host in lab.hosts]


def test_check_mode_needs_no_certbot_and_asks_nothing(lab):
    run = obtain(lab, "--check", certbot_install="package")
    assert run.rc == 0, run.output
    assert lab.orders() == 0
    assert on_each(lab, "ls -d /etc/letsencrypt 2>&1 || true") == [
        "ls: cannot access '/etc/letsencrypt': No such file or directory"
    ] * len(lab.hosts)


def test_the_first_run_without_an_email_and_the_second(lab):
    issues(lab, 1, "missing", certbot_install="package")
    assert on_each(lab, f"ls -A {WEBROOT}/.well-known/acme-challenge") == [""] * len(lab.hosts)
    assert on_each(lab, "openssl pkey -in LIVE/privkey.pem -noout -text | grep -c P-256") == ["1"] * len(lab.hosts)


def test_a_name_more_and_a_name_less(lab):
    issues(lab, 1, "name-added", sites=[two_names()])
    issues(lab, 1, "name-removed", sites=[site(1, aliases=[])])


def two_names() -> dict:
    given = site(1)
    return {**given, "aliases": [*given["aliases"], "site2.{{ inventory_hostname }}.test"]}


def test_key_types_and_sizes(lab):
    issues(lab, 1, "key-type", sites=[site(1, aliases=[])], certbot_key_type="rsa", certbot_key_size=3072)
    assert on_each(lab, "openssl pkey -in LIVE/privkey.pem -noout -text | grep -c '3072 bit'") == ["1"] * len(lab.hosts)
    issues(lab, 1, "key-type", sites=[site(1, aliases=[])], certbot_key_size=384)


def test_a_preferred_chain_and_one_that_the_ca_has_not(lab):
    sites = [site(1, aliases=[])]
    root = "openssl x509 -noout -issuer -nameopt multiline | sed -n 's/.*commonName *= //p'"
    alternate = lab.on("ca", f"curl -sk https://localhost:15000/roots/1 | {root}")
    issues(lab, 1, "preferred-chain", sites=sites, certbot_key_size=384, certbot_preferred_chain=alternate)
    issues(lab, 1, "preferred-chain", sites=sites, certbot_key_size=384, certbot_preferred_chain="Root of Nobody")


def test_names_that_lead_elsewhere_stop_before_the_ca_is_asked(lab):
    before = lab.orders()
    run = obtain(lab, sites=[{**site(1), "aliases": [f"{lab.hosts[0]}.test", "ca", "name.that.is.nowhere.test"]}])
    assert run.rc != 0
    assert lab.orders() == before
    text = run.output
    assert text.count("nothing was asked of the CA") >= len(lab.hosts)
    for words in ("404 File not found, Server: SimpleHTTP", "Connection refused", "resolved to: nothing"):
        assert words in text
    assert on_each(lab, f"ls -A {WEBROOT}/.well-known/acme-challenge") == [""] * len(lab.hosts)


def test_the_words_of_the_ca_and_the_sites_that_go_on(lab):
    bad = {**site(3, aliases=[]), "aliases": ["ca"]}
    run = obtain(lab, sites=[bad, site(4, aliases=[])], certbot_probe="off")
    assert run.rc != 0
    for words in ("https://ca:14000/dir refused", "ca (http-01)", "the CA says: ", "connection refused [connection]"):
        assert words in run.output, run.output
    assert "Certificates that were not obtained: 1 of 2." in run.output
    for host in lab.hosts:
        lab.on(host, f"test -e /etc/letsencrypt/live/{name(host, 4)}/fullchain.pem")
        lab.on(host, f"test ! -e /etc/letsencrypt/live/{name(host, 3)}")


def test_another_certbot_that_ends_is_waited_for(lab):
    hold = (
        "import fcntl,time; f=open('/etc/letsencrypt/.certbot.lock','w'); fcntl.lockf(f,fcntl.LOCK_EX); time.sleep(15)"
    )
    on_each(lab, f'systemd-run -q python3 -c "{hold}"')
    issues(lab, 1, "key-type", sites=[site(1, aliases=[])], certbot_key_type="rsa")


def test_a_broken_lineage_is_told_of_and_left_as_it_is(lab):
    on_each(lab, "rm $(readlink -f LIVE/fullchain.pem)")
    before = lab.orders(), on_each(lab, "find /etc/letsencrypt -ls")
    run = obtain(lab, sites=[site(1, aliases=[])], certbot_key_type="rsa")
    assert run.rc != 0
    assert "the lineage is broken: " in run.output
    assert (lab.orders(), on_each(lab, "find /etc/letsencrypt -ls")) == before


def test_external_account_binding_and_its_key(lab):
    """The lab's second CA wants accounts bound to an external one."""
    key = (lab.folder / "eab.key").read_text().strip()
    folder = "/etc/letsencrypt-bound"
    variables = {
        "sites": [site(1, aliases=[])],
        "certbot_server": "{{ lab_eab_directory }}",
        "certbot_config_dir": folder,
        "certbot_email": "ops@example.com",
    }
    unbound = obtain(lab, **variables)
    assert unbound.rc != 0
    assert unbound.output.count("set certbot_eab_kid and certbot_eab_hmac_key") >= len(lab.hosts), unbound.output
    unknown = obtain(lab, **variables, certbot_eab_kid="nobody", certbot_eab_hmac_key=key)
    assert "references a key that is not known" in unknown.output, unknown.output
    bound = obtain(lab, "-vvvv", **variables, certbot_eab_kid="lab", certbot_eab_hmac_key=key)
    assert bound.rc == 0, bound.output
    assert key not in bound.output
    assert on_each(lab, f"ls {folder}/renewal | wc -l") == ["1"] * len(lab.hosts)
    # Backwards, since sudo logs the command that looks for it.
    look = f"""grep -rl -e "$(python3 -c 'print("{key[::-1]}"[::-1])')" /etc /home /root /tmp /var /run 2>/dev/null || true"""
    assert on_each(lab, look) == [""] * len(lab.hosts)


def test_certbot_from_pip_in_a_virtual_environment_of_its_own(lab):
    """On the newest Debian alone: it is fetched from the package index, and the same everywhere."""
    host, before = lab.hosts[-1], lab.orders()
    variables = {
        "sites": [site(1, aliases=[])],
        "certbot_install": "pip",
        "certbot_venv": "/opt/certbot-pip",
        "certbot_config_dir": "/etc/letsencrypt-pip",
    }
    first = obtain(lab, "--limit", host, **variables)
    assert first.rc == 0, first.output
    lab.on(host, f"test -e /etc/letsencrypt-pip/live/{name(host, 1)}/fullchain.pem")
    assert "certbot" in lab.on(host, "/opt/certbot-pip/bin/pip list --format freeze")
    renewal = lab.on(host, f"cat /etc/letsencrypt-pip/renewal/{name(host, 1)}.conf")
    installed = lab.on(host, "/opt/certbot-pip/bin/certbot --version").split()[-1]
    assert f"version = {installed}" in renewal
    assert installed != lab.on(host, "/usr/bin/certbot --version").split()[-1]
    second = obtain(lab, "--limit", host, **variables)
    assert second.recap[host]["changed"] == 0, second.output
    assert lab.orders() == before + 1
