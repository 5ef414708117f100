# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fuzz targets of tests/fuzz, for a moment: `make fuzz` runs them for longer."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge import judge
from ansible_collections.fullchain.tls.plugins.plugin_utils.pki import pem
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import targets
from tests.fuzz.targets import TARGETS, Choices


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
@given(data=st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_nothing_is_found_in_a_moment(target: Callable[[bytes], None], data: bytes) -> None:
    target(data)


def test_the_target_of_the_judge_reaches_good_chains_and_bad_ones() -> None:
    def chosen(*certificates: int) -> bytes:
        """One of the first case's certificates each, undamaged; the last is the root."""
        picks = [bytes([0, 0, 0, certificate, 0, 0]) for certificate in certificates]
        return bytes([0, 0, 0, len(picks) - 1]) + b"".join(picks[:-1]) + bytes(2) + picks[-1]

    verdicts = {judge(targets._case(Choices(chosen(*order)))).ok for order in permutations(range(3))}

    assert verdicts == {True, False}


def test_a_fault_in_reading_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pem, "_wrong_block", lambda label, source: {}[label])

    with pytest.raises(KeyError):
        TARGETS["pem"](bytes([0, 1, 0, 1]) + bytes(20))  # the text with the key
