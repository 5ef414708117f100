# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A STARTTLS dialogue over a socket that blocks, for hosts. The controller's is plugin_utils/wire/converse.py."""

import socket
import time
from typing import NamedTuple, Optional, Tuple

from ansible_collections.fullchain.tls.plugins.module_utils.starttls import Dialogue, Refused, Say
from ansible_collections.fullchain.tls.plugins.module_utils.words import NOT_TLS, came_to_nothing

_CHUNK_BYTES = 4096


class Conversation(NamedTuple):
    """Where, and how long: `label` is what messages call the server, `until` is in time.time seconds."""

    sock: socket.socket
    label: str
    until: float
    seconds: float

    def lead(self, dialogue: Dialogue) -> Optional[Tuple[str, str]]:
        """Lead the dialogue to its end; None when the server agreed to TLS, else the kind of the failure and its words."""
        said, heard, turn = b"", False, next(dialogue, None)
        while turn is not None:
            try:
                if isinstance(turn, Say):
                    self.sock.sendall(turn.data)
                    said = b""
                else:
                    said = self._hear()
                    if not said:
                        what = "broke off before the {0}: it closed the connection".format(turn.awaited)
                        return came_to_nothing(self.label, heard, what)
                    heard = True
                turn = dialogue.send(said)
            except StopIteration:
                return None
            except Refused as refusal:
                return NOT_TLS, str(refusal)
            except socket.timeout:
                what = "sent no {0} within {1:g} s".format(getattr(turn, "awaited", "answer"), self.seconds)
                return came_to_nothing(self.label, heard, what)
            except OSError as error:
                return came_to_nothing(self.label, heard, "broke off: {0}".format(error.strerror or error))
        return None

    def _hear(self) -> bytes:
        left = self.until - time.time()
        if left <= 0:  # a byte now and then is no answer either
            raise socket.timeout()
        self.sock.settimeout(left)
        return self.sock.recv(_CHUNK_BYTES)
