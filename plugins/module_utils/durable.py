# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes to a file system that either happened or did not, also after a power cut.

Every function raises OSError when the file system refuses. None follows a symlink in the last component
of the path that it writes to, and none makes a file that is readable for others before it has its mode.
"""

import contextlib
import errno
import fcntl
import os
import shutil
import stat
import time
from typing import Iterator, Optional


def write_new_file(path: str, data: bytes, mode: int, uid: int = -1, gid: int = -1) -> None:
    """Create path with data and sync it; it must not exist. uid or gid -1: as created.

    The file is 0600 until all of it is written and its owner set, so nobody can open it early.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        if (uid, gid) != (-1, -1):
            os.fchown(handle, uid, gid)
        os.fchmod(handle, mode)
        os.fsync(handle)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None  # the calls on a handle don't tell whose it is
    finally:
        os.close(handle)


def make_directory(path: str, mode: int, uid: int = -1, gid: int = -1) -> None:
    """Create the directory, or give the one that is there this mode and owner. Its parent must exist."""
    try:
        os.mkdir(path, 0o700)
    except OSError as error:
        if error.errno != errno.EEXIST or not stat.S_ISDIR(os.lstat(path).st_mode):
            raise
    if (uid, gid) != (-1, -1):
        os.chown(path, uid, gid)
    if stat.S_IMODE(os.stat(path).st_mode) != mode:
        os.chmod(path, mode)


def sync_directory(path: str) -> None:
    """Make the names in a directory durable: a rename is not before its directory is synced."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace_file(path: str, data: bytes, mode: int = 0o600, uid: int = -1, gid: int = -1) -> None:
    """Put data at path in one step: readers see the old content or the new one."""
    fresh = path + ".new"
    remove(fresh)
    write_new_file(fresh, data, mode, uid, gid)
    os.rename(fresh, path)
    sync_directory(os.path.dirname(path))


def replace_symlink(path: str, target: str) -> None:
    """Point the symlink at path to target in one step: there is no moment without it."""
    fresh = path + ".new"
    remove(fresh)
    os.symlink(target, fresh)
    os.rename(fresh, path)
    sync_directory(os.path.dirname(path))


def remove(path: str) -> None:
    """Remove a file, a symlink or a whole tree; nothing there is fine."""
    try:
        if stat.S_ISDIR(os.lstat(path).st_mode):
            shutil.rmtree(path)
        else:
            os.unlink(path)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise


class Locked(Exception):
    """Somebody else holds the lock; the message is what they wrote into it."""


@contextlib.contextmanager
def lock(path: str, wait: float = 10.0, create: bool = True) -> Iterator[Optional[int]]:
    """Hold an exclusive lock on the file at path. Without create, a missing file needs no lock.

    The kernel drops the lock when its holder dies, so a killed run leaves none behind. Raises Locked
    after wait seconds. Commands started meanwhile do not inherit it (PEP 446).
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | (os.O_CREAT if create else 0), 0o600)
    except OSError as error:
        if create or error.errno != errno.ENOENT:
            raise
        yield None
        return
    try:
        _acquire(handle, wait)
        os.ftruncate(handle, 0)
        os.pwrite(handle, ("process %d" % os.getpid()).encode(), 0)
        yield handle
    finally:
        os.close(handle)


def _acquire(handle: int, wait: float) -> None:
    deadline = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
        if time.monotonic() >= deadline:
            raise Locked(os.pread(handle, 100, 0).decode("utf-8", "replace") or "another process")
        time.sleep(0.1)
