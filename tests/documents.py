# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The generated parts of docs: `make docs` writes them, tests hold them to the code and to the real clients.

In docs/findings.md, the line of each section that tells family, severity and clients, and the table of the clients' words beneath it.
docs/clients.md as a whole: what is predicted of each client, beside what it did. docs/profiles.md: what each TLS profile gives where.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge import CLIENTS
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.catalogue import CATALOGUE, Entry
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.apache import apache_can, apache_tls
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.caddy import caddy_tls
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.nginx import nginx_tls
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.openssl import parse_version
from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.reader import profile_names, read_profile

DOCS = Path(__file__).parents[1] / "docs"
FINDINGS, TABLE, PROFILES = DOCS / "findings.md", DOCS / "clients.md", DOCS / "profiles.md"

_GENERATED = re.compile(r"^Family .*\n(?:\n(?:\|.*\n)+)?", re.MULTILINE)

_CLIENTS_MD = """\
# What is predicted, and what clients did

Written by `make docs` from a run of tests/unit/judge/test_real_clients.py, which serves each of these {number} configurations on
127.0.0.1 and has every client visit: OpenSSL 3.0, curl 7.88, Python 3.11, Node.js 20, OpenJDK 17, Go 1.27 and GnuTLS 3.7 on Debian 12.
Chains as OpenSSL, easy-rsa, certtool, keytool, step, Active Directory and kubeadm make them are held against the same clients
by tests/unit/judge/test_private_cas.py. Only the root is trusted unless the name says otherwise, and `leaf`, `intermediate` is what is served.

`ok`: accepted, as predicted. `refuses`: refused, as predicted. A difference is **bold**, and has its reason below the table.

| configuration | findings | {clients} |
|---|---|{rules}|
"""


_PROFILES_MD = """\
# What each TLS profile gives on each server

Written by `make docs` from the profiles' data (`plugins/plugin_utils/profiles`, a file for each version of a guideline) and from what
each server and each OpenSSL can do. The versions are those that distributions have, each with the OpenSSL that it usually has.

What a profile asks and a server can't do is left out, with a comment in the file and a note of the run. A profile of which no protocol is
left is refused. A profile of your own is a mapping that changes one of these: see the filters `fullchain.tls.nginx_tls` and
`fullchain.tls.apache_tls`, which show the directives for any version.
{sections}"""

SERVERS = (
    *(("nginx", *versions) for versions in [("1.14.1", "1.1.1k"), ("1.18.0", "1.1.1w"), ("1.22.1", "3.0.19"), ("1.26.3", "3.5.1")]),
    *(("Apache", *versions) for versions in [
        ("2.2.15", "1.0.1e"), ("2.2.34", "1.0.2u"), ("2.4.6", "1.0.2k"), ("2.4.7", "1.0.1f"), ("2.4.8", "1.0.2g"), ("2.4.10", "1.0.2u"),
        ("2.4.37", "1.1.1k"), ("2.4.62", "3.0.15"), ("2.4.67", "1.1.1w"), ("2.4.71", "3.0.19"), ("2.4.71", "3.5.1"),
    ]),
    *(("Caddy", version, "none: Go's") for version in ("2.6.2", "2.10.0")),
)  # fmt: skip
"""The servers of the table: name, version, version of OpenSSL."""


def generated_part(entry: Entry) -> str:
    """What findings.md says of an entry of the catalogue, below its meaning."""
    start = f"Family {entry.family}, `{entry.severity}`."
    if not entry.words:
        return f"{start} No client refuses because of it.\n"
    words = (f"| {client} | {_code(said)} |\n" for client, said in entry.words.items())
    return f"{start} An `error` where one of these clients is among `clients`; they say:\n\n| client | words |\n|---|---|\n{''.join(words)}"


def _code(said: str) -> str:
    return "`" + said.replace("{server_name}", "NAME").replace("|", "\\|") + "`"


def write_findings() -> None:
    """Put the generated parts of findings.md right."""
    head, *sections = FINDINGS.read_text().split("\n## `")
    written = [
        _GENERATED.sub(lambda _match, s=section: generated_part(CATALOGUE[s.partition("`")[0]]), section)
        for section in sections
    ]
    FINDINGS.write_text("\n## `".join([head, *written]))


def clients_table(rows: Sequence[tuple[str, Sequence[str], Mapping[str, bool], Mapping[str, bool], str]]) -> str:
    """clients.md. Of each row: its name, codes of findings, who is predicted to accept, who did, and why they differ."""
    lines, reasons = [], []
    for name, codes, predicted, did, reason in rows:
        cells = " | ".join(_cell(predicted[client], did[client]) for client in CLIENTS)
        lines.append(f"| {name} | {', '.join(dict.fromkeys(codes)) or 'none'} | {cells} |\n")
        if reason:
            reasons.append(f"- {name}: {reason}\n")
    head = _CLIENTS_MD.format(number=len(rows), clients=" | ".join(CLIENTS), rules="|".join(["---"] * len(CLIENTS)))
    return head + "".join(lines) + ("\n" + "".join(reasons) if reasons else "")


def _cell(predicted: bool, did: bool) -> str:
    word = "ok" if did else "refuses"
    return word if predicted is did else f"**{word}**"


def profiles_page() -> str:
    """profiles.md."""
    return _PROFILES_MD.format(sections="".join(_profile_section(name) for name in profile_names()))


def _profile_section(name: str) -> str:
    profile = read_profile(name)
    asked = f"{', '.join(profile.protocols)}; groups {', '.join(profile.groups)}; {len(profile.ciphers)} ciphers before TLS 1.3."
    rows = "".join(_profile_row(name, *server) for server in SERVERS)
    return f"\n## `{name}`\n\n{profile.name}: {asked}\n\n| server | OpenSSL | protocols | groups | chain | left out |\n|---|---|---|---|---|---|\n{rows}"


def _profile_row(name: str, server: str, version: str, openssl: str) -> str:
    parsed = parse_version(version)
    head = f"| {server} {version} | {openssl} |"
    try:
        if server == "Caddy":
            tls = caddy_tls(read_profile(name), parsed)
        else:
            made = {"nginx": nginx_tls, "Apache": apache_tls}[server]
            tls = made(read_profile(name), parsed, parse_version(openssl))
    except InputError:
        return f"{head} refused: none is left | | | |\n"
    groups = _groups(dict(tls.directives))
    chain = "two files" if server == "Apache" and not apache_can("chain in the file", parsed) else "one file"
    left = "; ".join(tls.notes) or "nothing"
    return f"{head} {', '.join(tls.protocols)} | {groups} | {chain} | {left} |\n"


def _groups(directives: Mapping[str, str]) -> str:
    """The groups in whichever server's directives, each in the server's own names."""
    curves = directives.get("SSLOpenSSLConfCmd", "OpenSSL's own").removeprefix("Curves ")
    if "curves" in directives:
        curves = directives["curves"].replace(" ", ":")
    return directives.get("ssl_ecdh_curve", curves).replace(":", ", ")


if __name__ == "__main__":
    write_findings()
    PROFILES.write_text(profiles_page())
