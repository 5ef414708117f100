# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run over all sites: broken lineages, what came of certbot, and the message at the end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.obtain.plan import (
    check_probes,
    check_version,
    conclude,
    differences,
    make_plans,
    message,
    results,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.obtain.wanted import Wanted, read_window
from cryptography.hazmat.primitives import serialization

from tests.pki import Cert, mint

CA = "https://ca.test/dir"
PKI = mint(
    root=Cert(),
    inter=Cert(issuer="root"),
    leaf=Cert(issuer="inter", names=["a.test", "www.a.test"]),
    renewed=Cert(issuer="inter", names=["a.test", "www.a.test"]),
    other=Cert(issuer="inter", names=["b.test"]),
    rsa=Cert(issuer="inter", names=["a.test", "www.a.test"], key_type="rsa2048"),
)
WANTED = Wanted("a.test", ("a.test", "www.a.test"), "ecdsa", None, CA, read_window("33%"))


def public_key(name):
    public = PKI.key(name).public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return public.public_bytes(serialization.Encoding.PEM, form).decode()


def state(leaf="leaf", **fields):
    given = {
        "name": "a.test",
        "paths": ["/e/live/a.test", "/e/archive/a.test", "/e/renewal/a.test.conf"],
        "renewal": {"server": CA},
        "fullchain": PKI.pem(leaf, "inter"),
        "public_key": public_key(leaf),
        "errors": [],
    }
    return {**given, **fields}


NOTHING = {"name": "a.test", "paths": [], "renewal": None, "fullchain": None, "public_key": None, "errors": []}


def plan_of(found, wanted=WANTED, at=PKI.now):
    (plan,) = make_plans([wanted], [found], at)
    return plan


def answered(**fields):
    return {
        "exit_status": 0,
        "refusals": [],
        "last_words": [],
        "log_file": "/var/log/l.log",
        "locked": False,
        "lineages": [],
        **fields,
    }


def test_a_good_lineage_is_left_alone():
    plan = plan_of(state())
    assert (plan.due, plan.trouble, plan.reasons) == (False, [], ())
    assert differences([plan]) == message([plan]) == ""
    assert results([plan]) == [{"name": "a.test", "reasons": [], "issued": False, "failed": False}]


def test_what_is_due_and_why():
    plan = plan_of(NOTHING)
    assert plan.due
    assert differences([plan]) == "a.test: issue, missing: there is no certificate yet\n"


def test_the_key_of_another_certificate():
    assert [reason.code for reason in plan_of(state(public_key=public_key("other"))).reasons] == ["key-mismatch"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"paths": ["/e/live/a.test"], "renewal": None, "fullchain": None, "public_key": None},
            "the lineage is broken: of live, archive and renewal configuration only this is there: /e/live/a.test. ",
        ),
        (
            {
                "fullchain": None,
                "public_key": None,
                "errors": ["/e/live/a.test/fullchain.pem: No such file or directory"],
            },
            "the lineage is broken: /e/live/a.test/fullchain.pem: No such file or directory. ",
        ),
        ({"fullchain": "garbage"}, "the lineage is broken: fullchain.pem holds no certificate"),
        ({"public_key": "garbage"}, "the lineage is broken: the public half of privkey.pem holds no public key"),
    ],
)
def test_a_broken_lineage_stops_its_site_before_the_ca_is_asked(fields, said):
    plan = plan_of(state(**fields))
    assert not plan.due
    assert plan.trouble[0].startswith(said)
    assert "certbot delete --cert-name a.test" in plan.trouble[0]


def test_a_window_as_long_as_the_certificate_lives_is_told():
    plan = plan_of(state(), Wanted("a.test", WANTED.names, "ecdsa", None, CA, read_window(90)))
    assert plan.notes == ["a.test: renew_within: 90 days is as long as the certificate lives (90 days), 33% is used"]
    assert plan.reasons == ()


def test_a_version_that_can_not_stops_the_site():
    plan = plan_of(NOTHING)
    check_version([plan], "1.0.0", binds_account=False)
    assert not plan.due
    assert plan.trouble[0].startswith("certbot 1.0.0 on this host makes no ECDSA keys")


def probed(name, reached):
    return {"name": name, "reached": reached, "addresses": [], "answers": [], "failure": "Name or service not known"}


def test_a_name_astray_stops_its_site_and_no_other():
    plans = make_plans(
        [WANTED, Wanted("b.test", ("b.test",), "ecdsa", None, CA, WANTED.window)], [NOTHING, NOTHING], PKI.now
    )
    check_probes(plans, [probed("a.test", True), probed("www.a.test", False), probed("b.test", True)], "/srv/w", "host")
    assert [plan.due for plan in plans] == [False, True]
    assert message(plans).splitlines()[:4] == [
        "Certificates that were not obtained: 1 of 2.",
        "",
        "a.test: nothing was asked of the CA, since 1 of its names fails to reach this host's /srv/w (tried from the host):",
        "  www.a.test",
    ]


def test_issued():
    plan = plan_of(NOTHING)
    conclude(plan, answered(lineages=[state()]), PKI.now)
    assert (plan.issued, plan.trouble) == (True, [])


def test_certbot_says_so_but_nothing_is_new():
    plan = plan_of(state("leaf", renewal={"server": "https://old.test/dir"}))
    conclude(plan, answered(lineages=[state("leaf", renewal={"server": "https://old.test/dir"})]), PKI.now)
    assert not plan.issued
    assert "https://old.test/dir" in plan.trouble[0]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"leaf": "other"},
            "certbot said that it had issued, but a.test, www.a.test are not in the certificate; b.test is in",
        ),
        ({"leaf": "rsa"}, "certbot said that it had issued, but the key is RSA 2048, ECDSA is wanted"),
        (
            {"fullchain": "", "errors": ["x: gone"]},
            "certbot said that it had issued, but the lineage is broken: x: gone",
        ),
    ],
)
def test_certbots_word_is_not_believed(fields, said):
    plan = plan_of(NOTHING)
    conclude(plan, answered(lineages=[state(**fields)]), PKI.now)
    assert plan.trouble[0].startswith(said)
    assert results([plan])[0]["failed"]


def test_issued_again_with_another_key_and_date():
    plan = plan_of(state(), at=PKI.now + timedelta(days=50))
    assert [reason.code for reason in plan.reasons] == ["renewal"]
    conclude(plan, answered(lineages=[state("renewed")]), PKI.now)
    assert (plan.issued, plan.trouble) == (True, [])


def test_a_chain_that_the_ca_has_not_is_a_note():
    plan = plan_of(NOTHING, Wanted("a.test", WANTED.names, "ecdsa", None, CA, WANTED.window, preferred_chain="Root X"))
    conclude(plan, answered(lineages=[state()]), PKI.now)
    assert plan.trouble == []
    assert plan.notes == ["a.test: the CA offered no chain to 'Root X'; its chain leads to 'root'"]


def test_refused():
    plan = plan_of(NOTHING)
    refusal = {
        "identifier": "a.test",
        "challenge": "http-01",
        "type": "urn:ietf:params:acme:error:dns",
        "detail": "no A",
    }
    conclude(plan, answered(exit_status=1, refusals=[refusal]), PKI.now)
    assert message([plan]).splitlines() == [
        "Certificates that were not obtained: 1 of 1.",
        "",
        "a.test: https://ca.test/dir refused",
        "  a.test (http-01)",
        "    the CA says: no A [dns]",
        "    to do:       look at the name's A, AAAA and CAA records as the Internet sees them",
        "  certbot's log on the host: /var/log/l.log",
    ]


def test_failed_before_the_ca_was_asked():
    plan = plan_of(NOTHING)
    conclude(plan, answered(exit_status=1, last_words=["Connection refused"]), PKI.now)
    assert plan.trouble[:2] == [
        "certbot failed (exit status 1), and https://ca.test/dir gave no reason; certbot's last words:",
        "  Connection refused",
    ]


def test_another_certbot_held_the_lock():
    plan = plan_of(NOTHING)
    conclude(plan, answered(exit_status=1, locked=True), PKI.now)
    assert plan.trouble[0].startswith("another certbot is running on this host")
