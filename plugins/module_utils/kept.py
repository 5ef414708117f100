# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lineages as they were judged, kept from before a switch until it is confirmed or taken back.

They are not the deploy's own: whoever renews them may write to them at any moment. Where that leaves one which no server can
load, or which the controller finds unsound, taking back the configuration alone would have the server read the bad one.
"""

import base64
import errno
import os
import stat
import time
from typing import Any, Collection, Dict, Iterable, List, Optional, Sequence

from ansible_collections.fullchain.tls.plugins.module_utils import durable
from ansible_collections.fullchain.tls.plugins.module_utils.generation import read_file
from ansible_collections.fullchain.tls.plugins.module_utils.lineage import LineageError, read_lineage, unloadable

AGAIN_SECONDS = 1.0
"""After which a lineage that can't be loaded is looked at again."""

REFUSED = ".refused"
"""What the name of a file that was put back gets, with what it held until then."""


def keep(judged: Dict[str, Any]) -> Dict[str, Any]:
    """The files of a lineage, to be put back, in values that JSON can carry; the private key is among them.

    judged: name, fullchain, privkey and chain (paths) with the sha256 and public_key that `read_lineage` gave when it was judged.
    Raises LineageError when it is not what was judged any more, and OSError.
    """
    paths = [path for path in (judged["fullchain"], judged.get("chain"), judged["privkey"]) if path]
    files = [_read(path) for path in paths]
    now = read_lineage(judged["fullchain"], judged["privkey"], judged.get("chain"))
    if any(now.get(key) != judged[key] for key in ("sha256", "public_key")):
        raise LineageError("lineage %s was written to after it was judged" % judged["name"])
    return {"name": judged["name"], "fullchain": judged["fullchain"], "privkey": judged["privkey"], "files": files}


def put_back(kept: Iterable[Dict[str, Any]], unsound: Collection[str]) -> List[str]:
    """Put back the lineages that no server can load, and those of these names. Returns a sentence for each, also where it fails."""
    sentences = []
    for lineage in kept:
        reason = _still_unloadable(lineage)
        if reason is None and lineage["name"] in unsound:
            reason = "it is not sound"
        if reason is not None:
            sentences.append(
                "lineage %s was written to meanwhile (%s)%s" % (lineage["name"], reason, _restored(lineage["files"]))
            )
    return sentences


def _still_unloadable(lineage: Dict[str, Any]) -> Optional[str]:
    """Why no server can load it, when a second look says so, too: certbot moves the links of a renewal one after the other."""
    if unloadable(lineage["fullchain"], lineage["privkey"]) is None:
        return None
    time.sleep(AGAIN_SECONDS)
    return unloadable(lineage["fullchain"], lineage["privkey"])


def _restored(files: Sequence[Dict[str, Any]]) -> str:
    try:
        aside = [path for path in map(_restore, files) if path]
    except OSError as error:
        return ", and could not be put back: %s: %s" % (error.filename, error.strerror)
    return " and is put back as it was judged" + ("; what it held is in %s" % ", ".join(aside) if aside else "")


def _read(path: str) -> Dict[str, Any]:
    with open(path, "rb") as stream:
        data = stream.read()
    link = os.readlink(path) if os.path.islink(path) else None
    found = os.stat(path)
    owner = {"mode": stat.S_IMODE(found.st_mode), "uid": found.st_uid, "gid": found.st_gid}
    return dict(
        owner, path=path, link=link, real=os.path.realpath(path), content=base64.b64encode(data).decode("ascii")
    )


def _restore(file: Dict[str, Any]) -> Optional[str]:
    """Have the path lead where it did, to what was there. Returns where other bytes are now that it held; None where there were none."""
    path, content = file["path"], base64.b64decode(file["content"])
    if file["link"] is not None:
        if not os.path.islink(path) or os.readlink(path) != file["link"]:
            durable.replace_symlink(path, file["link"])
        path = os.path.realpath(path)
    _refuse_foreign(path, file["real"])
    held = read_file(path)
    if held == content:
        return None
    if held is not None:
        durable.replace_file(path + REFUSED, held)
    durable.replace_file(path, content, file["mode"], file["uid"], file["gid"])
    return None if held is None else path + REFUSED


def _refuse_foreign(path: str, real: str) -> None:
    """Raise OSError unless writing to path reaches the file that was read: whoever owns a directory above can lead root elsewhere."""
    if os.path.realpath(path) != real:
        raise OSError(errno.ELOOP, "it leads elsewhere than when it was judged", path)
    directory = os.path.dirname(real)
    while True:
        found = os.stat(directory)
        shared = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not found.st_mode & stat.S_ISVTX
        if shared or found.st_uid not in (0, os.geteuid()):
            raise OSError(errno.EPERM, "others than root may write there, and lead it elsewhere", directory)
        if directory == "/":
            return
        directory = os.path.dirname(directory)
