# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers behind one endpoint, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Backend:
    """What one connection to an endpoint met, or several that met the same."""

    address: str | None
    chain: tuple[str, ...] = ()  # sha256 of each certificate, in served order
    not_after: datetime | None = None  # the first one's; None when there is none that can be parsed
    protocol: str | None = None
    failure: str | None = None  # its kind
    connections: int = 1


def differ(backends: Sequence[Backend]) -> bool:
    """Whether clients meet something else depending on which server they come to."""
    return len({_shown(backend) for backend in backends}) > 1


def described(backends: Sequence[Backend]) -> list[str]:
    """`192.0.2.7 (3 connections) serves the leaf ...`: those alike together, in the order of the first of each."""
    alike: dict[object, list[Backend]] = {}
    for backend in backends:
        alike.setdefault(_shown(backend), []).append(backend)
    groups = [group[0] for group in alike.values()]
    return [f"{_where(group)} {_what(group[0], groups)}" for group in alike.values()]


def _shown(backend: Backend) -> object:
    return backend.chain, backend.protocol, backend.failure


def _where(group: Sequence[Backend]) -> str:
    counts: dict[str, int] = {}
    for backend in group:
        counts[backend.address or "no address"] = counts.get(backend.address or "no address", 0) + backend.connections
    return ", ".join(f"{address} ({count} connections)" if count > 1 else address for address, count in counts.items())


def _what(backend: Backend, others: Sequence[Backend]) -> str:
    """What makes it another than the others: the leaf, and what is behind it or the protocol where that alone differs."""
    if not backend.chain:
        return f"serves nothing ({backend.failure})"
    leaf, *rest = (f"{sha256[:16]}..." for sha256 in backend.chain)
    until = f" (until {backend.not_after:%Y-%m-%d %H:%M} UTC)" if backend.not_after else ""
    said = f"serves the leaf {leaf}{until}"
    if any(other.chain != backend.chain and other.chain[:1] == backend.chain[:1] for other in others):
        said += f" and then {', '.join(rest) or 'nothing'}"
    if any(other.protocol != backend.protocol for other in others if other.chain):
        said += f" with {backend.protocol}"
    return said + (f" ({backend.failure})" if backend.failure else "")
