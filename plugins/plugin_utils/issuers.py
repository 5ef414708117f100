# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetches the issuers that chains lack, from where their certificates say they are, so that the judge can name them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge import Issuers, missing_above
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.pem import read_issuers
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.trust import TrustStore
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.gather import fetch_each
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.http import Answer, Request

_MOST_BYTES = 65536  # of one answer: a certificate, or a handful in PKCS#7
_MOST_URLS = 3  # of one certificate
_ROUNDS = 4  # each an issuer further up
_SECONDS, _SECONDS_IN_ALL = 5.0, 30.0

Break = tuple[Certificate, TrustStore]  # where a chain breaks off, and the store that it should lead to


def fetch_issuers(breaks: Iterable[Break], at: datetime, allow_private: bool = False) -> Issuers:
    """What is above the certificates, up to a root of their store or to whatever root there is.

    Each address is asked once, over http alone and within bounds (see wire/http.py). Raises nothing: what could not be had is
    in `failures`. allow_private: ask private and loopback addresses, too.
    """
    breaks, search = list(breaks), _Search(allow_private)
    for _round in range(_ROUNDS):
        urls = {url for entry in breaks for url in _wanted(entry, search.issuers, at)} - search.asked
        if not urls:
            break
        search.ask(urls)
    return search.issuers


def _wanted(entry: Break, issuers: Issuers, at: datetime) -> Iterator[str]:
    """Where the next issuer above the break is; nothing where a root has been reached."""
    certificate, trust = entry
    missing = missing_above(certificate, issuers, trust, at)
    if not missing.complete and missing.root is None:
        top = missing.intermediates[-1] if missing.intermediates else certificate
        yield from [url for url in top.ca_issuers if url.lower().startswith("http://")][:_MOST_URLS]


class _Search:
    """What was asked for, and what came of it."""

    def __init__(self, allow_private: bool) -> None:
        self.asked: set[str] = set()
        self._allow_private = allow_private
        self._found: dict[bytes, dict[Certificate, None]] = {}
        self._failures: dict[str, str] = {}

    @property
    def issuers(self) -> Issuers:
        found = {subject: tuple(certificates) for subject, certificates in self._found.items()}
        return Issuers(found, dict(self._failures))

    def ask(self, urls: set[str]) -> None:
        """Ask these addresses, all at once."""
        self.asked |= urls
        requests = [Request(url, _MOST_BYTES) for url in sorted(urls)]
        answers = fetch_each(requests, _SECONDS, self._allow_private, most_seconds=_SECONDS_IN_ALL / _ROUNDS)
        for request, answer in answers.items():
            self._read(request.url, answer)

    def _read(self, url: str, answer: Answer) -> None:
        if answer.failure:
            self._failures[url] = answer.failure
            return
        try:
            for certificate in read_issuers(answer.body, url):
                self._found.setdefault(certificate.subject_der, {})[certificate] = None
        except InputError as error:
            self._failures[url] = str(error).removeprefix(f"{url} ")
