# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters: Ansible's values in, plain data out, unreadable input as a task error."""

from __future__ import annotations

import importlib
import json

import pytest
from ansible.errors import AnsibleFilterError

SITES = [
    {"name": "a.example", "proxy_to": "http://127.0.0.1:8000"},
    {"name": "b.example", "certificate": {"source": "files", "fullchain": "b.pem", "privkey": "b.key"}},
]
NAMES = (
    "sites",
    "site_certificates",
    "site_lineages",
    "site_endpoints",
    "nginx_tls",
    "nginx_plan",
    "apache_tls",
    "apache_plan",
)


def filtered(name, *args, **kwargs):
    plugin = importlib.import_module(f"ansible_collections.fullchain.tls.plugins.filter.{name}")
    return plugin.FilterModule().filters()[name](*args, **kwargs)


class Vaulted:
    """A vaulted value as ansible-core before 2.19 hands it to a filter: an object, not a string."""

    __ENCRYPTED__ = True

    def __str__(self):
        return "the key in clear"


def test_sites():
    assert [site["name"] for site in filtered("sites", SITES)] == ["a.example", "b.example"]
    assert filtered("sites", SITES, root="/etc/x/fullchain")[1]["certificate"]["fullchain_path"].startswith(
        "/etc/x/fullchain/current/"
    )
    assert (
        filtered("sites", SITES, config_dir="/srv/le")[0]["certificate"]["privkey_path"]
        == "/srv/le/live/a.example/privkey.pem"
    )
    assert filtered("sites", SITES, profile="modern")[0]["profile"] == "modern"


def test_an_unknown_profile_of_the_fleet():
    with pytest.raises(AnsibleFilterError, match="unknown profile 'best'"):
        filtered("sites", [], profile="best")


@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith("_tls")])
def test_unreadable_sites_are_a_task_error(name):
    arguments = [{"installed": False}] if name.endswith("_plan") else []
    with pytest.raises(AnsibleFilterError) as failed:
        filtered(name, [{"name": "a.example", "alias": []}], *arguments)
    assert failed.value.message.startswith("tls_sites[0] (a.example): unknown key 'alias', did you mean 'aliases'?")


def test_a_vaulted_key_is_text():
    vaulted = [{**SITES[1], "certificate": {**SITES[1]["certificate"], "privkey": Vaulted()}}]
    assert filtered("site_certificates", vaulted)[0]["privkey"] == "the key in clear"


def test_site_lineages_and_endpoints():
    assert [lineage["name"] for lineage in filtered("site_lineages", SITES)] == ["a.example"]
    assert [endpoint["host"] for endpoint in filtered("site_endpoints", SITES, address="")] == [
        "a.example",
        "b.example",
    ]
    assert "address" not in filtered("site_endpoints", SITES, address="")[0]


def test_nginx_tls():
    made = filtered("nginx_tls", "intermediate", version="1.22.1", openssl="3.0.19")
    assert made["directives"]["ssl_protocols"] == "TLSv1.2 TLSv1.3"
    assert made["protocols"] == ["TLSv1.2", "TLSv1.3"]
    assert made["left_out"] == ["X25519MLKEM768 (OpenSSL 3.5 or newer; here 3.0.19)"]


def test_nginx_plan_is_data_that_json_can_carry():
    planned = filtered("nginx_plan", SITES, {"installed": False}, hsts_max_age=None, address="")
    assert json.loads(json.dumps(planned)) == planned


def test_apache_tls():
    made = filtered("apache_tls", "intermediate", version="2.4.7", openssl="1.0.2u")
    assert made["directives"][0] == ["SSLProtocol", "-all +TLSv1.2"]
    assert (made["protocols"], made["split"]) == (["TLSv1.2"], True)
    assert not filtered("apache_tls", "old", version="", openssl="")["split"]
    with pytest.raises(AnsibleFilterError, match="apache_version '2' is not a version"):
        filtered("apache_tls", "old", version="2", openssl="")


def test_apache_plan_is_data_that_json_can_carry():
    planned = filtered("apache_plan", SITES, {"installed": False}, hsts_max_age=None, address="", version="")
    assert json.loads(json.dumps(planned)) == planned
    assert planned["modules"] == ["ssl", "socache_shmcb", "headers", "rewrite", "http2", "proxy", "proxy_http"]


def test_a_chain_in_two_files():
    assert filtered("site_certificates", SITES, split=True)[0]["split"] is True
    (lineage,) = filtered("site_lineages", SITES, split=True)
    assert lineage["chain"] == "/etc/letsencrypt/live/a.example/chain.pem" and "fullchain" not in lineage


@pytest.mark.parametrize("name", NAMES)
def test_documented_under_its_own_name(name):
    plugin = importlib.import_module(f"ansible_collections.fullchain.tls.plugins.filter.{name}")
    assert plugin.DOCUMENTATION.startswith(f"\nname: {name}\n")
    assert list(plugin.FilterModule().filters()) == [name]
