#!/usr/bin/python
# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file only documents the action plugin of the same name.

DOCUMENTATION = r"""
module: deploy
short_description: Deploy certificates and configuration as one transaction that is verified on the wire
version_added: 0.1.0
author:
  - the fullchain.tls contributors (@fullchain)
description:
  - Puts everything that a TLS server of a host needs (rendered configuration, certificates, keys) into one directory, a generation, and switches to
    it with a single C(rename(2)).
  - Certificates are judged before the host is touched. The server's configuration test runs, the server is reloaded, and each
    endpoint is looked at on the wire. Where any of this fails, what was there before is put back and loaded, and the task fails with the
    finding, its fix and the state that the host is in.
  - A run that finds nothing to change changes nothing. A run that died at any step is finished or undone by the next one.
  - The server's own configuration includes files below RV(ignore:root)C(/current) once and for all. Use globs
    (C(include /etc/nginx/fullchain/current/sites/*.conf)), since there is no C(current) before the first deploy and after the first one is taken back.
  - This is an action plugin. Judging is done on the controller; on the host Python 3.6 and the C(openssl) command are enough.
requirements:
  - cryptography >= 43 (on the controller)
  - pyOpenSSL >= 24.3 (on the controller)
options:
  root:
    description:
      - The directory on the host that holds the generations. It belongs to this action alone.
    type: path
    required: true
  mode:
    description:
      - Mode of the directories in and below O(root), octal digits in quotes.
      - Default V(0700). Where files or keys name one group, V(0750) with O(group) that one, so that it gets to what is its own; where they
        name an owner or several groups, V(0755). Every file keeps its own mode.
    type: str
  owner:
    description: Owner of the directories. Left out, the user that Ansible becomes.
    type: str
  group:
    description: Group of the directories. Left out, the one that files or keys name, as for O(mode), or that of the user that Ansible becomes.
    type: str
  files:
    description: What the generation holds besides O(certificates).
    type: list
    elements: dict
    default: []
    suboptions:
      dest:
        description:
          - Path of the file below the generation. With O(files[].each), V({name}) and other keys of the item are replaced.
        type: str
        required: true
      src:
        description:
          - A template on the controller, searched for as by M(ansible.builtin.template).
          - Exactly one of O(files[].src) and O(files[].content) is needed.
          - Templates find what is known of each of O(certificates) and O(lineages) in C(certificate_facts), by name. C(separate_chain) tells whether the
            intermediates are in a file of their own; C(ocsp) lists the leaf's OCSP URLs; where there are any, C(issuers) lists the leaf's issuers
            up to the root, in PEM, for a server that verifies what it staples. A lineage that is not there yet has no C(ocsp).
          - In C(trust_facts) they find what O(trust) holds. C(system) tells whether the system's store is among it; C(certificates) lists
            what is there besides, in PEM.
        type: path
      content:
        description: The text itself.
        type: str
      each:
        description:
          - Render once for each of these items, which is C(site) in the template. Each needs a C(name).
        type: list
        elements: dict
      vars:
        description: Variables for the template.
        type: dict
        default: {}
      mode:
        description: Mode of the file, octal digits in quotes. Default V(0644), or V(0600) with O(files[].secret).
        type: str
      owner:
        description: Owner of the file.
        type: str
      group:
        description: Group of the file.
        type: str
      secret:
        description: Never show the content in a diff.
        type: bool
        default: false
      optional:
        description:
          - Whether the file is left out where nothing but white space would be in it.
          - With O(partial), one that is there already stays as it is then.
        type: bool
        default: false
  certificates:
    description:
      - Certificates to deliver, at C(certs/NAME/fullchain.pem) and C(certs/NAME/privkey.pem) of the generation, where a server's
        configuration finds them at C(ROOT/current/certs/NAME/). What each service needs is in C(docs/services.md).
      - A chain that is in the wrong order or holds its root is put right, and RV(notes) says so.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What the certificate is called; a directory has this name.
        type: str
        required: true
      server_names:
        description: The names that the certificate has to be valid for. Default is its O(certificates[].name).
        type: list
        elements: str
      fullchain:
        description:
          - Leaf and intermediates, as PEM text or a path on the controller.
          - Exactly one of O(certificates[].fullchain) and O(certificates[].cert) is needed.
        type: raw
      cert:
        description: The leaf, as PEM text or a path on the controller.
        type: raw
      chain:
        description: The intermediates that go with O(certificates[].cert), as PEM text or a path on the controller.
        type: raw
      privkey:
        description: The private key, unencrypted, as PEM text or a path on the controller. A file encrypted with Ansible Vault is fine.
        type: raw
        required: true
      combined:
        description:
          - Also deliver C(certs/NAME/combined.pem) with leaf, intermediates and key in this order, for a server that reads one file,
            such as HAProxy.
        type: bool
        default: false
      owner:
        description: Owner of the files that hold the private key. Left out, the user that Ansible becomes.
        type: str
      group:
        description:
          - Group of the files that hold the private key, and that may read them. Left out, that of the user that Ansible becomes.
        type: str
      mode:
        description:
          - Mode of the files that hold the private key, octal digits in quotes. Default V(0600), or V(0640) with O(certificates[].group).
          - One that lets every user of the host do anything is refused.
        type: str
      readable_by:
        description:
          - Users of the host that have to be able to read the certificate and its key, such as the one that the service runs as.
          - Before anything is switched, a process with the rights of each opens the files. Where one cannot, the task fails and names user,
            file, group, and the directory that is in the way.
          - No user is made a member of a group here. A membership would also open every other key of that group, could not be taken back
            with the files, and a running service would not have it before it is restarted. Name the service's own group in
            O(certificates[].group), or use M(ansible.builtin.user) and restart the service.
        type: list
        elements: str
        default: []
      split:
        description:
          - Deliver the leaf and the rest of the chain in files of their own, too, C(cert.pem) and C(chain.pem), the latter unless the rest is empty.
          - Templates find in C(certificate_facts) whether there is such a chain; see O(files[].src).
        type: bool
        default: false
      source:
        description: Where the entry comes from, for messages.
        type: str
  lineages:
    description:
      - Certificates that are on the host already, such as certbot's. They are read and judged, and written by a run in one case alone. Where a deploy is
        taken back, and one was written to after it was judged and is now unsound or such as no server can load, it is put back as it was judged.
        What it held stays beside it, in files whose names end with C(.refused).
      - One that differs from when it was last verified is a change. The server is reloaded and verified.
      - Since they are never copied, there is no C(combined.pem) of one, and who may read its key is for whoever writes it. A combined copy would be
        out of date after each renewal.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What the lineage is called.
        type: str
        required: true
      server_names:
        description: The names that the certificate has to be valid for. Default is its O(lineages[].name).
        type: list
        elements: str
      fullchain:
        description:
          - Path of leaf and intermediates on the host.
          - Exactly one of O(lineages[].fullchain) and O(lineages[].cert) is needed.
        type: path
      cert:
        description: Path of the leaf on the host, where the server takes it from a file of its own. What is judged is the two together.
        type: path
      chain:
        description: Path of the intermediates that go with O(lineages[].cert). It must not be empty.
        type: path
      privkey:
        description: Path of the private key on the host. Only its public half leaves the host.
        type: path
        required: true
  partial:
    description: Keep the files of the confirmed generation that this task does not name, instead of removing them.
    type: bool
    default: false
  test:
    description: The command that tests the server's configuration, as a list of words. There is no shell.
    type: list
    elements: str
    required: true
  reload:
    description: The command that has the running server load its configuration, as a list of words.
    type: list
    elements: str
    required: true
  start:
    description: The command that starts the server where O(pid_file) names no living process.
    type: list
    elements: str
    default: []
  restart:
    description:
      - The command that restarts the server where a reload is not enough, as a list of words. Left out, the server is never restarted.
      - It is run after a reload where the process that O(pid_file) or O(journal) tells goes on listening twice on one address. So does a Caddy that has
        refused a configuration because one of its ports was taken. The sockets that it had opened for that one stay open, answer their share of
        the connections without a certificate, and no later reload closes them.
      - Not for a server that has several sockets on one address on purpose, such as nginx with C(reuseport). It would be restarted by every run.
      - RV(notes) says when it was run, or the failure, where something was taken back. Such a server is also a reason to act where nothing else differs.
    type: list
    elements: str
    default: []
  pid_file:
    description:
      - Where the server writes the number of its main process.
      - With it, a new child of that process has to appear after a reload, else the reload counts as refused. nginx answers a
        reload before it has read its configuration, and goes on with the old one where it cannot use the new.
      - Leave it out for a server that reloads without new processes.
    type: path
  running:
    description: The command that answers 0 while the server runs, for one that has no O(pid_file). Where it answers something else, O(start) is run.
    type: list
    elements: str
    default: []
  error_log:
    description: Where the server writes errors. Lines written since the reload are quoted when it failed, or when no certificate was obtained.
    type: path
  journal:
    description:
      - The server's systemd unit. What its journal holds since the switch is quoted when something was taken back, errors alone where there are any.
    type: str
  reload_timeout:
    description: Seconds until the new child has to be there.
    type: float
    default: 10
  endpoints:
    description:
      - What to look at on the wire, as for O(fullchain.tls.verify_tls#module:endpoints).
      - C(client_auth), C(client_cert) and C(client_key) need O(verify_from=controller).
      - A mapping may have C(certificate), the name of one of O(certificates) or O(lineages) whose leaf has to be served. Left out, it is the
        one whose server names hold the endpoint's name.
      - A mapping may have C(obtained) instead, V(true) where the server obtains its certificate itself. Then it is waited for, see O(obtain_timeout).
    type: list
    elements: raw
    default: []
  trust:
    description: Trust anchors, as for O(fullchain.tls.verify_tls#module:trust).
    type: list
    elements: str
    default: [system]
  clients:
    description: Who has to accept the chains, as for O(fullchain.tls.verify_tls#module:clients). Default is all.
    type: list
    elements: str
  at:
    description: Judge as of this time, as for O(fullchain.tls.verify_tls#module:at).
    type: str
  expires_soon:
    description: When an end is near, as for O(fullchain.tls.verify_tls#module:expires_soon).
    type: str
    default: 33%
  fail_on:
    description: The least severity of a finding that stops a deploy, or has it taken back.
    type: str
    choices: [error, warning, never]
    default: error
  verify_from:
    description: Whether the controller connects to the endpoints, or the host itself.
    type: str
    choices: [controller, host]
    default: controller
  verify_timeout:
    description: Seconds until each endpoint has to serve the leaf that was deployed.
    type: float
    default: 30
  obtain_timeout:
    description:
      - Seconds that a server may take to obtain the certificates of endpoints with C(obtained).
      - So long it may serve none, or a stopgap. Every few seconds a line on the screen says which are waited for and what is served meanwhile. A
        certificate that is there already and sound is not waited for.
      - When the time is up the deploy is taken back, and the failure quotes O(journal), or O(error_log) without one.
    type: float
    default: 120
extends_documentation_fragment:
  - fullchain.tls.attributes
attributes:
  check_mode:
    support: full
    details:
      - Certificates are judged and the differences told. Nothing on the host is written and no command of the server is run.
      - A lineage, a user or a group that is not there yet is taken to come.
  diff_mode:
    support: full
    details:
      - Each file is shown before and after, never a secret one.
  idempotent:
    support: full
seealso:
  - module: fullchain.tls.verify_tls
"""

EXAMPLES = r"""
- name: Deliver a certificate and a virtual host, and keep them only if every client accepts what is then served
  fullchain.tls.deploy:
    root: /etc/nginx/fullchain
    files:
      - dest: sites/shop.conf
        src: shop.conf.j2
    certificates:
      - name: shop.example.com
        server_names: [shop.example.com, www.shop.example.com]
        fullchain: files/shop/fullchain.pem
        privkey: "{{ vault_shop_key }}"
    test: [nginx, -t]
    reload: [systemctl, reload, nginx]
    start: [systemctl, start, nginx]
    pid_file: /run/nginx.pid
    error_log: /var/log/nginx/error.log
    endpoints:
      - {host: shop.example.com, address: "{{ ansible_host }}"}

- name: Deliver a key that PostgreSQL's own group may read, and make sure that it can
  fullchain.tls.deploy:
    root: /etc/postgresql/fullchain
    certificates:
      - name: db.example.com
        fullchain: files/db/fullchain.pem
        privkey: "{{ vault_db_key }}"
        group: postgres
        readable_by: [postgres]
    test: [pg_lsclusters]
    reload: [systemctl, reload, postgresql@15-main]
    endpoints:
      - {host: db.example.com, port: 5432, starttls: postgres}

- name: Tell the team when a deploy could not be taken back, and fail as before
  block:
    - name: Deploy
      fullchain.tls.deploy:
        root: /etc/haproxy/fullchain
        files:
          - {dest: errors/503.http, src: 503.http.j2}
        certificates:
          - {name: shop.example.com, fullchain: files/shop/fullchain.pem, privkey: "{{ vault_shop_key }}", combined: true}
        test: [haproxy, -c, -f, /etc/haproxy/haproxy.cfg]
        reload: [systemctl, reload, haproxy]
        endpoints: [shop.example.com]
      register: deployed
  rescue:
    - name: Open an incident
      ansible.builtin.uri:
        url: https://incidents.example.com/
        method: POST
        body_format: json
        body: {host: "{{ inventory_hostname }}", text: "{{ deployed.msg }}", findings: "{{ deployed.codes }}"}
      when: deployed.changed and not deployed.taken_back

    - name: Fail
      ansible.builtin.fail:
        msg: "{{ deployed.msg }}"
"""

RETURN = r"""
root:
  description: The directory that was deployed to.
  type: str
  returned: success
generation:
  description: The generation that is current after the task; null where there is none.
  type: int
  returned: when the host was asked; on failure when it was asked to switch
previous:
  description: The generation that was current before.
  type: int
  returned: when the host was asked; on failure when it was asked to switch
taken_back:
  description: Whether what was there before was put back and loaded.
  type: bool
  returned: always
codes:
  description:
    - The codes of the findings because of which the task failed, such as C(incomplete-chain); each is in C(docs/findings.md).
    - Empty where it failed for another reason, such as a configuration test. RV(msg) tells each case.
    - A C(rescue) that branches needs RV(codes), C(changed) (false means that the host is as it was, true without RV(generation) that nobody
        knows) and RV(taken_back).
  type: list
  elements: str
  returned: on failure
  sample: [incomplete-chain]
notes:
  description:
    - What was put right in delivered chains, and that the server was restarted, see O(restart).
    - In check mode also the lineages, users and groups that are not there yet.
  type: list
  elements: str
  returned: on success
reasons:
  description: Why the host was not as wanted. Empty when nothing changes.
  type: list
  elements: str
  returned: on success
  sample: ["new files: 3"]
results:
  description:
    - What the endpoints served, one entry each, as RV(fullchain.tls.verify_tls#module:results). Empty when nothing was changed.
    - Left out of failures, where Ansible would print it as a page below the message. M(fullchain.tls.verify_tls) shows what is served at any time.
  type: list
  elements: dict
  returned: on success
msg:
  description: What failed, each finding with its fix, and the state that the host is in.
  type: str
  returned: on failure
"""
