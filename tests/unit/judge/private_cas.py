# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chains of private CAs, made by the tools that people make them with, as those do it when nothing else is said."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID as E
from cryptography.x509.oid import ObjectIdentifier as O

from tests.pki import Cert, mint
from tests.unit.judge.cases import SHOP

_NAMED = f"subjectAltName=DNS:{SHOP}"


@dataclass(frozen=True)
class Chain:
    """PEM texts: what is served, leaf first; the leaf's key; what is trusted."""

    served: str
    key: str
    trust: str


def openssl_x509(folder: Path, names: str = "") -> Chain:
    """`req -x509`, and `x509 -req` for the leaf, with or without an alternative name."""
    _openssl(folder, "req -x509 -newkey rsa:2048 -nodes -days 3650 -keyout ca.key -out ca.pem", "-subj", "/CN=Home CA")
    _openssl(folder, "req -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr", "-subj", f"/CN={SHOP}")
    (folder / "names").write_text(names + "\n")
    extensions = "-extfile names" if names else ""
    _openssl(
        folder, f"x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 365 -out leaf.pem {extensions}"
    )
    return _read(folder, ["leaf.pem"], "leaf.key", "ca.pem")


def openssl_self_signed(folder: Path) -> Chain:
    """`req -x509` for the server itself, which makes a CA's certificate of it; that is trusted."""
    _openssl(folder, "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -keyout leaf.key -out leaf.pem",
             "-subj", f"/CN={SHOP}", "-addext", _NAMED)  # fmt: skip
    return _read(folder, ["leaf.pem"], "leaf.key", "leaf.pem")


def openssl_ca(folder: Path) -> Chain:
    """`openssl ca` with the sections of OpenSSL's own openssl.cnf: v3_ca for the root, usr_cert for the leaf."""
    (folder / "newcerts").mkdir()
    (folder / "index.txt").touch()
    (folder / "ca.cnf").write_text(
        "[ca]\ndefault_ca=d\n[d]\ndir=.\ndatabase=index.txt\nnew_certs_dir=newcerts\nrand_serial=yes\ndefault_md=sha256\ndefault_days=365\n"
        "policy=p\nx509_extensions=usr_cert\ncopy_extensions=copy\n[p]\ncommonName=supplied\n"
        "[usr_cert]\nbasicConstraints=CA:FALSE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid,issuer\n"
        "[v3_ca]\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid:always,issuer\nbasicConstraints=critical,CA:true\n"
        "[req]\ndistinguished_name=n\n[n]\n"
    )
    _openssl(
        folder,
        "req -config ca.cnf -extensions v3_ca -x509 -newkey rsa:2048 -nodes -days 3650 -keyout ca.key -out ca.pem",
        "-subj",
        "/CN=CA",
    )
    _openssl(
        folder,
        "req -config ca.cnf -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr",
        "-subj",
        f"/CN={SHOP}",
        "-addext",
        _NAMED,
    )
    _openssl(folder, "ca -config ca.cnf -batch -notext -cert ca.pem -keyfile ca.key -in leaf.csr -out leaf.pem")
    return _read(folder, ["leaf.pem"], "leaf.key", "ca.pem")


def easy_rsa(folder: Path) -> Chain:
    """easy-rsa 3: build-ca, and build-server-full."""
    _easy_rsa(folder / "pki", "init-pki")
    _easy_rsa(folder / "pki", "build-ca", "nopass", cn="Easy-RSA CA")
    _easy_rsa(folder / "pki", "build-server-full", SHOP, "nopass", names=f"DNS:{SHOP}")
    return _read(folder / "pki", [f"issued/{SHOP}.crt"], f"private/{SHOP}.key", "ca.crt")


def easy_rsa_sub_ca(folder: Path) -> Chain:
    """easy-rsa 3: a CA below another one."""
    root, sub = folder / "root", folder / "sub"
    _easy_rsa(root, "init-pki")
    _easy_rsa(root, "build-ca", "nopass", cn="Root")
    _easy_rsa(sub, "init-pki")
    _easy_rsa(sub, "build-ca", "nopass", "subca", cn="Sub")
    _easy_rsa(root, "import-req", str(sub / "reqs/ca.req"), "sub")
    _easy_rsa(root, "sign-req", "ca", "sub")
    (sub / "ca.crt").write_bytes((root / "issued/sub.crt").read_bytes())
    # as long as the CA's own certificate by default: it would outlive that by however long this takes
    _easy_rsa(sub, "--days=90", "build-server-full", SHOP, "nopass", names=f"DNS:{SHOP}")
    return _read(folder, [f"sub/issued/{SHOP}.crt", "sub/ca.crt"], f"sub/private/{SHOP}.key", "root/ca.crt")


def certtool(folder: Path) -> Chain:
    """GnuTLS's certtool, with its templates."""
    (folder / "ca.cfg").write_text("cn = GnuTLS CA\nca\ncert_signing_key\nexpiration_days = 3650\n")
    (folder / "leaf.cfg").write_text(
        f"cn = {SHOP}\ndns_name = {SHOP}\ntls_www_server\nsigning_key\nencryption_key\nexpiration_days = 365\n"
    )
    for who in ("ca", "leaf"):
        _run(folder, "certtool", "--generate-privkey", "--key-type", "rsa", "--bits", "2048", "--outfile", f"{who}.key")
    _run(
        folder,
        "certtool",
        "--generate-self-signed",
        "--load-privkey",
        "ca.key",
        "--template",
        "ca.cfg",
        "--outfile",
        "ca.pem",
    )
    _run(folder, "certtool", "--generate-certificate", "--load-privkey", "leaf.key", "--load-ca-certificate", "ca.pem",
         "--load-ca-privkey", "ca.key", "--template", "leaf.cfg", "--outfile", "leaf.pem")  # fmt: skip
    return _read(folder, ["leaf.pem"], "leaf.key", "ca.pem")


def keytool(folder: Path) -> Chain:
    """Java's keytool: -genkeypair for a CA and for the server, -gencert between them."""

    def run(*arguments: str) -> None:
        _run(folder, "keytool", *arguments, "-keystore", "store.p12", "-storepass", "changeit")

    run("-genkeypair", "-alias", "ca", "-keyalg", "RSA", "-dname", "CN=Java CA", "-ext", "bc:c", "-validity", "3650")
    run("-genkeypair", "-alias", "leaf", "-keyalg", "RSA", "-dname", f"CN={SHOP}")
    run("-certreq", "-alias", "leaf", "-file", "leaf.csr")
    run("-gencert", "-alias", "ca", "-infile", "leaf.csr", "-outfile", "leaf.pem", "-rfc", "-ext", f"san=dns:{SHOP}")
    run("-exportcert", "-alias", "ca", "-rfc", "-file", "ca.pem")
    _openssl(folder, "pkcs12 -in store.p12 -nocerts -nodes -passin pass:changeit -out keys.pem")
    keys = (folder / "keys.pem").read_text().split("Bag Attributes")
    leafs = next(text for text in keys if "friendlyName: leaf" in text)
    (folder / "leaf.key").write_text(leafs[leafs.index("-----BEGIN") :])
    return _read(folder, ["leaf.pem"], "leaf.key", "ca.pem")


def step(_folder: Path) -> Chain:
    """As step-ca makes them: path lengths all the way, a provisioner's extension, a leaf for a day."""
    provisioner = x509.UnrecognizedExtension(O("1.3.6.1.4.1.37476.9000.64.1"), b"\x30\x03\x02\x01\x01")
    return _minted(
        root=Cert(cn="Home Root CA", path_length=1),
        inter=Cert(issuer="root", cn="Home Intermediate CA", path_length=0),
        leaf=Cert(issuer="inter", names=[SHOP], starts="-1h", ends="23h", usages=[E.SERVER_AUTH, E.CLIENT_AUTH],
                  extensions=[(provisioner, False)]),
    )  # fmt: skip


def active_directory(_folder: Path) -> Chain:
    """As Active Directory Certificate Services make them: the CA without key usage, basicConstraints not critical, a leaf of a template."""
    bare = [(x509.BasicConstraints(True, None), False), _microsoft("21.1", b"\x02\x01\x00")]
    template = [
        _microsoft("20.2", b"\x1e\x12" + "WebServer".encode("utf-16-be")),
        _microsoft("21.10", bytes.fromhex("300c300a06082b06010505070301")),
    ]
    points = x509.CRLDistributionPoints(
        [x509.DistributionPoint([x509.UniformResourceIdentifier("ldap:///CN=CA,DC=corp")], None, None, None)]
    )
    return _minted(
        root=Cert(cn="corp-DC01-CA", without=[x509.KeyUsage], extensions=bare),
        inter=Cert(issuer="root", cn="corp-ISSUING-CA", without=[x509.KeyUsage], extensions=bare, key_ids=False),
        leaf=Cert(issuer="inter", names=[SHOP], key_ids=False, without=[x509.BasicConstraints], key_type="rsa2048",
                  extensions=[*template, (points, False)]),
    )  # fmt: skip


def kubeadm(_folder: Path) -> Chain:
    """As kubeadm makes them: a root with an alternative name that signs leaves itself."""
    names = x509.SubjectAlternativeName([x509.DNSName("kubernetes")])
    return _minted(
        root=Cert(cn="kubernetes", extensions=[(names, False)]),
        leaf=Cert(
            issuer="root", cn="kube-apiserver", names=["kubernetes.default.svc.cluster.local", SHOP, "10.96.0.1"]
        ),
    )


PRIVATE_CAS: dict[str, Callable[[Path], Chain]] = {
    "openssl req and x509": openssl_x509,
    "openssl req and x509 with a name": lambda folder: openssl_x509(folder, _NAMED),
    "openssl req, trusted itself": openssl_self_signed,
    "openssl ca": openssl_ca,
    "easy-rsa": easy_rsa,
    "easy-rsa, a CA below another": easy_rsa_sub_ca,
    "certtool": certtool,
    "keytool": keytool,
    "step": step,
    "Active Directory": active_directory,
    "kubeadm": kubeadm,
}


def _microsoft(arc: str, value: bytes) -> tuple[x509.ExtensionType, bool]:
    return x509.UnrecognizedExtension(O(f"1.3.6.1.4.1.311.{arc}"), value), False


def _minted(**declared: Cert) -> Chain:
    pki = mint(**declared)
    return Chain(
        pki.pem(*(name for name in reversed(declared) if name != "root")), pki.key_pem("leaf"), pki.pem("root")
    )


def _openssl(folder: Path, arguments: str, *more: str) -> None:
    _run(folder, "openssl", *arguments.split(), *more)


def _easy_rsa(pki: Path, *arguments: str, cn: str = "", names: str = "") -> None:
    settings = {"EASYRSA_BATCH": "1", "EASYRSA_PKI": str(pki), **({"EASYRSA_REQ_CN": cn} if cn else {})}
    options = [f"--subject-alt-name={names}"] if names else []
    _run(pki.parent, "/usr/share/easy-rsa/easyrsa", *options, *arguments, **settings)


def _run(folder: Path, *command: str, **environment: str) -> None:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env={**os.environ, **environment}, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _read(folder: Path, chain: list[str], key: str, trust: str) -> Chain:
    served = "".join((folder / name).read_text() for name in chain)
    return Chain(served, _as_pkcs8((folder / key).read_text()), (folder / trust).read_text())


def _as_pkcs8(pem: str) -> str:
    """certtool writes text beside the key."""
    key = serialization.load_pem_private_key(pem[pem.index("-----BEGIN") :].encode(), None)
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
