# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server as a host sees it: its commands, its processes, its error log.

What a reload command answers proves little. nginx signals its master and returns 0 before the configuration
has been read; when the master then refuses it, the old workers go on. Apache's `graceful` returns 0 and
the whole server dies on a key that does not match. So the processes are looked at as well. When nginx does
reload, it starts new workers and only 100 ms later tells the old ones to stop accepting connections.
"""

import os
import re
import signal
import subprocess
import tempfile
import time
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

COMMAND_SECONDS = 90.0
SETTLE_SECONDS = 3.0
"""How long old processes may go on accepting before it is left to the wire; one in a long request may take minutes."""
STEADY_SECONDS = 0.1
"""After this long a child that listens is one that answers."""
LINES = 20
"""How many lines of a command's output or of an error log are worth quoting."""

JOURNAL_LINES = 500
"""How many lines of a journal are looked through for those."""

_GRAVE = re.compile(rb"\[(?:\w+:)?(?:emerg|alert|crit)\]|\[md:error\]|\"level\":\"(?:error|fatal|panic)\"")
"""nginx writes `[emerg]`, Apache `[ssl:emerg]`, and `[md:error]` where a CA has refused, Caddy JSON."""


class Outcome(NamedTuple):
    """How a step went. reason is a sentence for people when ok is false; rc None: not started, or timed out.

    settled: no process from before accepts connections any more. False: they may, or nobody knows.
    restarted: why a reload was not enough, as a sentence.
    """

    ok: bool
    step: str
    command: List[str]
    rc: Optional[int] = None
    lines: Sequence[str] = ()
    log: Sequence[str] = ()
    reason: str = ""
    settled: bool = False
    restarted: str = ""


class Server:
    """The commands and the traces of one server.

    All are optional. Without a pid_file nothing is known about its processes, and the exit code of a reload has to be
    believed; running is a command that answers 0 while it runs, all the same. journal: its systemd unit.
    seconds: how long a new process may take to appear. restart: for a server that goes on with what it refused, see leftovers.
    """

    def __init__(
        self,
        test: Sequence[str] = (),
        reload: Sequence[str] = (),
        start: Sequence[str] = (),
        pid_file: Optional[str] = None,
        error_log: Optional[str] = None,
        seconds: float = 10.0,
        running: Sequence[str] = (),
        journal: Optional[str] = None,
        restart: Sequence[str] = (),
    ) -> None:
        self._test, self._reload, self._start, self._restart = list(test), list(reload), list(start), list(restart)
        self._pid_file, self._error_log, self._seconds = pid_file, error_log, seconds
        self._last_pid: Optional[int] = None
        self._running, self._journal = list(running), journal

    def alive(self) -> Optional[bool]:
        """Whether the process in pid_file runs, or what the command running says; None when neither is given."""
        if self._pid_file is not None:
            return process_alive(self._pid())
        return run(self._running)[0] == 0 if self._running else None

    def log_mark(self) -> Tuple[int, int]:
        """Where the error log ends now."""
        return log_mark(self._error_log)

    def said_since(self, moment: str, mark: Sequence[int] = ()) -> List[str]:
        """What the journal holds since then (ISO 8601, UTC), or without one the error log since the mark; [] without either.

        The grave lines alone where there are any.
        """
        if self._journal is None:
            return log_since(self._error_log, (mark[0], mark[1])) if len(mark) == 2 else []
        since = moment.replace("T", " ").replace("Z", " UTC")
        words = ["--unit", self._journal, "--output", "cat", "--no-pager", "--quiet", "--since", since]
        rc, lines = run(["journalctl", *words], count=JOURNAL_LINES)
        return grave([line.encode("utf-8") for line in lines]) if rc == 0 else []

    def _pid(self) -> Optional[int]:
        """The number in pid_file, or where there is none the last one that was: HAProxy empties the file at each reload."""
        self._last_pid = (read_pid(self._pid_file) if self._pid_file else None) or self._last_pid
        return self._last_pid

    def leftovers(self) -> List[int]:
        """The ports on which the server listens twice and goes on to, so that something else than what it loaded last answers, too.

        Caddy keeps open what it had opened of a configuration when one of its ports is taken (its issue 7175, seen with 2.6.2). The
        kernel hands such sockets their share of the connections, they have no certificates, and no reload closes them.
        Only looked for where there is a command to restart the server.
        """
        ports = []  # type: List[int]

        def alone() -> bool:
            process = self._main_process()
            ports[:] = listening_twice(process) if process else []
            return not ports

        if self._restart:
            self._wait(alone, min(self._seconds, SETTLE_SECONDS))
        return ports

    def _main_process(self) -> Optional[int]:
        return self._pid() if self._pid_file is not None else main_process(self._journal or "")

    def test(self) -> Outcome:
        """Run the configuration test."""
        if not self._test:
            return Outcome(True, "test", [])
        rc, lines = run(self._test)
        return Outcome(rc == 0, "test", self._test, rc, lines, (), "" if rc == 0 else said("test", self._test, rc))

    def activate(self, start: bool = True) -> Outcome:
        """Make the server load its configuration: reload it, or start it when it has died (unless start is false).

        Raises nothing; without a pid_file nobody knows whether it lives, and it is reloaded.
        """
        mark = log_mark(self._error_log)
        if self.alive() is False:
            if not start:
                return Outcome(True, "start", [])
            outcome = self._run_start() if self._start else self._run_reload()
        else:
            outcome = self._without_leftovers(self._run_reload())
        return outcome if outcome.ok else outcome._replace(log=log_since(self._error_log, mark))

    def _without_leftovers(self, outcome: Outcome) -> Outcome:
        """A reload's outcome, or that of the restart that had to follow it."""
        if not outcome.ok or not self._restart:
            return outcome
        ports = self.leftovers()
        if not ports:
            alone = self._pid_file is None and self._main_process() is not None
            return outcome._replace(settled=outcome.settled or alone)
        why = "a configuration that the server had refused still answered on port %s, which no reload ends: it was restarted"
        return self._run_start("restart", self._restart)._replace(
            restarted=why % " and port ".join(str(port) for port in ports)
        )

    def revive(self) -> Outcome:
        """Start a server that may be dead, where a reload failed and no pid_file tells. A living one is unharmed."""
        return self._run_start() if self._start else Outcome(True, "start", [])

    def _run_reload(self) -> Outcome:
        if not self._reload:
            return Outcome(True, "reload", [])
        before = children(self._pid())
        listeners = {pid: listening(pid) for pid in before}
        rc, lines = run(self._reload)
        reason = said("reload", self._reload, rc) if rc != 0 else self._refusal(before, any(listeners.values()))
        settled = not reason and self._pid_file is not None and self._has_settled(before, listeners)
        return Outcome(not reason, "reload", self._reload, rc, lines, (), reason, settled)

    def _has_settled(self, before: Dict[int, str], listeners: Dict[int, Optional[Set[str]]]) -> bool:
        """Wait until the children from before have closed what they listened on; False when some have not."""

        known = {pid: sockets for pid, sockets in listeners.items() if sockets is not None}
        if len(known) < len(listeners):
            return False

        def closed(pid: int) -> bool:
            return born(pid) != before[pid] or not known[pid] & open_sockets(pid)

        return self._wait(lambda: all(closed(pid) for pid in before), min(self._seconds, SETTLE_SECONDS))

    def _run_start(self, step: str = "start", command: Optional[List[str]] = None) -> Outcome:
        command = command or self._start
        rc, lines = run(command)
        reason = said(step, command, rc) if rc != 0 else ""
        if rc == 0 and not self._wait(lambda: self.alive() is not False):
            reason = "the %s command answered 0, but %s" % (step, self._not_running())
        return Outcome(not reason, step, command, rc, lines, (), reason, settled=not reason)

    def _not_running(self) -> str:
        if self._pid_file is None:
            return "the command %s says that it does not run" % " ".join(self._running)
        return "no process that %s names runs" % self._pid_file

    def _refusal(self, before: Dict[int, str], listened: bool) -> str:
        """Why the reload did not come about although its command answered 0; '' when it did.

        listened: the children from before listened, so that a new one which does not is a helper. Apache starts its loggers and
        its CGI daemon before it reads a key, and dies when that is the wrong one.
        """
        if self._pid_file is None:
            return ""

        def reloaded() -> bool:
            return any(not listened or listening(pid) != set() for pid in self._new_children(before))

        self._wait(lambda: reloaded() or not self.alive())
        if listened and self.alive() and reloaded():
            time.sleep(STEADY_SECONDS)  # a helper that has just been forked listens until it closes what it inherited
        if not self.alive():
            return "the server died on the reload: no process that %s names runs any more" % self._pid_file
        if not reloaded():
            return (
                "the server refused the reload: after %g s it still runs only the processes that it had" % self._seconds
            )
        return ""

    def _new_children(self, before: Dict[int, str]) -> List[int]:
        return [pid for pid, started in children(self._pid()).items() if before.get(pid) != started]

    def _wait(self, condition: Callable[[], bool], seconds: Optional[float] = None) -> bool:
        deadline = time.monotonic() + (self._seconds if seconds is None else seconds)
        while not condition():
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        return True


def said(step: str, command: Sequence[str], rc: Optional[int]) -> str:
    """One sentence on a command that failed."""
    how = "could not be run, or did not end within %d s" % COMMAND_SECONDS if rc is None else "answered %d" % rc
    return "the %s command %s %s" % (step, " ".join(command), how)


# --- commands


def run(
    command: Sequence[str], seconds: float = COMMAND_SECONDS, count: int = LINES
) -> Tuple[Optional[int], List[str]]:
    """Run a command; return its exit code (None: not started, or killed after seconds) and its last lines, count at most.

    Its output goes to a file, not to a pipe: a daemon that it leaves behind would keep a pipe open for ever.
    """
    environment = dict(os.environ, LC_ALL="C", LANGUAGE="C")
    environment["PATH"] = environment.get("PATH", "/usr/bin:/bin") + ":/usr/local/sbin:/usr/sbin:/sbin"
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                find_program(list(command), environment["PATH"]),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            return None, [str(error)]
        rc = wait_for(process, seconds)
        output.seek(0)
        return rc, last_lines(output.read(), count)


def find_program(command: List[str], path: str) -> List[str]:
    """The command with its program looked up in path: an unprivileged shell's PATH often lacks sbin."""
    if "/" not in command[0]:
        for directory in path.split(":"):
            candidate = os.path.join(directory, command[0])
            if os.access(candidate, os.X_OK) and os.path.isfile(candidate):
                return [candidate, *command[1:]]
    return command


def wait_for(process: "subprocess.Popen[bytes]", seconds: float) -> Optional[int]:
    """The exit code, or None after killing the process and what it started in its session."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None


def last_lines(data: bytes, count: int = LINES) -> List[str]:
    """The last lines of what a program wrote, as text."""
    return [line.rstrip() for line in data.decode("utf-8", "replace").splitlines() if line.strip()][-count:]


# --- processes


def read_pid(path: str) -> Optional[int]:
    """The number in a pid file; None when there is none."""
    try:
        with open(path) as stream:
            return int(stream.read().strip() or 0) or None
    except (OSError, ValueError):
        return None


def main_process(unit: str) -> Optional[int]:
    """The number of the main process of a systemd unit; None when it has none."""
    # No --value: systemd has it from version 230 on.
    _rc, lines = run(["systemctl", "show", "--property", "MainPID", unit])
    found = re.match(r"MainPID=([1-9]\d*)$", lines[-1]) if lines else None
    return int(found.group(1)) if found else None


def process_alive(pid: Optional[int]) -> bool:
    """Whether a process runs. A zombie (state Z) does not: nobody has collected its exit code yet."""
    fields = process_fields(pid) if pid else None
    return fields is not None and fields[0] not in ("Z", "X")


def process_fields(pid: int) -> Optional[List[str]]:
    """The fields of /proc/PID/stat from the third on (state, parent, ...), see proc(5); None when it has ended."""
    try:
        with open("/proc/%d/stat" % pid) as stream:
            return stream.read().rpartition(")")[2].split()
    except (OSError, UnicodeDecodeError):
        return None


def children(pid: Optional[int]) -> Dict[int, str]:
    """The living children of a process, with the time of their birth: a number alone may be used again."""
    found = {}
    for name in os.listdir("/proc") if pid else []:
        fields = process_fields(int(name)) if name.isdigit() else None
        if fields and fields[1] == str(pid) and fields[0] not in ("Z", "X"):
            found[int(name)] = fields[19]
    return found


def born(pid: int) -> Optional[str]:
    """When a process was born, in clock ticks since boot; None when it has ended."""
    fields = process_fields(pid)
    return fields[19] if fields and fields[0] not in ("Z", "X") else None


def open_sockets(pid: int) -> Set[str]:
    """The inodes of the sockets that a process holds; empty when it has ended. OSError: not ours to see."""
    try:
        names = os.listdir("/proc/%d/fd" % pid)
    except FileNotFoundError:
        return set()
    links = set()
    for name in names:
        try:
            links.add(os.readlink("/proc/%d/fd/%s" % (pid, name)))
        except (FileNotFoundError, ProcessLookupError):  # closed since
            pass
    return {link[len("socket:[") : -1] for link in links if link.startswith("socket:[")}


def listening(pid: int) -> Optional[Set[str]]:
    """The inodes of the TCP sockets that a process listens on; None when that can't be seen."""
    try:
        return {row.inode for row in listeners(pid)} & open_sockets(pid)
    except OSError:
        return None


class Listener(NamedTuple):
    """A TCP socket that somebody listens on, as proc(5) has it."""

    address: str
    user: str
    inode: str


def listeners(pid: int) -> List[Listener]:
    """All in the network of a process, whoever's they are."""
    found: List[Listener] = []
    for family in ("tcp", "tcp6"):
        with open("/proc/%d/net/%s" % (pid, family)) as stream:
            rows = [line.split() for line in stream][1:]
        found += [Listener(row[1], row[7], row[9]) for row in rows if row[3] == "0A"]  # TCP_LISTEN
    return found


def listening_twice(pid: int) -> List[int]:
    """The ports of the addresses on which a process listens with more than one socket (SO_REUSEPORT). [] when it has ended."""
    try:
        addresses = [row.address for row in own_listeners(pid)]
    except OSError:
        return []
    return sorted({int(address.rpartition(":")[2], 16) for address in addresses if addresses.count(address) > 1})


def own_listeners(pid: int) -> List[Listener]:
    """Those of a process, or of its user: in a container root often lacks the right to see other users' sockets (CAP_SYS_PTRACE)."""
    try:
        sockets = open_sockets(pid)
        return [row for row in listeners(pid) if row.inode in sockets]
    except PermissionError:
        with open("/proc/%d/status" % pid) as stream:
            user = next(line.split()[2] for line in stream if line.startswith("Uid:"))
        return [row for row in listeners(pid) if row.user == user]


# --- error log


def log_mark(path: Optional[str]) -> Tuple[int, int]:
    """Where a log ends now: (inode, size)."""
    try:
        found = os.stat(path or "")
        return found.st_ino, found.st_size
    except OSError:
        return 0, 0


def log_since(path: Optional[str], mark: Tuple[int, int]) -> List[str]:
    """The lines written since the mark; the grave ones alone where there are any."""
    try:
        with open(path or "", "rb") as stream:
            if os.fstat(stream.fileno()).st_ino == mark[0]:
                stream.seek(mark[1])
            lines = stream.read(1000000).splitlines()
    except OSError:
        return []
    return grave(lines)


def grave(lines: Sequence[bytes]) -> List[str]:
    """The last lines of a log, the grave ones alone where there are any."""
    return last_lines(b"\n".join([line for line in lines if _GRAVE.search(line)] or list(lines)))
