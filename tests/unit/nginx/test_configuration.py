# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of an nginx: its -V, and its files."""

from __future__ import annotations

import shutil
import subprocess
from fnmatch import fnmatchcase

import pytest
from ansible_collections.fullchain.tls.plugins.module_utils.nginx import (
    Configuration,
    nameservers,
    parse,
    parse_version_output,
)

DEBIAN_12 = """nginx version: nginx/1.22.1
built with OpenSSL 3.0.8 7 Feb 2023 (running with OpenSSL 3.0.19 27 Jan 2026)
TLS SNI support enabled
configure arguments: --with-cc-opt='-g -O2 -Wl,-z' --prefix=/usr/share/nginx --conf-path=/etc/nginx/nginx.conf \
--error-log-path=stderr --pid-path=/run/nginx.pid \
--with-http_ssl_module --with-http_v2_module --with-stream=dynamic --with-threads
"""


def test_version_output_of_debian():
    assert parse_version_output(DEBIAN_12) == {
        "version": "1.22.1",
        "tls_library": "OpenSSL 3.0.19",
        "openssl": "3.0.19",
        "modules": ["http_ssl", "http_v2", "stream"],
        "prefix": "/usr/share/nginx",
        "conf_path": "/etc/nginx/nginx.conf",
        "pid_path": "/run/nginx.pid",
        "error_log_path": "stderr",
        "acme": False,
    }
    assert parse_version_output(f"{DEBIAN_12} --add-module=/src/nginx-acme")["acme"]


def test_version_output_of_a_plain_build():
    said = parse_version_output("nginx version: nginx/1.10.3\nbuilt by gcc 6\nconfigure arguments: \n")
    assert (said["tls_library"], said["openssl"], said["modules"]) == (None, None, [])
    assert said["conf_path"] == "/usr/local/nginx/conf/nginx.conf"
    assert said["pid_path"] == "/usr/local/nginx/logs/nginx.pid"


@pytest.mark.parametrize(
    ("line", "library", "openssl"),
    [
        ("built with OpenSSL 1.1.1w  11 Sep 2023", "OpenSSL 1.1.1w", "1.1.1w"),
        ("built with LibreSSL 3.8.2", "LibreSSL 3.8.2", None),
        ("built with OpenSSL 3.5.0-dev", "OpenSSL 3.5.0-dev", "3.5.0-dev"),
    ],
)
def test_tls_libraries(line, library, openssl):
    said = parse_version_output("nginx version: openresty/1.25.3.1\n" + line)
    assert (said["version"], said["tls_library"], said["openssl"]) == ("1.25.3.1", library, openssl)


def test_no_version():
    with pytest.raises(ValueError, match=r"^'nginx -V' printed no version: 'hello'$"):
        parse_version_output("hello")


@pytest.mark.skipif(shutil.which("nginx") is None, reason="needs an nginx")
def test_the_nginx_of_this_machine():
    run = subprocess.run(["nginx", "-V"], capture_output=True, text=True, check=True)
    said = parse_version_output(run.stderr)
    assert f"nginx/{said['version']}" in run.stderr
    assert "http_ssl" in said["modules"]


def described(text):
    return [(item.name, item.arguments, None if item.block is None else len(item.block)) for item in parse(text)]


@pytest.mark.parametrize(
    ("text", "directives"),
    [
        ("", []),
        ("a b c;", [("a", ["b", "c"], None)]),
        ('a \'b; {c\' "d\\"e"; # f;\n', [("a", ["b; {c", 'd"e'], None)]),
        ("a{b;c d{}}", [("a", [], 2)]),
        ("set $x ${y}z;", [("set", ["$x", "${y}z"], None)]),
        ("a b\\;c;", [("a", ["b\\;c"], None)]),
        ("server_name ~^a\\d+\\.b$;", [("server_name", ["~^a\\d+\\.b$"], None)]),
        ("a b#c;", [("a", ["b#c"], None)]),
        (
            'content_by_lua_block { if x then y = "}" end -- }\n t = {} } b;',
            [("content_by_lua_block", [], 0), ("b", [], None)],
        ),
    ],
)
def test_parsed(text, directives):
    assert described(text) == directives


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a {", "unexpected end of file"),
        ("a", "unexpected end of file"),
        ("a;\n}", "unexpected '}' in line 2"),
        ("a;\n;", "unexpected ';' in line 2"),
        ("{", "unexpected '{' in line 1"),
        ("a;\nb {\nc }", "unexpected '}' in line 3"),
        ("x_by_lua_block { { }", "unexpected end of file in x_by_lua_block"),
    ],
)
def test_not_parsed(text, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        parse(text)


FILES = {
    "/etc/nginx/nginx.conf": """
        pid /run/web.pid;
        error_log /var/log/nginx/main.log warn;
        include /etc/nginx/modules-enabled/*.conf;
        http {
            server_names_hash_bucket_size 128;
            include conf.d/*.conf;
            include /etc/nginx/sites-enabled/*;
            server { return 404; }
        }
        stream { server { listen 5432; } }""",
    "/etc/nginx/conf.d/fullchain.conf": "include /etc/nginx/fullchain/current/*.conf;",
    "/etc/nginx/fullchain/current/http.conf": "server { listen 80; server_name ours.example; }",
    "/etc/nginx/sites-enabled/broken": "server { listen 443 ssl",
    "/etc/nginx/sites-enabled/wiki": """
        server {
            listen 443 ssl default_server; listen [::]:443 ssl;
            server_name Wiki.example www.wiki.example;
            include fullchain/current/snippets/wiki.example.conf;
            include snippets/more;
            auth_basic_user_file secret;
            location / { server_name not.a.name; }
        }""",
    "/etc/nginx/snippets/more": "server_name more.example; ssl_certificate old/wiki.pem;",
}


def configuration(files):
    return Configuration(
        "/etc/nginx/nginx.conf",
        "/etc/nginx/fullchain",
        "/etc/nginx/conf.d/fullchain.conf",
        read=lambda path: files[path],
        # As in glob, an asterisk stands for nothing that has a slash.
        expand=lambda pattern: [
            path for path in files if fnmatchcase(path, pattern) and path.count("/") == pattern.count("/")
        ],
    )


def test_servers_in_nginx_s_order_without_our_own():
    assert configuration(FILES).servers == [
        {
            "file": "/etc/nginx/sites-enabled/wiki",
            "listen": [["443", "ssl", "default_server"], ["[::]:443", "ssl"]],
            "names": ["wiki.example", "www.wiki.example", "more.example"],
            "includes": ["/etc/nginx/fullchain/current/snippets/wiki.example.conf", "/etc/nginx/snippets/more"],
            "certificates": ["old/wiki.pem"],
            "staples": False,
        },
        {
            "file": "/etc/nginx/nginx.conf",
            "listen": [["80"]],
            "names": [],
            "includes": [],
            "certificates": [],
            "staples": False,
        },
    ]


def test_our_own_servers_are_those_that_the_drop_in_includes():
    own = {
        **FILES,
        "/etc/nginx/fullchain/current/sites/a.conf": "server { listen 443 ssl; server_name A.example; }",
        "/etc/nginx/fullchain/generations/000001/http.conf": "server { server_name old.example; }",
        "/etc/nginx/conf.d/fullchain.conf": "include /etc/nginx/fullchain/current/*.conf;\ninclude fullchain/current/sites/*.conf;",
    }
    found = configuration(own)
    assert [(server["listen"], server["names"]) for server in found.own_servers] == [
        ([["80"]], ["ours.example"]),
        ([["443", "ssl"]], ["a.example"]),
    ]
    assert found.servers == configuration(FILES).servers
    assert configuration({path: text for path, text in own.items() if "conf.d" not in path}).own_servers == []


def test_what_holds_for_all_servers():
    text = "http { resolver 127.0.0.53 valid=9s; ssl_verify_client optional; server { resolver 192.0.2.1; } }"
    assert configuration({"/etc/nginx/nginx.conf": text}).settings == {
        "resolver": "127.0.0.53",
        "ssl_verify_client": "optional",
    }


@pytest.mark.parametrize(
    ("line", "acme"),
    [
        ("", False),
        ("load_module modules/ngx_http_acme_module.so;", True),
        ("load_module modules/ngx_mail_module.so;", False),
    ],
)
def test_whether_the_acme_module_is_loaded(line, acme):
    assert configuration({"/etc/nginx/nginx.conf": f"{line} http {{ }}"}).acme is acme


def test_who_staples_by_hand():
    text = "http { ssl_stapling on; server { include a; } server { ssl_trusted_certificate x; } server { ssl_stapling_verify on; } }"
    found = configuration({"/etc/nginx/nginx.conf": text, "/etc/nginx/a": "ssl_session_cache none;"})
    assert [server["staples"] for server in found.servers] == [False, True, True]


def test_nameservers_as_nginx_takes_them():
    text = "# nameserver 192.0.2.1\nsearch a.example\nnameserver\t192.0.2.53 \nnameserver 2001:DB8::53\nnameserver fe80::1%eth0\n"
    assert nameservers(text) == ["192.0.2.53", "[2001:DB8::53]"]


def test_what_else_is_read():
    found = configuration(FILES)
    assert found.main == {"pid": "/run/web.pid", "error_log": "/var/log/nginx/main.log"}
    assert found.settings == {"server_names_hash_bucket_size": "128"}
    assert found.drop_in_read
    assert found.unreadable == [{"file": "/etc/nginx/sites-enabled/broken", "reason": "unexpected end of file"}]


@pytest.mark.parametrize(
    "main", ["http { include other/*.conf; }", "include conf.d/*.conf; http {}", "stream { include conf.d/*.conf; }"]
)
def test_a_drop_in_that_the_http_block_does_not_include(main):
    assert not configuration({"/etc/nginx/nginx.conf": main}).drop_in_read


def test_a_file_that_includes_itself_ends():
    files = {
        "/etc/nginx/nginx.conf": "http { include conf.d/a; }",
        "/etc/nginx/conf.d/a": "include conf.d/a; server {}",
    }
    assert 1 < len(configuration(files).servers) < 20


def test_a_missing_main_file():
    found = Configuration("/nonexistent/nginx.conf", "/x", "/y")
    assert found.servers == []
    assert found.unreadable[0]["file"] == "/nonexistent/nginx.conf"
