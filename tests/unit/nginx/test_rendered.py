# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's templates, rendered for this machine's nginx and read by it."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from ansible_collections.fullchain.tls.plugins.module_utils.nginx import Configuration, parse_version_output
from ansible_collections.fullchain.tls.plugins.plugin_utils.nginx import Options, plan

from tests.pki import Cert, mint, write_pem
from tests.rendering import render_template

FILES = {"source": "files", "fullchain": "x.pem", "privkey": "x.key"}

needs_nginx = pytest.mark.skipif(shutil.which("nginx") is None, reason="needs an nginx")


@pytest.fixture(scope="module")
def pki():
    return mint(root=Cert(), leaf=Cert(issuer="root", names=["shop.example.com"]))


@pytest.fixture(scope="module")
def this_nginx():
    run = subprocess.run(["nginx", "-V"], capture_output=True, text=True, check=True)
    return {
        "installed": True,
        "ipv6": False,
        "drop_in_read": True,
        "servers": [],
        "settings": {},
        **parse_version_output(run.stderr),
    }


def render(root, planned, http="http"):
    """Write what a deploy would, below root/current; `http` is the key of what port 80 is to do."""
    current = root / "current"
    (current / "sites").mkdir(parents=True)
    (current / "snippets").mkdir()

    def write(dest, template, **values):
        (current / dest).write_text(render_template("nginx", template, **values), encoding="utf-8")

    write("http.conf", "http.conf.j2", http=planned[http], root=root)
    write("snippets/challenge.conf", "challenge.conf.j2", webroot=planned["webroot"])
    for folder, template, key in [
        ("sites", "site", "sites"),
        ("snippets", "snippet", "snippets"),
        ("", "default", "reject"),
    ]:
        for site in planned[key]:
            write(f"{folder}/{site['name']}.conf".lstrip("/"), f"{template}.conf.j2", site=site)
    return current


def deliver(current, names, pki):
    for name in names:
        write_pem(current / f"certs/{name}/fullchain.pem", pki.pem("leaf"))
        write_pem(current / f"certs/{name}/privkey.pem", pki.key_pem("leaf"))


def nginx_test(root):
    """Run `nginx -t` with ports that need no privilege; return its exit status and words."""
    for path in (root / "current").rglob("*.conf"):
        path.write_text(re.sub(r"listen (\[::\]:)?(80|443)\b", r"listen \g<1>18\2", path.read_text()))
    drop_in = render_template("nginx", "drop-in.conf.j2", webserver_settings={"root": root})
    main = root / "nginx.conf"
    main.write_text(
        f"pid {root}/pid; error_log stderr; events {{}} http {{ access_log off; {drop_in} "
        f"client_body_temp_path {root}/b; proxy_temp_path {root}/p; fastcgi_temp_path {root}/f; "
        f"scgi_temp_path {root}/s; uwsgi_temp_path {root}/u; }}"
    )
    run = subprocess.run(["nginx", "-t", "-c", str(main)], capture_output=True, text=True, check=False)
    return run.returncode, run.stderr


def sites(**changes):
    return [
        {
            "name": "shop.example.com",
            "aliases": ["*.shop.example.com"],
            "certificate": FILES,
            "proxy_to": "https://127.0.0.1:1/x/",
            **changes,
        },
        {
            "name": "2001:db8::1",
            "certificate": FILES,
            "root": "/srv/files",
            "extra": "location /x {\n  return 204 '{{ x }} {% y %}';\n}\n",
        },
        {"name": "wiki.example.com", "certificate": FILES},
    ]


def accepted(tmp_path, planned, names, pki):
    root = tmp_path / "fullchain"
    current = render(root, planned)
    deliver(current, names, pki)
    return nginx_test(root)


@needs_nginx
@pytest.mark.parametrize("profile", ["modern", "intermediate", "old", {"ciphersuites": ["TLS_AES_128_GCM_SHA256"]}])
def test_nginx_accepts_what_is_rendered_for_it(tmp_path, this_nginx, pki, profile):
    value = sites()
    planned = plan(value, this_nginx, Options(root=str(tmp_path / "fullchain"), profile=profile))
    status, said = accepted(tmp_path, planned, [site["name"] for site in value], pki)
    assert status == 0, said
    assert "[warn]" not in said


@needs_nginx
@pytest.mark.parametrize("by_directive", [True, False])
def test_nginx_accepts_both_ways_to_refuse_unknown_names(tmp_path, this_nginx, pki, by_directive):
    planned = plan(sites()[:1], this_nginx, Options(root=str(tmp_path / "fullchain"), reject_unknown_names=True))
    planned["reject"][0]["by_directive"] = by_directive
    status, said = accepted(tmp_path, planned, ["shop.example.com"], pki)
    assert status == 0, said


@needs_nginx
def test_nginx_accepts_a_snippet_in_a_server_of_somebody_else(tmp_path, this_nginx, pki):
    root = tmp_path / "fullchain"
    current = render(root, plan(sites()[2:], this_nginx, Options(root=str(root))))
    deliver(current, ["wiki.example.com"], pki)
    own = (
        f"server {{ listen 443 ssl; server_name wiki.example.com; include {current}/snippets/wiki.example.com.conf; }}"
    )
    (current / "sites/own.conf").write_text(own)
    status, said = nginx_test(root)
    assert status == 0, said


@needs_nginx
@pytest.mark.parametrize("count", [1, 100, 1000])
def test_many_and_long_names_fit_nginx_s_table(tmp_path, this_nginx, pki, count):
    value = [
        {
            "name": f"shop-{n}.{'a' * 40}.example.com",
            "aliases": [f"www.shop-{n}.example.com"],
            "certificate": FILES,
            "root": "/srv",
        }
        for n in range(count)
    ]
    root = tmp_path / "fullchain"
    planned = plan(value, this_nginx, Options(root=str(root)))
    for site in planned["sites"]:  # one certificate is enough for what is shown here
        site["directives"] = [[name, text.replace(site["name"], "one")] for name, text in site["directives"]]
    status, said = accepted(tmp_path, planned, ["one"], pki)
    assert status == 0, said
    assert "server_names_hash" not in said


@needs_nginx
def test_a_syntax_error_in_extra_is_nginx_s_to_find(tmp_path, this_nginx, pki):
    planned = plan(sites(extra="gzip sometimes;"), this_nginx, Options(root=str(tmp_path / "fullchain")))
    status, said = accepted(tmp_path, planned, [site["name"] for site in sites()], pki)
    assert status == 1
    assert "gzip" in said


@needs_nginx
def test_nginx_accepts_port_80_before_the_certificates_are_there(tmp_path, this_nginx):
    root = tmp_path / "fullchain"
    value = [{**site, "aliases": [], "certificate": {"source": "certbot"}} for site in sites()]
    own = {"file": "x", "listen": [["443", "ssl"]], "names": ["shop.example.com"], "includes": []}
    planned = plan(value, {**this_nginx, "own_servers": [own]}, Options(root=str(root)))
    current = render(root, {**planned, "sites": [], "snippets": []}, http="challenge")
    status, said = nginx_test(root)
    assert status == 0, said
    redirected, waiting = (current / "http.conf").read_text().split("return 308")
    assert "shop.example.com" in redirected and "wiki.example.com" not in redirected
    assert "wiki.example.com" in waiting and "[2001:db8::1]" in waiting and "return 503" in waiting
    assert waiting.count("include ") == 1


def test_extra_is_verbatim(tmp_path):
    info = {"installed": False, "ipv6": True}
    current = render(tmp_path / "fullchain", plan(sites(), info, Options(root="/etc/nginx/fullchain")))
    text = (current / "sites/2001:db8::1.conf").read_text()
    assert "\n\nlocation /x {\n  return 204 '{{ x }} {% y %}';\n}\n}\n" in text


def test_no_sites_no_server(tmp_path):
    current = render(tmp_path / "fullchain", plan([], {"installed": False, "ipv6": True}, Options()))
    text = (current / "http.conf").read_text()
    assert "server" not in text
    assert list((current / "sites").iterdir()) == []


def test_what_is_rendered_is_read_back_by_our_own_reader(tmp_path):
    root = tmp_path / "fullchain"
    render(root, plan(sites(), {"installed": False, "ipv6": True}, Options(root=str(root), address="192.0.2.7")))
    main = tmp_path / "nginx.conf"
    drop_in = render_template("nginx", "drop-in.conf.j2", webserver_settings={"root": root})
    main.write_text(f"http {{ {drop_in} }}")
    found = Configuration(str(main), "/nonexistent", "/nonexistent")
    assert found.unreadable == []
    assert [(server["names"], server["listen"]) for server in found.servers] == [
        (["shop.example.com", "*.shop.example.com", "[2001:db8::1]"], [["80"], ["[::]:80"]]),
        (["[2001:db8::1]"], [["443", "ssl", "default_server"], ["[::]:443", "ssl", "default_server"]]),
        (["shop.example.com", "*.shop.example.com"], [["443", "ssl"], ["[::]:443", "ssl"]]),
    ]
