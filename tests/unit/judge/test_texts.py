# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What findings say, word for word: at least one case of each code."""

from __future__ import annotations

import re
from datetime import datetime, timezone

import pytest
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge import judge
from ansible_collections.fullchain.tls.plugins.plugin_utils.judge.catalogue import CATALOGUE

from tests.unit.judge.tables import FAULTY

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=timezone.utc)
ROWS = {row.name: row for row in FAULTY}

_REPLACED = (
    "Have a new certificate issued for a new key and deploy it: `certbot renew --force-renewal "
    "--cert-name NAME` (with --new-key where reuse_key is set), or new files of the site."
)
_REISSUED = "Have the certificate reissued: the CA has another intermediate by now. Then serve that one."
_STAPLING = (
    "Switch stapling on (nginx: ssl_stapling, Apache: SSLUseStapling), and see in the error log why no "
    "response comes; or have the certificate issued without must-staple (certbot: no --must-staple, "
    "must_staple = False in its renewal file)."
)
_NEW_STAPLE = (
    "Let the server fetch a new one: in nginx `ssl_stapling on` with ssl_trusted_certificate and a "
    "resolver that works, in Apache SSLUseStapling with SSLStaplingCache; with ssl_stapling_file, renew "
    "that file before its nextUpdate."
)
_REACHABLE = (
    "Let the controller reach these addresses over HTTP (fetch_private for a CA inside your own network),"
    " or tell the CA what its servers send."
)
_NO_ADDRESS = (
    "Nothing can be asked about it: let your CA put the address of a CRL into its certificates, or leave "
    "revocation off."
)

_ASK = (
    "Have the server ask: in nginx `ssl_client_certificate` and `ssl_verify_client on` in the server block (without a server name, "
    "in the default server's), in Apache `SSLCACertificateFile` and `SSLVerifyClient require` in the VirtualHost."
)
_ANOTHER = (
    "Put the CA that issued it into the server's bundle for clients (nginx `ssl_client_certificate`, Apache `SSLCACertificateFile`) "
    "and reload, or present a certificate of a CA that the server trusts, with its intermediates behind it in client_cert. It has to "
    "be valid today, and for clientAuth where it has extended key usages."
)
_INSIST = (
    "Insist on it: in nginx `ssl_verify_client on` instead of `optional` or `optional_no_ca`, in Apache `SSLVerifyClient require` "
    "instead of `optional`. Where the application is to decide for itself, expect `client_auth: optional` of the endpoint."
)

# name of the case, code, message, fix; digests and sizes, which differ from run to run, are cut
TEXTS = [
    (
        "unreachable",
        "unreachable",
        "no connection could be made: what the connection met",
        "Check that the server runs and listens on this address and port, that the name resolves to it, and "
        "that no firewall is between.",
    ),
    (
        "not-tls",
        "not-tls",
        "what answers does not speak TLS: what the connection met",
        "Check the port, and in nginx that the server block says `listen 443 ssl`; a mail or database port "
        "may speak TLS only after STARTTLS, for which the endpoint's `starttls` asks.",
    ),
    (
        "nothing where STARTTLS is asked for",
        "unreachable",
        "no connection could be made: what the connection met",
        "Check that the server runs and listens on this address and port, and that no firewall is between. A port that speaks TLS "
        "from the first byte (465, 636, 993, 995, 5223) wants no `starttls`.",
    ),
    (
        "no TLS after STARTTLS",
        "not-tls",
        "asked for STARTTLS (smtp), the server comes to no TLS: what the connection met",
        "Give the server's TLS settings a certificate and a key that it can read; its log says what it misses. For a port that speaks "
        "TLS from the first byte, or another protocol, change the endpoint's `starttls`.",
    ),
    (
        "protocol-too-old",
        "protocol-too-old",
        "the server offers no version of TLS that clients still speak: what the connection met",
        "Let the server speak TLS 1.2 and 1.3: ssl_protocols TLSv1.2 TLSv1.3, which is tls_profile intermediate.",
    ),
    (
        "handshake-failed",
        "handshake-failed",
        "the server refuses the handshake: what the connection met",
        "Look into the server's error log. Usual causes: no certificate for this name "
        "(ssl_reject_handshake), no cipher in common.",
    ),
    (
        "no client certificate where one is not expected to be required, and refused",
        "handshake-failed",
        "the server asks for a client certificate and refuses the handshake without one: the server refused with the TLS alert "
        "'certificate required'",
        "Give the endpoint `client_cert` and `client_key`, or `client_auth: required` where it is right so and nothing more is to be "
        "tried. In the server, `ssl_verify_client` (nginx) or `SSLVerifyClient` (Apache) asks.",
    ),
    (
        "the connection without a client certificate failed",
        "unreachable",
        "no connection could be made: on the connection without a client certificate, 192.0.2.7 took no connection within 10 s",
        "Check that the server runs and listens on this address and port, that the name resolves to it, and "
        "that no firewall is between.",
    ),
    (
        "no client certificate asked for",
        "client-certificate-not-requested",
        "client certificates are to be required, and the server asks for none in the handshake",
        _ASK,
    ),
    (
        "client certificate of another CA",
        "client-certificate-rejected",
        "the server does not take the client certificate 'CN=theirs' of 'CN=their CA': the server refused with the TLS alert "
        "'unknown ca'; the server names the CAs that it takes and its own is not among them (CN=our CA)",
        _ANOTHER,
    ),
    (
        "client certificate that has ended",
        "client-certificate-rejected",
        "the server does not take the client certificate 'CN=ended' of 'CN=our CA': it answers 400, 'The SSL certificate error'; "
        "it ended on 2026-05-31 12:00 UTC",
        _ANOTHER,
    ),
    (
        "client certificate that has not begun",
        "client-certificate-rejected",
        "the server does not take the client certificate 'CN=early' of 'CN=our CA': it answers 400, 'The SSL certificate error'; "
        "it begins only on 2026-06-02 12:00 UTC",
        _ANOTHER,
    ),
    (
        "client certificate for servers",
        "client-certificate-rejected",
        "the server does not take the client certificate 'CN=server' of 'CN=our CA': it answers 400, 'The SSL certificate error'; "
        "its extended key usages lack clientAuth",
        _ANOTHER,
    ),
    (
        "client certificate without usages, rejected, no CA named",
        "client-certificate-rejected",
        "the server does not take the client certificate 'CN=plain' of 'CN=our CA': it answers 400, 'The SSL certificate error'",
        _ANOTHER,
    ),
    (
        "a stranger's client certificate and none are both forbidden",
        "client-certificate-rejected",
        "the server does not take the client certificate 'CN=theirs' of 'CN=their CA': it answers 403 with a certificate and without; "
        "the server names the CAs that it takes and its own is not among them (CN=our CA)",
        _ANOTHER,
    ),
    (
        "the same page is forbidden with a client certificate and without",
        "client-certificate-not-required",
        "the server asks for a client certificate and serves clients without one all the same: it answers 403 with a certificate and "
        "without",
        _INSIST,
    ),
    (
        "the connection without a client certificate is closed, as that with one",
        "client-certificate-not-required",
        "the server asks for a client certificate and serves clients without one all the same: the handshake is completed and the "
        "connection closed without an answer",
        _INSIST,
    ),
    (
        "client certificate taken, none is fine too",
        "client-certificate-not-required",
        "the server asks for a client certificate and serves clients without one all the same: it answers 200",
        _INSIST,
    ),
    (
        "client certificate taken, none too, without HTTP",
        "client-certificate-not-required",
        "the server asks for a client certificate and serves clients without one all the same: the handshake is completed and "
        "nothing refused",
        _INSIST,
    ),
    (
        "a kind of key that the server lacks",
        "handshake-failed",
        "the server has no certificate with a key of the kind rsa, which is asked for, or takes no TLS 1.2: what the connection met",
        "Give the server a second certificate: in nginx another ssl_certificate and ssl_certificate_key, in Apache another "
        "SSLCertificateFile and SSLCertificateKeyFile. Or leave the kind out of the endpoint's `key_types`.",
    ),
    (
        "another leaf than deployed",
        "stale-certificate",
        "the leaf 'CN=leaf' (sha256 ..., until 2026-07-31 12:00 UTC) is served, not the certificate that was "
        "deployed (sha256 ...)",
        "Reload the server. If it stays: another server block, process or load balancer answers on this address.",
    ),
    (
        "another chain at another address",
        "inconsistent-backends",
        "what is served depends on the server that one comes to: 192.0.2.7 serves the leaf abababababababab... "
        "(until 2026-07-31 00:00 UTC); 192.0.2.8 serves nothing (unreachable)",
        "Deploy the same certificate and TLS settings to every server behind the name and reload each; take those "
        "that do not answer out of DNS or the load balancer.",
    ),
    (
        "key of nobody",
        "key-mismatch",
        "the private key does not belong to the leaf 'CN=leaf'",
        "Give the key that this certificate was requested with: with certbot, privkey.pem and fullchain.pem "
        "of the same lineage. If the key is lost, have the certificate reissued for the one that is there.",
    ),
    (
        "key of another certificate",
        "key-mismatch",
        "the private key does not belong to the leaf 'CN=leaf': it is the key of certificate #2 'CN=inter'",
        "Give the key that this certificate was requested with: with certbot, privkey.pem and fullchain.pem "
        "of the same lineage. If the key is lost, have the certificate reissued for the one that is there.",
    ),
    (
        "malformed instead of the intermediate",
        "malformed-certificate",
        "certificate #2 (sha256 ...) cannot be parsed: error parsing asn1 value: ParseError { kind: "
        "ShortData { needed: 1 } }",
        "Replace the file that the server reads with the one that the CA delivered; `openssl x509 -noout "
        "-text` shows whether it can be read.",
    ),
    (
        "a self-signed certificate for another name",
        "default-certificate",
        "the leaf 'CN=leaf' is self-signed and is not for 'shop.example.com': a server's default certificate "
        "answers, not the site's",
        "Let a server block with server_name 'shop.example.com' listen on this address and use the site's "
        "certificate: nginx -T shows which one answers.",
    ),
    (
        "a default certificate, issued",
        "default-certificate",
        "the leaf 'CN=Kubernetes Ingress Controller Fake Certificate' has the name of a made-up certificate "
        "and is not for 'shop.example.com': a server's default certificate answers, not the site's",
        "Let a server block with server_name 'shop.example.com' listen on this address and use the site's "
        "certificate: nginx -T shows which one answers.",
    ),
    (
        "intermediate first",
        "leaf-not-first",
        "the first certificate is a CA's, 'CN=inter'; the leaf 'CN=leaf' comes as #2",
        "Put the file in order: leaf, then each issuer, without the root. Deploying it with these roles does that.",
    ),
    (
        "self-signed",
        "self-signed",
        "the leaf 'CN=leaf' is signed by its own key and is not in the trust store",
        "Serve a certificate of a CA (certificate.source: certbot); if this one is meant, add it to "
        "tls_trust and to every client's trust store.",
    ),
    (
        "leaf alone",
        "incomplete-chain",
        "the leaf 'CN=leaf' was issued by 'CN=inter', which the server does not send and which is no trusted root",
        "Serve the leaf with its intermediates: in nginx, ssl_certificate is fullchain.pem, not cert.pem; "
        "with certificate files, give the CA's chain too. Only if 'CN=inter' is a root of your own, add it "
        "to tls_trust instead.",
    ),
    (
        "leaf alone, with a URL of its issuer",
        "incomplete-chain",
        "the leaf 'CN=leaf' was issued by 'CN=inter', which the server does not send and which is no trusted root",
        "Serve the leaf with its intermediates: in nginx, ssl_certificate is fullchain.pem, not cert.pem; "
        "with certificate files, give the CA's chain too. The CA offers it at "
        "http://ca.example.com/inter.der. Only if 'CN=inter' is a root of your own, add it to tls_trust "
        "instead.",
    ),
    (
        "leaf alone, its issuer in the store as an intermediate",
        "incomplete-chain",
        "the leaf 'CN=leaf' was issued by 'CN=inter', which the server does not send and which is in the "
        "trust store, but as an intermediate, which clients elsewhere lack",
        "Serve the leaf with its intermediates: in nginx, ssl_certificate is fullchain.pem, not cert.pem; "
        "with certificate files, give the CA's chain too.",
    ),
    (
        "second intermediate missing",
        "unknown-issuer",
        "certificate #2 'CN=i1' was issued by 'CN=i2', which is neither sent nor trusted: another "
        "intermediate is missing, or it is a root outside the trust store",
        "If 'CN=i2' is an intermediate, serve it too (in nginx, ssl_certificate is the whole fullchain.pem). "
        "If it is a root of your own, add it to tls_trust and to every client's trust store.",
    ),
    (
        "authority key identifier of another key",
        "unknown-issuer",
        "the leaf 'CN=leaf' names another key identifier for its issuer than certificate #2 'CN=inter' has, "
        "whose key did sign it",
        "Have the certificate reissued with an authority key identifier that is its issuer's.",
    ),
    (
        "root untrusted",
        "untrusted-root",
        "the chain ends at certificate #3 'CN=root', a root that is not in the trust store",
        "If it is a root of your own, add it to tls_trust and to every client's trust store; otherwise use a "
        "certificate of a CA that clients trust, or the chain to another root of this CA "
        "(certbot_preferred_chain).",
    ),
    (
        "root untrusted, another of its name trusted",
        "untrusted-root",
        "the chain ends at certificate #3 'CN=root', a root that is not in the trust store (the store has "
        "one of this name with another key)",
        "If it is a root of your own, add it to tls_trust and to every client's trust store; otherwise use a "
        "certificate of a CA that clients trust, or the chain to another root of this CA "
        "(certbot_preferred_chain).",
    ),
    (
        "an intermediate as the only anchor",
        "untrusted-root",
        "the chain ends at certificate #2 'CN=inter', which is in the trust store without being a root: its "
        "issuer 'CN=root' is not there",
        "Add the root that 'CN=inter' leads to, 'CN=root' or one above it, to the trust store.",
    ),
    (
        "leaf's signature",
        "bad-signature",
        "the signature of the leaf 'CN=leaf' was not made by the key of certificate #2 'CN=inter'",
        "Either the file is damaged, or 'CN=inter' is another CA's certificate, or an older one, of the same "
        "name: serve the chain that the CA delivered with this certificate.",
    ),
    (
        "issued by a leaf",
        "not-a-ca",
        "certificate #2 'CN=inter' has issued a certificate of the path and is not a CA's (its basicConstraints lack CA:TRUE)",
        "Have the certificate reissued by a CA. In a private CA, give the issuer basicConstraints=critical,CA:TRUE and "
        "keyUsage=critical,keyCertSign,cRLSign.",
    ),
    (
        "intermediate key usage without keyCertSign",
        "wrong-key-usage",
        "certificate #2 'CN=inter' has issued a certificate of the path, and its key usage (digitalSignature) lacks keyCertSign",
        "Have the CA's certificate reissued with keyUsage=critical,keyCertSign,cRLSign, or without the extension.",
    ),
    (
        "leaf with keyCertSign alone",
        "wrong-key-usage",
        "the key usage of the leaf 'CN=leaf' (keyCertSign) lacks digitalSignature",
        "Have the certificate reissued with keyUsage=critical,digitalSignature (and keyEncipherment with RSA for old clients).",
    ),
    (
        "leaf for clients alone",
        "wrong-extended-key-usage",
        "the extended key usage of the leaf 'CN=leaf' is clientAuth, and not serverAuth",
        "Have the certificate reissued with extendedKeyUsage=serverAuth.",
    ),
    (
        "intermediate for clients alone",
        "wrong-extended-key-usage",
        "the extended key usage of certificate #2 'CN=inter' is clientAuth, and not serverAuth",
        "Serve a chain through an issuer that is for servers, or have the CA's certificate reissued with serverAuth or without the extension.",
    ),
    (
        "path length: 0 in the root, one intermediate",
        "path-length-exceeded",
        "the trusted root 'CN=root' may have 0 intermediates below it (pathLenConstraint), and has 1",
        "Have the certificate issued by a CA that stands higher, or this CA's reissued with a larger pathLenConstraint.",
    ),
    (
        "constraints: example.org permitted",
        "name-constraint-violated",
        "'shop.example.com' in the leaf 'CN=leaf' is outside what certificate #2 'CN=inter' is permitted to issue for "
        "(name constraints); refused by openssl, curl, python, nodejs, java, go, gnutls",
        "Have the certificate issued by a CA that may issue for this name, or without the name.",
    ),
    (
        "constraints: a wildcard, one name below it excluded",
        "name-constraint-violated",
        "'*.example.com' in the leaf 'CN=leaf' is excluded from what certificate #2 'CN=inter' may issue for (name constraints); refused by go",
        "Have the certificate issued by a CA that may issue for this name, or without the name.",
    ),
    (
        "leaf with an unknown critical extension",
        "unknown-critical-extension",
        "the leaf 'CN=leaf' has an extension that is critical and not known to every client: 1.2.3.4.5; refused by openssl, curl, python, "
        "nodejs, java, go, gnutls",
        "Have the certificate reissued without the extension, or with it not critical.",
    ),
    (
        "leaf with RSA 1024",
        "weak-key",
        "the key of the leaf 'CN=leaf' is RSA 1024; refused by openssl, curl, python",
        "Have the certificate reissued for another key: ECDSA P-256, or RSA with 2048 bits (certbot_key_type).",
    ),
    (
        "leaf with RSA 1984",
        "weak-key",
        "the key of the leaf 'CN=leaf' is RSA 1984, fewer bits than the 2048 that the CA/Browser Forum asks for",
        "Have the certificate reissued for another key: ECDSA P-256, or RSA with 2048 bits (certbot_key_type).",
    ),
    (
        "intermediate with RSA 1024",
        "weak-key",
        "the key of certificate #2 'CN=inter' is RSA 1024; refused by openssl, curl, python",
        "Serve a chain through an issuer with a key that clients take: ECDSA P-256 or P-384, or RSA from 2048 bits.",
    ),
    (
        "leaf signed with SHA-1",
        "weak-signature",
        "the signature of the leaf 'CN=leaf' is made with SHA1, which can be forged",
        "Have the certificate reissued: CAs sign with SHA-256 or better.",
    ),
    (
        "sixteen hundred names",
        "chain-too-long",
        "the certificates are ... bytes; refused by java",
        "Serve nothing but the path, and split a certificate with thousands of names into several.",
    ),
    (
        "a lifetime of 201 days, issued in March 2026",
        "lifetime-too-long",
        "the leaf 'CN=leaf' is valid for 201 days; issued on 2026-03-23 it may be for 200",
        "Have it reissued with a shorter lifetime: browsers and Apple's systems refuse it.",
    ),
    (
        "a foreign cross-sign before the good one",
        "shadowed-issuer",
        "certificate #2 'CN=inter' leads to no trusted root, and is taken instead of #3, which leads to a "
        "trusted root; refused by openssl, curl, python, nodejs, gnutls, where only one issuer of a name is "
        "tried",
        "Remove certificate #2 from what is served, or put it behind the good one.",
    ),
    (
        "the expired intermediate before the renewed one",
        "shadowed-issuer",
        "certificate #2 'CN=inter' has expired, or leads to one that has, and is taken instead of #3, which "
        "leads to a trusted root; refused by gnutls, where only one issuer of a name is tried",
        "Remove certificate #2 from what is served, or put it behind the good one.",
    ),
    (
        "another name",
        "name-mismatch",
        "the leaf 'CN=leaf' is for www.example.com, and is not for 'shop.example.com'",
        "Add 'shop.example.com' to the site's aliases in tls_sites, so that the certificate gets it, or let "
        "the server block of 'shop.example.com' use its own certificate. A wildcard stands for one whole "
        "label.",
    ),
    (
        "no alternative name, another common name",
        "name-mismatch",
        "the leaf 'CN=leaf' has only the common name 'leaf', and is not for 'shop.example.com'",
        "Add 'shop.example.com' to the site's aliases in tls_sites, so that the certificate gets it, or let "
        "the server block of 'shop.example.com' use its own certificate. A wildcard stands for one whole "
        "label.",
    ),
    (
        "underscore",
        "name-mismatch",
        "the leaf 'CN=leaf' is for 'my_shop.example.com', but a hostname has no underscore (RFC 1123 2.1); "
        "refused by java",
        "Give the site a name without an underscore.",
    ),
    (
        "only in the common name",
        "no-subject-alt-name",
        "the leaf 'CN=shop.example.com' names the server only in its common name 'shop.example.com', not in "
        "a subject alternative name",
        "Have the certificate reissued with the name as a subject alternative name (openssl req -addext "
        "subjectAltName=DNS:...); certbot always does.",
    ),
    (
        "leaf expired",
        "expired",
        "the leaf 'CN=leaf' expired on 2026-05-31 12:00 UTC (judged at 2026-06-01 12:00 UTC)",
        "Renew it (`certbot renew`, or a new certificate in the site's files) and reload the server; if it "
        "was renewed, the server has not been reloaded or serves another file.",
    ),
    (
        "intermediate expired",
        "expired",
        "certificate #2 'CN=inter' expired on 2026-05-31 12:00 UTC (judged at 2026-06-01 12:00 UTC)",
        "Serve the CA's current intermediate: renew the certificate, or replace the expired one in the chain file.",
    ),
    (
        "root expired",
        "expired",
        "the trusted root 'CN=root' expired on 2026-05-31 12:00 UTC (judged at 2026-06-01 12:00 UTC)",
        "Trust the CA's current root in tls_trust, or serve a chain that ends at another root.",
    ),
    (
        "leaf not yet valid",
        "not-yet-valid",
        "the leaf 'CN=leaf' is not valid before 2026-06-02 12:00 UTC (judged at 2026-06-01 12:00 UTC)",
        "Check the clock of the machine that judges; otherwise serve the certificate that was valid before.",
    ),
    (
        "intermediate ends before the leaf",
        "outlived-by-leaf",
        "certificate #2 'CN=inter' expires on 2026-07-21 12:00 UTC, before the leaf 'CN=leaf' does "
        "(2026-07-31 12:00 UTC)",
        "Have the certificate reissued by the CA's current intermediate before that day, or serve the CA's "
        "newer certificate of this issuer.",
    ),
    (
        "leaf below a third",
        "expires-soon",
        "the leaf 'CN=leaf' expires on 2026-06-30 12:00 UTC, in 29 days (threshold 33%)",
        "Renew it (`certbot renew`, or a new certificate in the site's files) and reload the server; see why "
        "it has not renewed by itself: systemctl status certbot.timer, /var/log/letsencrypt.",
    ),
    (
        "leaf below 10 hours",
        "expires-soon",
        "the leaf 'CN=leaf' expires on 2026-06-01 21:00 UTC, in 9 hours (threshold 10%)",
        "Renew it (`certbot renew`, or a new certificate in the site's files) and reload the server; see why "
        "it has not renewed by itself: systemctl status certbot.timer, /var/log/letsencrypt.",
    ),
    (
        "six intermediates not in order",
        "chain-too-long",
        "the path has 6 intermediates and they are not sent as one chain in order; refused by java, where no "
        "path of more than 5 is searched for",
        "Put the file in order: leaf, then each issuer, without the root. Deploying it with these roles does that.",
    ),
    (
        "two intermediates swapped",
        "wrong-order",
        "the certificates are not sent in the order of the path, which is #1, #3, #2",
        "Put the file in order: leaf, then each issuer, without the root. Deploying it with these roles does that.",
    ),
    (
        "six intermediates not in order",
        "wrong-order",
        "the certificates are not sent in the order of the path, which is #1, #3, #2, #4, #5, #6, #7",
        "Put the file in order: leaf, then each issuer, without the root. Deploying it with these roles does that.",
    ),
    (
        "intermediate twice",
        "duplicate-certificate",
        "'CN=inter' is sent 2 times: #2, #3",
        "Serve each certificate once: the leaf or chain is often both in the certificate file and in a chain "
        "file. Deploying it with these roles puts it right.",
    ),
    (
        "a stranger twice",
        "duplicate-certificate",
        "'CN=stray' is sent 2 times: #3, #4",
        "Serve each certificate once: the leaf or chain is often both in the certificate file and in a chain "
        "file. Deploying it with these roles puts it right.",
    ),
    (
        "root served",
        "root-served",
        "certificate #3 'CN=root' is a trusted root, which clients have: sending it is waste",
        "Leave the root out of the chain file. Deploying it with these roles does that.",
    ),
    (
        "another key of the same name before the good one, told apart by key identifiers",
        "unrelated-certificate",
        "on no way from the leaf to a root, and sent for nothing: certificate #2 'CN=inter'",
        "Remove it from the chain file. Deploying it with these roles does that.",
    ),
    (
        "a stranger twice",
        "unrelated-certificate",
        "on no way from the leaf to a root, and sent for nothing: certificate #3 'CN=stray'",
        "Remove it from the chain file. Deploying it with these roles does that.",
    ),
    (
        "stapled: revoked",
        "revoked",
        "the leaf 'CN=leaf' was revoked on 2026-05-30 (keyCompromise), according to the stapled OCSP response",
        _REPLACED,
    ),
    (
        "CRL: the intermediate is revoked",
        "revoked",
        "certificate #2 'CN=inter' was revoked on 2026-05-30 (cACompromise), according to the CRL at "
        "http://ca.example.com/root.crl",
        _REISSUED,
    ),
    (
        "CRL and OCSP: revoked, good is stapled",
        "revoked",
        "the leaf 'CN=leaf' was revoked on 2026-05-30 (keyCompromise), according to the CRL at "
        "http://ca.example.com/inter.crl and the OCSP response from http://ocsp.example.com/",
        _REPLACED,
    ),
    (
        "CRL: revoked, and too old",
        "revoked",
        "the leaf 'CN=leaf' was revoked on 2026-05-23, according to the CRL at http://ca.example.com/inter.crl",
        _REPLACED,
    ),
    (
        "must-staple: nothing",
        "staple-missing",
        "the leaf 'CN=leaf' demands a stapled OCSP response (must-staple), and the server staples none",
        _STAPLING,
    ),
    (
        "must-staple: the responder refuses",
        "staple-missing",
        "the leaf 'CN=leaf' demands a stapled OCSP response (must-staple), and the server staples nothing but"
        " the responder's refusal unauthorized",
        _STAPLING,
    ),
    (
        "stapled: too old",
        "stale-staple",
        "the stapled OCSP response for the leaf 'CN=leaf' is too old: its nextUpdate was 2026-05-31 12:00 UTC"
        " (judged at 2026-06-01 12:00 UTC)",
        _NEW_STAPLE,
    ),
    (
        "stapled: without an end, and old",
        "stale-staple",
        "the stapled OCSP response for the leaf 'CN=leaf' is too old: it has no nextUpdate, and its "
        "thisUpdate was 2026-05-16 12:00 UTC (judged at 2026-06-01 12:00 UTC)",
        _NEW_STAPLE,
    ),
    (
        "stapled: of the future",
        "stale-staple",
        "the stapled OCSP response for the leaf 'CN=leaf' is of the future: its thisUpdate is 2026-06-02 "
        "12:00 UTC (judged at 2026-06-01 12:00 UTC)",
        _NEW_STAPLE,
    ),
    (
        "stapled: for another certificate",
        "revocation-unknown",
        "the stapled OCSP response for the leaf 'CN=leaf' is for another certificate",
        _NEW_STAPLE,
    ),
    (
        "stapled: by another CA's delegate",
        "revocation-unknown",
        "the stapled OCSP response for the leaf 'CN=leaf' is signed by 'CN=foreign', which 'CN=inter' has not issued",
        _NEW_STAPLE,
    ),
    (
        "stapled: the responder refuses",
        "revocation-unknown",
        "the stapled OCSP response for the leaf 'CN=leaf' has no answer but the status unauthorized",
        _NEW_STAPLE,
    ),
    (
        "CRL and OCSP: neither can be reached",
        "revocation-unknown",
        "nothing tells whether the leaf 'CN=leaf' has been revoked: the CRL at "
        "http://ca.example.com/inter.crl cannot be reached: 192.0.2.1 port 80 refused the connection; the "
        "OCSP responder at http://ocsp.example.com/ cannot be reached: 192.0.2.1 port 80 refused the "
        "connection",
        _REACHABLE,
    ),
    (
        "CRL: indirect",
        "revocation-unknown",
        "nothing tells whether the leaf 'CN=leaf' has been revoked: the CRL at "
        "http://ca.example.com/inter.crl is an indirect CRL, another issuer's, which is not supported",
        _REACHABLE,
    ),
    (
        "CRL: a delta",
        "revocation-unknown",
        "nothing tells whether the leaf 'CN=leaf' has been revoked: the CRL at "
        "http://ca.example.com/inter.crl is a delta CRL, only the changes to another list, which is not "
        "supported",
        _REACHABLE,
    ),
    (
        "checked: nothing to ask",
        "revocation-unknown",
        "nothing tells whether the leaf 'CN=leaf' has been revoked: it names neither a CRL nor an OCSP responder",
        _NO_ADDRESS,
    ),
]


@pytest.mark.parametrize(
    ("name", "code", "message", "fix"), TEXTS, ids=[f"{code}: {name}" for name, code, _message, _fix in TEXTS]
)
def test_texts(name: str, code: str, message: str, fix: str) -> None:
    row = ROWS[name]
    finding = next(f for f in judge(row.case(row.pki(NOW))).findings if f.code == code)

    said = re.sub(r"sha256 [0-9a-f]{16}\.\.\.", "sha256 ...", finding.message)
    assert re.sub(r"are \d+ bytes", "are ... bytes", said) == message
    assert finding.fix == fix


def test_every_code_has_its_text_here() -> None:
    assert {code for _name, code, _message, _fix in TEXTS} == set(CATALOGUE)
