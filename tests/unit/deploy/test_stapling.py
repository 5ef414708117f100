# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role nginx's own templates on a real nginx, which staples what a responder on 127.0.0.1 says.

::

    root <- inter <- leaf (names the responder), renewed (names none), delegate (signs for the responder)
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.fullchain.tls.plugins.module_utils.nginx import parse_version_output
from ansible_collections.fullchain.tls.plugins.plugin_utils.nginx import Options, plan
from ansible_collections.fullchain.tls.plugins.plugin_utils.settings import Settings
from ansible_collections.fullchain.tls.plugins.plugin_utils.verification import verify_endpoints
from ansible_collections.fullchain.tls.plugins.plugin_utils.webserver.view import for_role
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.endpoints import Endpoint
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.fetch import fetch_all

from tests.pki import Cert, mint
from tests.revocation import OCSP_SIGNING, Ocsp, mint_ocsp, responder
from tests.unit.deploy.webserver import NAME, NGINX, ROOT, Webserver
from tests.unit.wire.web import Pages, pages

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")

OCSP = "/ocsp/"
TEMPLATES = ROOT / "roles/nginx/templates"


@pytest.fixture
def ca() -> Iterator[Pages]:
    with pages() as served:
        yield served


@pytest.fixture
def web(tmp_path: Path, ca: Pages) -> Iterator[Webserver]:
    pki = mint(
        root=Cert(),
        inter=Cert(issuer="root"),
        leaf=Cert(issuer="inter", names=[NAME], extensions=[responder(ca.url(OCSP))]),
        renewed=Cert(issuer="inter", names=[NAME]),
        delegate=Cert(issuer="inter", ca=False, usages=[OCSP_SIGNING]),
    )
    server = Webserver(tmp_path, pki)
    main = tmp_path / "nginx.conf"
    main.write_text(main.read_text().replace("include ", f"include {server.root}/current/*.conf; include "))
    yield server
    server.stop()


class Lineage:
    """A lineage of this machine, as certbot would keep it."""

    def __init__(self, web: Webserver) -> None:
        self.web, self.directory = web, web.base / "letsencrypt/live" / NAME
        self.directory.mkdir(parents=True)

    def issue(self, which: str) -> None:
        (self.directory / "fullchain.pem").write_text(self.web.pki.pem(which, "inter"))
        (self.directory / "privkey.pem").write_text(self.web.pki.key_pem(which))

    def task(self) -> dict[str, Any]:
        """A deploy of the site from this lineage, with the files that the role makes."""
        said = subprocess.run([str(NGINX), "-V"], capture_output=True, text=True, check=True).stderr
        info = {
            "installed": True, "ipv6": False, "drop_in_read": True, "nameservers": ["127.0.0.1"], **parse_version_output(said)
        }  # fmt: skip
        options = Options(
            root=str(self.web.root), config_dir=str(self.web.base / "letsencrypt"), port=self.web.port, http_port=1
        )
        site = {"name": NAME, "certificate": {"source": "certbot"}, "root": str(self.web.base)}
        files = for_role(plan([site], info, options), options.root)["files"]
        here = [{**file, "src": str(TEMPLATES / file["src"])} for file in files if file["dest"] != "http.conf"]
        lineage = {"name": NAME, **{name: str(self.directory / f"{name}.pem") for name in ("fullchain", "privkey")}}
        return self.web.task(certificates=[], lineages=[lineage], files=here)


@pytest.mark.core
def test_a_site_whose_certificate_nginx_obtains_is_rendered_by_deploy(web: Webserver) -> None:
    """There is no such nginx here, so no further than that: deploy knows nothing of a certificate that it has not seen."""
    info = {"installed": True, "tls_library": "OpenSSL", "version": "1.29.1", "drop_in_read": True, "acme": True}
    options = Options(root=str(web.root), email="ops@example.com")
    site = {"name": NAME, "certificate": {"source": "server"}, "root": "/srv"}
    files = for_role(plan([site], {**info, "nameservers": ["127.0.0.1"]}, options), options.root)["files"]
    here = [{**file, "src": str(TEMPLATES / file["src"])} for file in files]
    play = web.play(web.task(certificates=[], files=here), options=("--check", "--diff"))
    assert play.results[0]["changed"] and not play.results[0]["failed"], play.output
    assert f"+    acme_certificate fullchain {NAME};" in play.output, play.output


def staple(web: Webserver) -> bytes:
    """What nginx staples, once it has asked the responder; b"" when it hasn't within some seconds."""
    deadline, stapled = time.monotonic() + 5, b""
    while not stapled and time.monotonic() < deadline:
        (served,) = fetch_all([Endpoint(NAME, web.port, address="127.0.0.1")], timeout=5.0, staple=True)
        stapled = served.stapled or b""
        time.sleep(0.1)
    return stapled


def own_files(web: Webserver) -> set[str]:
    return {path.name for path in (web.root / "current").iterdir() if path.is_file()} - {".manifest.json"}


@pytest.mark.core
def test_what_is_stapled_comes_and_goes_with_the_ocsp_url_of_a_lineage(web: Webserver, ca: Pages) -> None:
    """The responder's key is one that the authority made it for, which nginx believes with the whole path at hand alone."""
    said = mint_ocsp(web.pki, Ocsp(signed_by="delegate"))
    ca.put(OCSP, said)
    lineage = Lineage(web)
    lineage.issue("leaf")
    first, second = web.play(lineage.task(), lineage.task()).results
    assert (first["failed"], first["changed"], second["changed"]) == (False, True, False), (first, second)
    assert own_files(web) == {"ocsp.pem", "resolver.conf"}
    assert staple(web) == said
    settings = Settings(trust=(web.pki.pem("root"),), revocation="stapled")
    (result,) = verify_endpoints([Endpoint(NAME, web.port, address="127.0.0.1")], settings)
    assert result["ok"] and result["findings"] == []

    lineage.issue("renewed")
    third, fourth = web.play(lineage.task(), lineage.task()).results
    assert (third["failed"], third["changed"], fourth["changed"]) == (False, True, False), (third, fourth)
    assert own_files(web) == set()


def test_what_nobody_the_certificate_trusts_has_signed_is_not_stapled(web: Webserver, ca: Pages) -> None:
    ca.put(OCSP, mint_ocsp(web.pki, Ocsp(damaged=True)))
    lineage = Lineage(web)
    lineage.issue("leaf")
    (first,) = web.play(lineage.task()).results
    assert first["changed"] and not first["failed"], first
    assert staple(web) == b""
    assert ca.asked[OCSP]


def test_check_mode_and_diff_tell_of_a_lineage_with_an_ocsp_url(web: Webserver, ca: Pages) -> None:
    lineage = Lineage(web)
    lineage.issue("leaf")
    play = web.play(lineage.task(), options=("--check", "--diff"))
    assert play.results[0]["changed"], play.results
    assert "+    ssl_stapling on;" in play.output and "+resolver 127.0.0.1 ipv6=off;" in play.output, play.output
    assert not (web.root / "current").exists()
