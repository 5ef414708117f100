# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sites whose certificates Apache's mod_md obtains: what is written for them, and what is refused or said."""

from __future__ import annotations

import pytest
from ansible_collections.fullchain.tls.plugins.filter.apache_plan import apache_plan
from ansible_collections.fullchain.tls.plugins.plugin_utils.apache import Options, plan
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError

from tests.pki import Cert, mint
from tests.unit.apache.test_plan import CURRENT, FILES, LOADED, SHOP, WIKI, host, vhost
from tests.unit.apache.test_rendered import render

SERVER = {"source": "server"}
OWN = {**SHOP, "certificate": SERVER}
SNIPPET = {**WIKI, "certificate": SERVER}
STATIC = {"name": "static.example.com", "root": "/srv", "certificate": FILES}
EMAIL = "ops@example.com"


def made(*sites, info=None, **options):
    return plan(list(sites), host() if info is None else info, Options(**{"email": EMAIL, **options}))


def test_the_text_of_the_domains(tmp_path):
    options = {"root": str(tmp_path), "acme_server": "https://ca.example.com/dir"}
    current = render(tmp_path, made(OWN, STATIC, SNIPPET, **options))
    (settings,) = {
        block.split(">\n")[1] for block in (current / "md.conf").read_text().split("</MDomainSet>")[:-1]
    }  # each has the same
    assert settings == (
        '    MDCertificateAuthority "https://ca.example.com/dir"\n'
        "    MDCertificateAgreement accepted\n"
        "    MDContactEmail ops@example.com\n"
        "    MDCAChallenges http-01\n"
        "    MDRenewMode auto\n"
    )
    assert [line for line in (current / "md.conf").read_text().split("\n") if line.startswith("<MDomainSet ")] == [
        "<MDomainSet shop.example.com www.shop.example.com auto>",
        "<MDomainSet wiki.example.com auto>",
    ]
    for path in ("sites/shop.example.com.conf", "snippets/wiki.example.com.conf"):
        text = (current / path).read_text()
        assert "SSLProtocol" in text
        assert "SSLCertificate" not in text
    assert "SSLCertificateFile" in (current / "sites/static.example.com.conf").read_text()


def test_no_domains_where_nothing_is_obtained(tmp_path):
    planned = made(STATIC, email="")
    assert planned["more"] == []
    assert not (render(tmp_path, planned) / "md.conf").exists()
    assert "md" not in planned["modules"]


def test_what_the_role_is_given():
    ca = mint(root=Cert()).pem("root")
    given = apache_plan([OWN], host(modules=LOADED), acme_server_ca=ca, email=EMAIL)
    assert given["modules"] == ["md", "watchdog"]
    assert {"dest": "acme-server-ca.pem", "content": ca} in given["files"]
    (md,) = [item for item in given["files"] if item["dest"] == "md.conf"]
    assert ["MDCACertificateFile", f"{CURRENT}/acme-server-ca.pem"] in md["vars"]["md"]["directives"]
    assert [(item["host"], item.get("obtained"), "certificate" in item) for item in given["endpoints"]] == [
        ("shop.example.com", True, False),
        ("www.shop.example.com", True, False),
    ]
    assert not any(item["dest"] == "md.conf" for item in given["challenge_files"])


def test_a_name_of_mod_md_s_can_t_go_to_certbot_in_one_step():
    certbot = {"name": "shop.example.com", "root": "/srv"}
    with pytest.raises(
        InputError, match=r"mod_md obtains the certificate of shop\.example\.com until now, and answers the challenges"
    ):
        made(certbot, info=host(own_managed=["shop.example.com"]))
    assert made(OWN, info=host(own_managed=["shop.example.com"]))["more"]


def test_port_80_redirects_and_certbot_is_beside():
    certbot = {"name": "blog.example.com", "root": "/srv"}
    planned = made(OWN, certbot)
    assert [kind["aliases"] for kind in planned["http"]["vhosts"]] == [["www.shop.example.com", "blog.example.com"]]
    assert [kind["server_name"] for kind in planned["challenge"]["vhosts"]] == ["blog.example.com"]


def test_the_default_takes_a_certificate_that_is_there():
    (reject,) = made(OWN, STATIC, reject_unknown_names=True)["reject"]
    assert reject["certificates"][0]["name"] == "static.example.com"


def test_an_mdomain_of_the_team_with_the_name_of_another_site_is_named():
    team = {"file": "/etc/apache2/md.conf", "names": ["x.example.com", "static.example.com"]}
    assert made(STATIC, info=host(managed=[team]))["notes"] == [
        "tls_sites[0] (static.example.com): /etc/apache2/md.conf has an MDomain with static.example.com: mod_md gives its own certificate to "
        "that name, too"
    ]
    assert made(OWN, info=host(managed=[team], modules=[*LOADED, "md", "watchdog"]))["notes"] == []


INCLUDES = {"includes": [f"{CURRENT}/snippets/wiki.example.com.conf"], "tls": True}


def test_a_vhost_of_the_team_with_no_other_names_is_no_obstacle():
    team = vhost("*:443", names=["wiki.example.com"], **INCLUDES)
    (endpoint,) = made(SNIPPET, info=host(vhosts=[team]))["endpoints"]
    assert (endpoint["host"], endpoint["obtained"]) == ("wiki.example.com", True)
    plain = vhost("*:80", names=["wiki.example.com", "old.example.com"])
    assert made(SNIPPET, info=host(vhosts=[team, plain]))["endpoints"]


SITE = "tls_sites[0] (shop.example.com): "
WILD = {"name": "example.org", "aliases": ["*.example.com"], "root": "/srv", "certificate": FILES}


@pytest.mark.parametrize(
    ("sites", "info", "options", "message"),
    [
        ([OWN], host("2.4.41"), {},
         SITE + "certificate.source 'server' needs Apache 2.4.42 or newer, whose mod_md speaks ACMEv2; here is 2.4.41"),
        ([OWN], host("2.2.34", "1.0.2u"), {}, SITE + "certificate.source 'server' needs Apache 2.4.42 or newer"),
        ([OWN], host(), {"email": ""}, SITE + "certificate.source 'server' needs apache_email (or certbot_email)"),
        ([OWN], host(), {"email": "ops"}, "apache_email 'ops' is not an e-mail address"),
        ([OWN], host(), {"acme_server": "example"}, "server: 'example' is no ACME directory"),
        ([OWN], host(), {"acme_server": "https://a/${X}"}, "apache_acme_server 'https://a/${X}' holds a quote or a brace or such ($)"),
        ([OWN], host(), {"acme_server_ca": "nothing"}, "apache_acme_server_ca"),
        ([{**OWN, "aliases": ["192.0.2.1"]}], host(), {}, SITE + "192.0.2.1 is an IP address, for which mod_md obtains no certificate"),
        ([{**OWN, "aliases": ["*.shop.example.com"]}], host(), {}, SITE + "aliases[0]: wildcard '*.shop.example.com' can't be had here"),
        ([{**OWN, "certificate": {**SERVER, "key_types": ["ecdsa", "rsa"]}}], host(), {},
         SITE + "certificate.key_types needs certificate.source: certbot, not 'server'"),
        ([OWN], host(managed=[{"file": "/etc/apache2/md.conf", "names": ["www.shop.example.com"]}]), {},
         SITE + "/etc/apache2/md.conf has an MDomain with www.shop.example.com, and mod_md takes a name but once"),
        ([OWN], host(vhosts=[vhost("*:443", names=["a.test", "*.example.com"], tls=True)]), {},
         SITE + "the VirtualHost in /etc/apache2/sites-enabled/other.conf answers to its names too, and mod_md would ask for a.test"),
        ([OWN, WILD], host(), {}, SITE + "tls_sites[1] (example.org) answers to its names too, and mod_md would ask for *.example.com"),
        ([SNIPPET], host(vhosts=[vhost("*:443", names=["wiki.example.com", "old.example.com"], **INCLUDES)]), {},
         "tls_sites[0] (wiki.example.com): the VirtualHost in /etc/apache2/sites-enabled/other.conf answers to its names too, and mod_md would "
         "ask for old.example.com in the same certificate; give it names of its own, or add them to the site's aliases"),
        ([OWN], host(), {"reject_unknown_names": True}, "apache_reject_unknown_names needs a certificate for its own VirtualHost"),
        ([OWN], host(), {"enable": False}, "Apache on this host does not load md, watchdog: load what is missing"),
    ],
)  # fmt: skip
def test_refused(sites, info, options, message):
    with pytest.raises(InputError) as refused:
        made(*sites, info=info, **options)
    assert str(refused.value).startswith(message)
