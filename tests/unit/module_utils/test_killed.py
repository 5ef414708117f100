# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run is killed before every single call to the system, one after the other; the next run has to end well by itself.

Plain unittest, so that these also run under Python 3.6.
"""

import os
import unittest
from functools import partial

from ansible_collections.fullchain.tls.plugins.module_utils.generation import MANIFEST

from tests.unit.module_utils.hosts import Host, readable_for_others, run_and_kill, tree

OLD = {"sites/a.conf": "old a", "sites/b.conf": "b", "certs/a/a.key": "old key"}
NEW = {"sites/a.conf": "new a", "certs/a/a.key": "new key", "http.conf": "http"}
BROKEN = dict(NEW, **{"sites/a.conf": "BROKEN"})


class Killed(unittest.TestCase):
    """Each test: a host, a run that dies at step n, and a next run, for every n."""

    def every_step(self, before, killed, afterwards):
        """before(host) prepares, killed(host) dies, afterwards(host) is the next run and its assertions."""
        step, dies = 0, True
        prepared = Host()
        self.addCleanup(prepared.remove)
        before(prepared)
        while dies:
            step += 1
            host = prepared.copy()
            try:
                dies = run_and_kill(partial(killed, host), step)
                with self.subTest(step=step):
                    self.check_at_once(host)
                    afterwards(host)
                    self.check_settled(host)
            finally:
                host.remove()
        self.assertGreater(step, 20, "the run has many more steps than that: nothing was killed")

    def check_at_once(self, host):
        """At the moment of death: whatever is current is whole, and no key was ever readable for others."""
        self.assertEqual(readable_for_others(host.base), [])
        number = host.store.current()
        if number is not None:
            manifest = host.store.manifest(number)
            self.assertEqual(set(manifest), set(host.current_files()))

    def check_settled(self, host):
        """After the next run: what is current is confirmed and loaded, and nothing else lies about."""
        store = host.store
        self.assertEqual(store.current(), store.confirmed())
        self.assertIsNone(store.unsettled())
        self.assertEqual(host.loaded_files(), host.current_files())
        self.assertEqual([name for name in os.listdir(store.generations) if name.startswith(".")], [])
        self.assertEqual([name for name in os.listdir(store.root) if name.endswith(".new")], [])
        for number in store.numbers():
            self.assertTrue(os.path.exists(os.path.join(store.path(number), MANIFEST)))

    def test_first_deploy(self):
        def next_run(host):
            self.assertIn(host.deploy(NEW, run="run-2"), ("confirmed", "unchanged"))
            self.assertEqual(host.current_files(), NEW)
            self.assertEqual(host.deploy(NEW, run="run-3"), "unchanged")

        self.every_step(lambda host: None, lambda host: host.deploy(NEW), next_run)

    def test_deploy_repeated(self):
        def next_run(host):
            self.assertIn(host.deploy(NEW, run="run-2"), ("confirmed", "unchanged"))
            self.assertEqual(host.current_files(), NEW)
            self.assertEqual(host.deploy(NEW, run="run-3"), "unchanged")

        self.every_step(lambda host: host.deploy(OLD), lambda host: host.deploy(NEW), next_run)

    def test_deploy_given_up(self):
        """The next run wants what was there before."""

        def next_run(host):
            self.assertIn(host.deploy(OLD, run="run-2"), ("confirmed", "unchanged"))
            self.assertEqual(host.current_files(), OLD)

        self.every_step(lambda host: host.deploy(OLD), lambda host: host.deploy(NEW), next_run)

    def test_broken_deploy_repeated(self):
        """The next run wants the same broken thing: it is refused, and the old one runs."""

        def next_run(host):
            self.assertEqual(host.deploy(BROKEN, run="run-2"), "refused")
            self.assertEqual(host.current_files(), OLD)

        self.every_step(lambda host: host.deploy(OLD), lambda host: host.deploy(BROKEN), next_run)

    def test_taking_back_repeated(self):
        def next_run(host):
            self.assertEqual(host.deploy(NEW, good_on_the_wire=False, run="run-2"), "taken back")
            self.assertEqual(host.current_files(), OLD)

        self.every_step(lambda host: host.deploy(OLD), lambda host: host.deploy(NEW, good_on_the_wire=False), next_run)

    def test_taking_back_given_up(self):
        """The server may have loaded what was taken back on the disk only: nothing differs, and yet it has to reload."""

        def next_run(host):
            self.assertIn(host.deploy(OLD, run="run-2"), ("confirmed", "unchanged"))
            self.assertEqual(host.current_files(), OLD)

        self.every_step(lambda host: host.deploy(OLD), lambda host: host.deploy(NEW, good_on_the_wire=False), next_run)

    def test_partial_deploy(self):
        """What stays comes from what was confirmed, whatever the killed run had switched to."""
        wanted = {"http.conf": "http"}

        def next_run(host):
            self.assertIn(host.deploy(wanted, partial=True, run="run-2"), ("confirmed", "unchanged"))
            self.assertEqual(host.current_files(), dict(OLD, **wanted))

        self.every_step(lambda host: host.deploy(OLD), lambda host: host.deploy(wanted, partial=True), next_run)


class LoadedBySomebodyElse(unittest.TestCase):
    """The tests above would pass on a server that loads by itself; it doesn't."""

    def test_server_keeps_what_it_loaded(self):
        host = Host()
        try:
            host.deploy(OLD)
            host.store.switch(None)
            self.assertEqual(tree(os.path.join(host.base, "loaded")), OLD)
        finally:
            host.remove()


if __name__ == "__main__":
    unittest.main()
