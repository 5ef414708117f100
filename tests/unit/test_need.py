# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
""".ci/need: a target whose programs are missing names all their packages in one line and stops, where it may not install them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

NEED = Path(__file__).parents[2] / ".ci" / "need"


def need(tmp_path, *pairs):
    """Run it as an ordinary user, or so it believes: `id` says so."""
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
    (tmp_path / "id").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run([NEED, *pairs], env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_what_is_missing_is_named_in_one_line(tmp_path):
    code, said, complained = need(tmp_path, "no-such-one=one", "sh=dash", "no-such-two=two")
    assert (code, said, complained) == (1, "", "Please install (Debian's names): one two\n")


def test_nothing_is_said_when_all_is_there(tmp_path):
    assert need(tmp_path, "sh=dash", "ls=coreutils") == (0, "", "")
