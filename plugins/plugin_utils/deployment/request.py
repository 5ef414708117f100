# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user asks of deploy: parameters in, checked values out. Nothing is read or rendered in here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fullchain.tls.plugins.module_utils import endpoints as reader
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.names import parse_server_name
from ansible_collections.fullchain.tls.plugins.plugin_utils.settings import Settings, read_settings
from ansible_collections.fullchain.tls.plugins.plugin_utils.values import is_list, kind, refuse_unknown_keys
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import Endpoint, parse_endpoint

VERIFY_FROM = ("controller", "host")
FILE_KEYS = ("dest", "src", "content", "each", "vars", "mode", "owner", "group", "secret", "optional")
KEY_FILE_KEYS = ("combined", "owner", "group", "mode", "readable_by")
CERTIFICATE_KEYS = ("name", "server_names", "fullchain", "cert", "chain", "privkey", *KEY_FILE_KEYS, "source", "split")
LINEAGE_KEYS = ("name", "server_names", "fullchain", "cert", "chain", "privkey")
TARGET_KEYS = ("certificate", "obtained")
SETTINGS_KEYS = ("trust", "clients", "at", "expires_soon", "fail_on")

_CERTIFICATE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._:-]*")


@dataclass(frozen=True)
class Metadata:
    """Mode and owner of a file or directory. owner and group None: those of the user who writes it."""

    mode: int
    owner: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class FileSpec:
    """One entry of `files`. Exactly one of src and content is set; each None: rendered once, without `site`.

    optional: there is no such file where nothing but white space would be in it.
    """

    label: str
    dest: str
    src: str | None
    content: str | None = field(repr=False)
    each: tuple[Mapping[str, Any], ...] | None
    vars: Mapping[str, Any] = field(repr=False)
    metadata: Metadata
    secret: bool
    optional: bool = False


@dataclass(frozen=True)
class CertificateSpec:
    """One entry of `certificates`: PEM texts, or paths on the controller. chain is None with fullchain.

    key: of every file that holds the private key. readable_by: users of the host that have to be able to read all files.
    split: the leaf and the rest are delivered in files of their own, too.
    """

    label: str
    name: str
    server_names: tuple[str, ...]
    fullchain: str = field(repr=False)
    chain: str | None = field(repr=False)
    privkey: str = field(repr=False)
    key: Metadata = Metadata(0o600)
    combined: bool = False
    readable_by: tuple[str, ...] = ()
    split: bool = False


@dataclass(frozen=True)
class LineageSpec:
    """One entry of `lineages`: paths on the host. With a chain, fullchain is the leaf's file, and the two are what is served."""

    label: str
    name: str
    server_names: tuple[str, ...]
    fullchain: str
    privkey: str
    chain: str | None = None


@dataclass(frozen=True)
class Target:
    """An endpoint to verify, and the certificate or lineage whose leaf it has to serve, if one is known.

    obtained: the server gets its certificate itself, so that the leaf is not known and has to be waited for.
    """

    endpoint: Endpoint
    certificate: str | None
    obtained: bool = False


@dataclass(frozen=True)
class Request:
    """Everything that deploy was asked for."""

    root: str
    directories: Metadata
    files: tuple[FileSpec, ...]
    certificates: tuple[CertificateSpec, ...]
    lineages: tuple[LineageSpec, ...]
    partial: bool
    test: tuple[str, ...]
    reload: tuple[str, ...]
    start: tuple[str, ...]
    restart: tuple[str, ...]
    pid_file: str | None
    running: tuple[str, ...]
    error_log: str | None
    journal: str | None
    reload_timeout: float
    targets: tuple[Target, ...]
    settings: Settings
    verify_from: str
    verify_timeout: float
    obtain_timeout: float


def read_request(values: Mapping[str, Any]) -> Request:
    """Check the parameters of a task. Raises InputError naming the parameter, the value and what was expected.

    No message holds the text of a certificate, a key or a file.
    """
    refuse_unknown_keys(values, PARAMETERS, "deploy")
    certificates = tuple(_certificate(item, f"certificates[{n}]") for n, item in _items(values, "certificates"))
    lineages = tuple(_lineage(item, f"lineages[{n}]") for n, item in _items(values, "lineages"))
    files = tuple(_file(item, f"files[{n}]") for n, item in _items(values, "files"))
    _unique([spec.name for spec in certificates] + [spec.name for spec in lineages], "certificates and lineages")
    covered = _covering([*certificates, *lineages])
    verify_from = _choice(values.get("verify_from") or "controller", VERIFY_FROM, "verify_from")
    return Request(
        root=_absolute(values.get("root"), "root").rstrip("/"),
        directories=_directories(values, [file.metadata for file in files] + [spec.key for spec in certificates]),
        files=files,
        certificates=certificates,
        lineages=lineages,
        partial=_bool(values.get("partial", False), "partial"),
        test=_command(values.get("test"), "test", required=True),
        reload=_command(values.get("reload"), "reload", required=True),
        start=_command(values.get("start"), "start", required=False),
        restart=_restart(values),
        pid_file=_optional_path(values, "pid_file"),
        running=_command(values.get("running"), "running", required=False),
        error_log=_optional_path(values, "error_log"),
        journal=None if values.get("journal") is None else _text(values["journal"], "journal"),
        reload_timeout=_seconds(values.get("reload_timeout", 10), "reload_timeout"),
        targets=tuple(_target(item, n, covered, verify_from) for n, item in _items(values, "endpoints")),
        settings=read_settings({key: values[key] for key in SETTINGS_KEYS if key in values}),
        verify_from=verify_from,
        verify_timeout=_seconds(values.get("verify_timeout", 30), "verify_timeout"),
        obtain_timeout=_seconds(values.get("obtain_timeout", 120), "obtain_timeout"),
    )


PARAMETERS = (
    *("root", "mode", "owner", "group", "files", "certificates", "lineages", "partial"),
    *("test", "reload", "start", "restart", "pid_file", "running", "error_log", "journal", "reload_timeout"),
    *("endpoints", *SETTINGS_KEYS, "verify_from", "verify_timeout", "obtain_timeout"),
)


# --- entries


def _file(value: Any, label: str) -> FileSpec:
    item = _mapping(value, FILE_KEYS, label)
    label = f"{label} ({_text(item.get('dest'), f'{label}: dest')})"
    if (item.get("src") is None) == (item.get("content") is None):
        raise InputError(f"{label}: give either src (a template) or content")
    secret = _bool(item.get("secret", False), f"{label}: secret")
    each = item.get("each")
    return FileSpec(
        label=label,
        dest=item["dest"],
        src=None if item.get("src") is None else _text(item["src"], f"{label}: src"),
        content=None if item.get("content") is None else _content(item["content"], f"{label}: content"),
        each=None
        if each is None
        else tuple(_each(site, f"{label}: each[{n}]") for n, site in _enumerate(each, f"{label}: each")),
        vars=_plain_mapping(item.get("vars") or {}, f"{label}: vars"),
        metadata=_metadata(item, f"{label}: ", 0o600 if secret else 0o644),
        secret=secret,
        optional=_bool(item.get("optional", False), f"{label}: optional"),
    )


def _each(value: Any, label: str) -> Mapping[str, Any]:
    item = _plain_mapping(value, label)
    _text(item.get("name"), f"{label}: name")
    return item


def _certificate(value: Any, label: str) -> CertificateSpec:
    item, name, server_names = _named(value, CERTIFICATE_KEYS, label)
    label = f"{name} ({item['source']})" if item.get("source") else f"{label} ({name})"
    whole, leaf, rest = item.get("fullchain"), item.get("cert"), item.get("chain")
    if (whole is None) == (leaf is None):
        raise InputError(f"{label}: give fullchain, or cert and chain")
    if whole is not None and rest is not None:
        raise InputError(f"{label}: chain goes with cert, not with fullchain")
    return CertificateSpec(
        label=label,
        name=name,
        server_names=server_names,
        fullchain=_hidden(whole if whole is not None else leaf, f"{label}: {'cert' if whole is None else 'fullchain'}"),
        chain=None if rest is None else _hidden(rest, f"{label}: chain"),
        privkey=_hidden(item.get("privkey"), f"{label}: privkey"),
        key=_key_metadata(item, f"{label}: "),
        combined=_bool(item.get("combined", False), f"{label}: combined"),
        readable_by=tuple(
            _text(user, f"{label}: readable_by[{n}]")
            for n, user in _enumerate(item.get("readable_by") or [], f"{label}: readable_by")
        ),
        split=_bool(item.get("split", False), f"{label}: split"),
    )


def _key_metadata(item: Mapping[str, Any], label: str) -> Metadata:
    """Who may read a private key: its owner, and the group where one is named. Never everybody."""
    metadata = _metadata(item, label, 0o600 if item.get("group") is None else 0o640)
    if metadata.mode & 0o007:
        raise InputError(
            f"{label}mode '{metadata.mode:04o}' would open the private key to every user of the host; "
            "expected nothing for others, for example '0640' with a group"
        )
    return metadata


def _directories(values: Mapping[str, Any], inside: Sequence[Metadata]) -> Metadata:
    """Whoever has a file of their own in a generation has to get to it, and to list what is there for an include with a
    pattern: the one group that is named, else everybody. Every file keeps its own mode.
    """
    groups = {str(group) for group in (values.get("group"), *(file.group for file in inside)) if group is not None}
    if any(file.owner for file in inside) or len(groups) > 1:
        return _metadata(values, "", 0o755)
    if any(file.group for file in inside):
        return _metadata({**values, "group": groups.pop()}, "", 0o750)
    return _metadata(values, "", 0o700)


def _lineage(value: Any, label: str) -> LineageSpec:
    for key in KEY_FILE_KEYS:
        if isinstance(value, Mapping) and key in value:
            raise InputError(
                f"{label}: {key} is for certificates: a lineage is left as it is, and a copy of it would be out of date "
                "after each renewal"
            )
    item, name, server_names = _named(value, LINEAGE_KEYS, label)
    label = f"{label} ({name})"
    two = item.get("fullchain") is None and item.get("cert") is not None
    if not two and (item.get("cert") is not None or item.get("chain") is not None):
        raise InputError(f"{label}: give fullchain, or cert and chain")
    return LineageSpec(
        label=label,
        name=name,
        server_names=server_names,
        fullchain=_absolute(item["cert"], f"{label}: cert")
        if two
        else _absolute(item.get("fullchain"), f"{label}: fullchain"),
        privkey=_absolute(item.get("privkey"), f"{label}: privkey"),
        chain=_absolute(item.get("chain"), f"{label}: chain") if two else None,
    )


def _named(value: Any, keys: Sequence[str], label: str) -> tuple[Mapping[str, Any], str, tuple[str, ...]]:
    item = _mapping(value, keys, label)
    name = _text(item.get("name"), f"{label}: name")
    if not _CERTIFICATE_NAME.fullmatch(name):
        raise InputError(
            f"{label}: name {name!r} cannot name a directory; expected a hostname, an IP address or a word"
        )
    names = item.get("server_names") or [name]
    return (
        item,
        name,
        tuple(_server_name(text, f"{label} ({name}): server_names[{n}]") for n, text in _enumerate(names, label)),
    )


def _server_name(value: Any, label: str) -> str:
    try:
        return parse_server_name(_text(value, label), wildcard=True)
    except InputError as error:
        raise InputError(f"{label}: {error}") from None


def _target(value: Any, number: int, covered: Mapping[str, str | None], verify_from: str) -> Target:
    """An endpoint; without `certificate` the one entry whose server_names hold the endpoint's name is expected.

    None is where `obtained` says that the server brings its own.
    """
    label = f"endpoints[{number}]"
    own = value if isinstance(value, Mapping) else {}
    wanted, obtained = own.get("certificate"), _bool(own.get("obtained", False), f"{label}: obtained")
    if obtained and wanted is not None:
        raise InputError(f"{label}: certificate {wanted!r} is delivered or a lineage, which obtained says it is not")
    if isinstance(value, Mapping):
        value = {key: item for key, item in value.items() if key not in TARGET_KEYS}
    try:
        endpoint = parse_endpoint(value)
    except InputError as error:
        raise InputError(f"{label}: {error}") from None
    for key in endpoint.given:
        if key in reader.SEVERAL and not (key == "key_types" and len(endpoint.key_types) == 1):
            raise InputError(
                f"{label}: {key} is for verify_tls; a deploy makes one connection at a time to an endpoint"
            )
    if endpoint.client_auth is not None and verify_from != "controller":
        raise InputError(f"{label}: {reader.CONTROLLER_ALONE}, not with verify_from: {verify_from}")
    if endpoint.expect_certificate is not None:
        raise InputError(
            f"{label}: expect_certificate is for verify_tls; what a deploy expects is named by `certificate`"
        )
    if wanted is not None and wanted not in covered.values():
        known = sorted({name for name in covered.values() if name})
        raise InputError(
            f"{label}: certificate {wanted!r} is neither in certificates nor in lineages (there: {', '.join(known) or 'none'})"
        )
    if obtained:
        return Target(endpoint, None, obtained=True)
    return Target(endpoint, wanted if wanted is not None else _owner(endpoint.name, covered))


def _owner(name: str, covered: Mapping[str, str | None]) -> str | None:
    wildcard = f"*.{name.partition('.')[2]}"
    return covered[name] if name in covered else covered.get(wildcard)


def _covering(specs: Iterable[CertificateSpec | LineageSpec]) -> dict[str, str | None]:
    """Which entry a server name belongs to; None where several claim it and so none can be expected."""
    owners: dict[str, str | None] = {}
    for spec in specs:
        for name in spec.server_names:
            owners[name] = spec.name if owners.get(name, spec.name) == spec.name else None
        owners.setdefault(
            f"certificate {spec.name}", spec.name
        )  # no server name has a space: known even if all its names are shared
    return owners


# --- values


def _items(values: Mapping[str, Any], key: str) -> Iterable[tuple[int, Any]]:
    return _enumerate(values.get(key) or [], key)


def _enumerate(value: Any, label: str) -> Iterable[tuple[int, Any]]:
    if not is_list(value):
        raise InputError(f"{label} must be a list, not {kind(value)}")
    return enumerate(value)


def _plain_mapping(value: Any, label: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"{label} must be a mapping, not {kind(value)}")
    return value


def _mapping(value: Any, keys: Sequence[str], label: str) -> Mapping[str, Any]:
    item = _plain_mapping(value, label)
    refuse_unknown_keys(item, keys, label)
    return item


def _text(value: Any, label: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{label} must be a text, not {'empty' if value == '' else kind(value)}")
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise InputError(f"{label}: {value!r} holds a line break or another control character")
    return value


def _hidden(value: Any, label: str) -> str:
    """PEM text or a path; whichever it is, it is not quoted."""
    if not isinstance(value, str) or not value.strip():
        raise InputError(
            f"{label} must be PEM text or a path on the controller, not {'empty' if value == '' else kind(value)}"
        )
    return value


def _content(value: Any, label: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"{label} must be a text, not {kind(value)}")
    return value


def _absolute(value: Any, label: str) -> str:
    text = _text(value, label)
    if not text.startswith("/") or text.strip("/") == "" or ".." in text.split("/"):
        raise InputError(f"{label}: {text!r} is not an absolute path on the host")
    return text


def _optional_path(values: Mapping[str, Any], key: str) -> str | None:
    return None if values.get(key) is None else _absolute(values[key], key)


def _command(value: Any, label: str, required: bool) -> tuple[str, ...]:
    if value is None and not required:
        return ()
    if isinstance(value, str):
        raise InputError(
            f"{label}: {value!r} must be a list of words, run without a shell: [{', '.join(value.split())}]"
        )
    words = [word for _number, word in _enumerate(value, label)] if value is not None else []
    if not words and required:
        raise InputError(f"{label} is missing: the command as a list of words, for example [nginx, -t]")
    return tuple(_text(str(word) if isinstance(word, int) else word, f"{label}[{n}]") for n, word in enumerate(words))


def _restart(values: Mapping[str, Any]) -> tuple[str, ...]:
    command = _command(values.get("restart"), "restart", required=False)
    if command and values.get("pid_file") is None and values.get("journal") is None:
        raise InputError("restart needs pid_file or journal, which tell the process that is looked at")
    return command


def _metadata(item: Mapping[str, Any], label: str, default: int) -> Metadata:
    owner, group = (None if item.get(key) is None else _text(str(item[key]), label + key) for key in ("owner", "group"))
    return Metadata(default if item.get("mode") is None else _mode(item["mode"], f"{label}mode"), owner, group)


def _mode(value: Any, label: str) -> int:
    """'0640' and, from YAML's own octal numbers, 0640. A decimal 640 is not guessed at."""
    if isinstance(value, str) and re.fullmatch(r"0?[0-7]{3}", value):
        return int(value, 8)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 0o777:
        return int(value)
    raise InputError(f"{label}: {value!r} is not a mode; expected octal digits in quotes, for example '0640'")


def _bool(value: Any, label: str) -> bool:
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    if isinstance(value, bool):
        return value
    if str(value).lower() not in words:
        raise InputError(f"{label}: {value!r} is neither true nor false")
    return words[str(value).lower()]


def _seconds(value: Any, label: str) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = -1.0
    if isinstance(value, bool) or not 0 <= seconds <= 86400:
        raise InputError(f"{label}: {value!r} is not a time; expected seconds, at most a day")
    return seconds


def _choice(value: Any, known: Sequence[str], label: str) -> str:
    if value not in known:
        raise InputError(f"{label}: {value!r} is not known (expected one of {', '.join(known)})")
    return str(value)


def _unique(names: Sequence[str], label: str) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{label}: the name {twice[0]!r} is given twice")
