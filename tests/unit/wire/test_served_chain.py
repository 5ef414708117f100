# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module served_chain, run as Ansible runs it: by the interpreters of hosts, against real servers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.fullchain.tls.plugins.module_utils.served_chain import Openssl, _arguments
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.served import read_served

from tests.unit.wire import servers
from tests.unit.wire.servers import HOST, NAME

COLLECTIONS = Path(__file__).parents[3] / ".work"


def interpreters():
    """The oldest and the newest Python that are here, of those that hosts may have; this one at least."""
    versions = Path.home() / ".pyenv" / "versions"
    found = {"this": sys.executable}
    for version in ("3.6", "3.8", "3.13"):
        program = next(versions.glob(f"{version}.*/bin/python"), None) or shutil.which(f"python{version}")
        if program:
            found[version] = str(program)
    return found


INTERPRETERS = interpreters()


@pytest.fixture(scope="module")
def pki():
    return servers.shop()


def look(endpoints, interpreter="this", environment=(), **parameters):
    """Run what the module runs, by `interpreter`. The part that is Ansible's own is left to test_verify_tls_playbook."""
    program = (
        "import json, sys\n"
        "from ansible_collections.fullchain.tls.plugins.module_utils.served_chain import fetch_all\n"
        "json.dump(fetch_all(**json.load(sys.stdin)), sys.stdout)\n"
    )
    done = subprocess.run(
        [INTERPRETERS[interpreter], "-c", program],
        input=json.dumps({"endpoints": endpoints, "openssl": "openssl", **parameters}),
        capture_output=True,
        text=True,
        env={
            "PYTHONPATH": str(COLLECTIONS),
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
            **dict(environment),
        },
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return read_served(json.loads(done.stdout))


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_the_chain_is_as_served(tmp_path, pki, interpreter):
    chain = ["leaf", "upper", "inter", "root"]
    with servers.s_server(tmp_path, pki, chain) as port:
        served = look([{"host": NAME, "port": port, "address": HOST}, f"{HOST}:{port}"], interpreter)
    assert [entry.endpoint.host for entry in served] == [NAME, HOST]
    for entry in served:
        assert entry.chain == tuple(map(pki.der, chain))
        assert (entry.protocol, entry.address, entry.failure_kind) == ("TLSv1.3", HOST, None)


@pytest.mark.parametrize(
    ("arguments", "protocol"),
    [(["-tls1_2"], "TLSv1.2"), (["-tls1", "-cipher", "ALL:@SECLEVEL=0"], "TLSv1")],
)
def test_older_protocols(tmp_path, pki, arguments, protocol):
    (tmp_path / "openssl.cnf").write_text(servers.STRICT)
    with servers.s_server(tmp_path, pki, ["leaf"], *arguments) as port:
        served = look([f"{HOST}:{port}"], environment={"OPENSSL_CONF": str(tmp_path / "openssl.cnf")})[0]
    assert (served.protocol, served.chain, served.failure_kind) == (protocol, (pki.der("leaf"),), None)


def test_the_server_name_is_sent(tmp_path, pki):
    hello = []

    def listen(connection):
        hello.append(connection.recv(4096))

    with servers.raw_server(listen) as port:
        look([{"host": "a.example", "server_name": NAME, "address": HOST, "port": port}])
        look([f"{HOST}:{port}"])
    sent = [said for said in hello if said]  # the other connections only tried whether the port is open
    assert [NAME.encode() in said for said in sent] == [True, False]


def test_the_chain_is_kept_when_the_server_demands_a_client_certificate(tmp_path, pki):
    with servers.s_server(tmp_path, pki, ["leaf", "inter"], "-tls1_2", "-Verify", "1", "-verify_return_error") as port:
        served = look([f"{HOST}:{port}"])[0]
    assert served.chain == (pki.der("leaf"), pki.der("inter"))
    assert served.failure_kind == "handshake-failed"
    assert served.failure_detail == "the server refused with the TLS alert 'handshake failure'"


@pytest.mark.parametrize(
    ("handler", "kind", "detail"),
    [
        (servers.plain_http, "not-tls", "answers something other than TLS"),
        (servers.smtp, "not-tls", "answers something other than TLS"),
        (servers.garbage, "not-tls", "answers something other than TLS"),
        (servers.reset, "unreachable", "broke off before the handshake was done"),
        (servers.hang_up, "unreachable", "broke off before the handshake was done"),
        (servers.alert, "handshake-failed", "the server refused with the TLS alert 'handshake failure'"),
        (servers.stall, "unreachable", "took the connection but completed no handshake within 1 s"),
        (servers.drip, "unreachable", "took the connection but completed no handshake within 1 s"),
    ],
)
def test_failures(handler, kind, detail):
    with servers.raw_server(handler) as port:
        started = time.monotonic()
        served = look([f"{HOST}:{port}"], timeout=1)[0]
        took = time.monotonic() - started
    assert (served.failure_kind, served.chain, served.address) == (kind, (), HOST)
    assert detail in served.failure_detail
    assert took < 4


def test_unreachable():
    port = servers.free_port()
    refused, unknown = look([f"{HOST}:{port}", "nowhere.invalid"])
    assert (refused.failure_kind, refused.failure_detail) == (
        "unreachable",
        f"{HOST} port {port} refused the connection",
    )
    assert (unknown.failure_kind, unknown.address) == ("unreachable", None)
    assert unknown.failure_detail.startswith("nowhere.invalid does not resolve: ")


def test_dead_endpoints_hold_nobody_up(tmp_path, pki):
    with servers.nginx(tmp_path, pki, ["leaf"]) as port, servers.raw_server(servers.stall) as dead:
        started = time.monotonic()
        served = look([f"{HOST}:{p}" for p in (dead, port) * 10], timeout=3, workers=16)
        took = time.monotonic() - started
    assert [entry.failure_kind for entry in served] == ["unreachable", None] * 10
    assert took < 8


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"endpoints": ["a:b"]}, "endpoint 'a:b': 'b' is not a port"),
        ({"endpoints": ["a"], "timeout": 0}, "timeout: 0 is not a time; expected seconds, more than 0"),
        ({"endpoints": ["a"], "workers": 0}, "workers: 0 is not a count; expected 1 or more"),
        ({"endpoints": ["a"], "openssl": "true"}, "true version said ''; expected OpenSSL's"),
    ],
)
def test_refused(parameters, message):
    from ansible_collections.fullchain.tls.plugins.module_utils.served_chain import fetch_all

    with pytest.raises(ValueError, match=r".") as refusal:
        fetch_all(**{"openssl": "openssl", **parameters})
    assert str(refusal.value).startswith(message)


@pytest.mark.parametrize(("version", "asked"), [((1, 0), False), ((1, 1), False), ((3, 0), True), ((3, 5), True)])
def test_old_servers_are_let_in_by_an_option_that_the_openssl_of_debian_11_refuses(version, asked):
    arguments = _arguments({"host": NAME, "port": 443}, HOST, Openssl("openssl", version))
    assert ("-legacy_server_connect" in arguments) is asked
