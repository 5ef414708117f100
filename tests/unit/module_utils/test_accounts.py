# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who exists on a host and who can read what, with real users and files. Plain unittest: these also run under Python 3.6."""

import grp
import os
import pwd
import unittest

from ansible_collections.fullchain.tls.plugins.module_utils import transaction
from ansible_collections.fullchain.tls.plugins.module_utils.accounts import refusals, unknown_accounts
from ansible_collections.fullchain.tls.plugins.module_utils.generation import Directories, Entry, GenerationError

from tests.unit.module_utils.hosts import Host, entries

KEY = "certs/a/a.key"
ME = pwd.getpwuid(os.geteuid())
# Debian's user for those who own nothing; its group is `nogroup`, and `daemon` is another's.
STRANGER, OWN_GROUP, OTHER_GROUP = "nobody", "nogroup", "daemon"


def entry(**more):
    return Entry(KEY, "0" * 64, 0o600, **more)


class UnknownAccounts(unittest.TestCase):
    def test_those_that_are_there_are_not_told(self):
        known = entry(owner=ME.pw_name, group=grp.getgrgid(ME.pw_gid).gr_name, readers=[ME.pw_name])
        self.assertEqual(unknown_accounts([known, entry(owner="4711", group="4711")], Directories()), [])

    def test_each_is_named_once_with_what_asks_for_it(self):
        unknown = entry(owner="no-user", group="no-group", readers=["no-reader"])
        self.assertEqual(
            unknown_accounts([unknown, unknown], Directories(group="no-group")),
            [
                "certs/a/a.key: group 'no-group': there is no such group on this host",
                "certs/a/a.key: owner 'no-user': there is no such user on this host",
                "certs/a/a.key: readable_by 'no-reader': there is no such user on this host",
                "directories: group 'no-group': there is no such group on this host",
            ],
        )


class OnAHost(unittest.TestCase):
    def setUp(self):
        self.host = Host()
        self.addCleanup(self.host.remove)
        os.chmod(self.host.base, 0o755)

    def apply(self, directories=0o711, run="run-1", **more):
        """Apply a key with this metadata, as the controller does; returns apply's answer."""
        wanted = [item._replace(**more) for item in entries({KEY: "a key"})]
        with self.host.store.locked(create=True):
            return transaction.apply(
                self.host.store,
                self.host.server,
                wanted,
                False,
                Directories(directories),
                {KEY: b"a key"},
                self.host.store.current(),
                run,
            )

    def refused(self, message, **more):
        """Nothing of the host differs after an apply that is refused in these words."""
        with self.assertRaisesRegex(GenerationError, message):
            self.apply(**more)
        self.assertEqual((self.host.store.current(), self.host.store.numbers()), (None, []))
        self.assertEqual(self.host.loaded_files(), {})


class AsOneself(OnAHost):
    def test_own_files_can_be_read(self):
        self.assertTrue(self.apply(readers=[ME.pw_name])["ok"])

    def test_reader_who_is_gone_can_read_nothing(self):
        found = refusals(self.host.base, [entry(readers=["no-such-user"])])
        self.assertEqual(found, ["certs/a/a.key: readable_by 'no-such-user': there is no such user on this host"])


@unittest.skipIf(os.geteuid() == 0, "root can find out")
class AsSomebodyElse(OnAHost):
    def test_who_is_not_root_is_told_so(self):
        self.refused("whether user 'root' can read certs/a/a.key is for root alone to find out", readers=["root"])


@unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
class AsRoot(OnAHost):
    def test_member_of_the_group_can_read(self):
        self.assertTrue(self.apply(mode=0o640, group=OWN_GROUP, readers=[STRANGER])["ok"])

    def test_owner_can_read(self):
        self.assertTrue(self.apply(owner=STRANGER, readers=[STRANGER])["ok"])

    def test_no_member_is_refused_with_user_group_and_file(self):
        self.refused(
            r"user 'nobody' cannot read certs/a/a\.key \(root:daemon 0640\); it is no member of the group daemon "
            r"\(its groups: nogroup\)\. Nothing was switched",
            mode=0o640,
            group=OTHER_GROUP,
            readers=[STRANGER],
        )

    def test_mode_that_keeps_the_group_out_is_refused(self):
        self.refused(r"\(root:nogroup 0600\); it is a member of the group nogroup", group=OWN_GROUP, readers=[STRANGER])

    def test_directory_on_the_way_is_named(self):
        where = r"user 'nobody' cannot read certs/a/a\.key, since it cannot enter {} \(root:root 0700\)"
        self.refused(where.format(self.host.root), directories=0o700, owner=STRANGER, readers=[STRANGER])
        os.chmod(self.host.base, 0o700)
        self.refused(where.format(self.host.base), owner=STRANGER, readers=[STRANGER])

    def test_what_is_served_stays_when_the_next_deploy_is_refused(self):
        self.apply(mode=0o640, group=OWN_GROUP, readers=[STRANGER])
        with self.assertRaises(GenerationError):
            self.apply(mode=0o640, group=OTHER_GROUP, readers=[STRANGER], run="run-2")
        self.assertEqual((self.host.store.current(), self.host.store.numbers()), (1, [1]))

    def test_who_lost_the_right_since_is_told_by_inspect_and_refused(self):
        wanted = {"mode": 0o640, "group": OWN_GROUP, "readers": [STRANGER]}
        self.apply(**wanted)
        os.chmod(self.host.base, 0o700)
        named = [item._replace(**wanted) for item in entries({KEY: "a key"})]
        found = transaction.inspect(
            self.host.store, self.host.server, named, False, Directories(0o711), self.host.lineages, False
        )
        self.assertEqual({item["state"] for item in found["files"]}, {"same"})
        self.assertEqual(len(found["unreadable"]), 1)
        with self.assertRaisesRegex(GenerationError, "since it cannot enter"):
            self.apply(run="run-2", **wanted)
        self.assertEqual(self.host.store.current(), 1)

    def test_this_process_stays_who_it_was(self):
        self.apply(owner=STRANGER, readers=[STRANGER])
        self.assertEqual((os.getuid(), os.geteuid()), (0, 0))


if __name__ == "__main__":
    unittest.main()
