# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every role documents each of its variables, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

ROLES = sorted(path for path in (Path(__file__).parents[3] / "roles").iterdir() if path.is_dir())


def load(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.fixture(params=ROLES, ids=lambda role: role.name)
def role(request):
    return request.param


@pytest.fixture
def specs(role):
    return load(role / "meta/argument_specs.yml")["argument_specs"]


def test_there_are_roles():
    assert {"nginx", "apache"} <= {role.name for role in ROLES}


def test_defaults_and_specs_match_key_for_key(role, specs):
    defaults = load(role / "defaults/main.yml")
    for entry_point, spec in specs.items():
        assert list(spec["options"]) == list(defaults), entry_point
        for name, option in spec["options"].items():
            # Ansible renders a spec, and prints it when a value is refused: a private key in tls_sites would be shown.
            computed = "{{" in str(defaults[name])
            assert ("default" in option) is not computed, f"{entry_point}: {name}"
            assert option.get("default") == (None if computed else defaults[name]), f"{entry_point}: {name}"


def test_each_variable_has_a_type_and_a_description(specs):
    for entry_point, spec in specs.items():
        assert spec["short_description"] and spec["description"], entry_point
        for name, option in spec["options"].items():
            assert option.get("type"), f"{entry_point}: {name}"
            assert option.get("description"), f"{entry_point}: {name}"


def test_each_entry_point_has_its_tasks_and_the_other_way_round(role, specs):
    for entry_point in specs:
        assert (role / f"tasks/{entry_point}.yml").is_file(), entry_point


def test_each_variable_carries_the_name_of_its_role(role):
    for name in load(role / "defaults/main.yml"):
        assert name.startswith(f"{role.name}_"), name
