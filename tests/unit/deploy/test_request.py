# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user may ask for, and the words in which everything else is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.deployment.request import Metadata, Request, read_request
from ansible_collections.fullchain.tls.plugins.plugin_utils.errors import InputError

CERTIFICATE = {"name": "shop.test", "fullchain": "a.pem", "privkey": "a.key"}
LINEAGE = {"name": "shop.test", "fullchain": "/live/fullchain.pem", "privkey": "/live/privkey.pem"}


def read(**values: Any) -> Request:
    return read_request({"root": "/etc/nginx/fullchain", "test": ["t"], "reload": ["r"], **values})


def test_defaults() -> None:
    request = read()
    assert (request.directories.mode, request.directories.owner) == (0o700, None)
    assert (request.partial, request.start, request.verify_from, request.verify_timeout) == (
        False,
        (),
        "controller",
        30.0,
    )
    assert request.settings.fail_on == "error"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"root": "etc/nginx"}, "root: 'etc/nginx' is not an absolute path on the host"),
        ({"root": "/"}, "root: '/' is not an absolute path on the host"),
        ({"root": None}, "root must be a text, not nothing"),
        ({"roots": "/x"}, "deploy: unknown key 'roots', did you mean 'root'? (known: root, mode,"),
        ({"mode": "rwx"}, "mode: 'rwx' is not a mode; expected octal digits in quotes, for example '0640'"),
        ({"mode": 750}, "mode: 750 is not a mode"),
        ({"test": "nginx -t"}, "test: 'nginx -t' must be a list of words, run without a shell: [nginx, -t]"),
        ({"test": []}, "test is missing: the command as a list of words"),
        ({"reload": None}, "reload is missing"),
        ({"reload": [["x"]]}, "reload[0] must be a text, not a list"),
        ({"pid_file": "nginx.pid"}, "pid_file: 'nginx.pid' is not an absolute path"),
        ({"partial": "perhaps"}, "partial: 'perhaps' is neither true nor false"),
        ({"verify_from": "moon"}, "verify_from: 'moon' is not known (expected one of controller, host)"),
        ({"verify_timeout": "soon"}, "verify_timeout: 'soon' is not a time; expected seconds"),
        ({"fail_on": "notice"}, "fail_on: 'notice' is not known"),
        ({"files": {"dest": "x"}}, "files must be a list, not a mapping"),
        ({"files": ["x"]}, "files[0] must be a mapping, not a string"),
        ({"files": [{"src": "x"}]}, "files[0]: dest must be a text, not nothing"),
        ({"files": [{"dest": "x"}]}, "files[0] (x): give either src (a template) or content"),
        (
            {"files": [{"dest": "x", "src": "y", "content": "z"}]},
            "files[0] (x): give either src (a template) or content",
        ),
        (
            {"files": [{"dest": "x", "content": "", "each": [{}]}]},
            "files[0] (x): each[0]: name must be a text, not nothing",
        ),
        ({"files": [{"dest": "x\n", "content": ""}]}, "files[0]: dest: 'x\\n' holds a line break"),
        ({"certificates": [{**CERTIFICATE, "name": "../x"}]}, "certificates[0]: name '../x' cannot name a directory"),
        (
            {"certificates": [{**CERTIFICATE, "key": "x"}]},
            "certificates[0]: unknown key 'key', did you mean 'privkey'? (known: name,",
        ),
        (
            {"certificates": [{**CERTIFICATE, "cert": "x"}]},
            "certificates[0] (shop.test): give fullchain, or cert and chain",
        ),
        (
            {"certificates": [{**CERTIFICATE, "chain": "x"}]},
            "certificates[0] (shop.test): chain goes with cert, not with fullchain",
        ),
        (
            {"certificates": [{**CERTIFICATE, "privkey": ""}]},
            "certificates[0] (shop.test): privkey must be PEM text or a path on the controller, not empty",
        ),
        *(
            ({"certificates": [{**CERTIFICATE, **given}]}, f"certificates[0] (shop.test): {message}")
            for given, message in (
                ({"mode": "rw"}, "mode: 'rw' is not a mode; expected octal digits in quotes, for example '0640'"),
                (
                    {"mode": "0644"},
                    "mode '0644' would open the private key to every user of the host; expected nothing",
                ),
                ({"mode": "0641"}, "mode '0641' would open the private key to every user of the host"),
                ({"combined": "perhaps"}, "combined: 'perhaps' is neither true nor false"),
                ({"group": ""}, "group must be a text, not empty"),
                ({"readable_by": "postgres"}, "readable_by must be a list, not a string"),
                ({"readable_by": [7]}, "readable_by[0] must be a text, not a number"),
            )
        ),
        *(
            (
                {"lineages": [{**LINEAGE, **given}]},
                f"lineages[0]: {next(iter(given))} is for certificates: a lineage is",
            )
            for given in ({"combined": True}, {"group": "ssl-cert"}, {"readable_by": ["postgres"]})
        ),
        (
            {"certificates": [{**CERTIFICATE, "server_names": ["a b"]}]},
            "certificates[0] (shop.test): server_names[0]: 'a b' is not a server name",
        ),
        (
            {"certificates": [CERTIFICATE], "lineages": [LINEAGE]},
            "certificates and lineages: the name 'shop.test' is given twice",
        ),
        (
            {"lineages": [{**LINEAGE, "chain": "/l/chain.pem"}]},
            "lineages[0] (shop.test): give fullchain, or cert and chain",
        ),
        (
            {"lineages": [{**LINEAGE, "fullchain": "live.pem"}]},
            "lineages[0] (shop.test): fullchain: 'live.pem' is not an absolute path",
        ),
        (
            {"endpoints": [{"host": "a.test", "certificate": "b"}]},
            "endpoints[0]: certificate 'b' is neither in certificates nor in lineages (there: none)",
        ),
        (
            {"lineages": [LINEAGE], "endpoints": [{"host": "a.test", "certificate": "shop.test", "obtained": True}]},
            "endpoints[0]: certificate 'shop.test' is delivered or a lineage, which obtained says it is not",
        ),
        (
            {"endpoints": [{"host": "a.test", "obtained": "perhaps"}]},
            "endpoints[0]: obtained: 'perhaps' is neither true nor false",
        ),
        ({"obtain_timeout": -1}, "obtain_timeout: -1 is not a time; expected seconds"),
        ({"running": "systemctl is-active caddy"}, "running: 'systemctl is-active caddy' must be a list of words"),
        ({"restart": ["true"]}, "restart needs pid_file or journal, which tell the process that is looked at"),
        ({"journal": ""}, "journal must be a text, not empty"),
        ({"endpoints": ["a b"]}, "endpoints[0]: endpoint 'a b'"),
        *(
            (
                {"endpoints": [{"host": "shop.example.com", **asked}]},
                f"endpoints[0]: {next(iter(asked), '')} is for verify_tls; a deploy makes one connection at a time",
            )
            for asked in ({"addresses": "all"}, {"repeat": 2}, {"key_types": ["rsa", "ecdsa"]}, {"versions": True})
        ),
        (
            {"endpoints": [{"host": "shop.example.com", "client_auth": "required"}], "verify_from": "host"},
            "endpoints[0]: client_auth, client_cert and client_key are for endpoints that the controller connects to, "
            "not with verify_from: host",
        ),
        (
            {"endpoints": [{"host": "shop.example.com", "expect_certificate": "a.pem"}]},
            "endpoints[0]: expect_certificate is for verify_tls; what a deploy expects is named by `certificate`",
        ),
    ],
)
def test_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(**values)
    assert str(caught.value).startswith(message)


def test_no_message_holds_a_key() -> None:
    with pytest.raises(InputError) as caught:
        read(certificates=[{**CERTIFICATE, "privkey": {"text": "secret"}}])
    assert "secret" not in str(caught.value)
    assert "secret" not in repr(read(certificates=[{**CERTIFICATE, "privkey": "secret"}]))


@pytest.mark.parametrize(("given", "mode"), [("0640", 0o640), ("640", 0o640), (0o640, 0o640), (None, 0o644)])
def test_modes_of_files(given: Any, mode: int) -> None:
    assert read(files=[{"dest": "x", "content": "", "mode": given}]).files[0].metadata.mode == mode


def test_secret_file_is_for_its_owner_alone() -> None:
    assert read(files=[{"dest": "x", "content": "", "secret": True}]).files[0].metadata.mode == 0o600


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({}, Metadata(0o600)),
        ({"owner": "postgres"}, Metadata(0o600, "postgres")),
        ({"group": "ssl-cert"}, Metadata(0o640, None, "ssl-cert")),
        ({"group": "ssl-cert", "mode": "0400"}, Metadata(0o400, None, "ssl-cert")),
        ({"owner": 1000, "group": 1000}, Metadata(0o640, "1000", "1000")),
    ],
)
def test_who_may_read_a_key(given: dict[str, Any], key: Metadata) -> None:
    assert read(certificates=[{**CERTIFICATE, **given}]).certificates[0].key == key


@pytest.mark.parametrize(
    ("key", "file", "task", "directories"),
    [
        ({"mode": "0400"}, {"mode": "0640"}, {}, Metadata(0o700)),
        ({}, {}, {"group": "adm"}, Metadata(0o700, None, "adm")),
        ({"group": "ssl-cert"}, {}, {}, Metadata(0o750, None, "ssl-cert")),
        ({"group": "ssl-cert"}, {"group": "ssl-cert"}, {}, Metadata(0o750, None, "ssl-cert")),
        ({}, {"group": 33}, {}, Metadata(0o750, None, "33")),
        ({"group": "ssl-cert"}, {"group": "www-data"}, {}, Metadata(0o755)),
        ({"group": "ssl-cert"}, {}, {"group": "adm"}, Metadata(0o755, None, "adm")),
        ({"owner": "postgres"}, {}, {}, Metadata(0o755)),
        ({}, {"owner": "www-data"}, {}, Metadata(0o755)),
        ({"group": "ssl-cert"}, {}, {"mode": "0711"}, Metadata(0o711, None, "ssl-cert")),
    ],
)
def test_directories_let_through_whoever_has_a_file_of_their_own(
    key: dict[str, Any], file: dict[str, Any], task: dict[str, Any], directories: Metadata
) -> None:
    given = {"certificates": [{**CERTIFICATE, **key}], "files": [{"dest": "x", "content": "", **file}], **task}
    assert read(**given).directories == directories


def expected(endpoint: Any, *certificates: dict[str, Any]) -> str | None:
    return read(certificates=list(certificates), endpoints=[endpoint]).targets[0].certificate


def test_endpoint_expects_the_certificate_that_has_its_name() -> None:
    wildcard = {**CERTIFICATE, "name": "wild", "server_names": ["*.shop.test"]}
    second = {**CERTIFICATE, "name": "rsa", "server_names": ["shop.test"]}
    assert expected("shop.test:443", CERTIFICATE) == "shop.test"
    assert expected("api.shop.test", CERTIFICATE, wildcard) == "wild"
    assert expected("other.test", CERTIFICATE) is None
    assert expected("shop.test", CERTIFICATE, second) is None, "either may be served"
    assert expected({"host": "shop.test", "certificate": "rsa"}, CERTIFICATE, second) == "rsa"
    assert expected({"host": "192.0.2.1", "server_name": "shop.test"}, CERTIFICATE) == "shop.test"


def test_an_endpoint_whose_certificate_the_server_obtains_expects_none_of_ours() -> None:
    wildcard = {**CERTIFICATE, "name": "wild", "server_names": ["*.shop.test"]}
    (target,) = read(certificates=[wildcard], endpoints=[{"host": "api.shop.test", "obtained": True}]).targets
    assert (target.certificate, target.obtained) == (None, True)
    assert not read(endpoints=[{"host": "shop.test", "obtained": False}]).targets[0].obtained
