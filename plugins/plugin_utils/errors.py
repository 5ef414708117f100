# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception of the controller side."""

from __future__ import annotations


class InputError(ValueError):
    """Input that cannot be read. The message names the value and says what was expected.

    An unsound certificate chain is not an error of this kind: it is a list of findings.
    """
