# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every case of the judge's tables."""

from __future__ import annotations

from tests.unit.judge import (
    cases,
    cases_authority,
    cases_constraints,
    cases_mutual,
    cases_revocation,
    cases_strength,
)

VALID = (
    *cases.VALID,
    *cases_authority.VALID,
    *cases_constraints.VALID,
    *cases_strength.VALID,
    *cases_revocation.VALID,
    *cases_revocation.GOOD_WHEN_CHECKED,
    *cases_mutual.VALID,
)
# What clients can be asked about: it is in the chain.
IN_THE_CHAIN = (
    *cases.PRESENTATION,
    *cases.TRUST,
    *cases.TIME,
    *cases.NAME,
    *cases_authority.FAULTY,
    *cases_constraints.FAULTY,
    *cases_strength.FAULTY,
    *cases_revocation.STAPLED,
)
FAULTY = (
    *IN_THE_CHAIN,
    *cases.BESIDE_THE_CHAIN,
    *cases_strength.BESIDE_THE_CHAIN,
    *cases_revocation.CHECKED,
    *cases_mutual.FAULTY,
)
