# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of findings, as data: what each code means, how grave it is, and how each client words its refusal.

Codes are public API. The order is that of causes: what comes first explains what comes later.
docs/findings.md has a section for each; a test keeps the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Entry:
    """One code."""

    family: str
    severity: str  # when no chosen client refuses because of it; `error` as soon as one does
    meaning: str
    words: Mapping[str, str] = field(default_factory=dict)  # client -> its refusal; {server_name} is filled in
    # Findings of these codes say nothing new beside this one: they are its echo.
    hides: frozenset[str] = frozenset()


def _openssl_family(words: str, nodejs: str, **others: str) -> dict[str, str]:
    """OpenSSL, curl and Python word a verification error alike."""
    return {
        "openssl": f"verify error: {words}",
        "curl": f"(60) SSL certificate problem: {words}",
        "python": f"certificate verify failed: {words}",
        "nodejs": nodejs,
        **others,
    }


_GO_UNKNOWN = "x509: certificate signed by unknown authority"
_JAVA_NO_PATH = "PKIX path building failed"
_GNUTLS_UNKNOWN = "The certificate issuer is unknown."

_UNKNOWN_ISSUER = _openssl_family(
    "unable to get local issuer certificate",
    "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
    java=_JAVA_NO_PATH,
    go=_GO_UNKNOWN,
    gnutls=_GNUTLS_UNKNOWN,
)
_EXPIRED = _openssl_family(
    "certificate has expired",
    "CERT_HAS_EXPIRED",
    java="PKIX path validation failed: validity check failed (CertificateExpiredException)",
    go="x509: certificate has expired or is not yet valid",
    gnutls="The certificate chain uses expired certificate.",
)
_BAD_SIGNATURE = {
    "openssl": "verify error: certificate signature failure",
    "curl": "(35) asn1 encoding routines::EVP lib",
    "python": "certificate verify failed: certificate signature failure",
    "nodejs": "CERT_SIGNATURE_FAILURE",
    "java": "PKIX path validation failed: signature check failed",
    "go": _GO_UNKNOWN,
    "gnutls": "The signature in the certificate is invalid.",
}
_NAME_MISMATCH = {
    "openssl": "verify error: hostname mismatch",
    "curl": "(60) SSL: no alternative certificate subject name matches target host name '{server_name}'",
    "python": "certificate verify failed: Hostname mismatch, certificate is not valid for '{server_name}'",
    "nodejs": "ERR_TLS_CERT_ALTNAME_INVALID",
    "java": "No subject alternative DNS name matching {server_name} found",
    "go": "x509: certificate is valid for ..., not {server_name}",
    "gnutls": "The name in the certificate does not match the expected.",
}
_NO_ALT_NAME = {
    **_NAME_MISMATCH,
    "curl": "(60) SSL: certificate subject name ... does not match target host name '{server_name}'",
    "java": "No name matching {server_name} found",
    "go": "x509: certificate is not valid for any names, but wanted to match {server_name}",
}
_ADDRESS_MISMATCH = {
    **_NAME_MISMATCH,
    "openssl": "verify error: IP address mismatch",
    "python": "certificate verify failed: IP address mismatch, certificate is not valid for '{server_name}'",
    "java": "No subject alternative names matching IP address {server_name} found",
    "go": "x509: cannot validate certificate for {server_name} because it doesn't contain any IP SANs",
}
_GO_COMMON_NAME = "x509: certificate relies on legacy Common Name field, use SANs instead"
_NO_HANDSHAKE = dict.fromkeys(_NAME_MISMATCH, "no connection: the server cannot use this pair")

_GNUTLS_CONSTRAINTS = "The certificate chain violates the signer's constraints."
_GNUTLS_INSECURE = "The certificate chain uses insecure algorithm."
_GO_NO_ISSUER = "x509: invalid signature: parent certificate cannot sign this kind of certificate"
_NO_CERT_SIGN = "key usage does not include certificate signing"
_CANNOT_SIGN = _openssl_family(
    "invalid CA certificate",
    _NO_CERT_SIGN,
    java="CA key usage check failed: keyCertSign bit is not set",
    go=_GO_NO_ISSUER,
    gnutls=_GNUTLS_CONSTRAINTS,
)
_NOT_PERMITTED = _openssl_family(
    "permitted subtree violation",
    "permitted subtree violation",
    java="name constraints check failed",
    go="x509: a root or intermediate certificate is not authorized to sign for this name",
    gnutls=_GNUTLS_CONSTRAINTS,
)
_UNHANDLED = _openssl_family(
    "unhandled critical extension",
    "unhandled critical extension",
    java="unrecognized critical extension(s)",
    go="x509: unhandled critical extension",
    gnutls="The certificate contains an unknown critical extension.",
)
_WEAK_ISSUER = {
    **_openssl_family("CA certificate key too weak", "CA certificate key too weak"),
    "java": "Algorithm constraints check failed",
    "go": "crypto/rsa: keys are insecure",
    "gnutls": _GNUTLS_INSECURE,
}
_NO_ISSUER = {
    **_UNKNOWN_ISSUER,
    "curl": "(35) decode error",
    "java": "signature check failed",
    "gnutls": _GNUTLS_INSECURE,
}

_PATH_CODES = frozenset({"incomplete-chain", "unknown-issuer", "untrusted-root", "self-signed"})
_LATER_CODES = frozenset(
    {"shadowed-issuer", "wrong-order", "duplicate-certificate", "unrelated-certificate", "root-served"}
)

CATALOGUE: Mapping[str, Entry] = {
    # transport: nothing came over the wire
    "unreachable": Entry(
        "transport",
        "error",
        "No connection could be made to the address.",
        {
            "openssl": "connect:errno",
            "curl": "(7) Failed to connect",
            "python": "ConnectionRefusedError, TimeoutError or gaierror",
            "nodejs": "ECONNREFUSED, ETIMEDOUT or ENOTFOUND",
            "java": "java.net.ConnectException",
            "go": "dial tcp",
            "gnutls": "Could not connect",
        },
    ),
    "not-tls": Entry(
        "transport",
        "error",
        "Something answers, but it does not speak TLS.",
        {
            "openssl": "wrong version number",
            "curl": "(35) wrong version number",
            "python": "WRONG_VERSION_NUMBER",
            "nodejs": "ERR_SSL_WRONG_VERSION_NUMBER",
            "java": "Unsupported or unrecognized SSL message",
            "go": "tls: first record does not look like a TLS handshake",
            "gnutls": "An unexpected TLS packet was received.",
        },
    ),
    "protocol-too-old": Entry(
        "transport",
        "error",
        "The server offers only versions of TLS that clients no longer speak.",
        {
            "openssl": "unsupported protocol",
            "curl": "(35) unsupported protocol",
            "python": "alert protocol version",
            "nodejs": "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
            "java": "Received fatal alert: protocol_version",
            "go": "tls: protocol version not supported",
            "gnutls": "A packet with illegal or unsupported version was received.",
        },
    ),
    "handshake-failed": Entry(
        "transport",
        "error",
        "The server speaks TLS and refuses the handshake.",
        {
            "openssl": "alert handshake failure",
            "curl": "(35) alert handshake failure",
            "python": "alert handshake failure",
            "nodejs": "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE",
            "java": "Received fatal alert: handshake_failure",
            "go": "remote error: tls: handshake failure",
            "gnutls": "A TLS fatal alert has been received.",
        },
    ),
    # The one error that no TLS client would notice: whoever named the leaf refuses another.
    "stale-certificate": Entry("transport", "error", "The server sends another leaf than the one that was deployed."),
    "inconsistent-backends": Entry(
        "transport", "warning", "Servers behind one endpoint serve different chains, or not all of them serve one."
    ),
    # What was asked for, too: a client that comes with the certificate notices the second one alone.
    "client-certificate-not-requested": Entry("mutual TLS", "error", "The server asks for no client certificate."),
    "client-certificate-rejected": Entry(
        "mutual TLS",
        "error",
        "The server does not take the client certificate.",
        {
            "openssl": "alert unknown ca",
            "curl": "alert unknown ca",
            "python": "alert unknown ca",
            "nodejs": "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA",
            "java": "Received fatal alert: unknown_ca",
            "go": "remote error: tls: unknown certificate authority",
            "gnutls": "A TLS fatal alert has been received.",
        },
    ),
    "client-certificate-not-required": Entry(
        "mutual TLS", "error", "The server serves clients that have no certificate."
    ),
    "key-mismatch": Entry("files", "error", "The private key is not the leaf's.", _NO_HANDSHAKE),
    "malformed-certificate": Entry(
        "presentation",
        "warning",
        "What was sent as a certificate cannot be parsed.",
        {
            "openssl": "asn1 encoding routines",
            "curl": "(35) asn1 encoding routines",
            "python": "ASN1 lib",
            "nodejs": "asn1 encoding routines",
            "java": "Failed to parse server certificates",
            "go": "tls: failed to parse certificate from server",
            "gnutls": "ASN1 parser: Error",
        },
        # the one that cannot be read may be the one that is missing
        hides=frozenset({"incomplete-chain", "unknown-issuer"}),
    ),
    "default-certificate": Entry(
        "name",
        "warning",
        "The server answers with its default certificate instead of the site's.",
        _NAME_MISMATCH,
        hides=_PATH_CODES | _LATER_CODES | {"expired", "not-yet-valid", "expires-soon", "outlived-by-leaf"},
    ),
    "leaf-not-first": Entry(
        "presentation",
        "error",
        "The first certificate is an issuer's; the leaf comes later.",
        _NO_ALT_NAME,
        hides=frozenset({"wrong-order"}),
    ),
    # trust and paths
    "self-signed": Entry(
        "trust",
        "error",
        "The leaf is signed by its own key and is not in the trust store.",
        _openssl_family(
            "self-signed certificate",
            "DEPTH_ZERO_SELF_SIGNED_CERT",
            java=_JAVA_NO_PATH,
            go=_GO_UNKNOWN,
            gnutls=_GNUTLS_UNKNOWN,
        ),
    ),
    "incomplete-chain": Entry(
        "presentation",
        "error",
        "An issuer's certificate is missing from what the server sends.",
        {
            **_UNKNOWN_ISSUER,
            "nodejs": "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
            "ringcentral": 'SUB-524 "HTTPS certificate is not valid"',
        },
    ),
    "unknown-issuer": Entry(
        "presentation",
        "warning",
        "The last certificate's issuer is neither sent nor trusted, and nothing tells what it is.",
        _UNKNOWN_ISSUER,
    ),
    "untrusted-root": Entry(
        "trust",
        "warning",
        "The chain ends at a root that is not in the trust store.",
        _openssl_family(
            "self-signed certificate in certificate chain",
            "SELF_SIGNED_CERT_IN_CHAIN",
            java=_JAVA_NO_PATH,
            go=_GO_UNKNOWN,
            gnutls=_GNUTLS_UNKNOWN,
        ),
    ),
    "bad-signature": Entry("trust", "error", "A signature was not made by the issuer's key.", _BAD_SIGNATURE),
    "not-a-ca": Entry(
        "authority",
        "warning",
        "A certificate has issued another without being a CA's.",
        _openssl_family(
            "invalid CA certificate",
            "INVALID_CA",
            java="basic constraints check failed: this is not a CA certificate",
            go=_GO_NO_ISSUER,
            gnutls="The certificate issuer is not a CA.",
        ),
    ),
    "wrong-key-usage": Entry(
        "authority",
        "warning",
        "A key is used for what its certificate does not say it is for.",
        _CANNOT_SIGN,
    ),
    "wrong-extended-key-usage": Entry(
        "authority",
        "warning",
        "A certificate of the path is for other purposes than servers'.",
        _openssl_family(
            "unsuitable certificate purpose",
            "INVALID_PURPOSE",
            java="Extended key usage does not permit use for TLS server authentication",
            go="x509: certificate specifies an incompatible key usage",
            gnutls="The certificate chain does not match the intended purpose.",
        ),
    ),
    "path-length-exceeded": Entry(
        "authority",
        "warning",
        "A CA has more intermediates below it than it may.",
        _openssl_family(
            "path length constraint exceeded",
            "PATH_LENGTH_EXCEEDED",
            java="basic constraints check failed: pathLenConstraint violated",
            go="x509: too many intermediates for path length constraint",
            gnutls=_GNUTLS_CONSTRAINTS,
        ),
    ),
    "name-constraint-violated": Entry(
        "authority",
        "warning",
        "A CA has issued for a name that it may not issue for.",
        _NOT_PERMITTED,
    ),
    "unknown-critical-extension": Entry(
        "authority",
        "warning",
        "An extension is critical and clients do not know it.",
        _UNHANDLED,
    ),
    "weak-key": Entry(
        "strength",
        "warning",
        "A key is too small, or of a kind that clients do not take.",
        {
            **_openssl_family("EE certificate key too weak", "EE certificate key too weak"),
            "java": "Algorithm constraints check failed",
            "go": "crypto/rsa: keys are insecure",
            "gnutls": _GNUTLS_INSECURE,
        },
    ),
    "weak-signature": Entry(
        "strength",
        "warning",
        "A signature of the path is made with a digest that can be forged.",
        _openssl_family(
            "CA signature digest algorithm too weak",
            "CA signature digest algorithm too weak",
            java="Algorithm constraints check failed on signature algorithm",
            go="cannot verify signature: insecure algorithm",
            gnutls=_GNUTLS_INSECURE,
        ),
    ),
    "shadowed-issuer": Entry(
        "presentation",
        "error",
        "A wrong certificate with the issuer's name stands before the right one.",
        {client: words for client, words in _UNKNOWN_ISSUER.items() if client not in ("java", "go")},
    ),
    # names
    "name-mismatch": Entry("name", "warning", "The leaf is not for the server's name.", _NAME_MISMATCH),
    "no-subject-alt-name": Entry(
        "name",
        "warning",
        "The leaf names the server only in its common name.",
        {**_NO_ALT_NAME, "go": _GO_COMMON_NAME},
    ),
    # time
    "expired": Entry("time", "warning", "A certificate of the path has expired.", _EXPIRED),
    "not-yet-valid": Entry(
        "time",
        "warning",
        "A certificate of the path is not valid yet.",
        _openssl_family(
            "certificate is not yet valid",
            "CERT_NOT_YET_VALID",
            java="PKIX path validation failed: validity check failed (CertificateNotYetValidException)",
            go="x509: certificate has expired or is not yet valid",
            gnutls="The certificate chain uses not yet valid certificate.",
        ),
    ),
    "outlived-by-leaf": Entry("time", "warning", "An issuer of the path ends before the leaf does."),
    "expires-soon": Entry("time", "warning", "The leaf ends soon."),
    "lifetime-too-long": Entry("time", "warning", "The leaf's lifetime is longer than publicly trusted CAs may give."),
    # revocation, which is looked at on request. GnuTLS alone looks at a stapled response; no client asks CRLs or responders.
    "revoked": Entry(
        "revocation",
        "error",  # whoever asks wants to be told, as of another leaf than the one that was deployed
        "A certificate of the path has been revoked.",
        {"gnutls": "The certificate chain is revoked."},
    ),
    "staple-missing": Entry(
        "revocation",
        "warning",
        "The leaf demands a stapled OCSP response and the server staples none.",
        {
            "gnutls": "The certificate requires the server to include an OCSP status in its response, "
            "but the OCSP status is missing."
        },
    ),
    "stale-staple": Entry(
        "revocation",
        "warning",
        "The stapled OCSP response is not valid at this time.",
        {"gnutls": "The revocation or OCSP data are old and have been superseded."},
    ),
    "revocation-unknown": Entry(
        "revocation",
        "warning",
        "Nothing that may be believed tells whether a certificate has been revoked.",
        {
            "java": "javax.net.ssl.SSLException: readHandshakeRecord",
            "gnutls": "The received OCSP status response is invalid.",
        },
    ),
    # what is sent, beside the path
    "chain-too-long": Entry(
        "presentation",
        "notice",
        "More certificates are sent than clients take.",
        {
            "openssl": "a path that takes too many attempts",
            "curl": "a path that takes too many attempts",
            "python": "a path that takes too many attempts",
            "nodejs": "a path that takes too many attempts",
            "java": "The certificate chain length (11) exceeds the maximum allowed length (10)",
            "go": "x509: signature check attempts limit reached while verifying certificate chain",
            "gnutls": "Some constraint limits were reached.",
        },
    ),
    "wrong-order": Entry("presentation", "warning", "The certificates of the path are not sent in its order."),
    "duplicate-certificate": Entry("presentation", "notice", "A certificate is sent more than once."),
    "root-served": Entry("presentation", "notice", "The root is sent, which clients have or do not believe."),
    "unrelated-certificate": Entry(
        "presentation", "notice", "A certificate is sent that is on no way from the leaf to a root."
    ),
}

# Words for refusals that share a code with others: `code/what is special`.
WORDS: Mapping[str, Mapping[str, str]] = {
    **{code: entry.words for code, entry in CATALOGUE.items()},
    "chain-too-long/bytes": {
        "openssl": "excessive message size",
        "curl": "(35) excessive message size",
        "python": "EXCESSIVE_MESSAGE_SIZE",
        "nodejs": "ERR_SSL_EXCESSIVE_MESSAGE_SIZE",
        "java": "The size of the handshake message exceeds the maximum allowed size",
        "go": "tls: handshake message exceeds maximum",
        "gnutls": "The handshake data size is too large.",
    },
    "not-a-ca/purpose": {**CATALOGUE["not-a-ca"].words, "nodejs": "INVALID_PURPOSE"},
    "not-a-ca/key-usage": {
        **CATALOGUE["not-a-ca"].words,
        "nodejs": _NO_CERT_SIGN,
        "java": _CANNOT_SIGN["java"],
    },
    **{
        f"not-a-ca/anchor{why}": {
            **CATALOGUE["not-a-ca"].words,
            "nodejs": nodejs,
            "java": "TrustAnchor is not a CA certificate",
        }
        for why, nodejs in (("", "INVALID_CA"), ("/purpose", "INVALID_PURPOSE"), ("/key-usage", _NO_CERT_SIGN))
    },
    "wrong-key-usage/anchor": {
        **_CANNOT_SIGN,
        "java": "TrustAnchor does not have keyCertSign bit set in KeyUsage extension",
    },
    "wrong-key-usage/leaf": {
        **CATALOGUE["wrong-extended-key-usage"].words,
        "java": "KeyUsage does not allow digital signatures",
        "gnutls": "Key usage violation in certificate has been detected.",
    },
    "name-constraint-violated/excluded": {
        **_NOT_PERMITTED,
        **_openssl_family("excluded subtree violation", "excluded subtree violation"),
    },
    "malformed-certificate/names": {
        "java": "No name matching {server_name} found",
        "go": "tls: failed to parse certificate from server",
    },
    "name-constraint-violated/too-many": {
        **_NOT_PERMITTED,
        **_openssl_family("unspecified certificate verification error", "UNSPECIFIED"),
    },
    "name-constraint-violated/unknown": {**_NOT_PERMITTED, "java": "String index out of range"},
    "unknown-critical-extension/unparsable": {
        **_UNHANDLED,
        "go": "tls: failed to parse certificate from server: x509: incorrectly marked critical",
    },
    "weak-key/issuer-rsa": _WEAK_ISSUER,
    "weak-key/anchor-rsa": _WEAK_ISSUER,
    "weak-key/issuer-curve": {
        **_WEAK_ISSUER,
        "java": "check failed",
        "go": "tls: failed to parse certificate from server: x509: unsupported elliptic curve",
    },
    "weak-key/anchor-curve": {**_WEAK_ISSUER, "java": "check failed", "go": _GO_UNKNOWN},
    "weak-key/issuer-kind": {**_NO_ISSUER, "nodejs": "UNABLE_TO_VERIFY_LEAF_SIGNATURE"},
    "weak-key/anchor-kind": {**_NO_ISSUER, "gnutls": "The certificate is NOT trusted."},
    # X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT: the store's certificate is found, and is no root
    "untrusted-root/partial": {
        "openssl": "verify error: unable to get issuer certificate",
        "python": "certificate verify failed: unable to get issuer certificate",
        "nodejs": "UNABLE_TO_GET_ISSUER_CERT",
    },
    "untrusted-root/namesake": {
        **CATALOGUE["untrusted-root"].words,
        "java": "PKIX path validation failed: Path does not chain with any of the trust anchors",
    },
    "default-certificate/self-signed": {**CATALOGUE["self-signed"].words, "go": _NAME_MISMATCH["go"]},
    "unknown-issuer/key-ids": {**_UNKNOWN_ISSUER, "java": "Path does not chain with any of the trust anchors"},
    "name-mismatch/address": _ADDRESS_MISMATCH,
    "name-mismatch/other-address": {**_ADDRESS_MISMATCH, "go": _NAME_MISMATCH["go"]},
    "name-mismatch/no-alt-name": _NO_ALT_NAME,
    "name-mismatch/underscore": {"java": "Illegal given domain name: {server_name}"},
    "no-subject-alt-name/others": {**_NAME_MISMATCH, "go": _NO_ALT_NAME["go"]},
    "no-subject-alt-name/address": {
        **_ADDRESS_MISMATCH,
        "go": _GO_COMMON_NAME,
        "java": "No subject alternative names present",
    },
}

RANK: Mapping[str, int] = {code: rank for rank, code in enumerate(CATALOGUE)}
