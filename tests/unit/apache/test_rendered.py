# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's templates, rendered and read by this machine's Apache and by our own reader."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from ansible_collections.fullchain.tls.plugins.module_utils.apache import Configuration, parse_version_output
from ansible_collections.fullchain.tls.plugins.plugin_utils.apache import Options, plan
from ansible_collections.fullchain.tls.plugins.plugin_utils.webserver.view import for_role

from tests.pki import Cert, mint
from tests.rendering import facts_of, render_template, write_files
from tests.unit.apache.test_plan import LOADED, host

APACHE = shutil.which("apache2", path=os.environ.get("PATH", "") + ":/usr/sbin")
MODULES = Path("/usr/lib/apache2/modules")
FILES = {"source": "files", "fullchain": "x.pem", "privkey": "x.key"}
NAMES = ("shop.example.com", "2001:db8::1", "blog.example.com", "wiki.example.com", "static.example.com")
NEEDED = [*LOADED, "authz_core", "dir", "alias", "md"]

needs_apache = pytest.mark.skipif(APACHE is None or not MODULES.is_dir(), reason="needs an Apache")


def sites(**changes):
    shop = {"name": "shop.example.com", "aliases": ["*.shop.example.com"], "certificate": FILES}
    return [
        {**shop, "proxy_to": "https://127.0.0.1:1/x/", **changes},
        {"name": "2001:db8::1", "aliases": ["192.0.2.7"], "certificate": FILES, "root": "/srv/files"},
        {"name": "blog.example.com", "certificate": FILES, "root": "/srv", "extra": '    Redirect 410 "/{{ x }}"'},
        {"name": "wiki.example.com", "certificate": FILES},
    ]


def render(root, planned, key="files", **facts):
    """Write what a deploy would, below root/current. facts: of every certificate, see facts_of."""
    write_files("apache", for_role(planned, str(root))[key], root / "current", facts_of(NAMES, **facts))
    drop_in = root / "drop-in.conf"
    drop_in.write_text(
        render_template("apache", "drop-in.conf.j2", webserver_plan=planned, webserver_settings={"root": root})
    )
    return root / "current"


def deliver(current):
    """Write what Apache's test wants to be there, and looks no closer at."""
    for name in ("shop.example.com", "2001:db8::1", "blog.example.com"):
        for form in ("fullchain", "cert", "chain", "privkey"):
            path = current / f"certs/{name}/{form}.pem"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("-----BEGIN\n")


def configtest(root):
    """Run Apache's test with ports that need no privilege; return its exit status and words."""
    loads = "".join(f"LoadModule {module}_module {MODULES}/mod_{module}.so\n" for module in NEEDED)
    main = root / "apache2.conf"
    main.write_text(
        f"{loads}ServerName localhost\nServerRoot {root}\nPidFile {root}/pid\nErrorLog {root}/error.log\n"
        f"DefaultRuntimeDir {root}\nListen 127.0.0.1:18080\nInclude {root}/drop-in.conf\n"
    )
    run = subprocess.run([str(APACHE), "-t", "-f", str(main)], capture_output=True, text=True, check=False)
    return run.returncode, run.stderr


@pytest.fixture
def this_apache():
    said = subprocess.run([str(APACHE), "-v"], capture_output=True, text=True, check=True).stdout
    return host(parse_version_output(said), "3.0.19")


@needs_apache
@pytest.mark.parametrize("version", ["", "2.4.7", "2.4.8", "2.4.37"])
@pytest.mark.parametrize("profile", ["intermediate", "old", {"ciphersuites": ["TLS_AES_128_GCM_SHA256"]}])
def test_apache_accepts_what_is_rendered_for_it(tmp_path, this_apache, profile, version):
    options = Options(root=str(tmp_path), profile=profile, version=version)
    current = render(tmp_path, plan(sites(), this_apache, options), separate_chain=True)
    deliver(current)
    status, said = configtest(tmp_path)
    assert status == 0, said


@needs_apache
@pytest.mark.parametrize("key", ["challenge", "http"])
def test_apache_accepts_port_80_alone(tmp_path, this_apache, key):
    value = [{**site, "aliases": [], "certificate": {"source": "certbot"}} for site in sites()]
    planned = plan(value, this_apache, Options(root=str(tmp_path)))
    current = render(tmp_path, {**planned, "challenge": planned[key]}, "challenge_files")
    status, said = configtest(tmp_path)
    assert status == 0, said
    assert ("[R=308,L]" in (current / "http.conf").read_text()) is (key == "http")


@needs_apache
def test_apache_accepts_the_domains_that_its_mod_md_manages(tmp_path, this_apache):
    value = [{**site, "certificate": {"source": "server"}} for site in sites(aliases=[]) if ":" not in site["name"]]
    ca = mint(root=Cert()).pem("root")
    planned = plan(value, this_apache, Options(root=str(tmp_path), email="ops@example.com", acme_server_ca=ca))
    current = render(tmp_path, {**planned, "more": [item for item in planned["more"] if "src" in item]})
    (current / "acme-server-ca.pem").write_text(ca)
    assert (current / "md.conf").read_text().count("\n<MDomainSet ") == len(value)
    status, said = configtest(tmp_path)
    assert status == 0, said


@needs_apache
def test_a_syntax_error_in_extra_is_apache_s_to_find(tmp_path, this_apache):
    deliver(render(tmp_path, plan(sites(extra="NoSuchDirective on"), this_apache, Options(root=str(tmp_path)))))
    status, said = configtest(tmp_path)
    assert status != 0
    assert "NoSuchDirective" in said


def test_the_chain_is_left_out_where_nothing_is_left(tmp_path):
    planned = plan(sites(), host("2.4.7", "1.0.2u"), Options(root="/etc/apache2/fullchain"))
    current = render(tmp_path, planned, separate_chain=True)
    assert re.findall(r"SSLCertificateChainFile (\S+)", (current / "sites/shop.example.com.conf").read_text()) == [
        "/etc/apache2/fullchain/current/certs/shop.example.com/chain.pem"
    ]
    current = render(tmp_path, planned)
    assert "SSLCertificateChainFile" not in (current / "sites/shop.example.com.conf").read_text()
    text = (current / "snippets/wiki.example.com.conf").read_text()
    assert "SSLCertificateFile /etc/apache2/fullchain/current/certs/wiki.example.com/cert.pem\n" in text


STAPLED = {"ocsp": ["http://ocsp.example.com"], "issuers": ["-----BEGIN"]}


@needs_apache
def test_apache_accepts_what_staples(tmp_path, this_apache):
    current = render(tmp_path, plan(sites(), this_apache, Options(root=str(tmp_path))), **STAPLED)
    deliver(current)
    status, said = configtest(tmp_path)
    assert status == 0, said
    assert "    SSLUseStapling on\n" in (current / "sites/shop.example.com.conf").read_text()
    assert "\nSSLUseStapling on\n" in (current / "snippets/wiki.example.com.conf").read_text()


@pytest.mark.parametrize(
    ("version", "info", "variables", "words"),
    [
        ("2.4.62", {}, {}, {"SSLUseStapling", "SSLStaplingCache"}),
        ("2.4.12", {}, {}, {"SSLUseStapling", "SSLStaplingCache"}),
        ("2.4.11", {}, {}, {"SSLStaplingCache"}),
        ("2.4.8", {}, {}, {"SSLStaplingCache"}),
        ("2.4.7", {}, {}, {"SSLUseStapling", "SSLStaplingCache"}),
        ("2.2.34", {}, {}, set()),
        ("2.4.62", {"stapling_cache": True}, {}, {"SSLUseStapling"}),
        ("2.4.62", {}, {"stapling": False}, {"SSLStaplingCache"}),
    ],
)
def test_which_apache_staples(tmp_path, version, info, variables, words):
    planned = plan(sites(), {**host(version, "1.0.2u"), **info}, Options(root=str(tmp_path), **variables))
    render(tmp_path, planned, **STAPLED)
    everything = "".join(path.read_text() for path in tmp_path.rglob("*.conf"))
    assert set(re.findall(r"SSLUseStapling|SSLStaplingCache", everything)) == words


def test_the_cache_alone_is_there_where_a_certificate_has_no_ocsp_url(tmp_path):
    current = render(tmp_path, plan(sites(), host(), Options()))
    assert "Stapling" not in "".join(path.read_text() for path in current.rglob("*.conf"))
    assert "SSLStaplingCache" in (tmp_path / "drop-in.conf").read_text()


def test_2_2_has_its_own_grammar(tmp_path):
    current = render(tmp_path, plan(sites()[2:], host("2.2.34", "1.0.2u", listen=["80"]), Options(root=str(tmp_path))))
    http = (current / "http.conf").read_text()
    assert "Listen 443\nNameVirtualHost *:80\nNameVirtualHost *:443\n" in http
    assert "[R=301,L]" in http
    assert "    Order allow,deny\n    Allow from all\n" in (current / "snippets/challenge.conf").read_text()
    assert f"\nInclude {tmp_path}/current/sites/*.conf\n" in (tmp_path / "drop-in.conf").read_text()
    everything = "".join(path.read_text() for path in tmp_path.rglob("*.conf"))
    for word in ("IncludeOptional", "Require", "Protocols", "SSLOpenSSLConfCmd", "TLSv1.3 ", "308"):
        assert word not in re.sub(r"(?m)^\s*#.*", "", everything)


def test_extra_is_verbatim(tmp_path):
    current = render(tmp_path, plan(sites(), host(), Options()))
    assert '\n\n    Redirect 410 "/{{ x }}"\n</VirtualHost>\n' in (current / "sites/blog.example.com.conf").read_text()


def test_what_is_rendered_is_read_back_by_our_own_reader(tmp_path):
    current = render(tmp_path, plan(sites(), host(), Options(root=str(tmp_path), reject_unknown_names=False)))
    found = Configuration(str(tmp_path / "none.conf"), str(tmp_path), str(tmp_path / "drop-in.conf"))
    assert [vhost["names"][0] for vhost in found.own_vhosts] == [
        "192.0.2.7",  # the site by address: it has to be the first
        "shop.example.com",
        "blog.example.com",
        "shop.example.com",
    ]
    assert [vhost["tls"] for vhost in found.own_vhosts] == [True, False, True, True]
    assert (current / "2001:db8::1.conf").is_file()
