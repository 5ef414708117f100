# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether to ask the CA, decided from the PEM on disk and from nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from ansible_collections.fullchain.tls.plugins.plugin_utils.obtain.lineages import Lineage, key_label
from ansible_collections.fullchain.tls.plugins.plugin_utils.obtain.wanted import DEFAULT_WINDOW, Wanted, Window

# certbot's own test for a server that no client trusts (certbot.util.is_staging).
_STAGING = "staging"


@dataclass(frozen=True)
class Reason:
    """Why a certificate has to be issued: a stable code, and a sentence with the values."""

    code: str
    text: str


def reasons(wanted: Wanted, lineage: Lineage | None, at: datetime) -> tuple[Reason, ...]:
    """All reasons to issue `wanted` at the time `at`; () when the lineage is as it should be."""
    if lineage is None:
        return (Reason("missing", "there is no certificate yet"),)
    return tuple(reason for rule in _RULES for reason in rule(wanted, lineage, at))


def shortfalls(wanted: Wanted, lineage: Lineage | None, at: datetime) -> tuple[Reason, ...]:
    """What a lineage that was just issued still lacks.

    A preferred chain is none: certbot takes the CA's default where the CA has no such chain.
    """
    return tuple(reason for reason in reasons(wanted, lineage, at) if reason.code != "preferred-chain")


def obstacle(wanted: Wanted, lineage: Lineage | None, why: tuple[Reason, ...]) -> str | None:
    """Why certbot would refuse to issue for these reasons, and what to do; None when it would not."""
    codes = {reason.code for reason in why}
    if lineage is None:
        return None
    if "ca-changed" in codes and _STAGING in wanted.server and _STAGING not in (lineage.server or ""):
        return (
            f"its certificate comes from {lineage.server}; one from {wanted.server}, which no client trusts, is not "
            f"put in its place. Try staging with another certbot_config_dir, or delete the lineage first "
            f"(`certbot delete --cert-name {wanted.name}`)"
        )
    if lineage.keeps_key and codes & {"key-type", "key-size", "key-mismatch"}:
        return (
            f"its renewal configuration says reuse_key = True, so that certbot keeps the {lineage.key_label} key. Take "
            f"that line out of renewal/{wanted.name}.conf and run again"
        )
    return None


def window_of(wanted: Wanted, lineage: Lineage) -> Window:
    """The renewal window; DEFAULT_WINDOW where the wanted one is as long as the certificate lives.

    Otherwise each run would renew, and so spend the CA's rate limit (30 days, and a CA that went to six-day ones).
    """
    lifetime = lineage.not_after - lineage.not_before
    return DEFAULT_WINDOW if wanted.window.of(lifetime) >= lifetime else wanted.window


def _names(wanted: Wanted, lineage: Lineage, _at: datetime) -> Iterator[Reason]:
    added = [name for name in wanted.names if name not in lineage.names]
    removed = sorted(lineage.names.difference(wanted.names))
    if added:
        yield Reason("name-added", f"{', '.join(added)} {_is(added)} not in the certificate")
    if removed:
        yield Reason("name-removed", f"{', '.join(removed)} {_is(removed)} in the certificate and no longer wanted")


def _is(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _key(wanted: Wanted, lineage: Lineage, _at: datetime) -> Iterator[Reason]:
    if not lineage.key_fits:
        yield Reason("key-mismatch", "privkey.pem is not the key of the certificate")
    if lineage.key_type != wanted.key_type:
        label = key_label(wanted.key_type, wanted.key_size)
        yield Reason("key-type", f"the key is {lineage.key_label}, {label} is wanted")
    elif wanted.key_size not in (None, lineage.key_size):
        label = key_label(wanted.key_type, wanted.key_size)
        yield Reason("key-size", f"the key is {lineage.key_label}, {label} is wanted")


def _authority(wanted: Wanted, lineage: Lineage, _at: datetime) -> Iterator[Reason]:
    if lineage.server is not None and lineage.server.rstrip("/") != wanted.server.rstrip("/"):
        yield Reason("ca-changed", f"it was issued by {lineage.server}, {wanted.server} is wanted")


def _chain(wanted: Wanted, lineage: Lineage, _at: datetime) -> Iterator[Reason]:
    # Once asked for in vain, a chain is not asked for again: the CA does not offer it.
    if wanted.preferred_chain in (None, lineage.top_issuer, lineage.asked_chain):
        return
    yield Reason("preferred-chain", f"its chain leads to {lineage.top_issuer!r}, {wanted.preferred_chain!r} is wanted")


def _end(wanted: Wanted, lineage: Lineage, at: datetime) -> Iterator[Reason]:
    lifetime = lineage.not_after - lineage.not_before
    window = window_of(wanted, lineage)
    if at < lineage.not_after - window.of(lifetime):
        return
    ends = lineage.not_after.strftime("%Y-%m-%d %H:%M UTC")
    if at > lineage.not_after:
        yield Reason("renewal", f"it ended on {ends}")
    else:
        yield Reason(
            "renewal", f"it ends on {ends}, within the renewal window ({window.text} of {_days(lifetime.days)})"
        )


def _days(number: int) -> str:
    return f"{number} day" if number == 1 else f"{number} days"


_RULES: tuple[Callable[[Wanted, Lineage, datetime], Iterator[Reason]], ...] = (_names, _key, _authority, _chain, _end)
