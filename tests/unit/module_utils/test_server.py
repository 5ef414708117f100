# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands, processes and logs, with real processes. Plain unittest: these also run under Python 3.6."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock

from ansible_collections.fullchain.tls.plugins.module_utils import server
from ansible_collections.fullchain.tls.plugins.module_utils.server import Server

# A master with one worker that listens, which on SIGHUP does what argv[2] says: replaces the worker (with a pause in
# which both accept, as nginx does; the old one then closes its socket and lives on), keeps it, dies, or starts a helper that
# does not listen and then dies, as Apache does with its CGI daemon and a key that is the wrong one.
MASTER = """
import os, signal, socket, sys, time
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(5)
def worker():
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        signal.signal(signal.SIGUSR1, lambda *ignored: listener.close())
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for dummy in range(600):
            time.sleep(0.1)
        os._exit(0)
    return pid
old = worker()
retired = []
def hup(*ignored):
    global old
    if sys.argv[2] == "die":
        os.kill(old, 9)
        os._exit(1)
    if sys.argv[2] == "helper":
        if os.fork() == 0:
            listener.close()
            time.sleep(2)
            os._exit(0)
        time.sleep(0.4)
        os.kill(old, 9)
        os._exit(1)
    if sys.argv[2] == "replace":
        new = worker()
        time.sleep(0.5)
        os.kill(old, signal.SIGUSR1)
        retired.append(old)
        old = new
    else:
        with open(sys.argv[3], "a") as log:
            log.write("[notice] something else\\n[emerg] bind() failed\\n")
signal.signal(signal.SIGHUP, hup)
signal.signal(signal.SIGTERM, lambda *ignored: ([os.kill(pid, 9) for pid in retired + [old]], os._exit(0)))
with open(sys.argv[1] + ".new", "w") as pid_file:
    pid_file.write("%d\\n" % os.getpid())
os.rename(sys.argv[1] + ".new", sys.argv[1])
while True:
    signal.pause()
"""


# A server that reloads in its own process, each time on a new socket of the same port, as Caddy does. While there is a file argv[2]
# it refuses what it loads, and keeps both sockets.
SHARED = """
import os, signal, socket, sys
def opened(port):
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind(("127.0.0.1", port))
    made.listen(5)
    return made
listeners = [opened(0)]
def hup(*ignored):
    listeners.append(opened(listeners[0].getsockname()[1]))
    if not os.path.exists(sys.argv[2]):
        listeners.pop(0).close()
signal.signal(signal.SIGHUP, hup)
with open(sys.argv[1] + ".new", "w") as pid_file:
    pid_file.write("%d\\n" % os.getpid())
os.rename(sys.argv[1] + ".new", sys.argv[1])
while True:
    signal.pause()
"""


class Leftovers(unittest.TestCase):
    def setUp(self):
        self.base = tempfile.mkdtemp(prefix="fullchain-test-")
        self.addCleanup(shutil.rmtree, self.base)
        self.pid_file, self.refuses = os.path.join(self.base, "pid"), os.path.join(self.base, "refuses")
        self.process = subprocess.Popen([sys.executable, "-c", SHARED, self.pid_file, self.refuses])
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)
        self.until(lambda: os.path.exists(self.pid_file))
        self.addCleanup(os.environ.update, PATH=os.environ["PATH"])
        os.environ["PATH"] = self.base + ":" + os.environ["PATH"]
        self.systemd_says(f"MainPID={self.process.pid}")

    def until(self, condition):
        deadline = time.monotonic() + 10
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.01)

    def systemd_says(self, answer):
        path = os.path.join(self.base, "systemctl")
        with open(path, "w") as script:
            script.write(f'#!/bin/sh\n[ "$*" = "show --property MainPID it.service" ] && echo "{answer}"\n')
        os.chmod(path, 0o755)

    def server(self, **options):
        hup = ["kill", "-HUP", str(self.process.pid)]
        arguments = {"reload": hup, "restart": ["true"], "seconds": 0.5, "journal": "it.service"}
        arguments.update(options)
        return Server(**arguments)

    def refuse_once(self):
        open(self.refuses, "w").close()
        self.process.send_signal(signal.SIGHUP)
        self.until(lambda: server.listening_twice(self.process.pid))
        os.remove(self.refuses)

    def test_a_reload_that_leaves_nothing_is_settled(self):
        outcome = self.server().activate()
        self.assertEqual((outcome.step, outcome.settled, outcome.restarted), ("reload", True, ""))
        self.assertEqual(self.server().leftovers(), [])

    def test_what_was_refused_and_still_answers_is_ended_by_a_restart(self):
        self.refuse_once()
        ports = self.server().leftovers()
        self.assertEqual(len(ports), 1)
        restart = ["touch", os.path.join(self.base, "restarted")]
        outcome = self.server(restart=restart).activate()
        self.assertEqual((outcome.ok, outcome.step, outcome.command, outcome.settled), (True, "restart", restart, True))
        self.assertIn(f"still answered on port {ports[0]}, which no reload", outcome.restarted)
        self.assertTrue(os.path.exists(restart[1]))

    def test_where_the_sockets_of_a_process_cannot_be_seen_those_of_its_user_are(self):
        self.refuse_once()
        ports = server.listening_twice(self.process.pid)

        def refused(pid):
            raise PermissionError(13, "Permission denied", f"/proc/{pid}/fd")

        with unittest.mock.patch.object(server, "open_sockets", refused):
            self.assertEqual([port for port in server.listening_twice(self.process.pid) if port in ports], ports)

    def test_a_restart_that_fails_is_a_load_that_failed(self):
        self.refuse_once()
        outcome = self.server(restart=["false"]).activate()
        self.assertEqual(
            (outcome.ok, outcome.step, outcome.reason), (False, "restart", "the restart command false answered 1")
        )

    def test_without_a_command_to_restart_nobody_looks(self):
        self.refuse_once()
        outcome = self.server(restart=[]).activate()
        self.assertEqual((outcome.ok, outcome.step, outcome.settled), (True, "reload", False))
        self.assertEqual(self.server(restart=[]).leftovers(), [])

    def test_a_failed_reload_is_not_followed_by_a_restart(self):
        self.refuse_once()
        outcome = self.server(reload=["false"]).activate()
        self.assertEqual((outcome.ok, outcome.step), (False, "reload"))

    def test_the_process_is_that_of_the_pid_file_or_of_the_unit(self):
        self.refuse_once()
        found = self.server().leftovers()
        self.assertEqual(len(found), 1)
        for answer in ("MainPID=0", "Failed to connect to bus"):
            self.systemd_says(answer)
            self.assertEqual((self.server().leftovers(), self.server().activate().settled), ([], False))
        self.assertEqual(self.server(pid_file=self.pid_file).leftovers(), found)


class Processes(unittest.TestCase):
    def setUp(self):
        self.base = tempfile.mkdtemp(prefix="fullchain-test-")
        self.addCleanup(shutil.rmtree, self.base)
        self.pid_file, self.log = os.path.join(self.base, "pid"), os.path.join(self.base, "log")
        with open(self.log, "w") as log:
            log.write("[emerg] long ago\n")

    def master(self, on_reload):
        command = [sys.executable, "-c", MASTER, self.pid_file, on_reload, self.log]
        process = subprocess.Popen(command)
        self.addCleanup(process.wait)
        self.addCleanup(process.send_signal, signal.SIGTERM)
        deadline = time.monotonic() + 10
        while not os.path.exists(self.pid_file) and time.monotonic() < deadline:
            time.sleep(0.01)
        return process

    def served_by(self, **options):
        hup = ["sh", "-c", 'kill -HUP $(cat "$0")', self.pid_file]
        arguments = {"reload": hup, "pid_file": self.pid_file, "error_log": self.log, "seconds": 1.0}
        arguments.update(options)
        return Server(**arguments)

    def test_new_child_is_a_reload(self):
        self.master("replace")
        outcome = self.served_by(seconds=10.0).activate()
        self.assertTrue(outcome.ok, outcome)
        self.assertEqual(outcome.step, "reload")

    def test_a_new_child_that_does_not_listen_is_no_reload(self):
        self.master("helper")
        outcome = self.served_by(seconds=10.0).activate()
        self.assertFalse(outcome.ok)
        self.assertIn("the server died on the reload", outcome.reason)

    def test_settled_is_when_no_old_child_accepts(self):
        """For half a second old and new children accept; what the old one then still does is its own affair."""
        process = self.master("replace")
        old = list(server.children(process.pid))
        self.assertEqual([len(server.listening(pid)) for pid in old], [1])
        outcome = self.served_by(seconds=10.0).activate()
        self.assertTrue(outcome.settled, outcome)
        self.assertEqual([server.listening(pid) for pid in old], [set()])
        self.assertEqual(len(server.children(process.pid)), 2)

    def test_old_child_that_goes_on_accepting_is_told(self):
        process = self.master("replace")
        outcome = self.served_by(seconds=0.2, reload=["true"]).activate()
        self.assertFalse(outcome.ok)
        before = server.children(process.pid)
        listeners = {pid: server.listening(pid) for pid in before}
        self.assertFalse(self.served_by(seconds=0.2)._has_settled(before, listeners))
        self.assertFalse(Server(reload=["true"]).activate().settled)

    def test_refused_reload_quotes_the_grave_new_lines(self):
        self.master("keep")
        outcome = self.served_by().activate()
        self.assertFalse(outcome.ok)
        self.assertIn("refused the reload", outcome.reason)
        self.assertEqual(list(outcome.log), ["[emerg] bind() failed"])

    def test_server_that_dies_on_the_reload(self):
        self.master("die")
        outcome = self.served_by(seconds=10.0).activate()
        self.assertFalse(outcome.ok)
        self.assertIn("died on the reload", outcome.reason)

    def test_pid_file_that_is_empty_for_a_moment_is_no_death(self):
        """HAProxy writes its pid file anew at each reload."""
        self.master("replace")
        script = 'pid=$(cat "$0"); : >"$0"; kill -HUP $pid; (sleep 0.3; echo $pid >"$0") &'
        outcome = self.served_by(reload=["sh", "-c", script, self.pid_file], seconds=10.0).activate()
        self.assertTrue(outcome.ok and outcome.settled, outcome)

    def test_server_that_dies_and_takes_its_pid_file_along(self):
        self.master("die")
        script = 'pid=$(cat "$0"); rm "$0"; kill -HUP $pid'
        outcome = self.served_by(reload=["sh", "-c", script, self.pid_file], seconds=10.0).activate()
        self.assertIn("died on the reload", outcome.reason)

    def test_dead_server_is_started(self):
        self.assertIs(self.served_by().alive(), False)
        script = '"$0" -c "$1" "$2" replace "$3" & sleep 0.2'
        start = ["sh", "-c", script, sys.executable, MASTER, self.pid_file, self.log]
        started = self.served_by(start=start, reload=["false"], seconds=10.0)
        outcome = started.activate()
        self.addCleanup(os.kill, server.read_pid(self.pid_file), signal.SIGTERM)
        self.assertTrue(outcome.ok, outcome)
        self.assertEqual(outcome.step, "start")
        self.assertIs(started.alive(), True)

    def test_start_that_starts_nothing(self):
        outcome = self.served_by(start=["true"]).activate()
        self.assertFalse(outcome.ok)
        self.assertIn("no process that", outcome.reason)

    def test_dead_server_may_stay_dead(self):
        self.assertTrue(self.served_by(start=["false"]).activate(start=False).ok)

    def test_zombie_is_dead(self):
        process = subprocess.Popen(["true"])
        deadline = time.monotonic() + 10
        while server.process_alive(process.pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertFalse(server.process_alive(process.pid))
        process.wait()

    def test_without_a_pid_file_the_answer_is_believed(self):
        self.assertTrue(Server(reload=["true"]).activate().ok)
        outcome = Server(reload=["sh", "-c", "echo no; exit 3"]).activate()
        self.assertEqual((outcome.ok, outcome.rc, list(outcome.lines)), (False, 3, ["no"]))


class Commands(unittest.TestCase):
    def test_daemon_that_keeps_the_output_open_is_not_waited_for(self):
        began = time.monotonic()
        self.assertEqual(server.run(["sh", "-c", "sleep 5 & echo started"]), (0, ["started"]))
        self.assertLess(time.monotonic() - began, 4)

    def test_command_that_hangs_is_killed(self):
        self.assertEqual(server.run(["sh", "-c", "echo waiting; sleep 60"], seconds=0.3), (None, ["waiting"]))

    def test_command_that_is_not_there(self):
        rc, lines = server.run(["no-such-command"])
        self.assertIsNone(rc)
        self.assertIn("no-such-command", lines[0])

    def test_sbin_is_searched(self):
        self.assertEqual(server.find_program(["sh", "-c"], "/no/such:/usr/bin:/bin")[0].rpartition("/")[2], "sh")
        self.assertEqual(server.find_program(["/x/nginx"], "/usr/sbin"), ["/x/nginx"])

    def test_only_the_last_lines_are_quoted(self):
        self.assertEqual(server.last_lines(b"".join(b"%d\n" % number for number in range(50)))[0], "30")


class Logs(unittest.TestCase):
    def test_rotated_log_is_read_from_its_beginning(self):
        base = tempfile.mkdtemp(prefix="fullchain-test-")
        self.addCleanup(shutil.rmtree, base)
        path = os.path.join(base, "log")
        with open(path, "w") as log:
            log.write("a long line from before\n")
        mark = server.log_mark(path)
        os.rename(path, path + ".1")
        with open(path, "w") as log:
            log.write("[ssl:emerg] AH02238\n")
        self.assertEqual(server.log_since(path, mark), ["[ssl:emerg] AH02238"])

    def test_missing_log(self):
        self.assertEqual(server.log_since("/no/such/log", server.log_mark("/no/such/log")), [])
        self.assertEqual(server.log_since(None, server.log_mark(None)), [])


class WithoutPidFile(unittest.TestCase):
    """A server that is known by a command and by its journal."""

    def setUp(self):
        self.base = tempfile.mkdtemp(prefix="fullchain-test-")
        self.addCleanup(shutil.rmtree, self.base)
        self.flag = os.path.join(self.base, "runs")

    def known_by_a_command(self, **options):
        return Server(running=["test", "-e", self.flag], **options)

    def test_alive_is_what_the_command_says(self):
        self.assertIsNone(Server().alive())
        self.assertIs(self.known_by_a_command().alive(), False)
        with open(self.flag, "w"):
            pass
        self.assertIs(self.known_by_a_command().alive(), True)

    def test_a_dead_one_is_started_and_a_living_one_reloaded(self):
        web = self.known_by_a_command(start=["touch", self.flag], reload=["true"])
        self.assertEqual([web.activate().step, web.activate().step], ["start", "reload"])

    def test_a_start_after_which_it_does_not_run(self):
        outcome = self.known_by_a_command(start=["true"], seconds=0.1).activate()
        self.assertFalse(outcome.ok)
        self.assertEqual(
            outcome.reason,
            f"the start command answered 0, but the command test -e {self.flag} says that it does not run",
        )

    def journal(self, *lines):
        """Put a journalctl first in PATH that says these lines, and notes how it was called."""
        script, text = os.path.join(self.base, "journalctl"), "\n".join(lines)
        with open(script, "w") as stream:
            stream.write(f"#!/bin/sh\necho \"$@\" >{self.base}/called\ncat <<'END'\n{text}\nEND\n")
        os.chmod(script, 0o755)
        path = os.environ["PATH"]
        self.addCleanup(os.environ.__setitem__, "PATH", path)
        os.environ["PATH"] = self.base + ":" + path

    def test_the_errors_of_a_journal_since_a_moment(self):
        error = '{"level":"error","msg":"could not get certificate from issuer"}'
        self.journal('{"level":"info","msg":"serving"}', *[error] * 30)
        said = Server(journal="caddy.service").said_since("2026-11-25T12:00:00Z")
        self.assertEqual(said, [error] * server.LINES)
        with open(os.path.join(self.base, "called")) as called:
            self.assertIn("--unit caddy.service", called.read())

    def test_a_journal_without_errors_and_no_journal(self):
        self.journal("plain words")
        self.assertEqual(Server(journal="caddy.service").said_since("2026-11-25T12:00:00Z"), ["plain words"])
        self.assertEqual(Server().said_since("2026-11-25T12:00:00Z"), [])

    def test_the_errors_of_an_error_log_since_a_mark(self):
        log = os.path.join(self.base, "error.log")
        web = Server(error_log=log)
        self.assertEqual(web.log_mark(), (0, 0))
        refusal = (
            "[Wed Nov 25 15:25:31.551463 2026] [md:error] [pid 844:tid 846] AH10056: processing a.test: no such host"
        )
        lines = ["[md:error] before", "[md:warn] while", refusal, "[core:notice] AH00094"]
        with open(log, "w") as stream:
            stream.write(lines[0] + "\n")
            stream.flush()
            mark = web.log_mark()
            stream.write("\n".join(lines[1:]) + "\n")
        self.assertEqual(web.said_since("2026-11-25T12:00:00Z", mark), [refusal])
        self.assertEqual(web.said_since("2026-11-25T12:00:00Z"), [])


if __name__ == "__main__":
    unittest.main()
