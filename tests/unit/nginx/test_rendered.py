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
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.nginx import Options, plan
from ansible_collections.fullchain.tls.plugins.plugin_utils.webserver.view import for_role

from tests.pki import Cert, mint, write_pem
from tests.rendering import facts_of, render_template, write_files
from tests.revocation import responder

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
        "nameservers": ["192.0.2.53", "[2001:db8::53]"],
        **parse_version_output(run.stderr),
    }


def render(root, planned, key="files", facts=None):
    """Write what a deploy would, below root/current. facts: of certificates, by name; see facts_of."""
    current = root / "current"
    for folder in ("sites", "snippets"):
        (current / folder).mkdir(parents=True)
    known = ("shop.example.com", "shop.example.com-rsa", "2001:db8::1", "wiki.example.com", *map(shop, range(1000)))
    write_files("nginx", for_role(planned, str(root))[key], current, {**facts_of(known), **(facts or {})})
    return current


def shop(number):
    return f"shop-{number}.{'a' * 40}.example.com"


def deliver(current, names, pki, *chain):
    for name in names:
        write_pem(current / f"certs/{name}/fullchain.pem", pki.pem("leaf", *chain))
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


def stapled(pki, *names):
    """The facts of these certificates, had their leaf an OCSP URL. It lies on 127.0.0.1, where nginx needs nobody to look it up."""
    return facts_of(names, ocsp=["http://127.0.0.1:1"], issuers=[pki.pem("root")])


@needs_nginx
def test_nginx_accepts_what_staples_and_verifies_where_no_client_is_asked_for_a_certificate(tmp_path, this_nginx):
    url = responder("http://127.0.0.1:1")
    pki = mint(
        root=Cert(), inter=Cert(issuer="root"), leaf=Cert(issuer="inter", names=["shop.example.com"], extensions=[url])
    )
    names = ["shop.example.com", "2001:db8::1", "wiki.example.com"]
    root = tmp_path / "fullchain"
    planned = plan(sites(extra="ssl_verify_client optional_no_ca;"), this_nginx, Options(root=str(root)))
    deliver(render(root, planned, facts=stapled(pki, *names)), names, pki, "inter")
    status, said = nginx_test(root)
    assert status == 0, said
    assert "[warn]" not in said
    current = root / "current"
    verified = f"    ssl_stapling on;\n    ssl_stapling_verify on;\n    ssl_trusted_certificate {current}/ocsp.pem;\n"
    assert verified in (current / "sites/2001:db8::1.conf").read_text()
    for unverified in ("sites/shop.example.com.conf", "snippets/wiki.example.com.conf"):
        text = (current / unverified).read_text()
        assert "ssl_stapling on;" in text and "ssl_trusted_certificate" not in text
    assert (current / "ocsp.pem").read_text().strip() == pki.pem("root").strip()
    assert "\nresolver 192.0.2.53 [2001:db8::53] ipv6=off;\n" in (current / "resolver.conf").read_text()


@pytest.mark.parametrize(
    ("info", "variables", "files"),
    [
        ({}, {}, {"ocsp.pem", "resolver.conf"}),
        ({"settings": {"resolver": "127.0.0.1"}}, {}, {"ocsp.pem"}),
        ({"nameservers": []}, {}, {"ocsp.pem"}),
        ({}, {"stapling": False}, set()),
    ],
)
def test_what_stapling_brings_with_it(tmp_path, pki, info, variables, files):
    given = {"installed": False, "ipv6": True, "nameservers": ["192.0.2.53"], **info}
    current = render(tmp_path, plan(sites()[:1], given, Options(**variables)), facts=stapled(pki, "shop.example.com"))
    assert {path.name for path in current.iterdir() if path.is_file()} - {"http.conf"} == files
    assert ("ssl_stapling" in (current / "sites/shop.example.com.conf").read_text()) is bool(files)


@pytest.mark.parametrize(
    ("extra", "settings"),
    [
        ("", {"ssl_verify_client": "on"}),
        ("ssl_verify_client optional;", {}),
        ("include /etc/nginx/mutual-tls.conf;", {}),  # which may ask clients, and nobody has read
    ],
)
def test_no_client_certificate_is_verified_against_what_staples_are(tmp_path, pki, extra, settings):
    """nginx would believe one that the server's own CA has issued to a stranger."""
    planned = plan(sites(extra=extra)[:1], {"installed": False, "settings": settings}, Options())
    text = (
        render(tmp_path, planned, facts=stapled(pki, "shop.example.com")) / "sites/shop.example.com.conf"
    ).read_text()
    assert "    ssl_stapling on;\n" in text and "ssl_trusted_certificate" not in text


def test_nothing_is_said_of_stapling_where_the_team_says_it(tmp_path, pki):
    """Twice is an error to nginx."""
    snippet = "/etc/nginx/fullchain/current/snippets/wiki.example.com.conf"
    own = {
        "file": "x",
        "listen": [["443", "ssl"]],
        "names": ["wiki.example.com"],
        "includes": [snippet],
        "staples": True,
    }
    value = [sites(extra="ssl_trusted_certificate /etc/ssl/own.pem;")[0], sites()[2]]
    for servers, count in (([own], 0), ([{**own, "staples": False}], 1)):
        root = tmp_path / str(count)
        current = render(
            root,
            plan(value, {"installed": False, "servers": servers}, Options()),
            facts=stapled(pki, "shop.example.com", "wiki.example.com"),
        )
        assert "ssl_stapling" not in (current / "sites/shop.example.com.conf").read_text()
        assert (current / "snippets/wiki.example.com.conf").read_text().count("ssl_stapling on;") == count


def test_a_site_with_two_certificates_is_stapled_for_when_both_have_an_ocsp_url(tmp_path, pki):
    two = {"source": "certbot", "key_types": ["ecdsa", "rsa"]}
    value = [{"name": "shop.example.com", "certificate": two, "root": "/srv"}]
    for names, on in ((["shop.example.com"], False), (["shop.example.com", "shop.example.com-rsa"], True)):
        root = tmp_path / str(on)
        current = render(root, plan(value, {"installed": False}, Options()), facts=stapled(pki, *names))
        assert ("ssl_stapling on" in (current / "sites/shop.example.com.conf").read_text()) is on


SERVED = {
    "installed": True,
    "tls_library": "OpenSSL 3.5.1",
    "openssl": "3.5.1",
    "drop_in_read": True,
    "version": "1.29.1",
    "ipv6": True,
}
ACME = {**SERVED, "acme": True, "nameservers": ["192.0.2.53"]}


def obtained(name="shop.example.com", **more):
    return {"name": name, "certificate": {"source": "server"}, "root": "/srv", **more}


def test_what_has_nginx_obtain_a_certificate(tmp_path):
    """Against the documentation of ngx_http_acme_module, which no nginx that is here has."""
    ca = mint(root=Cert()).pem("root")
    options = Options(acme_server="https://ca.example/dir", acme_server_ca=ca, email="ops@example.com")
    planned = plan([obtained(aliases=["www.shop.example.com"])], ACME, options)
    (given,) = (item for item in planned["more"] if "content" in item)
    assert given == {"dest": "acme-server-ca.pem", "content": ca}
    files = [item for item in for_role(planned, options.root)["files"] if "src" in item]
    write_files("nginx", files, tmp_path, {})
    assert (tmp_path / "acme.conf").read_text().split("\n", 2)[2].strip() == (
        "acme_issuer fullchain {\n    uri https://ca.example/dir;\n    contact ops@example.com;\n"
        "    ssl_trusted_certificate /etc/nginx/fullchain/current/acme-server-ca.pem;\n"
        "    accept_terms_of_service;\n}"
    )
    assert "\nresolver 192.0.2.53;\n" in (tmp_path / "resolver.conf").read_text()
    site = (tmp_path / "sites/shop.example.com.conf").read_text()
    for line in (
        "acme_certificate fullchain shop.example.com www.shop.example.com;",
        "ssl_certificate $acme_certificate;",
        "ssl_certificate_key $acme_certificate_key;",
        "ssl_certificate_cache max=2;",
    ):
        assert f"    {line}\n" in site
    assert "stapling" not in site
    assert {(one["host"], one["obtained"]) for one in planned["endpoints"]} == {
        ("shop.example.com", True),
        ("www.shop.example.com", True),
    }
    assert "server_name www.shop.example.com;" in (tmp_path / "http.conf").read_text()


def test_the_module_s_own_zone_does_for_some_thirty_certificates(tmp_path):
    for count, zone in ((30, False), (31, True)):
        sites_ = [obtained(f"s{number}.example.com") for number in range(count)]
        write_files("nginx", for_role(plan(sites_, ACME, Options()), "/x")["files"], tmp_path / str(count), {})
        assert (
            "acme_shared_zone zone=ngx_acme_shared:1M;" in (tmp_path / str(count) / "acme.conf").read_text()
        ) is zone


@pytest.mark.parametrize(
    ("info", "site", "options", "words"),
    [
        (SERVED, obtained(), {}, "needs nginx's own ACME module, and this nginx does not load it"),
        ({**ACME, "nameservers": []}, obtained(), {}, "this host names no nameserver"),
        (ACME, obtained("192.0.2.1"), {}, "192.0.2.1 is an IP address, for which nginx obtains no certificate"),
        (ACME, obtained(), {"acme_server": "https://ca.example/${x}"}, "nginx_acme_server 'https://ca.example/${x}' holds"),
        (ACME, obtained(), {"email": "x;y"}, "nginx_email 'x;y' is not an e-mail address"),
    ],
)  # fmt: skip
def test_what_nginx_cannot_obtain_is_refused(info, site, options, words):
    with pytest.raises(InputError, match=re.escape(words)):
        plan([site], info, Options(**options))


def test_a_resolver_of_the_team_s_does(tmp_path):
    info = {**ACME, "nameservers": [], "settings": {"resolver": "127.0.0.1"}}
    write_files("nginx", for_role(plan([obtained()], info, Options()), "/x")["files"], tmp_path, {})
    assert not (tmp_path / "resolver.conf").exists()


def test_nothing_is_said_of_stapling_where_a_certificate_has_no_ocsp_url(tmp_path):
    current = render(tmp_path, plan(sites(), {"installed": False, "nameservers": ["192.0.2.53"]}, Options()))
    assert {path.name for path in current.iterdir() if path.is_file()} == {"http.conf"}
    assert "stapling" not in "".join(path.read_text() for path in current.rglob("*.conf"))


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
            "name": shop(n),
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
    current = render(root, planned, "challenge_files")
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
