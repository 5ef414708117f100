# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's half of a deploy: four operations on a Store and a Server, each a function from values to a dict.

inspect, then apply, then confirm or take_back. The controller holds the transaction together by a token:
whoever switched last owns the host until it confirms or takes back, so of two runs at once only one can.
"""

from typing import Any, Dict, List, Optional, Sequence

from ansible_collections.fullchain.tls.plugins.module_utils import accounts, kept
from ansible_collections.fullchain.tls.plugins.module_utils.generation import (
    Directories,
    Entry,
    GenerationError,
    Store,
    read_file,
)
from ansible_collections.fullchain.tls.plugins.module_utils.lineage import LineageError, read_lineage
from ansible_collections.fullchain.tls.plugins.module_utils.server import Outcome, Server


def inspect(
    store: Store,
    server: Server,
    named: List[Entry],
    partial: bool,
    directories: Directories,
    lineages: List[Dict[str, Any]],
    texts: bool,
) -> Dict[str, Any]:
    """What differs between the host and what is wanted. Changes nothing.

    texts: answer what is in changed and removed files now, for a diff; never for a secret one.
    """
    wanted = store.wanted(named, partial)
    described = describe(store, wanted, texts)
    known = store.lineages()
    read = [
        dict(
            read_lineage(item["fullchain"], item["privkey"], item.get("chain")),
            name=item["name"],
            path=item["fullchain"],
        )
        for item in lineages
    ]
    for item in read:
        item["renewed"] = "sha256" in item and known.get(item["path"]) != item["sha256"]
    return {
        "current": store.current(),
        "confirmed": store.confirmed(),
        "pending": pending(store),
        "files": described,
        "directories": store.crooked_directories(directories),
        "unknown": accounts.unknown_accounts(named, directories),
        "unreadable": unreadable(store, wanted, described),
        "lineages": read,
        "alive": server.alive(),
        "leftovers": server.leftovers(),
    }


def unreadable(store: Store, wanted: Dict[str, Entry], described: List[Dict[str, Any]]) -> List[str]:
    """Who cannot read what of the current generation is theirs to read and stays as it is, in sentences."""
    stays = [wanted[item["path"]] for item in described if item["state"] == "same"]
    return accounts.refusals(store.path(store.current() or 0), stays)


def pending(store: Store) -> bool:
    """Whether the server may run with something that was neither confirmed nor taken back."""
    return store.unsettled() is not None or store.current() != store.confirmed()


def describe(store: Store, wanted: Dict[str, Entry], texts: bool) -> List[Dict[str, Any]]:
    """Each file's path, state, whether it is secret, and with texts what a changed one holds now."""
    recorded = store.manifest(store.current())
    described = []
    for path, state in sorted(store.compare(wanted).items()):
        # Secret is what either side calls so. A file that no manifest knows might be anything.
        sides = [side for side in (wanted.get(path), recorded.get(path)) if side is not None]
        secret = not sides or any(side.secret for side in sides)
        item = {"path": path, "state": state, "secret": secret}  # type: Dict[str, Any]
        if texts and not secret and state in ("changed", "removed"):
            data = read_file("%s/%s" % (store.path(store.current() or 0), path)) or b""
            item["before"] = data.decode("utf-8", "replace")
        described.append(item)
    return described


def apply(
    store: Store,
    server: Server,
    named: List[Entry],
    partial: bool,
    directories: Directories,
    contents: Dict[str, bytes],
    expected: Optional[int],
    token: str,
    lineages: Sequence[Dict[str, Any]] = (),
) -> Dict[str, Any]:
    """Stage what differs, switch to it, test and load it; on failure put back what was there, at once.

    expected is the current generation that inspect told; lineages as inspect told of them, each with name and paths.
    Returns {generation, ok, settled, restarted} (whether only new processes answer; why the server was restarted, or ""), or on failure
    {generation, ok, trouble: outcome, taken_back: take_back's answer}. Raises GenerationError and OSError when nothing has been switched yet.
    """
    if store.current() != expected:
        raise GenerationError(
            "another deploy switched %s from generation %s to %s a moment ago; run this one again"
            % (store.root, expected, store.current())
        )
    alive_before = server.alive()
    as_judged = keep_all(lineages)
    generation = prepare(store, named, partial, directories, contents, token)
    switch(store, expected, generation, token, {"lineages": as_judged, "log": server.log_mark()})
    try:
        outcome = server.test()
        if outcome.ok:
            outcome = server.activate()
    except Exception as error:  # the switch is made: whatever goes wrong from here on, it must not stay
        outcome = Outcome(False, "load", [], reason="%s: %s" % (type(error).__name__, error))
    if outcome.ok:
        return {"generation": generation, "ok": True, "settled": outcome.settled, "restarted": outcome.restarted}
    start = alive_before is not False or store.confirmed() is not None
    try:
        taken_back = take_back(store, server, token, start)
    except OSError as error:  # such as a disk that has become full: the next run undoes what this one could not
        trouble = Outcome(False, "load", [], reason="%s: %s" % (error.filename or store.root, error.strerror))
        taken_back = {"ok": False, "generation": store.current(), "trouble": trouble._asdict()}
    return {"generation": generation, "ok": False, "trouble": outcome._asdict(), "taken_back": taken_back}


def keep_all(lineages: Sequence[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """The lineages as they were judged. Raises GenerationError when one isn't any more."""
    try:
        return [kept.keep(lineage) for lineage in lineages]
    except LineageError as error:
        raise GenerationError("%s. Nothing was switched; run this again" % error) from None


def prepare(
    store: Store, named: List[Entry], partial: bool, directories: Directories, contents: Dict[str, bytes], token: str
) -> int:
    """The generation to switch to: the current one where nothing differs from it, else a new one, staged."""
    wanted = store.wanted(named, partial)
    current = store.current()
    same = all(state == "same" for state in store.compare(wanted).values())
    if current is not None and same and not store.crooked_directories(directories):
        refuse_unreadable(store, current, wanted)
        return current
    store.prepare(directories)
    generation = store.stage(wanted, contents, directories, token)
    try:
        refuse_unreadable(store, generation, wanted)
    except GenerationError:
        store.discard(generation)
        raise
    return generation


def refuse_unreadable(store: Store, generation: int, wanted: Dict[str, Entry]) -> None:
    """Raise GenerationError when somebody who has to read a file of a generation can't."""
    sentences = accounts.refusals(store.path(generation), wanted.values())
    if sentences:
        raise GenerationError("%s. Nothing was switched: the host serves what it did" % "; ".join(sentences))


def switch(store: Store, current: Optional[int], generation: int, token: str, note: Dict[str, Any]) -> None:
    """Make the switch, and before it the note that says so. Where the file system refuses, what was current still is, and OSError is raised."""
    try:
        store.begin(token, note)
        store.switch(generation)
    except OSError:
        if store.current() != current:
            store.switch(current)
        if generation != current:
            store.discard(generation)
        raise


def own(store: Store, token: str) -> Dict[str, Any]:
    """The note of the switch that is unsettled. Raises GenerationError unless it is this run's own."""
    marker = store.unsettled()
    if marker is None or marker.get("token") != token:
        raise GenerationError(
            "another deploy took over %s%s; generation %s is current and is for that one to confirm or take back"
            % (store.root, " at %s" % marker["since"] if marker and "since" in marker else "", store.current())
        )
    return marker


def confirm(store: Store, token: str, lineages: Dict[str, str], partial: bool) -> Dict[str, Any]:
    """The current generation is good on the wire: remember it and remove the old ones.

    lineages: SHA-256 of each fullchain file that was verified, by path. A partial run keeps what is known of others.
    """
    own(store, token)
    previous = store.confirmed()
    store.confirm(dict(store.lineages(), **lineages) if partial else lineages)
    store.prune(previous)
    return {"generation": store.current()}


def take_back(
    store: Store, server: Server, token: str, start: bool = True, unsound: Sequence[str] = ()
) -> Dict[str, Any]:
    """Make the confirmed generation (or none) current again and have the server load it.

    A lineage that was written to since it was judged is put back where no server can load it, or its name is among the unsound.
    Returns {ok, generation, trouble: outcome, log: its journal or error log since the switch, put_back: sentences, restarted}.
    What was there may fail its own test, for a reason outside of this root; then the server is left alone with what it has
    loaded, since a reload might kill it.
    """
    note = own(store, token)
    log = server.said_since(note.get("since", ""), note.get("log", ()))
    put_back = kept.put_back(note.get("lineages", ()), unsound)
    bad, good = store.current(), store.confirmed()
    if bad != good:
        store.switch(good)
    outcome = server.test()
    if outcome.ok:
        outcome = server.activate(start)
        if not outcome.ok and start and server.alive() is not True:
            server.revive()
    if not outcome.ok:
        return {"ok": False, "generation": good, "trouble": outcome._asdict(), "log": log, "put_back": put_back}
    store.settle()
    if bad is not None and bad != good:
        store.discard(bad)
    return {"ok": True, "generation": good, "log": log, "put_back": put_back, "restarted": outcome.restarted}
