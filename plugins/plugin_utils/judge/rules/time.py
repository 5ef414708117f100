# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Family time: every certificate of the path within its dates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.clients import BEHAVIOUR
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.context import Context, moment
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.model import Finding, parse_expires_soon
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.paths import within_dates
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate

_RENEW = "Renew it (`certbot renew`, or a new certificate in the site's files) and reload the server"


def out_of_dates(context: Context) -> Iterator[Finding]:
    """RFC 5280 6.1.3 (a) (2), and for the root RFC 5280 6.1.1 (d), by which its dates need not count."""
    for index, certificate in context.steps:
        if within_dates(certificate, context.case.at):
            continue
        refusing = [
            c for c in context.case.clients if certificate != _anchor(context) or BEHAVIOUR[c].checks_anchor_dates
        ]
        late = certificate.not_after < context.case.at
        what = (
            f"expired on {moment(certificate.not_after)}"
            if late
            else f"is not valid before {moment(certificate.not_before)}"
        )
        yield context.finding(
            "expired" if late else "not-yet-valid",
            f"{context.called(index, certificate)} {what} (judged at {moment(context.case.at)})",
            _fix(context, index, late),
            certificate=index,
            refusing=refusing,
        )


def _anchor(context: Context) -> Certificate | None:
    return context.path.anchor if context.path else None


def _fix(context: Context, index: int | None, late: bool) -> str:
    if not late:
        return "Check the clock of the machine that judges; otherwise serve the certificate that was valid before."
    if index is None:
        return "Trust the CA's current root in tls_trust, or serve a chain that ends at another root."
    if index == context.leaf_at:
        return f"{_RENEW}; if it was renewed, the server has not been reloaded or serves another file."
    return "Serve the CA's current intermediate: renew the certificate, or replace the expired one in the chain file."


def expires_soon(context: Context) -> Iterator[Finding]:
    """The leaf's end is near, measured by its own lifetime: certificates of 6 and of 200 days are both normal."""
    leaf, at = context.leaf, context.case.at
    threshold = parse_expires_soon(context.case.expires_soon)
    if leaf is not None and within_dates(leaf, at) and leaf.not_after - at < threshold.of(leaf):
        hours = int((leaf.not_after - at).total_seconds() // 3600)
        left = f"{hours // 24} days" if hours >= 48 else f"{hours} hours"
        yield context.finding(
            "expires-soon",
            f"{context.called(context.leaf_at, leaf)} expires on {moment(leaf.not_after)}, in {left} (threshold {context.case.expires_soon})",
            f"{_RENEW}; see why it has not renewed by itself: systemctl status certbot.timer, /var/log/letsencrypt.",
            certificate=context.leaf_at,
        )


def outlived_by_leaf(context: Context) -> Iterator[Finding]:
    """RFC 5280 6.1.3 wants every certificate of the path within its dates: the path ends with the first of them."""
    leaf = context.leaf
    for index, issuer in context.steps[1:]:
        if leaf is not None and within_dates(issuer, context.case.at) and issuer.not_after < leaf.not_after:
            yield context.finding(
                "outlived-by-leaf",
                f"{context.called(index, issuer)} expires on {moment(issuer.not_after)}, before "
                f"{context.called(context.leaf_at, leaf)} does ({moment(leaf.not_after)})",
                "Have the certificate reissued by the CA's current intermediate before that day, or serve the CA's newer certificate of this issuer.",
                certificate=index,
            )


# BR 6.3.2: the longest lifetime in days, by the day from which it holds
_LONGEST = (
    (datetime(2029, 3, 15, tzinfo=timezone.utc), 47),
    (datetime(2027, 3, 15, tzinfo=timezone.utc), 100),
    (datetime(2026, 3, 15, tzinfo=timezone.utc), 200),
    (datetime(2020, 9, 1, tzinfo=timezone.utc), 398),
    (datetime(2018, 3, 1, tzinfo=timezone.utc), 825),
)


def lifetime_too_long(context: Context) -> Iterator[Finding]:
    """BR 6.3.2, for roots of the public web alone: browsers refuse it, the clients that are judged for do not."""
    leaf, anchor = context.leaf, _anchor(context)
    if leaf is None or anchor not in context.case.trust.public:
        return
    most = next((days for since, days in _LONGEST if leaf.not_before >= since), None)
    # the last second belongs to the lifetime
    lifetime = leaf.not_after - leaf.not_before + timedelta(seconds=1)
    if most is not None and lifetime > timedelta(days=most):
        yield context.finding(
            "lifetime-too-long",
            f"{context.called(context.leaf_at, leaf)} is valid for {lifetime.days} days; issued on {moment(leaf.not_before)[:10]} it may be for {most}",
            "Have it reissued with a shorter lifetime: browsers and Apple's systems refuse it.",
            certificate=context.leaf_at,
        )


RULES = (out_of_dates, expires_soon, outlived_by_leaf, lifetime_too_long)
