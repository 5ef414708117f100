# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as users write them: what they are, in YAML's words, and what may have been meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError

_KINDS = (
    (type(None), "nothing"),
    (str, "a string"),
    (bool, "a boolean"),  # before the numbers, of which it is one
    ((int, float), "a number"),
    (Mapping, "a mapping"),
    (Sequence, "a list"),
)


def kind(value: Any) -> str:
    """Return what a wrong value is; never its content, which may be a key."""
    return next((words for types, words in _KINDS if isinstance(value, types)), "another type")


def is_list(value: Any) -> bool:
    """Tell a list from a text, which is a sequence too."""
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def refuse_unknown_keys(given: Iterable[Any], known: Sequence[str], where: str) -> None:
    """Raise InputError, naming the nearest known key, when `given` has a key that is not in `known`."""
    for key in given:
        if key not in known:
            raise InputError(f"{where}: unknown key {str(key)!r}{hint(key, known)} (known: {', '.join(known)})")


def plain(value: Any) -> Any:
    """Return `value` with containers as dict and list, and vaulted values (an object of their own before core 2.19) as text."""
    if getattr(value, "__ENCRYPTED__", False):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [plain(item) for item in value]
    return value


def hint(value: Any, known: Sequence[str]) -> str:
    """Return a question that names what is nearest to `value`, or nothing."""
    near = difflib.get_close_matches(str(value), known, n=1)
    return f", did you mean {near[0]!r}?" if near else ""
