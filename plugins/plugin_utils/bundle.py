# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that a server should serve, written on the controller."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.fullchain.tls.plugins.module_utils.durable import replace_file
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.pem import to_pem

_MODE = 0o644  # certificates are public


@dataclass(frozen=True)
class Bundle:
    """A PEM file, as it is and as it should be."""

    path: Path
    before: str  # "" where there is none
    after: str

    @property
    def changed(self) -> bool:
        """Whether it has to be written."""
        return self.before != self.after

    def write(self) -> None:
        """Put it there in one step, with the mode that it had. Raises InputError naming the path."""
        try:
            mode = stat.S_IMODE(self.path.stat().st_mode) if self.path.exists() else _MODE
            replace_file(str(self.path), self.after.encode(), mode)
        except OSError as error:
            raise InputError(f"complete_to: {str(self.path)!r} cannot be written: {error.strerror}") from None


def read_target(path: str) -> Path:
    """Where a bundle can be written: the path with its symlinks resolved. Raises InputError before anything is done."""
    target = Path(path).expanduser().resolve()
    if target.is_dir():
        raise InputError(f"complete_to: {path!r} is a directory (expected the path of a file)")
    if not target.parent.is_dir():
        raise InputError(f"complete_to: {path!r} cannot be written: there is no directory {str(target.parent)!r}")
    return target


def bundle_of(certificates: Iterable[Certificate], target: Path) -> Bundle:
    """The certificates as the content of that file. Raises InputError when what is there can't be read."""
    try:
        before = target.read_text(encoding="latin-1") if target.exists() else ""
    except OSError as error:
        raise InputError(f"complete_to: {str(target)!r} cannot be read: {error.strerror}") from None
    if "PRIVATE KEY-----" in before:
        raise InputError(
            f"complete_to: {str(target)!r} holds a private key, which would be lost (expected another file)"
        )
    return Bundle(target, before, "".join(map(to_pem, certificates)))
