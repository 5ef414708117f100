# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the filters share: Ansible's values in, plain data out, unreadable input as Ansible's own error."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError


def plain(value: Any) -> Any:
    """Return `value` with containers as dict and list, and vaulted values (an object of their own before core 2.19) as text."""
    if getattr(value, "__ENCRYPTED__", False):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [plain(item) for item in value]
    return value


def filtered(function: Callable[..., Any], value: Any, *args: Any, **kwargs: Any) -> Any:
    """Call `function` on plain data; an InputError becomes the task's error, with the same message."""
    try:
        return function(plain(value), *args, **kwargs)
    except InputError as error:
        raise AnsibleFilterError(str(error)) from error
