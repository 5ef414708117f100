# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probe, against real servers on loopback. Only the ports differ: 80 and 443 may be in use where tests run."""

import contextlib
import http.server
import os
import socket
import ssl
import threading
import time

import pytest
from ansible_collections.fullchain.tls.plugins.module_utils import certbot_probe
from ansible_collections.fullchain.tls.plugins.module_utils.certbot_probe import CHALLENGE_PATH, PROBE_PREFIX

from tests.pki import Cert, mint

PROBE = PROBE_PREFIX + "0123"
CONTENT = "c0ffee"
PATH = CHALLENGE_PATH + PROBE


@contextlib.contextmanager
def serving(answers, address="127.0.0.1", port=0, context=None):
    """A web server: path -> (status, headers, body). Yields its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            status, headers, body = answers.get((self.headers["Host"], self.path)) or answers.get(
                self.path, (404, {}, b"no")
            )
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments):
            pass

    server = http.server.ThreadingHTTPServer((address, port), Handler)
    server.daemon_threads = True
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def ports(monkeypatch):
    """Sets the ports that stand for 80 and 443."""

    def choose(http_port, https_port=1):
        monkeypatch.setattr(certbot_probe, "_PORTS", {"http": http_port, "https": https_port})

    return choose


def probe(name="localhost", timeout=5.0):
    return certbot_probe.probe_name(name, PROBE, CONTENT, timeout)


@pytest.fixture(autouse=True)
def localhost_is_ipv4(monkeypatch):
    """`localhost` has an IPv6 address on some machines, and the servers here have none."""
    real = certbot_probe.resolve
    monkeypatch.setattr(
        certbot_probe, "resolve", lambda name, port: ["127.0.0.1"] if name == "localhost" else real(name, port)
    )


@pytest.mark.parametrize("body", [b"c0ffee", b"c0ffee\n", b"c0ffee  \r\n"])
def test_the_file_comes_back(ports, body):
    with serving({("localhost", PATH): (200, {}, body)}) as port:
        ports(port)
        assert probe() == {
            "name": "localhost",
            "reached": True,
            "addresses": ["127.0.0.1"],
            "answers": [],
            "failure": "",
        }


def test_the_servers_own_words(ports):
    with serving({PATH: (403, {}, b"<html>\n\x1b[31m go   away" + b"x" * 100)}) as port:
        ports(port)
        result = probe()
    (answer,) = result["answers"]
    assert not result["reached"]
    assert (answer["address"], answer["status"], answer["reason"]) == ("127.0.0.1", 403, "Forbidden")
    assert answer["server"].startswith("BaseHTTP/")
    assert answer["words"].startswith("<html> ?[31m go awayxxx")
    assert len(answer["words"]) == certbot_probe.WORDS


@pytest.mark.parametrize(
    "answer", [(200, {}, b"c0ffee2"), (200, {}, b""), (404, {}, b"c0ffee"), (200, {}, b"x" * 200000)]
)
def test_another_content_is_not_the_file(ports, answer):
    with serving({PATH: answer}) as port:
        ports(port)
        result = probe()
    assert (result["reached"], result["answers"][0]["connected"]) == (False, True)


def test_nobody_listens(ports):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        ports(unused.getsockname()[1])
        (answer,) = probe()["answers"]
    assert (answer["connected"], answer["failure"]) == (False, "Connection refused")


def test_a_name_that_does_not_resolve(ports):
    result = probe("name.invalid")
    assert (result["addresses"], result["answers"], result["reached"]) == ([], [], False)
    assert result["failure"]


def test_an_address_as_name(ports):
    with serving({("127.0.0.1", PATH): (200, {}, b"c0ffee")}) as port:
        ports(port)
        assert probe("127.0.0.1")["reached"]


def test_each_address_that_answers_has_to_have_the_file(ports, monkeypatch):
    addresses = ["127.0.0.3", "127.0.0.1", "127.0.0.2"]
    monkeypatch.setattr(certbot_probe, "resolve", lambda name, port: addresses)
    with serving({PATH: (200, {}, b"c0ffee")}) as port:
        ports(port)
        assert probe()["reached"]  # the others refuse the connection, as a dead IPv6 address does
        with serving({}, "127.0.0.2", port):
            result = probe()
    assert not result["reached"]
    assert [(answer["address"], answer["status"]) for answer in result["answers"]] == [("127.0.0.2", 404)]


def redirect(location):
    return (302, {"Location": location}, b"")


def test_redirects_are_followed_without_looking_at_certificates(ports, tmp_path):
    pki = mint(leaf=Cert(names=["other.test"]))
    (tmp_path / "both.pem").write_text(pki.pem("leaf") + pki.key_pem("leaf"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(str(tmp_path / "both.pem"))
    plain = {PATH: redirect("/a?b"), "/a?b": redirect("https://localhost/c")}
    with serving(plain) as port, serving({"/c": (200, {}, b"c0ffee")}, context=context) as tls_port:
        ports(port, tls_port)
        assert probe()["reached"]


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("ftp://localhost/x", "neither HTTP nor HTTPS"),
        ("https:///x", "neither HTTP nor HTTPS"),
        ("http://localhost:8080/x", "to the ports 80 and 443 only"),
        ("http://127.0.0.1/x", "do not follow to an IP address"),
        ("http://[::1]/x", "do not follow to an IP address"),
        ("http://[::1/x", "Invalid IPv6 URL"),
        ("", "a redirect without a Location"),
        (PATH, "more than 10 redirects"),
        ("http://name.invalid/", "ame"),
    ],
)
def test_redirects_that_an_acme_server_does_not_follow(ports, location, said):
    with serving({PATH: redirect(location)}) as port:
        ports(port)
        (answer,) = probe()["answers"]
    assert (answer["connected"], answer["reached"], answer["status"]) == (True, False, 302)
    assert said in answer["failure"]


@contextlib.contextmanager
def odd_server(talk):
    """A server that does `talk(connection)` with each connection."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]


def drip(connection):
    with contextlib.suppress(OSError):
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x")
            time.sleep(0.05)


@pytest.mark.parametrize(
    ("talk", "said"),
    [
        (lambda connection: connection.close(), "closed without an answer"),
        (lambda connection: connection.sendall(b"SSH-2.0-OpenSSH\r\n"), "no HTTP answer"),
        (lambda connection: time.sleep(2), "timed out"),
        (drip, "timed out"),
    ],
    ids=["closes", "speaks SSH", "is silent", "drips"],
)
def test_servers_that_do_not_answer(ports, talk, said):
    with odd_server(talk) as port:
        ports(port)
        began = time.monotonic()
        (answer,) = probe(timeout=0.5)["answers"]
    assert time.monotonic() - began < 1.5
    assert answer["connected"]
    assert said in answer["failure"] or "reset" in answer["failure"]


def test_dead_names_hold_nobody_up(ports, monkeypatch):
    monkeypatch.setattr(
        certbot_probe, "resolve", lambda name, port: ["127.0.0.1"] if name == "good" else time.sleep(5) or []
    )
    names = [f"dead{number}" for number in range(10)] + ["good"]
    with serving({PATH: (200, {}, b"c0ffee")}) as port:
        ports(port)
        began = time.monotonic()
        results = certbot_probe.probe_all(names, PROBE, CONTENT, 0.5)
    assert time.monotonic() - began < 3
    assert [result["name"] for result in results] == names
    assert [result["reached"] for result in results] == [False] * 10 + [True]
    assert results[0]["failure"] == "no answer within 0.5 s"


def test_no_names():
    assert certbot_probe.probe_all([], PROBE, CONTENT, 1) == []


def test_the_file_can_be_read_by_all_whatever_the_umask(tmp_path):
    webroot = tmp_path / "web" / "root"
    before = os.umask(0o077)
    try:
        path = certbot_probe.place(str(webroot), PROBE, CONTENT)
    finally:
        os.umask(before)
    assert path == str(webroot) + PATH
    assert os.stat(path).st_mode & 0o777 == 0o644
    assert {os.stat(str(folder)).st_mode & 0o777 for folder in (webroot, webroot.parent, webroot / ".well-known")} == {
        0o755
    }
    certbot_probe.remove(str(webroot), PROBE)
    certbot_probe.remove(str(webroot), PROBE)
    assert not os.path.exists(path)


def test_files_that_a_killed_run_left_are_removed_and_no_others(tmp_path):
    folder = tmp_path / ".well-known" / "acme-challenge"
    folder.mkdir(parents=True)
    names = [PROBE_PREFIX + "old", PROBE_PREFIX + "new", "tokenOfCertbot"]
    for name in names:
        (folder / name).write_text("x")
        if not name.endswith("new"):
            os.utime(str(folder / name), (0, 0))
    certbot_probe.place(str(tmp_path), PROBE, CONTENT)
    assert sorted(os.listdir(str(folder))) == sorted([PROBE, PROBE_PREFIX + "new", "tokenOfCertbot"])
