"""A CPython for musl, built here from the sources of Debian's own Python.

It is made once per machine and kept in the user's cache: the build takes about two minutes. It is
small and slow (no optimisation), has zlib as every user of wheels needs it, and no OpenSSL. What
counts is real: CPython and its extension modules are linked against musl's loader and nothing else.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from pipeline.formats.payload.manifest import MODE_LINK
from pipeline.system.files import interprocess_lock, replace_dir, scratch_dir
from pipeline.system.process import processors

PACKAGE = "python3.11"
TRIPLE = "x86_64-linux-musl"
_BUILD_TIMEOUT_S = 1200.0
_COMPILER = f"""#!/bin/sh
# musl-gcc answers this with the libc of its gcc, and configure compares.
case "$*" in *-print-multiarch) echo {TRIPLE}; exit;; esac
exec musl-gcc "$@"
"""
_BUILD = """
cd "$WORK"/zlib*/ && CFLAGS="-O1 -fPIC" ./configure --static >/dev/null && make -s libz.a
zlib=$PWD
cd "$WORK"/Python*/
# No pkg-config: what it knows is glibc's.
PKG_CONFIG=false OPT= CFLAGS=-O0 CPPFLAGS="-I$zlib" LDFLAGS="-L$zlib" ./configure -q \
    --prefix=/usr --disable-test-modules --without-ensurepip --without-doc-strings
make -s -j"$JOBS"
# CPython goes on without a module that does not compile.
ls build/lib.*/zlib.*.so
"""


class BuildError(Exception):
    """The Python could not be made; the text says which step failed, and how."""


@dataclass(frozen=True)
class MuslPython:
    """An interpreter in the form that ``make_real_site`` takes."""

    python: str
    tree: Path

    def payload(self, platform: str) -> Path:
        assert platform == "linux-amd64"
        return self.tree


@functools.cache
def musl_python() -> MuslPython:
    """The cached interpreter, or one that is built now; raises ``BuildError``."""
    recipe = hashlib.sha256(f"{PACKAGE}{_COMPILER}{_BUILD}".encode()).hexdigest()[:16]
    cache = platformdirs.user_cache_path("goempy-tests")
    tree = cache / f"musl-python-{recipe}"
    with interprocess_lock(tree.name, cache / "locks", lambda: None):
        if not tree.is_dir():
            with scratch_dir(cache) as work:
                _build(work)
                replace_dir(work / "tree", tree)
    return MuslPython(version_of(tree), tree)


def version_of(tree: Path) -> str:
    """What the interpreter says that it is; musl's loader is on this machine too."""
    code = "import platform; print(platform.python_version())"
    # Without -S it would look for a site-packages folder that only its users have.
    return _run(
        "python", [tree / "bin" / "python3", "-I", "-S", "-B", "-c", code], cwd=tree
    ).strip()


def _build(work: Path) -> None:
    for package in ("zlib", PACKAGE):
        _download(package, work)
    for archive in work.glob("*.orig.tar.*"):
        _run("tar", ["tar", "xf", archive], cwd=work)
    compiler = work / "cc"
    compiler.write_text(_COMPILER, "ascii")
    compiler.chmod(0o755)
    env = {"CC": str(compiler), "WORK": str(work), "JOBS": str(processors())}
    _run("build", ["sh", "-ec", _BUILD], cwd=work, env=env)
    (build,) = work.glob("Python*/")
    _install(build, work / "tree")


def _download(package: str, work: Path) -> None:
    """The upstream archive of a source package, with lists of packages of our own.

    Its sources are those that this machine installs from.
    """
    parts = work / "apt"
    for folder in (parts / "lists" / "partial", parts / "cache" / "archives" / "partial"):
        folder.mkdir(parents=True, exist_ok=True)
    (parts / "debian.sources").write_text(source_entries(), "utf-8")
    options = {
        "Dir::Etc::sourcelist": parts / "debian.sources",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": parts / "lists",
        "Dir::Cache": parts / "cache",
        # Who may not read this folder should not be asked to.
        "APT::Sandbox::User": "root",
    }
    flags = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    if not any((parts / "lists").glob("*Sources*")):
        _run("apt-get update", ["apt-get", *flags, "-q", "update"], cwd=work)
    command = ["apt-get", *flags, "-q", "source", "--download-only", "--tar-only", package]
    _run(f"apt-get source {package}", command, cwd=work)


def source_entries() -> str:
    """Where this machine's Debian packages come from, as entries for their sources.

    Only the first stanza that names Debian's own key is taken: other publishers of packages, and
    the archive of security fixes, have no reason to be asked.
    """
    for path in sorted(Path("/etc/apt").glob("sources.list.d/*.sources")):
        for stanza in path.read_text("utf-8").split("\n\n"):
            if "debian-archive-keyring" in stanza:
                return stanza.replace("Types: deb\n", "Types: deb-src\n") + "\n"
    raise BuildError("no entry of Debian in /etc/apt/sources.list.d/*.sources")


def _install(build: Path, tree: Path) -> None:
    """The layout of an installation, without what ``make install`` compiles for minutes."""
    minor = PACKAGE
    library = tree / "lib" / minor
    shutil.copytree(build / "Lib", library, ignore=shutil.ignore_patterns("test", "__pycache__"))
    dynload = library / "lib-dynload"
    dynload.mkdir(exist_ok=True)
    for path in build.glob("build/lib.*/*.so"):
        shutil.copy(path, dynload)
    for path in build.glob("build/lib.*/_sysconfigdata*.py"):
        shutil.copy(path, library)
    (tree / "bin").mkdir()
    shutil.copy(build / "python", tree / "bin" / minor)
    (tree / "bin" / "python3").symlink_to(minor)
    rows = [_row(path, tree) for path in sorted(tree.rglob("*")) if not path.is_dir()]
    (tree / "files.json").write_text(json.dumps({"files": rows}), "utf-8")


def _row(path: Path, tree: Path) -> dict[str, object]:
    """An entry as the peers' manifests have it."""
    name = path.relative_to(tree).as_posix()
    if path.is_symlink():
        return {"name": name, "perm": MODE_LINK | 0o777, "symlink": str(path.readlink())}
    return {"name": name, "perm": path.stat().st_mode & 0o777}


def _run(
    step: str, command: Sequence[str | Path], *, cwd: Path, env: dict[str, str] | None = None
) -> str:
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False, timeout=_BUILD_TIMEOUT_S,
    )  # fmt: skip
    if done.returncode:
        raise BuildError(f"{step}: {done.stdout[-1500:]}{done.stderr[-1500:]}")
    return done.stdout
