# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on the controller, which are looked for beside the role and the playbook."""

from __future__ import annotations

import errno
from collections.abc import Callable


def find_file(find_needle: Callable[[str, str], str], folder: str, path: str) -> str:
    """Where `path` is, for `find_needle` of an action and a folder such as files or templates.

    Raises FileNotFoundError whose strerror names the places: Ansible's own words name each twice, and a parameter of another module.
    """
    try:
        return str(find_needle(folder, path))
    except Exception as error:  # of a kind that depends on the version of Ansible
        places = [place for place in dict.fromkeys(getattr(error, "paths", None) or ()) if place != path]
        looked = f"; looked for {' and '.join(places)}" if places else ""
        raise FileNotFoundError(errno.ENOENT, f"no such file{looked}", path) from error
