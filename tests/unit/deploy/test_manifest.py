# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import json
import zlib

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.diff import build_diff
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.manifest import (
    WantedFile,
    expand_dest,
    pack,
    refuse_collisions,
)
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.request import Metadata
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError


def wanted(path: str, content: bytes = b"", secret: bool = False, mode: int = 0o644) -> WantedFile:
    return WantedFile(path, content, Metadata(mode), secret, f"the one with {path}")


def test_dest_takes_values_of_the_item() -> None:
    assert expand_dest("sites/{name}.conf", {"name": "2001:db8::1"}, "files[0]") == "sites/2001:db8::1.conf"


@pytest.mark.parametrize(
    ("dest", "item", "message"),
    [
        ("/x", None, "files[0]: dest '/x' is absolute; expected a path relative to the generation"),
        ("a/../x", None, "files[0]: dest 'a/../x' does not name a file inside the generation"),
        ("a//x", None, "files[0]: dest 'a//x' does not name a file inside the generation"),
        (".manifest.json", None, "files[0]: dest '.manifest.json' does not name a file inside the generation"),
        ("{name}", None, "files[0]: dest '{name}': nothing is called 'name' (no item: `each` is not given)"),
        ("{nmae}", {"name": "a"}, "files[0]: dest '{nmae}': nothing is called 'nmae' (known: name)"),
        (
            "{name}",
            {"name": "../../etc/passwd"},
            "files[0]: dest '{name}': name '../../etc/passwd' would lead to another directory",
        ),
        ("{name}/x", {"name": ".."}, "files[0]: dest '{name}/x': name '..' would lead to another directory"),
        ("{name}", {"name": "a\nb"}, "files[0]: dest 'a\\nb' holds a line break or another control character"),
    ],
)
def test_dest_refused(dest: str, item: dict[str, str] | None, message: str) -> None:
    with pytest.raises(InputError) as caught:
        expand_dest(dest, item, "files[0]")
    assert str(caught.value) == message


def test_two_files_at_one_path() -> None:
    with pytest.raises(InputError, match="dest 'a' is also that of the one with a"):
        refuse_collisions([wanted("a"), wanted("a")])


def test_file_below_a_file() -> None:
    with pytest.raises(InputError, match="dest 'a/b' lies below 'a', a file of the one with a"):
        refuse_collisions([wanted("a/b"), wanted("a")])


def test_pack_holds_the_named_files_as_they_are() -> None:
    bundle = pack([wanted("a", b"\xff\x00\n"), wanted("b", b"b")], ["a"])
    assert json.loads(zlib.decompress(base64.b64decode(bundle))) == {"a": "\xff\x00\n"}
    assert json.loads(zlib.decompress(base64.b64decode(bundle)))["a"].encode("latin-1") == b"\xff\x00\n"


def diff(state: str, file: WantedFile | None, secret: bool = False, before: str | None = None) -> dict[str, str]:
    path = file.path if file else "gone"
    item = {"path": path, "state": state, "secret": secret, **({} if before is None else {"before": before})}
    return build_diff("/root", [item], [file] if file else [])[0]


def test_diff_of_plain_files() -> None:
    new = diff("new", wanted("a", b"text\n"))
    assert (new["before"], new["after"]) == ("", "text\n")
    assert (new["before_header"], new["after_header"]) == ("/root/current/a (not there)", "/root/current/a")
    changed = diff("changed", wanted("a", b"text\n"), before="old\n")
    assert (changed["before"], changed["after"]) == ("old\n", "text\n")
    removed = diff("removed", None, before="old\n")
    assert (removed["before"], removed["after"], removed["after_header"]) == (
        "old\n",
        "",
        "/root/current/gone (removed)",
    )


def test_diff_of_a_mode() -> None:
    entry = diff("changed", wanted("a", b"text\n", mode=0o640), before="text\n")
    assert "0640" in entry["after"]


def test_unchanged_files_are_not_in_the_diff() -> None:
    assert build_diff("/root", [{"path": "a", "state": "same", "secret": False}], [wanted("a")]) == []


@pytest.mark.parametrize("state", ["new", "changed", "removed"])
@pytest.mark.parametrize("secret_on", ["host", "controller", "both"])
def test_secret_is_never_in_the_diff(state: str, secret_on: str) -> None:
    """Secret is what either side calls so, even if a before text came along."""
    file = wanted("certs/a/privkey.pem", b"KEY", secret=secret_on != "host")
    entry = diff(state, file, secret=secret_on != "controller", before="OLDKEY")
    assert "KEY" not in str(entry)
    assert "private key" in entry["before"] + entry["after"]
    assert entry["before"] != entry["after"]
