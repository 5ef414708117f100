# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the filters that read C(tls_sites) have in common."""

from __future__ import annotations


class ModuleDocFragment:
    """Doc fragments C(fullchain.tls.sites) and, for certbot's directory, C(fullchain.tls.sites.lineages)."""

    DOCUMENTATION = r"""
options:
  _input:
    description: The sites, as in the variable C(tls_sites).
    type: list
    elements: dict
    required: true
"""

    LINEAGES = r"""
options:
  config_dir:
    description: Certbot's configuration directory on the host.
    type: str
    default: /etc/letsencrypt
"""
