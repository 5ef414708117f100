# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a Caddy that registers an account for each name finds a key for all: which accounts there are, and what is made for one."""

from __future__ import annotations

import pytest
from ansible_collections.fullchain.tls.plugins.module_utils.caddy import accounts, data_directory, read_environment
from ansible_collections.fullchain.tls.plugins.plugin_utils.caddy import Options, plan

SITE = {"name": "shop.example.com", "root": "/srv", "certificate": {"source": "server"}}
FILES = {**SITE, "certificate": {"source": "files", "fullchain": "x.pem", "privkey": "x.key"}}
DATA = "/var/lib/caddy/.local/share/caddy"
LETSENCRYPT = "acme-v02.api.letsencrypt.org-directory"
UNSEEN = "whether Caddy has an account at https://acme-v02.api.letsencrypt.org/directory can't be seen here"


def planned(site=None, accounts=(), settings=None, version="2.6.2", data=DATA, **options):
    info = {"installed": True, "version": version, "settings": settings or {}, "data": data, "accounts": list(accounts)}
    return plan([site or SITE], info, Options(**options))


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({}, [f"{DATA}/acme/{LETSENCRYPT}/users/default", "default", "{}"]),
        (
            {"email": "Ops+tls@example.com", "acme_server": "https://ca:14000/dir"},
            [
                f"{DATA}/acme/ca-14000-dir/users/ops_plus_tls@example.com",
                "ops_plus_tls",
                '{"contact": ["mailto:ops+tls@example.com"]}',
            ],
        ),
        (
            {"settings": {"email": "team@example.com"}, "acme_server": "https://ca.example/"},
            [f"{DATA}/acme/ca.example/users/team@example.com", "team", '{"contact": ["mailto:team@example.com"]}'],
        ),
        ({"accounts": [f"{LETSENCRYPT}/default"]}, []),
        ({"accounts": [f"{LETSENCRYPT}/ops@example.com"]}, []),  # taken where no address is given
        ({"accounts": [f"{LETSENCRYPT}/ops@example.com"], "email": "ops@example.com"}, []),
        ({"accounts": [f"{LETSENCRYPT}/default"], "email": "ops@example.com"}, ["ops"]),
        ({"accounts": ["ca-14000-dir/default"]}, ["default"]),
        ({"version": "2.8.0"}, []),
        ({"version": None}, []),
        ({"site": FILES}, []),
    ],
)
def test_a_key_is_made_where_there_is_no_account(given, made):
    found = planned(**given)
    assert (found["account"] if len(made) != 1 else found["account"][1:2]) == made
    assert not any(note.startswith(UNSEEN) for note in found["notes"])


@pytest.mark.parametrize(
    "given",
    [{"settings": {"storage": "redis"}}, {"settings": {"email": "{env.EMAIL}"}}, {"data": None}],
)
def test_a_note_says_where_nobody_can_see_whether_there_is_one(given):
    found = planned(**given)
    assert found["account"] == []
    assert found["notes"][-1].startswith(UNSEEN)
    assert not any(note.startswith(UNSEEN) for note in planned(**given, version="2.8.0")["notes"])


def test_the_accounts_that_have_both_their_files(tmp_path):
    for name in ("one/users/default/default.json", "one/users/default/default.key", "two/users/a@b.test/a.json"):
        (tmp_path / "acme" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "acme" / name).touch()
    assert accounts(str(tmp_path)) == ["one/default"]
    assert accounts(str(tmp_path / "nowhere")) == []


@pytest.mark.parametrize(
    ("environment", "data"),
    [
        ({"HOME": "/var/lib/caddy"}, DATA),
        ({"HOME": "/var/lib/caddy", "XDG_DATA_HOME": "/data"}, "/data/caddy"),
        ({}, None),
    ],
)
def test_where_caddy_keeps_its_data(environment, data):
    assert data_directory(environment) == data


def test_the_environment_of_a_process(tmp_path):
    (tmp_path / "environ").write_bytes(b"HOME=/home/a=b\0EMPTY=\0BYTES=\xff\0")
    found = read_environment(str(tmp_path / "environ"))
    assert (found["HOME"], found["EMPTY"], len(found["BYTES"])) == ("/home/a=b", "", 1)
    assert read_environment(str(tmp_path / "nowhere")) == {}
