#!/usr/bin/python
# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of the action verify_tls."""

DOCUMENTATION = r"""
module: verify_tls
short_description: Verify the certificate chains that endpoints serve
version_added: 0.1.0
author: fullchain.tls contributors (@fullchain-tls)
description:
  - Connects to each endpoint, looks at the chain as it is served, and tells which clients accept it, everything that is
    wrong with it, and what to change.
  - Only what is served counts. Nothing is filled in from a cache, from the URLs in a certificate or from intermediates
    that a trust store happens to hold, for that is what strict clients do not do either.
  - Certificates can also be judged before they are deployed (O(chain)), and from the point of view of a host that the
    controller cannot reach the endpoints from (O(served)).
  - Whether certificates have been revoked is looked at on request (O(revocation)). None of the clients asks a CRL or an OCSP
    responder by itself; of what a server staples, GnuTLS takes notice.
  - The task fails when a finding is as grave as O(fail_on) says.
notes:
  - This is an action. It runs on the controller and connects to no managed host; a single task with C(run_once) verifies
    thousands of endpoints.
requirements:
  - cryptography 43 and pyOpenSSL 24.3 or newer, on the controller
  - certifi on the controller, for the trust store V(mozilla)
  - purejks on the controller, for Java keystores as trust stores
extends_documentation_fragment:
  - fullchain.tls.attributes
attributes:
  check_mode:
    support: full
    details: It changes nothing but the file O(complete_to), and that not in check mode.
  diff_mode:
    support: full
    details: The difference is that of the file O(complete_to).
  idempotent:
    support: full
options:
  endpoints:
    description:
      - What to connect to.
      - Each is V(host), V(host:port), V([v6]:port), or a mapping with C(host) and any of these keys.
      - C(port), default V(443), or with C(starttls) the protocol's own.
      - C(server_name), the name sent as SNI and looked for in the certificate, default C(host).
      - C(address), connect here instead of to C(host).
      - C(expect_fingerprint), SHA-256 of the leaf that has to be served.
      - C(expect_certificate), the leaf that has to be served, PEM text or a path on the controller; the first certificate
        counts. It goes without C(expect_fingerprint).
      - C(sni), default V(true). With V(false) no name is sent, and what the server sends then is judged for the name.
      - C(timeout), seconds, instead of O(timeout).
      - C(trust), a list, instead of O(trust).
      - C(addresses), V(first) (the default, the first address of the name that takes a connection) or V(all), a result for
        each A and AAAA record, one that the controller has no route to among them.
      - C(repeat), 1 to 64, so many new connections, for servers behind one address. What is alike is told once.
      - C(key_types), a list of V(ecdsa) and V(rsa), a connection for each, which takes no other. They offer TLS 1.2 at
        most, for only there the cipher says which kind of key is used. A kind that the server lacks is an error.
      - C(versions), instead of O(versions).
      - C(client_cert) and C(client_key), a client certificate with its intermediates and its private key, which is not encrypted; each
        PEM text or a path on the controller, a file encrypted with C(ansible-vault) among them. They are presented when the server
        asks, and the key is never printed or returned.
      - C(client_auth), V(required) (the default with C(client_cert)) or V(optional) (the default with C(starttls) as well), what is expected of the
        server. V(required) expects that the server asks, and that it turns away a client that has no certificate, for which a second
        connection is made where C(client_cert) is given. To see what is done with a client, C(GET /) is sent after the handshake, and the answers
        400, 401 and 403 turn away; a server that keeps silent costs the timeout. Behind C(starttls) nothing is sent, and what the protocol refuses
        later (PostgreSQL does) is not seen.
      - C(starttls), for a server that comes to TLS by STARTTLS or the like. V(smtp), V(imap), V(pop3), V(ftp), V(ldap),
        V(xmpp), V(postgres) or V(mysql), whose ports are 25, 143, 110, 21, 389, 5222, 5432 and 3306.
      - One of O(endpoints), O(served) and O(chain) is required. O(chain) goes with neither of the others.
    type: list
    elements: raw
  served:
    description:
      - What M(fullchain.tls.served_chain) returned on a host, the whole result or its list RV(fullchain.tls.served_chain#module:served).
      - When O(endpoints) are given as well, their results come first.
    type: raw
  chain:
    description:
      - Certificates to judge without a connection, in the order in which a server would serve them.
      - PEM text, or the path of a PEM file on the controller.
    type: str
  server_name:
    description:
      - The hostname or IP address that O(chain) has to be valid for. Left out, names are not judged.
    type: str
  privkey:
    description:
      - The private key that is to go with O(chain), PEM text or the path of a PEM file on the controller. A file
        encrypted with C(ansible-vault) is decrypted.
      - It is compared with the leaf and never printed or returned.
    type: str
  trust:
    description:
      - The trust anchors, all together. Each is the path of a PEM file or of a directory of them on the controller, PEM
        text, V(system) (the controller's own store) or V(mozilla) (certifi's).
      - A path may also be that of a Java keystore (JKS, JCEKS), whose trusted certificates are taken, or of a PKCS#12 file
        without a key, whose certificates all are, also those that lack the attribute by which Java tells trusted ones.
    type: list
    elements: str
    default: [system]
  trust_password:
    description:
      - The password of the keystores in O(trust) and O(trust_stores).
      - Left out, PKCS#12 files are tried with V(changeit), which Java's tools give truststores, and with none; and Java
        keystores are read without looking at the digest that the password protects.
    type: str
  trust_stores:
    description:
      - Further trust stores, by names of your choice, each a list like O(trust).
      - Each result says in which of them the chain is complete. RV(results[].ok) and failing depend on O(trust) alone.
    type: dict
  aia:
    description:
      - Fetch the issuers that a chain lacks from where its certificates say they are (authority information access), to say
        which ones they are and whether the chain would be complete with them, or that it leads to a root outside O(trust).
      - Over plain HTTP alone, within bounds of size and time, each address once a run. What was fetched never makes a chain
        any better, for clients do not fetch it.
    type: bool
    default: false
  revocation:
    description:
      - Whether to find out if certificates have been revoked. With V(off) nothing is said of it but what one of O(clients) refuses
        because of, which is GnuTLS with what is stapled and with must-staple. C(off) without quotes, which YAML reads as a boolean,
        is understood.
      - V(stapled) judges the OCSP response that each server staples, without asking anyone else. A
        server that staples nothing is no finding unless its certificate demands it (must-staple). Where the chain was
        fetched on a host (O(served)) nobody has asked for a response, nor is there one for O(chain), and nothing is said
        of stapling.
      - V(check) also fetches the CRLs that the leaf and the intermediates of the path name and, where these tell nothing,
        asks their OCSP responders. Each address is asked once in a run, O(timeout) seconds at most and all together 120,
        over plain HTTP, straight and not through a proxy. CRLs of up to 16 MiB and responses of up to 64 KiB are read.
        Of a chain that does not lead to O(trust) nothing is asked, since anyone may have made it; it is refused anyway.
      - What cannot be told is a finding, V(revocation-unknown) with what was tried and what came back. A leaf that is valid
        for a week at most needs neither CRL nor responder. As of another time (O(at)), what was fetched now may be too old
        or too new to tell, which is said likewise; what has been revoked stays so.
      - A certificate that has been revoked is an error although no client may refuse it.
      - Indirect CRLs, delta CRLs and CRLs for some reasons only are not supported, which the finding says.
    type: str
    choices: ["off", stapled, check]
    default: "off"
  fetch_private:
    description:
      - Fetch CRLs, OCSP responses and issuers from private and loopback addresses too, for a CA of your own. Which addresses are
        asked is up to whoever made the certificates. Link-local, multicast and reserved ones, and those of metadata services of clouds, never are.
    type: bool
    default: false
  complete_to:
    description:
      - Write O(chain) to this file on the controller as a server should serve it, leaf first, in order, without the root; with
        O(aia), the intermediates that are missing are put in. The path is relative to the playbook.
      - The results then have a second entry, which is for that file, and failing depends on that one alone.
      - Nothing is written when the chain cannot be completed, or when the file holds anything but PEM certificates.
    type: path
  clients:
    description:
      - Who has to accept the chain. V(openssl), V(curl), V(python), V(nodejs), V(java), V(go) and V(gnutls) are known.
      - Left out, all of them.
    type: list
    elements: str
  at:
    description:
      - Judge as of this time, for example V(2026-12-31T23:59:59Z) (RFC 3339, with its offset). Left out, as of now.
    type: str
  expires_soon:
    description:
      - From which time left a certificate is said to expire soon. Days (V(14)), or a share of its own lifetime (V(33%)).
    type: str
    default: 33%
  fail_on:
    description:
      - What makes the task fail. V(error) are findings because of which one of O(clients) refuses the connection;
        V(warning) takes those in that none refuses because of today; V(never) leaves failing to you.
    type: str
    choices: [error, warning, never]
    default: error
  timeout:
    description:
      - Seconds that an endpoint may take for name resolution, connection and handshake together. One that takes long
        holds nobody up.
    type: float
    default: 10
  workers:
    description:
      - How many endpoints are worked on at the same time, not counting those that keep us waiting.
    type: int
    default: 16
  versions:
    description:
      - Try which of TLS 1.0, 1.1, 1.2 and 1.3 each of O(endpoints) takes, with a further connection for each.
    type: bool
    default: false
  show:
    description:
      - Print the report on the screen, one line for each endpoint, with findings and their fixes beneath.
    type: bool
    default: false
seealso:
  - module: fullchain.tls.served_chain
"""

EXAMPLES = r"""
- name: Verify two endpoints
  fullchain.tls.verify_tls:
    endpoints:
      - shop.example.com
      - shop.example.com:8443

- name: Verify one backend of many, by its own address
  fullchain.tls.verify_tls:
    endpoints:
      - host: shop.example.com
        address: 192.0.2.7

- name: Verify every server behind a name, and those behind one load balancer
  fullchain.tls.verify_tls:
    endpoints:
      - host: shop.example.com
        addresses: all
      - host: www.example.com
        repeat: 20

- name: Verify the ECDSA and the RSA chain of a server that has both
  fullchain.tls.verify_tls:
    endpoints:
      - host: shop.example.com
        key_types: [ecdsa, rsa]

- name: Verify a mail server and a database, which come to TLS by STARTTLS
  fullchain.tls.verify_tls:
    endpoints:
      - host: mail.example.com
        starttls: smtp
      - host: mail.example.com
        port: 587
        starttls: smtp
      - host: db.example.com
        starttls: postgres

- name: Judge files before they are deployed
  fullchain.tls.verify_tls:
    chain: files/shop/fullchain.pem
    privkey: files/shop/privkey.pem
    server_name: shop.example.com

- name: Make the fullchain.pem that a server lacks
  fullchain.tls.verify_tls:
    chain: files/shop/cert.pem
    aia: true
    complete_to: files/shop/fullchain.pem

- name: Will the fleet be fine on New Year's Eve?
  fullchain.tls.verify_tls:
    endpoints: "{{ my_endpoints }}"
    at: "2026-12-31T23:59:59Z"
    fail_on: never
    show: true

- name: Who would trust it?
  fullchain.tls.verify_tls:
    endpoints: [shop.example.com]
    trust_stores:
      mozilla: [mozilla]
      corporate-java: [/usr/lib/jvm/default-java/lib/security/cacerts, files/company-root.pem]
    show: true

- name: Has any certificate been revoked?
  fullchain.tls.verify_tls:
    endpoints: "{{ my_endpoints }}"
    revocation: check

- name: The same where the company's CA has its CRLs inside
  fullchain.tls.verify_tls:
    endpoints: [shop.internal.example]
    trust: [files/company-root.pem]
    revocation: check
    fetch_private: true

- name: Look from the host
  fullchain.tls.served_chain:
    endpoints: [shop.internal.example]
  register: seen

- name: And judge on the controller, with the company's root
  fullchain.tls.verify_tls:
    served: "{{ seen }}"
    trust: [files/company-root.pem]
"""

RETURN = r"""
results:
  description:
    - One entry for each endpoint, in their order; several for one with C(addresses), C(repeat) or C(key_types).
    - Also returned when the task fails because of them.
  returned: when the parameters could be read
  type: list
  elements: dict
  contains:
    endpoint:
      description: C(host:port), or what O(chain) was read from.
      type: str
      returned: always
    address:
      description: The IP address that was connected to. V(null) when the name did not resolve, and for O(chain).
      type: str
      returned: always
    starttls:
      description: The protocol that came to TLS by STARTTLS, V(null) for TLS from the first byte.
      type: str
      returned: always
    key_type:
      description: The kind of key that was asked for, V(null) for any.
      type: str
      returned: always
    connections:
      description: How many connections have shown this, with C(repeat).
      type: int
      returned: always
    ok:
      description: There is no finding of severity V(error).
      type: bool
      returned: always
    chain_complete:
      description: Every issuer up to a trusted root is served. V(null) when nothing was served.
      type: bool
      returned: always
    reachable:
      description: A server answered.
      type: bool
      returned: always
    protocol:
      description: The TLS version that was agreed on.
      type: str
      returned: always
    cipher:
      description: The cipher suite that was agreed on, as OpenSSL names it.
      type: str
      returned: always
    group:
      description:
        - The key exchange's group, for example C(X25519MLKEM768). V(null) when it had none, or when the pyOpenSSL or the
          C(openssl) in use can't tell.
      type: str
      returned: always
    versions:
      description: Those of C(TLSv1), C(TLSv1.1), C(TLSv1.2) and C(TLSv1.3) that the server takes, V(null) when not tried.
      type: list
      elements: str
      returned: always
    client_auth:
      description: What the handshake showed of client certificates.
      type: dict
      returned: when C(client_auth) is expected and the server sent its certificate, or the handshake failed after the server had asked
      contains:
        requested:
          description: The server asks for a client certificate.
          type: bool
        authorities:
          description: The CAs that it names then. It need not name any.
          type: list
          elements: str
    clients:
      description: For each of O(clients), whether it accepts the chain.
      type: dict
      returned: always
    chain:
      description: The certificates as served, in served order.
      type: list
      elements: dict
      returned: always
      contains:
        subject:
          description: The subject as RFC 4514 writes it. V(null) when the certificate cannot be parsed.
          type: str
          returned: always
        issuer:
          description: The issuer as RFC 4514 writes it.
          type: str
          returned: always
        not_before:
          description: The beginning of its validity, RFC 3339, UTC.
          type: str
          returned: always
        not_after:
          description: The end of its validity, RFC 3339, UTC.
          type: str
          returned: always
        sha256:
          description: SHA-256 of the certificate, lower-case hexadecimal.
          type: str
          returned: always
        role:
          description: V(leaf), V(intermediate), V(root), V(extra) or V(malformed).
          type: str
          returned: always
    missing:
      description:
        - What was fetched of the issuers that are missing.
      type: dict
      returned: when O(aia) is set and an issuer is missing
      contains:
        certificates:
          description: The intermediates to serve, in order, described as in RV(results[].chain).
          type: list
          elements: dict
          returned: always
        complete:
          description: Whether the chain would be complete with them.
          type: bool
          returned: always
    trust_stores:
      description:
        - For each of O(trust_stores), whether every issuer up to a root of that store is served. V(null) when nothing was
          served.
      type: dict
      returned: when O(trust_stores) is given
      sample: {mozilla: true, corporate-java: false}
    findings:
      description: What is wrong, causes first.
      type: list
      elements: dict
      returned: always
      contains:
        code:
          description: What kind of finding it is, for example V(incomplete-chain).
          type: str
          returned: always
        severity:
          description:
            - V(error), V(warning) or V(notice).
            - V(error) means that one of O(clients) refuses the connection because of it, or that what you asked for is not so,
              that a certificate has been revoked (O(revocation)) or is not the one of C(expect_fingerprint).
          type: str
          returned: always
        certificate:
          description: Which certificate it is about, an index into the chain, or V(null).
          type: int
          returned: always
        message:
          description: What is wrong.
          type: str
          returned: always
        fix:
          description: What to change.
          type: str
          returned: always
        clients:
          description: Which clients refuse because of it, and in what words.
          type: dict
          returned: always
  sample:
    - endpoint: shop.example.com:443
      address: 192.0.2.7
      starttls: null
      key_type: null
      connections: 1
      ok: false
      chain_complete: false
      reachable: true
      protocol: TLSv1.3
      cipher: TLS_AES_256_GCM_SHA384
      group: X25519MLKEM768
      versions: null
      clients: {openssl: false, curl: false, python: false, nodejs: false, java: false, go: false, gnutls: false}
      chain:
        - subject: CN=shop.example.com
          issuer: CN=YE1,O=Let's Encrypt,C=US
          not_before: "2026-11-01T00:00:00Z"
          not_after: "2027-01-30T00:00:00Z"
          sha256: 4f0b3b9e5a1c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e
          role: leaf
      findings:
        - code: incomplete-chain
          severity: error
          certificate: 0
          message: "..."
          fix: "..."
          clients: {curl: "..."}
summary:
  description: Counts over the results.
  returned: when the parameters could be read
  type: dict
  contains:
    total:
      description: How many results there are.
      type: int
      returned: always
    ok:
      description: How many of them are RV(results[].ok).
      type: int
      returned: always
    failed:
      description: How many are not, the unreachable among them.
      type: int
      returned: always
    unreachable:
      description: How many endpoints no server answered at.
      type: int
      returned: always
    by_code:
      description: How often each code was found.
      type: dict
      returned: always
  sample: {total: 2, ok: 1, failed: 1, unreachable: 0, by_code: {incomplete-chain: 1}}
"""
