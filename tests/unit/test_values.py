# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How values that are not what they should be are spoken of."""

from __future__ import annotations

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.obtain.wanted import read_wanted
from ansible_collections.fullchain.tls.plugins.plugin_utils.values import is_list, kind, refuse_unknown_keys

KEY = "-----BEGIN PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "nothing"), ("x", "a string"), (True, "a boolean"), (1, "a number"), (1.5, "a number"),
        ({}, "a mapping"), ([], "a list"), ((), "a list"), ({1}, "another type"),
    ],
)  # fmt: skip
def test_kinds(value, words):
    assert kind(value) == words
    assert is_list(value) is (words == "a list")


@pytest.mark.parametrize(("key", "hint"), [("nane", ", did you mean 'name'?"), ("zzz", ""), (5, "")])
def test_unknown_keys(key, hint):
    with pytest.raises(InputError) as refused:
        refuse_unknown_keys({"name": 1, key: 2}, ("name", "port"), "here")
    assert str(refused.value) == f"here: unknown key '{key}'{hint} (known: name, port)"


@pytest.mark.parametrize("sites", [{"privkey": KEY}, [KEY], [{"name": [KEY]}], [{"name": "a.test", "names": {KEY: 1}}]])
def test_no_value_that_may_hold_a_key_is_quoted(sites):
    options = {"key_type": "ecdsa", "server": "letsencrypt", "renew_within": "33%"}
    with pytest.raises(InputError) as refused:
        read_wanted(sites, options)
    assert "PRIVATE KEY" not in str(refused.value)
