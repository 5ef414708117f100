# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What went wrong, for a person at a terminal: short lines, the other side's own words, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_WEBROOT = "let port 80 of the name serve the webroot: look at its A and AAAA records and at the web server"
_KEY = "another key type or size may please this CA: certbot_key_type, certbot_key_size"

# ACME error types (RFC 8555 section 6.7) -> what to do. The CA's own words stand above it.
ADVICE = {
    "accountDoesNotExist": "the CA does not know this account any more: remove it, below accounts/ in certbot's directory",
    "badCSR": _KEY,
    "badPublicKey": _KEY,
    "caa": "let the CAA record of the name (or of a domain above it) permit this CA, or take it away",
    "connection": "open port 80 to the Internet, and see that A and AAAA records lead to this host",
    "dns": "look at the name's A, AAAA and CAA records as the Internet sees them",
    "externalAccountRequired": "set certbot_eab_kid and certbot_eab_hmac_key to what this CA gave you",
    "incorrectResponse": _WEBROOT,
    "invalidContact": "set certbot_email to an address that this CA takes",
    "rateLimited": "wait until the time that the CA names; try changes with certbot_server: letsencrypt-staging first",
    "rejectedIdentifier": "this CA gives no certificate for this name: leave it out, or use another CA",
    "tls": "a redirect leads to HTTPS that the CA can't speak to: serve the challenge directory on port 80 itself",
    "unauthorized": _WEBROOT,
    "unsupportedIdentifier": "this CA gives no certificate for this kind of name: leave it out, or use another CA",
    "userActionRequired": "follow the link that the CA gives, as the owner of the account",
}

# What a refusal that is not of a name means.
_ADVICE_OF_REQUESTS = {
    **ADVICE,
    "unauthorized": "this CA does not take the account: look at certbot_eab_kid, certbot_eab_hmac_key and certbot_server",
}

_URN = "urn:ietf:params:acme:error:"


def probe_lines(results: Iterable[Mapping[str, Any]], webroot: str) -> list[str]:
    """For each name that does not reach the webroot: what it resolved to, what came back, what to do.

    results: of module_utils/certbot_probe.py: probe_all(); names that do reach it are left out.
    """
    lines: list[str] = []
    for result in results:
        if not result["reached"]:
            lines += [f"  {result['name']}", *(f"    {line}" for line in _one_probe(result, webroot))]
    return lines


def _one_probe(result: Mapping[str, Any], webroot: str) -> list[str]:
    addresses = ", ".join(result["addresses"])
    if not addresses:
        return [
            f"resolved to: nothing ({printable(result['failure'])})",
            "to do:       give the name an A or AAAA record that leads to this host, or take it out of the site",
        ]
    came_back = [_answer(answer) for answer in result["answers"]] or [printable(result["failure"])]
    return [
        f"resolved to: {addresses}",
        *(f"came back:   {line}" for line in came_back),
        f"to do:       {_probe_advice(result, webroot)}",
    ]


def _answer(answer: Mapping[str, Any]) -> str:
    where = f"from {answer['address']}: " if answer["address"] else ""
    asked = f" (after a redirect to {printable(answer['url'])})" if not _is_first(answer) else ""
    if not answer["status"]:
        return f"{where}{printable(answer['failure'])}{asked}"
    server = f", Server: {printable(answer['server'])}" if answer["server"] else ""
    words = f', "{printable(answer["words"])}"' if answer["words"] else ""
    failure = f"; {printable(answer['failure'])}" if answer["failure"] else ""
    return f"{where}{answer['status']} {printable(answer['reason'])}{asked}{server}{words}{failure}"


def _is_first(answer: Mapping[str, Any]) -> bool:
    return str(answer["url"]).startswith("http://") and "/.well-known/acme-challenge/fullchain-probe-" in answer["url"]


def _probe_advice(result: Mapping[str, Any], webroot: str) -> str:
    if not any(answer["connected"] for answer in result["answers"]):
        return "if the address is this host's, start a web server on its port 80 and let that through the firewall"
    return (
        f"if the address is this host's, let its web server answer http://{result['name']}/.well-known/acme-challenge/ "
        f"from {webroot}; if not, correct the name's A and AAAA records"
    )


def refusal_lines(refusals: Iterable[Mapping[str, Any]], last_words: Sequence[str]) -> list[str]:
    """What the CA said: each name with its challenge type, then the CA's words and what to do.

    refusals: of module_utils/certbot_log.py: refusals(). last_words, certbot's own, stand in where the CA said nothing.
    """
    lines = [line for refusal in _without_echoes(list(refusals)) for line in _one_refusal(refusal)]
    return lines or [f"  {printable(line)}" for line in last_words] or ["  certbot gave no reason"]


def _without_echoes(refusals: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Without the problems that only repeat what was said of a name (a failed order does)."""
    said = {refusal["detail"] for refusal in refusals if refusal.get("identifier")}
    return [refusal for refusal in refusals if refusal.get("identifier") or refusal["detail"] not in said]


def _one_refusal(refusal: Mapping[str, Any]) -> list[str]:
    kind = str(refusal["type"]).removeprefix(_URN)
    name = refusal.get("identifier")
    challenge = f" ({printable(refusal['challenge'])})" if refusal.get("challenge") else ""
    subject = f"{printable(name)}{challenge}" if name else "the request"
    lines = [f"  {subject}", f"    the CA says: {printable(refusal['detail'])} [{printable(kind)}]"]
    for part in refusal.get("subproblems") or []:
        lines.append(f"    {printable(part['identifier'])}: {printable(part['detail'])}")
    advice = (ADVICE if name else _ADVICE_OF_REQUESTS).get(kind)
    return [*lines, f"    to do:       {advice}"] if advice else lines


def printable(text: str) -> str:
    """Text from outside on one line, without anything that could move a terminal's cursor."""
    return "".join(character if character.isprintable() else "?" for character in " ".join(str(text).split()))
