"""Programs for musl in a root directory that has no other C library.

There are musl's loader, BusyBox (static) for what a small system has besides, and the folder that
the test works in, under the path that it has outside.
"""

from __future__ import annotations

import functools
import platform
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.harness.musl_python import TRIPLE
from tests.harness.namespace import (
    Namespace,
    missing_files,
    missing_for_namespaces,
    missing_programs,
)

LOADER = "ld-musl-x86_64.so.1"
_LIBC = Path("/usr/lib") / TRIPLE / "libc.so"
_BUSYBOX = "busybox"
_PACKAGES = {
    "musl-gcc": "musl-tools",
    "make": "make",
    "apt-get": "apt",
    _BUSYBOX: "busybox-static",
}


def make_musl_root(root: Path, work: Path) -> Namespace:
    """Write a root directory at ``root``, new or empty; ``work`` is what programs see of others.

    Devices and processes are the machine's own. ``root`` must not be below ``work``.
    """
    for name in ("lib", "bin", "usr", "etc", "proc", "dev", "tmp"):
        (root / name).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    (root / "usr" / "bin").symlink_to("../bin")
    shutil.copy(_LIBC, root / "lib" / LOADER)
    (root / "etc" / "passwd").write_text("root:x:0:0:root:/:/bin/sh\n", "ascii")
    _install_busybox(root)
    inside = root / work.relative_to("/")
    inside.mkdir(parents=True)
    return Namespace(_entering(root, work, inside))


def _install_busybox(root: Path) -> None:
    program = shutil.which(_BUSYBOX)
    assert program, missing()
    target = root / "bin" / _BUSYBOX
    shutil.copy(program, target)
    listed = subprocess.run([target, "--list"], capture_output=True, text=True, check=True)
    for name in {*listed.stdout.split()} - {_BUSYBOX}:
        (root / "bin" / name).symlink_to(_BUSYBOX)


def _entering(root: Path, work: Path, inside: Path) -> str:
    old, new, here = (shlex.quote(str(path)) for path in (work, inside, root))
    return (
        f"mount --rbind /proc {here}/proc\n"
        f"mount --rbind /dev {here}/dev\n"
        f"mount --bind {old} {new}\n"
        f"""set -- chroot {here} /bin/sh -c 'cd "$0" && exec "$@"' "$PWD" "$@" """
    )


@functools.cache
def missing() -> str:
    """What this machine lacks to build and run programs for musl, or ``""``."""
    if platform.machine() != "x86_64":
        return "a machine with an x86-64 processor"
    lacks = missing_for_namespaces() or missing_programs(_PACKAGES)
    return lacks or missing_files({_LIBC: "musl"}) or _root_fault()


def _root_fault() -> str:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder, "work")
        work.mkdir()
        return make_musl_root(Path(folder, "root"), work).fault()
