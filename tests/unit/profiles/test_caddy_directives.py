# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS profiles in Caddy's words; that a real Caddy takes them is in tests/unit/caddy."""

from __future__ import annotations

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.caddy import caddy_tls
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.reader import read_profile

MLKEM = "X25519MLKEM768 (Caddy 2.10 or newer; here 2.6.2)"
OLD = (2, 6, 2)


def directives(value, version=OLD):
    return dict(caddy_tls(read_profile(value), version).directives)


def notes(value, version=OLD):
    return list(caddy_tls(read_profile(value), version).notes)


def test_modern_and_intermediate():
    assert directives("modern") == {"protocols": "tls1.3 tls1.3", "curves": "x25519 secp256r1 secp384r1"}
    assert directives("intermediate")["protocols"] == "tls1.2 tls1.3"
    assert len(directives("intermediate")["ciphers"].split()) == 6
    assert notes("modern") == notes("intermediate") == [MLKEM]


def test_a_newer_caddy_leaves_nothing_out():
    assert directives("intermediate", (2, 10, 0))["curves"] == "x25519mlkem768 x25519 secp256r1 secp384r1"
    assert notes("intermediate", (2, 10, 0)) == []


def test_old_as_far_as_it_goes():
    found = directives("old")
    assert found["protocols"] == "tls1.2 tls1.3"
    assert found["ciphers"].split()[-1] == "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"
    first, second, third = notes("old")
    assert first == "TLSv1, TLSv1.1 (Caddy speaks nothing older than TLSv1.2)"
    assert second.startswith("DHE-RSA-AES128-GCM-SHA256, ") and second.endswith("DES-CBC3-SHA (no Caddy has them)")
    assert third == "the server's order of ciphers (Go has its own)"


def test_what_is_left_out_of_a_profile_of_one_s_own():
    value = {"groups": ["X448", "X25519"], "ciphersuites": ["TLS_AES_128_GCM_SHA256"], "protocols": ["TLSv1.3"]}
    assert directives(value) == {"protocols": "tls1.3 tls1.3", "curves": "x25519"}
    assert notes(value) == ["X448 (no Caddy has it)", "ciphersuites (Caddy leaves those of TLS 1.3 to Go)"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"protocols": ["TLSv1", "TLSv1.1"]}, "has none of TLSv1.2, TLSv1.3"),
        ({"groups": ["X448"]}, "Caddy 2.6.2 has none of X448"),
        ({"groups": ["X25519MLKEM768"]}, "Caddy 2.6.2 has none of X25519MLKEM768"),
        ({"ciphers": ["DHE-RSA-AES128-SHA"]}, "Caddy has none of the ciphers DHE-RSA-AES128-SHA"),
    ],
)
def test_nothing_left(value, words):
    with pytest.raises(InputError, match=words):
        directives(value)
