# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the CA is asked, and when it is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.obtain.decide import obstacle, reasons, shortfalls
from ansible_collections.fullchain.tls.plugins.plugin_utils.obtain.lineages import Lineage
from ansible_collections.fullchain.tls.plugins.plugin_utils.obtain.wanted import SERVERS, Wanted, read_window

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=timezone.utc)
DAY = timedelta(days=1)
CA = "https://ca.example.com/directory"

WANTED = Wanted(
    name="shop.example.com",
    names=("shop.example.com", "www.shop.example.com"),
    key_type="ecdsa",
    key_size=None,
    server=CA,
    window=read_window("33%"),
)
GOOD = Lineage(
    name="shop.example.com",
    sha256="00",
    names=frozenset(WANTED.names),
    key_type="ecdsa",
    key_size=256,
    key_fits=True,
    not_before=NOW - 10 * DAY,
    not_after=NOW + 80 * DAY,
    top_issuer="Root A",
    server=CA,
)


def codes(wanted=WANTED, lineage=GOOD, at=NOW):
    return [reason.code for reason in reasons(wanted, lineage, at)]


def texts(wanted=WANTED, lineage=GOOD, at=NOW):
    return [reason.text for reason in reasons(wanted, lineage, at)]


def test_a_lineage_as_wanted_is_left_alone():
    assert codes() == []


def test_no_lineage():
    assert codes(lineage=None) == ["missing"]


def test_the_order_of_names_does_not_matter():
    assert codes(replace(WANTED, names=tuple(reversed(WANTED.names)))) == []


@pytest.mark.parametrize(
    ("wanted", "lineage", "code", "text"),
    [
        (
            {"names": (*WANTED.names, "b.example.com", "a.example.com")},
            {},
            "name-added",
            "b.example.com, a.example.com are not in the certificate",
        ),
        (
            {"names": ("shop.example.com",)},
            {},
            "name-removed",
            "www.shop.example.com is in the certificate and no longer wanted",
        ),
        ({"key_type": "rsa"}, {}, "key-type", "the key is ECDSA P-256, RSA is wanted"),
        (
            {"key_type": "rsa", "key_size": 3072},
            {"key_type": "rsa", "key_size": 2048},
            "key-size",
            "the key is RSA 2048, RSA 3072 is wanted",
        ),
        ({"key_size": 384}, {}, "key-size", "the key is ECDSA P-256, ECDSA P-384 is wanted"),
        ({}, {"key_fits": False}, "key-mismatch", "privkey.pem is not the key of the certificate"),
        (
            {"server": SERVERS["letsencrypt"]},
            {},
            "ca-changed",
            f"it was issued by {CA}, {SERVERS['letsencrypt']} is wanted",
        ),
        ({"preferred_chain": "Root B"}, {}, "preferred-chain", "its chain leads to 'Root A', 'Root B' is wanted"),
        ({}, {"not_after": NOW - DAY}, "renewal", "it ended on 2026-05-31 12:00 UTC"),
        (
            {"window": read_window(30)},
            {"not_after": NOW + 30 * DAY},
            "renewal",
            "it ends on 2026-07-01 12:00 UTC, within the renewal window (30 days of 40 days)",
        ),
    ],
)
def test_one_difference_is_one_reason(wanted, lineage, code, text):
    found = reasons(replace(WANTED, **wanted), replace(GOOD, **lineage), NOW)
    assert [(reason.code, reason.text) for reason in found] == [(code, text)]


def test_all_reasons_are_told():
    wanted = replace(WANTED, names=("shop.example.com", "new.example.com"), key_type="rsa")
    assert codes(wanted, replace(GOOD, not_after=NOW)) == ["name-added", "name-removed", "key-type", "renewal"]


def test_a_size_that_is_left_to_certbot_is_no_difference():
    assert codes(lineage=replace(GOOD, key_size=384)) == []


def test_a_lineage_without_a_known_server_is_not_issued_again_for_it():
    assert codes(lineage=replace(GOOD, server=None)) == []


def test_a_slash_at_the_end_of_the_directory_is_no_other_ca():
    assert codes(lineage=replace(GOOD, server=CA + "/")) == []


def test_a_chain_that_was_asked_for_in_vain_is_not_asked_for_again():
    wanted = replace(WANTED, preferred_chain="Root B")
    assert codes(wanted, replace(GOOD, asked_chain="Root B")) == []
    assert codes(wanted, replace(GOOD, asked_chain="Root C")) == ["preferred-chain"]


@pytest.mark.parametrize(
    ("window", "due"),
    [("33%", 90 * 0.67), ("50%", 45), (30, 60), ("30.5", 59.5), ("0%", 90)],
)
def test_the_renewal_window_begins_to_the_minute(window, due):
    wanted = replace(WANTED, window=read_window(window))
    begins = GOOD.not_before + due * DAY
    assert codes(wanted, at=begins - timedelta(minutes=1)) == []
    assert codes(wanted, at=begins + timedelta(minutes=1)) == ["renewal"]


def test_days_as_long_as_the_certificate_lives_do_not_renew_at_each_run():
    six_days = replace(GOOD, not_before=NOW - DAY, not_after=NOW + 5 * DAY)
    assert codes(replace(WANTED, window=read_window(30)), six_days) == []
    assert codes(replace(WANTED, window=read_window(30)), six_days, NOW + 4 * DAY) == ["renewal"]


def test_what_was_issued_lacks_nothing_for_another_chain():
    wanted = replace(WANTED, preferred_chain="Root B")
    assert shortfalls(wanted, GOOD, NOW) == ()
    assert [reason.code for reason in shortfalls(wanted, replace(GOOD, key_type="rsa"), NOW)] == ["key-type"]
    assert [reason.code for reason in shortfalls(wanted, None, NOW)] == ["missing"]


def stopped(wanted, lineage):
    return obstacle(wanted, lineage, reasons(wanted, lineage, NOW))


def test_staging_does_not_take_the_place_of_a_trusted_certificate():
    staging = replace(WANTED, server=SERVERS["letsencrypt-staging"])
    assert "which no client trusts, is not put in its place" in stopped(staging, GOOD)
    assert stopped(staging, replace(GOOD, server=SERVERS["letsencrypt-staging"])) is None
    assert stopped(WANTED, replace(GOOD, server=SERVERS["letsencrypt-staging"])) is None
    assert stopped(staging, None) is None


def test_a_key_that_certbot_keeps_can_not_change():
    rsa = replace(WANTED, key_type="rsa")
    assert "reuse_key = True" in stopped(rsa, replace(GOOD, keeps_key=True))
    assert stopped(rsa, GOOD) is None
    assert stopped(replace(WANTED, names=("shop.example.com",)), replace(GOOD, keeps_key=True)) is None
