# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/profiles.md is what the profiles and the versions give."""

from __future__ import annotations

from ansible_collections.fullchain.tls.plugins.plugin_utils.profiles.reader import profile_names

from tests.documents import PROFILES, SERVERS, profiles_page


def test_the_page_is_up_to_date():
    assert PROFILES.read_text() == profiles_page(), "run `make docs`"


def test_it_has_each_profile_on_each_server():
    sections = profiles_page().split("\n## ")[1:]
    assert [section.partition("\n")[0] for section in sections] == [f"`{name}`" for name in profile_names()]
    for section in sections:
        assert all(f"| {server} {version} | {openssl} |" in section for server, version, openssl in SERVERS)
