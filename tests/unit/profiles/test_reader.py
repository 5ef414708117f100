# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS profiles: the guidelines' data, and mappings of a user's own."""

from __future__ import annotations

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.reader import profile_names, read_profile

KEYS = "base, protocols, groups, ciphers, prefer_server_order, ciphersuites, hsts_max_age"
POST_QUANTUM = ("X25519MLKEM768", "X25519", "prime256v1", "secp384r1")


@pytest.mark.parametrize(
    ("name", "guideline", "protocols", "groups", "ciphers", "server_order"),
    [
        ("modern", "6.0", ("TLSv1.3",), POST_QUANTUM, 0, False),
        ("intermediate", "6.0", ("TLSv1.2", "TLSv1.3"), POST_QUANTUM, 6, False),
        ("old", "5.8", ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"), POST_QUANTUM[1:], 26, True),
    ],
)
def test_guidelines(name, guideline, protocols, groups, ciphers, server_order):
    profile = read_profile(name)
    assert profile.name == f"{name} of Mozilla Server Side TLS {guideline}"
    assert (profile.protocols, profile.groups, profile.prefer_server_order) == (protocols, groups, server_order)
    assert len(profile.ciphers) == len(set(profile.ciphers)) == ciphers
    assert profile.hsts_max_age == 63072000


def test_intermediate_offers_forward_secrecy_and_aead_alone():
    for cipher in read_profile("intermediate").ciphers:
        assert cipher.startswith("ECDHE-")
        assert "-GCM-" in cipher or cipher.endswith("CHACHA20-POLY1305")


def test_names():
    assert profile_names() == ("modern", "intermediate", "old")


def test_a_mapping_changes_its_base():
    profile = read_profile({"base": "modern", "protocols": ["TLSv1.3", "TLSv1.2"], "hsts_max_age": 60})
    assert profile.name == "modern of Mozilla Server Side TLS 6.0, changed: protocols, hsts_max_age"
    assert profile.protocols == ("TLSv1.2", "TLSv1.3")
    assert profile.hsts_max_age == 60
    assert profile.groups == POST_QUANTUM


def test_a_mapping_without_a_base_changes_intermediate():
    assert read_profile({"groups": ["X25519"]}).ciphers == read_profile("intermediate").ciphers
    assert read_profile({}) == read_profile("intermediate")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "moderm",
            "unknown profile 'moderm', did you mean 'modern'? (known: modern, intermediate, old, or a mapping of your own)",
        ),
        (6, "unknown profile 6 (known: modern, intermediate, old, or a mapping of your own)"),
        ({"base": "x"}, "unknown profile 'x' (known: modern, intermediate, old, or a mapping of your own)"),
        ({"cipher": []}, f"profile: unknown key 'cipher', did you mean 'ciphers'? (known: {KEYS})"),
        ({"protocols": "TLSv1.2"}, "profile: protocols must be a list, not 'TLSv1.2'"),
        ({"protocols": ["TLS1.2"]}, "profile: protocols must be of TLSv1, TLSv1.1, TLSv1.2, TLSv1.3, not 'TLS1.2'"),
        ({"protocols": []}, "profile: protocols must be of TLSv1, TLSv1.1, TLSv1.2, TLSv1.3, not none"),
        ({"groups": []}, "profile: groups must name at least one group, such as X25519"),
        ({"groups": ["X25519;"]}, "profile: groups holds 'X25519;', which is no name that OpenSSL could know"),
        ({"ciphers": ["A B"]}, "profile: ciphers holds 'A B', which is no name that OpenSSL could know"),
        ({"ciphers": [1]}, "profile: ciphers holds 1, which is no name that OpenSSL could know"),
        ({"prefer_server_order": "yes"}, "profile: prefer_server_order must be true or false, not 'yes'"),
        ({"hsts_max_age": "2y"}, "profile: hsts_max_age must be a number of seconds (negative: no header), not '2y'"),
    ],
)
def test_refused(value, message):
    with pytest.raises(InputError) as refused:
        read_profile(value)
    assert str(refused.value) == message
