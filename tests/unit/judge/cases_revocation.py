# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of revocation: what is stapled, which clients can be asked about, and what CRLs and responders say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fullchain.tls.plugins.plugin_utils.pki.revocation import Unusable
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.pki import Cert
from tests.revocation import MUST_STAPLE, OCSP_SIGNING, Crl, Ocsp, crl_points, issuing_point, responder
from tests.unit.judge.cases import Row, leaf

# Signers of OCSP responses
_SIGNERS = {
    "delegate": Cert(issuer="inter", ca=False, usages=[OCSP_SIGNING]),
    "stranger": Cert(),
    "foreign": Cert(issuer="stranger", ca=False, usages=[OCSP_SIGNING]),
    "namesake": Cert(cn="inter", key_ids=False),
    "impostor": Cert(issuer="namesake", ca=False, usages=[OCSP_SIGNING]),
    "client": Cert(issuer="inter", ca=False, usages=[ExtendedKeyUsageOID.CLIENT_AUTH]),
    "nothing": Cert(issuer="inter", ca=False, usages=()),
    "retired": Cert(issuer="inter", ca=False, usages=[OCSP_SIGNING], ends="-1d"),
    "other": leaf("www.example.com"),
}
_DEMANDING = {"leaf": leaf(extensions=MUST_STAPLE)}

VALID = (
    Row("stapled: good", staple=Ocsp()),
    Row("stapled: good, hashes by SHA-256", staple=Ocsp(digest=hashes.SHA256)),
    Row("stapled: good, the issuer named", staple=Ocsp(by_name=True)),
    Row("stapled: good, without an end", staple=Ocsp(starts="-14d", ends=None)),
    Row("stapled: good, by a delegate", _SIGNERS, staple=Ocsp(signed_by="delegate")),
    Row("stapled: good, by a delegate that is named", _SIGNERS, staple=Ocsp(signed_by="delegate", by_name=True)),
    Row(
        "stapled: good, from an issuer with RSA",
        {"inter": Cert(issuer="root", key_type="rsa2048")},
        staple=Ocsp(),
    ),
    Row("stapled: good, from an issuer with Ed25519", {"inter": Cert(issuer="root", key_type="ed25519")},
        staple=Ocsp()),
    Row("stapled: nothing", staple=b""),
    Row("must-staple: good", _DEMANDING, staple=Ocsp()),
    Row("must-staple: version 2 alone", {"leaf": leaf(extensions=[(x509.TLSFeature([x509.TLSFeatureType.status_request_v2]), False)])},
        staple=b""),
)  # fmt: skip


def _stapled(name: str, code: str, severity: str, certs: Mapping[str, Cert], *refusing: str, **staple: Any) -> Row:
    """A response that is one finding about the leaf."""
    found = [(code, severity, 0)]
    return Row(
        f"stapled: {name}", certs, found=found, refusing=refusing, staple=staple.pop("raw", None) or Ocsp(**staple)
    )


def _useless(name: str, *others: str, **staple: Any) -> Row:
    """One that GnuTLS refuses as invalid."""
    return _stapled(name, "revocation-unknown", "error", _SIGNERS, "gnutls", *others, **staple)


_OLD = {"starts": "-8d", "ends": "-1d"}

STAPLED = (
    _stapled("revoked", "revoked", "error", {}, "gnutls", status="revoked"),
    _stapled("revoked, without a reason", "revoked", "error", {}, "gnutls", status="revoked", reason=None),
    _stapled("on hold", "revoked", "error", {}, "gnutls", status="revoked", reason="certificate_hold"),
    _stapled("revoked, by a delegate", "revoked", "error", _SIGNERS, "gnutls", status="revoked", signed_by="delegate"),
    _stapled("revoked, and too old", "revoked", "error", {}, "gnutls", status="revoked", **_OLD),
    _stapled("too old", "stale-staple", "error", {}, "gnutls", **_OLD),
    _stapled("without an end, and old", "stale-staple", "error", {}, "gnutls", starts="-16d", ends=None),
    _stapled("on hold, and too old", "stale-staple", "error", {}, "gnutls", status="revoked", reason="certificate_hold", **_OLD),
    _stapled("on hold, of the future", "stale-staple", "error", {}, "gnutls", status="revoked", reason="certificate_hold", starts="1d"),
    _stapled("revoked, of the future", "revoked", "error", {}, "gnutls", status="revoked", starts="1d"),
    _stapled("of the future", "stale-staple", "warning", {}, starts="1d"),
    _useless("for another certificate", of="other"),
    _useless("revoked, for another certificate", of="other", status="revoked"),
    _useless("a damaged signature", damaged=True),
    _useless("revoked, a damaged signature", damaged=True, status="revoked"),
    _useless("a delegate's damaged signature", signed_by="delegate", damaged=True),
    _useless("by a delegate that does not come along", signed_by="delegate", certificates=()),
    _useless("by another CA's delegate", signed_by="foreign"),
    _useless("by a delegate of another CA of the same name", signed_by="impostor"),
    _useless("by a certificate for clients", signed_by="client"),
    _useless("by a certificate without extended key usage", signed_by="nothing"),
    _useless("by a delegate that has expired", signed_by="retired"),
    _useless("bytes that are no response", "java", raw=b"\x30\x03\x02\x01\x01"),
    _stapled("the responder does not know", "revocation-unknown", "warning", {}, status="unknown"),
    _stapled("the responder refuses", "revocation-unknown", "warning", {}, error="unauthorized"),
    _stapled("the responder wants to be asked later", "revocation-unknown", "warning", {}, error="try_later"),
    Row("must-staple: nothing", _DEMANDING, found=[("staple-missing", "error", 0)], refusing=["gnutls"], staple=b""),
    Row("must-staple: the responder refuses", _DEMANDING, found=[("staple-missing", "error", 0)], refusing=["gnutls"],
        staple=Ocsp(error="unauthorized")),
    Row("must-staple: the responder does not know", _DEMANDING, found=[("revocation-unknown", "warning", 0)], staple=Ocsp(status="unknown")),
    Row("must-staple: too old", _DEMANDING, found=[("stale-staple", "error", 0)], refusing=["gnutls"], staple=Ocsp(**_OLD)),
)  # fmt: skip

CRL, ROOT_CRL, OCSP = "http://ca.example.com/inter.crl", "http://ca.example.com/root.crl", "http://ocsp.example.com/"
_UNREACHABLE = Unusable("cannot be reached: 192.0.2.1 port 80 refused the connection", fetched=False)


def _pointing(*points: Any, **fields: Any) -> Cert:
    return leaf(extensions=points or [crl_points(CRL)], **fields)


_WITH_CRLS = {"inter": Cert(issuer="root", extensions=[crl_points(ROOT_CRL)]), "leaf": _pointing()}
_NONE_REVOKED = {CRL: Crl(), ROOT_CRL: Crl("root")}


def _listed(
    name: str, *found: tuple[str, str, int | None], crls: Mapping[str, Any] | None = None, **fields: Any
) -> Row:
    """Leaf and intermediate with a CRL each; crls: what is not as it should be."""
    certs = {**_WITH_CRLS, **fields.pop("certs", {})}
    return Row(name, certs, found=found, refusing=(), crls={**_NONE_REVOKED, **(crls or {})}, **fields)


def _unknown(name: str, crl: Any, **fields: Any) -> Row:
    """The leaf's CRL is of no use."""
    return _listed(f"CRL: {name}", ("revocation-unknown", "warning", 0), crls={CRL: crl}, **fields)


_OTHER_CA = {"other": Cert(), "reissued": Cert(issuer="root", cn="inter")}
_WITH_RESPONDER = {"certs": {"leaf": _pointing(responder(OCSP))}}
_ENTRY = x509.CertificateIssuer([x509.DNSName("ca.example.com")])
_NO_REASON = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.21"), b"\x05\x00")
_UNKNOWN_EXTENSION = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")

GOOD_WHEN_CHECKED = (
    _listed("CRL: not in it"),
    _listed("CRL: of CA certificates, for the intermediate", crls={ROOT_CRL: Crl("root", extensions=[issuing_point(only_contains_ca_certs=True)])}),
    _listed("CRL: of the leaf's own distribution point", crls={CRL: Crl(extensions=[issuing_point(CRL, only_contains_user_certs=True)])}),
    _listed("CRL: taken off the list", crls={CRL: Crl(revoked=["leaf"], reason="remove_from_crl")}),
    _listed("CRL: another certificate is in it", crls={CRL: Crl(revoked=["other"])}, certs={"other": leaf()}),
    _listed("CRL: the first cannot be reached, the second can",
            crls={CRL: _UNREACHABLE, f"{CRL}2": Crl()}, certs={"leaf": _pointing(crl_points(CRL, f"{CRL}2"))}),
    _listed("CRL: none can be reached, a responder can", crls={CRL: _UNREACHABLE}, responses={(OCSP, "leaf"): Ocsp()},
            certs={"leaf": _pointing(crl_points(CRL), responder(OCSP))}),
    _listed("OCSP: good", responses={(OCSP, "leaf"): Ocsp()}, **_WITH_RESPONDER),
    _listed("OCSP: good is stapled, the responder cannot be reached", staple=Ocsp(), responses={(OCSP, "leaf"): _UNREACHABLE}, **_WITH_RESPONDER),
    _listed("checked: a leaf for seven days", certs={"leaf": leaf(starts="-2d", ends="4d")}),
    _listed("checked: a leaf that says that nothing will be revoked",
            certs={"leaf": leaf(extensions=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.56"), b"\x05\x00"), False)])}),
    _listed("checked: the root itself has issued", chain=["leaf"], certs={"leaf": _pointing(crl_points(ROOT_CRL), issuer="root")}),
)  # fmt: skip

CHECKED = (
    _listed("CRL: revoked", ("revoked", "error", 0), crls={CRL: Crl(revoked=["leaf"])}),
    _listed("CRL: the intermediate is revoked", ("revoked", "error", 1), crls={ROOT_CRL: Crl("root", revoked=["inter"], reason="ca_compromise")}),
    _listed("CRL: both are revoked", ("revoked", "error", 0), ("revoked", "error", 1),
            crls={CRL: Crl(revoked=["leaf"]), ROOT_CRL: Crl("root", revoked=["inter"])}),
    _listed("CRL: revoked, and too old", ("revoked", "error", 0), crls={CRL: Crl(revoked=["leaf"], reason=None, when="-9d", **_OLD)}),
    _listed("CRL: revoked for one of some reasons", ("revoked", "error", 0),
            crls={CRL: Crl(revoked=["leaf"], extensions=[issuing_point(only_some_reasons=frozenset({x509.ReasonFlags.key_compromise}))])}),
    _listed("CRL and OCSP: revoked, good is stapled", ("revoked", "error", 0), staple=Ocsp(), crls={CRL: Crl(revoked=["leaf"])},
            responses={(OCSP, "leaf"): Ocsp(status="revoked")}, certs={"leaf": _pointing(crl_points(CRL), responder(OCSP))}),
    _unknown("cannot be reached", _UNREACHABLE),
    _unknown("cannot be parsed", b"<html>"),
    _unknown("too old", Crl(**_OLD)),
    _unknown("on hold, and too old", Crl(revoked=["leaf"], reason="certificate_hold", **_OLD)),
    _unknown("of the future", Crl(starts="1d")),
    _unknown("without an end", Crl(ends=None)),
    _unknown("another CA's", Crl("other"), certs=_OTHER_CA),
    _unknown("by another key of the same name", Crl("reissued"), certs=_OTHER_CA),
    _unknown("an issuer that may not sign any", Crl(), certs={"inter": Cert(issuer="root", extensions=[crl_points(ROOT_CRL), (x509.KeyUsage(
        False, False, False, False, False, True, False, False, False), True)])}),
    _unknown("indirect", Crl(extensions=[issuing_point(indirect_crl=True)])),
    _unknown("another issuer's by the certificate", Crl(), certs={"leaf": _pointing(
        crl_points(CRL, crl_issuer=[x509.DNSName("ca.example.com")]))}),
    _unknown("a delta", Crl(extensions=[(x509.DeltaCRLIndicator(1), True)])),
    _unknown("an unknown critical extension", Crl(extensions=[(_UNKNOWN_EXTENSION, True)])),
    _unknown("an entry with an unknown critical extension", Crl(revoked=["leaf"], entry_extensions=[(_ENTRY, True)])),
    _unknown("an entry that cannot be parsed", Crl(revoked=["leaf"], reason=None, entry_extensions=[(_NO_REASON, False)])),
    _unknown("of another distribution point", Crl(extensions=[issuing_point("http://ca.example.com/other.crl")])),
    _unknown("of CA certificates", Crl(extensions=[issuing_point(only_contains_ca_certs=True)])),
    _unknown("of attribute certificates", Crl(extensions=[issuing_point(only_contains_attribute_certs=True)])),
    _unknown("for some reasons", Crl(extensions=[issuing_point(only_some_reasons=frozenset({x509.ReasonFlags.key_compromise}))])),
    _unknown("for some reasons by the certificate", Crl(), certs={"leaf": _pointing(
        crl_points(CRL, reasons=frozenset({x509.ReasonFlags.key_compromise})))}),
    _listed("CRL: of leaves, for the intermediate", ("revocation-unknown", "warning", 1),
            crls={ROOT_CRL: Crl("root", extensions=[issuing_point(only_contains_user_certs=True)])}),
    _listed("OCSP: revoked", ("revoked", "error", 0), responses={(OCSP, "leaf"): Ocsp(status="revoked", reason="superseded")}, **_WITH_RESPONDER),
    _listed("OCSP: cannot be reached", ("revocation-unknown", "warning", 0), responses={(OCSP, "leaf"): _UNREACHABLE}, **_WITH_RESPONDER),
    _listed("OCSP: no response", ("revocation-unknown", "warning", 0), responses={(OCSP, "leaf"): b"<html>"}, **_WITH_RESPONDER),
    _listed("OCSP: later", ("revocation-unknown", "warning", 0), responses={(OCSP, "leaf"): Ocsp(error="try_later")}, **_WITH_RESPONDER),
    _listed("OCSP: too old", ("revocation-unknown", "warning", 0), responses={(OCSP, "leaf"): Ocsp(**_OLD)}, **_WITH_RESPONDER),
    _listed("CRL and OCSP: neither can be reached", ("revocation-unknown", "warning", 0), crls={CRL: _UNREACHABLE},
            responses={(OCSP, "leaf"): _UNREACHABLE}, certs={"leaf": _pointing(crl_points(CRL), responder(OCSP))}),
    _listed("checked: nothing to ask", ("revocation-unknown", "warning", 0), certs={"leaf": leaf()}),
    _listed("checked: a leaf for seven days and a second", ("revocation-unknown", "warning", 0),
            certs={"leaf": leaf(starts="-3d", ends="4d")}),
    _listed("checked: an intermediate for six days", ("revocation-unknown", "warning", 1),
            certs={"inter": Cert(issuer="root", starts="-1d", ends="5d"), "leaf": _pointing(starts="-1d", ends="4d")}),
    _listed("checked: too old is stapled, and nothing to ask", ("stale-staple", "warning", 0), ("revocation-unknown", "warning", 0),
            certs={"leaf": leaf()}, staple=Ocsp(**_OLD), clients=["openssl"]),
    Row("checked: the root is not trusted", {**_WITH_CRLS, "other": Cert()}, trust=["other"], found=[("unknown-issuer", "error", 1)], complete=False,
        crls={}),
    Row("checked: the intermediate is missing", {"leaf": _pointing()}, ["leaf"], found=[("incomplete-chain", "error", 0)], complete=False, crls={}),
    Row("checked: a signature is wrong", {"other": Cert(), "leaf": _pointing(signed_by="other"), "inter": _WITH_CRLS["inter"]},
        found=[("bad-signature", "error", 0)], complete=False, crls={}),
    Row("checked: the intermediate is the anchor", _WITH_CRLS, trust=["inter"], found=[("untrusted-root", "error", 1), ("revoked", "error", 0)],
        refusing=["openssl", "python", "nodejs"], complete=False, crls={CRL: Crl(revoked=["leaf"])}),
)  # fmt: skip
