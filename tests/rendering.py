# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The templates of a role, rendered as deploy does."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jinja2


def render_template(role: str, template: str, **values: Any) -> str:
    """The text of one of the role's templates. A variable that is not given is an error."""
    return _engine(role).get_template(template).render(values) + "\n"  # which a template in another ends without


@cache
def _engine(role: str) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parents[1] / "roles" / role / "templates"),
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,
    )
