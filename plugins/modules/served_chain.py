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
      - C(starttls), as for M(fullchain.tls.verify_tls). The host's C(openssl) has to know the protocol; version 1.1.1
        knows them all.
      - C(sni), default V(true). With V(false) no name is sent.
      - C(expect_fingerprint), C(expect_certificate) and C(trust) are handed on to M(fullchain.tls.verify_tls).
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
  description: What was met, one entry for each endpoint, in their order.
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
      description: The stapled OCSP response, base64 of its DER. V(null) when there is none or it was not asked for.
      type: str
      returned: always
  sample:
    - endpoint: {host: shop.example.com, port: 443, address: 127.0.0.1}
      address: 127.0.0.1
      protocol: TLSv1.3
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
