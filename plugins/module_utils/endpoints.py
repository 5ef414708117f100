# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a user may write an endpoint: the one reader, for the controller and for hosts.

Names are taken as they are written; the controller's plugin_utils/wire/endpoints.py normalises and checks them.
"""

import re
from ipaddress import ip_address
from typing import Any, Callable, Dict, Iterable, Mapping, Optional, Tuple, Union

FORMS = "host, host:port, [IPv6]:port, or a mapping with `host`"
KEYS = (
    "host",
    "port",
    "server_name",
    "address",
    "expect_fingerprint",
    "expect_certificate",
    "timeout",
    "trust",
    "starttls",
    "sni",
    "addresses",
    "repeat",
    "key_types",
    "versions",
    "client_auth",
    "client_cert",
    "client_key",
)
# Those that ask for several connections, and so may come to several results.
SEVERAL = ("addresses", "repeat", "key_types", "versions")
KEY_TYPES = ("ecdsa", "rsa")
# What may be expected of a server that knows its clients by certificates.
REQUIRED, OPTIONAL = CLIENT_AUTH = ("required", "optional")
CLIENT_KEYS = ("client_auth", "client_cert", "client_key")
CONTROLLER_ALONE = "client_auth, client_cert and client_key are for endpoints that the controller connects to"
# The protocols that come to TLS by STARTTLS or the like, and the port that each has in the clear (IANA).
STARTTLS_PORTS = {
    "smtp": 25,
    "imap": 143,
    "pop3": 110,
    "ftp": 21,
    "ldap": 389,
    "xmpp": 5222,
    "postgres": 5432,
    "mysql": 3306,
}

_DEFAULT_PORT = 443
_LONGEST = 300  # of what is quoted; a name has 253 characters at most (RFC 1035, 2.3.4)


def read_endpoint(value: Any) -> Dict[str, Any]:
    """The keys that `value` sets, `host` and `port` always: port an int, timeout seconds as a float.

    Raises ValueError naming the endpoint and what was expected, also for a key that is not known.
    """
    if isinstance(value, str) and not _may_hold_a_key(value):
        host, port = _split(value)
        return {
            "host": _name(host, named(value), "host"),
            "port": _DEFAULT_PORT if port is None else _port(port, named(value)),
        }
    if isinstance(value, Mapping):
        return _from_mapping(value)
    raise ValueError("endpoint {0} cannot be read; expected {1}".format(named(value), FORMS))


def refuse_client_auth(values: Iterable[Any]) -> None:
    """Raise ValueError for an endpoint, as a user writes it, that a host can't be asked about."""
    for value in values:
        if isinstance(value, Mapping) and any(value.get(key) is not None for key in CLIENT_KEYS):
            raise ValueError("endpoint {0}: {1}".format(named(value), CONTROLLER_ALONE))


def named(value: Any) -> str:
    """What messages call an endpoint: a text as it is, a mapping by its host, and its port where it has one.

    The rest of a mapping stays out of them: a key may have come into it by mistake, and with it what nobody should read.
    """
    if not isinstance(value, Mapping):
        return _brief(value)
    host, port = value.get("host"), value.get("port")
    if not host or not isinstance(host, (str, int)):
        return "with the keys {0}".format(", ".join(repr(str(key)) for key in value)) if value else "without keys"
    if isinstance(port, bool) or not isinstance(port, (str, int)):
        return repr(str(host))
    return repr(label(str(host).strip("[]"), port))


def _brief(value: Any) -> str:
    if isinstance(value, Mapping):
        return "(a mapping)"
    if _may_hold_a_key(value):
        return "(a text of {0} characters)".format(len(value))
    return "(a list)" if isinstance(value, (list, tuple)) else repr(value)


def _may_hold_a_key(value: Any) -> bool:
    """A mapping that became JSON, or PEM text, in a place that is for less."""
    return isinstance(value, str) and ("-----BEGIN " in value or "{" in value or len(value) > _LONGEST)


def is_ip(text: str) -> bool:
    """Whether `text` is an IPv4 or IPv6 address; one with a zone (fe80::1%eth0) is."""
    try:
        ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def label(host: str, port: Union[int, str]) -> str:
    """`host:port`, an IPv6 address in brackets (RFC 3986, 3.2.2)."""
    return "[{0}]:{1}".format(host, port) if ":" in host else "{0}:{1}".format(host, port)


def to_ascii(name: str) -> str:
    """A hostname as it is sent, an internationalised one in A-labels (RFC 5890). Raises UnicodeError when it has none."""
    return name if all(ord(character) < 128 for character in name) else name.encode("idna").decode("ascii")


def _split(shown: str) -> Tuple[str, Optional[str]]:
    """Part host and port. Several colons without brackets are an IPv6 address alone."""
    text = shown.strip()
    if "://" in text:
        raise ValueError("endpoint {0!r} is a URL; expected {1}".format(shown, FORMS))
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")) or not _is_ipv6(host):
            raise ValueError(
                "endpoint {0!r} cannot be read; expected an IPv6 address in brackets, [::1]:443".format(shown)
            )
        return host, rest[1:] if rest else None
    if _is_ipv6(text):
        return text, None
    host, colon, port = text.partition(":")
    if not host:
        raise ValueError("endpoint {0!r} names no host; expected {1}".format(shown, FORMS))
    return host, port if colon else None


def _is_ipv6(text: str) -> bool:
    return ":" in text and is_ip(text)


def _from_mapping(value: Mapping[Any, Any]) -> Dict[str, Any]:
    called = named(value)
    unknown = sorted(repr(str(key)) for key in value if key not in KEYS)
    if unknown:
        raise ValueError(
            "endpoint {0}: unknown key {1} (known: {2})".format(called, ", ".join(unknown), ", ".join(KEYS))
        )
    if not value.get("host"):
        raise ValueError("endpoint {0} cannot be read: it has no `host`".format(called))
    given = {str(key): item for key, item in value.items() if item is not None}
    for key in ("host", "server_name", "address"):
        if key in given:
            given[key] = _name(given[key], called, key)
    for key, read in _READERS.items():
        if key in given:
            given[key] = read(given[key], called)
    _refuse_combinations(given, called)
    if "client_cert" in given:
        # Behind STARTTLS it is the protocol that insists, after TLS: PostgreSQL does.
        given.setdefault("client_auth", OPTIONAL if "starttls" in given else REQUIRED)
    given["port"] = _port(given.get("port", STARTTLS_PORTS.get(given.get("starttls", ""), _DEFAULT_PORT)), called)
    return given


def _refuse_combinations(given: Dict[str, Any], called: str) -> None:
    if "expect_fingerprint" in given and "expect_certificate" in given:
        raise ValueError("endpoint {0}: expect_fingerprint and expect_certificate exclude each other".format(called))
    for key, other in (("client_key", "client_cert"), ("client_cert", "client_key")):
        if key in given and other not in given:
            raise ValueError("endpoint {0}: {1} goes with {2}, which is missing".format(called, key, other))


def _name(value: Any, called: str, key: str) -> str:
    """A hostname or an IP address; brackets around an IPv6 address are taken off."""
    if not isinstance(value, str):
        raise ValueError(
            "endpoint {0}: {1} {2} is neither a hostname nor an IP address".format(called, key, _brief(value))
        )
    text = value.strip()
    try:
        to_ascii(text)
    except UnicodeError:
        raise ValueError(
            "endpoint {0}: {1} {2!r} cannot be written as an internationalised name (RFC 5891); "
            "expected a hostname or an IP address".format(called, key, value)
        ) from None
    return text[1:-1] if text.startswith("[") and text.endswith("]") else text


def _port(value: Any, called: str) -> int:
    text = str(value)
    if isinstance(value, bool) or not re.match(r"[0-9]{1,5}\Z", text) or not 1 <= int(text) <= 65535:
        raise ValueError("endpoint {0}: {1!r} is not a port; expected a number from 1 to 65535".format(called, text))
    return int(text)


def _fingerprint(value: Any, called: str) -> str:
    text = str(value).replace(":", "").lower()
    if not re.match(r"[0-9a-f]{64}\Z", text):
        raise ValueError(
            "endpoint {0}: expect_fingerprint {1!r} is no SHA-256 fingerprint; expected 64 hex digits".format(
                called, value
            )
        )
    return text


def _trust(value: Any, called: str) -> Tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not value or not all(isinstance(item, str) for item in value):
        raise ValueError(
            "endpoint {0}: trust {1!r} is no list of PEM paths or words such as system".format(called, value)
        )
    return tuple(value)


def _seconds(value: Any, called: str) -> float:
    try:
        seconds = 0.0 if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        seconds = 0.0
    if not 0 < seconds <= 86400:
        raise ValueError(
            "endpoint {0}: timeout {1!r} is not a time; expected seconds, more than 0".format(called, value)
        )
    return seconds


def _starttls(value: Any, called: str) -> str:
    if not isinstance(value, str) or value not in STARTTLS_PORTS:
        raise ValueError(
            "endpoint {0}: starttls {1!r} is not known; expected one of {2}".format(
                called, value, ", ".join(STARTTLS_PORTS)
            )
        )
    return value


def _addresses(value: Any, called: str) -> str:
    if value not in ("first", "all"):
        raise ValueError("endpoint {0}: addresses {1!r} is not known; expected first or all".format(called, value))
    return str(value)


def _repeat(value: Any, called: str) -> int:
    text = str(value)
    if isinstance(value, bool) or not re.match(r"[0-9]{1,2}\Z", text) or not 1 <= int(text) <= 64:
        raise ValueError(
            "endpoint {0}: repeat {1!r} is not a count; expected a number from 1 to 64".format(called, value)
        )
    return int(text)


def _key_types(value: Any, called: str) -> Tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not value or any(item not in KEY_TYPES for item in value):
        raise ValueError(
            "endpoint {0}: key_types {1!r} is no list of kinds of keys; expected a list of {2}".format(
                called, value, " and ".join(KEY_TYPES)
            )
        )
    return tuple(kind for kind in KEY_TYPES if kind in value)


def _sni(value: Any, called: str) -> bool:
    return _yes_or_no(value, called, "sni")


def _versions(value: Any, called: str) -> bool:
    return _yes_or_no(value, called, "versions")


def _yes_or_no(value: Any, called: str, key: str) -> bool:
    text = str(value).lower()  # templates make text of booleans
    if text not in ("true", "yes", "false", "no"):
        raise ValueError("endpoint {0}: {1} {2!r} is not known; expected true or false".format(called, key, value))
    return text in ("true", "yes")


def _client_auth(value: Any, called: str) -> str:
    if value not in CLIENT_AUTH:
        raise ValueError(
            "endpoint {0}: client_auth {1} is not known; expected {2}".format(
                called, _brief(value), " or ".join(CLIENT_AUTH)
            )
        )
    return str(value)


def _text_or_path(key: str) -> Callable[[Any, str], str]:
    """A reader of PEM text or a path. What is neither is not quoted: it may be a piece of a key."""

    def read(value: Any, called: str) -> str:
        if not isinstance(value, str) or not value.strip():
            raise ValueError("endpoint {0}: {1} is empty or no text; expected PEM text or a path".format(called, key))
        return value

    return read


_READERS: Dict[str, Callable[[Any, str], Any]] = {
    "timeout": _seconds,
    "expect_fingerprint": _fingerprint,
    "trust": _trust,
    "starttls": _starttls,
    "sni": _sni,
    "addresses": _addresses,
    "repeat": _repeat,
    "key_types": _key_types,
    "versions": _versions,
    "client_auth": _client_auth,
    **{key: _text_or_path(key) for key in ("expect_certificate", "client_cert", "client_key")},
}
