# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of an Apache: its -v, its OpenSSL, and its files."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from ansible_collections.fullchain.tls.plugins.module_utils.apache import (
    Configuration,
    openssl_version,
    parse,
    parse_version_output,
    static_modules,
)


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("Apache/2.4.71 (Debian)", "2.4.71"),
        ("Apache/2.4.7 (Unix)", "2.4.7"),
        ("Apache/2.4.37 (Red Hat Enterprise Linux)", "2.4.37"),
        ("Apache/2.4.62-dev (Unix)", "2.4.62"),
        ("Apache/2.2.15", "2.2.15"),
    ],
)
def test_version_output(line, version):
    assert parse_version_output(f"Server version: {line}\nServer built:   2026-11-12T08:58:41\n") == version


@pytest.mark.parametrize("said", ["", "Server version: Apache/2.4\n", "Server version: IBM_HTTP_Server/9.0.5\n"])
def test_a_version_that_cannot_be_read_is_an_error(said):
    with pytest.raises(ValueError, match=r"^'-v' printed no version of Apache: "):
        parse_version_output(said)


def test_static_modules():
    said = "Compiled in modules:\n  core.c\n  mod_so.c\n  event.c\n  mod_ssl.c\n"
    assert static_modules(said) == ["core_module", "so_module", "mpm_event_module", "ssl_module"]


@pytest.mark.parametrize(
    ("data", "version"),
    [
        (b"x\0OpenSSL 3.0.19 27 Jan 2026\0", "3.0.19"),
        (b"OpenSSL 1.1.1w  11 Sep 2023", "1.1.1w"),
        (b"OpenSSL 1.0.1e-fips 11 Feb 2013", "1.0.1e-fips"),
        (b"OpenSSL 3", None),
    ],
)
def test_openssl_version(data, version):
    assert openssl_version(data) == version


def described(text):
    return [(item.name, item.arguments, None if item.block is None else len(item.block)) for item in parse(text)]


@pytest.mark.parametrize(
    ("text", "directives"),
    [
        ("", []),
        ("# a\nServerName  a.b # no comment", [("servername", ["a.b", "#", "no", "comment"], None)]),
        ('Header always set X "a b\\"c"', [("header", ["always", "set", "X", 'a b"c'], None)]),
        ("ServerAlias a \\\n  b", [("serveralias", ["a", "b"], None)]),
        ("<VirtualHost *:80>\nA b\n<Location />\nC\n</Location>\n</VirtualHost>", [("virtualhost", ["*:80"], 2)]),
        ("<IfModule !ssl>\n</IfModule>", [("ifmodule", ["!ssl"], 0)]),
    ],
)
def test_parsed(text, directives):
    assert described(text) == directives


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<A>\nB", "<a> is not closed"),
        ("A\n</A>", "unexpected </A> in line 2"),
        ("<A>\n</B>", "unexpected </B> in line 2"),
    ],
)
def test_not_parsed(text, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        parse(text)


OWN = "/etc/apache2/fullchain"
DROP_IN = "/etc/apache2/sites-enabled/000-fullchain.conf"
FILES = {
    "/etc/apache2/apache2.conf": """
        PidFile ${APACHE_PID_FILE}
        ErrorLog ${APACHE_LOG_DIR}/error.log
        IncludeOptional mods-enabled/*.load
        Include ports.conf
        Define team wiki
        <VirtualHost 192.0.2.7>
        </VirtualHost>
        IncludeOptional sites-enabled/*.conf""",
    "/etc/apache2/mods-enabled/a.load": "LoadModule headers_module /usr/lib/apache2/modules/mod_headers.so",
    "/etc/apache2/ports.conf": """Listen 80
        <IfModule ssl_module>
        Listen 443
        </IfModule>
        <IfModule !mod_headers.c>
        Listen 81
        </IfModule>
        <IfModule mod_gnutls.c>
        Listen 444
        </IfModule>""",
    "/etc/apache2/sites-enabled/000-default.conf": "<VirtualHost *:80>\n</VirtualHost>",
    "/etc/apache2/sites-enabled/broken.conf": "<VirtualHost *:80>",
    "/etc/apache2/sites-enabled/team.conf": """
        <VirtualHost *:443 [::]:443>
        ServerName https://${team}.Example:443
        ServerAlias *.wiki.example
        SSLEngine on
        SSLCertificateFile /etc/ssl/old.pem
        Include fullchain/current/snippets/wiki.example.conf
        </VirtualHost>""",
    f"{OWN}/current/snippets/wiki.example.conf": "SSLCertificateFile ours.pem",
    f"{OWN}/current/sites/a.conf": "<VirtualHost *:443>\nServerName a.example\nSSLEngine on\n</VirtualHost>",
    DROP_IN: f"IncludeOptional {OWN}/current/*.conf\nIncludeOptional {OWN}/current/sites/*.conf",
}


def configuration(files, **more):
    return Configuration(
        "/etc/apache2/apache2.conf",
        OWN,
        DROP_IN,
        variables={"APACHE_PID_FILE": "/run/a.pid", "APACHE_LOG_DIR": "/var/log/apache2"},
        read=lambda path: files[path],
        expand=lambda pattern: [
            path for path in files if fnmatchcase(path, pattern) and path.count("/") == pattern.count("/")
        ],
        **more,
    )


def test_vhosts_in_apache_s_order_without_our_own():
    found = configuration(FILES)
    assert [(vhost["file"].rpartition("/")[2], vhost["after_own"]) for vhost in found.vhosts] == [
        ("apache2.conf", False),
        ("000-default.conf", False),
        ("team.conf", True),
    ]
    assert found.vhosts[-1] == {
        "file": "/etc/apache2/sites-enabled/team.conf",
        "addresses": ["*:443", "[::]:443"],
        "names": ["wiki.example", "*.wiki.example"],
        "tls": True,
        "includes": [f"{OWN}/current/snippets/wiki.example.conf"],
        "certificates": ["/etc/ssl/old.pem"],
        "after_own": True,
    }
    assert [vhost["names"] for vhost in found.own_vhosts] == [["a.example"]]
    assert found.unreadable == [
        {"file": "/etc/apache2/sites-enabled/broken.conf", "reason": "<virtualhost> is not closed"}
    ]


def test_what_else_is_read():
    found = configuration(FILES)
    assert found.main == {"pidfile": "/run/a.pid", "errorlog": "/var/log/apache2/error.log"}
    assert found.listen == ["80"]
    assert found.modules == {"headers_module": "/usr/lib/apache2/modules/mod_headers.so"}
    assert configuration(FILES, loaded=["ssl_module"]).listen == ["80", "443"]
    assert not found.stapling_cache
    main = "/etc/apache2/apache2.conf"
    assert configuration({**FILES, main: f"{FILES[main]}\nSSLStaplingCache shmcb:a(1)\n"}).stapling_cache


def test_the_domains_that_mod_md_manages_without_our_own():
    main = """
        MDomain One.example www.one.example auto
        MDStoreDir md-store
        <MDomainSet ${team}.example>
        MDMember more.example
        MDRenewMode auto
        </MDomainSet>
        <IfModule md_module>
        <MDomain x.example manual>
        </MDomain>
        </IfModule>
        <IfModule mod_gnutls.c>
        MDomain no.example
        </IfModule>"""
    files = {
        **FILES,
        "/etc/apache2/sites-enabled/z.conf": main,
        f"{OWN}/current/md.conf": "<MDomainSet a.example auto>\n</MDomainSet>",
    }
    found = configuration(files, loaded=["md_module"])
    assert found.managed == [
        {"file": "/etc/apache2/sites-enabled/z.conf", "names": names}
        for names in (["one.example", "www.one.example"], ["wiki.example", "more.example"], ["x.example"])
    ]
    assert found.store == "/etc/apache2/md-store"
    assert configuration(FILES).store is None


def test_a_drop_in_that_is_not_there_yet_is_read_all_the_same():
    assert configuration({path: text for path, text in FILES.items() if path != DROP_IN}).drop_in_read
    assert not configuration({"/etc/apache2/apache2.conf": "Include conf.d/*.conf"}).drop_in_read


def test_a_file_that_includes_itself_ends():
    files = {"/etc/apache2/apache2.conf": "Include apache2.conf\n<VirtualHost *:80>\n</VirtualHost>"}
    assert 1 < len(configuration(files).vhosts) < 20
