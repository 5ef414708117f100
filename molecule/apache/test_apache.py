# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a fleet with Apache, from bare hosts on: each test goes on from where the one before it ended."""

from __future__ import annotations

import socket
import ssl
from http.client import HTTPSConnection

import pytest

from tests.lab import SERVER, Lab, Run, name, over_http, site
from tests.pki import Cert, mint, write_pem

SITES = [site(1), site(2, aliases=[], proxy_to="http://127.0.0.1:8000")]
CURRENT = f"{SERVER.root}/current"
EVERYTHING = "find /etc /opt /srv /usr /var/lib -xdev -printf '%p %s %m %T@\\n' | grep -v systemd | sort"
DEPLOY = ("--tags", "deploy")


@pytest.fixture(scope="module")
def lab() -> Lab:
    return Lab()


def hosts_ok(lab: Lab, run: Run) -> Run:
    assert run.rc == 0, run.output
    assert run.count("failed", lab.hosts) == dict.fromkeys(lab.hosts, 0), run.output
    return run


def answer(lab: Lab, host: str, number: int, path: str = "/", port: int = 443, trust: str | None = None):
    """The answer over HTTPS, of a client that trusts the lab's CA or another."""
    context = ssl.create_default_context(cadata=trust or lab.root)
    connection = HTTPSConnection(lab.addresses[host], port, context=context, timeout=10)
    plain = socket.create_connection((lab.addresses[host], port), timeout=10)
    connection.sock = context.wrap_socket(plain, server_hostname=name(host, number))
    connection.request("GET", path, headers={"Host": name(host, number)})
    return connection.getresponse()


def test_check_mode_on_bare_hosts_touches_nothing(lab):
    before = {host: lab.on(host, EVERYTHING) for host in lab.hosts}
    run = hosts_ok(lab, lab.play("--check", "--diff", tls_sites=SITES))
    assert {host: lab.on(host, EVERYTHING) for host in lab.hosts} == before
    assert lab.orders() == 0
    for host in lab.hosts:
        assert f"ServerName {name(host, 1)}" in run.output
        assert run.recap[host]["changed"] > 0


def test_the_first_run_ends_with_https(lab):
    run = hosts_ok(lab, lab.play(tls_sites=SITES))
    assert (
        "enabled because they are needed: ssl, socache_shmcb, headers, rewrite, http2, proxy, proxy_http"
        in " ".join(run.output.split())
    )
    for host, address in lab.addresses.items():
        assert len(lab.chain(host, name(host, 1))) == 3  # leaf and two intermediates
        assert over_http(address, name(host, 1), "/a?b=c")[:2] == (308, f"https://{name(host, 1)}/a?b=c")
        found = answer(lab, host, 1)
        assert (found.status, found.headers["Strict-Transport-Security"]) == (200, "max-age=63072000")
        assert answer(lab, host, 2).status == 503  # nothing is there to proxy to
        context = ssl.create_default_context(cadata=lab.root)
        context.set_alpn_protocols(["h2", "http/1.1"])
        plain = socket.create_connection((address, 443), timeout=10)
        with context.wrap_socket(plain, server_hostname=name(host, 1)) as connection:
            assert connection.selected_alpn_protocol() == "h2"
        # Debian's own site is the default of port 80 still.
        assert over_http(address, "unknown.test", "/")[0] == 200


def test_the_second_run_changes_nothing_and_asks_nothing_of_the_ca(lab):
    orders = lab.orders()
    run = hosts_ok(lab, lab.play(tls_sites=SITES))
    assert run.count("changed", lab.hosts) == dict.fromkeys(lab.hosts, 0), run.output
    assert lab.orders() == orders
    assert all(run.recap[host]["ok"] <= 18 for host in lab.hosts), run.recap


def test_before_2_4_8_the_chain_is_a_file_of_its_own(lab):
    """The Apache that is here still accepts it; lineages come in two files already, those that are delivered are split."""
    pki = mint(
        root=Cert(),
        inter=Cert(issuer="root"),
        leaf=Cert(issuer="inter", names=[name(host, 3) for host in lab.hosts]),
        alone=Cert(issuer="root", names=[name(host, 4) for host in lab.hosts]),
    )
    root = write_pem(lab.folder / "private-root.pem", pki.pem("root"))

    def files(number: int, leaf: str, *chain: str) -> dict:
        given = {"source": "files", "fullchain": pki.pem(leaf, *chain), "privkey": pki.key_pem(leaf)}
        return site(number, aliases=[], certificate=given)

    sites = [site(1), files(3, "leaf", "inter"), files(4, "alone")]
    wanted = {"tls_sites": sites, "tls_trust": ["{{ lab_root }}", str(root)], "apache_version": "2.4.7"}
    hosts_ok(lab, lab.play(*DEPLOY, **wanted))
    for host in lab.hosts:
        assert len(lab.chain(host, name(host, 1))) == 3
        assert lab.chain(host, name(host, 3)) == (pki.der("leaf"), pki.der("inter"))
        assert lab.chain(host, name(host, 4)) == (pki.der("alone"),)
        lines = lab.on(host, f"grep -h SSLCertificateChainFile {CURRENT}/sites/*.conf | sort").split("\n")
        chains = [f"{CURRENT}/certs/{name(host, 3)}/chain.pem", f"/etc/letsencrypt/live/{name(host, 1)}/chain.pem"]
        assert [line.split()[1] for line in lines] == sorted(chains)
        assert lab.on(host, f"ls {CURRENT}/certs/{name(host, 4)}") == "cert.pem\nfullchain.pem\nprivkey.pem"
    again = hosts_ok(lab, lab.play(*DEPLOY, **wanted))
    assert again.count("changed", lab.hosts) == dict.fromkeys(lab.hosts, 0), again.output


def test_a_version_that_is_none_is_refused(lab):
    run = lab.play(*DEPLOY, tls_sites=SITES, apache_version="2.4")
    assert run.rc != 0
    assert "apache_version '2.4' is not a version such as 2.4.62" in " ".join(run.output.split())


@pytest.mark.parametrize("asked", ["unknown.test", None])
def test_an_unknown_name_is_refused_at_the_handshake(lab, asked):
    if asked:
        hosts_ok(lab, lab.play(*DEPLOY, tls_sites=SITES, apache_reject_unknown_names=True))
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for host, address in lab.addresses.items():
        with pytest.raises(ssl.SSLError, match="ALERT"), socket.create_connection((address, 443), timeout=10) as plain:
            context.wrap_socket(plain, server_hostname=asked)
        assert answer(lab, host, 1).status == 200


def test_a_snippet_is_verified_once_the_team_s_own_vhost_includes_it(lab):
    """An old certificate in that vhost is found and named."""
    snippet = {key: site(1)[key] for key in ("name", "aliases")}
    run = hosts_ok(lab, lab.play("--skip-tags", "verify", tls_sites=[snippet]))
    for host in lab.hosts:
        assert f"add `Include {CURRENT}/snippets/{name(host, 1)}.conf` to the one that serves it" in " ".join(
            run.output.split()
        )
        live = f"/etc/letsencrypt/live/{name(host, 1)}"
        vhost = SERVER.vhost.replace("LINEAGE", live).replace(
            "NAME", f"{name(host, 1)}\nServerAlias www.{name(host, 1)}"
        )
        vhost = vhost.replace("SSLEngine on", f"SSLEngine on\nInclude {CURRENT}/snippets/{name(host, 1)}.conf")
        lab.on(host, f"cat >{SERVER.etc}/sites-enabled/team.conf <<'EOF'\n{vhost}\nEOF\n{SERVER.reload}")
    run = hosts_ok(lab, lab.play(tls_sites=[snippet]))
    for host, address in lab.addresses.items():
        said = f"{SERVER.etc}/sites-enabled/team.conf has SSLCertificateFile /etc/letsencrypt/live/{name(host, 1)}/fullchain.pem"
        assert said in " ".join(run.output.split())
        assert f"www.{name(host, 1)}:443 at {address}," in run.output
        lab.on(host, f"rm {SERVER.etc}/sites-enabled/team.conf && {SERVER.reload}")


def test_a_site_that_works_over_http_goes_on_until_the_certificate_is_there(lab):
    """Its own VirtualHost keeps the name meanwhile; the challenge's snippet is answered before that one's Redirect."""

    def give_a_vhost(line: str) -> None:
        for host in lab.hosts:
            vhost = f'<VirtualHost *:80>\nServerName {name(host, 4)}\n{line}\nRedirect 410 "/"\n</VirtualHost>'
            lab.on(host, f"cat >{SERVER.etc}/sites-enabled/team.conf <<'EOF'\n{vhost}\nEOF\n{SERVER.reload}")

    give_a_vhost("")
    sites = [site(4, aliases=[])]
    run = lab.play(tls_sites=sites)
    assert run.rc != 0
    for host, address in lab.addresses.items():
        said = f"{SERVER.etc}/sites-enabled/team.conf has the server for {name(host, 4)} on port 80"
        assert said in " ".join(run.output.split())
        assert over_http(address, name(host, 4), "/")[0] == 410
    give_a_vhost(f"Include {CURRENT}/snippets/challenge.conf")
    hosts_ok(lab, lab.play(tls_sites=sites))
    for host, address in lab.addresses.items():
        assert over_http(address, name(host, 4), "/x")[:2] == (308, f"https://{name(host, 4)}/x")
        lab.on(host, f"rm {SERVER.etc}/sites-enabled/team.conf && {SERVER.reload}")


def test_a_site_removed_takes_its_files_with_it_and_an_empty_list_everything(lab):
    hosts_ok(lab, lab.play(*DEPLOY, tls_sites=SITES))
    hosts_ok(lab, lab.play(*DEPLOY, tls_sites=SITES[:1]))
    for host in lab.hosts:
        assert lab.on(host, f"ls {CURRENT}/sites") == f"{name(host, 1)}.conf"
    hosts_ok(lab, lab.play(*DEPLOY, tls_sites=[]))
    for host in lab.hosts:
        assert lab.on(host, f"ls {CURRENT}/sites 2>/dev/null || true") == ""
        assert lab.on(host, f"systemctl is-active {SERVER.service}") == "active"


def test_a_bad_pair_that_comes_between_the_check_and_the_reload(lab):
    """In a lineage that is in service: configtest says OK, graceful answers 0 and the server dies. At the end of the run the site is served."""
    names = [name(host, 3) for host in lab.hosts]
    pki = mint(
        root=Cert(), inter=Cert(issuer="root"), leaf=Cert(issuer="inter", names=names), other=Cert(issuer="inter")
    )
    trust = [str(write_pem(lab.folder / "private-root.pem", pki.pem("root")))]
    files = {"fullchain": pki.pem("leaf", "inter"), "privkey": pki.key_pem("leaf"), "bad": pki.key_pem("other")}
    for host in lab.hosts:
        live = f"/etc/letsencrypt/live/{name(host, 3)}"
        script = "".join(f"cat >{live}/{form}.pem <<'EOF'\n{text}\nEOF\n" for form, text in files.items())
        lab.on(host, f"mkdir -p {live}\n{script}")
    hosts_ok(lab, lab.play(*DEPLOY, tls_sites=[site(3, aliases=[])], tls_trust=trust))
    before = {host: (lab.configuration(host), lab.chain(host, name(host, 3))) for host in lab.hosts}
    planting = (
        "cd /etc/letsencrypt/live/{{ tls_sites[0].name }} && [ ! -e bad.pem ] || mv bad.pem privkey.pem; "
        + SERVER.reload
    )
    changed = [site(3, aliases=[], extra="# changed")]
    run = lab.play(*DEPLOY, tls_sites=changed, tls_trust=trust, apache_reload_command=["sh", "-c", planting])
    assert run.count("failed", lab.hosts) == dict.fromkeys(lab.hosts, 1), run.output
    for words in (
        "the server died on the reload", "AH0", "Taken back", "is put back as it was judged; what it held is in",
        "serves what it served before, byte for byte",
    ):  # fmt: skip
        assert words in run.output, run.output
    assert {host: (lab.configuration(host), lab.chain(host, name(host, 3))) for host in lab.hosts} == before
    for host in lab.hosts:
        assert lab.on(host, f"systemctl is-active {SERVER.service}") == "active"
        assert answer(lab, host, 3, trust=pki.pem("root")).status == 200
    hosts_ok(lab, lab.play(*DEPLOY, tls_sites=changed, tls_trust=trust))
    hosts_ok(lab, lab.play(*DEPLOY, tls_sites=[]))
    for host in lab.hosts:
        lab.on(host, f"rm -r /etc/letsencrypt/live/{name(host, 3)}")


def test_a_site_with_two_kinds_of_certificates(lab):
    """Each is verified; one that Apache is not given is noticed, which clients of the other kind would not."""
    names = [name(host, 3) for host in lab.hosts]
    pki = mint(
        root=Cert(),
        inter=Cert(issuer="root"),
        ecdsa=Cert(issuer="inter", names=names),
        rsa=Cert(issuer="inter", names=names, key_type="rsa2048"),
    )
    trust = [str(write_pem(lab.folder / "private-root.pem", pki.pem("root")))]
    both = {kind: {"fullchain": pki.pem(kind, "inter"), "privkey": pki.key_pem(kind)} for kind in ("ecdsa", "rsa")}
    sites = [site(3, aliases=[], certificate={"source": "files", **both})]
    seen = hosts_ok(lab, lab.play("--skip-tags", "obtain", tls_sites=sites, tls_trust=trust))
    for host, address in lab.addresses.items():
        for kind in both:
            assert f"{name(host, 3)}:443 at {address}, TLSv1.2, {kind}, until" in seen.output
    run = lab.play(*DEPLOY, tls_sites=sites, tls_trust=trust)
    assert run.count("changed", lab.hosts) == dict.fromkeys(lab.hosts, 0), run.output
    old = lab.play(*DEPLOY, tls_sites=sites, tls_trust=trust, apache_version="2.4.7")
    assert old.count("failed", lab.hosts) == dict.fromkeys(lab.hosts, 1), old.output
    assert "certificates of two kinds need Apache 2.4.8 or newer" in " ".join(old.output.split())
    hosts_ok(lab, lab.play(*DEPLOY, tls_sites=[]))


def test_nginx_in_front_and_apache_behind(lab):
    """Apache gives up 80 and 443, which the team's ports.conf had, and gets ports of its own; both are verified."""
    names = [name(host, 3) for host in lab.hosts]
    pki = mint(root=Cert(), inter=Cert(issuer="root"), leaf=Cert(issuer="inter", names=names))
    trust = [str(write_pem(lab.folder / "private-root.pem", pki.pem("root")))]
    given = {"source": "files", "fullchain": pki.pem("leaf", "inter"), "privkey": pki.key_pem("leaf")}
    for host in lab.hosts:
        lab.on(host, f"cp {SERVER.etc}/ports.conf /root && : >{SERVER.etc}/ports.conf && a2dissite -q 000-default")
    behind = {
        "tls_sites": [site(3, aliases=[], certificate=given)],
        "tls_trust": trust,
        "apache_port": 8443,
        "apache_http_port": 8080,
    }
    front = {
        "tls_sites": [site(3, aliases=[], certificate=given, proxy_to="https://127.0.0.1:8443")],
        "tls_trust": trust,
    }
    try:
        hosts_ok(lab, lab.play(*DEPLOY, **behind))
        hosts_ok(lab, lab.play(*DEPLOY, **front, tls_webserver="nginx"))
        for run in (lab.play(*DEPLOY, **behind), lab.play(*DEPLOY, **front, tls_webserver="nginx")):
            assert run.count("changed", lab.hosts) == dict.fromkeys(lab.hosts, 0), run.output
        for host in lab.hosts:
            for port in (443, 8443):
                found = answer(lab, host, 3, port=port, trust=pki.pem("root"))
                assert (found.status, b"Apache2" in found.read()) == (200, True)
    finally:
        for host in lab.hosts:
            lab.on(host, "systemctl disable --now nginx || true")
            hosts = f"mv /root/ports.conf {SERVER.etc}/ports.conf && a2ensite -q 000-default"
            lab.on(host, f"{hosts} && rm -rf {SERVER.root} && systemctl restart {SERVER.service}")
