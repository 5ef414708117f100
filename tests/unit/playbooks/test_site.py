# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks as this ansible-core reads them, and site.yml in check mode on this machine, with the nginx that is here."""

from __future__ import annotations

import json
import shutil
import sys

import pytest

from tests.pki import Cert, mint, write_pem
from tests.unit.action.test_verify_tls import ansible_playbook

NAME = "shop.example.com"

needs_nginx = pytest.mark.skipif(shutil.which("nginx") is None, reason="needs an nginx")


@pytest.fixture
def work(tmp_path):
    pki = mint(root=Cert(), inter=Cert(issuer="root"), leaf=Cert(issuer="inter", names=[NAME]))
    write_pem(tmp_path / "root.pem", pki.pem("root"))
    write_pem(tmp_path / "fullchain.pem", pki.pem("leaf", "inter"))
    write_pem(tmp_path / "leaf.pem", pki.pem("leaf"))
    write_pem(tmp_path / "privkey.pem", pki.key_pem("leaf"))
    (tmp_path / "ansible.cfg").write_text("")
    return tmp_path


def site(work, *arguments, chain="fullchain.pem"):
    certificate = {"source": "files", "fullchain": str(work / chain), "privkey": str(work / "privkey.pem")}
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "tls_become": False,
        "tls_trust": [str(work / "root.pem")],
        "tls_webroot": str(work / "webroot"),
        "tls_sites": [{"name": NAME, "certificate": certificate, "root": "/srv/shop"}],
    }
    (work / "vars.json").write_text(json.dumps(variables))
    done = ansible_playbook(work, "fullchain.tls.site", "-i", "web1,", "-e", f"@{work}/vars.json", *arguments)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.core
@pytest.mark.parametrize("playbook", ["fullchain.tls.site", "fullchain.tls.verify_tls"])
def test_syntax(work, playbook):
    done = ansible_playbook(work, playbook, "--syntax-check", "-i", "localhost,")
    assert done.returncode == 0, done.stderr
    assert "[WARNING]" not in done.stderr


@pytest.mark.core
@needs_nginx
def test_check_mode_shows_what_would_be_deployed(work):
    code, output = site(work, "--check", "--diff")
    assert code == 0, output
    for line in (f"+    server_name {NAME};", "+    root /srv/shop;", "+(private key, not shown)"):
        assert line in output
    assert not (work / "webroot").exists()


@pytest.mark.core
@needs_nginx
def test_a_chain_that_is_not_whole_is_refused(work):
    code, output = site(work, "--check", chain="leaf.pem")
    assert code != 0
    assert "error incomplete-chain: the leaf" in output
    assert "Traceback" not in output


@pytest.mark.core
def test_a_web_server_without_a_role_is_refused(work):
    code, output = site(work, "--check", "-e", "tls_webserver=lighttpd")
    assert code != 0
    assert 'tls_webserver "lighttpd" is not known (expected nginx, apache or caddy)' in output.replace("\\", "")
