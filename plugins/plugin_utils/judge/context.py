# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every rule is given, and how it says what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Concatenate, ParamSpec

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.catalogue import CATALOGUE, WORDS
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.client_names import accepts_name
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.clients import BEHAVIOUR, Behaviour
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.missing import missing_above
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.model import Case, Finding, Issuers, Missing
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.paths import Path, best_path, leaf_index
from ansible_collections.fullchain.tls.plugins.plugin_utils.lazy import lazy
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate, printable
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.names import as_address

_Facts = ParamSpec("_Facts")


@dataclass(frozen=True)
class Context:
    """The case, and what several rules want to know about it. Computed when first asked for."""

    case: Case
    along: Path | None = None  # judge this path, not the best one: the one that a client takes

    @lazy
    def leaf_at(self) -> int | None:
        """Index of the server's own certificate; None when nothing was served or the first certificate is malformed."""
        return leaf_index(self.case.chain)

    @lazy
    def leaf(self) -> Certificate | None:
        """The server's own certificate, wherever it stands."""
        return None if self.leaf_at is None else self.certificate(self.leaf_at)

    @lazy
    def path(self) -> Path | None:
        """The best path; None without a leaf."""
        if self.leaf_at is None or self.along is not None:
            return self.along
        return best_path(self.case.chain, self.leaf_at, self.case.trust, self.case.at)

    @lazy
    def steps(self) -> tuple[tuple[int | None, Certificate], ...]:
        """The path from the leaf to its end. The index is None for a root that only the store holds."""
        if self.path is None:
            return ()
        served: list[tuple[int | None, Certificate]] = [
            (index, certificate) for index in self.path.served if (certificate := self.certificate(index))
        ]
        anchor = self.path.anchor
        return tuple(served if anchor is None or anchor == served[-1][1] else [*served, (None, anchor)])

    @lazy
    def broken_at(self) -> Certificate | None:
        """The path's last certificate, where its issuer is neither served nor a root of the store; None elsewhere."""
        last = self.steps[-1][1] if self.path is not None and self.path.breaks_off else None
        return None if last is None or last.self_signed else last

    @lazy
    def missing(self) -> Missing | None:
        """What was fetched of the issuers that are missing above the path's end; None where none is missing."""
        if self.broken_at is None:
            return None
        return missing_above(self.broken_at, self.case.fetched or Issuers(), self.case.trust, self.case.at)

    def certificate(self, index: int) -> Certificate | None:
        """The served certificate, or None where it is malformed."""
        certificate = self.case.chain[index]
        return certificate if isinstance(certificate, Certificate) else None

    @lazy
    def certificates(self) -> tuple[tuple[int, Certificate], ...]:
        """The served certificates that could be parsed, with their indexes."""
        return tuple((i, c) for i, c in enumerate(self.case.chain) if isinstance(c, Certificate))

    @lazy
    def extras(self) -> tuple[tuple[int, Certificate], ...]:
        """Those of them that are no step of the path."""
        if self.path is not None and len(self.path.served) == len(self.case.chain):
            return ()
        path = {certificate for _index, certificate in self.steps}
        return tuple((i, c) for i, c in self.certificates if c not in path)

    def is_anchor(self, certificate: Certificate) -> bool:
        """Whether it is the root of the store that the path ends at."""
        return self.path is not None and certificate == self.path.anchor

    def minding(
        self, refuses: Callable[Concatenate[Behaviour, _Facts], bool], *facts: _Facts.args, **more: _Facts.kwargs
    ) -> list[str]:
        """The clients of which `refuses(behaviour, *facts)` holds.

        Those that aren't chosen make no error of a finding, but are a reason to tell of it.
        """
        return [client for client, behaviour in BEHAVIOUR.items() if refuses(behaviour, *facts, **more)]

    def called(self, index: int | None, certificate: Certificate) -> str:
        """A certificate in a message. Numbers count from 1, as in a file."""
        if index is None:
            return f"the trusted root '{certificate.label}'"
        if index == self.leaf_at:
            return f"the leaf '{certificate.label}'"
        return f"certificate #{index + 1} '{certificate.label}'"

    def refusing_name(self, leaf: Certificate, name: str) -> tuple[str, ...]:
        """The chosen clients that do not take the leaf for the server of that name."""
        if name in leaf.dns_names and "_" not in name and as_address(name) is None:
            return ()  # letter for letter: on that no client has views of its own
        return tuple(client for client in self.case.clients if not accepts_name(client, leaf, name))

    def finding(
        self,
        code: str,
        message: str,
        fix: str,
        certificate: int | None = None,
        refusing: Iterable[str] | None = None,
        words_of: str | None = None,
        words: Mapping[str, str] | None = None,
    ) -> Finding:
        """A finding of that code, its severity following from who refuses.

        `refusing`: clients that refuse, those not chosen are left out; None: every client that the catalogue has words
        for. `words_of`: the entry of WORDS that fits better than the code's own; `words`: words of no entry.
        """
        entry = CATALOGUE[code]
        words = words or WORDS[words_of or code]
        chosen = [c for c in self.case.clients if c in words and (refusing is None or c in refusing)]
        # Senders of webhooks that are no TLS library, but known by their words
        others = [c for c in entry.words if c not in _LIBRARIES] if chosen else []
        said = {
            c: words.get(c, entry.words.get(c, "")).format(server_name=self.case.server_name or "...")
            for c in (*chosen, *others)
        }
        return Finding(
            code, "error" if chosen else entry.severity, certificate, printable(message), printable(fix), said
        )


_LIBRARIES: Mapping[str, str] = WORDS["expired"]


def moment(time: datetime) -> str:
    """A time in a message, to the minute."""
    return time.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def listed(values: Iterable[object], most: int = 5) -> str:
    """Values in a message: the first few and how many more there are."""
    texts = [str(value) for value in values]
    rest = len(texts) - most
    return ", ".join(texts[:most]) + (f" and {rest} more" if rest > 0 else "")
