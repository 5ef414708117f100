# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each version of certbot takes on its command line, and what it can't do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.obtain.versions import incapable, options
from ansible_collections.fullchain.tls.plugins.plugin_utils.obtain.wanted import Wanted, read_window

WANTED = Wanted("a.test", ("a.test", "b.test"), "ecdsa", None, "https://ca.test/dir", read_window("33%"))
NAMES = ["-d", "a.test", "-d", "b.test"]


@pytest.mark.parametrize(
    ("wanted", "version", "exists", "arguments"),
    [
        ({}, "4.0.0", False, ["--key-type", "ecdsa", *NAMES]),
        ({}, "1.12.0", True, ["--force-renewal", "--renew-with-new-domains", "--key-type", "ecdsa", *NAMES]),
        (
            {"key_type": "rsa", "key_size": 3072},
            "2.1.0",
            False,
            ["--key-type", "rsa", "--rsa-key-size", "3072", *NAMES],
        ),
        ({"key_type": "rsa", "key_size": 3072}, "0.40.0", False, ["--rsa-key-size", "3072", *NAMES]),
        ({"key_size": 384}, "1.12.0", False, ["--key-type", "ecdsa", "--elliptic-curve", "secp384r1", *NAMES]),
        ({"preferred_chain": "Root X"}, "4.0", False, ["--key-type", "ecdsa", "--preferred-chain", "Root X", *NAMES]),
        (
            {"names": ("a.test", "192.0.2.1", "2001:db8::1")},
            "5.8.0",
            False,
            ["--key-type", "ecdsa", "-d", "a.test", "--ip-address", "192.0.2.1", "--ip-address", "2001:db8::1"],
        ),
    ],
)
def test_options(wanted, version, exists, arguments):
    assert options(replace(WANTED, **wanted), version, exists) == arguments


@pytest.mark.parametrize(
    ("wanted", "version", "binds", "said"),
    [
        ({}, "1.9.0", False, "certbot 1.9.0 on this host makes no ECDSA keys: install 1.10 or newer"),
        ({"key_type": "rsa", "preferred_chain": "R"}, "1.5", False, "certbot 1.5 on this host can't choose a chain"),
        ({"names": ("192.0.2.1",)}, "5.2.2", False, "certbot 5.2.2 on this host asks for no IP addresses (192.0.2.1)"),
        ({"key_type": "rsa"}, "0.36.0", True, "certbot 0.36.0 on this host has no external account binding"),
    ],
)
def test_incapable(wanted, version, binds, said):
    assert incapable(replace(WANTED, **wanted), version, binds).startswith(said)


@pytest.mark.parametrize(
    ("wanted", "version"),
    [
        ({}, "1.10.0"),
        ({"key_type": "rsa"}, "0.40.0"),
        ({"names": ("192.0.2.1",)}, "5.3.0"),
        ({"preferred_chain": "R"}, "1.12"),
    ],
)
def test_capable(wanted, version):
    assert incapable(replace(WANTED, **wanted), version, binds_account=True) is None
