# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action verify_tls and the module served_chain in real runs of ansible-playbook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pki import Cert, mint, write_pem
from tests.revocation import Crl, crl_points, mint_crl
from tests.unit.wire import servers, web
from tests.unit.wire.servers import HOST, NAME
from tests.unit.wire.starttls_servers import serving

ROOT = Path(__file__).parents[3]
CHAIN = ["leaf", "inter", "upper"]


@pytest.fixture
def work(tmp_path, pki):
    """A directory with a playbook's files."""
    write_pem(tmp_path / "files" / "root.pem", pki.pem("root"))
    write_pem(tmp_path / "files" / "fullchain.pem", pki.pem(*CHAIN))
    write_pem(tmp_path / "files" / "leaf.pem", pki.pem("leaf"))
    write_pem(tmp_path / "files" / "privkey.pem", pki.key_pem("leaf"))
    write_pem(tmp_path / "files" / "other.key", pki.key_pem("inter"))
    write_pem(tmp_path / "files" / "empty.pem", "")
    (tmp_path / "ansible.cfg").write_text("[defaults]\nlocalhost_warning = false\ninventory_unparsed_warning = false\n")
    return tmp_path


def ansible_playbook(work, *arguments):
    environment = {
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".work"),
        "ANSIBLE_CONFIG": str(work / "ansible.cfg"),
        "ANSIBLE_HOME": str(work / "home"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "PATH": os.environ["PATH"],
        "HOME": str(work),
        "LC_ALL": "C.UTF-8",
        "COLUMNS": "400",
    }
    program = [sys.executable, "-m", "ansible", "playbook", *map(str, arguments)]
    return subprocess.run(program, cwd=work, env=environment, capture_output=True, text=True, check=False)


def run_tasks(work, tasks, *arguments):
    """Run tasks one after the other, whatever they come to; their results, and everything that was printed."""
    registered = [f"result_{number}" for number in range(len(tasks))]
    steps = [{**task, "register": name, "ignore_errors": True} for task, name in zip(tasks, registered, strict=True)]
    results = "{{ [" + ", ".join(registered) + "] | to_json }}"
    steps.append(
        {
            "ansible.builtin.copy": {"content": results, "dest": str(work / "results.json"), "mode": "0600"},
            "check_mode": False,
        }
    )
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": sys.executable},
        "tasks": steps,
    }
    (work / "play.yml").write_text(json.dumps([play]))
    done = ansible_playbook(work, "play.yml", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((work / "results.json").read_text()), done.stdout + done.stderr


def verify(**parameters):
    return {"fullchain.tls.verify_tls": parameters}


def codes(result):
    return [finding["code"] for entry in result["results"] for finding in entry["findings"]]


def at(port, **fields):
    return {"host": NAME, "address": HOST, "port": port, **fields}


def test_endpoints(work, pki, server, leaf_only):
    trust = ["root.pem"]
    results, printed = run_tasks(
        work,
        [
            verify(endpoints=[at(server), f"{HOST}:{server}"], trust=trust),
            verify(endpoints=[at(server), at(leaf_only)], trust=trust),
            verify(endpoints=[at(leaf_only)], trust=trust, fail_on="never"),
            verify(endpoints=[at(server)], trust=trust, expires_soon="99%"),
            verify(endpoints=[at(server)], trust=trust, expires_soon="99%", fail_on="warning"),
            verify(endpoints=[at(server)], trust=trust, at="2100-01-01T00:00:00Z"),
            verify(endpoints=[at(server, server_name="other.example.com")], trust=trust),
            verify(endpoints=[at(server, expect_fingerprint="00" * 32)], trust=trust),
            verify(endpoints=[at(leaf_only)], trust=trust, clients=["go"]),
            verify(endpoints=[at(server)]),
            verify(
                endpoints=[at(server)],
                trust=trust,
                trust_stores={"ours": ["root.pem"], "mozilla": ["mozilla"]},
                show=True,
            ),
            verify(endpoints=[at(server)], trust=trust, trust_stores={"ours": []}),
            verify(endpoints=[at(server, expect_certificate="fullchain.pem")], trust=trust),
            verify(endpoints=[at(server, expect_certificate=pki.pem("inter"))], trust=trust),
            verify(endpoints=[at(server), at(server, versions=False)], trust=trust, versions=True),
            verify(endpoints=[at(server, key_types=["ecdsa", "rsa"], repeat=3)], trust=trust),
        ],
        "--check",
    )
    good, mixed, never, warned, strict, later, named, stale, only_go, untrusted, *more = results
    stores, no_store, expected, another, versions, kinds = more
    assert [entry["ok"] for entry in good["results"]] == [True, True]
    assert good["summary"] == {"total": 2, "ok": 2, "failed": 0, "unreachable": 0, "by_code": {}}
    assert (good["failed"], good["changed"]) == (False, False)

    assert (mixed["failed"], codes(mixed)) == (True, ["incomplete-chain"])
    assert [entry["ok"] for entry in mixed["results"]] == [True, False]
    assert mixed["summary"]["by_code"] == {"incomplete-chain": 1}
    lines = mixed["msg"].splitlines()
    assert lines[0] == "2 endpoints: 1 ok, 1 failed"
    assert lines[1].startswith(f"FAILED  {NAME}:{leaf_only} at {HOST}, TLSv1.3, until ")
    assert lines[2].startswith("        error incomplete-chain: ")
    assert lines[3].startswith("          fix: ")

    assert (never["failed"], codes(never)) == (False, ["incomplete-chain"])
    assert (warned["failed"], codes(warned)) == (False, ["expires-soon"])
    assert (strict["failed"], codes(strict)) == (True, ["expires-soon"])
    assert "expired" in codes(later)
    assert codes(named) == ["name-mismatch"]
    assert codes(stale) == ["stale-certificate"]
    assert codes(expected) == []
    assert [entry["versions"] for entry in versions["results"]] == [["TLSv1.2", "TLSv1.3"], None]
    assert [(entry["key_type"], entry["connections"], entry["ok"]) for entry in kinds["results"]] == [
        ("ecdsa", 3, True),
        ("rsa", 3, False),
    ]
    assert codes(kinds) == ["handshake-failed"]
    assert codes(another) == ["stale-certificate"]
    assert only_go["results"][0]["clients"] == {"go": False}
    assert codes(untrusted)
    assert untrusted["results"][0]["ok"] is False

    assert stores["results"][0]["trust_stores"] == {"ours": True, "mozilla": False}
    assert "        trusted by ours, not by mozilla\n" in printed
    assert no_store["msg"].startswith("trust_stores, ours: [] is no list of paths or words")


def test_revocation(work):
    with web.pages() as ca:
        pki = mint(
            root=Cert(),
            inter=Cert(issuer="root", extensions=[crl_points(ca.url("/root.crl"))]),
            leaf=Cert(issuer="inter", names=[NAME], extensions=[crl_points(ca.url("/inter.crl"))]),
        )
        ca.put("/inter.crl", mint_crl(pki, Crl(revoked=["leaf"])))
        ca.put("/root.crl", mint_crl(pki, Crl("root")))
        given = {"chain": pki.pem("leaf", "inter"), "trust": [pki.pem("root")]}
        checks = {"revocation": "check", "fail_on": "never"}
        results, _printed = run_tasks(
            work,
            [
                verify(**given),
                verify(**given, revocation="off"),
                verify(**given, revocation=False),
                verify(**given, revocation="stapled"),
                verify(**given, **checks),
                verify(**given, **checks, fetch_private=True),
                verify(**given, revocation="check", fetch_private=True),
                verify(**given, revocation="sometimes"),
            ],
        )
    assert [codes(result) for result in results[:4]] == [[]] * 4
    private, checked, failed, refused = results[4:]
    assert codes(private) == ["revocation-unknown", "revocation-unknown"]
    assert codes(checked) == codes(failed) == ["revoked"]
    assert (checked["failed"], failed["failed"], refused["failed"]) == (False, True, True)
    assert "value of revocation must be one of: off, stapled, check, got: sometimes" in refused["msg"]


@pytest.mark.core
def test_files(work, pki):
    trust = [pki.pem("root")]
    vaulted = mint(root=Cert(), leaf=Cert(issuer="root", names=[NAME]))
    write_pem(work / "files" / "vaulted.pem", "$ANSIBLE_VAULT;1.1;AES256\n3030\n")
    results, printed = run_tasks(
        work,
        [
            verify(chain="fullchain.pem", server_name=NAME, privkey="privkey.pem", trust=trust),
            verify(chain=pki.pem(*CHAIN), server_name=NAME, privkey=pki.key_pem("leaf"), trust=trust),
            verify(chain="leaf.pem", trust=trust),
            verify(chain="fullchain.pem", server_name="other.example.com", trust=trust),
            verify(chain="fullchain.pem", privkey="other.key", trust=trust),
            verify(chain="privkey.pem", trust=trust),
            verify(chain="empty.pem", trust=trust),
            verify(chain="missing.pem", trust=trust),
            verify(chain="fullchain.pem", privkey="fullchain.pem", trust=trust),
            verify(chain="fullchain.pem", privkey="c2VjcmV0" * 200, trust=trust),
            verify(chain="fullchain.pem", server_name="a b", trust=trust),
            verify(chain=vaulted.pem("leaf"), privkey=vaulted.key_pem("leaf"), trust=[vaulted.pem("root")]),
            verify(chain="vaulted.pem", trust=trust),
            verify(chain="files", trust=trust),
        ],
        "-vvvv",
        "--diff",
    )
    good, text, leaf, named, other_key, key, empty, missing, no_key, stray, bad_name, vaulted_one, *unread = results
    for result in (good, text, vaulted_one):
        assert (result["failed"], codes(result)) == (False, [])
    assert good["results"][0]["endpoint"] == "fullchain.pem"
    assert (good["results"][0]["reachable"], good["results"][0]["protocol"]) == (True, None)
    assert codes(leaf) == ["incomplete-chain"]
    assert codes(named) == ["name-mismatch"]
    assert codes(other_key) == ["key-mismatch"]
    for result, name in (
        (key, "privkey.pem"),
        (empty, "empty.pem"),
        (missing, "missing.pem"),
        (no_key, "fullchain.pem"),
    ):
        assert result["failed"] is True
        assert name in result["msg"]
        assert "results" not in result
    assert missing["msg"].endswith("chain: 'missing.pem' cannot be read: no such file on the controller")
    without_password, directory = (result["msg"] for result in unread)
    assert without_password.startswith("chain: 'vaulted.pem' cannot be read: ")
    assert "vault" in without_password.partition("cannot be read: ")[2]
    assert directory == "chain: 'files' cannot be read: Is a directory"
    assert stray["msg"] == "privkey is neither PEM text (it has no -----BEGIN line) nor a path"
    assert "'a b'" in bad_name["msg"]
    for secret in (pki.key_pem("leaf"), vaulted.key_pem("leaf")):
        assert secret.splitlines()[1] not in printed
    assert "c2VjcmV0c2VjcmV0" not in printed


@pytest.mark.core
def test_a_file_in_a_vault(work, pki):
    (work / "password").write_text("x\n")
    vault = [
        sys.executable,
        "-m",
        "ansible",
        "vault",
        "encrypt",
        "--vault-password-file",
        "password",
        "files/privkey.pem",
    ]
    subprocess.run(vault, cwd=work, check=True, capture_output=True)
    good = verify(chain="fullchain.pem", privkey="privkey.pem", trust=["root.pem"])
    results, _printed = run_tasks(work, [good], "--vault-password-file", "password")
    assert (results[0]["failed"], codes(results[0])) == (False, [])


def test_served_from_a_host(work, server, leaf_only):
    dead = servers.free_port()
    results, _printed = run_tasks(
        work,
        [
            {"fullchain.tls.served_chain": {"endpoints": [at(server), at(leaf_only), f"{HOST}:{dead}"]}},
            verify(served="{{ result_0 }}", trust=["root.pem"]),
            verify(served="{{ result_0.served }}", endpoints=[f"{HOST}:{server}"], trust=["root.pem"], fail_on="never"),
            {"fullchain.tls.served_chain": {"endpoints": ["a b:x"]}},
            {"fullchain.tls.served_chain": {"endpoints": ["a"], "openssl": "no-such-command"}},
        ],
        "--check",
    )
    seen, judged, both, unreadable, without = results
    assert [len(entry["chain"]) for entry in seen["served"]] == [3, 1, 0]
    assert seen["changed"] is False
    assert [entry["ok"] for entry in judged["results"]] == [True, False, False]
    assert codes(judged) == ["incomplete-chain", "unreachable"]
    assert [entry["endpoint"] for entry in both["results"]] == [
        f"{HOST}:{server}",
        f"{NAME}:{server}",
        f"{NAME}:{leaf_only}",
        f"{HOST}:{dead}",
    ]
    assert unreadable["msg"] == "endpoint 'a b:x': 'x' is not a port; expected a number from 1 to 65535"
    assert "no-such-command" in without["msg"]


def test_servers_behind_one_address(work, pki, server, leaf_only):
    """From the controller and from a host; the report tells the results apart."""
    with servers.raw_server(servers.taking_turns([server, leaf_only])) as port:
        endpoints = [at(port, repeat=6)]
        results, printed = run_tasks(
            work,
            [
                verify(endpoints=endpoints, trust=["root.pem"], show=True),
                {"fullchain.tls.served_chain": {"endpoints": endpoints}},
                verify(served="{{ result_1 }}", trust=["root.pem"]),
            ],
        )
    for result in (results[0], results[2]):
        assert sorted((len(entry["chain"]), entry["connections"]) for entry in result["results"]) == [(1, 3), (3, 3)]
        assert sorted(codes(result)) == ["incomplete-chain", "inconsistent-backends"]
        assert "inconsistent-backends" in [finding["code"] for finding in result["results"][0]["findings"]]
    assert f"{NAME}:{port} at {HOST}, TLSv1.3, 3 connections, until " in printed


def test_a_database_that_comes_to_tls_by_starttls(work, pki):
    with serving("mysql", work / "server", pki, CHAIN) as port:
        results, printed = run_tasks(
            work, [verify(endpoints=[at(port, starttls="mysql")], trust=["root.pem"], show=True)]
        )
    assert (results[0]["failed"], results[0]["results"][0]["starttls"]) == (False, "mysql")
    assert f"ok      {NAME}:{port} (mysql) at {HOST}, TLSv1." in printed


def test_a_client_certificate_from_files_whose_key_is_never_shown(work, pki):
    """The leaf of the PKI is for servers, so the server does not take it."""
    files = {"client_cert": "fullchain.pem", "client_key": "privkey.pem"}
    texts = {"client_cert": pki.pem("leaf"), "client_key": pki.key_pem("leaf")}
    demand = f"ssl_verify_client on; ssl_client_certificate {work}/files/root.pem; ssl_verify_depth 3;"
    with servers.nginx(work / "server", pki, CHAIN, demand) as port:
        results, printed = run_tasks(
            work,
            [
                verify(endpoints=[at(port, **files)], trust=["root.pem"]),
                verify(endpoints=[at(port, **texts)], trust=["root.pem"]),
                verify(endpoints=[at(port, client_auth="required")], trust=["root.pem"]),
                {"fullchain.tls.served_chain": {"endpoints": [at(port, **texts)]}},
                {"fullchain.tls.served_chain": {"endpoints": at(port, **texts)}},
                {"fullchain.tls.served_chain": {"endpoints": [json.dumps(at(port, **texts))]}},
                {"fullchain.tls.served_chain": {"endpoints": [[at(port, **texts)]]}},
            ],
            "-vvvv",
        )
    assert [codes(result) for result in results[:3]] == [["client-certificate-rejected"]] * 2 + [[]]
    assert results[0]["results"][0]["client_auth"]["requested"] is True
    assert "client_cert and client_key are for endpoints that the controller connects to" in results[3]["msg"]
    assert all(result["msg"].startswith("endpoints cannot be read") for result in results[4:])
    # What the playbook itself holds is Ansible's to print; a module and its results hold none of it.
    assert pki.key_pem("leaf").splitlines()[1] not in json.dumps(results)
    assert "AnsiballZ_served_chain" not in printed


@pytest.mark.core
def test_bad_input(work, server):
    one = [f"{HOST}:{server}"]
    cases = [
        (verify(), "endpoints, served, chain"),
        (verify(endpoints=one, chain="x"), "mutually exclusive"),
        (verify(served=[], chain="x"), "mutually exclusive"),
        (verify(endpoints=one, server_name="x"), "server_name"),
        (verify(endpoints=one, privkey="x"), "privkey"),
        (verify(endpoints=one, colour="red"), "colour"),
        (verify(endpoints=[]), "there is nothing to verify: the list of endpoints is empty"),
        (verify(endpoints=["a:b"]), "endpoint 'a:b': 'b' is not a port; expected a number from 1 to 65535"),
        (verify(endpoints=[{"host": "a", "starttsl": "smtp"}]), "unknown key 'starttsl'"),
        (verify(endpoints=[{"host": "a", "starttls": "nntp"}]), "starttls 'nntp' is not known; expected one of smtp,"),
        (
            verify(endpoints=[{"host": "a", "expect_certificate": "no.pem"}]),
            "expect_certificate: 'no.pem' cannot be read",
        ),
        (verify(endpoints=[{"host": "a", "expect_certificate": "privkey.pem"}]), "privkey.pem"),
        (
            verify(endpoints=[{"host": "a", "client_cert": "no.pem", "client_key": "privkey.pem"}]),
            "endpoint 'a:443': client_cert: 'no.pem' cannot be read: no such file on the controller",
        ),
        (
            verify(endpoints=[{"host": "a", "client_cert": "leaf.pem", "client_key": "other.key"}]),
            "endpoint 'a:443': client_key is not the key of client_cert 'CN=leaf'",
        ),
        (
            verify(endpoints=[{"host": "a", "client_cert": "leaf.pem", "client_key": "no-such-secret"}]),
            "endpoint 'a:443': client_key cannot be read: no such file on the controller",
        ),
        (verify(endpoints=[{"host": "a", "repeat": 65}]), "repeat 65 is not a count; expected a number from 1 to 64"),
        (verify(endpoints=one, at="today"), "at: 'today' is not a time; expected RFC 3339"),
        (verify(endpoints=one, clients=["chrome"]), "clients: 'chrome' is not known"),
        (verify(endpoints=one, fail_on="sometimes"), "fail_on"),
        (verify(endpoints=one, expires_soon="soon"), "expires_soon: 'soon' is neither"),
        (verify(endpoints=one, timeout=0), "timeout: 0.0 is not a time"),
        (verify(endpoints=one, workers=0), "workers: 0 is not a count"),
        (verify(endpoints=one, trust=["nonsense"]), "nonsense"),
        (verify(endpoints=one, trust=["empty.pem"]), "empty.pem"),
        (verify(endpoints=one, trust=["privkey.pem"]), "privkey.pem"),
        (verify(served="text"), "served cannot be read"),
        (verify(served=[{"endpoint": "a", "chain": ["x"]}]), "chain[0] is not one PEM certificate"),
    ]
    results, printed = run_tasks(work, [task for task, _message in cases])
    for (task, message), result in zip(cases, results, strict=True):
        assert result["failed"] is True, task
        assert message in result["msg"], task
        assert "results" not in result, task
    assert "Traceback" not in printed


@pytest.mark.core
def test_the_report_is_shown_as_lines(work, server, leaf_only):
    results, printed = run_tasks(
        work, [verify(endpoints=[at(server), at(leaf_only)], trust=["root.pem"], show=True, fail_on="error")]
    )
    lines = printed.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"ok      {NAME}:{server} at {HOST}"))
    assert lines[start + 1].startswith(f"FAILED  {NAME}:{leaf_only} at {HOST}")
    assert lines[start + 2].startswith("        error incomplete-chain: ")
    assert lines[start + 3].startswith("          fix: ")
    assert lines[start + 5 : start + 7] == ["2 endpoints: 1 ok, 1 failed", "findings: incomplete-chain 1"]
    # What has been shown is not said again in the message.
    assert results[0]["msg"] == "2 endpoints: 1 ok, 1 failed"


def test_the_right_file_is_written(work, pki):
    trust = ["root.pem"]
    (work / "files" / "mixed.pem").write_text(pki.pem("leaf", "root", "upper", "inter"))
    (work / "files" / "kept.key").write_text(pki.key_pem("leaf"))
    wanted = {"chain": "mixed.pem", "server_name": NAME, "trust": trust, "complete_to": "files/right.pem"}
    results, printed = run_tasks(
        work,
        [
            {**verify(**wanted), "check_mode": True},
            verify(**wanted, show=True),
            verify(**wanted),
            verify(**{**wanted, "server_name": "other.example.com", "complete_to": "files/other.pem"}),
            verify(**{**wanted, "chain": "leaf.pem", "complete_to": "files/none.pem"}),
            verify(**{**wanted, "complete_to": "files/kept.key"}),
            verify(**{**wanted, "complete_to": "files"}),
            verify(**{**wanted, "complete_to": "nowhere/right.pem"}),
            verify(endpoints=["shop.example.com"], complete_to="files/right.pem"),
        ],
        "--diff",
    )
    checked, written, again, misnamed, leaf, key, directory, nowhere, no_chain = results

    assert (checked["changed"], written["changed"], again["changed"]) == (True, True, False)
    assert (work / "files" / "right.pem").read_text() == pki.pem(*CHAIN)
    assert (work / "files" / "right.pem").stat().st_mode & 0o777 == 0o644
    assert [entry["ok"] for entry in written["results"]] == [True, True]
    assert [len(entry["chain"]) for entry in written["results"]] == [4, 3]
    assert "notice root-served" in printed
    assert f"+++ after: {work}/files/right.pem" in printed
    assert (misnamed["failed"], codes(misnamed)[-1]) == (True, "name-mismatch")  # written all the same: it is complete
    assert leaf["msg"].startswith(
        "complete_to: the chain cannot be completed: the leaf 'CN=leaf' was issued by 'CN=inter'"
    )
    assert not (work / "files" / "none.pem").exists()
    assert key["msg"].endswith(
        "kept.key' holds something other than PEM certificates, which would be lost (expected another file)"
    )
    assert (work / "files" / "kept.key").read_text() == pki.key_pem("leaf")
    assert directory["msg"].endswith("is a directory (expected the path of a file)")
    assert nowhere["msg"].endswith(f"cannot be written: there is no directory '{work}/nowhere'")
    assert no_chain["failed"]
    assert pki.key_pem("leaf").splitlines()[1] not in printed
