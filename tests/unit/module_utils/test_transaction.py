# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's half of a deploy on a real file system. Plain unittest: these also run under Python 3.6."""

import os
import resource
import stat
import subprocess
import sys
import unittest
import unittest.mock

from ansible_collections.fullchain.tls.plugins.module_utils.generation import Directories, Entry, GenerationError
from ansible_collections.fullchain.tls.plugins.module_utils.server import Server

from tests.unit.module_utils.hosts import Host, entries

OLD = {"sites/a.conf": "old a", "sites/b.conf": "b", "certs/a/a.key": "old key"}
NEW = {"sites/a.conf": "new a", "certs/a/a.key": "new key", "http.conf": "http"}


class OnAHost(unittest.TestCase):
    def setUp(self):
        self.host = Host()
        self.addCleanup(self.host.remove)

    def states(self, contents, **options):
        return {item["path"]: item["state"] for item in self.host.inspect(contents, **options)["files"]}


class Inspect(OnAHost):
    def test_nothing_there_yet(self):
        found = self.host.inspect(NEW)
        self.assertEqual((found["current"], found["confirmed"], found["pending"]), (None, None, False))
        self.assertEqual({item["state"] for item in found["files"]}, {"new"})
        self.assertFalse(os.path.exists(self.host.root))

    def test_states(self):
        self.host.deploy(OLD)
        wanted = dict(NEW, **{"sites/b.conf": "b"})
        self.assertEqual(
            self.states(wanted),
            {"sites/a.conf": "changed", "sites/b.conf": "same", "certs/a/a.key": "changed", "http.conf": "new"},
        )
        self.assertEqual(self.states({})["sites/b.conf"], "removed")

    def test_bytes_mode_and_strangers_on_the_disk_decide(self):
        self.host.deploy(OLD)
        current = os.path.join(self.host.root, "current")
        os.chmod(os.path.join(current, "certs/a/a.key"), 0o644)
        with open(os.path.join(current, "sites/b.conf"), "a") as stream:
            stream.write("by hand")
        with open(os.path.join(current, "sites/stranger.conf"), "w") as stream:
            stream.write("who am I")
        self.assertEqual(
            self.states(OLD),
            {
                "sites/a.conf": "same",
                "sites/b.conf": "changed",
                "certs/a/a.key": "changed",
                "sites/stranger.conf": "removed",
            },
        )
        self.host.deploy(OLD, run="run-2")
        self.assertEqual(self.host.current_files(), OLD)

    def test_symlink_in_place_of_a_file_is_a_difference(self):
        self.host.deploy(OLD)
        path = os.path.join(self.host.root, "current/sites/b.conf")
        os.rename(path, path + "2")
        os.symlink("b.conf2", path)
        self.assertEqual(self.states(OLD)["sites/b.conf"], "changed")

    def test_directory_with_another_mode_is_a_difference(self):
        self.host.deploy(OLD)
        os.chmod(os.path.join(self.host.root, "current/certs"), 0o755)
        self.assertEqual(self.host.deploy(OLD, run="run-2"), "confirmed")
        self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.host.root, "current/certs")).st_mode), 0o700)

    def test_texts_are_told_for_a_diff_and_never_of_a_secret(self):
        self.host.deploy(OLD)
        told = {item["path"]: item.get("before") for item in self.host.inspect({}, texts=True)["files"]}
        self.assertEqual(told, {"sites/a.conf": "old a", "sites/b.conf": "b", "certs/a/a.key": None})
        self.assertNotIn("old a", str(self.host.inspect({})))

    def test_what_was_secret_stays_so_when_a_plain_file_takes_its_place(self):
        self.host.deploy(OLD)
        plain = [Entry("certs/a/a.key", "0" * 64, 0o644)]
        from ansible_collections.fullchain.tls.plugins.module_utils import transaction

        described = transaction.describe(self.host.store, {entry.path: entry for entry in plain}, True)
        key = next(item for item in described if item["path"] == "certs/a/a.key")
        self.assertTrue(key["secret"])
        self.assertNotIn("before", key)

    def test_stranger_is_not_shown(self):
        """A file that no manifest knows might be anything, also somebody's key."""
        self.host.deploy(OLD)
        with open(os.path.join(self.host.root, "current/forgotten.txt"), "w") as stream:
            stream.write("private")
        self.assertNotIn("private", str(self.host.inspect(OLD, texts=True)))


class Apply(OnAHost):
    def test_modes(self):
        os.umask(0)
        self.addCleanup(os.umask, 0o022)
        self.host.deploy(OLD)
        modes = {}
        for where, folders, names in os.walk(self.host.root):
            for name in folders + names:
                path = os.path.join(where, name)
                if not os.path.islink(path):
                    modes[os.path.relpath(path, self.host.root)] = stat.S_IMODE(os.stat(path).st_mode)
        generation = "generations/000001/"
        self.assertEqual(modes.pop(generation + "sites/a.conf"), 0o644)
        self.assertEqual(modes.pop(generation + "sites/b.conf"), 0o644)
        directories = {path for path in modes if os.path.isdir(os.path.join(self.host.root, path))}
        self.assertEqual({modes[path] for path in directories}, {0o700})
        self.assertEqual({modes[path] for path in set(modes) - directories}, {0o600})

    def test_previous_generation_stays_and_older_ones_go(self):
        for number in range(5):
            self.host.deploy({"a": str(number)}, run=str(number))
        self.assertEqual(self.host.store.numbers(), [4, 5])

    def test_a_server_that_goes_on_with_what_it_refused_is_told_of_at_each_step(self):
        self.host.restart = ["true"]
        with unittest.mock.patch.object(Server, "leftovers", return_value=[443]):
            found = self.host.inspect(OLD)
            self.assertEqual(found["leftovers"], [443])
            self.assertIn("port 443, which no reload ends", self.host.apply(OLD, found)["restarted"])
            self.assertIn("port 443, which no reload ends", self.host.take_back()["restarted"])
        found = self.host.inspect(OLD)
        self.assertEqual((found["leftovers"], self.host.apply(OLD, found)["restarted"]), ([], ""))

    def test_what_inspect_saw_has_to_be_what_apply_finds(self):
        found = self.host.inspect(NEW)
        self.host.deploy(OLD, run="other")
        with self.assertRaisesRegex(GenerationError, "another deploy switched .* from generation None to 1"):
            self.host.apply(NEW, found)
        self.assertEqual(self.host.current_files(), OLD)

    def test_content_that_is_not_the_announced_one_is_refused(self):
        self.host.store.prepare(Directories())
        wanted = {entry.path: entry for entry in entries({"a": "one"})}
        with self.assertRaisesRegex(GenerationError, "a: its content is not the one announced"):
            self.host.store.stage(wanted, {"a": b"two"}, Directories(), "run")
        self.assertEqual(os.listdir(self.host.store.generations), [])

    def test_unknown_owner_is_named_and_nothing_is_left(self):
        entry = Entry("a", entries({"a": "x"})[0].sha256, 0o644, owner="no-such-user")
        with self.host.store.locked(create=True):
            self.host.store.prepare(Directories())
            with self.assertRaisesRegex(GenerationError, "owner 'no-such-user': there is no such user on this host"):
                self.host.store.stage({"a": entry}, {"a": b"x"}, Directories(), "run")
        self.assertEqual(os.listdir(self.host.store.generations), [])

    def test_full_disk_changes_nothing(self):
        """A file that may not grow past 10 kB stands for the disk: the same system call fails half way."""
        self.host.deploy(OLD)
        before = self.host.current_files()
        found = self.host.inspect(NEW)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        big = dict(NEW, big="x" * 100000)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10000, limits[1]))
        try:
            with self.assertRaises(OSError) as caught:
                self.host.apply(big, self.host.inspect(big))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        self.assertTrue(caught.exception.filename.endswith("/big"))
        self.assertEqual(self.host.current_files(), before)
        self.assertEqual(os.listdir(self.host.store.generations), ["000001"])
        self.assertFalse(self.host.inspect(OLD)["pending"])
        self.assertEqual(found["current"], 1)

    def test_current_that_is_no_symlink_is_left_alone(self):
        os.makedirs(os.path.join(self.host.root, "current"))
        with self.assertRaisesRegex(GenerationError, "current is not a symlink; it was not made by this collection"):
            self.host.inspect(NEW)

    def test_failing_first_deploy_leaves_no_current(self):
        self.assertEqual(self.host.deploy({"a": "BROKEN"}), "refused")
        self.assertFalse(os.path.lexists(os.path.join(self.host.root, "current")))
        self.assertEqual(self.host.store.numbers(), [])

    def test_test_command_that_cannot_be_started_is_taken_back(self):
        self.host.deploy(OLD)
        from ansible_collections.fullchain.tls.plugins.module_utils import transaction
        from ansible_collections.fullchain.tls.plugins.module_utils.server import Server

        found = self.host.inspect(NEW)
        contents = {path: text.encode() for path, text in NEW.items()}
        answer = transaction.apply(
            self.host.store,
            Server(test=["/no/such/command"]),
            entries(NEW),
            False,
            Directories(),
            contents,
            found["current"],
            "r",
        )
        self.assertFalse(answer["ok"])
        self.assertIn("/no/such/command", answer["trouble"]["reason"])
        self.assertEqual(self.host.current_files(), OLD)


class TwoRuns(OnAHost):
    def test_who_switched_last_confirms(self):
        found = self.host.inspect(OLD)
        self.host.apply(OLD, found, run="first")
        self.host.apply(NEW, self.host.inspect(NEW), run="second")
        for operation in (lambda: self.host.confirm(found, run="first"), lambda: self.host.take_back(run="first")):
            with self.assertRaisesRegex(GenerationError, "another deploy took over .* generation 2 is current"):
                operation()
        self.host.confirm(found, run="second")
        self.assertEqual(self.host.store.confirmed(), 2)

    def test_lock_is_held_and_told(self):
        os.mkdir(self.host.root)
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLD, os.path.join(self.host.root, ".lock")], stdout=subprocess.PIPE
        )
        try:
            holder.stdout.readline()
            with self.assertRaisesRegex(GenerationError, "is being worked on by another deploy"):
                self.host.store.locked(create=True, wait=0.2).__enter__()
        finally:
            holder.kill()  # and with it goes the lock: the kernel's doing
            holder.communicate()
        with self.host.store.locked(create=True, wait=0.2):
            pass

    def test_commands_do_not_inherit_the_lock(self):
        with self.host.store.locked(create=True):
            daemon = subprocess.Popen(["sleep", "60"])
        try:
            with self.host.store.locked(create=True, wait=0.2):
                pass
        finally:
            daemon.kill()
            daemon.wait()


HOLD = """
import fcntl, sys, time
handle = open(sys.argv[1], "w")
fcntl.flock(handle, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


class Partial(OnAHost):
    def test_the_rest_stays(self):
        self.host.deploy(OLD)
        self.assertEqual(self.host.deploy({"http.conf": "http"}, partial=True, run="2"), "confirmed")
        self.assertEqual(self.host.current_files(), dict(OLD, **{"http.conf": "http"}))
        self.assertEqual(self.host.deploy({"http.conf": "http"}, partial=True, run="3"), "unchanged")

    def test_after_a_bad_switch_the_rest_is_the_confirmed_one(self):
        self.host.deploy(OLD)
        self.host.apply(NEW, self.host.inspect(NEW), run="dies here")
        self.host.deploy({"http.conf": "http"}, partial=True, run="2")
        self.assertEqual(self.host.current_files(), dict(OLD, **{"http.conf": "http"}))


class Lineages(OnAHost):
    def setUp(self):
        super().setUp()
        self.live = os.path.join(self.host.base, "fullchain.pem")
        self.key = os.path.join(self.host.base, "privkey.pem")
        with open(self.live, "w") as stream:
            stream.write("certificates")
        subprocess.check_call(
            [
                "openssl",
                "genpkey",
                "-quiet",
                "-algorithm",
                "EC",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-out",
                self.key,
            ],
            stderr=subprocess.DEVNULL,
        )
        self.host.lineages = [{"name": "a", "fullchain": self.live, "privkey": self.key}]

    def answer(self):
        return self.host.inspect(OLD)["lineages"][0]

    def test_public_half_only(self):
        answer = self.answer()
        self.assertEqual(answer["fullchain"], "certificates")
        self.assertIn("BEGIN PUBLIC KEY", answer["public_key"])
        with open(self.key) as stream:
            self.assertNotIn(stream.read().splitlines()[1], str(answer))

    def test_renewed_until_confirmed(self):
        self.host.deploy(OLD)
        self.assertFalse(self.answer()["renewed"])
        with open(self.live, "a") as stream:
            stream.write(" renewed")
        self.assertTrue(self.answer()["renewed"])
        self.host.deploy(OLD, good_on_the_wire=False, run="2")
        self.assertTrue(self.answer()["renewed"])
        self.assertEqual(self.host.deploy(OLD, run="3"), "confirmed")
        self.assertFalse(self.answer()["renewed"])
        self.assertEqual(self.host.store.numbers(), [1])

    def test_partial_run_keeps_what_is_known_of_others(self):
        self.host.deploy(OLD)
        lineages, self.host.lineages = self.host.lineages, []
        self.host.deploy({"http.conf": "x"}, partial=True, run="2")
        self.host.lineages = lineages
        self.assertFalse(self.answer()["renewed"])

    def test_leaf_and_rest_in_two_files_are_one_chain(self):
        chain = os.path.join(self.host.base, "chain.pem")
        self.host.lineages[0]["chain"] = chain
        self.assertEqual(self.answer()["missing"], chain)
        with open(chain, "w") as stream:
            stream.write("-----BEGIN")
        self.assertEqual(self.answer()["fullchain"], "certificates-----BEGIN")
        with open(chain, "w") as stream:
            stream.write("\n")
        self.assertRegex(self.answer()["error"], "chain.pem holds no certificate, and a server .* refuses it empty$")

    def test_missing_and_unusable(self):
        with open(self.key, "w") as stream:
            stream.write("nonsense")
        self.assertRegex(self.answer()["error"], "privkey.pem is no private key that openssl can read: ")
        os.unlink(self.key)
        self.assertEqual(self.answer()["missing"], self.key)


if __name__ == "__main__":
    unittest.main()
