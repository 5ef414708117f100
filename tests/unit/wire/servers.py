# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real servers on loopback: `openssl s_server`, nginx, and bare sockets for what no server does on purpose."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.pki import Cert, Pki, mint

HOST = "127.0.0.1"
NAME = "shop.example.com"

# An OpenSSL configuration that knows nothing older than TLS 1.2, as Debian 11 has it.
STRICT = """openssl_conf = init
[init]
ssl_conf = ssl
[ssl]
system_default = strict
[strict]
MinProtocol = TLSv1.2
CipherString = DEFAULT@SECLEVEL=2
"""


def shop() -> Pki:
    """A PKI with a leaf for NAME and 127.0.0.1, two intermediates and a root."""
    return mint(
        root=Cert(),
        upper=Cert(issuer="root"),
        inter=Cert(issuer="upper"),
        leaf=Cert(issuer="inter", names=[NAME, HOST]),
    )


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        return int(sock.getsockname()[1])


def wait_for(port: int, host: str = HOST, seconds: float = 10.0) -> None:
    """Return when something listens."""
    until = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((host, port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


@contextlib.contextmanager
def s_server(directory: Path, pki: Pki, chain: Sequence[str], *arguments: str) -> Iterator[int]:
    """OpenSSL's test server with `chain` (the leaf first); its port."""
    port = free_port()
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "leaf.pem").write_text(pki.pem(chain[0]))
    (directory / "chain.pem").write_text(pki.pem(*chain[1:]))
    (directory / "key.pem").write_text(pki.key_pem(chain[0]))
    command = ["openssl", "s_server", "-accept", f"{HOST}:{port}", "-quiet", "-cert", str(directory / "leaf.pem")]
    command += ["-key", str(directory / "key.pem"), *arguments]
    if len(chain) > 1:
        command += ["-cert_chain", str(directory / "chain.pem")]
    # Standard input stays open: s_server ends with it.
    server = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"OPENSSL_CONF": "/dev/null"},
    )
    try:
        wait_for(port)
        yield port
    finally:
        server.kill()
        server.communicate()


@contextlib.contextmanager
def nginx(
    directory: Path,
    pki: Pki,
    chain: Sequence[str],
    extra: str = "",
    workers: str = "1",
    address: str = HOST,
    port: int = 0,
) -> Iterator[int]:
    """nginx with one server block that serves `chain`; its port."""
    port = port or free_port()
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "fullchain.pem").write_text(pki.pem(*chain))
    (directory / "privkey.pem").write_text(pki.key_pem(chain[0]))
    temporary = "".join(
        f"{kind}_temp_path {directory}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (directory / "nginx.conf").write_text(
        f"""
        daemon off; worker_processes {workers}; pid {directory}/pid; error_log {directory}/error.log;
        events {{ worker_connections 1024; }}
        http {{
          access_log off; {temporary}
          server {{
            listen {address}:{port} ssl; ssl_certificate {directory}/fullchain.pem; ssl_certificate_key {directory}/privkey.pem;
            ssl_protocols TLSv1.2 TLSv1.3; {extra}
            location / {{ return 200 "ok"; }}
          }}
        }}"""
    )
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    server = subprocess.Popen(
        [program, "-p", str(directory), "-e", f"{directory}/error.log", "-c", f"{directory}/nginx.conf"]
    )
    try:
        wait_for(port, address)
        yield port
    finally:
        server.terminate()
        server.wait()


Handler = Callable[[socket.socket], None]


@contextlib.contextmanager
def raw_server(handler: Handler) -> Iterator[int]:
    """A listening socket whose connections go to `handler`, each in a thread; its port."""
    listener = socket.create_server((HOST, 0), backlog=256)
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError):
                connection, _peer = listener.accept()
                threading.Thread(target=_handle, args=(handler, connection), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _handle(handler: Handler, connection: socket.socket) -> None:
    # A client may be gone before its handler is done with it.
    with connection, contextlib.suppress(OSError):
        handler(connection)


def stall(connection: socket.socket) -> None:
    """Read, answer nothing, until the client hangs up."""
    while connection.recv(4096):
        pass


def stall_in_mid_handshake(connection: socket.socket) -> None:
    """The head of a ServerHello's record, and then nothing."""
    connection.recv(4096)
    connection.sendall(bytes.fromhex("160303007a02000076"))
    stall(connection)


def drip(connection: socket.socket) -> None:
    """A handshake record of 16 KB, a byte at a time."""
    connection.recv(4096)
    connection.sendall(bytes.fromhex("1603034000020000"))
    while True:
        connection.sendall(b"\0")
        time.sleep(0.1)


def plain_http(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


def smtp(connection: socket.socket) -> None:
    connection.sendall(b"220 mail.example.com ESMTP ready\r\n")
    stall(connection)


def garbage(connection: socket.socket) -> None:
    connection.sendall(b"\x00\xff\x1b[31m" * 20)
    stall(connection)


def reset(connection: socket.socket) -> None:
    """Take the ClientHello and answer with a TCP reset."""
    connection.recv(4096)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang_up(connection: socket.socket) -> None:
    connection.recv(4096)


def alert(connection: socket.socket) -> None:
    """A fatal handshake_failure alert (RFC 8446, 6.2)."""
    connection.recv(4096)
    connection.sendall(bytes.fromhex("15030300020228"))


def half_a_record(connection: socket.socket) -> None:
    """The head of a record that announces 122 bytes and half of them, and the end of the connection."""
    connection.recv(4096)
    connection.sendall(bytes.fromhex("160303007a02000076") + bytes(57))


def flood(connection: socket.socket) -> None:
    """HelloRequests without end, which a TLS client skips (RFC 5246, 7.4.1.1)."""
    connection.recv(4096)
    while True:
        connection.sendall(bytes.fromhex("160303000400000000") * 1000)


def records_of(connection: socket.socket, count: int) -> bytes:
    """The next `count` TLS records that come in."""
    data = bytearray()
    for _record in range(count):
        head = _exactly(connection, 5)
        data += head + _exactly(connection, int.from_bytes(head[3:], "big"))
    return bytes(data)


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise ConnectionResetError
        data += more
    return data


def first_records(upstream: int, count: int, then: Handler) -> Handler:
    """A handler that passes on the first `count` records of the server at `upstream`, and goes on as `then` does."""

    def relay(connection: socket.socket) -> None:
        with socket.create_connection((HOST, upstream)) as server:
            server.sendall(connection.recv(16384))
            connection.sendall(records_of(server, count))
            then(connection)

    return relay


def taking_turns(upstreams: Sequence[int]) -> Handler:
    """A handler that passes connections on to the servers at `upstreams` in turn, as a load balancer does."""
    turns = itertools.cycle(upstreams)

    def relay(connection: socket.socket) -> None:
        with socket.create_connection((HOST, next(turns))) as server:
            back = threading.Thread(target=_pass_on, args=(server, connection), daemon=True)
            back.start()
            _pass_on(connection, server)
            back.join()

    return relay


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(16384):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
