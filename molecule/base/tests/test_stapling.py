# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stapling where it can work: what a scenario's web server sends for a certificate with an OCSP URL, from a real responder."""

from __future__ import annotations

import time

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.settings import Settings
from ansible_collections.fullchain.tls.plugins.plugin_utils.verification import judge_served
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import parse_endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.fetch import fetch_all
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.served import Served

from tests.lab import SERVER, Lab, name, site
from tests.pki import Cert, Pki, mint, write_pem
from tests.revocation import responder

DEPLOY = ("--tags", "deploy")
STAPLING = f"grep -rli stapling {SERVER.root}/current/ || true"


@pytest.fixture(scope="module")
def lab() -> Lab:
    return Lab()


def respond(lab: Lab, pki: Pki) -> None:
    """Have openssl's responder say on the CA's host that the leaf is good."""
    leaf = pki["leaf"].x509
    entry = f"V\t{leaf.not_valid_after_utc:%y%m%d%H%M%S}Z\t\t{leaf.serial_number:X}\tunknown\t/CN=leaf"
    files = {"index.txt": entry, "inter.pem": pki.pem("inter"), "inter.key": pki.key_pem("inter")}
    lab.on(
        "ca", "mkdir -p /srv/ocsp; cd /srv/ocsp; " + "".join(f"cat >{f} <<'EOF'\n{t}\nEOF\n" for f, t in files.items())
    )
    lab.on(
        "ca",
        "systemd-run -q --unit=ocsp --working-directory=/srv/ocsp openssl ocsp -index index.txt -port 8888 "
        "-CA inter.pem -rsigner inter.pem -rkey inter.key -nmin 60",
    )


def stapled(lab: Lab, host: str) -> Served:
    """What a host serves, once it staples: it asks the responder when the first client has come."""
    deadline = time.monotonic() + 20
    endpoint = parse_endpoint({"host": name(host, 5), "address": lab.addresses[host]})
    while True:
        (served,) = fetch_all([endpoint], staple=True)
        if served.stapled or time.monotonic() > deadline:
            return served
        time.sleep(0.2)


def test_what_a_responder_says_is_stapled(lab):
    url = responder("http://ca:8888/")
    names = [name(host, 5) for host in lab.hosts]
    pki = mint(root=Cert(), inter=Cert(issuer="root"), leaf=Cert(issuer="inter", names=names, extensions=[url]))
    trust = [str(write_pem(lab.folder / "stapling-root.pem", pki.pem("root")))]
    given = {"source": "files", "fullchain": pki.pem("leaf", "inter"), "privkey": pki.key_pem("leaf")}
    wanted = {"tls_sites": [site(5, aliases=[], certificate=given)], "tls_trust": trust}
    respond(lab, pki)
    first = lab.play(*DEPLOY, **wanted)
    assert first.rc == 0, first.output
    for host in lab.hosts:
        served = stapled(lab, host)
        assert served.stapled
        (result,) = judge_served([served], Settings(trust=tuple(trust), revocation="stapled"))
        assert (result["ok"], result["findings"]) == (True, [])
    again = lab.play(*DEPLOY, **wanted)
    assert again.count("changed", lab.hosts) == dict.fromkeys(lab.hosts, 0), again.output
    last = lab.play(*DEPLOY, tls_sites=[])
    assert last.rc == 0, last.output
    for host in lab.hosts:
        assert lab.on(host, STAPLING) == ""
    lab.on("ca", "systemctl stop ocsp; rm -r /srv/ocsp")
