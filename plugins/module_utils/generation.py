# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generations: the directories that hold everything the collection owns on a host for one server.

::

    <root>/generations/000006/            a generation; .manifest.json inside says what belongs to it
    <root>/generations/.staging-<token>/  one being written
    <root>/current   -> generations/000007    what the server's configuration includes
    <root>/confirmed -> generations/000006    the last one seen to be good on the wire
    <root>/.unsettled                     there from before a switch until it is confirmed or taken back
    <root>/.confirmed.json                what the lineages held at the last confirmation

A run can die between any two steps. Whoever comes next trusts the generation `confirmed` names, and
finds out from `.unsettled` (or from the two links differing) that the server may have loaded something else.
"""

import contextlib
import grp
import hashlib
import json
import os
import pwd
import re
import stat
import time
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence

from ansible_collections.fullchain.tls.plugins.module_utils import durable

MANIFEST = ".manifest.json"
STAGING = ".staging-"


class GenerationError(Exception):
    """Something on the host is in the way; the message says what and where, and is meant for people."""


class Entry(NamedTuple):
    """One file of a generation. owner and group are names or numbers, None: as created.

    readers: names of the users that have to be able to open it.
    """

    path: str
    sha256: str
    mode: int
    owner: Optional[str] = None
    group: Optional[str] = None
    secret: bool = False
    readers: Sequence[str] = ()


class Directories(NamedTuple):
    """Mode and owner of the root and of every directory below it."""

    mode: int = 0o700
    owner: Optional[str] = None
    group: Optional[str] = None


def digest(data: bytes) -> str:
    """The lower-case hex SHA-256 of data."""
    return hashlib.sha256(data).hexdigest()


def user_id(owner: Optional[str]) -> int:
    """The number of a user name or number; -1 (leave as it is) for None. Raises GenerationError."""
    try:
        return -1 if owner is None else int(owner) if owner.isdigit() else pwd.getpwnam(owner).pw_uid
    except KeyError:
        raise GenerationError("owner %r: there is no such user on this host" % owner) from None


def group_id(group: Optional[str]) -> int:
    """The number of a group name or number; -1 (leave as it is) for None. Raises GenerationError."""
    try:
        return -1 if group is None else int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
    except KeyError:
        raise GenerationError("group %r: there is no such group on this host" % group) from None


def read_file(path: str) -> Optional[bytes]:
    """The bytes of a regular file, None when there is none (a symlink is none)."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return None


class Store:
    """The state below one root. Reading creates nothing; every OSError is the caller's to explain."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.generations = os.path.join(root, "generations")
        self._lock_file = os.path.join(root, ".lock")
        self._marker = os.path.join(root, ".unsettled")
        self._record = os.path.join(root, ".confirmed.json")

    # --- reading

    def path(self, number: int) -> str:
        """The directory of a generation."""
        return os.path.join(self.generations, "%06d" % number)

    def current(self) -> Optional[int]:
        """The generation that the server's configuration includes; None when there is none."""
        return self._linked("current")

    def confirmed(self) -> Optional[int]:
        """The last generation that was seen to be good on the wire."""
        return self._linked("confirmed")

    def _linked(self, name: str) -> Optional[int]:
        link = os.path.join(self.root, name)
        try:
            target = os.readlink(link)
        except FileNotFoundError:
            return None
        except OSError:
            raise GenerationError("%s is not a symlink; it was not made by this collection" % link) from None
        found = re.match(r"generations/(\d{6,})\Z", target)
        if found is None:
            raise GenerationError("%s points to %s; expected generations/NNNNNN" % (link, target))
        number = int(found.group(1))
        return number if os.path.isdir(self.path(number)) else None

    def numbers(self) -> List[int]:
        """All generations on the disk, oldest first."""
        try:
            names = os.listdir(self.generations)
        except FileNotFoundError:
            return []
        return sorted(int(name) for name in names if re.match(r"\d{6,}\Z", name))

    def manifest(self, number: Optional[int]) -> Dict[str, Entry]:
        """What belongs to a generation, by path; {} for None or when its manifest is gone or unreadable."""
        if number is None:
            return {}
        try:
            listed = json.loads((read_file(os.path.join(self.path(number), MANIFEST)) or b"[]").decode("utf-8"))
            return {item["path"]: Entry(**item) for item in listed}
        except (ValueError, TypeError, KeyError):
            return {}

    def unsettled(self) -> Optional[Dict[str, Any]]:
        """Who switched and neither confirmed nor took back: {token, since} and the note. None when nobody did."""
        data = read_file(self._marker)
        if data is None:
            return None
        try:
            return dict(json.loads(data.decode("utf-8")))
        except (ValueError, TypeError):
            return {}

    def lineages(self) -> Dict[str, str]:
        """SHA-256 of each lineage's fullchain file at the last confirmation, by path."""
        try:
            return dict(json.loads((read_file(self._record) or b"{}").decode("utf-8"))["lineages"])
        except (ValueError, TypeError, KeyError):
            return {}

    # --- comparing

    def wanted(self, named: Iterable[Entry], partial: bool) -> Dict[str, Entry]:
        """What the next generation has to hold. With partial, what the confirmed one has besides stays."""
        entries = {entry.path: entry for entry in named}
        if partial:
            for path, entry in self.manifest(self.confirmed()).items():
                data = read_file(os.path.join(self.path(self.confirmed() or 0), path))
                if path not in entries and data is not None:
                    entries[path] = entry._replace(sha256=digest(data))
        return entries

    def compare(self, wanted: Dict[str, Entry]) -> Dict[str, str]:
        """For each path of wanted or of the current generation: same, changed, new or removed.

        Bytes, mode and owner on the disk decide, not the manifest, so that a file edited by hand is put right.
        """
        number = self.current()
        present = files_below(self.path(number)) if number is not None else []
        states = {path: "removed" for path in present if path not in wanted}
        for path, entry in wanted.items():
            if path not in present:
                states[path] = "new"
            else:
                states[path] = "same" if matches(os.path.join(self.path(number or 0), path), entry) else "changed"
        return states

    def crooked_directories(self, directories: Directories) -> List[str]:
        """The directories whose mode or owner is not the wanted one."""
        number = self.current()
        paths = [path for path in (self.root, self.generations) if os.path.isdir(path)]
        if number is not None:
            paths += [where for where, _folders, _names in os.walk(self.path(number))]
        return [path for path in paths if not has_metadata(path, *directories)]

    # --- changing

    @contextlib.contextmanager
    def locked(self, create: bool, wait: float = 10.0) -> Iterator[None]:
        """Keep other operations on this root out. Without create, a root that isn't there needs no lock."""
        if create and not os.path.isdir(self.root):
            os.makedirs(os.path.dirname(self.root), 0o755, exist_ok=True)
            durable.make_directory(self.root, 0o700)
        try:
            with durable.lock(self._lock_file, wait, create):
                yield
        except durable.Locked as holder:
            raise GenerationError(
                "%s is being worked on by another deploy (%s); waited %g s for it" % (self.root, holder, wait)
            ) from None

    def prepare(self, directories: Directories) -> None:
        """Create the root and what stands in it, or give both the wanted mode and owner."""
        uid, gid = user_id(directories.owner), group_id(directories.group)
        parent = os.path.dirname(self.root)
        os.makedirs(parent, 0o755, exist_ok=True)
        for path in (self.root, self.generations):
            durable.make_directory(path, directories.mode, uid, gid)
        durable.sync_directory(self.root)
        durable.sync_directory(parent)

    def stage(self, wanted: Dict[str, Entry], contents: Dict[str, bytes], directories: Directories, token: str) -> int:
        """Write the next generation whole and synced, without switching to it; return its number.

        contents has the files that differ from the current generation; the others are copied from it, or
        with a partial run from the confirmed one. On any error nothing stays behind.
        """
        staging = os.path.join(self.generations, STAGING + token)
        number = max(self.numbers() or [0]) + 1
        try:
            self._fill(staging, wanted, contents, directories)
            os.rename(staging, self.path(number))
        except BaseException:
            durable.remove(staging)
            raise
        durable.sync_directory(self.generations)
        return number

    def _fill(
        self, staging: str, wanted: Dict[str, Entry], contents: Dict[str, bytes], directories: Directories
    ) -> None:
        uid, gid = user_id(directories.owner), group_id(directories.group)
        folders = sorted({""} | {folder for path in wanted for folder in parents(path)})
        for folder in folders:
            os.mkdir(os.path.join(staging, folder), 0o700)
        for path, entry in sorted(wanted.items()):
            data = contents[path] if path in contents else self._unchanged(entry)
            if digest(data) != entry.sha256:
                raise GenerationError("%s: its content is not the one announced (SHA-256 %s)" % (path, entry.sha256))
            durable.write_new_file(
                os.path.join(staging, path), data, entry.mode, user_id(entry.owner), group_id(entry.group)
            )
        listed = json.dumps([wanted[path]._asdict() for path in sorted(wanted)], indent=1, sort_keys=True)
        durable.write_new_file(os.path.join(staging, MANIFEST), listed.encode("utf-8"), 0o600)
        for folder in reversed(folders):  # the deepest first, in case the wanted mode keeps its owner out
            durable.make_directory(os.path.join(staging, folder).rstrip("/"), directories.mode, uid, gid)
            durable.sync_directory(os.path.join(staging, folder))

    def _unchanged(self, entry: Entry) -> bytes:
        for number in (self.current(), self.confirmed()):
            if number is not None:
                data = read_file(os.path.join(self.path(number), entry.path))
                if data is not None and digest(data) == entry.sha256:
                    return data
        raise GenerationError(
            "%s changed while this run was at work: it was %s a moment ago. Run it again" % (entry.path, entry.sha256)
        )

    def begin(self, token: str, note: Dict[str, Any]) -> None:
        """Note that from here on the server may have loaded something that is not confirmed, with what taking back has to know.

        note: lineages, as they are kept, and log, where the server's error log ends. It holds private keys: only root may read it,
        and no answer has any of it.
        """
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        durable.replace_file(self._marker, json.dumps(dict(note, token=token, since=since)).encode("utf-8"))

    def switch(self, number: Optional[int]) -> None:
        """Make a generation current, by one rename(2); None: there is no current one any more."""
        link = os.path.join(self.root, "current")
        if number is None:
            durable.remove(link)
            durable.sync_directory(self.root)
        else:
            durable.replace_symlink(link, "generations/%06d" % number)

    def confirm(self, lineages: Dict[str, str]) -> None:
        """The current generation is good, and so are the lineages with these SHA-256 of their fullchain files."""
        number = self.current()
        record = json.dumps({"generation": number, "lineages": lineages}, indent=1, sort_keys=True)
        durable.replace_file(self._record, record.encode("utf-8"))
        if number is not None:
            durable.replace_symlink(os.path.join(self.root, "confirmed"), "generations/%06d" % number)
        self.settle()

    def settle(self) -> None:
        """Whatever was switched is confirmed or taken back, and the server has loaded it."""
        durable.remove(self._marker)
        durable.sync_directory(self.root)

    def prune(self, previous: Optional[int]) -> None:
        """Remove what was never finished, and every generation but the current one and the one before it.

        previous is the one that was confirmed before; where that is the current one, the newest other stays.
        """
        self.clean()
        needed = {self.current(), self.confirmed(), previous}
        others = [number for number in self.numbers() if number not in needed]
        if previous in (None, self.current()):
            others = others[:-1]
        for number in others:
            self.discard(number)

    def discard(self, number: int) -> None:
        """Remove a generation. It is renamed first, so that no half of it keeps the name of a whole one."""
        doomed = os.path.join(self.generations, STAGING + "%06d" % number)
        durable.remove(doomed)
        os.rename(self.path(number), doomed)
        durable.remove(doomed)

    def clean(self) -> None:
        """Remove the leftovers of runs that were killed. Only under the lock."""
        for where in (self.root, self.generations):
            for name in os.listdir(where) if os.path.isdir(where) else []:
                if name.startswith(STAGING) or (where == self.root and name.endswith(".new")):
                    durable.remove(os.path.join(where, name))


def parents(path: str) -> List[str]:
    """'a/b/c' -> ['a', 'a/b']"""
    parts = path.split("/")[:-1]
    return ["/".join(parts[: index + 1]) for index in range(len(parts))]


def files_below(directory: str) -> List[str]:
    """Relative paths of everything but directories below a generation, its manifest left out."""
    found = []
    for where, _folders, names in os.walk(directory):
        found += [os.path.relpath(os.path.join(where, name), directory) for name in names]
    return sorted(path for path in found if path != MANIFEST)


def matches(path: str, entry: Entry) -> bool:
    """Whether the file on the disk is what the entry says, in bytes, mode and owner."""
    data = read_file(path)
    return (
        data is not None and digest(data) == entry.sha256 and has_metadata(path, entry.mode, entry.owner, entry.group)
    )


def has_metadata(path: str, mode: int, owner: Optional[str], group: Optional[str]) -> bool:
    """Whether path has this mode and owner. A user or group that the host does not have (yet) is a difference."""
    found = os.stat(path)
    try:
        uid, gid = user_id(owner), group_id(group)
    except GenerationError:
        return False
    return stat.S_IMODE(found.st_mode) == mode and uid in (-1, found.st_uid) and gid in (-1, found.st_gid)
