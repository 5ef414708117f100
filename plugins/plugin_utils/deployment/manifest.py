# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a generation, as the controller has made them and as the host is told of them."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.request import Metadata
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError

RESERVED = ".manifest.json"
KEY_NAME = "privkey.pem"

_FIELD = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class WantedFile:
    """One file that the generation has to hold. path is relative to it; label says which parameter wants it.

    readers: users of the host that have to be able to open it.
    """

    path: str
    content: bytes = field(repr=False)
    metadata: Metadata
    secret: bool
    label: str
    readers: tuple[str, ...] = ()

    @property
    def entry(self) -> dict[str, Any]:
        """What the host is told to compare with."""
        return {
            "path": self.path,
            "sha256": hashlib.sha256(self.content).hexdigest(),
            "mode": self.metadata.mode,
            "owner": self.metadata.owner,
            "group": self.metadata.group,
            "secret": self.secret,
            "readers": list(self.readers),
        }


def expand_dest(dest: str, item: Mapping[str, Any] | None, label: str) -> str:
    """`sites/{name}.conf` for one item. Raises InputError for an unknown field, or a value that holds a slash."""

    def value(found: re.Match[str]) -> str:
        if item is None or found[1] not in item:
            known = "no item: `each` is not given" if item is None else f"known: {', '.join(map(str, item))}"
            raise InputError(f"{label}: dest {dest!r}: nothing is called {found[1]!r} ({known})")
        text = str(item[found[1]])
        if "/" in text or text in (".", ".."):
            raise InputError(f"{label}: dest {dest!r}: {found[1]} {text!r} would lead to another directory")
        return text

    return check_path(_FIELD.sub(value, dest), label)


def check_path(path: str, label: str) -> str:
    """Return path when it names a file inside a generation. Raises InputError otherwise."""
    parts = path.split("/")
    if path.startswith("/"):
        raise InputError(f"{label}: dest {path!r} is absolute; expected a path relative to the generation")
    if any(part in ("", ".", "..") for part in parts) or parts[0] == RESERVED:
        raise InputError(f"{label}: dest {path!r} does not name a file inside the generation")
    if any(ord(character) < 32 or ord(character) == 127 for character in path):
        raise InputError(f"{label}: dest {path!r} holds a line break or another control character")
    return path


def refuse_collisions(files: Sequence[WantedFile]) -> None:
    """Raise InputError when two files have one path, or one's path is a directory of another's."""
    owners: dict[str, WantedFile] = {}
    for wanted in files:
        other = owners.setdefault(wanted.path, wanted)
        if other is not wanted:
            raise InputError(f"{wanted.label}: dest {wanted.path!r} is also that of {other.label}")
    for wanted in files:
        parts = wanted.path.split("/")
        for length in range(1, len(parts)):
            if (folder := "/".join(parts[:length])) in owners:
                raise InputError(
                    f"{wanted.label}: dest {wanted.path!r} lies below {folder!r}, a file of {owners[folder].label}"
                )


def pack(files: Iterable[WantedFile], paths: Iterable[str]) -> str:
    """The contents of the named files in one opaque text, as the module _generation reads it.

    Opaque, so that neither Ansible's log on the host nor a debug line of the controller shows a content.
    """
    wanted = set(paths)
    contents = {file.path: file.content.decode("latin-1") for file in files if file.path in wanted}
    return base64.b64encode(zlib.compress(json.dumps(contents).encode("utf-8"))).decode("ascii")
