# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller's Python has to have, and a message that says so when it has not."""

from __future__ import annotations

import sys
from importlib import metadata

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError

# cryptography 43 brought times with their zone to OCSP responses, as 42 had to certificates; pyOpenSSL 24.3 takes its
# certificates and keys, to present them.
REQUIRED = {"cryptography": (43, 0), "pyOpenSSL": (24, 3)}


def require_libraries() -> None:
    """Return when every library that plugin_utils imports is there and new enough.

    Raises InputError naming the package, the version found and the one wanted. Actions call it first:
    the imports themselves are guarded, since documentation tools import plugins without the libraries.
    """
    for package, wanted in REQUIRED.items():
        found = _installed(package)
        least = ".".join(map(str, wanted))
        if found is None:
            raise InputError(
                f"the Python package {package} is not installed for {sys.executable} on the controller ({least} or newer is needed)"
            )
        if _numbers(found) < wanted:
            raise InputError(f"the Python package {package} on the controller is {found}, {least} or newer is needed")


def _installed(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: `43.0.1rc1` -> (43, 0); a part that is no number counts as 0."""
    return tuple(int(part) if part.isdigit() else 0 for part in version.split(".")[:2])
