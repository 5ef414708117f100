# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to verify, as a user says it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils import revocation
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge import CLIENTS, parse_expires_soon
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.fetch import DEFAULT_TIMEOUT, DEFAULT_WORKERS

FAIL_ON = ("error", "warning", "never")

# RFC 3339, 5.6: a date, a time and an offset; a space may stand for the T.
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.\d+)?(?:([Zz])|([+-]\d\d:\d\d))", re.ASCII)


@dataclass(frozen=True)
class Settings:
    """How to verify, the same for every endpoint of a run.

    trust: PEM paths, PEM text, keystores, `system` or `mozilla`; trust_password opens keystores. trust_stores: more of them, by
    name; each result says in which the chain is complete. aia: fetch the issuers that are missing, to name them; fetch_private:
    from private addresses, too. clients: who has to accept the chain. at: judge as of this time
    (aware), None for now. expires_soon: days or a share of the lifetime. fail_on: `error`, `warning` or `never`.
    timeout: seconds that an endpoint may take. workers: endpoints that are worked on at the same time. revocation: one of
    revocation.MODES.
    """

    trust: tuple[str, ...] = ("system",)
    trust_password: str | None = field(default=None, repr=False)
    trust_stores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    aia: bool = False
    fetch_private: bool = False
    clients: tuple[str, ...] = CLIENTS
    at: datetime | None = None
    expires_soon: str = "33%"
    fail_on: str = "error"
    timeout: float = DEFAULT_TIMEOUT
    workers: int = DEFAULT_WORKERS
    revocation: str = revocation.OFF


def read_settings(values: Mapping[str, Any]) -> Settings:
    """Settings from parameters as a user gives them; what is missing or None takes its default.

    Other keys are left alone. Raises InputError naming the value and what was expected.
    """
    given = {key: read(values[key], key) for key, read in _READERS.items() if values.get(key) is not None}
    return Settings(**given)


def parse_time(text: str, key: str = "at") -> datetime:
    """A moment as RFC 3339 writes it. Raises InputError; a time without its offset would be anyone's guess."""
    match = _RFC3339.fullmatch(text.strip())
    if match:
        date, time, _zulu, offset = match.groups()
        try:
            return datetime.fromisoformat(f"{date}T{time}{offset or '+00:00'}").astimezone(timezone.utc)
        except (ValueError, OverflowError):
            pass
    raise InputError(f"{key}: {text!r} is not a time; expected RFC 3339, for example 2026-12-31T23:59:59Z")


def _trust(value: Any, _key: str) -> tuple[str, ...]:
    return tuple(map(str, [value] if isinstance(value, str) else value))


def _trust_stores(value: Any, key: str) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, Mapping):
        raise InputError(
            f"{key}: {value!r} is no mapping (expected a name for each store, and its list of paths or words)"
        )
    return {str(name): _store_items(items, f"{key}, {name}") for name, items in value.items()}


def _store_items(value: Any, key: str) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, Sequence) or not items or not all(isinstance(item, str) for item in items):
        raise InputError(f"{key}: {value!r} is no list of paths or words (such as [mozilla, /etc/pki/corporate.pem])")
    return tuple(items)


def _clients(value: Any, key: str) -> tuple[str, ...]:
    given = [value] if isinstance(value, str) else list(value)
    unknown = [client for client in given if client not in CLIENTS]
    if unknown or not given:
        said = f"{unknown[0]!r} is not known" if unknown else "the list is empty"
        raise InputError(f"{key}: {said} (expected one or more of {', '.join(CLIENTS)})")
    return tuple(client for client in CLIENTS if client in given)


def _moment(value: Any, key: str) -> datetime:
    return value if isinstance(value, datetime) and value.tzinfo else parse_time(str(value), key)


def _threshold(value: Any, _key: str) -> str:
    parse_expires_soon(value)
    return str(value)


def _fail_on(value: Any, key: str) -> str:
    if value not in FAIL_ON:
        raise InputError(f"{key}: {value!r} is not known (expected one of {', '.join(FAIL_ON)})")
    return str(value)


def _revocation(value: Any, key: str) -> str:
    mode = revocation.OFF if value is False else value  # `off` is a boolean in YAML 1.1
    if mode not in revocation.MODES:
        raise InputError(f"{key}: {value!r} is not known (expected one of {', '.join(revocation.MODES)})")
    return str(mode)


def _seconds(value: Any, key: str) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = 0.0
    if not 0 < seconds <= 86400:
        raise InputError(f"{key}: {value!r} is not a time (expected seconds, more than 0, at most a day)")
    return seconds


def _count(value: Any, key: str) -> int:
    text = str(value)
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= 1024:
        raise InputError(f"{key}: {value!r} is not a count (expected a number from 1 to 1024)")
    return int(text)


_READERS: dict[str, Callable[[Any, str], Any]] = {
    "trust": _trust,
    "trust_password": lambda value, _key: str(value),
    "trust_stores": _trust_stores,
    "aia": lambda value, _key: bool(value),
    "fetch_private": lambda value, _key: bool(value),
    "clients": _clients,
    "at": _moment,
    "expires_soon": _threshold,
    "fail_on": _fail_on,
    "timeout": _seconds,
    "workers": _count,
    "revocation": _revocation,
}
