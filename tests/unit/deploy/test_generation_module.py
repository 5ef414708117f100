# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module on the host says of a file system that refuses."""

from __future__ import annotations

import errno

import pytest
from ansible_collections.fullchain.tls.plugins.modules._generation import explain

ROOT = "/etc/nginx/fullchain"


@pytest.mark.parametrize(
    ("error", "user", "message"),
    [
        (
            OSError(errno.EACCES, "Permission denied", f"{ROOT}/.lock"),
            1000,
            f"{ROOT}/.lock: Permission denied for user 1000, who is not root: is become missing?",
        ),
        (OSError(errno.EACCES, "Permission denied", f"{ROOT}/.lock"), 0, f"{ROOT}/.lock: Permission denied"),
        (OSError(errno.ENOSPC, "No space left on device"), 1000, f"{ROOT}: No space left on device"),
    ],
)
def test_explained(error, user, message):
    assert explain(error, ROOT, user) == message
