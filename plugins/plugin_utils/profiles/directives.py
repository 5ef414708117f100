# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a TLS profile in a server's words, whichever server it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TlsDirectives:
    """`directives` are name and value, in the order to write them; `notes` say what the profile asks and is left out."""

    protocols: tuple[str, ...]
    directives: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
