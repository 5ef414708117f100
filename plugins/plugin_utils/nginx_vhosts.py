# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers that an nginx has, and the sizes of its table of names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.webserver.vhosts import ANY, Socket, Vhost

ANY_SPELT_OUT = "0.0.0.0"  # noqa: S104, read here and not bound
BUCKET_SIZE = "server_names_hash_bucket_size"
MAX_SIZE = "server_names_hash_max_size"
# nginx's defaults; the bucket's is the processor's cache line.
DEFAULT_BUCKET_SIZE = 64
DEFAULT_MAX_SIZE = 512


def read_vhost(server: Mapping[str, Any]) -> Vhost:
    """Read one entry of `nginx_info`'s servers."""
    sockets = (_read_listen(arguments) for arguments in server["listen"] if arguments)
    return Vhost(
        file=server["file"],
        names=tuple(server["names"]),
        sockets=tuple(socket for socket in sockets if socket is not None),
        includes=tuple(server["includes"]),
        matches=_matches,
        certificates=tuple(server.get("certificates", ())),
        staples=bool(server.get("staples")),
    )


def hash_settings(names: Sequence[str], given: Mapping[str, str]) -> list[list[str]]:
    """Return the http-level directives without which nginx refuses `names`, or warns of them; often none.

    `given` are those that the host's own configuration sets: a second one is an error to nginx, so that a
    given one which is too small raises InputError.
    """
    longest = max(names, key=len, default="")
    # ngx_hash_init: a pointer, the name and two bytes aligned to a pointer, and a pointer that ends the bucket.
    wanted = {BUCKET_SIZE: _power_of_two(8 + -(-(len(longest) + 2) // 8) * 8 + 8, DEFAULT_BUCKET_SIZE)}
    settings = []
    if wanted[BUCKET_SIZE] > DEFAULT_BUCKET_SIZE:
        if BUCKET_SIZE not in given:
            settings.append([BUCKET_SIZE, str(wanted[BUCKET_SIZE])])
        elif _number(given[BUCKET_SIZE]) < wanted[BUCKET_SIZE]:
            raise InputError(
                f"{BUCKET_SIZE} is {given[BUCKET_SIZE]} in this host's nginx configuration; "
                f"{longest!r} needs {wanted[BUCKET_SIZE]}"
            )
    max_size = _power_of_two(len(names) * 8, DEFAULT_MAX_SIZE)
    if max_size > DEFAULT_MAX_SIZE and MAX_SIZE not in given:
        settings.append([MAX_SIZE, str(max_size)])
    return settings


def _number(text: str) -> int:
    found = re.fullmatch(r"(\d+)([kKmM]?)", text)
    if found is None:
        return 0
    return int(found.group(1)) * {"": 1, "k": 1024, "m": 1024 * 1024}[found.group(2).lower()]


def _power_of_two(at_least: int, start: int) -> int:
    while start < at_least:
        start *= 2
    return start


def _read_listen(arguments: Sequence[str]) -> Socket | None:
    """Read the arguments of listen: address, address:port or port, then parameters. None for a UNIX socket."""
    where, parameters = arguments[0], arguments[1:]
    if where.startswith("unix:"):
        return None
    if where.isdigit():
        address, port = ANY, int(where)
    else:
        found = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::(\d+))?", where)
        if found is None:
            return None
        address, port = found.group(1), int(found.group(2) or 80)
    return Socket(
        address=ANY if address in (ANY, ANY_SPELT_OUT) else address,
        port=port,
        tls="ssl" in parameters or port == 443,
        default=bool({"default_server", "default"} & set(parameters)),
    )


def _matches(pattern: str, name: str) -> bool:
    """Tell whether an argument of server_name matches: exact, wildcard or regular expression."""
    if pattern.startswith("~"):
        return _matches_expression(pattern[1:], name)
    if pattern.startswith("."):
        return name == pattern[1:] or name.endswith(pattern)
    if pattern.startswith("*.") or pattern.endswith(".*"):
        return fnmatchcase(name, pattern)
    return pattern in (name, f"[{name}]")


def _matches_expression(expression: str, name: str) -> bool:
    """PCRE by Python's means: alike in what server names use, but for the spelling of named groups."""
    try:
        return re.search(re.sub(r"\(\?<(?=[a-z_])", "(?P<", expression), name, re.IGNORECASE) is not None
    except re.error:
        return False
