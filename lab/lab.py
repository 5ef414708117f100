# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab: real servers to try the collection on, as podman containers with systemd on a network of their own.

`ca` runs Pebble, an ACME CA with two intermediates; every other host is a bare Debian server, reached over ssh as `ops`,
who may sudo. Only the standard library is used, so that the lab runs before anything is installed.

One checkout has one lab, and another for each value of LAB_NAME. All that a lab is can be read from podman (labels on the
containers) and from its folder (.work/lab, or .work/lab-NAME), which holds:

  inventory.yml               for Ansible: groups `web` and `acme`, the connection, and the variables lab_*
  acme-ca.pem                 CA file of the ACME server's own HTTPS (its directory: https://ca:14000/dir)
  pebble-root.pem             root of the certificates it issues, new whenever Pebble starts
  pebble-root-alternate.pem   root of its alternate chain
  pebble-eab-root.pem         root of a second CA, which wants external account binding (https://ca:14001/dir)
  eab.key                     the HMAC key of its external account, `lab`
  id, id.pub                  the key of `ops`
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import re
import resource
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".work"
IMAGE_DEFINITION = ROOT / "lab" / "image"
IMAGE = "localhost/fullchain-lab"
CHECKOUT = hashlib.sha256(str(ROOT).encode()).hexdigest()[:6]

SUITES = ("bullseye", "bookworm", "trixie")
CA = "ca"
HOSTS = {CA: "bookworm", "deb11": "bullseye", "deb12": "bookworm", "deb13": "trixie"}
SITES = ("site1", "site2", "site3", "site4")
PATIENCE = 60.0  # seconds for a container to boot; two or three are normal


class LabError(Exception):
    """What the person at the keyboard has to know; printed without a traceback."""


@dataclass(frozen=True)
class Host:
    """A host that is wanted: its name in the inventory, its Debian suite, more names for it in the lab's DNS, and the
    address that it has to get ("" for any).
    """

    name: str
    suite: str
    aliases: tuple[str, ...] = ()
    address: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """All names under which the other hosts, and so the CA's validator, reach this one."""
        if self.name == CA:
            return (CA,)
        domain = f"{self.name}.test"
        sites = tuple(f"{www}{site}.{domain}" for site in SITES for www in ("", "www."))
        return (self.name, domain, f"www.{domain}", *sites, *self.aliases)


@dataclass(frozen=True)
class Container:
    """A host that exists, as podman tells it."""

    name: str
    suite: str
    names: tuple[str, ...]
    address: str
    running: bool


@dataclass(frozen=True)
class Lab:
    """One lab: where it keeps its files, and what its containers and its network are called."""

    folder: Path
    prefix: str

    @property
    def control(self) -> Path:
        """Folder of ssh's control sockets: short, since the path of a socket has at most 108 bytes."""
        return Path(tempfile.gettempdir()) / f"{self.prefix}-ssh"

    def container(self, name: str) -> str:
        """The container's name for a host's."""
        return f"{self.prefix}-{name}"


def this_lab() -> Lab:
    """The lab of this checkout that LAB_NAME chooses."""
    name = os.environ.get("LAB_NAME", "")
    if not re.fullmatch(r"[a-z0-9_]{0,30}", name):
        raise LabError(f"LAB_NAME is {name!r}: expected up to 30 lower-case letters, digits and underscores")
    suffix = f"-{name}" if name else ""
    return Lab(WORK / f"lab{suffix}", f"fullchain-{CHECKOUT}{suffix}")


# --- podman ---------------------------------------------------------------------------------------------------------


def run(*command: str) -> str:
    """Output of a command; LabError with the command and its words when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"{shlex.join(command)}\n{(done.stderr or done.stdout).strip()}")
    return done.stdout


def podman(*arguments: str) -> str:
    """Output of a podman command."""
    return run("podman", *runtime(), *arguments)


def runtime() -> Iterable[str]:
    """The runtime to name: crun, podman's default, refuses a machine whose cgroups are in hybrid mode."""
    hybrid = Path("/sys/fs/cgroup/unified").is_dir()
    return ("--runtime", "runc") if hybrid and shutil.which("runc") else ()


def limits() -> Iterable[str]:
    """Modest limits: podman's own defaults may be higher than this process may set, and then no container starts."""
    for name, which, enough in (("nofile", resource.RLIMIT_NOFILE, 65536), ("nproc", resource.RLIMIT_NPROC, 4096)):
        hard = resource.getrlimit(which)[1]
        limit = enough if hard == resource.RLIM_INFINITY else min(hard, enough)
        yield f"--ulimit={name}={limit}:{limit}"


def require_podman() -> None:
    """LabError where no lab can run."""
    missing = [program for program in ("podman", "mmdebstrap", "ssh") if not shutil.which(program)]
    if missing:
        raise LabError(
            f"not installed: {', '.join(missing)}. On Debian: apt-get install --no-install-recommends "
            "podman runc netavark aardvark-dns iptables mmdebstrap openssh-client"
        )
    if os.geteuid() != 0:
        raise LabError(
            "the lab has to be run as root (sudo): the controller connects to its hosts by their addresses, and those "
            "of rootless podman can't be reached from this machine"
        )


def containers(lab: Lab) -> dict[str, Container]:
    """The lab's hosts by name, the CA first."""
    ids = podman("ps", "--all", "--quiet", "--filter", f"label=fullchain.lab={lab.prefix}").split()
    found = [read_container(lab, item) for item in json.loads(podman("inspect", *ids))] if ids else []
    return {item.name: item for item in sorted(found, key=lambda item: (item.name != CA, item.name))}


def read_container(lab: Lab, item: dict[str, Any]) -> Container:
    """A host from `podman inspect`."""
    labels = item["Config"]["Labels"]
    network = item["NetworkSettings"]["Networks"].get(lab.prefix, {})
    return Container(
        name=labels["fullchain.host"],
        suite=labels["fullchain.suite"],
        names=tuple(labels["fullchain.names"].split()),
        address=network.get("IPAddress", ""),
        running=item["State"]["Running"],
    )


def start(lab: Lab, host: Host) -> None:
    """Creates and starts one host's container."""
    names = [option for name in host.names for option in ("--network-alias", name)]
    labels = {"lab": lab.prefix, "host": host.name, "suite": host.suite, "names": " ".join(host.names)}
    key = f"type=bind,source={lab.folder / 'id.pub'},destination=/home/ops/.ssh/authorized_keys,ro"
    podman(
        "run", "--detach", "--systemd=always", "--name", lab.container(host.name), "--hostname", host.name,
        "--network", lab.prefix, "--mac-address", mac_address(host), *(["--ip", host.address] if host.address else []), *names,
        *limits(),
        *(option for key_, value in labels.items() for option in ("--label", f"fullchain.{key_}={value}")),
        *machine_trust(), "--mount", key, image(host.suite), "/sbin/init",
    )  # fmt: skip


def machine_trust() -> Sequence[str]:
    """Where this machine reaches PyPI through a CA of its own (PIP_CERT), pip on the host trusts it too."""
    bundle = os.environ.get("PIP_CERT")
    return ("--mount", f"type=bind,source={bundle},destination=/etc/ssl/pip.pem,ro") if bundle else ()


def mac_address(host: Host) -> str:
    """A fixed address for each host name: a successor with the IP address but another MAC address would go unheard for
    half a minute, until the neighbours forget the old one.
    """
    octets = hashlib.sha256(host.name.encode()).digest()[:5]
    return ":".join(f"{octet:02x}" for octet in (0x02, *octets))


def remove(lab: Lab, names: Iterable[str]) -> None:
    """Removes hosts, running or not."""
    for name in names:
        hang_up(lab, name)
        podman("rm", "--force", "--time", "0", lab.container(name))


# --- images ---------------------------------------------------------------------------------------------------------


def image(suite: str) -> str:
    """Name of the suite's image; its tag is the hash of the definition, so a changed definition is another image."""
    digest = hashlib.sha256()
    for path in sorted(item for item in IMAGE_DEFINITION.rglob("*") if item.is_file()):
        digest.update(f"{path.relative_to(IMAGE_DEFINITION)}\0".encode() + path.read_bytes() + b"\0")
    return f"{IMAGE}/{suite}:{digest.hexdigest()[:12]}"


def build_images(suites: Iterable[str]) -> None:
    """Builds the images that are missing, two at a time; one builder at a time on this checkout."""
    with locked(WORK / "lab-images.lock"):
        have = podman("images", "--format", "{{.Repository}}:{{.Tag}}").split()
        missing = [suite for suite in dict.fromkeys(suites) if image(suite) not in have]
        with ThreadPoolExecutor(max_workers=2) as pool:
            list(pool.map(build_image, missing))


def build_image(suite: str) -> None:
    """Builds one image; LabError with the end of the log when that fails."""
    log, tarball = WORK / f"lab-image-{suite}.log", WORK / f"lab-image-{suite}.tar"
    began = time.monotonic()
    print(f"lab: building the image {image(suite)}, once, in about a minute (log: {log})", flush=True)
    try:
        with log.open("w") as output:
            done = subprocess.run(
                [IMAGE_DEFINITION / "build", suite, tarball], stdout=output, stderr=output, check=False
            )
        if done.returncode:
            raise LabError(f"the image of {suite} could not be built; the log ends:\n{log.read_text()[-2000:]}")
        podman("import", "--change", "CMD=/sbin/init", str(tarball), image(suite))
    finally:
        tarball.unlink(missing_ok=True)
    print(f"lab: {suite} built in {time.monotonic() - began:.0f} s", flush=True)


# --- the lab's folder -----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds the lock of that name; whoever comes second waits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def make_folder(lab: Lab) -> None:
    """The lab's folder with the key of `ops`, and the private folder of control sockets."""
    lab.folder.mkdir(parents=True, exist_ok=True)
    if not (lab.folder / "id").exists():
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", lab.prefix, "-f", str(lab.folder / "id"))
    lab.control.mkdir(mode=0o700, exist_ok=True)
    owner = lab.control.stat()
    if owner.st_uid != os.geteuid() or owner.st_mode & 0o077:
        raise LabError(f"{lab.control} has to be this user's alone; remove it")


def write_inventory(lab: Lab) -> None:
    """Writes inventory.yml (JSON is YAML)."""
    hosts = containers(lab).values()
    groups = {
        "acme": {"hosts": {host.name: host_variables(lab, host) for host in hosts if host.name == CA}},
        "web": {"hosts": {host.name: host_variables(lab, host) for host in hosts if host.name != CA}},
    }
    # Group variables, and not `all`'s: the controller itself, as localhost, must not get them.
    inventory = {"all": {"children": {"lab": {"children": groups, "vars": lab_variables(lab)}}}}
    (lab.folder / "inventory.yml").write_text(json.dumps(inventory, indent=2) + "\n")


def host_variables(lab: Lab, host: Container) -> dict[str, object]:
    """What the inventory says of one host."""
    return {
        "ansible_host": host.address,
        "ansible_control_path": str(lab.control / host.name),
        "lab_suite": host.suite,
        "lab_names": list(host.names),
    }


def lab_variables(lab: Lab) -> dict[str, object]:
    """What the inventory says of all hosts."""
    return {
        "ansible_user": "ops",
        "ansible_ssh_private_key_file": str(lab.folder / "id"),
        "ansible_ssh_args": "-o ControlMaster=auto -o ControlPersist=60s",
        "ansible_ssh_common_args": shlex.join(SSH_OPTIONS),
        "ansible_pipelining": True,
        "ansible_python_interpreter": "/usr/bin/python3",
        "lab_folder": str(lab.folder),
        "lab_acme_directory": f"https://{CA}:14000/dir",
        "lab_acme_ca": str(lab.folder / "acme-ca.pem"),
        "lab_eab_directory": f"https://{CA}:14001/dir",
        "lab_eab_kid": "lab",
        "lab_eab_key": str(lab.folder / "eab.key"),
        "lab_eab_root": str(lab.folder / "pebble-eab-root.pem"),
        "lab_root": str(lab.folder / "pebble-root.pem"),
        "lab_root_alternate": str(lab.folder / "pebble-root-alternate.pem"),
    }


# --- ssh ------------------------------------------------------------------------------------------------------------

# The hosts are new at each start and live on this machine's own bridge: their keys are neither asked for nor kept, and
# the person's own configuration stays out.
SSH_OPTIONS = (
    "-F", "/dev/null", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
    "-o", "IdentitiesOnly=yes",
)  # fmt: skip


def hang_up(lab: Lab, name: str) -> None:
    """Ends Ansible's standing connection to a host: its successor at the same address would not know it."""
    subprocess.run(["ssh", "-S", str(lab.control / name), "-O", "exit", name], capture_output=True, check=False)


def wait_for_ssh(host: Container) -> None:
    """Waits until sshd greets."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection((host.address, 22), timeout=1) as connection:
            if connection.recv(4) == b"SSH-":
                return
        time.sleep(0.1)
    raise LabError(f"{host.name} ({host.address}): no answer from sshd within {PATIENCE:.0f} s; see `lab/lab status`")


CURL = ("curl", "--silent", "--show-error", "--fail", "--cacert", "/etc/pebble/acme-ca.pem")
# Files of the lab's folder, and the command on the CA that prints each.
TRUST_FILES = {
    "acme-ca.pem": ("cat", "/etc/pebble/acme-ca.pem"),
    "pebble-root.pem": (*CURL, "https://localhost:15000/roots/0"),
    "pebble-root-alternate.pem": (*CURL, "https://localhost:15000/roots/1"),
    "pebble-eab-root.pem": (*CURL, "https://localhost:15001/roots/0"),
    "eab.key": ("cat", "/etc/pebble/eab.key"),
}


def fetch_trust(lab: Lab) -> None:
    """Fetches the files of the two CAs, waiting until they answer."""
    with ThreadPoolExecutor() as pool:
        texts = pool.map(lambda command: patiently(lab, *command), TRUST_FILES.values())
    for name, text in zip(TRUST_FILES, texts, strict=True):
        path = lab.folder / name
        path.touch(mode=0o600 if path.suffix == ".key" else 0o644)
        path.write_text(text)


def patiently(lab: Lab, *command: str) -> str:
    """Output of a command on the CA, tried again until it succeeds."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return podman("exec", lab.container(CA), *command)
        except LabError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


# --- commands -------------------------------------------------------------------------------------------------------


def up(lab: Lab, wanted: Sequence[Host]) -> None:
    """Makes the hosts run that don't run yet."""
    require_podman()
    with locked(lab.folder / "lock"):
        existing = containers(lab)
        for host in wanted:
            refuse_change(host, existing.get(host.name))
        running = {name for name, item in existing.items() if item.running}
        replace(lab, [host for host in wanted if host.name not in running], existing)
    print(f"lab: {', '.join(containers(lab))} up; inventory: {lab.folder / 'inventory.yml'}")


def refuse_change(host: Host, existing: Container | None) -> None:
    """LabError when the host exists and is another than the one that is wanted."""
    if existing and (existing.suite != host.suite or not set(host.names) <= set(existing.names)):
        raise LabError(
            f"{host.name} exists: {existing.suite}, with the names {' '.join(existing.names)}. Wanted is {host.suite}, "
            f"with {' '.join(host.names)}. Take it down first: lab/lab down {host.name}"
        )


def reset(lab: Lab, names: Sequence[str]) -> None:
    """Replaces hosts by new, empty ones with the same names and addresses."""
    require_podman()
    with locked(lab.folder / "lock"):
        existing = containers(lab)
        refuse_unknown(names, existing)
        replace(lab, [as_wanted(existing[name]) for name in names], existing)


def as_wanted(host: Container) -> Host:
    """The definition that a container was made from."""
    usual = Host(host.name, host.suite).names
    return Host(host.name, host.suite, tuple(name for name in host.names if name not in usual), host.address)


def replace(lab: Lab, hosts: Sequence[Host], existing: Iterable[str]) -> None:
    """Creates hosts in the place of those of the same name, and waits until they answer."""
    build_images(host.suite for host in hosts)
    make_folder(lab)
    if lab.prefix not in podman("network", "ls", "--format", "{{.Name}}").split():
        podman("network", "create", "--label", f"fullchain.checkout={CHECKOUT}", lab.prefix)
    names = [host.name for host in hosts]
    remove(lab, [name for name in names if name in existing])
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda host: start(lab, host), hosts))
        started = containers(lab)
        list(pool.map(wait_for_ssh, [started[name] for name in names]))
    if CA in names:
        fetch_trust(lab)
    write_inventory(lab)


def refuse_unknown(names: Iterable[str], existing: Iterable[str]) -> None:
    """LabError naming the hosts that aren't there."""
    unknown = [name for name in names if name not in existing]
    if unknown:
        raise LabError(f"no such host: {', '.join(unknown)} (there are: {', '.join(existing) or 'none'})")


def down(lab: Lab, names: Sequence[str]) -> None:
    """Removes the named hosts, or the whole lab with its network and its folder."""
    require_podman()
    if not names and not lab.folder.exists() and not containers(lab):
        return
    with locked(lab.folder / "lock"):
        existing = containers(lab)
        refuse_unknown(names, existing)
        remove(lab, names or existing)
        if names:
            write_inventory(lab)
            return
    podman("network", "rm", "--force", lab.prefix)
    shutil.rmtree(lab.folder, ignore_errors=True)
    shutil.rmtree(lab.control, ignore_errors=True)


def clean() -> None:
    """Removes every lab of this checkout, and the images."""
    require_podman()
    networks = podman("network", "ls", "--quiet", "--filter", f"label=fullchain.checkout={CHECKOUT}").split()
    base = f"fullchain-{CHECKOUT}"
    for prefix in networks:
        down(Lab(WORK / f"lab{prefix[len(base) :]}", prefix), ())
    images = podman("images", "--format", "{{.Repository}}:{{.Tag}}").split()
    for name in (item for item in images if item.startswith(f"{IMAGE}/")):
        with contextlib.suppress(LabError):  # another checkout's lab runs on it
            podman("rmi", name)


def status(lab: Lab) -> None:
    """Prints one line a host."""
    for host in containers(lab).values():
        state = "running" if host.running else "stopped"
        print(f"{host.name:8} {host.suite:9} {state:8} {host.address:15} {' '.join(host.names)}")


def orders(lab: Lab, show_log: bool) -> None:
    """Prints how many orders the CA was asked for since it started; with `show_log` its whole log."""
    log = podman("exec", lab.container(CA), "journalctl", "--unit", "pebble", "--output", "cat", "--no-pager")
    print(log if show_log else log.count("POST /order-plz -> calling handler()"))


def ssh(lab: Lab, name: str, command: Sequence[str]) -> None:
    """Becomes an ssh session on a host, or runs a command there."""
    existing = containers(lab)
    refuse_unknown([name], existing)
    arguments = ["ssh", *SSH_OPTIONS, "-i", str(lab.folder / "id"), f"ops@{existing[name].address}", *command]
    os.execvp("ssh", arguments)


def parse_hosts(specs: Sequence[str], aliases: Sequence[str]) -> list[Host]:
    """Hosts from `NAME` or `NAME=SUITE` and the aliases from `HOST=NAME`; the CA is always one of them."""
    suites = {CA: HOSTS[CA]}
    for spec in specs or HOSTS:
        name, suite = split_pair(spec)
        suites[name] = suite or HOSTS.get(name, "")
        if suites[name] not in SUITES or not re.fullmatch(r"[a-z][a-z0-9]*", name):
            raise LabError(f"{spec!r}: expected one of {', '.join(HOSTS)}, or NAME=SUITE (suites: {', '.join(SUITES)})")
    more = [split_pair(alias) for alias in aliases]
    unknown = [name for name, alias in more if name not in suites or not alias]
    if unknown:
        raise LabError(f"--alias of {', '.join(unknown)}: expected HOST=NAME with one of {', '.join(suites)}")
    return [Host(name, suite, tuple(alias for owner, alias in more if owner == name)) for name, suite in suites.items()]


def split_pair(text: str) -> tuple[str, str]:
    """`a=b` as (a, b), and `a` as (a, "")."""
    first, *rest = text.split("=", 1)
    return first, "".join(rest)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="lab/lab", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=text)

    add = command("up", "start hosts (default: all four) and the CA; those that run are left alone")
    add.add_argument("hosts", nargs="*", metavar="HOST", help=f"{', '.join(HOSTS)}, or NAME=SUITE")
    add.add_argument("--alias", action="append", default=[], metavar="HOST=NAME", help="one more DNS name of a host")
    command("reset", "replace hosts by new, empty ones").add_argument("hosts", nargs="+", metavar="HOST")
    command("down", "remove the named hosts, or the whole lab").add_argument("hosts", nargs="*", metavar="HOST")
    command("clean", "remove every lab of this checkout, and the images")
    command("build", "build the images that are missing")
    command("status", "one line a host: name, suite, state, address, names")
    command("inventory", "print the inventory")
    command("trust", "fetch the CA's files again (its root is new after `systemctl restart pebble`)")
    add = command("orders", "print how many orders the CA has been asked for")
    add.add_argument("--log", action="store_true", help="print the CA's log instead")
    add = command("ssh", "log in to a host as ops, or run a command there")
    add.add_argument("host", metavar="HOST")
    add.add_argument("arguments", nargs=argparse.REMAINDER, metavar="COMMAND")
    return top


def main() -> None:
    """Runs the command that the command line names."""
    arguments, lab = parser().parse_args(), this_lab()
    actions: dict[str, Callable[[], None]] = {
        "up": lambda: up(lab, parse_hosts(arguments.hosts, arguments.alias)),
        "reset": lambda: reset(lab, arguments.hosts),
        "down": lambda: down(lab, arguments.hosts),
        "clean": clean,
        "build": lambda: build_images(SUITES),
        "status": lambda: status(lab),
        "inventory": lambda: print((lab.folder / "inventory.yml").read_text(), end=""),
        "trust": lambda: fetch_trust(lab),
        "orders": lambda: orders(lab, arguments.log),
        "ssh": lambda: ssh(lab, arguments.host, arguments.arguments),
    }
    actions[arguments.command]()


if __name__ == "__main__":
    try:
        main()
    except LabError as problem:
        sys.exit(f"lab: {problem}")
