# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The script that has Apache take into use what mod_md has obtained, with commands that only note that they ran."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.rendering import render_template

LOOKS = 6


class Host:
    """mod_md's store, a process that stands for Apache, and a `sleep` that ends the script after some looks."""

    def __init__(self, folder):
        self.folder, self.ran = folder, folder / "ran"
        self.staging, self.domains = folder / "md/staging", folder / "md/domains"
        self.staging.mkdir(parents=True)
        self.domains.mkdir()
        self.ran.touch()
        (folder / "script").write_text(render_template("apache", "pick-up.sh.j2"))
        (folder / "md.conf").write_text("<MDomainSet a.test www.a.test auto>\n</MDomainSet>\n")
        (folder / "pid").write_text(str(os.getpid()))
        sleep = folder / "bin/sleep"
        sleep.parent.mkdir()
        sleep.write_text(
            f"#!/bin/sh\necho >>{folder}/looks; [ $1 -gt 3 ] || [ $(wc -l <{folder}/looks) -le {LOOKS} ]\n"
        )
        sleep.chmod(0o755)
        self.know("a.test")

    def know(self, name):
        """mod_md has set up a domain."""
        path = self.domains / name / "md.json"
        path.parent.mkdir()
        path.write_text(f'{{"name": "{name}", "domains": ["{name}", "www.{name}"]}}\n')

    def stage(self, name, finished="true"):
        """mod_md is at work on a certificate, or done."""
        path = self.staging / name / "job.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'{{\n  "name": "{name}",\n  "finished": {finished},\n}}\n')

    def look(self, test="true", reload="", start="true", pid_file=None):
        """Run the script until its last look; the commands that ran, and what it said."""
        commands = {
            kind: f"echo {kind} >>{self.ran}; {words}"
            for kind, words in (("test", test), ("reload", reload), ("start", start))
        }
        path = {"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "STORE": f"{self.folder}/md"}
        files = {"DOMAINS": f"{self.folder}/md.conf", "PID_FILE": str(pid_file or self.folder / "pid")}
        upper = {kind.upper(): words for kind, words in commands.items()}
        run = subprocess.run(
            ["sh", str(self.folder / "script")],
            env={**path, **files, **upper},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert run.stderr == ""
        return self.ran.read_text().split(), run.stdout


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def test_nothing_is_run_while_nothing_waits(host):
    assert host.look() == ([], "")
    host.stage("a.test", "false")
    assert host.look() == ([], "")


def test_a_certificate_that_is_ready_is_taken_into_use_once(host):
    host.stage("a.test")
    ran, said = host.look(reload=f"rm -r {host.staging}/a.test")
    assert ran == ["test", "reload"]
    assert said == "mod_md has something new for Apache, which is reloaded\n"


def test_what_stays_asks_for_no_second_reload(host):
    host.stage("gone.test")
    assert host.look()[0] == ["test", "reload"]


def test_a_domain_that_mod_md_has_not_set_up_asks_for_a_reload(host):
    (host.domains / "a.test/md.json").unlink()
    assert host.look(reload=f"echo '\"a.test\"' >{host.domains}/a.test/md.json")[0] == ["test", "reload"]


def test_a_domain_that_keeps_an_older_name_in_the_store_is_known(host):
    (host.domains / "a.test").rename(host.domains / "older.test")
    assert host.look() == ([], "")


def test_what_is_no_file_keeps_nobody_waiting(host):
    """The directory belongs to Apache's user, and the script runs as root."""
    (host.staging / "x.test").mkdir()
    os.mkfifo(host.staging / "x.test/job.json")
    assert host.look() == ([], "")


def test_no_domains_of_ours(host):
    (host.folder / "md.conf").unlink()
    assert host.look() == ([], "")


def test_a_configuration_that_does_not_pass_is_not_loaded_and_tried_again(host):
    host.stage("a.test")
    ran, said = host.look(test="echo no such directive; false")
    assert set(ran) == {"test"}
    assert len(ran) > 1
    assert "since its test fails: no such directive" in said


def test_a_reload_that_fails_is_tried_again(host):
    host.stage("a.test")
    assert host.look(reload="false")[0][:4] == ["test", "reload", "test", "reload"]


def test_an_apache_that_has_died_on_the_reload_is_started(host):
    host.stage("a.test")
    ran, said = host.look(reload=f"rm {host.folder}/pid", start=f"echo {os.getpid()} >{host.folder}/pid")
    assert ran == ["test", "reload", "start"]
    assert "Apache has died on the reload" in said


def test_an_apache_that_does_not_run_is_left_alone(host):
    host.stage("a.test")
    assert host.look(pid_file="/nonexistent") == ([], "")
