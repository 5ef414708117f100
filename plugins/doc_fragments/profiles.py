# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the filters that read a TLS profile have in common."""

from __future__ import annotations


class ModuleDocFragment:
    """C(fullchain.tls.profiles)."""

    DOCUMENTATION = r"""
options:
  _input:
    description:
      - A profile's name, V(modern) and V(intermediate) of Mozilla's guideline 6.0 or V(old) of its guideline 5.8.
      - Or a mapping that changes one of them, C(base) (V(intermediate) when left out), with C(protocols), C(groups), C(ciphers),
        C(ciphersuites), C(prefer_server_order) or C(hsts_max_age).
    type: raw
    required: true
"""
