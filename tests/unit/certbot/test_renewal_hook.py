# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The deploy hook with certbot's layout of files, a real openssl and a real nginx; what it says to the journal is written to a file."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import Endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.fetch import fetch_all

from tests.pki import Cert, mint
from tests.rendering import render_template

HOOK = render_template("certbot", "renewal-hook.sh.j2")
NGINX = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
NAME, ALIAS = "shop.test", "www.shop.test"
SBIN = [f"{folder}/openssl" for folder in ("/usr/local/sbin", "/usr/sbin", "/sbin")]
KINDS = ("cert", "chain", "fullchain", "privkey")
PKI = mint(
    root=Cert(),
    inter=Cert(issuer="root"),
    ended=Cert(issuer="root", ends="-1d", like="inter"),
    old=Cert(issuer="inter", names=[NAME, ALIAS]),
    new=Cert(issuer="inter", names=[NAME, ALIAS]),
    late=Cert(issuer="inter", names=[NAME, ALIAS], ends="-1h"),
    narrow=Cert(issuer="inter", names=[NAME]),
    rsa=Cert(issuer="inter", names=[NAME, ALIAS], key_type="rsa2048"),
    other_root=Cert(),
    other=Cert(issuer="other_root", names=[NAME, ALIAS]),
)

pytestmark = pytest.mark.skipif(NGINX is None, reason="needs an nginx")


class Nginx:
    """One that serves lineages from where certbot keeps them, and the file with which the hook knows it."""

    def __init__(self, host, kind="nginx"):
        self.host, self.kind, self.base = host, kind, host.base / kind
        (self.base / "current/renewal").mkdir(parents=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.configure()
        self.test, self.reload, self.start = (
            [NGINX, *words, "-c", f"{self.base}/nginx.conf"] for words in (["-t"], ["-s", "reload"], [])
        )
        self.use()

    def configure(self, more="", pairs=(NAME,)):
        lines = "".join(
            f"ssl_certificate {self.host.folder}/live/{name}/fullchain.pem; ssl_certificate_key {self.host.folder}/live/{name}/privkey.pem;\n"
            for name in pairs
        )
        (self.base / "nginx.conf").write_text(
            f"pid {self.base}/pid;\nerror_log {self.base}/error.log;\nevents {{}}\nhttp {{ access_log off; server {{\n"
            f"listen 127.0.0.1:{self.port} ssl; server_name {NAME} {ALIAS};\n{lines}{more} }} }}\n"
        )

    def use(self, *lineages, names=(NAME, ALIAS), seen=True, trust=("root",), system=False, fail_on="error", **lineage):
        """Write what a deploy of these lineages does."""
        live = self.host.folder / "live"
        paths = lineage or {"fullchain": f"{live}/{{}}/fullchain.pem"}
        named = [
            {"name": item, "server_names": names, **{key: path.format(item) for key, path in paths.items()}}
            for item in lineages or (NAME,)
        ]
        settings = {
            "server": self.kind,
            "root": str(self.base),
            "lineages": named,
            "pid_file": f"{self.base}/pid",
            "test": self.test,
            "reload": self.reload,
            "start": self.start,
            "fail_on": fail_on,
        }
        endpoints = [
            {"host": name, "port": self.port, "certificate": item["name"]} for item in named for name in names if seen
        ]
        facts = {"system": system, "certificates": [PKI.pem(name) for name in trust]}
        for template, values in (
            ("lineages", {"settings": settings, "endpoints": endpoints}),
            ("trust.pem", {"lineages": named}),
        ):
            (self.base / "current/renewal" / template).write_text(
                render_template("webserver", f"{template}.j2", trust_facts=facts, **values)
            )
        link = self.host.folder / f"fullchain-{self.kind}.conf"
        if not link.is_symlink():
            link.symlink_to(self.base / "current/renewal/lineages")

    def run(self):
        subprocess.run(self.start, check=True, timeout=20)
        return self

    def stop(self):
        """Until it has ended: nginx sees a signal that comes before it waits for signals only with the next."""
        pid_file = self.base / "pid"

        def ended():
            if pid_file.exists():
                with contextlib.suppress(ProcessLookupError, ValueError):
                    os.kill(int(pid_file.read_text()), signal.SIGTERM)
            return not pid_file.exists()

        until(ended)

    def served(self):
        chain = fetch_all([Endpoint(NAME, self.port, address="127.0.0.1")], timeout=5.0)[0].chain
        return next((name for name in ("old", "new", "rsa", "other") if chain[:1] == (PKI.der(name),)), chain)


class Host:
    """certbot's directory, with the version `old` of one lineage, and what the hook said."""

    def __init__(self, base):
        self.base, self.folder = base, base / "letsencrypt"
        self.bin, self.journal = base / "bin", base / "journal"
        self.textfile = base / "metrics/fullchain_tls.prom"
        for folder in (self.bin, self.textfile.parent, self.folder):
            folder.mkdir()
        (self.folder / "fullchain.conf").write_text(f"textfile {self.textfile}\n")
        self.command("logger", f'echo "$@" >>{self.journal}')
        self.servers = []
        self.renew("old", "inter")

    def command(self, name, text):
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def renew(self, leaf, *chain, key="", lineage=NAME, order=None):
        """What certbot does before it runs the hook: the next version, and the links to it."""
        archive, live = (self.folder / kind / lineage for kind in ("archive", "live"))
        archive.mkdir(parents=True, exist_ok=True)
        live.mkdir(parents=True, exist_ok=True)
        version = 1 + max([int(path.stem[4:]) for path in archive.glob("cert*.pem")], default=0)
        texts = (PKI.pem(leaf), PKI.pem(*chain) if chain else "", PKI.pem(leaf, *chain), PKI.key_pem(key or leaf))
        for kind, text in zip(KINDS, texts, strict=True):
            (archive / f"{kind}{version}.pem").write_text(text)
            (live / f"{kind}.pem").unlink(missing_ok=True)
            (live / f"{kind}.pem").symlink_to(f"../../archive/{lineage}/{kind}{version}.pem")

    def server(self, kind="nginx"):
        self.servers.append(Nginx(self, kind))
        return self.servers[-1].run()

    def hook(self, lineage=NAME, path=None, patience=3, user=None, **environment):
        """Run the hook as certbot does; its exit code and the sentence that it said last."""
        self.journal.unlink(missing_ok=True)
        done = subprocess.run(
            ["sh", "-c", HOOK],
            env={
                "PATH": path or f"{self.bin}:{os.environ['PATH']}",
                "RENEWED_LINEAGE": f"{self.folder}/live/{lineage}",
                "FULLCHAIN_TLS_PATIENCE": str(patience),
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            user=user,
        )
        said = self.journal.read_text().splitlines() if self.journal.exists() else []
        for kind, output in ((True, done.stdout), (False, done.stderr)):
            assert [line.split(" -- ")[1] for line in said if ("daemon.info" in line) is kind] == output.splitlines()
        return done.returncode, said[-1] if said else ""

    def links(self, lineage=NAME):
        return {int(re.findall(r"\d+", os.readlink(self.folder / f"live/{lineage}/{kind}.pem"))[-1]) for kind in KINDS}

    def metrics(self):
        lines = [line.rpartition(" ") for line in self.textfile.read_text().splitlines() if not line.startswith("#")]
        return {key.removeprefix("fullchain_tls_"): float(value) for key, _space, value in lines}

    def succeeded(self, lineage=NAME):
        return self.metrics()[f'renewal_success{{lineage="{lineage}"}}']


@pytest.fixture
def host(tmp_path):
    host = Host(tmp_path)
    yield host
    for server in host.servers:
        server.stop()


def until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def refused(host, reason, *servers):
    """The hook refuses what was renewed: the old version is linked and served, and everybody is told."""
    code, said = host.hook()
    assert code == 1
    assert said.startswith(f"-t fullchain-tls -p daemon.err -- {NAME}: NOT renewed: "), said
    assert reason in said
    assert "Version 2 is set aside, version 1 is linked again" in said
    assert host.links() == {1}
    archive = host.folder / f"archive/{NAME}"
    assert {path.name for path in archive.iterdir()} == {
        f"{kind}{end}" for kind in KINDS for end in ("1.pem", "2.pem.refused")
    }
    assert [server.served() for server in servers] == ["old"] * len(servers)
    assert host.succeeded() == 0
    return said


# --- what is sound


def test_a_sound_lineage_is_loaded_and_served(host):
    server = host.server()
    assert server.served() == "old"
    host.renew("new", "inter")
    code, said = host.hook()
    assert (code, said) == (0, f"-t fullchain-tls -p daemon.info -- {NAME}: renewed, and served by nginx")
    assert server.served() == "new"
    assert host.links() == {2}
    metrics = host.metrics()
    assert metrics[f'certificate_not_after_seconds{{lineage="{NAME}"}}'] == PKI["new"].not_after.timestamp()
    assert abs(metrics[f'renewal_timestamp_seconds{{lineage="{NAME}"}}'] - time.time()) < 60
    assert host.succeeded() == 1


def test_the_textfile_is_one_that_prometheus_reads(host):
    """Each metric's lines in one place below its HELP and TYPE; a lineage that is gone is left out, others stay."""
    host.renew("new", "inter", lineage="a.test")
    host.renew("new", "inter", lineage="gone.test")
    for lineage in ("a.test", "gone.test"):
        assert host.hook(lineage)[0] == 0
    shutil.rmtree(host.folder / "live/gone.test")
    assert host.hook()[0] == 0
    text = host.textfile.read_text()
    names = re.findall(r"^# TYPE (\S+) gauge$", text, re.MULTILINE)
    assert re.findall(r"^# HELP (\S+) .+\.$", text, re.MULTILINE) == names
    assert re.findall(r'^(\w+)\{lineage="([a-z.]+)"\} \d+$', text, re.MULTILINE) == [
        (name, lineage) for name in names for lineage in ("a.test", NAME)
    ]
    assert len(text.splitlines()) == 4 * len(names) == 12
    assert host.textfile.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in host.textfile.parent.iterdir()] == [host.textfile.name]


@pytest.mark.parametrize("settings", ["textfile \n", "textfile /nonexistent/x.prom\n", None])
def test_no_textfile_is_no_trouble(host, settings):
    (host.folder / "fullchain.conf").unlink()
    if settings:
        (host.folder / "fullchain.conf").write_text(settings)
    assert host.hook()[0] == 0
    assert not host.textfile.exists()


def test_a_site_that_is_not_there_yet_is_no_error(host):
    """Neither is a server that has no lineages any more, whose link leads nowhere, or one with others."""
    (host.folder / "fullchain-gone.conf").symlink_to("/nonexistent")
    server = host.server()
    host.renew("new", "inter", lineage="b.test")
    code, said = host.hook("b.test")
    assert (code, "renewed, and sound; no server that runs here has a site of it" in said) == (0, True)
    assert server.served() == "old"


def test_a_server_that_does_not_run_is_not_started(host):
    server = host.server()
    server.stop()
    host.renew("new", "inter")
    assert host.hook()[0] == 0
    assert not (server.base / "pid").exists()


def test_what_the_role_obtains_is_left_to_its_deploy(host):
    host.server()
    host.renew("new", key="old")
    assert host.hook(FULLCHAIN_TLS_DEPLOY="1") == (0, "")
    assert host.links() == {2}


def test_two_servers_of_a_host(host):
    servers = [host.server(), host.server("apache")]
    host.renew("new", "inter")
    code, said = host.hook()
    assert (code, said.rpartition("served by ")[2]) == (0, "apache nginx")
    assert [server.served() for server in servers] == ["new", "new"]


def test_leaf_and_chain_in_files_of_their_own(host):
    server = host.server()
    live = f"{host.folder}/live/{{}}"
    server.use(cert=f"{live}/cert.pem", chain=f"{live}/chain.pem")
    host.renew("new", "inter")
    assert host.hook()[0] == 0
    host.renew("new")
    assert "its chain does not verify: unable to get local issuer certificate (depth 0)" in host.hook()[1]
    assert host.links() == {2}


def test_a_second_certificate_of_another_kind(host):
    """Which of the two a client sees is for its ciphers to say."""
    other = "shop.test-rsa"
    host.renew("rsa", "inter", lineage=other)
    server = Nginx(host)
    host.servers.append(server)
    server.configure(pairs=(NAME, other))
    server.use(NAME, other)
    server.run()
    for leaf, lineage in (("new", NAME), ("rsa", other)):
        host.renew(leaf, "inter", lineage=lineage)
        assert host.hook(lineage) == (0, f"-t fullchain-tls -p daemon.info -- {lineage}: renewed, and served by nginx")


def test_a_host_that_trusts_its_own_store_and_one_certificate_more(host):
    server = host.server()
    server.use(trust=("root", "inter"), system=True)
    host.renew("new", "inter")
    assert host.hook()[0] == 0
    host.renew("new")  # an intermediate that is trusted hides nothing
    assert "its chain does not verify: unable to get" in host.hook()[1]
    assert server.served() == "new"


def test_where_no_finding_stops_a_deploy_none_stops_a_renewal(host):
    """But for what no server could load."""
    server = host.server()
    server.use(fail_on="never")
    host.renew("new")
    assert host.hook()[0] == 0
    assert server.served() == "new"
    host.renew("new", key="old")
    assert "its key does not match the certificate" in host.hook()[1]


def test_a_snippet_that_no_server_block_includes_yet(host):
    server = host.server()
    server.use(seen=False)
    host.renew("new", "inter")
    code, said = host.hook()
    assert (code, said.rpartition("served by ")[2]) == (0, "nginx (not looked at: no site yet)")


# --- what is not


UNTRUSTED = "its chain does not verify: unable to get local issuer certificate (depth 0)"


@pytest.mark.parametrize(
    ("chain", "key", "reason"),
    [
        (["new"], "", UNTRUSTED),
        (["new", "inter"], "old", "its key does not match the certificate"),
        (["new", "ended"], "", "its chain does not verify: certificate has expired (depth 1)"),
        (["late", "inter"], "", "its chain does not verify: certificate has expired (depth 0)"),
        (["narrow", "inter"], "", f"it is not valid for {ALIAS}"),
        (["other"], "", UNTRUSTED),
    ],
    ids=["incomplete", "another key", "expired intermediate", "expired leaf", "a name is missing", "untrusted root"],
)
def test_what_the_files_of_a_lineage_tell(host, chain, key, reason):
    server = host.server()
    host.renew(*chain, key=key)
    refused(host, reason, server)


def test_no_key_at_all(host):
    server = host.server()
    host.renew("new", "inter")
    (host.folder / f"archive/{NAME}/privkey2.pem").write_text("-----BEGIN\n")
    refused(host, "its key can't be read", server)


def test_garbage_in_the_place_of_certificates(host):
    server = host.server()
    host.renew("new", "inter")
    (host.folder / f"archive/{NAME}/fullchain2.pem").write_text(PKI.pem("new") + "-----BEGIN CERTIFICATE-----\nx\n")
    refused(host, "its certificates can't be read", server)


def test_a_lineage_that_no_server_has_is_checked_for_what_needs_no_trust(host):
    host.renew("new", "inter", key="old")
    assert "its key does not match the certificate" in refused(host, "")


def test_one_server_of_two_does_not_accept_it(host):
    """Clients of one do not trust the root: neither loads it."""
    servers = [host.server(), host.server("apache")]
    servers[1].use(trust=("root", "other_root"))
    host.renew("other")
    refused(host, "its chain does not verify", *servers)


def test_a_configuration_that_does_not_pass_its_test(host):
    server = host.server()
    server.configure("no_such_directive on;")
    host.renew("new", "inter")
    assert 'unknown directive "no_such_directive"' in refused(host, "the configuration test of nginx fails", server)


def test_a_reload_that_is_refused_has_both_servers_go_back(host):
    """nginx answers 0 to a reload that it then can't do: a socket that another process has is no matter to its test."""
    servers = [host.server("apache"), host.server()]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        servers[1].configure(f"listen 127.0.0.1:{taken.getsockname()[1]};")
        host.renew("new", "inter")
        said = refused(host, f"nginx: {NAME}:{servers[1].port}: another certificate is served", *servers)
    assert said.endswith("apache serves that again. nginx serves that again")


def test_a_server_that_dies_on_the_reload_is_started_with_the_old_one(host):
    server = host.server()
    server.reload = ["sh", "-c", f"kill $(cat {server.base}/pid); sleep 1"]
    server.use()
    host.renew("new", "inter")
    assert refused(host, "nginx: it has died on the reload", server).endswith("nginx serves that again")


def test_a_command_that_fails(host):
    server = host.server()
    server.reload = ["sh", "-c", "echo not today; exit 3"]
    server.use()
    host.renew("new", "inter")
    assert "nginx DOES NOT SERVE it: not today" in refused(host, "nginx refuses to be reloaded: not today", server)


# --- versions


def test_the_last_good_version_is_not_the_one_before(host):
    server = host.server()
    host.renew("late", "inter")
    host.renew("new")
    (host.folder / f"archive/{NAME}/chain2.pem").unlink()
    host.hook()
    assert host.links() == {1}
    assert server.served() == "old"


def test_a_later_run_uses_the_number_again(host):
    server = host.server()
    for _run in range(2):
        host.renew("new")
        refused(host, "its chain does not verify", server)
    host.renew("new", "inter")
    assert host.hook()[0] == 0
    assert (server.served(), host.links()) == ("new", {2})
    host.renew("old", key="new")
    assert host.hook()[0] == 1
    assert sorted(path.name for path in (host.folder / f"archive/{NAME}").glob("*.refused")) == [
        f"{kind}3.pem.refused" for kind in KINDS
    ]


def test_without_a_sound_version_one_that_can_be_loaded(host):
    """What the server runs with need not be sound, such as one that has expired."""
    archive = host.folder / f"archive/{NAME}"
    for kind, text in zip(
        KINDS, (PKI.pem("late"), PKI.pem("inter"), PKI.pem("late", "inter"), PKI.key_pem("late")), strict=True
    ):
        (archive / f"{kind}1.pem").write_text(text)
    server = host.server()
    host.renew("new", key="old")
    assert host.hook()[0] == 1
    assert host.links() == {1}
    assert server.served() == (PKI.der("late"), PKI.der("inter"))


def test_no_earlier_version(host):
    host.renew("new", key="old", lineage="first.test")
    code, said = host.hook("first.test")
    assert (code, said.rpartition(". ")[2]) == (1, "There is no earlier version to go back to")
    assert host.links("first.test") == {1}


def test_a_key_that_is_used_again(host):
    """certbot's reuse_key makes a version's key a link to the one before."""
    server = host.server()
    host.renew("new", "inter")
    key = host.folder / f"archive/{NAME}/privkey2.pem"
    key.unlink()
    key.symlink_to("privkey1.pem")
    refused(host, "its key does not match the certificate", server)


# --- what is no fault of the lineage


def left_alone(host, reason, **how):
    code, said = host.hook(**how)
    assert (code, reason in said) == (1, True), said
    assert host.links() == {2}


@pytest.mark.skipif(any(map(os.path.exists, SBIN)), reason="needs an openssl that is not in sbin")
def test_without_openssl(host):
    """Nothing is set aside: certbot would ask for another at each of its runs."""
    server = host.server()
    host.renew("new", "inter")
    for name in ("sh", "sed", "awk", "grep", "mktemp", "mkdir", "rm", "date", "cat", "chmod", "mv"):
        (host.bin / name).symlink_to(str(shutil.which(name)))
    left_alone(host, "openssl is not installed", path=str(host.bin))
    assert server.served() == "old"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
def test_a_user_who_is_not_root():
    with TemporaryDirectory(dir="/tmp") as folder:  # pytest's own are closed to others
        host = Host(Path(folder))
        host.renew("new", "inter")
        for path in (folder, host.textfile.parent):
            os.chmod(path, 0o777)
        (host.folder / f"archive/{NAME}/privkey2.pem").chmod(0o600)
        left_alone(host, "user 65534 may not read its key or change its links", user=65534)


def test_files_in_the_place_of_links(host):
    host.renew("new", "inter")
    live = host.folder / f"live/{NAME}/cert.pem"
    live.unlink()
    live.write_text(PKI.pem("new"))
    assert "is no link of certbot's to a version" in host.hook()[1]


# --- the next deploy


def test_the_next_deploy_knows_what_was_verified(host):
    server = host.server()
    path, foreign = f"{host.folder}/live/{NAME}/fullchain.pem", "/elsewhere/fullchain.pem"
    record = server.base / ".confirmed.json"
    known = {"generation": 3, "lineages": {path: "0" * 64, foreign: "1" * 64}}
    record.write_text(json.dumps(known, indent=1, sort_keys=True))
    host.renew("new", "inter")
    assert host.hook()[0] == 0
    known["lineages"][path] = sha256(PKI.pem("new", "inter").encode()).hexdigest()
    assert record.read_text() == json.dumps(known, indent=1, sort_keys=True) + "\n"
    assert record.stat().st_mode & 0o777 == 0o600
    before = record.read_text()
    host.renew("new")
    assert host.hook()[0] == 1
    assert record.read_text() == before
