# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an ACME server answered, taken from the log that certbot wrote of one run.

certbot's printed text changes between versions. Its debug log holds each HTTP response as it came, so the server's own
JSON (RFC 8555) can be read from it, whatever certbot made of it.
"""

import json
import re
from typing import Any, Dict, Iterator, List

# The line a run begins with: `...:DEBUG:certbot._internal.main:certbot version: 2.1.0` (module path varies).
_RUN_BEGINS = re.compile(r"^.*certbot version: \S+$", re.MULTILINE)

_OBJECT_BEGINS = re.compile(r"^\{", re.MULTILINE)

_PROBLEM_TYPES = ("urn:ietf:params:acme:error:", "urn:acme:error:")

# certbot asks again with a fresh nonce by itself (RFC 8555 section 6.5): never the reason why an order failed.
_HARMLESS = "badNonce"

LONGEST_TEXT = 2000


def section_of_run(log: str, marker: str) -> str:
    """The part of a log that belongs to the run whose first lines (its arguments) hold `marker`; empty if none does.

    Debian's certbot appends all runs to one file; upstream's starts a new file for each.
    """
    starts = [match.start() for match in _RUN_BEGINS.finditer(log)] + [len(log)]
    for start, end in reversed(list(zip(starts, starts[1:]))):
        if marker in log[start:end]:
            return log[start:end]
    return ""


def refusals(log: str) -> List[Dict[str, Any]]:
    """What the server refused, in the order of the log, each thing once.

    A dict is either of an authorization, {identifier, challenge, type, detail} for each challenge with an error
    (RFC 8555 section 7.1.4 and 8), or of a problem document (RFC 8555 section 6.7), {type, detail, subproblems}, where
    subproblems are [{identifier, type, detail}]. Texts are cut to LONGEST_TEXT characters.
    """
    found: List[Dict[str, Any]] = []
    for value in _objects(log):
        for refusal in list(_of_authorization(value)) + list(_of_problem(value)):
            if refusal not in found:
                found.append(refusal)
    return found


def wants_account_binding(log: str) -> bool:
    """Whether the server's directory says that accounts need an external binding (RFC 8555 section 7.1.1).

    certbot then ends without asking for anything, and 1.12 does not say why.
    """
    for value in _objects(log):
        meta = value.get("meta")
        if "newAccount" in value and isinstance(meta, dict) and meta.get("externalAccountRequired") is True:
            return True
    return False


def _objects(log: str) -> Iterator[Dict[str, Any]]:
    """Each JSON object that begins at the start of a line."""
    decoder = json.JSONDecoder()
    for match in _OBJECT_BEGINS.finditer(log):
        try:
            value = decoder.raw_decode(log, match.start())[0]
        except ValueError:
            continue
        yield value


def _of_authorization(value: Dict[str, Any]) -> Iterator[Dict[str, Any]]:
    identifier = value.get("identifier")
    challenges = value.get("challenges")
    if not isinstance(identifier, dict) or not isinstance(challenges, list) or value.get("status") == "valid":
        return
    for challenge in challenges:
        error = challenge.get("error") if isinstance(challenge, dict) else None
        if isinstance(error, dict):
            yield dict(_words(error), identifier=_text(identifier.get("value")), challenge=_text(challenge.get("type")))


def _of_problem(value: Dict[str, Any]) -> Iterator[Dict[str, Any]]:
    # An order that could not be finalized is itself no problem document but holds one (RFC 8555 section 7.1.3).
    problem = value.get("error") if "finalize" in value else value
    if not isinstance(problem, dict) or "identifier" in problem:
        return
    kind = _text(problem.get("type"))
    if not kind.startswith(_PROBLEM_TYPES) or kind.endswith(_HARMLESS):
        return
    subproblems = problem.get("subproblems")
    subproblems = subproblems if isinstance(subproblems, list) else []
    parts = [_of_subproblem(part) for part in subproblems if isinstance(part, dict)]
    yield dict(_words(problem), subproblems=parts)


def _of_subproblem(part: Dict[str, Any]) -> Dict[str, Any]:
    identifier = part.get("identifier")
    return dict(_words(part), identifier=_text(identifier.get("value")) if isinstance(identifier, dict) else "")


def _words(problem: Dict[str, Any]) -> Dict[str, Any]:
    return {"type": _text(problem.get("type")), "detail": _text(problem.get("detail"))}


def _text(value: Any) -> str:
    return value[:LONGEST_TEXT] if isinstance(value, str) else ""
