# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/verify_tls.yml, run as a user runs it."""

from __future__ import annotations

import json
import sys

import pytest

from tests.pki import Cert, mint, write_pem
from tests.unit.action.test_verify_tls import ansible_playbook
from tests.unit.wire import servers
from tests.unit.wire.servers import HOST, NAME

PLAYBOOK = "fullchain.tls.verify_tls"


@pytest.fixture
def work(tmp_path, pki):
    write_pem(tmp_path / "root.pem", pki.pem("root"))
    (tmp_path / "ansible.cfg").write_text("")
    return tmp_path


def write_inventory(work, **hosts):
    common = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "tls_trust": [str(work / "root.pem")],
    }
    path = work / "inventory.json"
    path.write_text(json.dumps({"all": {"hosts": hosts, "vars": common}}))
    return path


def endpoint(port, **fields):
    return {"host": NAME, "address": HOST, "port": port, **fields}


def report(done):
    """The report's lines: from the first endpoint to Ansible's own words."""
    lines = done.stdout.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(("ok      ", "FAILED  ", "warning ")))
    end = next(n for n, line in enumerate(lines) if n > start and line.startswith("ok: ["))
    return lines[start:end]


@pytest.mark.core
def test_no_inventory(work, server, leaf_only):
    trust = ["-e", json.dumps({"tls_trust": [str(work / "root.pem")]})]
    done = ansible_playbook(work, PLAYBOOK, *trust, "-e", f"tls_endpoints={HOST}:{server}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert report(done)[1:] == ["1 endpoint: 1 ok, 0 failed"]

    done = ansible_playbook(
        work, PLAYBOOK, *trust, "-i", "localhost,", "-e", f"tls_endpoints={HOST}:{server},{HOST}:{leaf_only}"
    )
    assert done.returncode == 2
    lines = report(done)
    assert lines[0].startswith(f"ok      {HOST}:{server}, TLSv1.3, until ")
    assert lines[1].startswith(f"FAILED  {HOST}:{leaf_only}, TLSv1.3, until ")
    assert lines[2].startswith("        error incomplete-chain: ")
    assert lines[3].startswith("          fix: ")
    assert lines[5:] == ["2 endpoints: 1 ok, 1 failed", "findings: incomplete-chain 1"]
    # The screen stays readable: no results as JSON.
    assert '"findings"' not in done.stdout + done.stderr
    assert "2 endpoints: 1 ok, 1 failed" in done.stdout.split("Fail when something is wrong")[1]


def test_a_list_of_endpoints(work, server):
    variables = {"tls_trust": [str(work / "root.pem")], "tls_endpoints": [endpoint(server), f"{HOST}:{server}"]}
    done = ansible_playbook(work, PLAYBOOK, "-e", json.dumps(variables))
    assert done.returncode == 0, done.stdout + done.stderr
    assert report(done)[-1] == "2 endpoints: 2 ok, 0 failed"


@pytest.fixture
def fleet(work, server, leaf_only):
    return write_inventory(
        work,
        web1={"tls_endpoints": [endpoint(server)]},
        web2={"tls_endpoints": [endpoint(leaf_only)]},
        db={},
        inner={"tls_verify_from": "host", "tls_endpoints": [endpoint(server), f"{HOST}:{server}"]},
    )


@pytest.mark.core
def test_the_inventory(work, fleet, server, leaf_only):
    done = ansible_playbook(work, PLAYBOOK, "-i", fleet)
    assert done.returncode == 2
    lines = report(done)
    assert [line.split()[:2] for line in lines if not line.startswith("  ")] == [
        ["ok", f"{NAME}:{server}"],
        ["FAILED", f"{NAME}:{leaf_only}"],
        ["ok", f"{NAME}:{server}"],
        ["ok", f"{HOST}:{server},"],
        ["4", "endpoints:"],
        ["findings:", "incomplete-chain"],
    ]


def test_limit_and_check(work, fleet):
    done = ansible_playbook(work, PLAYBOOK, "-i", fleet, "--limit", "web1,db", "--check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert report(done)[1:] == ["1 endpoint: 1 ok, 0 failed"]
    done = ansible_playbook(work, PLAYBOOK, "-i", fleet, "--limit", "inner")
    assert done.returncode == 0, done.stdout + done.stderr
    assert report(done)[2:] == ["2 endpoints: 2 ok, 0 failed"]


def test_sites_of_the_inventory(tmp_path, work):
    """Each name of each site, at the host's own address. Port 443 has to be had for that."""
    names = mint(root=Cert(), leaf=Cert(issuer="root", names=[NAME, "www." + NAME]))
    write_pem(work / "root.pem", names.pem("root"))
    site = {"name": NAME, "aliases": ["www." + NAME], "certificate": {"source": "certbot"}}
    inventory = write_inventory(
        work,
        web1={"tls_sites": [site], "ansible_host": "127.7.7.7"},
        web2={"tls_sites": [site], "ansible_host": "nowhere.invalid", "tls_verify_address": "127.7.7.8"},
    )
    try:
        with servers.nginx(tmp_path / "one", names, ["leaf"], address="127.7.7.7", port=443):
            done = ansible_playbook(work, PLAYBOOK, "-i", inventory)
    except (OSError, TimeoutError):
        pytest.skip("port 443 of 127.7.7.7 cannot be had")
    assert done.returncode == 2
    headlines = [line.split()[:4] for line in report(done) if line.startswith(("ok", "FAILED"))]
    assert headlines == [
        ["ok", f"{NAME}:443", "at", "127.7.7.7,"],
        ["ok", f"www.{NAME}:443", "at", "127.7.7.7,"],
        ["FAILED", f"{NAME}:443", "at", "127.7.7.8"],
        ["FAILED", f"www.{NAME}:443", "at", "127.7.7.8"],
    ]


def test_nothing_to_verify(work):
    done = ansible_playbook(work, PLAYBOOK, "-i", write_inventory(work, db={}))
    assert done.returncode == 2
    assert (
        "there is nothing to verify: the list of endpoints is empty (no host of this play has tls_sites;" in done.stdout
    )


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"tls_at": "today"}, "at: 'today' is not a time; expected RFC 3339"),
        ({"tls_fail_on": "sometimes"}, "sometimes"),
        ({"tls_revocation": "sometimes"}, "sometimes"),
        ({"tls_fetch_private": "maybe"}, "maybe"),
        ({"tls_clients": ["chrome"]}, "clients: 'chrome' is not known"),
        ({"tls_trust": ["/no/such.pem"]}, "/no/such.pem"),
        ({"tls_endpoints": "a:b"}, "endpoint 'a:b': 'b' is not a port"),
        ({"tls_endpoints": "a.example,"}, "tls_endpoints: 'a.example,' has nothing beside a comma"),
        ({"tls_endpoints": 5}, "tls_endpoints: 5 is no list (expected a list, or a text with commas)"),
    ],
)
def test_bad_input(work, fleet, extra, message):
    done = ansible_playbook(work, PLAYBOOK, "-i", fleet, "--limit", "web1,localhost", "-e", json.dumps(extra))
    assert done.returncode == 2
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_extra_variables_reach_the_judge(work, fleet):
    run = ("-i", fleet, "--limit", "web1", "-e")
    later = ansible_playbook(work, PLAYBOOK, *run, "tls_at=2100-01-01T00:00:00Z tls_fail_on=never")
    assert later.returncode == 0
    assert any("error expired: " in line for line in report(later))
    soon = ansible_playbook(work, PLAYBOOK, *run, "tls_expires_soon=99% tls_fail_on=warning")
    assert soon.returncode == 2
    assert report(soon)[0].startswith("warning ")
    # The certificates name nothing that could be asked.
    checked = ansible_playbook(work, PLAYBOOK, *run, "tls_revocation=check tls_fail_on=warning")
    assert checked.returncode == 2
    assert sum("warning revocation-unknown: " in line for line in report(checked)) == 3
    off = ansible_playbook(work, PLAYBOOK, *run, json.dumps({"tls_revocation": False}))
    assert off.returncode == 0, off.stdout + off.stderr
