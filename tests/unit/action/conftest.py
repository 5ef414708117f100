# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two servers to verify, for a module of tests: one that serves its whole chain, and one that serves its leaf alone."""

from __future__ import annotations

import pytest

from tests.unit.wire import servers

CHAIN = ["leaf", "inter", "upper"]


@pytest.fixture(scope="module")
def pki():
    return servers.shop()


@pytest.fixture(scope="module")
def server(tmp_path_factory, pki):
    with servers.nginx(tmp_path_factory.mktemp("whole"), pki, CHAIN) as port:
        yield port


@pytest.fixture(scope="module")
def leaf_only(tmp_path_factory, pki):
    with servers.nginx(tmp_path_factory.mktemp("leaf"), pki, ["leaf"]) as port:
        yield port
