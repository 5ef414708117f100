# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action against a real nginx, by a real ansible-playbook.

The PKI of all tests here::

    root <- inter <- leaf, rsa, renewed, expired, foreign (another name)
"""

from __future__ import annotations

import json
import os
import pwd
import re
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pki import Cert, Pki, mint
from tests.unit.deploy.webserver import NAME, NGINX, Webserver

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")

GOOD = ("leaf", "inter")


@pytest.fixture(scope="module")
def pki() -> Pki:
    return mint(
        root=Cert(),
        inter=Cert(issuer="root"),
        leaf=Cert(issuer="inter", names=[NAME]),
        renewed=Cert(issuer="inter", names=[NAME]),
        rsa=Cert(issuer="inter", names=[NAME], key_type="rsa2048"),
        expired=Cert(issuer="inter", names=[NAME], ends="-1d"),
        foreign=Cert(issuer="inter", names=["other.test"]),
    )


@pytest.fixture
def web(tmp_path: Path, pki: Pki) -> Iterator[Webserver]:
    server = Webserver(tmp_path, pki)
    yield server
    server.stop()


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.mark.core
def test_first_and_second_run(web: Webserver) -> None:
    play = web.play(web.task(), web.task())
    first, second = play.results
    assert (first["failed"], first["changed"], first["generation"]) == (False, True, 1), first
    assert first["results"][0]["ok"] and first["results"][0]["chain_complete"]
    assert (second["failed"], second["changed"], second["reasons"]) == (False, False, []), second
    assert web.served() == web.chain(*GOOD)
    assert web.links() == {"current": "generations/000001", "confirmed": "generations/000001"}


def test_modes(web: Webserver) -> None:
    web.play(web.task())
    modes = {
        str(path.relative_to(web.root)): path.stat().st_mode & 0o777 for path in (web.root / "generations").rglob("*")
    }
    key = f"generations/000001/certs/{NAME}/privkey.pem"
    assert modes[key] == 0o600
    assert {mode for path, mode in modes.items() if (web.root / path).is_dir()} == {0o700}
    assert web.root.stat().st_mode & 0o777 == 0o700


REFUSED = {
    "without its intermediate": ({"which": "renewed", "chain": ()}, "incomplete-chain"),
    "wrong key": ({"which": "renewed", "key": "leaf"}, "key-mismatch"),
    "expired": ({"which": "expired"}, "expired"),
    "another name": ({"which": "foreign"}, "name-mismatch"),
}


def test_unsound_certificates_are_refused_before_the_host_is_touched(web: Webserver) -> None:
    """Every command of the server leaves a trace in these tasks, and there is none."""
    web.play(web.task())
    before, trace = tree(web.root), web.base / "trace"
    commands = {name: ["touch", str(trace)] for name in ("test", "reload", "start")}
    play = web.play(*(web.task(**fault, **commands) for fault, _code in REFUSED.values()))
    assert len(play.results) == len(REFUSED)
    for result, (_fault, code) in zip(play.results, REFUSED.values(), strict=True):
        assert result["failed"] and not result["changed"], result
        assert result["msg"].startswith("Refused before anything on the host was touched"), result["msg"]
        assert f"error {code}: " in result["msg"] and "fix: " in result["msg"], result["msg"]
        assert result["codes"] == [code]
    assert not trace.exists()
    assert tree(web.root) == before
    assert web.served() == web.chain(*GOOD)


@pytest.mark.core
def test_below_the_message_of_a_failure_stands_one_line_that_holds_little_else(web: Webserver) -> None:
    """ansible-core's default callback prints the message, then the result as JSON."""
    missing = web.task(certificates=[{"name": NAME, "fullchain": "no.pem", "privkey": "no.pem"}])
    syntax = web.task(files=[web.site(extra="no_such_directive on;")])
    silent = web.task("renewed", reload=["true"], pid_file=None)
    play = web.play(web.task(), missing, web.task("renewed", chain=()), syntax, silent, options=("--diff",))
    always = {"changed", "codes", "msg", "taken_back"}
    expected = [always, always, *[always | {"generation", "previous"}] * 2]
    printed = [
        json.loads(line.partition(" => ")[2]) for line in play.output.splitlines() if line.startswith("fatal: [web1]")
    ]
    assert [set(result) - {"ansible_facts"} for result in printed] == expected, play.output
    for result in printed:
        assert result["msg"] in play.output
    assert [result["codes"] for result in printed] == [[], ["incomplete-chain"], [], ["stale-certificate"]]
    assert [result["changed"] for result in printed] == [False, False, True, True]


def test_all_bad_certificates_are_told_at_once(web: Webserver) -> None:
    certificates = [
        {
            "name": "a.test",
            "fullchain": web.pki.pem("leaf", "inter"),
            "privkey": web.pki.key_pem("leaf"),
            "source": "sites[7]",
        },
        {"name": "b.test", "fullchain": "/no/such/file.pem", "privkey": web.pki.key_pem("leaf")},
    ]
    message = web.play(web.task(certificates=certificates)).results[0]["msg"]
    assert "2 certificates cannot be deployed" in message
    assert "a.test (sites[7])" in message and "name-mismatch" in message
    assert "'/no/such/file.pem' cannot be read on the controller: no such file\n" in message
    assert not web.root.exists()


def test_syntax_error_is_taken_back(web: Webserver) -> None:
    play = web.play(web.task(), web.task(files=[web.site(extra="no_such_directive on;")]))
    result = play.results[1]
    assert result["failed"] and result.get("taken_back") and result["generation"] == 1, result
    assert 'unknown directive "no_such_directive"' in result["msg"]
    assert f"{NAME}:{web.port} serves what it served before, byte for byte" in result["msg"]
    assert web.served() == web.chain(*GOOD)
    assert web.links() == {"current": "generations/000001", "confirmed": "generations/000001"}


def test_failing_reload_is_taken_back(web: Webserver) -> None:
    """A reload that works only for what is confirmed: the new one answers 1, going back succeeds."""
    picky = [
        "sh",
        "-c",
        f'[ "$(readlink {web.root}/current)" = generations/000001 ] || exit 1; {" ".join(web.command("-s", "reload"))}',
    ]
    result = web.play(web.task(), web.task("renewed", reload=picky)).results[1]
    assert result["failed"] and result["taken_back"], result
    assert "The server was not reloaded: the reload command sh -c" in result["msg"] and "answered 1" in result["msg"]
    assert "Taken back: generation 1 is current again" in result["msg"]
    assert web.served() == web.chain(*GOOD)


def test_reload_that_never_works_says_so(web: Webserver) -> None:
    """Then the server has loaded nothing either way; the next run does not trust it and goes through all steps."""
    play = web.play(web.task(), web.task("renewed", reload=["false"]), web.task())
    assert "But the server has not loaded it" in play.results[1]["msg"]
    assert "byte for byte" in play.results[1]["msg"]
    assert play.results[2]["reasons"] == ["an earlier deploy neither confirmed nor took back what it switched to"]
    assert play.results[2]["changed"] and not play.results[2]["failed"]
    assert web.served() == web.chain(*GOOD)


def test_reload_that_nginx_refuses_is_noticed(web: Webserver) -> None:
    """`nginx -s reload` answers 0 and `-t` passes (it binds no port that is in use... by itself); the master refuses."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        clash = {"dest": "sites/clash.conf", "content": f"server {{ listen 127.0.0.1:{taken.getsockname()[1]}; }}\n"}
        # -t binds the port as well and would notice: a test that looks only at the syntax, as Apache's does.
        play = web.play(web.task(), web.task(files=[web.site(), clash], test=["true"]))
    result = play.results[1]
    assert result["failed"] and result["taken_back"], result
    assert "the server refused the reload" in result["msg"] and "Address already in use" in result["msg"], result["msg"]
    assert web.served() == web.chain(*GOOD)


@pytest.mark.core
def test_server_that_keeps_serving_the_old_one(web: Webserver) -> None:
    result = web.play(web.task(), web.task("renewed", reload=["true"], pid_file=None)).results[1]
    assert result["failed"] and result["taken_back"], result
    assert "stale-certificate" in result["msg"] and "byte for byte" in result["msg"], result["msg"]
    assert result["codes"] == ["stale-certificate"]
    assert web.served() == web.chain(*GOOD)
    assert web.links() == {"current": "generations/000001", "confirmed": "generations/000001"}


def test_server_that_serves_something_else(web: Webserver) -> None:
    """The site's configuration names another certificate than the one delivered: without its intermediate."""
    (web.base / "alone.pem").write_text(web.pki.pem("renewed"))
    (web.base / "alone.key").write_text(web.pki.key_pem("renewed"))
    (web.base / "templates" / "odd.conf.j2").write_text(
        f"server {{ listen 127.0.0.1:{web.port} ssl; server_name {NAME};\n"
        f"ssl_certificate {web.base}/alone.pem; ssl_certificate_key {web.base}/alone.key; }}\n"
    )
    odd = {"dest": f"sites/{NAME}.conf", "src": "odd.conf.j2"}
    # The leaf delivered is the one served before: an old worker's answer would look like success.
    for result in web.play(web.task(), *[web.task(files=[odd])] * 3, web.task(files=[odd], pid_file=None)).results[1:]:
        assert result["failed"] and result["taken_back"], result
    assert "incomplete-chain" in result["msg"] and "fix: " in result["msg"], result["msg"]
    assert web.served() == web.chain(*GOOD)


def test_first_deploy_that_fails_leaves_nothing_current(web: Webserver) -> None:
    play = web.play(web.task(files=[web.site(extra="no_such_directive on;")]), web.task())
    first, second = play.results
    assert first["failed"] and first.get("taken_back") and first["generation"] is None, first
    assert "there was none before, so none is current now" in first["msg"]
    assert "serves nothing, as before" in first["msg"]
    assert (second["failed"], second["changed"]) == (False, True), second
    assert web.served() == web.chain(*GOOD)


def test_controller_killed_while_it_verifies(web: Webserver) -> None:
    """Switched, not reloaded, never confirmed: the next run trusts none of it, though no file differs any more."""
    web.play(web.task())
    running = web.start_play(web.task("renewed", reload=["true"], pid_file=None, verify_timeout=300))
    deadline = time.monotonic() + 120
    while web.links()["current"] != "generations/000002" and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    assert web.links() == {"current": "generations/000002", "confirmed": "generations/000001"}
    assert web.served() == web.chain(*GOOD)
    first, second = web.play(web.task("renewed"), web.task("renewed")).results
    assert first["changed"] and not first["failed"], first
    assert first["reasons"] == ["an earlier deploy neither confirmed nor took back what it switched to"]
    assert web.links() == {"current": "generations/000002", "confirmed": "generations/000002"}
    assert web.served() == web.chain("renewed", "inter")
    assert not second["changed"]


def test_run_that_is_overtaken_touches_nothing_more(web: Webserver) -> None:
    """While the first run waits for its leaf, another one deploys; the first neither confirms nor takes back."""
    web.play(web.task())
    slow = web.start_play(web.task("renewed", reload=["true"], pid_file=None, verify_timeout=20))
    deadline = time.monotonic() + 120
    while web.links()["current"] != "generations/000002" and time.monotonic() < deadline:
        time.sleep(0.05)
    record = web.base / "record"
    other = Webserver.__new__(Webserver)
    other.__dict__.update(web.__dict__)
    (web.base / "second").mkdir()
    (web.base / "second" / "templates").symlink_to(web.base / "templates")
    other.base = web.base / "second"
    result = other.play(
        {"fullchain.tls.deploy": web.task(files=[web.site(extra="# second")])["fullchain.tls.deploy"]}
    ).results[0]
    assert result["changed"], result
    slow.communicate()
    lost = json.loads(record.read_text().splitlines()[0])
    assert "It could not be taken back: another deploy took over" in lost["msg"], lost
    assert not lost["taken_back"]
    assert web.links() == {"current": "generations/000003", "confirmed": "generations/000003"}
    assert "# second" in (web.root / "current" / "sites" / f"{NAME}.conf").read_text()
    assert web.served() == web.chain(*GOOD)


def test_dead_server_is_started_by_the_next_run(web: Webserver) -> None:
    web.play(web.task())
    web.stop()
    result = web.play(web.task()).results[0]
    assert result["changed"] and not result["failed"], result
    assert web.served() == web.chain(*GOOD)


@pytest.mark.core
def test_check_mode_with_diff_touches_nothing(web: Webserver) -> None:
    """On a host where nothing is there yet, not even nginx, and a lineage is still to come."""
    commands = {name: ["/no/such/server"] for name in ("test", "reload", "start")}
    lineage = {"name": "later.test", "fullchain": "/no/such/fullchain.pem", "privkey": "/no/such/privkey.pem"}
    task = web.task(lineages=[lineage], owner="no-such-user-yet", **commands)
    play = web.play(task, options=("--check", "--diff"))
    assert play.rc == 0 and play.results[0]["changed"], play.output
    assert not web.root.exists()
    assert f"+++ after: {web.root}/current/sites/{NAME}.conf" in play.output
    assert f"+  server_name {NAME};" in play.output
    assert "+(private key, not shown)" in play.output
    missing = "directories: owner 'no-such-user-yet': there is no such user on this host"
    assert f"{missing} yet" in play.results[0]["notes"]
    assert (
        missing
        in web.play({**task, "fullchain.tls.deploy": {**task["fullchain.tls.deploy"], "lineages": []}}).results[0][
            "msg"
        ]
    )
    real = web.play(task).results[0]
    assert "lineages[0] (later.test): /no/such/fullchain.pem is not there on the host: what obtains it" in real["msg"]
    assert not web.root.exists()


def test_combined_file_is_for_whom_the_key_is_and_never_shown(web: Webserver) -> None:
    """Two runs; then another owner of the key, and a reader who is not there."""
    certificate = web.task("renewed")["fullchain.tls.deploy"]["certificates"][0]
    wanted = {**certificate, "combined": True, "group": os.getgid(), "readable_by": [pwd.getpwuid(os.getuid()).pw_name]}
    task = web.task(certificates=[wanted])
    nobody = web.task(certificates=[{**wanted, "readable_by": ["no-such-user"]}])
    first, second, refused = (play := web.play(task, task, nobody, options=("--diff", "-vvvv"))).results
    assert (first["failed"], first["changed"], second["changed"]) == (False, True, False), play.output
    folder = web.root / "current" / "certs" / NAME
    assert (folder / "combined.pem").read_text() == web.pki.pem("renewed", "inter") + web.pki.key_pem("renewed")
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert modes == {"fullchain.pem": 0o644, "privkey.pem": 0o640, "combined.pem": 0o640}
    assert folder.stat().st_mode & 0o777 == 0o750
    assert "+(secret, not shown)" in play.output
    assert web.pki.key_pem("renewed").splitlines()[1] not in play.output
    assert refused["msg"].startswith("Refused before anything on the host was touched:")
    assert f"certs/{NAME}/privkey.pem: readable_by 'no-such-user': there is no such user on this host" in refused["msg"]
    assert web.links()["current"] == "generations/000001"


def test_diff_shows_what_changes(web: Webserver) -> None:
    web.play(web.task())
    before = tree(web.root)
    play = web.play(web.task("renewed", files=[web.site(extra="# more")]), options=("--check", "--diff"))
    assert "+  # more" in play.output
    assert "-(private key before, not shown)\n+(private key, not shown)" in play.output
    assert tree(web.root) == before


def test_hand_edited_file_is_put_right(web: Webserver) -> None:
    web.play(web.task())
    path = web.root / "current" / "sites" / f"{NAME}.conf"
    path.write_text(path.read_text() + "# by hand\n")
    play = web.play(web.task(), options=("--diff",))
    assert play.results[0]["reasons"] == ["changed files: 1"]
    assert "-# by hand" in play.output
    assert "by hand" not in path.read_text()


def test_partial_keeps_what_it_does_not_name(web: Webserver) -> None:
    extra = {"dest": "http.conf", "content": "# challenge\n"}
    both = [web.site(), extra]
    partial = web.task(files=[extra], certificates=[], partial=True, endpoints=[])
    play = web.play(partial, web.task(files=both), partial, web.task(files=both), web.task())
    assert [result["changed"] for result in play.results] == [True, True, False, False, True], play.results
    assert not (web.root / "current" / "http.conf").exists()


@pytest.mark.core
def test_a_template_that_renders_to_nothing_is_an_empty_file_or_none(web: Webserver) -> None:
    (web.base / "templates" / "maybe.j2").write_text("{% if wanted %}\n# here\n{% endif %}\n")

    def task(wanted: bool) -> dict[str, Any]:
        given = {"src": "maybe.j2", "vars": {"wanted": wanted}}
        return web.task(files=[web.site(), {"dest": "always", **given}, {"dest": "maybe", "optional": True, **given}])

    states = []
    for wanted in (True, False, False):
        (result,) = web.play(task(wanted)).results
        found = {path.name: path.read_text().strip() for path in (web.root / "current").iterdir() if path.is_file()}
        found.pop(".manifest.json")
        states.append((result["changed"], found))
    assert states == [(True, {"always": "# here", "maybe": "# here"}), (True, {"always": ""}), (False, {"always": ""})]


class Lineage:
    """certbot's files of the site, in the way of a deploy that refers to them."""

    def __init__(self, web: Webserver) -> None:
        self.web = web
        self.fullchain, self.privkey = web.base / "live.pem", web.base / "live.key"

    def issue(self, which: str, *chain: str) -> None:
        """Write new files at the same paths, as a renewal does."""
        self.fullchain.write_text(self.web.pki.pem(which, *chain))
        self.privkey.write_text(self.web.pki.key_pem(which))

    def task(self, comment: str = "", **parameters: Any) -> dict[str, Any]:
        """A deploy whose site serves this lineage."""
        content = (
            f"server {{ listen 127.0.0.1:{self.web.port} ssl; server_name {NAME};\n"
            f"ssl_certificate {self.fullchain}; ssl_certificate_key {self.privkey}; }}\n# {comment}\n"
        )
        lineage = {"name": NAME, "fullchain": str(self.fullchain), "privkey": str(self.privkey)}
        files = [{"dest": "sites/shop.conf", "content": content}]
        return self.web.task(certificates=[], lineages=[lineage], files=files, **parameters)

    def planting(self, form: str, text: str) -> list[str]:
        """A reload command that writes to one of the files first, once."""
        planted = self.web.base / "planted"
        planted.write_text(text)
        reload = " ".join(self.web.command("-s", "reload"))
        return ["sh", "-c", f"[ ! -e {planted} ] || mv {planted} {getattr(self, form)}; {reload}"]


def test_renewed_lineage_is_loaded_and_verified(web: Webserver) -> None:
    """certbot writes new files at the same paths; nothing of the generation differs."""
    lineage = Lineage(web)
    lineage.issue("leaf", "inter")
    first, second = web.play(lineage.task(), lineage.task()).results
    assert (first["changed"], second["changed"]) == (True, False), (first, second)
    lineage.issue("renewed", "inter")
    result = web.play(lineage.task()).results[0]
    assert result["reasons"] == [f"lineage {NAME} is not the one last verified"] and not result["failed"], result
    assert web.served() == web.chain("renewed", "inter")
    lineage.issue("renewed")
    result = web.play(lineage.task()).results[0]
    assert result["failed"] and "incomplete-chain" in result["msg"] and "Refused before" in result["msg"], result
    assert web.served() == web.chain("renewed", "inter")
    lineage.privkey.write_text("nonsense")
    assert "no private key that openssl can read" in web.play(lineage.task()).results[0]["msg"]


@pytest.mark.parametrize(
    ("form", "which", "words"),
    [("privkey", "renewed", "is not the key of"), ("fullchain", "leaf", "it is not sound")],
)
def test_lineage_in_service_that_is_spoiled_between_the_check_and_the_reload_is_put_back(
    web: Webserver, form: str, which: str, words: str
) -> None:
    """A key of another certificate, which nginx does not load; and a chain without its intermediate, which it does."""
    lineage = Lineage(web)
    lineage.issue(*GOOD)
    spoiled = web.pki.pem("leaf") if form == "fullchain" else web.pki.key_pem(which)
    task = lineage.task(comment="new", reload=lineage.planting(form, spoiled))
    first, result = web.play(lineage.task(), task).results
    assert first["changed"] and not first["failed"], first
    assert result["failed"] and result["taken_back"], result
    for text in (f"lineage {NAME} was written to meanwhile", words, "is put back as it was judged", "byte for byte"):
        assert text in result["msg"], result["msg"]
    assert (lineage.fullchain.read_text(), lineage.privkey.read_text()) == (web.pki.pem(*GOOD), web.pki.key_pem("leaf"))
    assert Path(f"{getattr(lineage, form)}.refused").read_text() == spoiled
    assert not (web.root / ".unsettled").exists()
    assert web.play(lineage.task(comment="new")).results[0]["changed"]
    assert web.served() == web.chain(*GOOD)


def test_lineage_renewed_meanwhile_stays_when_a_deploy_is_taken_back(web: Webserver) -> None:
    lineage = Lineage(web)
    lineage.issue(*GOOD)
    web.play(lineage.task())
    renewing = f"cp {web.base}/next.pem {lineage.fullchain}; cp {web.base}/next.key {lineage.privkey}; false"
    (web.base / "next.pem").write_text(web.pki.pem("renewed", "inter"))
    (web.base / "next.key").write_text(web.pki.key_pem("renewed"))
    result = web.play(lineage.task(comment="new", test=["sh", "-c", renewing])).results[0]
    assert result["failed"] and "written to meanwhile" not in result["msg"], result
    assert lineage.fullchain.read_text() == web.pki.pem("renewed", "inter")


def test_two_kinds_of_certificates_are_both_verified(web: Webserver) -> None:
    """Each client takes one of them, so that a bad one would be noticed by some alone."""
    endpoint = {"host": NAME, "address": "127.0.0.1", "port": web.port}
    kinds = {"ecdsa": NAME, "rsa": f"{NAME}-rsa"}
    both = {
        "certificates": [
            {
                "name": name,
                "server_names": [NAME],
                "fullchain": web.pki.pem(which, "inter"),
                "privkey": web.pki.key_pem(which),
            }
            for name, which in ((NAME, "leaf"), (f"{NAME}-rsa", "rsa"))
        ],
        "endpoints": [{**endpoint, "key_types": [kind], "certificate": name} for kind, name in kinds.items()],
    }
    directory = f"{web.root}/current/certs/{NAME}"
    second = f"ssl_certificate {directory}-rsa/fullchain.pem; ssl_certificate_key {directory}-rsa/privkey.pem;"
    play = web.play(
        web.task(**both, files=[web.site(extra=second)]),
        web.task(**both, files=[web.site(extra=second)]),
        web.task(**both, files=[web.site()]),
    )
    good, again, forgotten = play.results
    assert [(one["key_type"], one["ok"]) for one in good["results"]] == [("ecdsa", True), ("rsa", True)], good
    assert not again["changed"], again
    assert forgotten["failed"] and forgotten["taken_back"], forgotten
    assert "has no certificate with a key of the kind rsa" in forgotten["msg"]


def test_mis_ordered_chain_is_put_right_and_said(web: Webserver) -> None:
    result = web.play(web.task(chain=("root", "inter"))).results[0]
    assert not result["failed"], result
    assert result["notes"] and all(NAME in note for note in result["notes"]), result["notes"]
    assert web.served() == web.chain(*GOOD)


@pytest.mark.core
def test_verify_from_host(web: Webserver) -> None:
    result = web.play(web.task(verify_from="host")).results[0]
    assert not result["failed"] and result["results"][0]["ok"], result


@pytest.mark.core
def test_no_secret_in_any_output(web: Webserver) -> None:
    """The key's lines are looked for in what is printed and in every file below the test's directory but its place."""
    bad = web.task("renewed", files=[web.site(extra="no_such_directive on;")])
    secret = {"dest": "token.txt", "content": "correct-horse-battery-staple\n", "secret": True}
    with_secret = web.task(files=[web.site(), secret])
    tasks = [web.task(), with_secret, bad, web.task("renewed", key="leaf"), web.task("expired"), web.task()]
    variables: dict[str, Any] = {}
    play = web.play(*tasks, options=("-vvvv", "--diff"), **variables)
    assert len(play.results) == len(tasks)
    lines = [
        line
        for which in ("leaf", "renewed", "expired")
        for line in web.pki.key_pem(which).splitlines()
        if "-----" not in line
    ]
    for line in [*lines, "correct-horse"]:
        assert line not in play.output
        assert line not in str(play.results)
    places = {"play.yml"}
    for path in web.base.rglob("*"):
        if path.is_file() and path.name not in places and path.name not in ("privkey.pem", "token.txt"):
            data = path.read_bytes()
            assert not any(line.encode() in data for line in [*lines, "correct-horse"]), path


def test_reload_under_load(web: Webserver) -> None:
    """New connections throughout 20 deploys: no failed request, and never anything but one of the two good chains."""
    web.play(web.task())
    context = ssl.create_default_context(cafile=str(web.base / "trust.pem"))
    stop, failures, seen = threading.Event(), [], set()

    def client() -> None:
        while not stop.is_set():
            try:
                with (
                    socket.create_connection(("127.0.0.1", web.port), 5) as plain,
                    context.wrap_socket(plain, server_hostname=NAME) as tls,
                ):
                    seen.add(tls.getpeercert(binary_form=True))
                    tls.sendall(f"GET / HTTP/1.0\r\nHost: {NAME}\r\n\r\n".encode())
                    answer = b"".join(iter(lambda: tls.recv(4096), b""))
                    if not answer.endswith(b"ok\n"):
                        failures.append(repr(answer))
            except OSError as error:
                failures.append(repr(error))
            time.sleep(0.005)

    thread = threading.Thread(target=client)
    thread.start()
    try:
        play = web.play(*(web.task("renewed" if number % 2 == 0 else "leaf") for number in range(20)))
    finally:
        stop.set()
        thread.join()
    assert [(result["failed"], result["changed"]) for result in play.results] == [(False, True)] * 20
    assert failures == []
    assert seen == set(web.chain("leaf", "renewed"))


BAD_INPUT = {
    "unknown key in a file": (
        {"files": [{"dest": "x", "content": "", "contents": ""}]},
        "files[0]: unknown key 'contents', did you mean 'content'? (known: dest, src,",
    ),
    "absolute dest": ({"files": [{"dest": "/etc/x", "content": ""}]}, "dest '/etc/x' is absolute"),
    "dest above": (
        {"files": [{"dest": "a/../../x", "content": ""}]},
        "dest 'a/../../x' does not name a file inside the generation",
    ),
    "missing template": (
        {"files": [{"dest": "x", "src": "no-such.j2"}]},
        "files[0] (x): src 'no-such.j2' cannot be read: no such file; looked for /",
    ),
    "undefined variable": (
        {"files": [{"dest": "x", "src": "undefined.j2"}]},
        "files[0] (x): the template undefined.j2 cannot be rendered",
    ),
    "a string for a command": (
        {"test": "nginx -t"},
        "test: 'nginx -t' must be a list of words, run without a shell: [nginx, -t]",
    ),
    "no such endpoint": ({"endpoints": ["shop.test:https"]}, "endpoints[0]: endpoint 'shop.test:https'"),
    "unknown parameter": ({"rooot": "/x"}, "deploy: unknown key 'rooot', did you mean 'root'?"),
}


@pytest.mark.core
def test_bad_input_is_refused_before_anything_is_touched(web: Webserver) -> None:
    (web.base / "templates" / "undefined.j2").write_text("{{ no_such_variable }}")
    play = web.play(*(web.task(**fault) for fault, _message in BAD_INPUT.values()))
    for result, (_fault, message) in zip(play.results, BAD_INPUT.values(), strict=True):
        assert result["failed"] and message in result["msg"], result
    assert not web.root.exists()


def test_key_where_a_certificate_is_wanted(web: Webserver) -> None:
    key = web.pki.key_pem("leaf")
    result = web.play(web.task(certificates=[{"name": NAME, "fullchain": key, "privkey": key}])).results[0]
    assert result["failed"] and "private key" in result["msg"] and f"({NAME})" in result["msg"], result
    assert key.splitlines()[1] not in str(result)


@pytest.mark.core
def test_braces_in_values_are_not_rendered_again(web: Webserver) -> None:
    """A value is data: what looks like a template in it is written as it stands."""
    site = web.site(extra="# {% raw %}{{ 1 + 1 }}{% endraw %}")
    result = web.play(web.task(files=[site])).results[0]
    assert not result["failed"], result
    assert "# {{ 1 + 1 }}" in (web.root / "current" / "sites" / f"{NAME}.conf").read_text()


def test_module_killed_after_the_switch(web: Webserver) -> None:
    """Nobody can tell what the host serves then; that is said, with what puts it right."""
    killed = web.task("renewed", reload=["sh", "-c", "kill -9 $PPID"])
    play = web.play(web.task(), killed, web.task("renewed"))
    _first, lost, again = play.results
    assert lost["failed"] and lost["changed"] and not lost["taken_back"] and "generation" not in lost, lost
    assert "The host was asked to switch and gave no answer: what it serves now is not known." in lost["msg"]
    assert "The next run of this task finishes or undoes it" in lost["msg"]
    assert lost["msg"] in play.output
    assert not again["failed"], again
    assert web.served() == web.chain("renewed", "inter")


def test_switch_that_cannot_be_confirmed(web: Webserver) -> None:
    """With nothing to look at, the module confirms at once; its own file can't be replaced here."""
    (web.root / ".confirmed.json" / "in-the-way").mkdir(parents=True)
    result = web.play(web.task(endpoints=[])).results[0]
    assert result["failed"] and result["changed"] and result["generation"] == 1, result
    assert "that could not be noted on the host" in result["msg"] and ".confirmed.json" in result["msg"], result["msg"]
    assert "as it was" not in result["msg"]
    assert web.served() == web.chain(*GOOD)
    (web.root / ".confirmed.json" / "in-the-way").rmdir()
    (web.root / ".confirmed.json").rmdir()
    assert not web.play(web.task()).results[0]["failed"]


@pytest.fixture
def small_disk(web: Webserver) -> Iterator[Path]:
    """A file system of its own for the generations, of 30 pages: a file takes one, a directory none."""
    web.root.mkdir()
    size = f"size={30 * PAGE}"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", web.root], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("a file system can't be mounted here")
    yield web.root / "ballast"
    web.stop()
    subprocess.run(["umount", web.root], check=True)


PAGE = os.sysconf("SC_PAGE_SIZE")


def test_full_disk(web: Webserver, small_disk: Path) -> None:
    """Full while staging, then with room for the four files and the mark of a switch, and no more."""

    def fill(leave: int) -> dict[str, Any]:
        script = f"dd if=/dev/zero of={small_disk} bs={PAGE}; truncate -s -{leave * PAGE} {small_disk}"
        return {"ansible.builtin.command": {"argv": ["sh", "-c", script]}}

    empty = {"ansible.builtin.file": {"path": str(small_disk), "state": "absent"}}
    new = web.task("renewed")
    play = web.play(web.task(), fill(0), new, empty, web.task(), fill(5), new, empty, web.task())
    _first, _fill, staging, _empty, same, _fill, noting, _empty, last = play.results
    assert staging["failed"] and not staging["changed"], staging
    assert "fullchain.pem: No space left on device. Nothing was switched: the host is as it was" in staging["msg"]
    assert (same["failed"], same["changed"]) == (False, False), same
    assert noting["failed"] and noting["changed"] and not noting["taken_back"], noting
    assert "What was deployed is loaded and served, but that could not be noted on the host:" in noting["msg"]
    assert "No space left on device.\nThe next run of this task finishes or undoes it" in noting["msg"]
    assert not last["failed"] and "an earlier deploy neither confirmed nor took back" in str(last["reasons"]), last
    assert web.served() == web.chain(*GOOD)


STOPGAP = """\
server {
  listen 127.0.0.1:{{ port }} ssl;
  server_name {{ site.name }};
  ssl_certificate {{ base }}/own.pem;
  ssl_certificate_key {{ base }}/own.key;
}
"""


def obtaining(web: Webserver, seconds: float | None, **parameters: object) -> dict[str, object]:
    """A deploy to a server that starts with a chain that is not whole and has the good one some seconds after a reload, or never."""
    for which, chain in (("stopgap", ("leaf",)), ("good", ("leaf", "inter"))):
        (web.base / f"{which}.pem").write_text(web.pki.pem(*chain))
    (web.base / "own.key").write_text(web.pki.key_pem("leaf"))
    (web.base / "own.pem").write_bytes((web.base / "stopgap.pem").read_bytes())
    (web.base / "templates" / "own.conf.j2").write_text(STOPGAP)
    reload = " ".join(web.command("-s", "reload"))
    good = f"sleep {seconds}; cp {web.base}/good.pem {web.base}/own.pem; {reload}"
    obtain = "true" if seconds is None else f"({good}) >/dev/null 2>&1 &"
    values = {"port": web.port, "base": str(web.base)}
    return web.task(
        files=[{"dest": "sites/own.conf", "src": "own.conf.j2", "vars": values, "each": [{"name": NAME}]}],
        certificates=[],
        reload=["sh", "-c", f"{reload}; {obtain}"],
        start=["sh", "-c", f"{' '.join(web.command())}; {obtain}"],
        endpoints=[{"host": NAME, "address": "127.0.0.1", "port": web.port, "obtained": True}],
        **parameters,
    )


def test_a_certificate_that_the_server_obtains_is_waited_for(web: Webserver) -> None:
    play = web.play(obtaining(web, 7, obtain_timeout=60), obtaining(web, 0, obtain_timeout=60))
    assert [result["failed"] for result in play.results] == [False, False], play.output
    line = r"web1: waiting for the server to obtain 1 certificate, [56] s of 60 s: shop.test:\d+ serves one with incomplete-chain"
    assert len(re.findall(line, play.output)) == 1, play.output
    assert [result["changed"] for result in play.results] == [True, False]
    assert web.served() == web.chain(*GOOD)


def test_one_that_does_not_come_is_taken_back_and_the_log_named(web: Webserver) -> None:
    result = web.play(web.task(), obtaining(web, None, obtain_timeout=2)).results[1]
    assert result["failed"] and result["taken_back"], result
    assert result["codes"] == ["incomplete-chain"]
    assert f"within 2 s none came for {NAME}:{web.port}" in result["msg"]
    assert f"Why not stands in: {web.base}/error.log" in result["msg"]
    assert web.served() == web.chain(*GOOD)
