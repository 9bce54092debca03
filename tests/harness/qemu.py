"""Programs for linux/arm64, run by QEMU's user emulation.

The emulator is registered with the kernel in a new namespace, which Linux can since 6.7; the rest
of the machine does not see it. So an emulated Go program starts its emulated Python, which starts
more. Debian's arm64 C library is laid over the system's libraries there, so that programs find it
where every arm64 system has it, in whatever environment they run.
"""

from __future__ import annotations

import functools
import os
import platform
import re
import shutil
from pathlib import Path

from tests.harness.namespace import (
    Namespace,
    missing_files,
    missing_for_namespaces,
    missing_programs,
)

EMULATOR = "qemu-aarch64-static"
_LIBRARIES = Path("/usr/aarch64-linux-gnu/lib")
_SINCE = (6, 7)
_MACHINE = 183
"""EM_AARCH64 of the ELF header."""


def _registration(emulator: str) -> str:
    """The line for ``binfmt_misc`` (kernel documentation, "binfmt-misc").

    It matches programs and shared objects of 64-bit little-endian ARM. F: the emulator is opened
    now, so that it is there in every root directory. P: programs see how they were called.
    """
    magic = bytes([*b"\x7fELF", 2, 1, 1, 0, *bytes(8), 2, 0, _MACHINE, 0])
    mask = bytes([*b"\xff" * 7, 0, *b"\xff" * 8, 0xFE, *b"\xff" * 3])
    return f":goempy-aarch64:M::{_escaped(magic)}:{_escaped(mask)}:{emulator}:FP"


def _escaped(data: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in data)


def arm64() -> Namespace:
    """Where programs for linux/arm64 run; ask ``missing`` first."""
    emulator = shutil.which(EMULATOR)
    assert emulator, missing()
    system = os.path.realpath("/lib")
    return Namespace(
        f"mount -t overlay overlay -o lowerdir={_LIBRARIES}:{system} {system}\n"
        "mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc\n"
        # The shell's own printf would decode the bytes, and one of them ends a line.
        f"env printf %s '{_registration(emulator)}' > /proc/sys/fs/binfmt_misc/register"
    )


@functools.cache
def missing() -> str:
    """What this machine lacks to run programs for linux/arm64, or ``""``."""
    if platform.machine() != "x86_64":
        return "a machine with an x86-64 processor"
    if lacks := missing_for_namespaces():
        return lacks
    release = platform.release()
    version = tuple(map(int, re.findall(r"\d+", release)[:2]))
    if version < _SINCE:
        return f"Linux 6.7, whose namespaces have a binfmt_misc of their own (this is {release})"
    lacks = missing_programs({EMULATOR: "qemu-user-static"})
    loader = _LIBRARIES / "ld-linux-aarch64.so.1"
    return lacks or missing_files({loader: "libc6-arm64-cross"}) or arm64().fault()
