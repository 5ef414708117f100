# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Family presentation: the issuer that is not there."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.context import Context, listed
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.model import Finding, Missing
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.rules.trust import OWN_ROOT_FIX
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate, signed_by


def missing_issuer(context: Context) -> Iterator[Finding]:
    """RFC 5280 6.1: the path breaks off, the last certificate's issuer was neither sent nor is it a trusted root.

    `incomplete-chain` where something tells that the server should have sent it: the last certificate is the leaf (a leaf's
    issuer has to be sent whatever it is, unless it is a root, and then it would have to be trusted), or the trust store
    happens to hold the issuer as an intermediate, which fills nothing in. Otherwise `unknown-issuer`: above an
    intermediate, another one may be missing or a root may not be trusted, and nothing served tells which. Issuers that were
    fetched tell: each missing one by its name, and `untrusted-root` where they lead to a root outside the store.
    """
    missing = context.missing
    if missing is None:
        return
    index, last = context.steps[-1]
    held = any(signed_by(last, held) for held in context.case.trust.intermediates(last.issuer_der))
    if missing.root:
        yield _root_outside(context, index, last, missing.root)
    if missing.intermediates:
        yield _named(context, index, last, missing)
    elif missing.root is None and (held or index == context.leaf_at):
        yield _incomplete(context, index, last, held)
    elif missing.root is None:
        yield _unknown(context, index, last)


def _words_of_missing(context: Context, index: int | None) -> str | None:
    """Node.js words it otherwise where it is the leaf's issuer that is missing."""
    return None if index == context.leaf_at else "unknown-issuer"


def _named(context: Context, index: int | None, last: Certificate, missing: Missing) -> Finding:
    """The missing ones were fetched."""
    names = listed(f"'{issuer.label}'" for issuer in missing.intermediates)
    top = missing.intermediates[-1]
    then = (
        "with that, the chain would be complete"
        if missing.complete
        else f"even then, '{top.issuer}' would be no trusted root"
    )
    address = f" (the CA offers it at {last.ca_issuers[0]})" if last.ca_issuers else ""
    return context.finding(
        "incomplete-chain",
        f"{context.called(index, last)} was issued by '{last.issuer}', which the server does not send: {names} {_is_are(missing)} missing; {then}",
        f"Serve the leaf with its intermediates: append {names}{address} to the file; in nginx, ssl_certificate is fullchain.pem, not "
        "cert.pem. From files, complete_to of fullchain.tls.verify_tls writes the right one.",
        certificate=index,
        words_of=_words_of_missing(context, index),
    )


def _is_are(missing: Missing) -> str:
    return "is" if len(missing.intermediates) == 1 else "are"


def _root_outside(context: Context, index: int | None, last: Certificate, root: Certificate) -> Finding:
    """What was fetched shows that there is a root, and the store lacks it."""
    return context.finding(
        "untrusted-root",
        f"{context.called(index, last)} leads to '{root.label}', a root that is not in the trust store (it was fetched, not sent)",
        OWN_ROOT_FIX,
        certificate=index,
        words_of="incomplete-chain" if index == context.leaf_at else "unknown-issuer",
    )


def _incomplete(context: Context, index: int | None, last: Certificate, held: bool) -> Finding:
    why = (
        "which is in the trust store, but as an intermediate, which clients elsewhere lack"
        if held
        else "which is no trusted root"
    )
    url = f" The CA offers it at {last.ca_issuers[0]}." if last.ca_issuers else ""
    own = "" if held else f" Only if '{last.issuer}' is a root of your own, add it to tls_trust instead."
    return context.finding(
        "incomplete-chain",
        f"{context.called(index, last)} was issued by '{last.issuer}', which the server does not send and {why}{_not_fetched(context, last)}",
        "Serve the leaf with its intermediates: in nginx, ssl_certificate is fullchain.pem, not cert.pem; "
        f"with certificate files, give the CA's chain too.{url}{own}",
        certificate=index,
        words_of=_words_of_missing(context, index),
    )


def _unknown(context: Context, index: int | None, last: Certificate) -> Finding:
    return context.finding(
        "unknown-issuer",
        f"{context.called(index, last)} was issued by '{last.issuer}', which is neither sent nor trusted: another intermediate is missing, "
        f"or it is a root outside the trust store{_not_fetched(context, last)}",
        f"If '{last.issuer}' is an intermediate, serve it too (in nginx, ssl_certificate is the whole fullchain.pem). "
        "If it is a root of your own, add it to tls_trust and to every client's trust store.",
        certificate=index,
    )


def _not_fetched(context: Context, last: Certificate) -> str:
    """Why fetching the issuer, where that was tried, told nothing."""
    failures = context.case.fetched.failures if context.case.fetched else {}
    tried = [f"{url} {failures[url]}" for url in last.ca_issuers if url in failures]
    return f"; it could not be fetched: {listed(tried, 3)}" if tried else ""


RULES = (missing_issuer,)
