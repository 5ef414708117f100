# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Truststores of Java's, as its own keytool writes them, and PKCS#12 as OpenSSL does."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki import keystores
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.keystores import is_keystore
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.trust import load_trust_store

from tests.pki import Cert, Pki, mint, write_pem

FORMS = ("JKS", "JCEKS", "PKCS12")


@pytest.fixture(scope="module")
def pki() -> Pki:
    return mint(root=Cert(), other=Cert(), leaf=Cert(issuer="root", names=["shop.example.com"]))


@pytest.fixture(scope="module")
def folder(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One truststore of each form and password, named `JKS-changeit` and so on."""
    path = tmp_path_factory.mktemp("keystores")
    pem = write_pem(path / "root.pem", pki.pem("root"))
    for form in FORMS:
        for password in ("changeit", "s3same-open"):
            command = ["keytool", "-importcert", "-noprompt", "-alias", "root", "-file", pem, "-storetype", form,
                       "-keystore", path / f"{form}-{password}", "-storepass", password]  # fmt: skip
            subprocess.run(command, check=True, capture_output=True)
    return path


def _refusal(path: Path, password: str | None = None) -> str:
    with pytest.raises(InputError) as raised:
        load_trust_store([str(path)], password)
    return str(raised.value)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("password", [None, "changeit"])
def test_a_truststore_with_java_s_usual_password(form: str, password: str | None, folder: Path, pki: Pki) -> None:
    store = load_trust_store([str(folder / f"{form}-changeit")], password)

    assert store.certificates == pki.chain("root")


@pytest.mark.parametrize("form", FORMS)
def test_a_truststore_with_a_password_of_its_own(form: str, folder: Path, pki: Pki) -> None:
    store = load_trust_store([str(folder / f"{form}-s3same-open")], "s3same-open")

    assert store.certificates == pki.chain("root")


@pytest.mark.parametrize("form", ["JKS", "JCEKS"])
def test_a_java_keystore_needs_no_password(form: str, folder: Path, pki: Pki) -> None:
    assert load_trust_store([str(folder / f"{form}-s3same-open")]).certificates == pki.chain("root")


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("JKS", "trust: '{path}': the password is wrong, or the file is damaged"),
        ("JCEKS", "trust: '{path}': the password is wrong, or the file is damaged"),
        (
            "PKCS12",
            "trust: '{path}' is a PKCS#12 file that wants its password (trust_password): it is wrong, or the file is damaged",
        ),
    ],
)
def test_a_wrong_password_is_told_and_not_shown(form: str, message: str, folder: Path) -> None:
    path = folder / f"{form}-s3same-open"

    assert _refusal(path, "n0t-this-one") == message.format(path=path)


def test_a_pkcs12_file_whose_password_has_to_be_given(folder: Path) -> None:
    path = folder / "PKCS12-s3same-open"

    assert _refusal(path) == (
        f"trust: '{path}' is a PKCS#12 file that wants its password (trust_password): its usual ones do not open it"
    )


def test_pkcs12_of_openssl_without_password(pki: Pki, tmp_path: Path) -> None:
    roots = write_pem(tmp_path / "roots", pki.pem("root", "other"))
    path = tmp_path / "roots.p12"
    command = ["openssl", "pkcs12", "-export", "-nokeys", "-in", roots, "-out", path, "-passout", "pass:"]
    subprocess.run(command, check=True)

    assert set(load_trust_store([str(path)]).certificates) == {pki["root"], pki["other"]}


def test_the_chain_that_comes_with_a_key_is_nothing_to_believe(pki: Pki, tmp_path: Path) -> None:
    leaf, key, roots = (
        write_pem(tmp_path / name, text)
        for name, text in (("leaf", pki.pem("leaf")), ("key", pki.key_pem("leaf")), ("roots", pki.pem("root", "other")))
    )
    path = tmp_path / "bundle.p12"
    command = ["openssl", "pkcs12", "-export", "-in", leaf, "-inkey", key, "-certfile", roots, "-out", path]
    subprocess.run([*command, "-passout", "pass:"], check=True)

    assert _refusal(path) == f"trust: '{path}' has no certificate in it"


def test_keystores_that_hold_nothing_to_believe(pki: Pki, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "keys.jks"
    subprocess.run(
        ["keytool", "-genkeypair", "-keyalg", "EC", "-alias", "own", "-dname", "CN=own", "-keystore", path, "-storetype", "JKS",
         "-storepass", "changeit", "-keypass", "changeit"],
        check=True, capture_output=True,
    )  # fmt: skip

    assert _refusal(path) == f"trust: '{path}' has no certificate in it"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("left", [5, 40, -30])
def test_a_keystore_that_is_cut_off(form: str, left: int, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut"
    path.write_bytes((folder / f"{form}-changeit").read_bytes()[:left])

    assert _refusal(path).startswith(f"trust: '{path}'")


def test_a_damaged_certificate_in_a_keystore_is_named(folder: Path, pki: Pki, tmp_path: Path) -> None:
    path = tmp_path / "damaged"
    der = pki.der("root")
    path.write_bytes((folder / "JKS-changeit").read_bytes().replace(der, b"\x30\x00" + der[2:]))

    assert _refusal(path).startswith(f"trust: '{path}': the certificate 'root' cannot be parsed: ")


def test_without_purejks_a_java_keystore_says_what_is_missing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(keystores, "jks")
    path = folder / "JCEKS-s3same-open"

    with pytest.raises(InputError) as raised:
        keystores.read_truststore(path.read_bytes(), "the store")
    assert str(raised.value) == "the store is a Java keystore: the Python package purejks on the controller reads it"


def test_pem_and_der_are_no_keystores(pki: Pki) -> None:
    assert not any(map(is_keystore, (pki.pem("root").encode(), pki.der("root"), b"", b"0", b"\x30\x82")))
