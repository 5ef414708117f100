# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user wants, read: each value that can't be is refused in words that name it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.obtain.wanted import read_binding, read_wanted, read_window

OPTIONS = {"key_type": "ecdsa", "server": "letsencrypt", "renew_within": "33%"}


def read(*sites, **options):
    return read_wanted(list(sites), {**OPTIONS, **options})


def test_a_site():
    (wanted,) = read({"name": "Shop.example.com", "names": ["Shop.example.com", "www.shop.example.com"]})
    assert wanted.name == "shop.example.com"
    assert wanted.names == ("shop.example.com", "www.shop.example.com")
    assert wanted.server == "https://acme-v02.api.letsencrypt.org/directory"
    assert (wanted.key_type, wanted.key_size, wanted.preferred_chain) == ("ecdsa", None, None)


def test_names_are_made_of_name_and_aliases_where_a_site_is_not_normalised():
    (wanted,) = read({"name": "a.example.com", "aliases": ["b.example.com", "a.example.com"]})
    assert wanted.names == ("a.example.com", "b.example.com")


def test_a_certificate_for_each_kind_of_key():
    """The size that was asked for is that of certbot_key_type."""
    site = {"name": "a.example", "certificate": {"source": "certbot", "key_types": ["rsa", "ecdsa"]}}
    read = read_wanted([site], {**OPTIONS, "key_type": "ecdsa", "key_size": 384})
    assert [(item.name, item.names, item.key_type, item.key_size) for item in read] == [
        ("a.example", ("a.example",), "rsa", None),
        ("a.example-ecdsa", ("a.example",), "ecdsa", 384),
    ]


def test_other_sources_are_left_out():
    sites = [
        {"name": f"{source}.example.com", "certificate": {"source": source}}
        for source in ("files", "certbot", "server")
    ]
    assert [wanted.name for wanted in read(*sites)] == ["certbot.example.com"]


def test_ip_addresses_are_normalised_and_told_apart():
    (wanted,) = read({"name": "a.example.com", "names": ["a.example.com", "2001:DB8::0001", "192.0.2.1"]})
    assert wanted.addresses == ("2001:db8::1", "192.0.2.1")


@pytest.mark.parametrize(
    ("sites", "options", "said"),
    [
        ("shop", {}, "sites must be a list of mappings, not a string"),
        (["shop"], {}, "sites[0] must be a mapping with at least a name, not a string"),
        ([{"names": ["a.test"]}], {}, "sites[0]: name must be a string, not nothing"),
        ([{"name": "a.test", "names": "a.test"}], {}, "sites[0] (a.test): names must be a list, not a string"),
        ([{"name": "a.test", "names": ["a;b"]}], {}, "sites[0] (a.test): 'a;b' is not a server name: it has ';' in it"),
        (
            [{"name": "a.test", "names": ["*.a.test"]}],
            {},
            "sites[0] (a.test): '*.a.test' can't be had over the webroot",
        ),
        ([{"name": "../a"}], {}, "sites[0] (../a): '../a' is not a server name"),
        ([{"name": "a.test"}, {"name": "A.test"}], {}, "sites: two sites are named 'a.test'"),
        ([], {"server": "letsencrypt.org"}, "server: 'letsencrypt.org' is no ACME directory"),
        ([], {"server": "https://"}, "server: 'https://' is no ACME directory"),
        ([], {"key_size": 2048}, "key_size: 2048 is no size of an ECDSA key (expected 256, 384, 521)"),
        ([], {"key_type": "rsa", "key_size": 1024}, "key_size: 1024 is no size of an RSA key"),
        ([], {"renew_within": "soon"}, "renew_within: 'soon' is neither days nor a percentage"),
        ([], {"renew_within": "-3"}, "renew_within: '-3' is neither days nor a percentage"),
        ([], {"renew_within": "100%"}, "renew_within: '100%' would renew at every run"),
        ([], {"renew_within": 36500}, "renew_within: 36500 days is longer than any certificate lives"),
    ],
)
def test_refused(sites, options, said):
    with pytest.raises(InputError) as caught:
        read_wanted(sites, {**OPTIONS, **options})
    assert str(caught.value).startswith(said)


def test_windows():
    lifetime = timedelta(days=90)
    assert read_window("50 %").of(lifetime) == timedelta(days=45)
    assert read_window(30).of(lifetime) == timedelta(days=30)
    assert read_window("30").text == "30 days"


def test_an_account_binding():
    assert read_binding("kid-1\n", " c2VjcmV0_-=\r\n") == ("kid-1", "c2VjcmV0_-=")
    assert read_binding(None, None) == ("", "")


@pytest.mark.parametrize(("kid", "key", "name"), [("a b", "x", "eab_kid"), ("a", "s3cret\nserver = x", "eab_hmac_key")])
def test_an_account_binding_that_would_be_more_than_a_line(kid, key, name):
    with pytest.raises(InputError) as caught:
        read_binding(kid, key)
    assert str(caught.value).startswith(f"{name}: one word is expected")
    assert "s3cret" not in str(caught.value)
