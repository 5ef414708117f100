# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A STARTTLS dialogue over a socket."""

from __future__ import annotations

import os
import selectors
import socket
from collections.abc import Generator
from dataclasses import dataclass

from ansible_collections.fullchain.tls.plugins.module_utils.starttls import Dialogue, Hear, Refused
from ansible_collections.fullchain.tls.plugins.module_utils.words import NOT_TLS, came_to_nothing
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.line import Steps, Wait
from ansible_collections.fullchain.tls.plugins.plugin_utils.wire.tls import Trouble

_CHUNK_BYTES = 4096


@dataclass
class Conversation:
    """What is said in the clear, to the server that messages call `label`.

    until: when to give up, in time.monotonic seconds; seconds: the timeout that this stands for, for messages.
    """

    sock: socket.socket
    label: str
    until: float
    seconds: float
    heard: bool = False

    def lead(self, dialogue: Dialogue) -> Steps:
        """Lead the dialogue to its end; None when the server agreed to TLS."""
        said = b""
        try:
            turn = next(dialogue)
            while True:
                if isinstance(turn, Hear):
                    said = yield from self._hear(turn.awaited)
                else:
                    self.sock.sendall(turn.data)  # some dozen bytes, for which a new connection's buffer has room
                    said = b""
                turn = dialogue.send(said)
        except StopIteration:
            return None
        except Refused as refusal:
            return Trouble(NOT_TLS, str(refusal))
        except _Ended as ended:
            return ended.trouble
        except OSError as error:
            return self._ended(f"broke off: {os.strerror(error.errno or 0)}").trouble

    def _hear(self, awaited: str) -> Generator[Wait, bool, bytes]:
        """What comes next, some bytes at least. Raises _Ended, and OSError for a broken connection."""
        while True:
            if not (yield Wait(self.sock, selectors.EVENT_READ, self.until)):
                raise self._ended(f"sent no {awaited} within {self.seconds:g} s")
            try:
                data = self.sock.recv(_CHUNK_BYTES)
            except BlockingIOError:
                continue
            if not data:
                raise self._ended(f"broke off before the {awaited}: it closed the connection")
            self.heard = True
            return data

    def _ended(self, what: str) -> _Ended:
        return _Ended(Trouble(*came_to_nothing(self.label, self.heard, what)))


class _Ended(Exception):
    """The connection ends, or says no more."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.detail)
        self.trouble = trouble
