# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the filters share: Ansible's values in, plain data out, unreadable input as Ansible's own error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ansible.errors import AnsibleFilterError
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.values import plain

Options = TypeVar("Options")


def filtered(function: Callable[..., Any], value: Any, *args: Any, **kwargs: Any) -> Any:
    """Call `function` on plain data; an InputError becomes the task's error, with the same message."""
    try:
        return function(plain(value), *args, **kwargs)
    except InputError as error:
        raise AnsibleFilterError(str(error)) from error


def options_of(kind: Callable[..., Options], given: Any) -> Options:
    """Return the parameters of a filter as a `kind` of options. What a role leaves empty is left to the defaults there."""
    return kind(**{key: option for key, option in plain(given).items() if option not in (None, "")})
