# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host in a temporary directory: a store, and a server made of three shell commands.

The server "loads" by copying what `current` holds; its test refuses a generation in which a file says BROKEN.
Everything here runs with Python 3.6 and the standard library, as the code under test does.
"""

import hashlib
import os
import shutil
import stat
import subprocess
import tempfile

from ansible_collections.fullchain.tls.plugins.module_utils import transaction
from ansible_collections.fullchain.tls.plugins.module_utils.generation import Directories, Entry, Store
from ansible_collections.fullchain.tls.plugins.module_utils.server import Server

LOAD = 'rm -rf "$0/loaded"; cp -r "$0/root/current/." "$0/loaded" 2>/dev/null || mkdir "$0/loaded"'
TEST = 'if grep -rq BROKEN "$0/root/current/"; then echo "BROKEN on line 1"; exit 1; fi 2>/dev/null'

MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""Where syncing costs nothing: these tests sync some ten thousand times."""


class Host:
    """One host; remove() it when done."""

    def __init__(self, reload=LOAD):
        self.base = tempfile.mkdtemp(prefix="fullchain-test-", dir=MEMORY)
        self.root = os.path.join(self.base, "root")
        self.reload = reload
        self.restart = []
        self.lineages = []

    def copy(self):
        """Another host in the same state."""
        other = Host(self.reload)
        shutil.rmtree(other.base)
        shutil.copytree(self.base, other.base, symlinks=True)
        return other

    def remove(self):
        shutil.rmtree(self.base)

    @property
    def store(self):
        return Store(self.root)

    @property
    def server(self):
        return Server(
            test=["sh", "-c", TEST, self.base], reload=["sh", "-c", self.reload, self.base], restart=self.restart
        )

    # --- what the controller does

    def inspect(self, contents, partial=False, texts=False):
        with self.store.locked(create=False):
            self.store.clean()
            return transaction.inspect(
                self.store, self.server, entries(contents), partial, Directories(), self.lineages, texts
            )

    def apply(self, contents, found, partial=False, run="run-1"):
        different = {item["path"] for item in found["files"] if item["state"] in ("new", "changed")}
        sent = {path: text.encode() for path, text in contents.items() if path in different}
        with self.store.locked(create=True):
            return transaction.apply(
                self.store, self.server, entries(contents), partial, Directories(), sent, found["current"], run
            )

    def confirm(self, found, partial=False, run="run-1"):
        seen = {item["path"]: item["sha256"] for item in found["lineages"]}
        with self.store.locked(create=True):
            return transaction.confirm(self.store, run, seen, partial)

    def take_back(self, run="run-1"):
        with self.store.locked(create=True):
            return transaction.take_back(self.store, self.server, run)

    def deploy(self, contents, good_on_the_wire=True, partial=False, run="run-1"):
        """A whole run; returns unchanged, confirmed, refused (by the test or the reload) or taken back."""
        found = self.inspect(contents, partial)
        states = {item["state"] for item in found["files"]}
        renewed = any(item["renewed"] for item in found["lineages"])
        if states <= {"same"} and not found["pending"] and not found["directories"] and not renewed:
            return "unchanged"
        if not self.apply(contents, found, partial, run)["ok"]:
            return "refused"
        if not good_on_the_wire:
            self.take_back(run)
            return "taken back"
        self.confirm(found, partial, run)
        return "confirmed"

    # --- what one sees on it

    def current_files(self):
        return tree(os.path.join(self.root, "current"))

    def loaded_files(self):
        return tree(os.path.join(self.base, "loaded"))


def entries(contents):
    """Entries of the generation whose contents these are. A path that ends in .key is secret."""
    return [
        Entry(
            path,
            hashlib.sha256(text.encode()).hexdigest(),
            0o600 if path.endswith(".key") else 0o644,
            secret=path.endswith(".key"),
        )
        for path, text in contents.items()
    ]


def tree(directory):
    """{relative path: text} of the files below a directory, the manifest left out; {} when it isn't there."""
    found = {}
    for where, _folders, names in os.walk(os.path.join(directory, "")):
        for name in names:
            path = os.path.relpath(os.path.join(where, name), directory)
            if path != ".manifest.json":
                with open(os.path.join(where, name)) as stream:
                    found[path] = stream.read()
    return found


def readable_for_others(directory):
    """The .key files below a directory that group or others may read, wherever they are."""
    found = []
    for where, _folders, names in os.walk(directory):
        for name in names:
            path = os.path.join(where, name)
            if name.endswith(".key") and stat.S_IMODE(os.lstat(path).st_mode) & 0o077:
                found.append(path)
    return found


STEPS = (
    *("open", "close", "write", "fsync", "mkdir", "rmdir", "rename", "symlink", "unlink"),
    *("chmod", "fchmod", "chown", "fchown", "ftruncate", "pwrite"),
)


def run_and_kill(action, step):
    """Run action in a child process that SIGKILLs itself before its step-th call to the system; True if it got there.

    Steps are the calls of the os module that change something, and the start of a command.
    """
    pid = os.fork()
    if pid == 0:
        try:
            _count_down(step)
            action()
        except BaseException:  # a child that fails by itself must not come back into the test runner
            os._exit(3)
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) != 0:
        raise AssertionError(f"the run failed by itself at step {step}")
    return os.WIFSIGNALED(status)


def _count_down(step):
    left = [step]

    def counted(function):
        def call(*args, **kwargs):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), 9)
            return function(*args, **kwargs)

        return call

    for name in STEPS:
        setattr(os, name, counted(getattr(os, name)))
    subprocess.Popen = counted(subprocess.Popen)
