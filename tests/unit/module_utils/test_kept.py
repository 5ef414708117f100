# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lineages put back as they were judged. Plain unittest: these also run under Python 3.6."""

import json
import os
import shutil
import stat
import subprocess
import tempfile
import threading
import unittest

from ansible_collections.fullchain.tls.plugins.module_utils import kept
from ansible_collections.fullchain.tls.plugins.module_utils.lineage import LineageError, read_lineage, unloadable


def make_pair(directory, number):
    """A key and a certificate of it, named as in certbot's archive."""
    fullchain, privkey = (f"{directory}/{form}{number}.pem" for form in ("fullchain", "privkey"))
    command = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=a.test -days 2"
    subprocess.run([*command.split(), "-keyout", privkey, "-out", fullchain], check=True, stdout=-1, stderr=-1)
    os.chmod(privkey, 0o600)


class PutBack(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = tempfile.mkdtemp(prefix="fullchain-test-")
        for number in (1, 2):
            make_pair(cls.made, number)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.made)

    def setUp(self):
        self.base = tempfile.mkdtemp(prefix="fullchain-test-")
        self.addCleanup(shutil.rmtree, self.base)
        self.archive, self.live = os.path.join(self.base, "archive"), os.path.join(self.base, "live")
        shutil.copytree(self.made, self.archive)
        os.mkdir(self.live)
        for form in ("fullchain", "privkey"):
            self.link(form, 1)
        paths = {form: os.path.join(self.live, form + ".pem") for form in ("fullchain", "privkey")}
        self.judged = dict(
            read_lineage(paths["fullchain"], paths["privkey"]), name="a.test", **{**paths, "chain": None}
        )
        self.lineage = json.loads(json.dumps(kept.keep(self.judged)))
        self.before = self.state()
        self.addCleanup(setattr, kept, "AGAIN_SECONDS", kept.AGAIN_SECONDS)
        kept.AGAIN_SECONDS = 0.0

    def link(self, form, number):
        path = os.path.join(self.live, form + ".pem")
        if os.path.lexists(path):
            os.unlink(path)
        os.symlink(f"../archive/{form}{number}.pem", path)

    def write(self, name, data):
        with open(os.path.join(self.base, name), "wb") as stream:
            stream.write(data)

    def read(self, name):
        with open(os.path.join(self.base, name), "rb") as stream:
            return stream.read()

    def state(self):
        links = {form: os.readlink(os.path.join(self.live, form + ".pem")) for form in ("fullchain", "privkey")}
        files = {name: self.read("archive/" + name) for name in os.listdir(self.archive) if name.endswith(".pem")}
        return links, files

    def put_back(self, *unsound):
        return kept.put_back([self.lineage], unsound)

    def test_nothing_is_done_to_what_a_server_can_load(self):
        self.assertEqual(self.put_back(), [])
        for form in ("fullchain", "privkey"):  # a renewal that came meanwhile
            self.link(form, 2)
        renewed = self.state()
        self.assertEqual(self.put_back("b.test"), [])
        self.assertEqual(self.state(), renewed)

    def test_a_key_of_another_certificate(self):
        other = self.read("archive/privkey2.pem")
        self.write("archive/privkey1.pem", other)
        (sentence,) = self.put_back()
        aside = os.path.realpath(os.path.join(self.archive, "privkey1.pem.refused"))
        self.assertIn("lineage a.test was written to meanwhile", sentence)
        self.assertIn("is not the key of", sentence)
        self.assertTrue(sentence.endswith("is put back as it was judged; what it held is in " + aside), sentence)
        self.assertEqual(self.state(), self.before)
        self.assertEqual(self.read("archive/privkey1.pem.refused"), other)
        for path in (aside, os.path.join(self.archive, "privkey1.pem")):
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertEqual(self.put_back(), [])

    def test_a_link_to_another_version(self):
        self.link("privkey", 2)
        (sentence,) = self.put_back()
        self.assertTrue(sentence.endswith("is put back as it was judged"), sentence)
        self.assertEqual(self.state(), self.before)

    def test_garbage_a_file_in_place_of_the_link_and_nothing_at_all(self):
        for spoil in (
            lambda: self.write("archive/fullchain1.pem", b"nonsense"),
            lambda: self.write("archive/fullchain1.pem", self.read("archive/fullchain1.pem")[:-40]),
            lambda: (os.unlink(os.path.join(self.live, "privkey.pem")), self.write("live/privkey.pem", b"nonsense")),
            lambda: os.unlink(os.path.join(self.live, "privkey.pem")),
            lambda: os.unlink(os.path.join(self.archive, "privkey1.pem")),
        ):
            spoil()
            self.assertIsNotNone(unloadable(self.judged["fullchain"], self.judged["privkey"]))
            self.assertEqual(len(self.put_back()), 1)
            self.assertEqual(self.state(), self.before)

    def test_a_renewal_that_is_under_way_is_left_alone(self):
        """certbot moves its links one after the other."""
        self.link("privkey", 2)
        kept.AGAIN_SECONDS = 1.0
        threading.Timer(0.3, self.link, ("fullchain", 2)).start()
        self.assertEqual(self.put_back(), [])
        self.assertEqual(self.state()[0], {form: f"../archive/{form}2.pem" for form in ("fullchain", "privkey")})

    def test_one_that_is_not_sound_is_put_back_when_it_is_named(self):
        for form in ("fullchain", "privkey"):
            self.link(form, 2)
        (sentence,) = self.put_back("a.test")
        self.assertIn("(it is not sound)", sentence)
        self.assertEqual(self.state(), self.before)

    def test_where_it_cannot_be_written(self):
        shutil.rmtree(self.live)
        (sentence,) = self.put_back()
        self.assertIn(", and could not be put back: ", sentence)

    def test_what_leads_elsewhere_now_or_lies_in_somebody_else_s_directory_is_not_written_to(self):
        """Root would write wherever the owner of a directory leads it."""
        victim = os.path.join(self.base, "victim")
        self.write("victim", b"of root")
        archived = os.path.join(self.archive, "fullchain1.pem")
        os.rename(archived, archived + ".away")
        os.symlink(victim, archived)
        (sentence,) = self.put_back()
        self.assertIn(f"could not be put back: {os.path.realpath(victim)}: it leads elsewhere than when", sentence)
        os.unlink(archived)
        os.rename(archived + ".away", archived)
        self.write("archive/privkey1.pem", self.read("archive/privkey2.pem"))
        spoiled = self.state()
        for mode in (0o777, 0o775):
            os.chmod(self.archive, mode)
            (sentence,) = self.put_back()
            self.assertIn("others than root may write there", sentence)
        os.chmod(self.archive, 0o755)
        if os.geteuid() == 0:
            os.chown(self.archive, 65534, -1)
            self.assertIn("others than root may write there", self.put_back()[0])
        self.assertEqual((self.read("victim"), self.state()), (b"of root", spoiled))

    def test_one_that_is_not_what_was_judged_is_not_kept(self):
        for form, number in (("privkey", 2), ("fullchain", 2)):
            self.link(form, number)
            with self.assertRaisesRegex(LineageError, "lineage a.test was written to after it was judged"):
                kept.keep(self.judged)
