# Copyright (c) 2026, the fullchain.tls contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a fuzz target:  python -m tests.fuzz TARGET [SECONDS] [FILE...]

Without SECONDS, or with 0, until it finds something or is stopped. FILEs are inputs to try alone, as a run that found something wrote
them. Where the library atheris can be had, it follows the branches of plugin_utils; elsewhere the bytes are random.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOUND = ROOT / ".work" / "fuzz"
sys.path[:0] = [str(ROOT), str(ROOT / ".work")]

try:
    import atheris
except ImportError:
    atheris = None

if atheris is None:
    from tests.fuzz.targets import TARGETS
else:
    with atheris.instrument_imports(include=["ansible_collections.fullchain.tls.plugins.plugin_utils"]):
        from tests.fuzz.targets import TARGETS


def main(name: str, seconds: float = 0, *files: str) -> None:
    """Run the target of that name."""
    target = TARGETS.get(name)
    if target is None:
        sys.exit(f"{name!r} is no fuzz target (expected one of {', '.join(TARGETS)})")
    FOUND.mkdir(parents=True, exist_ok=True)
    if files:
        for file in files:
            target(Path(file).read_bytes())
    elif atheris is None:
        _random(name, target, seconds)
    else:
        target(b"")  # what is worked out once is no slow input's fault
        arguments = [f"-max_total_time={seconds:g}", "-max_len=400", "-timeout=10", f"-artifact_prefix={FOUND}/{name}-"]
        atheris.Setup([sys.argv[0], *arguments, "-print_final_stats=1"], target)
        atheris.Fuzz()


def _random(name: str, target: Callable[[bytes], None], seconds: float) -> None:
    until, tried = time.monotonic() + (seconds or float("inf")), 0
    chance = random.Random()
    while time.monotonic() < until:
        data = chance.randbytes(chance.randrange(400))
        tried += 1
        try:
            target(data)
        except BaseException:
            (FOUND / f"{name}-crash").write_bytes(data)
            print(f"fuzz: {name}: the input is {FOUND}/{name}-crash")
            raise
    print(f"fuzz: {name}: {tried} inputs, nothing found")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1], *(float(text) for text in sys.argv[2:3]), *sys.argv[3:])
