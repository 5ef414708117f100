# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that a server should serve, written on the controller."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.pem import to_pem

_MODE = 0o644  # certificates are public
_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----", re.ASCII)


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
        """Put it there in one step, with the mode that it had. Raises InputError naming the path.

        Several hosts' tasks may do so at the same time: each writes a file of its own and moves that into place.
        """
        try:
            mode = stat.S_IMODE(self.path.stat().st_mode) if self.path.exists() else _MODE
            handle, fresh = tempfile.mkstemp(prefix=f".{self.path.name[:100]}.", dir=self.path.parent)
            try:
                with os.fdopen(handle, "w", encoding="ascii") as file:
                    file.write(self.after)
                    os.fchmod(file.fileno(), mode)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(fresh, self.path)
            except OSError:
                os.unlink(fresh)
                raise
        except OSError as error:
            raise InputError(f"complete_to: {str(self.path)!r} cannot be written: {error.strerror}") from None


def read_target(path: str) -> Path:
    """Where a bundle can be written: the path with its symlinks resolved. Raises InputError before anything is done."""
    try:
        target = Path(path).expanduser().resolve()
        if target.is_dir():
            raise InputError(f"complete_to: {path!r} is a directory (expected the path of a file)")
        if not target.parent.is_dir():
            raise InputError(f"complete_to: {path!r} cannot be written: there is no directory {str(target.parent)!r}")
    except (OSError, RuntimeError) as error:  # no permission, too long a name; a symlink that leads to itself
        raise InputError(f"complete_to: {path!r} cannot be written: {getattr(error, 'strerror', error)}") from None
    return target


def bundle_of(certificates: Iterable[Certificate], target: Path) -> Bundle:
    """The certificates as the content of that file. Raises InputError for one that can't be read, and for one that holds anything else."""
    try:
        data = target.read_bytes() if target.exists() else b""
    except OSError as error:
        raise InputError(f"complete_to: {str(target)!r} cannot be read: {error.strerror}") from None
    before = data.decode("latin-1")
    beside, blocks = _BLOCK.subn("", before)
    if data and (not blocks or "-----" in beside):
        # never shown: it may be a key
        raise InputError(
            f"complete_to: {str(target)!r} holds something other than PEM certificates, which would be lost "
            "(expected another file)"
        )
    return Bundle(target, before, "".join(map(to_pem, certificates)))
