# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every chain."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils import judge as judge_package
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge import (
    CLIENTS,
    SEVERITIES,
    Case,
    Failure,
    judge,
    parse_expires_soon,
    paths,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.catalogue import CATALOGUE, RANK
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.clients import BEHAVIOUR
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.certificates import (
    Certificate,
    parse_certificate,
    signed_by,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.documents import generated_part
from tests.pki import Cert, Pki, mint
from tests.unit.judge.cases import SHOP

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=timezone.utc)
JUDGE = Path(next(iter(judge_package.__path__)))
PREFIX = "ansible_collections.fullchain.tls.plugins.plugin_utils."


@pytest.fixture(scope="module")
def pki() -> Pki:
    return mint(
        NOW,
        root=Cert(),
        other=Cert(),
        inter=Cert(issuer="root"),
        leaf=Cert(issuer="inter", names=[SHOP]),
        cross_root=Cert(issuer="other", like="root"),
        stray=Cert(issuer="other", names=["stray.example.com"]),
        namesake=Cert(issuer="root", cn="inter"),
        old=Cert(issuer="root", like="inter", ends="-1d"),
        again=Cert(issuer="other", like="inter"),
    )


def case(pki: Pki, *names: str, trust: str = "root") -> Case:
    return Case(chain=pki.chain(*names), trust=pki.trust(trust), at=NOW, server_name=SHOP)


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("path", sorted(JUDGE.rglob("*.py")), ids=lambda path: path.name)
def test_the_judge_is_pure(path: Path) -> None:
    allowed = {
        "__future__",
        "collections",
        "collections.abc",
        "dataclasses",
        "datetime",
        "enum",
        "functools",
        "heapq",
        "ipaddress",
        "itertools",
        "operator",
        "re",
        "typing",
        "urllib.parse",
    }
    inside = (f"{PREFIX}judge", f"{PREFIX}pki.", f"{PREFIX}errors", f"{PREFIX}lazy", "cryptography")

    assert {name for name in _imports(path) if name not in allowed and not name.startswith(inside)} == set()
    assert not {"now", "utcnow", "today"} & {
        n.attr for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Attribute)
    }


def test_the_judge_brings_in_neither_wire_nor_ansible_nor_pyopenssl() -> None:
    program = f"import sys, {PREFIX}judge; print(*sys.modules)"
    paths = [str(Path(__file__).parents[3] / ".work"), *sys.path]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {paths!r}; {program}"],
        capture_output=True,
        text=True,
        check=True,
    )

    loaded = done.stdout.split()
    assert f"{PREFIX}judge.verdict" in loaded
    assert not [name for name in loaded if name.startswith(("ansible.", "OpenSSL", f"{PREFIX}wire"))]


@given(st.permutations(["cross_root", "stray", "namesake", "root", "inter", "inter"]))
@settings(max_examples=60, deadline=None)
def test_the_order_of_extras_never_changes_ok(pki: Pki, extras: list[str]) -> None:
    assert judge(case(pki, "leaf", "inter", *extras)).ok
    assert not judge(case(pki, "leaf", *(name for name in extras if name not in ("inter", "root")))).ok


@given(st.lists(st.sampled_from(["cross_root", "stray", "namesake", "root", "other", "old", "again"]), max_size=7))
@settings(max_examples=200, deadline=None)
def test_adding_the_valid_path_never_makes_it_worse(pki: Pki, extras: list[str]) -> None:
    without, with_path = judge(case(pki, "leaf", *extras)), judge(case(pki, "leaf", *extras, "inter"))

    assert with_path.chain_complete
    assert all(with_path.clients[client] for client, accepts in without.clients.items() if accepts)
    assert with_path.clients["go"]  # which tries every path


@given(name=st.sampled_from(["leaf", "inter"]), place=st.integers(0, 2000), value=st.integers(0, 255))
@example(name="leaf", place=58, value=0)  # in the issuer's name, which the library decodes late
@settings(max_examples=300, deadline=None)
def test_a_mutated_byte_never_raises_and_never_passes_for_the_original(
    pki: Pki, name: str, place: int, value: int
) -> None:
    der = bytearray(pki.der(name))
    der[place % len(der)] = value
    mutated = parse_certificate(bytes(der))
    chain = [mutated if n == name else pki[n] for n in ("leaf", "inter")]

    verdict = judge(Case(chain=tuple(chain), trust=pki.trust("root"), at=NOW, server_name=SHOP))

    assert verdict.ok is (bytes(der) == pki.der(name))


@given(st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_a_finding(pki: Pki, data: bytes) -> None:
    verdict = judge(Case(chain=(pki["leaf"], pki["inter"], parse_certificate(data)), trust=pki.trust("root"), at=NOW))

    assert [finding.code for finding in verdict.findings] == ["malformed-certificate"]


@pytest.mark.parametrize("key_ids", [True, False])
def test_a_hundred_certificates_of_one_name_cost_a_bounded_number_of_signatures(
    key_ids: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"c{n}" for n in range(100)]
    towers = {name: Cert(issuer=names[n - 1] if n else None, cn="CA", key_ids=key_ids) for n, name in enumerate(names)}
    pki = mint(NOW, root=Cert(), leaf=Cert(issuer="c50", names=[SHOP], key_ids=key_ids), **towers)
    looked_at: list[object] = []

    def counted(certificate: Certificate, issuer: Certificate) -> bool:
        looked_at.append(issuer)
        return signed_by(certificate, issuer)

    monkeypatch.setattr(paths, "signed_by", counted)
    verdict = judge(Case(chain=pki.chain("leaf", *names), trust=pki.trust("root"), at=NOW, server_name=SHOP))

    assert not verdict.ok
    assert verdict.chain_complete is False
    # Once to find a path, and once more to follow each of the two kinds of client that do not search.
    assert 0 < len(looked_at) <= 3 * paths.MOST_SIGNATURES


def test_a_tangle_of_namesakes_is_said_to_be_one() -> None:
    names = [f"c{n}" for n in range(100)]
    towers = {name: Cert(issuer=names[n - 1] if n else None, cn="CA", key_ids=False) for n, name in enumerate(names)}
    pki = mint(NOW, root=Cert(), leaf=Cert(issuer="c50", names=[SHOP], key_ids=False), **towers)

    verdict = judge(Case(chain=pki.chain("leaf", *names), trust=pki.trust("root"), at=NOW, server_name=SHOP))

    assert [(f.code, f.severity) for f in verdict.findings] == [("chain-too-long", "error")]
    assert verdict.findings[0].message == (
        "101 certificates are sent, and more than 100 signatures would have to be looked at to find a path through them"
    )
    assert not any(verdict.clients.values())


def test_cross_signed_loops_end() -> None:
    pki = mint(NOW, root=Cert(), a=Cert(), b=Cert(), ab=Cert(issuer="b", like="a"), ba=Cert(issuer="a", like="b"),
               leaf=Cert(issuer="ab", names=[SHOP]))  # fmt: skip

    verdict = judge(case(pki, "leaf", "ab", "ba"))

    assert [finding.code for finding in verdict.findings] == ["unknown-issuer"]


def test_all_faults_are_told_together_and_causes_come_first() -> None:
    pki = mint(
        NOW,
        root=Cert(),
        stray=Cert(),
        inter=Cert(issuer="root"),
        leaf=Cert(issuer="inter", names=["www.example.com"], ends="-1d"),
    )

    findings = judge(replace(case(pki, "leaf", "stray", "stray"), key_spki=pki["stray"].spki_sha256)).findings

    assert [finding.code for finding in findings] == [
        "key-mismatch", "incomplete-chain", "name-mismatch", "expired", "duplicate-certificate", "unrelated-certificate",
    ]  # fmt: skip


def test_roles() -> None:
    pki = mint(NOW, root=Cert(), other=Cert(), inter=Cert(issuer="root"), leaf=Cert(issuer="inter", names=[SHOP]),
               cross=Cert(issuer="other", like="root"))  # fmt: skip
    chain = (*pki.chain("leaf", "inter", "cross", "root", "other", "inter"), parse_certificate(b""))

    verdict = judge(Case(chain=chain, trust=pki.trust("root"), at=NOW, server_name=SHOP))

    assert verdict.roles == ("leaf", "intermediate", "intermediate", "root", "root", "extra", "malformed")
    assert judge(case(pki, "leaf", "inter", trust="other")).roles == ("leaf", "intermediate")


def test_a_stranger_is_extra(pki: Pki) -> None:
    assert judge(case(pki, "leaf", "inter", "stray")).roles == ("leaf", "intermediate", "extra")


def test_nothing_served_is_neither_complete_nor_incomplete() -> None:
    pki = mint(NOW, root=Cert())

    verdict = judge(Case(chain=(), trust=pki.trust("root"), at=NOW, failure=Failure("unreachable", "refused")))

    assert verdict.chain_complete is None
    assert verdict.roles == ()
    assert not verdict.ok


def test_webhook_senders_are_named_beside_the_clients(pki: Pki) -> None:
    verdict = judge(replace(case(pki, "leaf"), clients=("go",)))

    assert verdict.findings[0].clients == {
        "go": "x509: certificate signed by unknown authority",
        "ringcentral": 'SUB-524 "HTTPS certificate is not valid"',
    }
    assert verdict.clients == {"go": False}


def test_control_characters_in_names_do_not_reach_the_terminal() -> None:
    pki = mint(NOW, root=Cert(cn="\x1b[31mroot\n"), leaf=Cert(issuer="root", names=[SHOP], cn="\x1b[2J"))

    (finding,) = judge(Case(chain=pki.chain("leaf"), trust=pki.trust("leaf"), at=NOW, server_name=SHOP)).findings

    assert finding.message.isprintable()
    assert "\\x1b[2J" in finding.message


def test_a_failure_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="'odd' is no kind of failure"):
        Failure("odd", "")


@pytest.mark.parametrize(
    ("text", "days_of_90"), [("14", 14), (14, 14), ("33%", 29.7), ("0", 0), (" 2.5 ", 2.5), ("100%", 90)]
)
def test_thresholds(text: str | int, days_of_90: float) -> None:
    pki = mint(NOW, leaf=Cert(names=[SHOP], starts="-30d", ends="60d"))

    assert parse_expires_soon(text).of(pki["leaf"]).total_seconds() / 86400 == pytest.approx(days_of_90)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("soon", "expires_soon: 'soon' is neither a number of days nor a percentage (expected e.g. 14 or 33%)"),
        ("-1", "expires_soon: '-1' is neither a number of days nor a percentage (expected e.g. 14 or 33%)"),
        ("", "expires_soon: '' is neither a number of days nor a percentage (expected e.g. 14 or 33%)"),
        ("101%", "expires_soon: '101%' is more than the certificate's whole lifetime (expected 0% to 100%)"),
        ("99999999", "expires_soon: '99999999' days are more than a century (expected e.g. 14 or 33%)"),
    ],
)
def test_thresholds_that_are_none(text: str, message: str) -> None:
    with pytest.raises(InputError) as raised:
        parse_expires_soon(text)
    assert str(raised.value) == message


def test_the_catalogue_holds_together() -> None:
    assert set(BEHAVIOUR) == set(CLIENTS)
    for code, entry in CATALOGUE.items():
        assert entry.severity in SEVERITIES, code
        assert entry.hides <= set(CATALOGUE), code
        assert set(entry.words) <= {*CLIENTS, "ringcentral"}, code
        # a cause stands before its echoes
        assert all(RANK[code] < RANK[echo] for echo in entry.hides), code


def test_findings_are_documented_and_nothing_else_is() -> None:
    text = (Path(__file__).parents[3] / "docs" / "findings.md").read_text()
    documented = [line.removeprefix("## ").strip("`") for line in text.splitlines() if line.startswith("## `")]

    assert documented == list(CATALOGUE)
    for section, (code, entry) in zip(text.split("\n## `")[1:], CATALOGUE.items(), strict=True):
        assert section.startswith(f"{code}`\n\n{entry.meaning}"), code
        assert f"\n\n{generated_part(entry)}\n" in section, f"{code}: `make docs` writes it anew"
        assert "openssl " in section, code
        assert "**Put it right:**" in section, code
        assert re.search(r"\n- nginx: .+\n- Apache: .+\n- certbot: .+\n", section), code
