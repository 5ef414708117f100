# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Apache on a host is given, by its version, and what is refused or said of that host."""

from __future__ import annotations

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.apache import Options, plan
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.apache import APACHE_SINCE, apache_can, apache_tls
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.openssl import parse_version
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.reader import read_profile

SHOP = {"name": "shop.example.com", "aliases": ["www.shop.example.com"], "proxy_to": "http://127.0.0.1:8000"}
WIKI = {"name": "wiki.example.com"}
FILES = {"source": "files", "fullchain": "x.pem", "privkey": "x.key"}
CURRENT = "/etc/apache2/fullchain/current"
LOADED = ["headers", "http2", "mpm_event", "proxy", "proxy_http", "rewrite", "socache_shmcb", "ssl"]


def host(version="2.4.71", openssl="3.5.1", **changes):
    return {
        "installed": True,
        "version": version,
        "openssl": openssl,
        "ssl_available": True,
        "modules": LOADED,
        "conf_path": "/etc/apache2/apache2.conf",
        "listen": ["80", "443"],
        "ipv6": True,
        "drop_in_read": True,
        "vhosts": [],
        "own_vhosts": [],
        "unreadable": [],
        **changes,
    }


def vhost(*addresses, names=(), file="/etc/apache2/sites-enabled/other.conf", **more):
    empty = {"tls": False, "includes": [], "certificates": [], "after_own": False}
    return {"file": file, "addresses": list(addresses), "names": list(names), **empty, **more}


def made(*arguments, **options):
    return plan(*arguments, Options(**options))


def directives(site):
    return [name for name, _value in site["directives"]]


# What each version accepts, from its manual and from the table of versions that ran: the words of SSLProtocol, the two forms of the
# chain, the directives that it knows of those that the role may write, the redirect, and how everybody is let in.
TABLE = {
    #          OpenSSL   SSLProtocol                split  known                                                             code
    "2.2.15": ("1.0.1e", "all -SSLv2 -SSLv3", True, set(), 301),
    "2.2.34": ("1.0.2u", "-all +TLSv1.2", True, {"SSLSessionTickets"}, 301),
    "2.4.6": ("1.0.2k", "-all +TLSv1.2", True, set(), 308),
    "2.4.7": ("1.0.1f", "-all +TLSv1.2", True, set(), 308),
    "2.4.8": ("1.0.2g", "-all +TLSv1.2", False, {"SSLOpenSSLConfCmd"}, 308),
    "2.4.10": ("1.0.2u", "-all +TLSv1.2", False, {"SSLOpenSSLConfCmd"}, 308),
    "2.4.37": ("1.1.1k", "-all +TLSv1.2 +TLSv1.3", False, {"SSLOpenSSLConfCmd", "SSLSessionTickets", "Protocols"}, 308),
    "2.4.62": ("3.0.15", "-all +TLSv1.2 +TLSv1.3", False, {"SSLOpenSSLConfCmd", "SSLSessionTickets", "Protocols"}, 308),
}
EVERYWHERE = {"SSLProtocol", "SSLCipherSuite", "SSLHonorCipherOrder", "Header"}


@pytest.mark.parametrize("version", TABLE)
def test_directives_by_version(version):
    openssl, protocols, split, known, code = TABLE[version]
    planned = made([SHOP], host(version, openssl))
    (site,) = planned["sites"]
    assert dict(site["directives"])["SSLProtocol"] == protocols
    assert set(directives(site)) == EVERYWHERE | known
    live = "/etc/letsencrypt/live/shop.example.com"
    forms = (
        {"file": f"{live}/cert.pem", "chain": f"{live}/chain.pem"}
        if split
        else {"file": f"{live}/fullchain.pem", "chain": None}
    )
    assert site["certificates"] == [{"name": "shop.example.com", **forms, "key": f"{live}/privkey.pem"}]
    assert planned["http"]["vhosts"][0]["rules"] == [
        f"RewriteRule ^ https://%{{SERVER_NAME}}%{{REQUEST_URI}} [R={code},L]"
    ]
    new = not version.startswith("2.2")
    assert planned["access"] == (["Require all granted"] if new else ["Order allow,deny", "Allow from all"])
    assert planned["include"] == ("IncludeOptional" if new else "Include")
    assert planned["http"]["by_name"] == ([] if new else [80, 443])


@pytest.mark.parametrize(
    ("feature", "without", "since"),
    [
        ("TLSv1.1 and TLSv1.2", "2.2.23", "2.2.24"),
        ("session tickets", "2.2.29", "2.2.30"),
        ("session tickets", "2.4.10", "2.4.11"),
        ("chain in the file", "2.4.7", "2.4.8"),
        ("chain in the file", "2.2.34", "2.4.8"),
        ("conf command", "2.4.7", "2.4.8"),
        ("protocols", "2.4.16", "2.4.17"),
        ("TLSv1.3", "2.4.35", "2.4.36"),
        ("own protocols", "2.4.41", "2.4.42"),
        ("managed domains", "2.4.41", "2.4.42"),
        ("websocket", "2.4.46", "2.4.47"),
        ("granted", "2.2.34", "2.4.1"),
    ],
)
def test_features_by_version(feature, without, since):
    assert not apache_can(feature, parse_version(without))
    assert apache_can(feature, parse_version(since))
    assert feature in APACHE_SINCE


def test_what_is_left_out_is_said_once_for_all_sites():
    notes = made([{**SHOP, "certificate": FILES}, {**WIKI, "certificate": FILES}], host("2.4.6", "1.0.1e"))["notes"]
    profile = "left out of the TLS profile intermediate of Mozilla Server Side TLS 6.0: "
    assert [note.removeprefix(profile) for note in notes if note.startswith(profile)] == [
        "TLSv1.3 (Apache 2.4.36 and OpenSSL 1.1.1 or newer; here 2.4.6 and 1.0.1)",
        "groups (SSLOpenSSLConfCmd, Apache 2.4.8 and OpenSSL 1.0.2 or newer; here 2.4.6 and 1.0.1)",
    ]
    assert made([SHOP], host())["notes"] == []


def test_an_apache_that_cannot_switch_tls_1_0_off():
    tls = apache_tls(read_profile("intermediate"), (2, 2, 15), (1, 0, 1))
    assert tls.notes[-2] == "TLSv1 cannot be switched off (Apache 2.2.24 or newer; here 2.2.15)"


def test_old_and_ciphersuites():
    old = dict(apache_tls(read_profile("old"), (2, 4, 71), (3, 0, 19)).directives)
    assert old["SSLProtocol"] == "-all +TLSv1 +TLSv1.1 +TLSv1.2 +TLSv1.3"
    assert old["SSLCipherSuite"].startswith("@SECLEVEL=0:")
    assert old["SSLHonorCipherOrder"] == "on"
    suites = apache_tls(read_profile({"ciphersuites": ["TLS_AES_128_GCM_SHA256"]}), (2, 4, 71), (3, 0, 19))
    assert ("SSLCipherSuite", "TLSv1.3 TLS_AES_128_GCM_SHA256") in suites.directives


def test_the_version_that_is_given_counts():
    (site,) = made([SHOP], host("2.4.71"), version="2.4.7")["sites"]
    assert site["certificates"][0]["chain"] == "/etc/letsencrypt/live/shop.example.com/chain.pem"


BOTH = {**SHOP, "aliases": [], "certificate": {"key_types": ["ecdsa", "rsa"]}}


def test_a_site_with_two_certificates():
    (site,) = made([BOTH], host())["sites"]
    assert [one["file"] for one in site["certificates"]] == [
        f"/etc/letsencrypt/live/{name}/fullchain.pem" for name in ("shop.example.com", "shop.example.com-rsa")
    ]


@pytest.mark.parametrize(
    ("info", "options", "message"),
    [
        (host("2.4.7"), {}, "certificates of two kinds need Apache 2.4.8 or newer"),
        (host(), {"profile": "modern"}, "certificates of two kinds need a profile with TLS 1.2"),
    ],
)
def test_two_certificates_of_which_one_would_be_served_badly_or_unseen(info, options, message):
    with pytest.raises(InputError) as refused:
        made([BOTH], info, **options)
    assert str(refused.value).startswith(f"tls_sites[0] (shop.example.com): {message}")


def test_files_that_are_delivered():
    (site,) = made([{**SHOP, "certificate": FILES}], host("2.4.7", "1.0.2u"))["sites"]
    assert site["certificates"][0]["chain"] == f"{CURRENT}/certs/shop.example.com/chain.pem"


def test_a_proxied_site():
    (site,) = made([{**SHOP, "proxy_to": "https://127.0.0.1:8443/x"}], host())["sites"]
    assert ["SSLProxyEngine", "on"] in site["proxy"]
    assert ["ProxyPass", "/ https://127.0.0.1:8443/x nocanon upgrade=websocket"] in site["proxy"]
    (site,) = made([SHOP], host("2.4.46"))["sites"]
    assert ["ProxyPass", "/ http://127.0.0.1:8000/ nocanon"] in site["proxy"]
    assert not any(name.startswith("SSLProxy") for name, _value in site["proxy"])


def test_names_that_servername_does_not_take():
    sites = [{"name": "2001:db8::1", "aliases": ["*.x.example"], "certificate": FILES, "root": "/srv"}]
    planned = made(sites, host())
    assert planned["sites"] == []
    (first,) = planned["first"]
    assert (first["server_name"], first["aliases"]) == ("nobody.invalid", ["[2001:db8::1]", "*.x.example"])


def test_modules():
    assert made([SHOP], host(modules=["mpm_event"]))["modules"] == [
        "ssl",
        "socache_shmcb",
        "headers",
        "rewrite",
        "http2",
        "proxy",
        "proxy_http",
    ]
    static = made([{**SHOP, "proxy_to": None, "root": "/srv"}], host(modules=["mpm_prefork", "socache_shmcb", "ssl"]))
    assert static["modules"] == ["headers", "rewrite"]
    assert "Protocols" not in directives(static["sites"][0])
    assert "HTTP/2 is left out: it needs mod_http2, and an MPM other than prefork" in static["notes"]
    assert "enabled because they are needed: headers, rewrite" in static["notes"]
    assert made([], host(modules=[]))["modules"] == []


def test_ports():
    planned = made([SHOP], host(listen=["127.0.0.1:8080"]), port=8443, http_port=8080)
    assert planned["http"]["listen"] == [8443]
    assert planned["http"]["vhosts"][0]["rules"] == [
        "RewriteRule ^ https://%{SERVER_NAME}:8443%{REQUEST_URI} [R=308,L]"
    ]
    assert planned["sites"][0]["port"] == 8443
    assert made([], host(listen=[]))["http"]["listen"] == []
    assert made([SHOP], {"installed": False})["http"]["listen"] == []


def test_refusing_unknown_names():
    (reject,) = made([SHOP], host(), reject_unknown_names=True)["reject"]
    assert reject["certificates"][0]["file"] == "/etc/letsencrypt/live/shop.example.com/fullchain.pem"
    assert made([SHOP], host())["reject"] == made([], host(), reject_unknown_names=True)["reject"] == []


def test_notes_of_what_other_vhosts_do_to_ours():
    team = vhost("*:443", names=["shop.example.com"], tls=True, certificates=["/etc/ssl/old.pem"], after_own=True)
    assert made([SHOP], host(vhosts=[team, vhost("192.0.2.7:443"), vhost("*", after_own=True)]))["notes"] == [
        "tls_sites[0] (shop.example.com): ServerName shop.example.com on port 443 is in /etc/apache2/sites-enabled/other.conf too, "
        "with SSLCertificateFile /etc/ssl/old.pem; Apache uses the first it reads",
        "/etc/apache2/sites-enabled/other.conf listens on 192.0.2.7:443; what comes in there never reaches the servers that listen on *:443",
        "what comes to port 80 for a name that no VirtualHost has goes to the first, which is ours; "
        "without it that would be the one in /etc/apache2/sites-enabled/other.conf",
        "what comes to port 443 for a name that no VirtualHost has goes to the first, which is ours; "
        "without it that would be the one in /etc/apache2/sites-enabled/other.conf",
    ]


def test_a_snippet_in_the_team_s_own_vhost():
    snippet = {"includes": [f"{CURRENT}/snippets/wiki.example.com.conf"], "tls": True}
    team = vhost("*:8443", names=["*.example.com"], **snippet)
    planned = made([WIKI], host(vhosts=[team]), address="192.0.2.7")
    assert [(item["host"], item["port"]) for item in planned["endpoints"]] == [("wiki.example.com", 8443)]
    old = vhost("*:443", names=["wiki.example.com"], tls=True, certificates=["/etc/ssl/old.pem"])
    assert made([{**WIKI, "certificate": FILES}], host(vhosts=[old]))["notes"] == [
        "tls_sites[0] (wiki.example.com) is not verified: no VirtualHost with SSLEngine on for it includes its snippet; "
        f"add `Include {CURRENT}/snippets/wiki.example.com.conf` to the one that serves it",
        "tls_sites[0] (wiki.example.com): /etc/apache2/sites-enabled/other.conf has SSLCertificateFile /etc/ssl/old.pem for wiki.example.com; "
        "take it away when the snippet is included, which brings its own",
    ]


FIRST = vhost("_default_:443", file="/etc/apache2/sites-enabled/000-default-ssl.conf")


@pytest.mark.parametrize(
    ("info", "options", "message"),
    [
        ({"installed": False}, {"install": "none"}, "there is no Apache on this host, and apache_install is 'none'"),
        (host(ssl_available=False), {}, "Apache on this host has no mod_ssl; install the package that brings it"),
        (host(modules=["ssl", "http2"]), {"enable": False},
         "Apache on this host does not load headers, rewrite, proxy, proxy_http: load what is missing, then run this again"),
        (host(drop_in_read=False), {},
         "/etc/apache2/apache2.conf doesn't include /etc/apache2/sites-enabled/000-fullchain.conf; "
         "add `IncludeOptional /etc/apache2/sites-enabled/*.conf` there"),
        (host(), {"version": "2.4"}, "apache_version '2.4' is not a version such as 2.4.62"),
        (host(vhosts=[FIRST]), {"reject_unknown_names": True},
         "apache_reject_unknown_names is on, which needs the first VirtualHost of port 443: "
         "that is in /etc/apache2/sites-enabled/000-default-ssl.conf"),
        (host("2.4.41"), {"reject_unknown_names": True}, "apache_reject_unknown_names needs Apache 2.4.42 and OpenSSL 1.1.1 or newer"),
        (host("2.4.35"), {"profile": "modern"},
         "profile modern of Mozilla Server Side TLS 6.0 wants TLSv1.3 alone, which needs Apache 2.4.36 and OpenSSL 1.1.1; "
         "here are Apache 2.4.35 and OpenSSL 3.5.1"),
    ],
)  # fmt: skip
def test_refused(info, options, message):
    with pytest.raises(InputError) as refused:
        made([SHOP], info, **options)
    assert str(refused.value) == message
