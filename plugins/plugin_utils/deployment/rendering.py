# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates to text with Ansible's own engine, many items in one go. The one file here that knows Ansible's API."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.manifest import WantedFile, expand_dest
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.request import FileSpec
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError

_trust: Callable[[str], str] | None
try:
    from ansible.template import trust_as_template

    _trust = trust_as_template
except ImportError:  # ansible-core before 2.19: every string is trusted unless it is wrapped
    _trust = None

MANAGED = "Ansible managed"

Find = Callable[[str], str]
Read = Callable[[str], bytes]


class Renderer:
    """Renders the entries of `files`.

    templar: the action's own. variables: the task's. find: the path of a template by its name; read: the bytes of
    a file on the controller, decrypted if it is vaulted. Both raise an exception with a message for people.
    """

    def __init__(self, templar: Any, variables: Mapping[str, Any], find: Find, read: Read) -> None:
        self._templar, self._variables, self._find, self._read = templar, variables, find, read

    def files(self, spec: FileSpec) -> Iterator[WantedFile]:
        """The files that one entry makes. Raises InputError naming the entry, the item and what is wrong."""
        render = self._template(spec) if spec.src is not None else None
        for item in [None] if spec.each is None else spec.each:
            label = spec.label if item is None else f"{spec.label}, {item['name']}"
            path = expand_dest(spec.dest, item, spec.label)
            text = render(item, label) if render else spec.content or ""
            if spec.optional and not text.strip():
                continue
            yield WantedFile(path, text.encode("utf-8"), spec.metadata, spec.secret, label)

    def _template(self, spec: FileSpec) -> Callable[[Mapping[str, Any] | None, str], str]:
        source, text = self._source(spec)
        variables = dict(self._variables)
        variables.setdefault("ansible_managed", MANAGED)
        variables.update(template_path=spec.src, template_fullpath=source, **_data(spec.vars))
        templar = self._templar.copy_with_new_env(
            searchpath=self._search_path(source), available_variables=variables, **_environment()
        )

        def render(item: Mapping[str, Any] | None, label: str) -> str:
            if item is not None:
                variables["site"] = _data(item)
            try:
                return _render(templar, text)
            except Exception as error:
                raise InputError(f"{label}: the template {spec.src} cannot be rendered: {error}") from error

        return render

    def _source(self, spec: FileSpec) -> tuple[str, str]:
        try:
            source = self._find(spec.src or "")
            return source, self._read(source).decode("utf-8")
        except UnicodeDecodeError:
            raise InputError(f"{spec.label}: src {spec.src!r} is not a text in UTF-8") from None
        except Exception as error:  # of a kind that depends on the version of Ansible
            said = getattr(error, "strerror", None) or error
            raise InputError(f"{spec.label}: src {spec.src!r} cannot be read: {said}") from error

    def _search_path(self, source: str) -> list[str]:
        """Where `include` and `import` look: as for ansible.builtin.template."""
        roots = [*self._variables.get("ansible_search_path", []), os.path.dirname(source)]
        return [path for root in roots for path in (os.path.join(root, "templates"), root)]


def _data(value: Mapping[str, Any]) -> MutableMapping[str, Any]:
    """Values that are data already. Ansible before 2.19 would take braces in them for a template and render it."""
    if _trust is None:
        from ansible.utils.unsafe_proxy import wrap_var

        return dict(wrap_var(dict(value)))  # type: ignore[no-untyped-call, unused-ignore]
    return dict(value)


def _environment() -> dict[str, Any]:
    """Before 2.19 the result has to be kept from becoming a number or a list; later versions ignore the argument."""
    if _trust is None:
        from ansible.template import AnsibleEnvironment  # type: ignore[attr-defined, unused-ignore] # gone in 2.19

        return {"environment_class": AnsibleEnvironment}
    return {}


def _render(templar: Any, text: str) -> str:
    """The text of a template, with the options that ansible.builtin.template has by default."""
    overrides = {"trim_blocks": True, "lstrip_blocks": False}
    if _trust is None:
        return str(
            templar.do_template(text, preserve_trailing_newlines=True, escape_backslashes=False, overrides=overrides)
        )
    rendered = templar.template(_trust(text), escape_backslashes=False, overrides=overrides)
    return "" if rendered is None else str(rendered)  # None is what 2.19 and later make of an empty text
