#!/usr/bin/python
# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What endpoints serve, seen from a host."""

DOCUMENTATION = r"""
module: served_chain
short_description: Fetch the certificate chains that endpoints serve, from a host
version_added: 0.1.0
author: fullchain.tls contributors (@fullchain-tls)
description:
  - Connects from the host to each endpoint and returns the certificates that it serves, as served and in served order.
  - It judges nothing. Give the result to the O(fullchain.tls.verify_tls#module:served) option of
    M(fullchain.tls.verify_tls), for endpoints that the controller cannot reach.
requirements:
  - The C(openssl) command on the host (1.0.2 or newer).
extends_documentation_fragment:
  - fullchain.tls.attributes
attributes:
  check_mode:
    support: full
    details: It changes nothing, and runs in check mode like out of it.
  diff_mode:
    support: none
    details: It changes nothing.
  idempotent:
    support: full
options:
  endpoints:
    description:
      - What to connect to.
      - Each is V(host), V(host:port), V([v6]:port), or a mapping with C(host) and any of these keys.
      - C(port), default V(443), or with C(starttls) the protocol's own.
      - C(server_name), the name sent as SNI, default C(host).
      - C(address), connect here instead of to C(host).
      - C(timeout), seconds, instead of O(timeout).
      - C(addresses), V(first) (the default, the first address of the name that takes a connection) or V(all), a result for
        each A and AAAA record, one that the host has no route to among them. Each of them has the C(timeout).
      - C(repeat), 1 to 64, so many new connections, for servers behind one address. What is alike is told once.
      - C(key_types), a list of V(ecdsa) and V(rsa), a connection for each, which takes no other. They offer TLS 1.2 at
        most, for only there the cipher says which kind of key is used. A kind that the server lacks is an error.
      - C(versions), instead of O(versions).
      - C(starttls), as for M(fullchain.tls.verify_tls). The host's C(openssl) has to know the protocol; version 1.1.1
        knows them all.
      - C(sni), default V(true). With V(false) no name is sent.
      - C(expect_fingerprint), C(expect_certificate) and C(trust) are handed on to M(fullchain.tls.verify_tls).
      - C(client_auth), C(client_cert) and C(client_key) are refused. They are for endpoints that the controller connects to.
    type: list
    elements: raw
    required: true
  timeout:
    description: Seconds that an endpoint may take for name resolution, connection and handshake together.
    type: float
    default: 10
  workers:
    description: How many endpoints are connected to at the same time.
    type: int
    default: 16
  versions:
    description:
      - Try which of TLS 1.0, 1.1, 1.2 and 1.3 each endpoint takes, of those that the host's C(openssl) speaks, with a further
        connection for each.
    type: bool
    default: false
  openssl:
    description: The C(openssl) command. A name is searched for in E(PATH).
    type: str
    default: openssl
seealso:
  - module: fullchain.tls.verify_tls
"""

EXAMPLES = r"""
- name: Look at what is served, from the host itself
  fullchain.tls.served_chain:
    endpoints:
      - host: shop.example.com
        address: 127.0.0.1
  register: seen

- name: Look at a mail server, from the host itself
  fullchain.tls.served_chain:
    endpoints:
      - host: mail.example.com
        address: 127.0.0.1
        starttls: smtp
  register: mail_seen

- name: Judge it on the controller
  fullchain.tls.verify_tls:
    served: "{{ seen.served }}"
"""

RETURN = r"""
served:
  description:
    - What was met, one entry for each endpoint, in their order; several for one with C(addresses), C(repeat) or
      C(key_types).
  returned: success
  type: list
  elements: dict
  contains:
    endpoint:
      description: The endpoint, as a mapping.
      type: dict
      returned: always
    address:
      description: The IP address that was connected to, V(null) when the name did not resolve.
      type: str
      returned: always
    protocol:
      description: The TLS version that was agreed on.
      type: str
      returned: always
    cipher:
      description: The cipher suite that was agreed on.
      type: str
      returned: always
    group:
      description: The key exchange's group, V(null) when it had none or the C(openssl) can't tell.
      type: str
      returned: always
    key_type:
      description: The kind of key that was asked for, V(null) for any.
      type: str
      returned: always
    versions:
      description: The versions of TLS that the server takes, V(null) when not tried.
      type: list
      elements: str
      returned: always
    connections:
      description: How many connections have shown this.
      type: int
      returned: always
    chain:
      description: The certificates as served, each in PEM form.
      type: list
      elements: str
      returned: always
    failure_kind:
      description: V(unreachable), V(not-tls) or V(handshake-failed), V(null) when the handshake was completed.
      type: str
      returned: always
    failure_detail:
      description: What went wrong, in words.
      type: str
      returned: always
    stapled:
      description: V(null). Whether an OCSP response is stapled is not looked at from here.
      type: str
      returned: always
  sample:
    - endpoint: {host: shop.example.com, port: 443, address: 127.0.0.1}
      address: 127.0.0.1
      protocol: TLSv1.3
      cipher: TLS_AES_256_GCM_SHA384
      group: x25519
      key_type: null
      versions: null
      connections: 1
      chain: ["-----BEGIN CERTIFICATE-----\n...", "-----BEGIN CERTIFICATE-----\n..."]
      failure_kind: null
      failure_detail: null
      stapled: null
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.fullchain.tls.plugins.module_utils.served_chain import fetch_all


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "endpoints": {"type": "list", "elements": "raw", "required": True},
            "timeout": {"type": "float", "default": 10},
            "workers": {"type": "int", "default": 16},
            "openssl": {"type": "str", "default": "openssl"},
            "versions": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    try:
        served = fetch_all(**dict(module.params, openssl=module.get_bin_path(module.params["openssl"], required=True)))
    except (ValueError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, served=served)


if __name__ == "__main__":
    main()
