# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an Apache says about itself, and which virtual hosts its configuration defines.

The files are read here, not taken from ``apache2ctl -S``: that says nothing when the configuration is broken, which is
when it matters. Nothing but names, ports, includes, paths of certificates and modules leaves this file: a
configuration may hold passwords.
"""

import glob
import os
import re
from fnmatch import fnmatchcase
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.fullchain.tls.plugins.module_utils.configuration import MAX_DEPTH, Directive, Files

INCLUDES = ("include", "includeoptional")
MAIN_SETTINGS = ("pidfile", "errorlog", "mdstoredir")
MANAGED = ("mdomain", "mdomainset")
# Words that stand among the names of a managed domain and are none.
MEMBERS = ("auto", "manual")
# Sections whose directives stand where the section does. IfModule is decided; of the others both ways are read.
TRANSPARENT = ("ifmodule", "ifdefine", "ifversion", "iffile", "ifdirective", "ifsection")

_SECTION = re.compile(r"<\s*(?P<name>[A-Za-z]+)\s*(?P<arguments>[^>]*?)\s*>?\s*$")
_WORD = re.compile(r"""\s*(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|(\S+))""")
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_OPENSSL = re.compile(rb"OpenSSL (\d+\.\d+\.\d+[a-z]*(?:-[a-z]+\d*)?) +\d{1,2} [A-Z][a-z]{2} \d{4}")


def parse_version_output(text: str) -> str:
    """Return the version that ``apache2 -v`` or ``httpd -v`` prints, such as "2.4.62". ValueError when there is none."""
    found = re.search(r"^Server version:\s*Apache/(\d+\.\d+\.\d+)\b", text, re.MULTILINE)
    if found is None:
        raise ValueError("'-v' printed no version of Apache: {0!r}".format(text[:200]))
    return found.group(1)


def static_modules(text: str) -> List[str]:
    """Return the modules that ``-l`` lists as compiled in, in the names that LoadModule would have."""
    names = re.findall(r"^\s+(?:mod_)?(\w+)\.c\s*$", text, re.MULTILINE)
    return ["{0}_module".format(re.sub(r"^(event|worker|prefork)$", r"mpm_\1", name)) for name in names]


def openssl_version(data: bytes) -> Optional[str]:
    """Return the version that a libcrypto (or what it is linked into) carries in its data; None when it carries none."""
    found = _OPENSSL.search(data)
    return found.group(1).decode("ascii") if found else None


def linked_libraries(text: str) -> List[str]:
    """Return the paths of libcrypto that ``ldd`` prints."""
    return re.findall(r"=> (/\S*libcrypto\S*)", text)


def parse(text: str) -> List[Directive]:
    """Parse a configuration file's text into directives. Raises ValueError saying what is wrong, in which line."""
    stack = [("", [], [])]  # type: List[Tuple[str, List[str], List[Directive]]]
    for number, line in _lines(text):
        section = _SECTION.match(line)
        if line.startswith("</"):
            name, arguments, block = stack.pop()
            if not stack or line[2:].rstrip("> \t").lower() != name:
                raise ValueError("unexpected {0} in line {1}".format(line.split(">")[0] + ">", number))
            stack[-1][2].append(Directive(name, arguments, block))
        elif section:
            stack.append((section.group("name").lower(), _words(section.group("arguments")), []))
        else:
            words = _words(line)
            stack[-1][2].append(Directive(words[0].lower(), words[1:], None))
    if len(stack) > 1:
        raise ValueError("<{0}> is not closed".format(stack[-1][0]))
    return stack[0][2]


def _lines(text: str) -> Iterator[Tuple[int, str]]:
    """Yield each line that holds something with its number; one that ends with a backslash goes on in the next."""
    held, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        start = start or number
        if line.endswith("\\"):
            held += line[:-1]
            continue
        whole, held = (held + line).strip(), ""
        if whole and not whole.startswith("#"):
            yield start, whole
        start = 0


def _words(text: str) -> List[str]:
    return [re.sub(r"\\(.)", r"\1", a or b) if a or b else c for a, b, c in _WORD.findall(text)]


class Configuration:
    """The virtual hosts of an Apache configuration, read from `conf_path` on and through its includes.

    Files below `own` (with their links) belong to the caller. `drop_in` is the path of a file that should be included;
    drop_in_read says whether it is. What `drop_in` includes of `own` is in own_vhosts and nowhere else. managed are the
    domains whose certificates mod_md obtains, in whatever is not own. `loaded` are
    modules to be taken for loaded, besides those that the configuration loads; `variables` what ${NAME} stands for.
    """

    def __init__(
        self,
        conf_path: str,
        own: str,
        drop_in: str,
        loaded: Sequence[str] = (),
        variables: Optional[Mapping[str, str]] = None,
        read: Optional[Callable[[str], str]] = None,
        expand: Callable[[str], List[str]] = glob.glob,
    ) -> None:
        self.vhosts = []  # type: List[Dict[str, Any]]
        self.own_vhosts = []  # type: List[Dict[str, Any]]
        self.managed = []  # type: List[Dict[str, Any]]
        self.own_managed = []  # type: List[str]
        self.listen = []  # type: List[str]
        self.modules = {}  # type: Dict[str, str]
        self.main = {}  # type: Dict[str, str]
        self.stapling_cache = False
        self.drop_in_read = False
        self._own, self._drop_in = own.rstrip("/") + "/", drop_in
        self._loaded, self._variables = set(loaded), dict(variables or {})
        self._files = Files(os.path.dirname(conf_path), parse, read, expand)
        self.unreadable = self._files.unreadable
        self._walk_main(conf_path)
        self._walk_own()

    def _walk_main(self, conf_path: str) -> None:
        for path, directive in self._directives(conf_path, self._files.load(conf_path)):
            first = self._text(directive.arguments[0]) if directive.arguments else ""
            if directive.name == "virtualhost":
                self.vhosts.append(self._vhost(path, directive))
            elif directive.name in MANAGED:
                self.managed.append({"file": path, "names": self._managed(directive)})
            elif directive.name == "listen":
                self.listen.append(first)
            elif directive.name == "sslstaplingcache":
                self.stapling_cache = True
            elif directive.name == "serverroot":
                self._files.base = first
            elif directive.name in MAIN_SETTINGS and first:
                self.main[directive.name] = first

    def _walk_own(self) -> None:
        for path in self._files.included_by(self._drop_in, INCLUDES):
            for file_path, directive in self._directives(path, self._files.load(path)):
                if directive.name in MANAGED:
                    self.own_managed.extend(self._managed(directive))
                elif directive.name == "virtualhost":
                    self.own_vhosts.append(self._vhost(file_path, directive))

    def _vhost(self, path: str, section: Directive) -> Dict[str, Any]:
        found = {
            "file": path,
            "addresses": [self._text(word) for word in section.arguments],
            "names": [],
            "tls": False,
            "includes": [],
            "certificates": [],
            "after_own": self.drop_in_read,
        }  # type: Dict[str, Any]
        for _file, directive in self._directives(path, section.block or []):
            arguments = [self._text(word) for word in directive.arguments]
            if directive.name in ("servername", "serveralias"):
                found["names"].extend(_host(word) for word in arguments)
            elif directive.name == "sslengine":
                found["tls"] = arguments[:1] not in ([], ["off"], ["Off"])
            elif directive.name == "sslcertificatefile":
                found["certificates"].extend(arguments[:1])
            elif directive.name in INCLUDES and arguments:
                found["includes"].append(self._files.absolute(arguments[0]))
        return found

    def _managed(self, section: Directive) -> List[str]:
        """The names of a managed domain: those of MDomain, or of a section and of each MDMember in it."""
        inside = [word for item in section.block or [] if item.name == "mdmember" for word in item.arguments]
        names = [self._text(word).lower() for word in [*section.arguments, *inside]]
        return [name for name in names if name not in MEMBERS]

    @property
    def store(self) -> Optional[str]:
        """The directory of mod_md's store where MDStoreDir names one."""
        return self._files.absolute(self.main["mdstoredir"]) if "mdstoredir" in self.main else None

    def _directives(self, path: str, block: List[Directive], depth: int = 0) -> Iterator[Tuple[str, Directive]]:
        """Yield each directive with its file, after an include what the included files hold, and what is in sections that apply."""
        for directive in block:
            if directive.name in TRANSPARENT:
                if self._applies(directive):
                    yield from self._directives(path, directive.block or [], depth)
                continue
            yield path, directive
            if directive.name == "loadmodule" and len(directive.arguments) == 2:
                self.modules[directive.arguments[0]] = self._files.absolute(self._text(directive.arguments[1]))
            elif directive.name == "define" and len(directive.arguments) == 2:
                self._variables[directive.arguments[0]] = self._text(directive.arguments[1])
            elif directive.name in INCLUDES and directive.arguments and depth < MAX_DEPTH:
                for included in self._included(self._text(directive.arguments[0])):
                    yield from self._directives(included, self._files.load(included), depth + 1)

    def _included(self, pattern: str) -> Iterator[str]:
        """Yield the files that a pattern stands for, and note when the drop-in's turn has come, there or not yet."""
        hit = fnmatchcase(self._drop_in, self._files.absolute(pattern))
        for path in sorted({*self._files.expand(pattern), *([self._drop_in] if hit else [])}):
            self.drop_in_read |= path == self._drop_in
            if path != self._drop_in and not path.startswith(self._own):
                yield path

    def _applies(self, section: Directive) -> bool:
        if section.name != "ifmodule" or not section.arguments:
            return True
        name = section.arguments[0]
        known = re.sub(r"^!?(?:mod_)?(.*?)(?:_module|\.c)?$", r"\1_module", name)
        return (known in self.modules or known in self._loaded) is not name.startswith("!")

    def _text(self, word: str) -> str:
        return _VARIABLE.sub(lambda found: self._variables.get(found.group(1), found.group()), word)


def _host(word: str) -> str:
    """The hostname of a ServerName, which may have a scheme and a port."""
    return re.sub(r":\d+$", "", re.sub(r"^[a-z]+://", "", word.lower()))
