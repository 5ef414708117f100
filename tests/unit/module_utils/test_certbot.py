# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""certbot's directory on a host, and one run of it.

The lineages are real files. The program in the runs is a shell script in certbot's place: it shows what certbot is
given. Real ones run in the lab's scenarios.
"""

import json
import os
import shutil

import pytest
from ansible_collections.fullchain.tls.plugins.module_utils import certbot, certbot_issue

from tests.pki import Cert, mint

PKI = mint(root=Cert(), leaf=Cert(issuer="root", names=["a.test"]))

RENEWAL = """\
# renew_before_expiry = 30 days
version = 2.1.0
server = https://not.in.the.section/
[renewalparams]
account = 295229f4ebbac70ff2bb806e4b3d715f
server = https://ca.test/dir
preferred_chain = "Root, with a comma"
webroot_path = /srv/w,
reuse_key = True
[[webroot_map]]
server = https://not.in.the.section/
a.test = /srv/w
"""


@pytest.fixture
def lineage(tmp_path):
    """A lineage as certbot makes it: live/ is made of symlinks into archive/."""
    for folder in ("live/a.test", "archive/a.test", "renewal"):
        (tmp_path / folder).mkdir(parents=True)
    for name, text in (("fullchain", PKI.pem("leaf", "root")), ("privkey", PKI.key_pem("leaf"))):
        (tmp_path / "archive" / "a.test" / (name + "1.pem")).write_text(text)
        os.symlink(f"../../archive/a.test/{name}1.pem", str(tmp_path / "live" / "a.test" / (name + ".pem")))
    (tmp_path / "renewal" / "a.test.conf").write_text(RENEWAL)
    return tmp_path


def read(folder):
    (state,) = certbot.read_lineages(str(folder), ["a.test"])
    return state


def test_a_lineage(lineage):
    state = read(lineage)
    assert state["errors"] == []
    assert state["fullchain"] == PKI.pem("leaf", "root")
    assert state["public_key"].startswith("-----BEGIN PUBLIC KEY-----")
    assert [os.path.relpath(path, str(lineage)) for path in state["paths"]] == [
        "live/a.test", "archive/a.test", "renewal/a.test.conf",
    ]  # fmt: skip
    assert "PRIVATE" not in json.dumps(state)


def test_the_renewal_configuration():
    assert certbot.parse_renewal(RENEWAL) == {
        "account": "295229f4ebbac70ff2bb806e4b3d715f",
        "server": "https://ca.test/dir",
        "preferred_chain": "Root, with a comma",
        "reuse_key": "True",
    }


def test_no_lineage(tmp_path):
    nothing = {"name": "a.test", "paths": [], "errors": [], "renewal": None, "fullchain": None, "public_key": None}
    assert read(tmp_path) == nothing
    (tmp_path / "live").mkdir()
    (tmp_path / "live" / "README").write_text("This directory contains your keys and certificates.")
    assert read(tmp_path) == nothing


def test_a_symlink_to_nothing(lineage):
    (lineage / "archive" / "a.test" / "fullchain1.pem").unlink()
    state = read(lineage)
    assert state["fullchain"] is None
    assert state["errors"] == [str(lineage / "live/a.test/fullchain.pem") + ": No such file or directory"]


def test_a_key_that_is_gone(lineage):
    (lineage / "archive" / "a.test" / "privkey1.pem").unlink()
    assert read(lineage)["errors"] == [str(lineage / "live/a.test/privkey.pem") + ": No such file or directory"]


def test_a_key_that_is_none_is_not_quoted(lineage):
    (lineage / "archive" / "a.test" / "privkey1.pem").write_text("c2VjcmV0LWJ5dGVz")
    (error,) = read(lineage)["errors"]
    assert "privkey.pem" in error
    assert "c2VjcmV0" not in error


def test_what_remains_of_a_lineage(lineage):
    shutil.rmtree(str(lineage / "live" / "a.test"))
    state = read(lineage)
    assert (state["fullchain"], state["errors"], len(state["paths"])) == (None, [], 2)


def test_a_directory_where_a_file_belongs(lineage):
    (lineage / "renewal" / "a.test.conf").unlink()
    (lineage / "renewal" / "a.test.conf").mkdir()
    state = read(lineage)
    assert state["renewal"] is None
    assert state["errors"] == [str(lineage / "renewal/a.test.conf") + ": Is a directory"]


def script(tmp_path, text):
    path = tmp_path / "certbot"
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("echo certbot 4.0.0", "4.0.0"),
        ("echo certbot 0.10.2 >&2", "0.10.2"),
        ("echo certbot 5.9.0.dev0", "5.9.0"),
        ("echo 'Traceback'; exit 1", None),
    ],
)
def test_the_version(tmp_path, text, version):
    assert certbot.installed_version(script(tmp_path, text)) == version


def test_a_program_that_is_not_there():
    assert certbot.run(["/nonexistent/certbot"]) == (127, "", "/nonexistent/certbot: No such file or directory")


def test_a_run_that_takes_too_long_is_asked_to_end(tmp_path):
    endless = script(tmp_path, "trap 'echo cleaned; kill $!; exit 3' TERM; sleep 60 & wait")
    assert certbot.run([endless], timeout=0.3)[:2] == (3, "cleaned\n")


def request(program, **fields):
    given = {
        "certbot": program,
        "config_dir": "/etc/le",
        "webroot": "/srv/w",
        "name": "a.test",
        "server": "https://ca.test/dir",
    }
    more = {"server_ca_file": "", "email": "", "account_options": [], "options": ["-d", "a.test"], "lock_timeout": 0}
    return {**given, **more, **fields}


TELL = """
echo "$@" > {0}/arguments
while [ "$1" != --config ]; do shift; done
stat -c %a "$2" "$(dirname "$2")" > {0}/modes
cat "$2" > {0}/configuration
echo "$REQUESTS_CA_BUNDLE" > {0}/bundle
echo "$FULLCHAIN_TLS_DEPLOY" > {0}/deploy
"""


def test_secrets_are_in_no_argument_and_in_no_file_that_others_can_read(tmp_path):
    secret = "eab-hmac-key = s3cret"
    program = script(tmp_path, TELL.format(tmp_path))
    result = certbot_issue.issue(request(program, account_options=["eab-kid = k", secret]), str(tmp_path))
    assert result["exit_status"] == 0
    assert "s3cret" not in (tmp_path / "arguments").read_text() + json.dumps(result)
    assert (tmp_path / "configuration").read_text() == "eab-kid = k\neab-hmac-key = s3cret\n"
    assert (tmp_path / "modes").read_text().split() == ["600", "700"]
    assert [name for name in os.listdir(str(tmp_path)) if name.startswith("certbot-")] == []


def test_the_command_line(tmp_path):
    program = script(tmp_path, TELL.format(tmp_path))
    certbot_issue.issue(request(program, server_ca_file="/etc/le/ca.pem"), str(tmp_path))
    words = (tmp_path / "arguments").read_text().split()
    assert words[:4] == ["certonly", "--non-interactive", "--agree-tos", "--no-eff-email"]
    assert words[-7:] == ["--webroot", "--webroot-path", "/srv/w", "--cert-name", "a.test", "-d", "a.test"]
    assert "--register-unsafely-without-email" in words
    assert (tmp_path / "bundle").read_text() == "/etc/le/ca.pem\n"
    assert (tmp_path / "deploy").read_text() == "1\n"  # by which the deploy hook knows to stand aside
    certbot_issue.issue(request(program, email="ops@a.test"), str(tmp_path))
    words = (tmp_path / "arguments").read_text().split()
    assert words[words.index("--email") + 1] == "ops@a.test"
    assert "--register-unsafely-without-email" not in words


FAIL = """
echo "Saving debug log to {0}/letsencrypt.log" >&2
while [ "$1" != --config ]; do shift; done
{{
echo "2026-01-01 00:00:00,000:DEBUG:certbot._internal.main:certbot version: 4.0.0"
echo "2026-01-01 00:00:00,000:DEBUG:certbot._internal.main:Arguments: ['--config', '$2']"
echo '{1}'
}} >> {0}/letsencrypt.log
echo "It did not work." >&2
echo "Ask for help or search for solutions at https://community.test." >&2
exit 1
"""


def failing(tmp_path, value):
    return script(tmp_path, FAIL.format(tmp_path, json.dumps(value)))


def test_the_words_of_the_server_in_the_log_of_this_run(tmp_path):
    other = {"type": "urn:ietf:params:acme:error:caa", "detail": "of another run"}
    log = "x:certbot version: 4.0.0\n" + json.dumps(other) + "\n"
    (tmp_path / "letsencrypt.log").write_text(log)
    program = failing(tmp_path, {"type": "urn:ietf:params:acme:error:dns", "detail": "of this run"})
    result = certbot_issue.issue(request(program), str(tmp_path))
    assert [refusal["detail"] for refusal in result["refusals"]] == ["of this run"]
    assert result["last_words"] == ["It did not work."]
    assert (result["exit_status"], result["locked"], result["log_file"]) == (
        1,
        False,
        str(tmp_path / "letsencrypt.log"),
    )


def test_a_server_that_wants_an_account_binding(tmp_path):
    program = failing(tmp_path, {"newAccount": "https://ca.test/a", "meta": {"externalAccountRequired": True}})
    (refusal,) = certbot_issue.issue(request(program), str(tmp_path))["refusals"]
    assert refusal["type"] == certbot_issue.EAB_WANTED
    bound = request(program, account_options=["eab-kid = k"])
    assert certbot_issue.issue(bound, str(tmp_path))["refusals"] == []


LOCKED = """
echo x >> {0}/tries
[ "$(wc -l < {0}/tries)" -gt {1} ] && exit 0
echo "Another instance of Certbot is already running." >&2
exit 1
"""


@pytest.mark.parametrize(("busy", "patience", "code", "tries"), [(1, 5, 0, 2), (9, 0, 1, 1)])
def test_another_certbot_is_waited_for(tmp_path, monkeypatch, busy, patience, code, tries):
    monkeypatch.setattr(certbot_issue, "LOCK_RETRY", 0.1)
    program = script(tmp_path, LOCKED.format(tmp_path, busy))
    result = certbot_issue.issue(request(program, lock_timeout=patience), str(tmp_path))
    assert (result["exit_status"], result["locked"]) == (code, code != 0)
    assert len((tmp_path / "tries").read_text().split()) == tries
