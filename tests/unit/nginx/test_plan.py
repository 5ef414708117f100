# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nginx on a host is given, and what is refused or said of that host."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.nginx import Options, plan
from ansible_collections.fullchain.tls.plugins.plugin_utils.nginx_vhosts import hash_settings, read_vhost
from ansible_collections.fullchain.tls.plugins.plugin_utils.webserver.view import for_role

SHOP = {"name": "shop.example.com", "aliases": ["www.shop.example.com"], "proxy_to": "http://127.0.0.1:8000"}
SHOP_NAMES = ["shop.example.com", "www.shop.example.com"]
WIKI = {"name": "wiki.example.com"}
FILES = {"source": "files", "fullchain": "x.pem", "privkey": "x.key"}
CURRENT = "/etc/nginx/fullchain/current"
DEBIAN = {"11": ("1.18.0", "1.1.1w"), "12": ("1.22.1", "3.0.19"), "13": ("1.26.3", "3.5.1")}


def host(release="12", **changes):
    version, openssl = DEBIAN[release]
    return {
        "installed": True,
        "version": version,
        "tls_library": f"OpenSSL {openssl}",
        "openssl": openssl,
        "modules": ["http_ssl", "http_v2"],
        "conf_path": "/etc/nginx/nginx.conf",
        "ipv6": True,
        "drop_in_read": True,
        "servers": [],
        "own_servers": [],
        "settings": {},
        "unreadable": [],
        **changes,
    }


def server(*listen, names=(), includes=(), file="/etc/nginx/sites-enabled/other"):
    return {"file": file, "listen": [item.split() for item in listen], "names": list(names), "includes": list(includes)}


def said(planned):
    """The notes, without those of what OpenSSL 3.0 can't do."""
    return [note for note in planned["notes"] if not note.startswith("left out of the TLS profile ")]


def directives(site):
    return dict(site["directives"])


@pytest.mark.parametrize(
    ("release", "listen", "http2"),
    [
        ("11", ["443 ssl http2", "[::]:443 ssl http2"], None),
        ("12", ["443 ssl http2", "[::]:443 ssl http2"], None),
        ("13", ["443 ssl", "[::]:443 ssl"], "on"),
    ],
)
def test_a_whole_site(release, listen, http2):
    (site,) = plan([SHOP], host(release), Options())["sites"]
    assert site["listen"] == listen
    assert site["server_names"] == "shop.example.com www.shop.example.com"
    assert directives(site).get("http2") == http2
    assert directives(site)["ssl_certificate"] == "/etc/letsencrypt/live/shop.example.com/fullchain.pem"
    assert directives(site)["ssl_certificate_key"] == "/etc/letsencrypt/live/shop.example.com/privkey.pem"
    assert directives(site)["add_header"] == 'Strict-Transport-Security "max-age=63072000" always'


def test_without_ipv6_and_without_http2():
    planned = plan([SHOP], host("13", ipv6=False, modules=["http_ssl"]), Options())
    assert planned["sites"][0]["listen"] == ["443 ssl"]
    assert "http2" not in directives(planned["sites"][0])
    assert planned["http"]["listen"] == ["80"]


@pytest.mark.parametrize(
    ("fleet", "own", "header"),
    [
        (None, None, 'Strict-Transport-Security "max-age=63072000" always'),
        (300, None, 'Strict-Transport-Security "max-age=300" always'),
        (0, None, 'Strict-Transport-Security "max-age=0" always'),
        (-1, None, None),
        (None, 60, 'Strict-Transport-Security "max-age=60" always'),
        (None, -1, None),
    ],
)
def test_hsts(fleet, own, header):
    profile = {} if own is None else {"profile": {"hsts_max_age": own}}
    (site,) = plan([{**SHOP, **profile}], host(), Options(hsts_max_age=fleet))["sites"]
    assert directives(site).get("add_header") == header


def test_a_snippet_has_neither_listen_nor_hsts():
    planned = plan([{**WIKI, "certificate": FILES}], host("13"), Options())
    (snippet,) = planned["snippets"]
    assert planned["sites"] == []
    assert directives(snippet)["ssl_certificate"] == f"{CURRENT}/certs/wiki.example.com/fullchain.pem"
    assert not {"http2", "add_header", "listen"} & set(directives(snippet))


def test_port_80_has_the_names_of_whole_sites_and_those_that_certbot_needs():
    files = {"name": "files.example.com", "certificate": FILES}
    planned = plan([SHOP, WIKI, files], host(), Options())
    assert planned["http"]["names"] == ["shop.example.com", "www.shop.example.com"]
    assert planned["http"]["waiting"] == ["wiki.example.com"]
    assert planned["http"]["redirect"] == 308


@pytest.mark.parametrize(
    ("listen", "names", "waiting"),
    [("443 ssl", ["wiki.example.com"], []), ("8443 ssl", [], ["wiki.example.com"]), ("8080", [], ["wiki.example.com"])],
)
def test_a_snippet_s_name_is_redirected_once_a_server_on_443_includes_it(listen, names, waiting):
    team = server(listen, names=["wiki.example.com"], includes=[f"{CURRENT}/snippets/wiki.example.com.conf"])
    http = plan([WIKI], host(servers=[team]), Options())["http"]
    assert (http["names"], http["waiting"]) == (names, waiting)


ORDERED = {**SHOP, "name": "files.example.com", "aliases": [], "certificate": FILES}


def challenge(sites, **info):
    planned = plan(sites, host(**info), Options())
    return planned["challenge"]["names"], planned["challenge"]["waiting"]


def test_before_the_first_certificate_nothing_is_redirected():
    assert challenge([SHOP, ORDERED, WIKI]) == ([], ["wiki.example.com", *SHOP_NAMES])


def test_once_all_is_served_over_tls_both_entry_points_want_the_same_of_port_80():
    own = [
        server("443 ssl http2", "[::]:443 ssl http2", names=names)
        for names in (SHOP_NAMES, ["files.example.com"], ["[2001:db8::1]"])
    ]
    sites = [SHOP, ORDERED, WIKI, {**ORDERED, "name": "2001:db8::1"}]
    planned = plan(sites, host(own_servers=own), Options())
    assert planned["challenge"] == planned["http"]
    assert planned["http"]["names"] == [*SHOP_NAMES, "files.example.com", "[2001:db8::1]"]
    assert planned["http"]["waiting"] == ["wiki.example.com"]


def test_a_name_that_is_added_waits_while_the_others_are_redirected():
    own = server("443 ssl", names=["shop.example.com"])
    assert challenge([SHOP], own_servers=[own]) == (["shop.example.com"], ["www.shop.example.com"])
    assert challenge([SHOP], own_servers=[{**own, "listen": [["80"]]}]) == ([], SHOP_NAMES)


@pytest.mark.parametrize("name", ["www.shop.example.com", "*.shop.example.com"])
def test_a_name_that_works_over_http_stays_with_its_server_until_the_certificate_is_there(name):
    planned = plan([SHOP], host(servers=[server("80", names=[name])]), Options())
    assert planned["challenge"]["names"] == []
    assert planned["challenge"]["waiting"] == ["shop.example.com"]
    assert planned["challenge_notes"] == [
        "tls_sites[0] (shop.example.com): /etc/nginx/sites-enabled/other has the server for www.shop.example.com on port 80; "
        f"add `include {CURRENT}/snippets/challenge.conf;` to it, or no ACME challenge is answered"
    ]
    assert planned["http"]["names"] == SHOP_NAMES


def test_no_word_of_servers_that_answer_challenges_or_need_not():
    other = server("80", names=SHOP_NAMES)
    including = {**other, "includes": [f"{CURRENT}/snippets/challenge.conf"]}
    own = server("443 ssl", names=SHOP_NAMES)
    assert plan([SHOP], host(servers=[including]), Options())["challenge_notes"] == []
    assert plan([{**SHOP, "certificate": FILES}], host(servers=[other]), Options())["challenge_notes"] == []
    assert plan([SHOP], host(servers=[other], own_servers=[own]), Options())["challenge_notes"] == []


def test_an_nginx_that_does_not_know_308():
    assert plan([SHOP], host(version="1.12.2"), Options())["http"]["redirect"] == 301


@pytest.mark.parametrize(
    "name", ["wiki.example.com", "*.example.com", ".example.com", "~^(?<n>w\\w+)\\.example\\.com$", "wiki.*"]
)
def test_a_name_that_another_server_has_on_port_80_is_left_to_it(name):
    planned = plan([WIKI], host(servers=[server("80", names=[name])]), Options())
    assert planned["http"]["names"] == planned["http"]["waiting"] == []
    assert said(planned)[-1] == (
        "tls_sites[0] (wiki.example.com): /etc/nginx/sites-enabled/other has the server for wiki.example.com on port 80; "
        f"add `include {CURRENT}/snippets/challenge.conf;` to it, or no ACME challenge is answered"
    )


@pytest.mark.parametrize("name", ["_", "example.com", "xwiki.example.com", "~[", "~^x"])
def test_names_that_are_not_the_site_s(name):
    http = plan([WIKI], host(servers=[server("80", names=[name])]), Options())["http"]
    assert http["waiting"] == ["wiki.example.com"]


def test_no_note_when_the_challenge_is_included():
    other = server("80", names=["wiki.example.com"], includes=[f"{CURRENT}/snippets/challenge.conf"])
    (note,) = said(plan([WIKI], host(servers=[other]), Options()))
    assert "is not verified" in note


def test_endpoints_of_whole_sites_and_of_snippets_that_are_included():
    tls = server(
        "8443 ssl", "[::]:8443 ssl", names=["wiki.example.com"], includes=[f"{CURRENT}/snippets/wiki.example.com.conf"]
    )
    planned = plan([SHOP, WIKI], host(servers=[tls]), Options(address="192.0.2.7"))
    assert [(item["host"], item["port"], item["certificate"], item["address"]) for item in planned["endpoints"]] == [
        ("shop.example.com", 443, "shop.example.com", "192.0.2.7"),
        ("www.shop.example.com", 443, "shop.example.com", "192.0.2.7"),
        ("wiki.example.com", 8443, "wiki.example.com", "192.0.2.7"),
    ]
    assert said(planned) == []


def test_a_snippet_that_nothing_includes_is_not_verified_and_said_so():
    planned = plan(
        [{**WIKI, "certificate": FILES}], host(servers=[server("443 ssl", names=["wiki.example.com"])]), Options()
    )
    assert planned["endpoints"] == []
    assert said(planned) == [
        "tls_sites[0] (wiki.example.com) is not verified: no server block for it includes its snippet; "
        f"add `include {CURRENT}/snippets/wiki.example.com.conf;` to the one that serves it"
    ]


def test_notes_of_what_other_servers_do_to_ours():
    servers = [
        server("80", "443 ssl", names=["shop.example.com"], file="/etc/nginx/sites-enabled/shop"),
        server("192.0.2.7:443 ssl", "unix:/run/x.sock", "*:80", "0.0.0.0:80"),
    ]
    unreadable = [{"file": "/etc/nginx/sites-enabled/x", "reason": "unexpected end of file"}]
    assert said(plan([SHOP], host(servers=servers, unreadable=unreadable), Options())) == [
        "/etc/nginx/sites-enabled/x was not looked into: unexpected end of file",
        "tls_sites[0] (shop.example.com): server_name shop.example.com on port 80 is in /etc/nginx/sites-enabled/shop too; "
        "nginx uses the first it reads",
        "tls_sites[0] (shop.example.com): server_name shop.example.com on port 443 is in /etc/nginx/sites-enabled/shop too; "
        "nginx uses the first it reads",
        "/etc/nginx/sites-enabled/other listens on 192.0.2.7:443; "
        "what comes in there never reaches the servers that listen on *:443",
    ]


def test_a_note_when_sites_differ_in_what_nginx_takes_from_the_default_server():
    modern = {"name": "m.example.com", "root": "/srv/m", "profile": "modern"}
    (note,) = said(plan([SHOP, modern], host(), Options()))
    assert note == (
        "nginx before 1.29.2 takes ssl_protocols and ssl_ecdh_curve of all sites on an address from its default server "
        "(the first that it reads, or the one marked default_server), and these differ: "
        "shop.example.com: TLSv1.2 TLSv1.3, X25519:prime256v1:secp384r1; m.example.com: TLSv1.3, X25519:prime256v1:secp384r1"
    )
    assert said(plan([SHOP, modern], host(version="1.29.2"), Options())) == []
    assert said(plan([SHOP, {**modern, "profile": None}], host(), Options())) == []
    (note,) = said(plan([modern], host(), Options(reject_unknown_names=True)))
    assert "nginx_reject_unknown_names: TLSv1.2 TLSv1.3" in note


@pytest.mark.parametrize(("release", "by_directive"), [("11", False), ("12", True), ("13", True)])
def test_refusing_unknown_names(release, by_directive):
    (reject,) = plan([SHOP], host(release), Options(reject_unknown_names=True))["reject"]
    assert reject["by_directive"] is by_directive
    assert all(listen.endswith(" default_server") for listen in reject["listen"])
    assert directives(reject)["ssl_protocols"] == "TLSv1.2 TLSv1.3"
    assert plan([SHOP], host(release), Options())["reject"] == []


def test_a_site_with_an_address_is_the_default_server():
    (site,) = plan([{**SHOP, "aliases": ["192.0.2.7", "2001:DB8::1"]}], host(), Options())["sites"]
    assert site["listen"] == ["443 ssl http2 default_server", "[::]:443 ssl http2 default_server"]
    assert site["server_names"] == "shop.example.com 192.0.2.7 [2001:db8::1]"


DEFAULT = server("443 ssl default_server", file="/etc/nginx/sites-enabled/default")
BOTH = {**SHOP, "aliases": [], "certificate": {"key_types": ["ecdsa", "rsa"]}}
BY_ADDRESS = {**SHOP, "name": "192.0.2.7", "aliases": []}


@pytest.mark.parametrize(
    ("sites", "info", "options", "message"),
    [
        ([{**SHOP, "certificate": {"source": "server"}}], host(), Options(),
         "tls_sites[0] (shop.example.com): certificate.source 'server' needs nginx's own ACME module, and this nginx does not load it: "
         "install the module's package from nginx.org, and have nginx.conf load modules/ngx_http_acme_module.so"),
        ([SHOP], {"installed": False}, Options(install="none"), "there is no nginx on this host, and nginx_install is 'none'"),
        ([SHOP], host(tls_library=None), Options(), "nginx 1.22.1 on this host is built without TLS (http_ssl_module)"),
        ([SHOP], host(drop_in_read=False), Options(),
         "/etc/nginx/nginx.conf doesn't include /etc/nginx/conf.d/fullchain.conf in its http block; "
         "add `include /etc/nginx/conf.d/*.conf;` there"),
        ([SHOP], host(servers=[DEFAULT]), Options(reject_unknown_names=True),
         "nginx_reject_unknown_names is on, which needs the default server of port 443: "
         "/etc/nginx/sites-enabled/default has one already"),
        ([SHOP], host(version="1.15.9"), Options(reject_unknown_names=True), "nginx_reject_unknown_names needs nginx 1.15.10 or newer"),
        ([BY_ADDRESS], host(), Options(reject_unknown_names=True),
         "nginx_reject_unknown_names can't be had: tls_sites[0] (192.0.2.7) is served by IP address, "
         "to clients that send no server name"),
        ([BY_ADDRESS], host(servers=[DEFAULT]), Options(),
         "tls_sites[0] (192.0.2.7) is served by IP address, which needs the default server of port 443: "
         "/etc/nginx/sites-enabled/default has one already"),
        ([BY_ADDRESS, {**SHOP, "aliases": ["192.0.2.8"]}], host(), Options(),
         "tls_sites[1] (shop.example.com): a client that asks for an IP address sends no server name, "
         "so a host can serve one site by address, and tls_sites[0] (192.0.2.7) is one already"),
        ([BOTH], host(version="1.10.3"), Options(), "tls_sites[0] (shop.example.com): certificates of two kinds need nginx 1.11 or newer"),
        ([{**BOTH, "profile": "modern"}], host(), Options(),
         "tls_sites[0] (shop.example.com): certificates of two kinds need a profile with TLS 1.2 (with TLS 1.3 alone, such as in "
         "modern, each client takes the ECDSA one, and the other could not be verified)"),
        ([SHOP], host(), Options(profile="best"), "unknown profile 'best' (known: modern, intermediate, old, or a mapping of your own)"),
    ],
)  # fmt: skip
def test_refused(sites, info, options, message):
    with pytest.raises(InputError) as refused:
        plan(sites, info, options)
    assert str(refused.value) == message


def test_a_site_with_two_certificates():
    planned = plan([BOTH], host(), Options())
    (site,) = planned["sites"]
    assert [value for name, value in site["directives"] if name == "ssl_certificate"] == [
        f"/etc/letsencrypt/live/{name}/fullchain.pem" for name in ("shop.example.com", "shop.example.com-rsa")
    ]
    assert [(one["key_types"], one["certificate"]) for one in planned["endpoints"]] == [
        (["ecdsa"], "shop.example.com"),
        (["rsa"], "shop.example.com-rsa"),
    ]


def test_a_host_without_nginx_is_taken_for_the_newest():
    planned = plan([SHOP], {"installed": False, "ipv6": True}, Options())
    assert directives(planned["sites"][0])["http2"] == "on"
    assert directives(planned["sites"][0])["ssl_ecdh_curve"].startswith("X25519MLKEM768:")


def test_a_library_that_imitates_openssl():
    (site,) = plan([SHOP], host(tls_library="LibreSSL 3.8.2", openssl=None), Options())["sites"]
    assert directives(site)["ssl_ecdh_curve"] == "X25519:prime256v1:secp384r1"
    assert directives(site)["ssl_protocols"] == "TLSv1.2 TLSv1.3"


@pytest.mark.parametrize(
    ("names", "given", "settings"),
    [
        (["a" * 46], {}, []),
        (["a" * 47], {}, [["server_names_hash_bucket_size", "128"]]),
        (["a" * 120], {}, [["server_names_hash_bucket_size", "256"]]),
        (["a" * 47], {"server_names_hash_bucket_size": "128"}, []),
        (["a" * 47], {"server_names_hash_bucket_size": "1k"}, []),
        ([], {}, []),
        (["a.example"] * 64, {}, []),
        (["a.example"] * 65, {}, [["server_names_hash_max_size", "1024"]]),
        (["a.example"] * 65, {"server_names_hash_max_size": "512"}, []),
    ],
)
def test_the_size_of_the_table_of_names(names, given, settings):
    assert hash_settings(names, given) == settings


def test_a_table_of_names_that_is_set_too_small():
    with pytest.raises(InputError) as refused:
        hash_settings(["a" * 47], {"server_names_hash_bucket_size": "64"})
    assert str(refused.value) == (
        f"server_names_hash_bucket_size is 64 in this host's nginx configuration; '{'a' * 47}' needs 128"
    )


@pytest.mark.parametrize(
    ("listen", "sockets"),
    [
        ("443 ssl", [("*", 443, True, False)]),
        ("*:8443 ssl default", [("*", 8443, True, True)]),
        ("0.0.0.0:80", [("*", 80, False, False)]),
        ("192.0.2.7", [("192.0.2.7", 80, False, False)]),
        ("[::]:443 default_server", [("[::]", 443, True, True)]),
        ("unix:/run/x.sock", []),
        ("a:b:c", []),
    ],
)
def test_listen(listen, sockets):
    found = read_vhost(server(listen)).sockets
    assert [(socket.address, socket.port, socket.tls, socket.default) for socket in found] == sockets


def test_a_wildcard_of_somebody_else_takes_no_name_from_a_whole_site():
    servers = [server("80", "443 ssl", names=["*.example.com"])]
    planned = plan([SHOP], host(servers=servers), Options())
    assert said(planned) == []
    assert planned["http"]["names"] == ["shop.example.com", "www.shop.example.com"]


def test_the_role_has_its_sites_planned_no_oftener_than_it_must():
    """Each mention of the lazy variable plans anew. A deploy needs its files and its endpoints."""
    tasks = Path(__file__).parents[3] / "roles/webserver/tasks"
    mentions = {
        name: str(task["fullchain.tls.deploy"]).count("webserver_plan")
        for name in ("main", "challenge")
        for task in yaml.safe_load((tasks / f"{name}.yml").read_text())
        if "fullchain.tls.deploy" in task
    }
    assert mentions == {"main": 2, "challenge": 1}


def test_what_the_role_deploys_has_a_template_of_its_own_each():
    templates = {path.name for path in (Path(__file__).parents[3] / "roles/nginx/templates").iterdir()}
    info = {**host(), "acme": True, "nameservers": ["192.0.2.53"]}
    obtained = {"name": "blog.example.com", "certificate": {"source": "server"}}
    view = for_role(plan([SHOP, WIKI, obtained], info, Options(reject_unknown_names=True)), "/etc/nginx/fullchain")
    assert {item["src"] for item in view["files"]} == templates - {"drop-in.conf.j2"}
    assert [item["dest"] for item in view["challenge_files"]] == ["http.conf", "snippets/challenge.conf"]
    assert view["challenge_files"][0]["vars"]["http"]["waiting"] == ["wiki.example.com", *SHOP_NAMES]
    assert view["files"][0]["vars"]["http"]["names"] == SHOP_NAMES
    assert [len(item.get("each", ())) for item in view["files"]] == [0, 0, 1, 2, 1, 0, 0, 0, 0]


def test_what_the_server_cannot_do_of_a_profile_is_said_once_for_all_sites_that_have_it():
    sites = [SHOP, {**ORDERED, "name": "a.example.com"}, {**ORDERED, "name": "b.example.com", "profile": "modern"}]
    lacking = "X25519MLKEM768 (OpenSSL 3.5 or newer; here 3.0.19)"
    assert [note for note in plan(sites, host(version="1.29.2"), Options())["notes"] if "left out" in note] == [
        f"left out of the TLS profile {name} of Mozilla Server Side TLS 6.0: {lacking}"
        for name in ("intermediate", "modern")
    ]
    assert plan(sites[:2], host("13"), Options())["notes"] == []


def test_a_server_of_the_team_that_has_a_certificate_for_the_name_is_named():
    other = {**server("443 ssl", names=["shop.example.com", "wiki.example.com"]), "certificates": ["/etc/ssl/old.pem"]}
    notes = said(
        plan([{**SHOP, "certificate": FILES}, {**WIKI, "certificate": FILES}], host(servers=[other]), Options())
    )
    assert notes == [
        "tls_sites[0] (shop.example.com): server_name shop.example.com on port 443 is in /etc/nginx/sites-enabled/other too, "
        "with ssl_certificate /etc/ssl/old.pem; nginx uses the first it reads",
        "tls_sites[1] (wiki.example.com) is not verified: no server block for it includes its snippet; "
        f"add `include {CURRENT}/snippets/wiki.example.com.conf;` to the one that serves it",
        "tls_sites[1] (wiki.example.com): /etc/nginx/sites-enabled/other has ssl_certificate /etc/ssl/old.pem for wiki.example.com; "
        "take it away when the snippet is included, which brings its own",
    ]


def test_other_ports():
    planned = plan([SHOP], host("13", ipv6=False), Options(port=8443, http_port=8080))
    assert planned["sites"][0]["listen"] == ["8443 ssl"]
    assert (planned["http"]["listen"], planned["http"]["port"]) == (["8080"], ":8443")
    assert {item["port"] for item in planned["endpoints"]} == {8443}
