# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's servers for the protocols that come to TLS by STARTTLS, each a process of the test's own on 127.0.0.1."""

from __future__ import annotations

import contextlib
import glob
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.pki import Pki
from tests.unit.wire.servers import HOST, NAME, free_port, wait_for

ROOT = os.geteuid() == 0

_PATH = os.pathsep.join([os.environ["PATH"], "/usr/sbin", *sorted(glob.glob("/usr/lib/postgresql/*/bin"))])


@dataclass(frozen=True)
class Site:
    """Where a server's files are, and whether it is to have TLS."""

    directory: Path
    port: int
    tls: bool

    @property
    def chain(self) -> Path:
        return self.directory / "fullchain.pem"

    @property
    def key(self) -> Path:
        return self.directory / "privkey.pem"

    def write(self, name: str, text: str) -> str:
        (self.directory / name).write_text(text)
        return str(self.directory / name)

    def folder(self, name: str) -> str:
        (self.directory / name).mkdir()
        return str(self.directory / name)


def _postfix(site: Site) -> list[str]:
    data = site.folder("data")
    shutil.chown(data, "postfix")
    tls = f"smtpd_tls_chain_files = {site.key}, {site.chain}\nsmtpd_tls_security_level = may\n" if site.tls else ""
    site.write(
        "main.cf",
        f"compatibility_level = 3.6\nqueue_directory = {site.folder('queue')}\ndata_directory = {data}\n"
        f"myhostname = {NAME}\nmydestination =\ninet_interfaces = {HOST}\ninet_protocols = ipv4\n"
        f"maillog_file = {site.directory}/log\nmaillog_file_prefixes = {site.directory}\n{tls}",
    )
    services = (
        "tlsmgr unix - - n 1000? 1 tlsmgr",
        "anvil unix - - n - 1 anvil",
        "rewrite unix - - n - - trivial-rewrite",
    )
    more = ("proxymap unix - - n - - proxymap", "postlog unix-dgram n - n - 1 postlogd")
    site.write("master.cf", "\n".join((f"{site.port} inet n - n - - smtpd", *services, *more, "")))
    # What `postfix start` would do before it puts its master in the background.
    subprocess.run(
        ["postfix", "-c", str(site.directory), "check"], check=True, capture_output=True, env={"PATH": _PATH}
    )
    return ["/usr/lib/postfix/sbin/master", "-c", str(site.directory), "-d"]


def _dovecot(protocol: str) -> Callable[[Site], list[str]]:
    def configured(site: Site) -> list[str]:
        tls = f"ssl = yes\nssl_cert = <{site.chain}\nssl_key = <{site.key}" if site.tls else "ssl = no"
        listeners = f"inet_listener {protocol} {{\naddress = {HOST}\nport = {site.port}\n}}\ninet_listener {protocol}s {{\nport = 0\n}}"
        text = (
            f"base_dir = {site.directory}/run\nlog_path = {site.directory}/log\nprotocols = {protocol}\n{tls}\n"
            f"passdb {{\ndriver = static\n}}\nservice {protocol}-login {{\nchroot =\n{listeners}\n}}\n"
        )
        return ["dovecot", "-F", "-c", site.write("conf", text)]

    return configured


def _vsftpd(site: Site) -> list[str]:
    tls = f"ssl_enable=YES\nrsa_cert_file={site.chain}\nrsa_private_key_file={site.key}\n" if site.tls else ""
    text = (
        f"listen=YES\nlisten_address={HOST}\nlisten_port={site.port}\nbackground=NO\nrun_as_launching_user=YES\n"
        f"anonymous_enable=YES\nsecure_chroot_dir={site.folder('empty')}\n{tls}"
    )
    return ["vsftpd", site.write("conf", text)]


def _slapd(site: Site) -> list[str]:
    tls = f"TLSCertificateFile {site.chain}\nTLSCertificateKeyFile {site.key}\n" if site.tls else ""
    conf = site.write("conf", f"pidfile {site.directory}/pid\n{tls}")
    return ["slapd", "-d", "0", "-h", f"ldap://{HOST}:{site.port}", "-f", conf]


def _prosody(site: Site) -> list[str]:
    tls = f'ssl = {{ certificate = "{site.chain}"; key = "{site.key}" }}\n' if site.tls else ""
    modules = '"tls"; "saslauth"' if site.tls else '"saslauth"'
    text = (
        f'run_as_root = true\ndata_path = "{site.folder("data")}"\npidfile = "{site.directory}/pid"\n'
        f'interfaces = {{ "{HOST}" }}\nc2s_ports = {{ {site.port} }}\ns2s_ports = {{}}\nmodules_enabled = {{ {modules} }}\n'
        f'modules_disabled = {{ "s2s"; "s2s_auth_certs"; "http" }}\nlog = {{ info = "{site.directory}/log" }}\n'
        f'{tls}VirtualHost "{NAME}"\n'
    )
    return ["prosody", "--config", site.write("conf.lua", text), "-F"]


def _postgres(site: Site) -> list[str]:
    """It refuses to run as root."""
    data, as_other = site.directory / "data", ["runuser", "-u", "postgres", "--"] if ROOT else []
    if ROOT:
        for path in (site.directory, site.key):
            shutil.chown(path, "postgres")
    program = shutil.which("initdb", path=_PATH) or "initdb"
    subprocess.run(
        [*as_other, program, "-D", str(data), "-A", "trust", "--no-sync"],
        check=True,
        capture_output=True,
        cwd=site.directory,
    )
    tls = ["-c", "ssl=on", "-c", f"ssl_cert_file={site.chain}", "-c", f"ssl_key_file={site.key}"] if site.tls else []
    where = ["-c", f"listen_addresses={HOST}", "-c", f"port={site.port}", "-c", "unix_socket_directories="]
    return [*as_other, str(Path(program).with_name("postgres")), "-D", str(data), "-F", *where, *tls]


def _mariadb(site: Site) -> list[str]:
    """Without tables of privileges, which nobody gets as far as."""
    tls = [f"--ssl-cert={site.chain}", f"--ssl-key={site.key}"] if site.tls else ["--skip-ssl"]
    where = [
        f"--datadir={site.folder('data')}",
        f"--socket={site.directory}/socket",
        f"--port={site.port}",
        f"--bind-address={HOST}",
    ]
    quick = ["--no-defaults", "--skip-grant-tables", "--innodb=OFF", "--default-storage-engine=Aria"]
    return ["mariadbd", *quick, *where, *tls, f"--user={pwd.getpwuid(os.geteuid()).pw_name}"]


# The key of an endpoint's `starttls` -> the command that starts the server, its files having been written.
SERVERS: Mapping[str, Callable[[Site], Sequence[str]]] = {
    "smtp": _postfix,
    "imap": _dovecot("imap"),
    "pop3": _dovecot("pop3"),
    "ftp": _vsftpd,
    "ldap": _slapd,
    "xmpp": _prosody,
    "postgres": _postgres,
    "mysql": _mariadb,
}
# These change to users of their own.
NEED_ROOT = ("smtp", "imap", "pop3")


@contextlib.contextmanager
def serving(protocol: str, directory: Path, pki: Pki, chain: Sequence[str], tls: bool = True) -> Iterator[int]:
    """Debian's server for `protocol` with `chain`, or without TLS; its port."""
    directory.mkdir(parents=True, exist_ok=True)
    site = Site(directory, free_port(), tls)
    site.chain.write_text(pki.pem(*chain))
    site.key.touch(mode=0o600)
    site.key.write_text(pki.key_pem(chain[0]))
    program, *arguments = SERVERS[protocol](site)
    with (directory / "output").open("wb") as output:
        server = subprocess.Popen(
            [shutil.which(program, path=_PATH) or program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=directory,
            start_new_session=True,  # postfix ends its whole process group
        )
    try:
        wait_for(site.port)
        yield site.port
    finally:
        server.terminate()
        server.wait(timeout=20)
