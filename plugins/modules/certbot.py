#!/usr/bin/python
# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This is an action: it runs on the controller, in plugins/action/certbot.py. This file documents it.

DOCUMENTATION = r"""
module: certbot
short_description: Obtain the certificates of all sites of a host with certbot
version_added: 0.1.0
author:
  - the fullchain.tls contributors (@fullchain)
description:
  - Obtains a certificate (a lineage) for each site over the webroot of the host itself, ACME's HTTP-01, with the certbot that is
    installed there. The role P(fullchain.tls.certbot#role) installs it.
  - Whether the CA is asked is decided on the controller from the PEM on the host. It is when the certificate is missing, lacks a name
    or has one that is no longer wanted, when its key has another type or size or is not the certificate's, when it comes from another
    ACME server or its chain leads to another root than the preferred one, or when it ends within O(renew_within).
    Otherwise nothing is sent to the CA.
  - Before the CA is asked, a file in the webroot is fetched over port 80 through each name. A name that leads elsewhere stops its site
    there, so that no rate limit of the CA is spent.
  - A site that fails does not hold up the others. At the end the task fails, and tells of all of them.
options:
  sites:
    description:
      - The sites, as the filter P(fullchain.tls.sites#filter) returns them.
      - Of each, C(name) (which is the name of the lineage, too) and C(names) are looked at. Sites with another C(certificate.source)
        than V(certbot) are left out.
    type: list
    elements: dict
    required: true
  webroot:
    description: The directory on the host whose C(.well-known/acme-challenge) is served on port 80. Made when it is missing.
    type: path
    required: true
  certbot:
    description: Name or path of certbot's executable on the host.
    type: str
    default: certbot
  config_dir:
    description: The directory on the host of certbot's accounts, lineages and renewal configurations.
    type: path
    default: /etc/letsencrypt
  server:
    description: The ACME server, V(letsencrypt), V(letsencrypt-staging) or the URL of its directory.
    type: str
    default: letsencrypt
  server_ca:
    description:
      - Path on the controller of the certificates (PEM) that the ACME server's own HTTPS is verified with. The host's own store
        without it.
      - Delivered to C(acme-server-ca.pem) in O(config_dir).
    type: path
  email:
    description: The e-mail address of the account, when one is made. An account without one is made without it.
    type: str
  eab_kid:
    description: The key identifier of the external account binding, where the CA wants one. Needs O(eab_hmac_key).
    type: str
  eab_hmac_key:
    description:
      - The HMAC key (base64url) that belongs to O(eab_kid).
      - It reaches certbot in a file that only its user can read and that is removed afterwards, never on a command line.
    type: str
  key_type:
    description: The type of the certificates' keys.
    type: str
    choices: [ecdsa, rsa]
    default: ecdsa
  key_size:
    description:
      - The keys' size in bits, V(256), V(384) or V(521) for V(ecdsa), V(2048), V(3072) or V(4096) for V(rsa).
      - Without it the size is certbot's own default, and no reason to issue again.
    type: int
  preferred_chain:
    description:
      - The common name of the root that the chain shall lead to, where the CA offers several chains.
      - A chain that the CA does not offer is asked for once, and a warning says so.
    type: str
  renew_within:
    description:
      - How long before its end a certificate is renewed, in days (V(30)) or as a share of its own lifetime (V(33%)).
      - V(33%) is used instead of days that are as long as the certificate lives, and a warning says so.
    type: str
    default: 33%
  probe:
    description:
      - From where each name is tried before the CA is asked. V(off) tries none.
      - Redirects are followed as ACME servers follow them, and the certificate met on the way is not verified.
    type: str
    choices: [controller, host, "off"]
    default: controller
  probe_timeout:
    description: Seconds that a name may take, with all its addresses and redirects. Names are tried side by side.
    type: float
    default: 10
  lock_timeout:
    description: Seconds to wait while another certbot runs on the host.
    type: float
    default: 120
requirements:
  - On the host, certbot, 1.10 or newer for ECDSA keys, 5.3 or newer for IP addresses, and the C(openssl) command.
extends_documentation_fragment:
  - fullchain.tls.attributes
attributes:
  check_mode:
    support: full
    details: Says what would be issued and why. Nothing is probed and nothing is asked of the CA. certbot need not be installed yet.
  diff_mode:
    support: full
    details: One line for each reason to issue.
  idempotent:
    support: full
notes:
  - certbot's own log of a run is where it always is, C(/var/log/letsencrypt/letsencrypt.log) unless configured otherwise.
seealso:
  - module: fullchain.tls.deploy
"""

EXAMPLES = r"""
- name: Obtain the certificate of one site from Let's Encrypt
  fullchain.tls.certbot:
    sites:
      - name: shop.example.com
        names: [shop.example.com, www.shop.example.com]
    webroot: /var/lib/fullchain/webroot
    email: hostmaster@example.com

- name: Obtain from a CA inside the company, which wants an external account binding
  fullchain.tls.certbot:
    sites: "{{ tls_sites | fullchain.tls.sites }}"
    webroot: /var/lib/fullchain/webroot
    server: https://ca.example.com/acme/directory
    server_ca: files/company-root.pem
    eab_kid: "{{ vault_eab_kid }}"
    eab_hmac_key: "{{ vault_eab_hmac_key }}"
    key_type: rsa
    key_size: 3072
    probe: host
"""

RETURN = r"""
sites:
  description: What came of each site, in the order of O(sites).
  type: list
  elements: dict
  returned: always
  contains:
    name:
      description: The name of the site and of its lineage.
      type: str
    reasons:
      description:
        - Why the CA had to be asked; empty when it had not.
        - Codes among V(missing), V(name-added), V(name-removed), V(key-mismatch), V(key-type), V(key-size), V(ca-changed),
          V(preferred-chain) and V(renewal).
      type: list
      elements: str
    issued:
      description: Whether a certificate was issued.
      type: bool
    failed:
      description: Whether the site has not the certificate that is wanted. RV(msg) tells why.
      type: bool
  sample:
    - {name: shop.example.com, reasons: [missing], issued: true, failed: false}
msg:
  description: What went wrong, site by site, with each name, the CA's own words and what to do.
  type: str
  returned: failure
"""
