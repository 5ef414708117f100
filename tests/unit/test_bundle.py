# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that complete_to writes."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.bundle import Bundle, bundle_of, read_target
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from cryptography.hazmat.primitives import serialization

from tests.pki import Cert, Pki, mint


@pytest.fixture(scope="module")
def pki() -> Pki:
    return mint(root=Cert(), leaf=Cert(issuer="root", names=["shop.example.com"]))


def _refusal(path: Path, pki: Pki) -> str:
    with pytest.raises(InputError) as raised:
        bundle_of(pki.chain("leaf"), read_target(str(path)))
    return str(raised.value)


def test_a_file_that_is_new_and_one_that_is_there(tmp_path: Path, pki: Pki) -> None:
    path = tmp_path / "fullchain.pem"
    bundle_of(pki.chain("leaf"), path).write()
    assert (path.read_text(), path.stat().st_mode & 0o777) == (pki.pem("leaf"), 0o644)

    path.write_text(f"# pre-production\n{pki.pem('root')}\n")
    path.chmod(0o640)
    bundle_of(pki.chain("leaf"), path).write()

    assert (path.read_text(), path.stat().st_mode & 0o777) == (pki.pem("leaf"), 0o640)
    assert not bundle_of(pki.chain("leaf"), path).changed
    assert [entry.name for entry in tmp_path.iterdir()] == ["fullchain.pem"]


def _write_again_and_again(path: Path, text: str) -> None:
    for _time in range(100):
        Bundle(path, "", text).write()


def test_several_hosts_write_it_at_the_same_time(tmp_path: Path, pki: Pki) -> None:
    path = tmp_path / "fullchain.pem"
    bystander = tmp_path / "fullchain.pem.new"
    bystander.mkdir()
    path.write_text(pki.pem("leaf"))
    path.chmod(0o644)
    writers = [
        multiprocessing.get_context("fork").Process(target=_write_again_and_again, args=(path, pki.pem("leaf")))
        for _number in range(3)
    ]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert (path.read_text(), path.stat().st_mode & 0o777) == (pki.pem("leaf"), 0o644)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert bystander.is_dir()


def test_what_is_no_certificate_is_not_replaced(tmp_path: Path, pki: Pki) -> None:
    der = pki.key("leaf").private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for content in (pki.key_pem("leaf").encode(), (pki.pem("leaf") + pki.key_pem("leaf")).encode(), der,
                    b"$ANSIBLE_VAULT;1.1;AES256\n3030\n", b"notes\n"):  # fmt: skip
        path = tmp_path / "kept"
        path.write_bytes(content)
        assert _refusal(path, pki) == (
            f"complete_to: '{path}' holds something other than PEM certificates, which would be lost (expected another file)"
        )


def test_paths_that_cannot_be(tmp_path: Path, pki: Pki) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert _refusal(loop, pki).startswith(f"complete_to: '{loop}' cannot be written: ")
    assert _refusal(tmp_path / ("x" * 300), pki).endswith("cannot be written: File name too long")
    assert _refusal(tmp_path, pki).endswith("is a directory (expected the path of a file)")
    assert _refusal(tmp_path / "no" / "file", pki).endswith(f"there is no directory '{tmp_path}/no'")


def _full(handle: int) -> None:
    raise OSError(28, "No space left on device")


def test_a_disk_that_is_full_leaves_what_was_there(tmp_path: Path, pki: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "fullchain.pem"
    path.write_text(pki.pem("root"))
    monkeypatch.setattr("os.fsync", _full)

    with pytest.raises(InputError) as raised:
        bundle_of(pki.chain("leaf"), path).write()

    assert str(raised.value) == f"complete_to: '{path}' cannot be written: No space left on device"
    assert path.read_text() == pki.pem("root")
    assert [entry.name for entry in tmp_path.iterdir()] == ["fullchain.pem"]
