# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host's variables to its endpoints."""

from __future__ import annotations

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.fleet import endpoints_of_host
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import parse_endpoint

SITES = [
    {"name": "shop.example.com", "aliases": ["www.shop.example.com"], "certificate": {"source": "certbot"}},
    {"name": "blog.example.com", "certificate": {"source": "certbot"}},
]


@pytest.mark.parametrize(
    ("variables", "address"),
    [
        ({}, "web1"),
        ({"ansible_host": "192.0.2.7"}, "192.0.2.7"),
        ({"ansible_host": "192.0.2.7", "tls_verify_address": "2001:db8::7"}, "2001:db8::7"),
    ],
)
def test_each_name_at_the_host_s_own_address(variables, address):
    endpoints = [parse_endpoint(item) for item in endpoints_of_host("web1", {"tls_sites": SITES, **variables})]
    assert [endpoint.host for endpoint in endpoints] == ["shop.example.com", "www.shop.example.com", "blog.example.com"]
    assert {(endpoint.target, endpoint.port) for endpoint in endpoints} == {(address, 443)}


def test_a_host_without_sites_has_none():
    assert endpoints_of_host("db", {"ansible_host": "192.0.2.7"}) == []


def test_its_own_list_comes_before_its_sites():
    variables = {"tls_sites": SITES, "tls_endpoints": ["a.example:8443"]}
    assert endpoints_of_host("web1", variables) == ["a.example:8443"]
    assert endpoints_of_host("web1", {"tls_endpoints": "a.example, b.example:8443"}) == ["a.example", "b.example:8443"]


def test_each_host_is_judged_by_its_own_trust():
    endpoints = endpoints_of_host("web1", {"tls_sites": SITES, "tls_trust": ["system", "own-root.pem"]})
    assert {parse_endpoint(item).trust for item in endpoints} == {("system", "own-root.pem")}
    assert endpoints == endpoints_of_host("web1", {"tls_sites": SITES, "tls_trust": "system, own-root.pem"})


def test_where_it_is_looked_at_from():
    here, there = {"tls_endpoints": ["a"]}, {"tls_endpoints": ["b"], "tls_verify_from": "host"}
    assert endpoints_of_host("x", here, "controller") == ["a"]
    assert endpoints_of_host("x", here, "host") == []
    assert endpoints_of_host("x", there, "controller") == []
    assert endpoints_of_host("x", there, "host") == ["b"]
    assert endpoints_of_host("x", there) == ["b"]


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"tls_verify_from": "moon"}, "tls_verify_from: 'moon' is not known (expected controller or host)"),
        ({"tls_endpoints": 5}, "tls_endpoints: 5 is no list (expected a list, or a text with commas)"),
        (
            {"tls_endpoints": "a,"},
            "tls_endpoints: 'a,' has nothing beside a comma (a text with spaces needs quotes)",
        ),
        ({"tls_sites": [{"name": "a b"}]}, "tls_sites[0]"),
    ],
)
def test_refused(variables, message):
    with pytest.raises(InputError) as refusal:
        endpoints_of_host("web1", variables)
    assert str(refusal.value).startswith(message)
