# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users and groups of a host: whether they exist, and whether a user can really read a file.

The kernel is asked, by a process that runs as that user: modes of all directories on the way, groups and access
control lists count as they do for the service. It has the groups that a process started now would have; a
daemon keeps those that it was started with.
"""

import grp
import json
import os
import pwd
import stat
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence

from ansible_collections.fullchain.tls.plugins.module_utils.generation import (
    Directories,
    Entry,
    GenerationError,
    group_id,
    user_id,
)


def unknown_accounts(entries: Iterable[Entry], directories: Directories) -> List[str]:
    """A sentence for each user or group that is asked for and that this host does not have; [] when it has all."""
    found: List[str] = []
    asked: List[Any] = [("directories", directories.owner, directories.group, ())]
    asked += [(entry.path, entry.owner, entry.group, entry.readers) for entry in entries]
    for where, owner, group, readers in asked:
        lookups = [(user_id, owner), (group_id, group)] + [(_account, reader) for reader in readers]
        found += ["%s: %s" % (where, missing) for missing in (_missing(*lookup) for lookup in lookups) if missing]
    return sorted(set(found))


def _missing(look_up: Callable[[Any], Any], name: Optional[str]) -> Optional[str]:
    try:
        look_up(name)
        return None
    except GenerationError as error:
        return str(error)


def _account(reader: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(reader)
    except KeyError:
        raise GenerationError("readable_by %r: there is no such user on this host" % reader) from None


def refusals(directory: str, entries: Iterable[Entry]) -> List[str]:
    """A sentence for each reader who cannot open one of their files below the directory; [] when all can."""
    files: Dict[str, List[str]] = {}
    for entry in entries:
        for reader in entry.readers:
            files.setdefault(reader, []).append(entry.path)
    return [sentence for reader in sorted(files) for sentence in _refusal(directory, reader, sorted(files[reader]))]


def _refusal(directory: str, reader: str, paths: Sequence[str]) -> List[str]:
    missing = _missing(_account, reader)
    if missing:
        return ["%s: %s" % (paths[0], missing)]
    account = _account(reader)
    if os.geteuid() not in (0, account.pw_uid):
        return ["whether user %r can read %s is for root alone to find out: is become missing?" % (reader, paths[0])]
    blocked = ask_as(account, lambda: first_blocked(directory, paths))
    if blocked is None:
        return []
    path, obstacle = blocked
    where = path if obstacle == os.path.join(directory, path) else "%s, since it cannot enter %s" % (path, obstacle)
    return ["user %r cannot read %s (%s); %s" % (reader, where, described(obstacle), membership(account, obstacle))]


def first_blocked(directory: str, paths: Sequence[str]) -> Optional[List[str]]:
    """[path, obstacle] of the first path that this process cannot open: a directory on the way, or the file."""
    for path in paths:
        whole = os.path.join(directory, path)
        try:
            with open(whole, "rb"):
                pass
        except OSError:
            steps = whole.split("/")
            folders = ["/".join(steps[:length]) or "/" for length in range(1, len(steps))]
            return [path, next((folder for folder in folders if not os.access(folder, os.X_OK)), whole)]
    return None


def ask_as(account: pwd.struct_passwd, question: Callable[[], Any]) -> Any:
    """What question() answers in a process that runs as the account, with all of its groups."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() != account.pw_uid:
                os.setgroups(os.getgrouplist(account.pw_name, account.pw_gid))
                os.setgid(account.pw_gid)
                os.setuid(account.pw_uid)
            os.write(writing, json.dumps(question()).encode("utf-8"))
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        answer = stream.read()
    os.waitpid(child, 0)
    return json.loads(answer.decode("utf-8"))


def described(path: str) -> str:
    """Owner, group and mode, as in `root:ssl-cert 0640`."""
    found = os.stat(path)
    try:
        owner = pwd.getpwuid(found.st_uid).pw_name
    except KeyError:
        owner = str(found.st_uid)
    return "%s:%s %04o" % (owner, _group_name(found.st_gid), stat.S_IMODE(found.st_mode))


def membership(account: pwd.struct_passwd, path: str) -> str:
    """How the user stands to the group of a path, in words."""
    gids = os.getgrouplist(account.pw_name, account.pw_gid)
    group = os.stat(path).st_gid
    groups = ", ".join(_group_name(gid) for gid in gids)
    return "it is %s of the group %s (its groups: %s)" % (
        "a member" if group in gids else "no member",
        _group_name(group),
        groups,
    )


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
