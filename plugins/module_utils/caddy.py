# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which sites a Caddyfile defines, and what in it decides about sites that are added.

The files are read here, not taken from ``caddy adapt``: that prints nothing when the configuration is broken, and
never which file a site is in. Only addresses, imports, a few global options and names of environment variables leave
this file: a configuration may hold passwords.
"""

import os
import re
from fnmatch import fnmatchcase
from glob import escape, glob
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from ansible_collections.fullchain.tls.plugins.module_utils.configuration import MAX_DEPTH, Directive, Files

GLOBAL_OPTIONS = ("admin", "auto_https", "email", "http_port", "https_port", "storage")

_TOKEN = re.compile(
    r"""(?P<line>\n) | [^\S\n]+ | \\\n | (?P<comment>\#[^\n]*)
    | "(?P<quoted>(?:\\"|[^"])*)" | `(?P<raw>[^`]*)`
    | <<(?P<mark>[\w-]+)\n(?P<text>.*?)\n[^\S\n]*(?P=mark)(?=\s)
    | (?P<word>[^\s]+)""",
    re.VERBOSE | re.DOTALL,
)
_VARIABLE = re.compile(r"\{\$([^}:\s]+)")
_OPEN, _CLOSE = "{", "}"


def parse_version(text: str) -> str:
    """Read what ``caddy version`` prints: ``2.6.2``, or ``v2.8.4 h1:...``. Raises ValueError when there is none in it."""
    found = re.match(r"v?(\d+(?:\.\d+)+)", text.strip())
    if found is None:
        raise ValueError("'caddy version' printed no version: {0!r}".format(text[:200]))
    return found.group(1)


def data_directory(environment: Dict[str, str]) -> Optional[str]:
    """Where a Caddy with this environment keeps certificates and accounts. Other storage is an option of the Caddyfile's."""
    if environment.get("XDG_DATA_HOME"):
        return os.path.join(environment["XDG_DATA_HOME"], "caddy")
    return os.path.join(environment["HOME"], ".local/share/caddy") if environment.get("HOME") else None


def read_environment(path: str) -> Dict[str, str]:
    """The environment of a process, from its file in /proc; {} when it can't be read."""
    try:
        with open(path, "rb") as stream:
            pairs = [item.partition("=") for item in os.fsdecode(stream.read()).split("\0")]
    except OSError:
        return {}
    return {name: value for name, _equals, value in pairs}


def accounts(data: str) -> List[str]:
    """The ACME accounts below a data directory, each as CA and user in the words that they are stored by: ``ca/user``."""
    found = [path for path in glob(escape(data) + "/acme/*/users/*/*.json") if os.path.exists(path[:-5] + ".key")]
    return sorted("{0}/{2}".format(*path.split("/")[-4:-1]) for path in found)


def lines_of(text: str) -> Iterator[Tuple[int, List[str]]]:
    """Yield each line that holds something: its number, and its words as Caddy's lexer reads them."""
    number, words = 1, []  # type: Tuple[int, List[str]]
    for found in _TOKEN.finditer(text + "\n"):
        kinds = found.groupdict()
        if kinds["line"] and words:
            yield number, words
            words = []
        word = _word(kinds)
        if word is not None:
            if not words:
                number = text.count("\n", 0, found.start()) + 1
            words.append(word)


def _word(kinds: Dict[str, Optional[str]]) -> Optional[str]:
    if kinds["quoted"] is not None:
        return kinds["quoted"].replace('\\"', '"')
    return next((kinds[kind] for kind in ("raw", "text", "word") if kinds[kind] is not None), None)


def parse(text: str) -> List[Directive]:
    """Parse a Caddyfile's text: sites, imports, snippets and the global options (named ``""``) with their blocks.

    The addresses of a site are name and arguments of one Directive. Raises ValueError saying what is wrong, in which line.
    """
    found = []  # type: List[Directive]
    stack = [found]
    pending = []  # type: List[str]
    for number, words in lines_of(text):
        if words == [_CLOSE]:
            if len(stack) == 1:
                raise ValueError("unexpected '}}' in line {0}".format(number))
            stack.pop()
            continue
        # The addresses of a site may go on in the next line, after a comma.
        pending, words = [], pending + words
        if len(stack) == 1 and words[-1].endswith(","):
            pending = words
            continue
        block = [] if words[-1] == _OPEN else None  # type: Optional[List[Any]]
        names = words if block is None else words[:-1]
        stack[-1].append(Directive((names or [""])[0], names[1:], block))
        if block is not None:
            stack.append(block)
    if len(stack) > 1 or pending:
        raise ValueError("unexpected end of file")
    return found


class Configuration:
    """The sites of a Caddyfile, read from `conf_path` on and through its imports.

    Files below `own` (with their links) belong to the caller and are not looked into. `pattern` is what the Caddyfile
    should import; drop_in_read says whether it does. without_braces: it is one site without braces, after which no
    second one can stand. `read` and `expand` (a glob) are for tests.
    """

    def __init__(
        self,
        conf_path: str,
        own: str,
        pattern: str,
        read: Optional[Callable[[str], str]] = None,
        **given: Any,
    ) -> None:
        self.servers = []  # type: List[Dict[str, Any]]
        self.settings = {}  # type: Dict[str, str]
        self.environment = []  # type: List[str]
        self.drop_in_read = False
        self.without_braces = False
        self._own, self._pattern = own.rstrip("/") + "/", pattern
        self._files = Files(os.path.dirname(conf_path), self._parse, read, **given)
        self._walk(conf_path)

    @property
    def unreadable(self) -> List[Dict[str, str]]:
        """The files that could not be read, with the reason."""
        return self._files.unreadable

    def _parse(self, text: str) -> List[Directive]:
        words = [word for _number, line in lines_of(text) for word in line]
        self.environment.extend(name for word in words for name in _VARIABLE.findall(word))
        return parse(text)

    def _walk(self, path: str, depth: int = 0) -> None:
        for directive in self._files.load(path):
            if directive.name == "import" and directive.block is None:
                self._import(path, directive, depth)
            elif directive.block is None:
                self.without_braces = True
            elif directive.name == "":
                self._options(directive.block)
            elif not directive.name.startswith("("):
                self.servers.append(self._site(path, directive))

    def _import(self, path: str, directive: Directive, depth: int) -> None:
        for pattern in directive.arguments[:1]:
            absolute = os.path.join(os.path.dirname(path), pattern)
            self.drop_in_read |= fnmatchcase(self._pattern, absolute)
            for included in self._files.expand(absolute) if depth < MAX_DEPTH else []:
                if not included.startswith(self._own):
                    self._walk(included, depth + 1)

    def _options(self, block: List[Directive]) -> None:
        for option in block:
            if option.name in GLOBAL_OPTIONS and option.arguments:
                self.settings.setdefault(option.name, option.arguments[0])

    def _site(self, path: str, directive: Directive) -> Dict[str, Any]:
        addresses = " ".join([directive.name, *directive.arguments]).replace(",", " ").split()
        imports = [item.arguments[0] for item in directive.block or [] if item.name == "import" and item.arguments]
        folder = os.path.dirname(path)
        return {
            "file": path,
            "addresses": [address.lower() for address in addresses],
            "includes": [os.path.join(folder, name) for name in imports if "/" in name],
        }
