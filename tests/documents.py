# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The generated parts of docs: `make docs` writes them, tests hold them to the code and to the real clients.

In docs/findings.md, the line of each section that tells family, severity and clients, and the table of the clients' words beneath it.
docs/clients.md as a whole: what is predicted of each client, beside what it did.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ansible_collections.fullchain.tls.plugins.plugin_utils.judge import CLIENTS
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.catalogue import CATALOGUE, Entry

DOCS = Path(__file__).parents[1] / "docs"
FINDINGS, TABLE = DOCS / "findings.md", DOCS / "clients.md"

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


if __name__ == "__main__":
    write_findings()
