# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module on the host says of a file system that refuses, and the action when it hears nothing."""

from __future__ import annotations

import errno

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible_collections.fullchain.tls.plugins.action.deploy import ActionModule, Stop
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


def test_connection_lost_while_the_host_switches():
    class Gone:
        def apply(self, _found):
            raise AnsibleConnectionFailure("No route to host")

    with pytest.raises(Stop) as stop:
        ActionModule._apply(None, Gone(), {})
    assert str(stop.value).splitlines() == [
        "No route to host",
        "The host was asked to switch and gave no answer: what it serves now is not known.",
        "The next run of this task finishes or undoes it, whatever the state.",
    ]
    assert stop.value.facts == {"changed": True, "unreachable": True}
