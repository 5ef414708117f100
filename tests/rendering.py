# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The templates of a role, rendered as deploy does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from ansible.plugins.filter.core import FilterModule


def render_template(role: str, template: str, **values: Any) -> str:
    """The text of one of the role's templates. A variable that is not given is an error."""
    return _engine(role).get_template(template).render(values) + "\n"  # which a template in another ends without


def facts_of(names: Iterable[str], **facts: Any) -> dict[str, dict[str, Any]]:
    """What deploy tells templates of the certificates that it knows, all alike; by default there is nothing to tell."""
    return {name: {"separate_chain": False, "ocsp": [], "issuers": [], **facts} for name in names}


def write_files(role: str, files: Iterable[Mapping[str, Any]], current: Path, facts: Mapping[str, Any]) -> None:
    """Write what a deploy of these files would, below current. facts: of the certificates, by name; see facts_of."""
    for item in files:
        values = {**item.get("vars", {}), "certificate_facts": facts}
        for site in item.get("each", [None]):
            text = render_template(role, item["src"], **values, site=site)
            if text.strip() or not item.get("optional"):
                path = current / item["dest"].format(**(site or {}))
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")


@cache
def _engine(role: str) -> jinja2.Environment:
    engine = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parents[1] / "roles" / role / "templates"),
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,
    )
    engine.filters.update({name: FilterModule().filters()[name] for name in ("extract", "quote")})  # Ansible's own
    return engine
