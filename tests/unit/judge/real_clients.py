# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the real TLS clients of this machine what they make of a chain. Everything on 127.0.0.1."""

from __future__ import annotations

import base64
import json
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from OpenSSL import SSL, crypto

SOURCES = Path(__file__).parent / "clients"
# go.mod says of which version the defaults are; no other toolchain is fetched for it.
_GO = {**os.environ, "GOTOOLCHAIN": "local"}


@dataclass(frozen=True)
class Served:
    """A chain on a port of this machine."""

    chain: tuple[bytes, ...]  # exactly what is sent
    key: str
    trust: str
    server_name: str
    exotic_key: bool = False  # of a kind that Go does not serve
    staple: bytes = b""  # the OCSP response that comes along
    client: str = ""  # a certificate that the client presents when asked, and its key
    port: int = 0
    trust_file: str = ""
    client_file: str = ""  # `client` for those that read files; beside it, with the suffix .p12, for Java

    def as_json(self) -> dict[str, object]:
        staple = base64.b64encode(self.staple).decode()
        return {**asdict(self), "chain": [base64.b64encode(der).decode() for der in self.chain], "staple": staple}


def ask(cases: Sequence[Served], directory: Path) -> dict[str, list[str]]:
    """What each client says to each case: "" when it accepts, else its words. Needs them all; `make unit` installs them."""
    program = directory / "peer"
    subprocess.run(["go", "build", "-o", program, "."], check=True, cwd=SOURCES, env=_GO)
    with _serving(cases, program, directory) as listening:
        return {name: ask_client(listening, directory) for name, ask_client in _CLIENTS.items()}


def ask_about(case: Served, directory: Path) -> dict[str, str]:
    """What each client says to what listens on the case's port already, with the case's client certificate."""
    (listening,) = _prepared([case], directory)
    subprocess.run(["go", "build", "-o", directory / "peer", "."], check=True, cwd=SOURCES, env=_GO)
    _write_cases([listening], directory)
    return {name: ask_client([listening], directory)[0] for name, ask_client in _CLIENTS.items()}


@contextmanager
def _serving(cases: Sequence[Served], program: Path, directory: Path) -> Iterator[list[Served]]:
    """Each case on a port of its own. Go serves whatever bytes it is given; for keys that it does not know, OpenSSL does."""
    prepared = _prepared(cases, directory)
    _write_cases([case for case in prepared if not case.exotic_key], directory)
    server = subprocess.Popen(
        [program, "serve", directory / "cases.json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "GODEBUG": "rsa1024min=0"},  # the server serves what the client is to refuse
    )
    try:
        assert server.stdout is not None
        listening = _with_ports(prepared, [int(port) for port in server.stdout.readline().split()])
        _write_cases(listening, directory)
        yield listening
    finally:
        server.kill()
        server.wait()


def _prepared(cases: Sequence[Served], directory: Path) -> list[Served]:
    """The cases with the files that clients read."""
    prepared = []
    for number, case in enumerate(cases):
        trust_file, client_file = directory / f"trust{number}.pem", directory / f"client{number}.pem"
        trust_file.write_text(case.trust)
        if case.client:
            client_file.write_text(case.client)
            certificate, key = x509.load_pem_x509_certificate(case.client.encode()), _key(case.client)
            encrypted = serialization.BestAvailableEncryption(b"changeit")
            store = pkcs12.serialize_key_and_certificates(b"client", key, certificate, None, encrypted)
            client_file.with_suffix(".p12").write_bytes(store)
        prepared.append(replace(case, trust_file=str(trust_file), client_file=str(client_file) if case.client else ""))
    return prepared


def _key(pem: str) -> Any:
    return serialization.load_pem_private_key(pem[pem.index("-----BEGIN PRIVATE KEY") :].encode(), None)


def _with_ports(cases: Sequence[Served], ports: Sequence[int]) -> list[Served]:
    """The cases with the ports that Go serves them on, in their order; OpenSSL is started for the others."""
    left = iter(ports)
    return [
        replace(case, port=_serve_with_openssl(case.chain, case.key) if case.exotic_key else next(left))
        for case in cases
    ]


def _serve_with_openssl(chain: Sequence[bytes], key: str) -> int:
    """Serve the chain on a port of 127.0.0.1 for as long as this process lives; the port."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_cipher_list(b"ALL:@SECLEVEL=0")
    leaf, *issuers = map(x509.load_der_x509_certificate, chain)
    context.use_certificate(leaf)
    for issuer in issuers:
        context.add_extra_chain_cert(issuer)
    # pyOpenSSL takes no ML-DSA key of cryptography's.
    context.use_privatekey(crypto.load_privatekey(crypto.FILETYPE_PEM, key.encode()))
    listener = socket.create_server(("127.0.0.1", 0), backlog=20)
    threading.Thread(target=_accept, args=(listener, context), daemon=True).start()
    return int(listener.getsockname()[1])


def _accept(listener: socket.socket, context: SSL.Context) -> None:
    while True:
        plain, _peer = listener.accept()
        threading.Thread(target=_answer, args=(SSL.Connection(context, plain),), daemon=True).start()


def _answer(connection: SSL.Connection) -> None:
    connection.set_accept_state()
    with suppress(SSL.Error):
        connection.do_handshake()
        if connection.recv(4096):
            connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
    connection.close()


def _write_cases(cases: Sequence[Served], directory: Path) -> None:
    (directory / "cases.json").write_text(json.dumps([case.as_json() for case in cases]))


def _each(
    command: Callable[[Served], list[str]], accepted: Callable[[subprocess.CompletedProcess[str]], bool]
) -> Callable[..., list[str]]:
    def run(case: Served) -> str:
        done = subprocess.run(
            command(case), input="", capture_output=True, text=True, errors="replace", timeout=30, check=False
        )
        return "" if accepted(done) else (done.stderr + done.stdout).strip() or f"exit status {done.returncode}"

    def run_all(cases: Sequence[Served], _directory: Path) -> list[str]:
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(run, cases))

    return run_all


def _is_address(name: str) -> bool:
    return ":" in name or name.replace(".", "").isdigit()


def _openssl(case: Served) -> list[str]:
    check = (
        ["-verify_ip", case.server_name]
        if _is_address(case.server_name)
        else ["-verify_hostname", case.server_name, "-servername", case.server_name]
    )
    return ["openssl", "s_client", "-connect", f"127.0.0.1:{case.port}", "-CAfile", case.trust_file, "-no-CApath", "-no-CAstore",
            "-verify_return_error", *(["-cert", case.client_file] if case.client else []), *check]  # fmt: skip


def _curl(case: Served) -> list[str]:
    name = case.server_name
    bracketed = f"[{name}]" if ":" in name else name
    return ["curl", "-sS", "--cacert", case.trust_file, "--capath", "/nonexistent", "--connect-to", f"::127.0.0.1:{case.port}",
            *(["--cert", case.client_file] if case.client else []), f"https://{bracketed}/"]  # fmt: skip


def _gnutls(case: Served) -> list[str]:
    return ["gnutls-cli", "--x509cafile", case.trust_file, "--port", str(case.port), "--no-ocsp", "--sni-hostname", case.server_name,
            "--verify-hostname", case.server_name,
            *(["--x509certfile", case.client_file, "--x509keyfile", case.client_file] if case.client else []), "127.0.0.1"]  # fmt: skip


def _python(cases: Sequence[Served], _directory: Path) -> list[str]:
    def connect(case: Served) -> str:
        try:
            context = ssl.create_default_context(cadata=case.trust)
            if case.client:
                context.load_cert_chain(case.client_file)
            with (
                socket.create_connection(("127.0.0.1", case.port), 10) as plain,
                context.wrap_socket(plain, server_hostname=case.server_name),
            ):
                return ""
        except (OSError, ValueError) as error:
            return str(error)

    return [connect(case) for case in cases]


def _java(cases: Sequence[Served], directory: Path) -> list[str]:
    subprocess.run(["javac", "-d", directory, SOURCES / "Client.java"], check=True)
    lines = directory / "java.tsv"
    lines.write_text(
        "".join(f"{c.port}\t{c.server_name}\t{c.trust_file}\t{c.client_file.replace('.pem', '.p12')}\n" for c in cases)
    )
    done = subprocess.run(
        ["java", "-XX:TieredStopAtLevel=1", "-cp", directory, "Client", lines],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split("\n")[: len(cases)]


def _json_answers(command: Callable[[Path], list[str]]) -> Callable[..., list[str]]:
    def run(_cases: Sequence[Served], directory: Path) -> list[str]:
        done = subprocess.run(command(directory), capture_output=True, text=True, check=True)
        return [str(answer) for answer in json.loads(done.stdout)]

    return run


_CLIENTS: dict[str, Callable[..., list[str]]] = {
    "openssl": _each(_openssl, lambda done: done.returncode == 0),
    "curl": _each(_curl, lambda done: done.returncode == 0),
    "python": _python,
    "nodejs": _json_answers(lambda directory: ["node", str(SOURCES / "client.js"), str(directory / "cases.json")]),
    "java": _java,
    "go": _json_answers(lambda directory: [str(directory / "peer"), "connect", str(directory / "cases.json")]),
    "gnutls": _each(_gnutls, lambda done: done.returncode == 0 and "Handshake was completed" in done.stdout),
}
