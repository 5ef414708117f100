# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""tls_sites: what is refused, in which words, and what comes out of what is read."""

from __future__ import annotations

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils import sites
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError

SHOP = {"name": "shop.example.com", "proxy_to": "http://127.0.0.1:8000"}
FILES = {"source": "files", "fullchain": "shop.pem", "privkey": "shop.key"}
PAIR = {"fullchain": "a.pem", "privkey": "a.key"}
TWO = {"ecdsa": PAIR, "rsa": {"cert": "b.pem", "chain": "i.pem", "privkey": "b.key"}}
KEY = "-----BEGIN PRIVATE KEY-----\nplanted\n-----END PRIVATE KEY-----\n"
KNOWN = "(known: name, aliases, certificate, proxy_to, root, profile, client_auth, extra)"
LABEL = "tls_sites[0] (shop.example.com)"


def shop(**changes):
    return [{**SHOP, **changes}]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"name": "a.example"}, "tls_sites must be a list of mappings, not a mapping"),
        ("a.example", "tls_sites must be a list of mappings, not a string"),
        (None, "tls_sites must be a list of mappings, not nothing"),
        (["a.example"], "tls_sites[0] must be a mapping with at least a name, not a string"),
        ([{"proxy_to": "http://x"}], "tls_sites[0]: name is missing (a hostname or an IP address)"),
        ([{"name": 7}], "tls_sites[0]: name must be a string, not a number"),
        ([SHOP, {"name": "a;b.example"}], "tls_sites[1]: name: 'a;b.example' is not a server name: it has ';' in it"),
        ([{"name": "a b.example"}], "tls_sites[0]: name: 'a b.example' is not a server name: it has a space in it"),
        ([{"name": "a.example\n"}], "tls_sites[0]: name: 'a.example\\n' is not a server name: it has a newline in it"),
        ([{"name": "a{.example"}], "tls_sites[0]: name: 'a{.example' is not a server name: it has '{' in it"),
        (
            [{"name": "*.example.com", "certificate": FILES}],
            "tls_sites[0]: name: wildcard '*.example.com' can't be had here: "
            "only an alias of a site whose certificate.source is files may be a wildcard",
        ),
        (
            shop(aliases=["*.example.com"]),
            f"{LABEL}: aliases[0]: wildcard '*.example.com' can't be had here: "
            "only an alias of a site whose certificate.source is files may be a wildcard",
        ),
        (
            shop(aliases=["*.com"], certificate=FILES),
            f"{LABEL}: aliases[0]: '*.com' is not a server name: a wildcard needs two labels after it",
        ),
        (shop(aliases="www.example.com"), f"{LABEL}: aliases must be a list of names, not a string"),
        (shop(alias=["www"]), f"{LABEL}: unknown key 'alias', did you mean 'aliases'? {KNOWN}"),
        (shop(zzz=1), f"{LABEL}: unknown key 'zzz' {KNOWN}"),
        (
            [SHOP, SHOP],
            "tls_sites[1] (shop.example.com): the name 'shop.example.com' is also in tls_sites[0] (shop.example.com)",
        ),
        (
            [SHOP, {"name": "b.example", "aliases": ["Shop.example.com"]}],
            "tls_sites[1] (b.example): the name 'shop.example.com' is also in tls_sites[0] (shop.example.com)",
        ),
        (shop(aliases=["shop.example.com"]), f"{LABEL}: the name 'shop.example.com' is given twice"),
        (shop(certificate="files"), f"{LABEL}: certificate must be a mapping with source, not a string"),
        (
            shop(certificate={"source": "acme"}),
            f"{LABEL}: certificate.source 'acme' is unknown (known: certbot, files, server)",
        ),
        (
            shop(certificate={"sorce": "files"}),
            f"{LABEL}: certificate: unknown key 'sorce', did you mean 'source'? (known: source, fullchain, "
            "cert, chain, privkey, key_types, ecdsa, rsa)",
        ),
        (
            shop(certificate={"privkey": KEY}),
            f"{LABEL}: certificate.privkey needs certificate.source: files, not 'certbot'",
        ),
        (
            shop(certificate={"source": "files", "privkey": KEY}),
            f"{LABEL}: certificate: needs fullchain, or cert and chain",
        ),
        (
            shop(certificate={"source": "files", "cert": "a.pem", "privkey": KEY}),
            f"{LABEL}: certificate: needs fullchain, or cert and chain",
        ),
        (
            shop(certificate={**FILES, "chain": "x"}),
            f"{LABEL}: certificate: give fullchain, or cert and chain, not both",
        ),
        (
            shop(certificate={"source": "files", "fullchain": "a.pem"}),
            f"{LABEL}: certificate: needs privkey",
        ),
        (
            shop(certificate={**FILES, "privkey": [KEY]}),
            f"{LABEL}: certificate.privkey must be a path on the controller or PEM text",
        ),
        (
            shop(certificate={**FILES, "privkey": " "}),
            f"{LABEL}: certificate.privkey must be a path on the controller or PEM text",
        ),
        (
            shop(certificate={"source": "files", "key_types": ["ecdsa", "rsa"]}),
            f"{LABEL}: certificate.key_types is for source certbot; files are given as ecdsa and rsa",
        ),
        (
            shop(certificate={"source": "server", "key_types": ["ecdsa", "rsa"]}),
            f"{LABEL}: certificate.key_types needs certificate.source: certbot, not 'server'",
        ),
        *(
            (
                shop(certificate={"key_types": kinds}),
                f"{LABEL}: certificate.key_types {kinds!r} is not known (expected [ecdsa, rsa] for a certificate of each; the "
                "kind of a single one is certbot_key_type)",
            )
            for kinds in (["rsa"], "rsa", ["rsa", "rsa"], ["rsa", "dsa"], [])
        ),
        *(
            (
                shop(certificate={"source": "files", **given}),
                f"{LABEL}: certificate: give both ecdsa and rsa, each a mapping with fullchain and privkey, and nothing beside "
                "them; or fullchain and privkey of a single certificate",
            )
            for given in ({"rsa": PAIR}, {"rsa": PAIR, "fullchain": "a.pem"}, {**TWO, "privkey": KEY})
        ),
        (
            shop(certificate={"source": "files", "ecdsa": PAIR, "rsa": "a.pem"}),
            f"{LABEL}: certificate.rsa must be a mapping with fullchain and privkey, not a string",
        ),
        (
            shop(certificate={"source": "files", "ecdsa": PAIR, "rsa": {"fullchain": "a.pem"}}),
            f"{LABEL}: certificate.rsa: needs privkey",
        ),
        (
            shop(certificate={"source": "files", "ecdsa": PAIR, "rsa": {**PAIR, "key": "a"}}),
            f"{LABEL}: certificate.rsa: unknown key 'key', did you mean 'privkey'? (known: fullchain, cert, chain, privkey)",
        ),
        (
            shop(certificate={"ecdsa": PAIR}),
            f"{LABEL}: certificate.ecdsa needs certificate.source: files, not 'certbot'",
        ),
        (shop(root="/srv/shop"), f"{LABEL}: proxy_to and root exclude each other; give one, or neither for a snippet"),
        (
            [{"name": "shop.example.com", "extra": "gzip on;"}],
            f"{LABEL}: extra needs proxy_to or root; without them only a snippet is written, "
            "and such directives belong beside its include",
        ),
        (shop(extra=["gzip on;"]), f"{LABEL}: extra must be a string, not a list"),
        (shop(client_auth={"ca": "x"}), f"{LABEL}: client_auth: mutual TLS is not supported by this version"),
        (
            shop(profile="intermedate"),
            f"{LABEL}: unknown profile 'intermedate', did you mean 'intermediate'? "
            "(known: modern, intermediate, old, or a mapping of your own)",
        ),
    ],
)
def test_refused(value, message):
    with pytest.raises(InputError) as refused:
        sites.read_sites(value)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8000",
        "ftp://x",
        "http://",
        "http://a b",
        "http://a;b",
        "http://a{b",
        "http://a$b",
        'http://a"b',
        "http://a\nb",
    ],
)
def test_a_proxy_to_that_is_no_url_or_could_leave_its_directive(url):
    with pytest.raises(InputError) as refused:
        sites.read_sites(shop(proxy_to=url))
    assert str(refused.value) == (
        f"{LABEL}: proxy_to {url!r} is not a URL such as http://127.0.0.1:8000 (http or https; no space, quote, ';', '{{', '}}' or '$')"
    )


@pytest.mark.parametrize("path", ["srv/shop", "/srv/my shop", "/srv;", "/srv/$host", "/srv/{", "/srv\n"])
def test_a_root_that_is_no_absolute_path_or_could_leave_its_directive(path):
    with pytest.raises(InputError) as refused:
        sites.read_sites([{"name": "shop.example.com", "root": path}])
    assert str(refused.value) == (
        f"{LABEL}: root {path!r} is not an absolute path such as /srv/shop (no space, quote, ';', '{{', '}}' or '$')"
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000",
        "https://backend.example:8443/app/",
        "http://[::1]:80",
        "http://unix:/run/app.sock:/",
        "http://up_stream",
    ],
)
def test_urls_that_nginx_takes(url):
    assert sites.read_sites(shop(proxy_to=url))[0].proxy_to == url


def test_a_source_that_the_caller_cannot_serve():
    with pytest.raises(InputError) as refused:
        sites.read_sites(shop(certificate={"source": "server"}), ("certbot", "files"))
    assert (
        str(refused.value) == f"{LABEL}: certificate.source 'server' is not supported here (supported: certbot, files)"
    )


def test_normalised_site_of_certbot():
    (site,) = sites.read_sites([{"name": "Shop.Example.com.", "aliases": ["bücher.example"], "root": "/srv/shop"}])
    assert sites.normalise(site, "/etc/nginx/fullchain", "/etc/letsencrypt/live", "modern") == {
        "name": "shop.example.com",
        "aliases": ["xn--bcher-kva.example"],
        "names": ["shop.example.com", "xn--bcher-kva.example"],
        "certificate": {
            "source": "certbot",
            "key_types": [],
            "fullchain_path": "/etc/letsencrypt/live/shop.example.com/fullchain.pem",
            "privkey_path": "/etc/letsencrypt/live/shop.example.com/privkey.pem",
        },
        "proxy_to": None,
        "root": "/srv/shop",
        "profile": "modern",
        "extra": "",
        "label": LABEL,
    }


def test_normalised_site_of_files_holds_no_key():
    (site,) = sites.read_sites(shop(certificate={**FILES, "privkey": KEY}, profile={"groups": ["X25519"]}))
    normalised = sites.normalise(site, "/etc/nginx/fullchain", "/etc/letsencrypt/live")
    assert normalised["certificate"] == {
        "source": "files",
        "key_types": [],
        "fullchain_path": "/etc/nginx/fullchain/current/certs/shop.example.com/fullchain.pem",
        "privkey_path": "/etc/nginx/fullchain/current/certs/shop.example.com/privkey.pem",
    }
    assert normalised["profile"] == {"groups": ["X25519"]}
    assert "planted" not in repr(normalised) + repr(site)


def test_a_server_that_obtains_its_own_has_no_paths():
    (site,) = sites.read_sites(shop(certificate={"source": "server"}))
    assert sites.deployed_paths(site, "/etc/caddy/fullchain", "/etc/letsencrypt/live") == []


MIXED = [
    {"name": "a.example", "aliases": ["*.a.example", "www.a.example"], "certificate": {**FILES, "privkey": KEY}},
    {"name": "b.example", "root": "/srv/b"},
    {"name": "c.example", "certificate": {"source": "files", "cert": "c.pem", "chain": "i.pem", "privkey": "c.key"}},
]


def test_what_deploy_is_given():
    read = sites.read_sites(MIXED)
    assert sites.delivered_certificates(read) == [
        {
            "name": "a.example",
            "server_names": ["a.example", "*.a.example", "www.a.example"],
            "fullchain": "shop.pem",
            "privkey": KEY,
            "source": "tls_sites[0] (a.example)",
        },
        {
            "name": "c.example",
            "server_names": ["c.example"],
            "cert": "c.pem",
            "chain": "i.pem",
            "privkey": "c.key",
            "source": "tls_sites[2] (c.example)",
        },
    ]
    assert sites.lineages_on_host(read, "/etc/letsencrypt/live") == [
        {
            "name": "b.example",
            "server_names": ["b.example"],
            "fullchain": "/etc/letsencrypt/live/b.example/fullchain.pem",
            "privkey": "/etc/letsencrypt/live/b.example/privkey.pem",
        }
    ]


def test_a_site_with_two_certificates_from_certbot():
    """The first keeps the site's name, whichever it is: it may be there already."""
    (site,) = sites.read_sites([{"name": "a.example", "certificate": {"key_types": ["rsa", "ecdsa"]}}])
    assert [item["name"] for item in sites.lineages_on_host([site], "/live")] == ["a.example", "a.example-ecdsa"]
    assert sites.deployed_paths(site, "/etc/nginx/fullchain", "/live") == [
        {"fullchain_path": f"/live/{name}/fullchain.pem", "privkey_path": f"/live/{name}/privkey.pem"}
        for name in ("a.example", "a.example-ecdsa")
    ]
    assert sites.deployed_endpoints(site, "a.example", 443, None) == [
        {"host": "a.example", "port": 443, "server_name": "a.example", "key_types": [kind], "certificate": certificate}
        for kind, certificate in (("rsa", "a.example"), ("ecdsa", "a.example-ecdsa"))
    ]
    assert sites.site_endpoints([site])[0]["key_types"] == ["rsa", "ecdsa"]
    assert sites.normalise(site, "/etc/nginx/fullchain", "/live")["certificate"] == {
        "source": "certbot",
        "key_types": ["rsa", "ecdsa"],
        "fullchain_path": "/live/a.example/fullchain.pem",
        "privkey_path": "/live/a.example/privkey.pem",
    }


def test_a_site_with_two_certificates_from_files():
    (site,) = sites.read_sites(shop(certificate={"source": "files", **TWO}))
    assert sites.delivered_certificates([site]) == [
        {"name": SHOP["name"], "server_names": [SHOP["name"]], **PAIR, "source": f"{LABEL}, ecdsa"},
        {"name": f"{SHOP['name']}-rsa", "server_names": [SHOP["name"]], **TWO["rsa"], "source": f"{LABEL}, rsa"},
    ]


def test_two_certificates_of_which_one_could_not_be_looked_at():
    (site,) = sites.read_sites([{"name": "a.example", "certificate": {"key_types": ["ecdsa", "rsa"]}}])
    sites.refuse_unseen_kinds(site, ["TLSv1.2", "TLSv1.3"])
    with pytest.raises(InputError, match=r"certificates of two kinds need a profile with TLS 1\.2"):
        sites.refuse_unseen_kinds(site, ["TLSv1.3"])


def test_an_endpoint_for_each_name_but_wildcards():
    assert sites.site_endpoints(sites.read_sites(MIXED[:1]), "192.0.2.7") == [
        {"host": "a.example", "port": 443, "server_name": "a.example", "address": "192.0.2.7"},
        {"host": "www.a.example", "port": 443, "server_name": "www.a.example", "address": "192.0.2.7"},
    ]
    assert sites.site_endpoints(sites.read_sites(MIXED[1:2])) == [
        {"host": "b.example", "port": 443, "server_name": "b.example"}
    ]
