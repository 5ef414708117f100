# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fullchain.tls.certbot through Ansible itself, on this machine: where nothing is asked of a CA, none is needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pki import Cert, mint

ROOT = Path(__file__).resolve().parents[3]
NAMES = ["a.test", "www.a.test"]
CA = "https://ca.invalid/directory"
SECRET = "c2VjcmV0LWhtYWMta2V5"
PKI = mint(root=Cert(), inter=Cert(issuer="root"), leaf=Cert(issuer="inter", names=NAMES))


@pytest.fixture
def host(tmp_path):
    """A host's files: certbot's directory with a lineage for a.test, and a certbot that notes that it was called."""
    config = tmp_path / "letsencrypt"
    for folder in ("live/a.test", "archive/a.test", "renewal"):
        (config / folder).mkdir(parents=True)
    (config / "live/a.test/fullchain.pem").write_text(PKI.pem("leaf", "inter"))
    (config / "live/a.test/privkey.pem").write_text(PKI.key_pem("leaf"))
    (config / "renewal/a.test.conf").write_text(f"[renewalparams]\nserver = {CA}\n")
    program = tmp_path / "certbot"
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/called\n[ "$1" = --version ] && echo certbot 4.0.0 || exit 1\n'
    )
    program.chmod(0o755)
    return tmp_path


def run(host: Path, *flags: str, **arguments) -> tuple[int, dict, str]:
    """Exit code, result and all output of one task on this machine."""
    given = {
        "sites": [{"name": "a.test", "names": NAMES}],
        "webroot": str(host / "webroot"),
        "config_dir": str(host / "letsencrypt"),
        "certbot": str(host / "certbot"),
        "server": CA,
        "probe": "off",
        **arguments,
    }
    task = json.dumps({key: value for key, value in given.items() if value is not None})
    command = [sys.executable, "-m", "ansible", "adhoc", "localhost", "-c", "local", "-m", "fullchain.tls.certbot"]
    command += ["-e", f"ansible_python_interpreter={sys.executable}", "-a", task]
    settings = {"COLLECTIONS_PATH": str(ROOT / ".work"), "HOME": str(host / "ansible"), "NOCOLOR": "1"}
    environment = {**os.environ, **{f"ANSIBLE_{key}": value for key, value in settings.items()}}
    done = subprocess.run([*command, *flags], env=environment, capture_output=True, text=True, check=False)
    result = done.stdout[done.stdout.index("=> ") + 3 :] if "=> " in done.stdout else "{}"
    return done.returncode, json.JSONDecoder().raw_decode(result)[0], done.stdout + done.stderr


def files(host: Path) -> list[str]:
    """Everything on the host but what Ansible keeps for itself."""
    return sorted(str(path) for path in host.rglob("*") if path.relative_to(host).parts[0] != "ansible")


def test_a_lineage_that_is_as_wanted_is_left_alone_and_certbot_is_not_even_called(host):
    before = files(host)
    code, result, output = run(host)
    assert code == 0, output
    assert (result["changed"], result["sites"]) == (
        False,
        [{"name": "a.test", "reasons": [], "issued": False, "failed": False}],
    )
    assert files(host) == before


def test_check_mode_says_what_would_be_issued_and_touches_nothing(host):
    before = files(host)
    code, result, output = run(host, "--check", "--diff", sites=[{"name": "b.test"}], certbot="/nonexistent/certbot")
    assert code == 0, output
    assert result["changed"]
    assert "b.test: issue, missing: there is no certificate yet" in output
    assert files(host) == before


@pytest.mark.core
def test_a_certbot_that_fails_fails_its_site(host):
    code, result, output = run(host, key_type="rsa")
    assert code != 0
    assert (result["changed"], result["sites"][0]["failed"]) == (False, True)
    assert result["msg"].startswith(
        "Certificates that were not obtained: 1 of 1.\n\na.test: certbot failed (exit status 1)"
    )
    assert result["msg"].splitlines()[0] in output.replace(
        json.dumps(result["msg"]), ""
    )  # on the screen too, not in JSON only
    assert (
        "--force-renewal --renew-with-new-domains --key-type rsa -d a.test -d www.a.test"
        in (host / "called").read_text()
    )


def test_no_certbot(host):
    code, result, _output = run(host, key_type="rsa", certbot="/nonexistent/certbot")
    assert code != 0
    assert "'/nonexistent/certbot' is not installed on this host" in result["msg"]


def test_the_ca_file_is_delivered_and_told_of(host):
    (host / "ca.pem").write_text(PKI.pem("root"))
    assert run(host, "--check", server_ca=str(host / "ca.pem"))[1]["changed"]
    assert not (host / "letsencrypt/acme-server-ca.pem").exists()
    assert run(host, server_ca=str(host / "ca.pem"))[1]["changed"]
    assert (host / "letsencrypt/acme-server-ca.pem").read_text() == PKI.pem("root")
    assert not run(host, server_ca=str(host / "ca.pem"))[1]["changed"]


@pytest.mark.core
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            {"sites": [{"name": "a.test", "names": ["*.a.test"]}]},
            "sites[0] (a.test): '*.a.test' can't be had over the webroot",
        ),
        (
            {"server_ca": "/nonexistent/ca.pem"},
            "server_ca: '/nonexistent/ca.pem' can't be read on the controller: no such file",
        ),
        ({"eab_kid": "kid-1"}, "eab_kid, eab_hmac_key"),
        ({"email_address": "x"}, "email_address"),
    ],
)
def test_bad_input_is_refused_before_the_host_is_asked(host, arguments, said):
    before = files(host)
    code, _result, output = run(host, **arguments)
    assert code != 0
    assert said in output
    assert files(host) == before


@pytest.mark.core
def test_the_hmac_key_is_in_no_output(host):
    _code, _result, output = run(host, "-vvvv", "--diff", key_type="rsa", eab_kid="kid-1", eab_hmac_key=SECRET)
    assert SECRET not in (host / "called").read_text()
    assert SECRET not in output
    left = [path for path in host.rglob("*") if path.is_file()]
    assert not [path for path in left if SECRET in path.read_text(errors="replace")]
