# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates before they are served: read, put right and judged, wherever they are kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.manifest import KEY_NAME, WantedFile
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.request import (
    CertificateSpec,
    LineageSpec,
    Metadata,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge import put_right
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import Certificate
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.keys import (
    read_private_key,
    read_public_key,
    spki_sha256,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.pem import read_certificates, to_pem
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.trust import load_trust_store
from ansible_collections.fullchain.tls.plugins.plugin_utils.results import Result
from ansible_collections.fullchain.tls.plugins.plugin_utils.settings import Settings
from ansible_collections.fullchain.tls.plugins.plugin_utils.verification import Files, judge_files

ReadFile = Callable[[str], bytes]
"""Reads a path on the controller; OSError or InputError when it can't."""

CERT_NAME, CHAIN_NAME = "cert.pem", "chain.pem"
"""What the files of a chain in two are called, as certbot calls its own."""

_KEY_TEXT = re.compile(r"[A-Za-z0-9+/=\s]{40,}")


@dataclass(frozen=True)
class Judged:
    """A certificate that is to be served. result: a result entry of the judge; files: () for a lineage."""

    name: str
    chain: tuple[Certificate, ...]
    result: Result
    notes: tuple[str, ...] = ()
    files: tuple[WantedFile, ...] = ()

    @property
    def leaf_sha256(self) -> str:
        """The fingerprint that tells on the wire whether this one is served."""
        return self.chain[0].sha256


def judge_delivered(spec: CertificateSpec, settings: Settings, read_file: ReadFile) -> Judged:
    """Read, put right and judge a certificate of the user's. Raises InputError for what can't be read."""
    texts = [(spec.fullchain, "fullchain" if spec.chain is None else "cert"), (spec.chain, "chain")]
    given = tuple(
        certificate
        for value, key in texts
        if value is not None
        for certificate in read_certificates(*_load(value, f"{spec.label}: {key}", read_file))
    )
    key_pem, key_source = _load(spec.privkey, f"{spec.label}: privkey", read_file)
    key = read_private_key(key_pem, key_source)
    right = put_right(given, load_trust_store(settings.trust))
    return Judged(
        name=spec.name,
        chain=right.chain,
        result=judge_for_names(right.chain, spec.server_names, spki_sha256(key), spec.label, settings),
        notes=tuple(f"{spec.label}: {note}" for note in right.notes),
        files=tuple(_files(spec, right.chain, key_pem)),
    )


def judge_lineage(spec: LineageSpec, answer: Mapping[str, Any], settings: Settings) -> Judged:
    """Judge what the host told about a lineage (fullchain, public_key). Raises InputError for what can't be read."""
    chain = read_certificates(answer["fullchain"], f"{spec.label}: {spec.fullchain}")
    key = read_public_key(answer["public_key"], f"{spec.label}: {spec.privkey}")
    result = judge_for_names(chain, spec.server_names, spki_sha256(key), f"{spec.name} ({spec.fullchain})", settings)
    return Judged(spec.name, tuple(chain), result)


def judge_for_names(
    chain: Sequence[Certificate], names: Sequence[str], key_spki: str, label: str, settings: Settings
) -> Result:
    """One result for a chain that has to be valid for every one of the names: each finding once."""
    results = [judge_files(Files(tuple(chain), name, key_spki, label), settings) for name in names]
    merged = dict(results[0])
    merged["ok"] = all(result["ok"] for result in results)
    merged["clients"] = {client: all(result["clients"][client] for result in results) for client in merged["clients"]}
    findings = {
        (finding["code"], finding["certificate"], finding["message"]): finding
        for result in results
        for finding in result["findings"]
    }
    merged["findings"] = list(findings.values())
    return merged


def collect_errors(reads: Iterable[Callable[[], Judged]]) -> tuple[list[Judged], list[str]]:
    """Call every read; return what they gave, and the messages of those that raised InputError."""
    judged, errors = [], []
    for read in reads:
        try:
            judged.append(read())
        except InputError as error:
            errors.append(str(error))
    return judged, errors


def _load(value: str, label: str, read_file: ReadFile) -> tuple[bytes, str]:
    """The bytes that value is, or that the file it names holds; and what messages call them."""
    if "-----BEGIN" in value:
        return value.encode("utf-8"), label
    if "\n" in value.strip() or _KEY_TEXT.fullmatch(value):
        raise InputError(f"{label} is neither PEM text (it has no '-----BEGIN') nor a path; its text is not shown")
    try:
        return read_file(value.strip()), f"{label}: {value.strip()}"
    except OSError as error:
        raise InputError(
            f"{label}: {value.strip()!r} cannot be read on the controller: {error.strerror or error}"
        ) from None


@dataclass(frozen=True)
class Form:
    """A file that servers read a certificate from. content: from the chain's certificates and the key, each in PEM."""

    name: str
    content: Callable[[Sequence[bytes], bytes], bytes]
    secret: bool = False
    wanted: Callable[[CertificateSpec], bool] = lambda _spec: True


FORMS = (
    Form("fullchain.pem", lambda chain, _key: b"".join(chain)),
    Form(CERT_NAME, lambda chain, _key: b"".join(chain[:1]), wanted=lambda spec: spec.split),
    Form(CHAIN_NAME, lambda chain, _key: b"".join(chain[1:]), wanted=lambda spec: spec.split),
    Form(KEY_NAME, lambda _chain, key: key, secret=True),
    # The order of HAProxy's documentation (`crt`), which lighttpd takes too. Postfix wants the key first, in smtpd_tls_chain_files.
    Form("combined.pem", lambda chain, key: b"".join([*chain, key]), secret=True, wanted=lambda spec: spec.combined),
)


def _files(spec: CertificateSpec, chain: Sequence[Certificate], key_pem: bytes) -> Iterator[WantedFile]:
    certificates = [to_pem(certificate).encode("ascii") for certificate in chain]
    key = key_pem.strip() + b"\n"
    for form in FORMS:
        content = form.content(certificates, key) if form.wanted(spec) else b""
        if content:  # a server that is given an empty file of intermediates does not start
            yield WantedFile(
                path=f"certs/{spec.name}/{form.name}",
                content=content,
                metadata=spec.key if form.secret else Metadata(0o644),
                secret=form.secret,
                label=spec.label,
                readers=spec.readable_by,
            )
