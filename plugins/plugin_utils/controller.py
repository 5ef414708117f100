# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on the controller, which are looked for beside the role and the playbook."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.keys import read_private_key, spki_sha256
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.pem import read_certificates, to_pem, to_text
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.trust import located
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import Credential, Endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.tls import new_context

_KEYS = ("privkey", "client_key")  # parameters whose value is never quoted: a mistake there may be a piece of a key


def find_file(find_needle: Callable[[str, str], str], folder: str, path: str) -> str:
    """Where `path` is, for `find_needle` of an action and a folder such as files or templates.

    Raises FileNotFoundError whose strerror names the places: Ansible's own words name each twice, and a parameter of another module.
    """
    try:
        return str(find_needle(folder, path))
    except Exception as error:  # of a kind that depends on the version of Ansible
        places = [place for place in dict.fromkeys(getattr(error, "paths", None) or ()) if place != path]
        looked = f"; looked for {' and '.join(places)}" if places else ""
        raise FileNotFoundError(errno.ENOENT, f"no such file{looked}", path) from error


class ControllerFiles:
    """The files that the parameters of one action name."""

    def __init__(self, action: Any) -> None:
        """`action` is the ActionBase whose task, role and playbook say where to look."""
        self._find_needle, self._loader = action._find_needle, action._loader
        self._credentials: dict[Credential, Credential] = {}  # a fleet's endpoints share one

    def find(self, path: str) -> str | None:
        """Where a path is that is relative to the role or the playbook, as for the module copy; None for nowhere."""
        try:
            return str(self._find_needle("files", path))
        except AnsibleError:
            return None

    def content(self, path: str) -> bytes:
        """The bytes of the file at `path`; what is encrypted with ansible-vault is decrypted, in memory alone."""
        content: bytes = self._loader._get_file_contents(path)[0]
        return content

    def read(self, value: str, key: str) -> tuple[str, bytes]:
        """What the parameter `key` stands for, PEM text or a path: what messages call it, and its bytes.

        Raises InputError. What is no path is not quoted, nor is anything that stands for a key: it may be a piece of one.
        """
        # Base64 has no dot, which a certificate's path does.
        called = key if key in _KEYS or (key == "client_cert" and "." not in value) else f"{key}: {value!r}"
        if "-----BEGIN " in value:
            return key, value.encode()
        if "\n" in value or len(value) > 1024:
            raise InputError(f"{key} is neither PEM text (it has no -----BEGIN line) nor a path")
        try:
            path = self.find(value) or str(Path(value).expanduser().resolve(strict=True))
            # before the loader, whose words for it are another file's
            Path(path).open("rb").close()
            return value, self.content(path)
        except FileNotFoundError:
            raise InputError(f"{called} cannot be read: no such file on the controller") from None
        except (AnsibleError, OSError) as error:
            said = getattr(error, "strerror", None) or getattr(error, "message", None) or error
            raise InputError(f"{called} cannot be read: {said}") from None

    def read_for(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint with the files found and read that it names. Raises InputError."""
        if endpoint.trust is not None:
            endpoint = replace(endpoint, trust=located(endpoint.trust, self.find))
        if endpoint.expect_certificate is not None:
            source, pem = self.read(endpoint.expect_certificate, "expect_certificate")
            leaf = read_certificates(pem, source)[0]
            endpoint = replace(endpoint, expect_fingerprint=leaf.sha256, expect_certificate=None)
        if endpoint.credential is not None:
            try:
                chain, key = self._credential(endpoint.credential)
            except InputError as error:
                raise InputError(f"endpoint {endpoint.label!r}: {error}") from None
            endpoint = replace(endpoint, client_cert=chain, client_key=key)
        return endpoint

    def _credential(self, given: Credential) -> Credential:
        if given not in self._credentials:
            self._credentials[given] = self._read_credential(*given)
        return self._credentials[given]

    def _read_credential(self, chain: str, key: str) -> Credential:
        """The texts of a client certificate and its key, once they can be read and belong together."""
        source, chain_pem = self.read(chain, "client_cert")
        key_source, key_pem = self.read(key, "client_key")
        certificates = read_certificates(chain_pem, source)
        if spki_sha256(read_private_key(key_pem, key_source)) != spki_sha256(certificates[0]):
            raise InputError(f"client_key is not the key of client_cert '{certificates[0].label}'")
        credential = "".join(map(to_pem, certificates)), to_text(key_pem, key_source)
        new_context(credential=credential)
        return credential
