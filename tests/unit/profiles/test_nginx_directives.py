# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A profile in nginx's directives, by nginx's and OpenSSL's version."""

from __future__ import annotations

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.nginx import nginx_can, nginx_tls
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.openssl import NEWEST, parse_version
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.reader import read_profile

SIX = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
)
NO_MLKEM = "X25519MLKEM768 (OpenSSL 3.5 or newer; here {0})"


def made(profile, nginx, openssl):
    tls = nginx_tls(read_profile(profile), parse_version(nginx), parse_version(openssl))
    return dict(tls.directives), list(tls.notes)


@pytest.mark.parametrize(
    ("nginx", "openssl", "groups", "tickets", "notes"),
    [
        ("1.18.0", "1.1.1w", "X25519:prime256v1:secp384r1", "off", [NO_MLKEM.format("1.1.1")]),
        ("1.22.1", "3.0.19", "X25519:prime256v1:secp384r1", "off", [NO_MLKEM.format("3.0.19")]),
        ("1.26.3", "3.5.1", "X25519MLKEM768:X25519:prime256v1:secp384r1", None, []),
    ],
)
def test_intermediate_on_debian(nginx, openssl, groups, tickets, notes):
    directives, said = made("intermediate", nginx, openssl)
    expected = {
        "ssl_protocols": "TLSv1.2 TLSv1.3",
        "ssl_ecdh_curve": groups,
        "ssl_ciphers": SIX,
        "ssl_prefer_server_ciphers": "off",
        "ssl_session_timeout": "1d",
        "ssl_session_cache": "shared:fullchain:10m",
        "ssl_session_tickets": tickets,
    }
    assert directives == {name: value for name, value in expected.items() if value is not None}
    assert said == notes


def test_modern_sets_no_ciphers():
    directives, _notes = made("modern", "1.26.3", "3.5.1")
    assert directives["ssl_protocols"] == "TLSv1.3"
    assert "ssl_ciphers" not in directives


def test_old_asks_for_the_security_level_that_its_protocols_need():
    directives, _notes = made("old", "1.22.1", "3.0.19")
    assert directives["ssl_protocols"] == "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3"
    assert directives["ssl_ciphers"].startswith("@SECLEVEL=0:ECDHE-ECDSA-AES128-GCM-SHA256:")
    assert directives["ssl_prefer_server_ciphers"] == "on"
    assert not made("old", "1.10.3", "1.0.2u")[0]["ssl_ciphers"].startswith("@")


def test_what_an_old_openssl_cannot_do_is_left_out_and_said():
    directives, notes = made("intermediate", "1.14.2", "1.0.2u")
    assert directives["ssl_protocols"] == "TLSv1.2"
    assert directives["ssl_ecdh_curve"] == "prime256v1:secp384r1"
    assert notes == [
        "TLSv1.3 (nginx 1.13 and OpenSSL 1.1.1 or newer; here 1.14.2 and 1.0.2)",
        NO_MLKEM.format("1.0.2"),
        "X25519 (OpenSSL 1.1.0 or newer; here 1.0.2)",
    ]


def test_an_old_nginx_takes_one_group():
    directives, notes = made("intermediate", "1.10.3", "1.1.0l")
    assert directives["ssl_ecdh_curve"] == "X25519"
    assert notes[-1] == "prime256v1, secp384r1 (nginx 1.11 and OpenSSL 1.0.2 or newer take more than one group)"


def test_ciphersuites_need_ssl_conf_command():
    profile = {"ciphersuites": ["TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256"]}
    directives, _notes = made(profile, "1.19.4", "1.1.1w")
    assert directives["ssl_conf_command"] == "Ciphersuites TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256"
    directives, notes = made(profile, "1.19.3", "1.1.1w")
    assert "ssl_conf_command" not in directives
    assert notes[-1] == "ciphersuites (ssl_conf_command, nginx 1.19.4 or newer; here 1.19.3)"


@pytest.mark.parametrize(
    ("profile", "nginx", "openssl", "message"),
    [
        (
            "modern",
            "1.12.2",
            "1.1.1w",
            "profile modern of Mozilla Server Side TLS 6.0 wants TLSv1.3 alone, which needs nginx 1.13 and "
            "OpenSSL 1.1.1; here are nginx 1.12.2 and OpenSSL 1.1.1",
        ),
        (
            {"groups": ["X25519MLKEM768"]},
            "1.22.1",
            "3.0.19",
            "profile intermediate of Mozilla Server Side TLS 6.0, changed: groups: OpenSSL 3.0.19 has none of X25519MLKEM768",
        ),
    ],
)
def test_refused_when_nothing_is_left(profile, nginx, openssl, message):
    with pytest.raises(InputError) as refused:
        made(profile, nginx, openssl)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("feature", "without", "since"),
    [
        ("header always", "1.7.4", "1.7.5"),
        ("listen http2", "1.9.4", "1.9.5"),
        ("redirect 308", "1.12.2", "1.13.0"),
        ("reject handshake", "1.19.3", "1.19.4"),
        ("rotated ticket keys", "1.23.1", "1.23.2"),
        ("http2 on", "1.25.0", "1.25.1"),
        ("own protocols", "1.29.1", "1.29.2"),
    ],
)
def test_features_by_version(feature, without, since):
    assert not nginx_can(feature, parse_version(without))
    assert nginx_can(feature, parse_version(since))


def test_versions():
    assert parse_version("1.1.1w") == (1, 1, 1)
    assert parse_version("3.5.0-dev") == (3, 5, 0)
    assert parse_version(None) == parse_version("") == NEWEST
    with pytest.raises(InputError, match=r"^'new' is not a version such as 1\.22\.1$"):
        parse_version("new")
