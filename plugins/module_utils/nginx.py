# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an nginx says about itself, and which servers its configuration defines.

The files are read here, not taken from ``nginx -T``: that prints nothing when the configuration is broken, which
is when it matters, and opens certificates and logs. Nothing but listen, server_name, include, paths of certificates and a
few numbers leaves this file: a configuration may hold passwords.
"""

import glob
import os
import re
from fnmatch import fnmatchcase
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from ansible_collections.fullchain.tls.plugins.module_utils.configuration import MAX_DEPTH, Directive, Files

HTTP_SETTINGS = ("server_names_hash_bucket_size", "server_names_hash_max_size", "resolver", "ssl_verify_client")
MAIN_SETTINGS = ("pid", "error_log")
# What the directives begin with that staple OCSP responses.
STAPLING = ("ssl_stapling", "ssl_trusted_certificate")
ACME_MODULE = "ngx_http_acme_module"

_TOKEN = re.compile(
    r"""\s+ | \#[^\n]*
    | (?P<mark>[;{}])
    | (?P<quoted>"(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*')
    | (?P<word>(?:\\.|\$\{|[^\s;{\\])+)""",
    re.VERBOSE | re.DOTALL,
)
# Lua's own braces, strings and comments; ngx_http_lua_module reads such a block by Lua's rules.
_LUA = re.compile(r"""--[^\n]* | "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | (?P<brace>[{}])""", re.VERBOSE | re.DOTALL)


def parse_version_output(text: str) -> Dict[str, Any]:
    """Read what ``nginx -V`` prints.

    Returns version ("1.22.1"), tls_library ("OpenSSL 3.0.19", the one it runs with), openssl ("3.0.19", None for
    another library), modules (configure's names without with- and _module), prefix, conf_path, pid_path and
    error_log_path, acme (whether ngx_http_acme_module is compiled in). Raises ValueError when there is no version in it.
    """
    version = re.search(r"nginx version: [^/\n]+/(\d+(?:\.\d+)+)", text)
    if version is None:
        raise ValueError("'nginx -V' printed no version: {0!r}".format(text[:200]))
    # "built with OpenSSL a 1 Jan 2026 (running with OpenSSL b ...)" where the two differ.
    library = re.search(r"running with (\S+ [\w.-]+)", text) or re.search(r"built with (\w+SSL [\w.-]+)", text)
    openssl = re.match(r"OpenSSL (\S+)", library.group(1)) if library else None
    options = dict(re.findall(r"--([\w-]+)(?:=('[^']*'|\S+))?", text))
    prefix = options.get("prefix") or "/usr/local/nginx"

    def path(option: str, default: str) -> str:
        given = options.get(option) or default
        return given if given == "stderr" else os.path.join(prefix, given)

    return {
        "version": version.group(1),
        "tls_library": library.group(1) if library else None,
        "openssl": openssl.group(1) if openssl else None,
        "modules": sorted(re.sub(r"^with-|_module$", "", name) for name in options if _is_module(name)),
        "acme": re.search(r"--add-module=\S*acme", text) is not None,
        "prefix": prefix,
        "conf_path": path("conf-path", "conf/nginx.conf"),
        "pid_path": path("pid-path", "logs/nginx.pid"),
        "error_log_path": path("error-log-path", "logs/error.log"),
    }


def _is_module(option: str) -> bool:
    return option in ("with-stream", "with-mail") or (option.startswith("with-") and option.endswith("_module"))


def nameservers(text: str) -> List[str]:
    """The nameservers of a resolv.conf as nginx's ``resolver`` takes them: IPv6 in brackets, none with a zone (fe80::1%eth0)."""
    found = re.findall(r"^nameserver[ \t]+([0-9A-Fa-f.:]+)[ \t]*$", text, re.MULTILINE)
    return ["[{0}]".format(address) if ":" in address else address for address in found]


def parse(text: str) -> List[Directive]:
    """Parse a configuration file's text into directives. Raises ValueError saying what is wrong, in which line."""
    return _parse_block(text, 0, nested=False)[0]


def _parse_block(text: str, position: int, nested: bool) -> Tuple[List[Directive], int]:
    directives = []  # type: List[Directive]
    words = []  # type: List[str]
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise ValueError("line {0} can't be read".format(text.count("\n", 0, position) + 1))
        position = found.end()
        mark = found.group("mark")
        if found.group("quoted"):
            words.append(re.sub(r"\\(.)", r"\1", found.group("quoted")[1:-1]))
        elif found.group("word"):
            words.append(found.group("word"))
        elif mark == "}" and nested and not words:
            return directives, position
        elif mark == ";" and words:
            directives.append(Directive(words[0], words[1:], None))
            words = []
        elif mark == "{" and words:
            block, position = _parse_inner(words[0], text, position)
            directives.append(Directive(words[0], words[1:], block))
            words = []
        elif mark:
            raise ValueError("unexpected {0!r} in line {1}".format(mark, text.count("\n", 0, position) + 1))
    if nested or words:
        raise ValueError("unexpected end of file")
    return directives, position


def _parse_inner(name: str, text: str, position: int) -> Tuple[List[Directive], int]:
    if not name.endswith("_by_lua_block"):
        return _parse_block(text, position, nested=True)
    depth = 1
    for found in _LUA.finditer(text, position):
        depth += {"{": 1, "}": -1, None: 0}[found.group("brace")]
        if depth == 0:
            return [], found.end()
    raise ValueError("unexpected end of file in {0}".format(name))


class Configuration:
    """The servers of an nginx configuration, read from `conf_path` on and through its includes.

    Files below `own` (with their links) belong to the caller. `drop_in` is the path of a file that the http block
    should include; drop_in_read says whether it does. What `drop_in` includes of `own` is in own_servers and nowhere
    else. `read` and `expand` (a glob) are for tests.
    """

    def __init__(
        self,
        conf_path: str,
        own: str,
        drop_in: str,
        read: Optional[Callable[[str], str]] = None,
        expand: Callable[[str], List[str]] = glob.glob,
    ) -> None:
        self.servers = []  # type: List[Dict[str, Any]]
        self.own_servers = []  # type: List[Dict[str, Any]]
        self.settings = {}  # type: Dict[str, str]
        self.main = {}  # type: Dict[str, str]
        self.acme = False
        self.drop_in_read = False
        self._own = own.rstrip("/") + "/"
        self._drop_in = drop_in
        self._files = Files(os.path.dirname(conf_path), parse, read, expand)
        self.unreadable = self._files.unreadable
        self._walk_main(conf_path)
        self._walk_own()

    def _walk_main(self, conf_path: str) -> None:
        for path, directive in self._directives(conf_path, self._files.load(conf_path)):
            if directive.name in MAIN_SETTINGS and directive.arguments:
                self.main.setdefault(directive.name, directive.arguments[0])
            elif directive.name == "load_module" and directive.arguments:
                self.acme |= ACME_MODULE in directive.arguments[0]
            elif directive.name == "http":
                self._walk_http(path, directive.block or [])

    def _walk_http(self, path: str, block: List[Directive]) -> None:
        for file_path, directive in self._directives(path, block):
            if directive.name == "server" and directive.block is not None:
                self.servers.append(self._server(file_path, directive.block))
            elif directive.name in HTTP_SETTINGS and directive.arguments:
                self.settings[directive.name] = directive.arguments[0]
            elif directive.name == "include" and directive.arguments:
                self.drop_in_read |= fnmatchcase(self._drop_in, self._files.absolute(directive.arguments[0]))

    def _walk_own(self) -> None:
        for path in self._files.included_by(self._drop_in, ("include",)):
            for file_path, directive in self._directives(path, self._files.load(path)):
                if directive.name == "server" and directive.block is not None:
                    self.own_servers.append(self._server(file_path, directive.block))

    def _server(self, path: str, block: List[Directive]) -> Dict[str, Any]:
        server = {
            "file": path,
            "listen": [],
            "names": [],
            "includes": [],
            "certificates": [],
            "staples": False,
        }  # type: Dict[str, Any]
        for _file, directive in self._directives(path, block):
            if directive.name == "listen":
                server["listen"].append(directive.arguments)
            elif directive.name == "server_name":
                server["names"].extend(name.lower() for name in directive.arguments)
            elif directive.name.startswith(STAPLING):
                server["staples"] = True
            elif directive.name == "ssl_certificate" and directive.arguments:
                server["certificates"].append(directive.arguments[0])
            elif directive.name == "include" and directive.arguments:
                server["includes"].append(self._files.absolute(directive.arguments[0]))
        # nginx's own default (ngx_http_core_server)
        server["listen"] = server["listen"] or [["80"]]
        return server

    def _directives(self, path: str, block: List[Directive], depth: int = 0) -> Iterator[Tuple[str, Directive]]:
        """Yield each directive with its file, and after an include what the included files hold."""
        for directive in block:
            yield path, directive
            if directive.name != "include" or not directive.arguments or depth >= MAX_DEPTH:
                continue
            for included in self._files.expand(directive.arguments[0]):
                if not included.startswith(self._own):
                    yield from self._directives(included, self._files.load(included), depth + 1)
