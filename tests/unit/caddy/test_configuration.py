# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of a Caddyfile: which sites it has, in which file, and what in it decides about those that are added."""

from __future__ import annotations

import pytest
from ansible_collections.fullchain.tls.plugins.module_utils.caddy import Configuration, lines_of, parse, parse_version

OWN = "/etc/caddy/fullchain"
PATTERN = f"{OWN}/current/sites/*.conf"
CADDYFILE = "/etc/caddy/Caddyfile"

FILES = {
    CADDYFILE: """\
# a comment with a { brace
{
  email ops@example.com
  auto_https disable_redirects
  admin "unix//run/caddy.sock"
  http_port 8080
}
(common) {
  encode gzip
}
Shop.example.com, www.shop.example.com,
http://old.example.com {
  import common
  import snippets/tls
  respond `a { in backticks` # and a comment
  basicauth {
    bob $2a$14$secret
  }
}
import sites/*
import PATTERN
:80 {
  respond {$GREETING:hello} 200
}
""".replace("PATTERN", PATTERN),
    "/etc/caddy/sites/wiki": 'wiki.example.com {\n\timport "../more/tls"\n}\n',
    "/etc/caddy/sites/broken": "broken.example.com {\n",
    f"{OWN}/current/sites/a.conf": "ours.example.com {\n}\n",
}


def expand(pattern):
    known = {"/etc/caddy/sites/*": ["/etc/caddy/sites/wiki", "/etc/caddy/sites/broken"]}
    return known.get(pattern, [path for path in FILES if path.startswith(OWN)] if pattern == PATTERN else [])


def read(files):
    def reader(path):
        if path not in files:
            raise FileNotFoundError(2, "No such file or directory", path)
        return files[path]

    return Configuration(CADDYFILE, OWN, PATTERN, read=reader, expand=expand)


def test_sites_with_their_files_without_our_own():
    assert read(FILES).servers == [
        {
            "file": CADDYFILE,
            "addresses": ["shop.example.com", "www.shop.example.com", "http://old.example.com"],
            "includes": ["/etc/caddy/snippets/tls"],
        },
        {
            "file": "/etc/caddy/sites/wiki",
            "addresses": ["wiki.example.com"],
            "includes": ["/etc/caddy/sites/../more/tls"],
        },
        {"file": CADDYFILE, "addresses": [":80"], "includes": []},
    ]


def test_options_variables_imports_and_what_cannot_be_read():
    found = read(FILES)
    assert found.settings == {
        "auto_https": "disable_redirects",
        "admin": "unix//run/caddy.sock",
        "email": "ops@example.com",
        "http_port": "8080",
    }
    assert found.environment == ["GREETING"]
    assert (found.drop_in_read, found.without_braces) == (True, False)
    assert found.unreadable == [{"file": "/etc/caddy/sites/broken", "reason": "unexpected end of file"}]
    assert "secret" not in str(found.servers)


def test_a_caddyfile_that_does_not_import_ours_and_one_that_is_not_there():
    assert not read({CADDYFILE: ":80 {\n}\nimport sites/*\n", "/etc/caddy/sites/wiki": ""}).drop_in_read
    (missing,) = read({}).unreadable
    assert "No such file" in missing["reason"]


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("localhost\nrespond hi\n", True),
        (":80\n\nroot * /srv\nfile_server", True),
        ("localhost {\n\trespond hi\n}\n", False),
        ("localhost,\nother {\n\trespond hi\n}\n", False),
        ("# nothing\n", False),
    ],
)
def test_one_site_without_braces(text, without):
    assert read({CADDYFILE: text}).without_braces is without


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ('a "b \\"c\\" {" d', [["a", 'b "c" {', "d"]]),
        ("a \\\n b # c\n", [["a", "b"]]),
        ("respond <<END\n  } text {\n  END 200\n", [["respond", "  } text {", "200"]]),
        ("http://a/#frag", [["http://a/#frag"]]),
        ('a ""', [["a", ""]]),
        ("a\r\nb\r\n", [["a"], ["b"]]),
    ],
)
def test_words(text, lines):
    assert [words for _number, words in lines_of(text)] == lines


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a {\n}\n}\n", "unexpected '}' in line 3"),
        ("a {\n b {\n}\n", "unexpected end of file"),
        ("a,\n", "end of file"),
    ],
)
def test_a_broken_file_says_where(text, words):
    with pytest.raises(ValueError, match=words):
        parse(text)


@pytest.mark.parametrize("text", ["2.6.2\n", "v2.6.2 h1:abc=\n"])
def test_version(text):
    assert parse_version(text) == "2.6.2"


def test_no_version():
    with pytest.raises(ValueError, match="printed no version: 'unknown'"):
        parse_version("unknown")
