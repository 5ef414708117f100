# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates, keys and trust stores: what is read, and what is said of what cannot be."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.libraries import require_libraries
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki import trust as trust_module
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import (
    Malformed,
    parse_certificate,
    printable,
    signed_by,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.keys import (
    read_private_key,
    read_public_key,
    spki_sha256,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.pem import read_certificates, to_pem
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.trust import (
    TrustStore,
    load_trust_store,
    located,
)
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12
from cryptography.x509.oid import ExtensionOID
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pki import Cert, Pki, mint, write_pem


@pytest.fixture(scope="module")
def pki() -> Pki:
    return mint(
        root=Cert(),
        root2=Cert(cn="root"),
        inter=Cert(issuer="root"),
        leaf=Cert(issuer="inter", names=["shop.example.com", "192.0.2.7"], ca_issuers=["http://ca.example.com/i.der"]),
        bare=Cert(issuer="inter", cn="", names=["bare.example.com"], key_ids=False),
        rsa=Cert(issuer="inter", names=["rsa.example.com"], key_type="rsa2048"),
    )


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(InputError) as raised:
        call()
    return str(raised.value)


# certificates


def test_a_leaf_is_read(pki: Pki) -> None:
    leaf = pki["leaf"]

    assert (leaf.subject, leaf.issuer, leaf.label, leaf.common_name) == ("CN=leaf", "CN=inter", "CN=leaf", "leaf")
    assert leaf.dns_names == ("shop.example.com",)
    assert leaf.ip_addresses == (ip_address("192.0.2.7"),)
    assert leaf.alt_name_kinds == {"dns", "ip"}
    assert leaf.ca_issuers == ("http://ca.example.com/i.der",)
    assert leaf.not_before < pki.now < leaf.not_after
    assert not leaf.is_ca and not leaf.self_issued and not leaf.self_signed
    assert leaf.authority_key_id == pki["inter"].subject_key_id


def test_a_certificate_without_anything_optional_is_read(pki: Pki) -> None:
    bare = pki["bare"]

    assert (bare.subject, bare.common_name, bare.label) == ("", None, "bare.example.com")
    assert bare.subject_key_id is None and bare.authority_key_id is None and bare.ca_issuers == ()


def test_a_nameless_certificate_has_a_label() -> None:
    certificate = mint(leaf=Cert(cn="", ca=False))["leaf"]

    assert certificate.label == f"sha256 {certificate.sha256[:16]}"
    assert certificate.alt_name_kinds == frozenset()


def test_equal_is_what_has_the_same_der(pki: Pki) -> None:
    again = parse_certificate(bytes(bytearray(pki.der("leaf"))))

    assert again == pki["leaf"] and len({again, pki["leaf"], pki["inter"]}) == 2


def test_garbage_is_malformed() -> None:
    malformed = parse_certificate(b"garbage")

    assert isinstance(malformed, Malformed)
    assert malformed.reason and malformed.sha256.startswith("795b6904e54f8241")


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_parsing_never_raises(data: bytes) -> None:
    assert isinstance(parse_certificate(data), Malformed)


def test_signatures(pki: Pki) -> None:
    assert signed_by(pki["leaf"], pki["inter"])
    assert signed_by(pki["root"], pki["root"])
    assert not signed_by(pki["inter"], pki["root2"])
    assert not signed_by(pki["leaf"], pki["rsa"])


def test_pem_there_and_back(pki: Pki) -> None:
    assert read_certificates("".join(to_pem(c) for c in pki.chain("leaf", "inter")), "x") == pki.chain("leaf", "inter")


@pytest.mark.parametrize(
    "damage",
    [
        lambda pem: pem.replace("\n", "\r\n"),
        lambda pem: "Bag Attributes\n    friendlyName: Köln\n" + pem + "trailing text",
        lambda pem: pem.replace("-----END CERTIFICATE-----\n", "-----END CERTIFICATE-----"),
        lambda pem: "\ufeff" + pem,
        lambda pem: pem.replace("BEGIN CERTIFICATE", "BEGIN X509 CERTIFICATE").replace(
            "END CERTIFICATE", "END X509 CERTIFICATE"
        ),
        lambda pem: pem + "-----BEGIN DH PARAMETERS-----\nMAYCAQ==\n-----END DH PARAMETERS-----\n",
        lambda pem: pem.encode(),
        lambda pem: pem.encode("utf-16"),
        lambda pem: ("Köln\n" + pem).encode("latin-1"),
        lambda pem: b"\xef\xbb\xbf" + pem.encode(),
    ],
    ids=["CRLF", "text", "no newline", "BOM", "old label", "parameters", "bytes", "UTF-16", "Latin-1", "UTF-8 BOM"],
)
def test_what_pem_files_are_like(pki: Pki, damage: Callable[[str], str | bytes]) -> None:
    assert read_certificates(damage(pki.pem("leaf", "inter")), "x.pem") == pki.chain("leaf", "inter")


def test_der_is_taken(pki: Pki) -> None:
    assert read_certificates(pki.der("leaf"), "x.der") == (pki["leaf"],)


def _block(label: str, body: str = "AAAA") -> str:
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"


BAD_CERTIFICATES = [
    ("", "x.pem is empty (expected PEM text with '-----BEGIN CERTIFICATE-----')"),
    (" \n", "x.pem is empty (expected PEM text with '-----BEGIN CERTIFICATE-----')"),
    ("hello", "x.pem holds no certificate (expected PEM text with '-----BEGIN CERTIFICATE-----')"),
    (_block("DH PARAMETERS"), "x.pem holds no certificate (expected PEM text with '-----BEGIN CERTIFICATE-----')"),
    (_block("PKCS7"), "x.pem is PKCS#7, not PEM certificates (convert it: openssl pkcs7 -print_certs)"),
    (_block("TRUSTED CERTIFICATE"), "x.pem holds OpenSSL's TRUSTED CERTIFICATE form (convert it: openssl x509)"),
    (
        _block("CERTIFICATE REQUEST"),
        "x.pem holds a certificate request where a certificate is wanted (expected '-----BEGIN CERTIFICATE-----')",
    ),
    (
        _block("PUBLIC KEY"),
        "x.pem holds a public key where a certificate is wanted (expected '-----BEGIN CERTIFICATE-----')",
    ),
    (
        _block("X509 CRL"),
        "x.pem holds a revocation list where a certificate is wanted (expected '-----BEGIN CERTIFICATE-----')",
    ),
    (
        _block("ODD THING"),
        "x.pem holds 'BEGIN ODD THING' where a certificate is wanted (expected '-----BEGIN CERTIFICATE-----')",
    ),
    (_block("CERTIFICATE", "!!!"), "certificate #1 in x.pem is damaged: its text is not base64"),
    (
        "-----BEGIN CERTIFICATE-----\nAAAA",
        "x.pem has a '-----BEGIN CERTIFICATE-----' without its '-----END CERTIFICATE-----' (is the file cut off?)",
    ),
    (b"\x80\x81\x82", "x.pem is binary and not PEM (expected text with '-----BEGIN CERTIFICATE-----')"),
]


@pytest.mark.parametrize(("text", "message"), BAD_CERTIFICATES)
def test_what_is_no_certificate(text: str | bytes, message: str) -> None:
    assert refusal(lambda: read_certificates(text, "x.pem")) == message


def test_the_block_that_is_bad_is_named(pki: Pki) -> None:
    message = refusal(lambda: read_certificates(pki.pem("leaf") + _block("CERTIFICATE"), "x.pem"))

    assert message.startswith("certificate #2 in x.pem cannot be parsed: ")


def test_a_private_key_among_certificates_is_refused_and_never_quoted(pki: Pki) -> None:
    key = pki.key_pem("leaf")

    message = refusal(lambda: read_certificates(pki.pem("leaf") + key, "x.pem"))

    assert (
        message
        == "x.pem holds a private key where a certificate is wanted (keep key and certificates in separate files)"
    )
    assert not any(line in message for line in key.splitlines()[1:-1])


@pytest.mark.parametrize("kind", ["p12", "p7b"])
def test_binary_containers_are_refused_with_their_remedy(pki: Pki, kind: str) -> None:
    leaf = pki["leaf"].x509
    data = (
        pkcs12.serialize_key_and_certificates(b"x", pki.key("leaf"), leaf, None, serialization.NoEncryption())
        if kind == "p12"
        else pkcs7.serialize_certificates([leaf], serialization.Encoding.DER)
    )

    assert refusal(lambda: read_certificates(data, "x")) == (
        "x is binary and not one DER certificate (expected PEM; a .p12/.pfx: openssl pkcs12 -nokeys, a .p7b: openssl pkcs7 -inform der -print_certs)"
    )


def test_printable() -> None:
    assert printable("Köln\n\x1b[2J") == "Köln\\n\\x1b[2J"


# keys


def _key_pem(pki: Pki, name: str, form: serialization.PrivateFormat, password: bytes | None = None) -> str:
    protection = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return pki.key(name).private_bytes(serialization.Encoding.PEM, form, protection).decode()


@pytest.mark.parametrize("form", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("name", ["leaf", "rsa"])
def test_keys_are_read(pki: Pki, name: str, form: serialization.PrivateFormat) -> None:
    text = _block("EC PARAMETERS", "BggqhkjOPQMBBw==") + _key_pem(pki, name, form).replace("\n", "\r\n") + pki.pem(name)

    assert spki_sha256(read_private_key(text.encode(), "k.pem")) == spki_sha256(pki[name]) == pki[name].spki_sha256


def test_public_keys_are_read(pki: Pki) -> None:
    public = pki.key("leaf").public_key()
    text = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    assert spki_sha256(read_public_key(text, "k.pem")) == pki["leaf"].spki_sha256


def test_spki_is_what_openssl_says(pki: Pki, tmp_path: Path) -> None:
    path = write_pem(tmp_path / "leaf.pem", pki.pem("leaf"))
    public = subprocess.run(
        ["openssl", "x509", "-noout", "-pubkey", "-in", path], capture_output=True, check=True
    ).stdout
    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-outform", "der"], input=public, capture_output=True, check=True
    ).stdout
    digest = subprocess.run(["openssl", "sha256", "-r"], input=der, capture_output=True, check=True).stdout

    assert pki["leaf"].spki_sha256 == digest.split()[0].decode()


def test_what_is_no_private_key(pki: Pki) -> None:
    key = pki.key_pem("leaf")
    public = _block("PUBLIC KEY")
    wanted = {
        "": "k.pem is empty (expected a PEM private key)",
        "hello": "k.pem holds no private key (expected PEM text with '-----BEGIN PRIVATE KEY-----')",
        pki.pem("leaf"): "k.pem holds a certificate where a private key is wanted",
        public: "k.pem holds a public key where a private key is wanted",
        key + key: "k.pem holds 2 private keys (expected one)",
        key[:100]: "the private key in k.pem is cut off: its '-----END' line is missing",
        _block(
            "PRIVATE KEY", key.splitlines()[1]
        ): "the private key in k.pem cannot be parsed (is the file damaged or cut off?)",
        _key_pem(pki, "leaf", serialization.PrivateFormat.PKCS8, b"secret"): (
            "the private key in k.pem is encrypted (a server can't ask for its password; decrypt it: openssl pkey)"
        ),
        _key_pem(pki, "rsa", serialization.PrivateFormat.TraditionalOpenSSL, b"secret"): (
            "the private key in k.pem is encrypted (a server can't ask for its password; decrypt it: openssl pkey)"
        ),
    }
    assert {text: refusal(lambda text=text: read_private_key(text, "k.pem")) for text in wanted} == wanted  # type: ignore[misc]


def test_a_key_file_that_is_binary() -> None:
    assert (
        refusal(lambda: read_private_key(b"\x30\x82\xff", "k"))
        == "k is binary and not PEM (expected text with '-----BEGIN CERTIFICATE-----')"
    )


def test_what_is_no_public_key(pki: Pki) -> None:
    assert refusal(lambda: read_public_key(pki.pem("leaf"), "k.pem")) == (
        "k.pem holds no public key (expected PEM text with '-----BEGIN PUBLIC KEY-----')"
    )
    assert refusal(lambda: read_public_key(_block("PUBLIC KEY"), "k.pem")) == "the public key in k.pem cannot be parsed"


@given(st.integers(0, 200), st.text("abcXYZ/+=-\n ", max_size=5))
@settings(deadline=None, max_examples=60)
def test_a_damaged_key_is_never_quoted(pki: Pki, place: int, put: str) -> None:
    key = pki.key_pem("leaf")
    damaged = key[:place] + put + key[place + len(put) + 1 :]
    try:
        read_private_key(damaged, "k.pem")
    except InputError as error:
        body = "".join(key.splitlines()[1:-1])
        assert not any(body[i : i + 8] in str(error) for i in range(len(body) - 8))
        assert error.__cause__ is None and error.__suppress_context__ is (error.__context__ is not None)


# trust


def test_a_store_finds_roots_by_subject_and_key(pki: Pki) -> None:
    store = pki.trust("root", "root2", "inter", "root")

    assert len(store) == 3
    assert pki["inter"] in store and pki["leaf"] not in store
    assert store.roots(pki["root"].subject_der) == pki.chain("root", "root2")
    assert store.roots(pki["inter"].subject_der) == ()
    assert store.intermediates(pki["inter"].subject_der) == pki.chain("inter")
    assert store.has_root_key(pki["root2"]) and not store.has_root_key(pki["inter"])


def test_a_self_issued_certificate_of_another_key_is_no_root() -> None:
    pki = mint(root=Cert(), rolled=Cert(issuer="root", cn="root"))

    assert pki["rolled"].self_issued
    assert pki.trust("rolled").roots(pki["rolled"].subject_der) == ()


def test_a_store_is_the_union_of_files_directories_and_text(pki: Pki, tmp_path: Path) -> None:
    one = write_pem(tmp_path / "one.pem", pki.pem("root"))
    write_pem(tmp_path / "dir" / "two.pem", pki.pem("root2"))
    write_pem(tmp_path / "dir" / "README", "no certificate")

    store = load_trust_store([str(one), str(tmp_path / "dir"), pki.pem("inter")])

    assert store.certificates == pki.chain("root", "root2", "inter")


def test_a_changed_file_is_read_again(pki: Pki, tmp_path: Path) -> None:
    path = write_pem(tmp_path / "trust.pem", pki.pem("root"))
    assert load_trust_store([str(path)]) is load_trust_store([str(path)])

    write_pem(path, pki.pem("root2"))
    os.utime(path, ns=(1, 1))

    assert load_trust_store([str(path)]).certificates == pki.chain("root2")


def test_a_path_in_the_home_directory(pki: Pki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_pem(tmp_path / "root.pem", pki.pem("root"))

    assert load_trust_store(["~/root.pem"]).certificates == pki.chain("root")


def test_system_is_what_openssl_uses(pki: Pki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(write_pem(tmp_path / "root.pem", pki.pem("root"))))

    assert load_trust_store(["system"]).certificates == pki.chain("root")


@pytest.mark.filterwarnings("error")
def test_no_word_of_an_issuer_s_serial_number_of_0_which_old_roots_have() -> None:
    """The library warns of one only when it decodes the extension, after it has read the certificate."""
    value = bytes.fromhex("3014" + "8003010203" + "a10a8208782e6578616d706c" + "820100")
    key_id = x509.UnrecognizedExtension(ExtensionOID.AUTHORITY_KEY_IDENTIFIER, value)
    old = mint(root=Cert(extensions=[(key_id, False)]))
    assert old["root"].authority_key_id == b"\x01\x02\x03"


@pytest.mark.filterwarnings("error")
def test_mozilla() -> None:
    store = load_trust_store(["mozilla"])

    assert len(store) > 100
    assert any("ISRG Root X1" in certificate.subject for certificate in store.certificates)


def test_words_that_cannot_be_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(trust_module, "certifi")
    assert (
        refusal(lambda: load_trust_store(["mozilla"]))
        == "trust: 'mozilla' needs the Python package certifi on the controller"
    )

    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent")
    monkeypatch.setenv("SSL_CERT_DIR", "/nonexistent")
    monkeypatch.setattr(trust_module, "_SYSTEM_BUNDLES", ())
    assert refusal(lambda: load_trust_store(["system"])) == (
        "trust: the system has no bundle of trusted certificates (install the package ca-certificates)"
    )


def test_stores_that_cannot_be_read(pki: Pki, tmp_path: Path) -> None:
    empty, directory = write_pem(tmp_path / "empty.pem", ""), tmp_path / "dir"
    directory.mkdir()
    key = write_pem(tmp_path / "key.pem", pki.key_pem("leaf"))

    assert (
        refusal(lambda: load_trust_store([]))
        == "trust is empty (expected PEM paths, PEM text or the words system, mozilla)"
    )
    assert (
        refusal(lambda: load_trust_store(["firefox"]))
        == "trust: 'firefox' is neither a file nor one of the words system, mozilla"
    )
    assert (
        refusal(lambda: load_trust_store(["/nonexistent.pem"]))
        == "trust: '/nonexistent.pem' cannot be read: No such file or directory"
    )
    assert refusal(lambda: load_trust_store([str(directory)])) == f"trust: '{directory}' has no certificate in it"
    assert refusal(lambda: load_trust_store([str(empty)])) == (
        f"trust: '{empty}' is empty (expected PEM text with '-----BEGIN CERTIFICATE-----')"
    )
    assert refusal(lambda: load_trust_store([str(key)])).startswith(
        f"trust: '{key}' holds a private key where a certificate is wanted"
    )
    assert refusal(lambda: load_trust_store([_block("CERTIFICATE")])).startswith(
        "certificate #1 in the PEM text in trust cannot be parsed"
    )


def test_an_empty_store_trusts_nobody(pki: Pki) -> None:
    assert len(TrustStore(())) == 0
    assert TrustStore(()).roots(pki["root"].subject_der) == ()


# libraries


def test_the_libraries_are_there() -> None:
    require_libraries()


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (
            None,
            f"the Python package cryptography is not installed for {sys.executable} on the controller (43.0 or newer is needed)",
        ),
        ("41.0.7", "the Python package cryptography on the controller is 41.0.7, 43.0 or newer is needed"),
        ("3.4rc1", "the Python package cryptography on the controller is 3.4rc1, 43.0 or newer is needed"),
    ],
)
def test_libraries_that_are_not(monkeypatch: pytest.MonkeyPatch, found: str | None, message: str) -> None:
    module = "ansible_collections.fullchain.tls.plugins.plugin_utils.libraries"
    monkeypatch.setattr(f"{module}._installed", lambda package: found)
    assert refusal(require_libraries) == message


def test_base64_with_line_ends_of_every_kind_is_one_certificate(pki: Pki) -> None:
    body = base64.b64encode(pki.der("leaf")).decode()
    assert read_certificates(f"-----BEGIN CERTIFICATE-----{body}-----END CERTIFICATE-----", "x") == (pki["leaf"],)


def test_paths_in_trust_are_located_and_nothing_else_is(pki: Pki) -> None:
    text = pki.pem("root")
    found = {"root.pem": "/roles/x/files/root.pem"}
    assert located(["system", "mozilla", text, "root.pem", "nowhere.pem"], found.get) == (
        "system",
        "mozilla",
        text,
        "/roles/x/files/root.pem",
        "nowhere.pem",
    )
