# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Caddy on a host is given, and what is refused or said of that host; rendered, and read by a real Caddy."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from ansible_collections.fullchain.tls.plugins.filter.caddy_plan import caddy_plan
from ansible_collections.fullchain.tls.plugins.plugin_utils.caddy import Options, plan
from ansible_collections.fullchain.tls.plugins.plugin_utils.caddy_sites import matches, read_vhosts
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError

from tests.pki import Cert, mint, write_pem
from tests.rendering import render_template

SERVER = {"source": "server"}
FILES = {"source": "files", "fullchain": "x.pem", "privkey": "x.key"}
SHOP = {
    "name": "shop.example.com",
    "aliases": ["www.shop.example.com"],
    "proxy_to": "http://127.0.0.1:8000/",
    "certificate": SERVER,
}
WIKI = {"name": "wiki.example.com", "certificate": SERVER}
STATIC = {
    "name": "static.example.com",
    "root": "/srv/static",
    "certificate": FILES,
    "profile": "modern",
    "extra": "encode gzip\n",
}
CURRENT = "/etc/caddy/fullchain/current"

needs_caddy = pytest.mark.skipif(shutil.which("caddy") is None, reason="needs a Caddy")


def host(**changes):
    return {
        "installed": True,
        "version": "2.6.2",
        "conf_path": "/etc/caddy/Caddyfile",
        "drop_in_read": True,
        "without_braces": False,
        "servers": [],
        "settings": {},
        "environment": [],
        "data": "/var/lib/caddy/.local/share/caddy",
        "accounts": [],
        "unreadable": [],
        **changes,
    }


def server(*addresses, includes=()):
    return {"file": "/etc/caddy/Caddyfile", "addresses": list(addresses), "includes": list(includes)}


def rendered(planned):
    """Text by path, as deploy makes it."""
    files = {}
    for item in planned["files"]:
        for each in item.get("each", [None]):
            text = item["content"] if each is None else render_template("caddy", item["src"], site=each)
            files[item["dest"].format(**(each or {}))] = text
    return files


def said(planned):
    return [note for note in planned["notes"] if not note.startswith("left out of the TLS profile ")]


def test_what_is_written():
    options = Options(acme_server="https://ca.example/dir", email="ops@example.com", hsts_max_age=60)
    files = rendered(plan([SHOP, STATIC, WIKI], host(), options))
    assert files["sites/shop.example.com.conf"] == (
        "# Written by the role fullchain.tls.caddy; changes made here are lost.\n"
        "# Left out of the TLS profile: X25519MLKEM768 (Caddy 2.10 or newer; here 2.6.2)\n"
        "shop.example.com, www.shop.example.com {\n"
        "\ttls {\n"
        "\t\tprotocols tls1.2 tls1.3\n"
        "\t\tcurves x25519 secp256r1 secp384r1\n"
        "\t\tciphers TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 "
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 "
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256\n"
        "\t\tissuer acme {\n"
        '\t\t\tdir "https://ca.example/dir"\n'
        "\t\t\temail ops@example.com\n"
        "\t\t}\n"
        "\t}\n"
        "\theader {\n"
        '\t\tStrict-Transport-Security "max-age=60"\n'
        "\t\tdefer\n"
        "\t}\n"
        "\treverse_proxy http://127.0.0.1:8000\n"
        "}\n"
    )
    assert files["sites/static.example.com.conf"].endswith(
        "static.example.com {\n"
        f"\ttls {CURRENT}/certs/static.example.com/fullchain.pem {CURRENT}/certs/static.example.com/privkey.pem {{\n"
        "\t\tprotocols tls1.3 tls1.3\n"
        "\t\tcurves x25519 secp256r1 secp384r1\n"
        "\t}\n"
        '\theader {\n\t\tStrict-Transport-Security "max-age=60"\n\t\tdefer\n\t}\n'
        "\troot * /srv/static\n\tfile_server\nencode gzip\n}\n"
    )
    assert "Import it in the site block" in files["snippets/wiki.example.com.conf"]
    assert files["snippets/wiki.example.com.conf"].endswith("\t\t}\n\t}\n")


def test_what_is_verified_and_what_of_it_is_waited_for():
    imports = server("wiki.example.com:8443", includes=[f"{CURRENT}/snippets/*.conf"])
    found = plan([SHOP, STATIC, WIKI], host(servers=[imports]), Options(address="192.0.2.7"))["endpoints"]
    assert [(item["host"], item["port"], item.get("obtained"), item.get("certificate")) for item in found] == [
        ("shop.example.com", 443, True, None),
        ("www.shop.example.com", 443, True, None),
        ("static.example.com", 443, None, "static.example.com"),
        ("wiki.example.com", 8443, True, None),
    ]
    assert {item["address"] for item in found} == {"192.0.2.7"}


def test_without_hsts_and_with_the_ports_of_the_caddyfile():
    planned = plan([SHOP], host(settings={"https_port": "8443"}), Options(hsts_max_age=-1))
    assert "Strict-Transport-Security" not in rendered(planned)["sites/shop.example.com.conf"]
    assert {item["port"] for item in planned["endpoints"]} == {8443}


def test_notes():
    servers = [server("http://shop.example.com"), server("*.example.com")]
    unreadable = [{"file": "/etc/caddy/x", "reason": "unexpected end of file"}]
    planned = plan(
        [SHOP, WIKI],
        host(servers=servers, unreadable=unreadable, settings={"auto_https": "disable_redirects"}),
        Options(),
    )
    assert said(planned) == [
        "/etc/caddy/x was not looked into: unexpected end of file",
        "tls_sites[0] (shop.example.com): the address shop.example.com on port 80 is in /etc/caddy/Caddyfile too; "
        "Caddy leaves what comes in there to it",
        "tls_sites[1] (wiki.example.com) is not verified: no site block for it includes its snippet; "
        f"add `import {CURRENT}/snippets/wiki.example.com.conf` to the one that serves it",
        "the Caddyfile has `auto_https disable_redirects`: HTTP is not redirected to HTTPS",
    ]
    assert said(plan([], host(), Options())) == []


PAIR = {"fullchain": "a.pem", "privkey": "a.key"}


@pytest.mark.parametrize(
    ("site", "found", "options", "words"),
    [
        ({**SHOP, "certificate": {"source": "certbot"}}, {}, {}, "source 'certbot' is not supported here (supported: server, files)"),
        ({**SHOP, "certificate": {"source": "files", "ecdsa": PAIR, "rsa": PAIR}}, {}, {}, "Caddy takes one certificate for a site here"),
        ({"name": "a.example"}, {}, {}, "'certbot', which it is when left out, is not supported here"),
        ({**SHOP, "proxy_to": "http://127.0.0.1:8000/app"}, {}, {}, "'http://127.0.0.1:8000/app': Caddy takes scheme, host and port alone"),
        ({**SHOP, "proxy_to": "http://127.0.0.1:8000?a"}, {}, {}, "Caddy takes scheme, host and port alone"),
        ({**SHOP, "aliases": ["192.0.2.1"]}, {}, {}, "192.0.2.1 is an IP address, for which Caddy obtains no certificate"),
        (SHOP, {"installed": False}, {"install": "none"}, "there is no Caddy on this host, and caddy_install is 'none'"),
        (SHOP, {"without_braces": True}, {}, "/etc/caddy/Caddyfile is one site without braces"),
        (SHOP, {"environment": ["DOMAIN"]}, {}, "/etc/caddy/Caddyfile is put together with {$DOMAIN}"),
        (SHOP, {"settings": {"admin": "off"}}, {}, "has `admin off`"),
        (SHOP, {"settings": {"auto_https": "off"}}, {}, "has `auto_https off`: Caddy would obtain no certificate for tls_sites[0]"),
        (SHOP, {"servers": [server("x.test", "https://www.shop.example.com")]}, {}, "has a site www.shop.example.com already"),
        (SHOP, {}, {"email": "ops"}, "caddy_email 'ops' is not an e-mail address"),
        (SHOP, {}, {"email": "a{b}@example.com"}, "caddy_email 'a{b}@example.com' is not"),
        (SHOP, {}, {"acme_server": "example"}, "'example' is no ACME directory"),
        (SHOP, {}, {"acme_server": 'https://a/"{'}, "holds a quote or a brace"),
        (SHOP, {}, {"acme_server_ca": "nothing"}, "caddy_acme_server_ca"),
        ({**SHOP, "profile": {"protocols": ["TLSv1.1"]}}, {}, {}, "Caddy speaks nothing older than TLSv1.2"),
    ],
)  # fmt: skip
def test_refused(site, found, options, words):
    with pytest.raises(InputError) as refused:
        plan([site], host(**found), Options(**options))
    assert words in str(refused.value)


def test_files_alone_bear_that_caddy_manages_no_certificates():
    assert plan([STATIC], host(settings={"auto_https": "disable_certs"}), Options())["endpoints"]


@pytest.mark.parametrize(
    ("address", "names", "sockets"),
    [
        ("shop.example.com", ("shop.example.com",), [(443, True)]),
        ("http://shop.example.com/path", ("shop.example.com",), [(80, False)]),
        ("shop.example.com:80", ("shop.example.com",), [(80, False)]),
        ("shop.example.com:8443", ("shop.example.com",), [(8443, True)]),
        ("https://[2001:db8::1]:8443", ("2001:db8::1",), [(8443, True)]),
        (":443", (), [(443, True)]),
        (":8080", (), [(8080, False)]),
        ("https://", (), [(443, True)]),
    ],
)
def test_addresses(address, names, sockets):
    (vhost,) = read_vhosts(server(address), {"http": 80, "https": 443})
    assert (vhost.names, [(socket.port, socket.tls) for socket in vhost.sockets]) == (names, sockets)


def test_an_address_that_is_not_known_before_it_runs_is_left_out():
    assert list(read_vhosts(server("{$domain}:x"), {"http": 80, "https": 443})) == []


@pytest.mark.parametrize(
    ("pattern", "name", "matched"),
    [("*.a.test", "b.a.test", True), ("*.a.test", "c.b.a.test", False), ("a.test", "a.test", True), ("a.test", "b.test", False)],
)  # fmt: skip
def test_what_an_address_matches(pattern, name, matched):
    assert matches(pattern, name) is matched


@pytest.fixture(scope="module")
def pki():
    return mint(root=Cert(), leaf=Cert(issuer="root", names=["shop.example.com"]))


def validated(root, planned, pki):
    """What `caddy validate` answers to the rendered files below root, and says."""
    for path, text in rendered(planned).items():
        write_pem(root / "current" / path, text)
    for name in ("static.example.com", "2001:db8::1"):
        write_pem(root / f"current/certs/{name}/fullchain.pem", pki.pem("leaf"))
        write_pem(root / f"current/certs/{name}/privkey.pem", pki.key_pem("leaf"))
    (root / "Caddyfile").write_text(
        f":80 {{\n}}\nimport {root}/current/sites/*.conf\nteam.test {{\nimport {root}/current/snippets/*.conf\n}}\n"
    )
    command = ["caddy", "validate", "--config", str(root / "Caddyfile")]
    run = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin", "HOME": str(root)}
    )
    return run.returncode, run.stderr


@needs_caddy
@pytest.mark.parametrize(
    "profile", ["modern", "intermediate", "old", {"groups": ["X25519", "secp521r1", "X448"], "ciphersuites": ["X"]}]
)
def test_a_real_caddy_takes_it(tmp_path, pki, profile):
    sites = [
        SHOP,
        STATIC,
        WIKI,
        {"name": "2001:db8::1", "certificate": FILES, "proxy_to": "https://127.0.0.1:1"},
    ]
    options = Options(
        root=str(tmp_path),
        profile=profile,
        acme_server="letsencrypt-staging",
        acme_server_ca=pki.pem("root"),
        email="a@example.com",
    )
    code, words = validated(tmp_path, plan(sites, host(), options), pki)
    assert code == 0, words


@needs_caddy
def test_a_real_caddy_reads_certificates_in_its_test(tmp_path, pki):
    planned = plan([STATIC], host(), Options(root=str(tmp_path)))
    code, _words = validated(tmp_path, planned, pki)
    assert code == 0
    (tmp_path / "current/certs/static.example.com/privkey.pem").unlink()
    command = ["caddy", "validate", "--config", str(tmp_path / "Caddyfile")]
    run = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    )
    assert "no such file" in run.stderr


def test_the_filter_leaves_out_what_is_not_given():
    assert caddy_plan([WIKI], host(), email="", hsts_max_age=None)["webroot"] == ""
