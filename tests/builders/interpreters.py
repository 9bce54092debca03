"""Real interpreters of this machine, and PBS-shaped archives made of them."""

from __future__ import annotations

import dataclasses
import functools
import io
import os
import shutil
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import zstandard

from pipeline.config.matrix import parse_matrix
from pipeline.config.model import Cell, Platform
from pipeline.sources import local_interpreter as local
from pipeline.system.errors import PipelineError
from pipeline.system.process import ProcessResult, run
from tests.builders.elf import with_debug_section
from tests.builders.pbs_archive import python_json
from tests.harness.limits import HANGS_AFTER_S
from tests.harness.project import REPOSITORY

PBS = "20261021"


def run_tool(command: Sequence[str]) -> ProcessResult:
    """As the command runs tools: those of this environment first."""
    program, *rest = command
    beside = Path(sys.prefix, "bin", program)
    return run([str(beside) if beside.is_file() else program, *rest], timeout_s=HANGS_AFTER_S)


@functools.cache
def interpreters() -> tuple[local.Interpreter, ...]:
    """Every interpreter of this machine that can be packed, the running one first, by version."""
    home = Path.home() / ".pyenv" / "versions"
    candidates = [sys.executable, *map(str, sorted(home.glob("3.*/bin/python3")))]
    candidates += [path for minor in range(9, 20) if (path := shutil.which(f"python3.{minor}"))]
    # Of these are shims of pyenv, which are slow, and whose interpreters are there already.
    candidates = [each for each in candidates if Path(each).parent != home.parent / "shims"]
    candidates += ["/usr/bin/python3"] if os.access("/usr/bin/python3", os.X_OK) else []
    found: dict[str, local.Interpreter] = {}
    for candidate in candidates:
        try:
            each = local.ask(candidate, run_tool)
        except PipelineError:
            continue  # a shim whose interpreter is not installed
        found.setdefault(each.version, each)
    return tuple(found.values())


def host_platform() -> Platform:
    matrix = parse_matrix((REPOSITORY / "matrix.toml").read_text("utf-8"))
    return local.platform_for(interpreters()[0], matrix.platforms)


_SMALL = frozenset({
    "asyncio", "collections", "concurrent", "email", "encodings", "http", "importlib", "json",
    "lib-dynload", "logging", "pathlib", "re", "sqlite3", "string", "sysconfig", "urllib",
    "zipfile",
})  # fmt: skip
"""Packages and folders of a small standard library, beside the modules at its top."""


def small_interpreter(folder: Path) -> local.Interpreter:
    """The running one with a third of its standard library, in a copy at ``folder``."""
    found = interpreters()[0]
    stdlib = folder / Path(found.stdlib).name
    stdlib.mkdir(parents=True)
    for path in Path(found.stdlib).iterdir():
        if path.suffix == ".py":
            shutil.copy(path, stdlib)
        elif path.name in _SMALL:
            shutil.copytree(path, stdlib / path.name)
    return dataclasses.replace(found, stdlib=str(stdlib), platstdlib=str(stdlib))


@dataclass(frozen=True)
class RealArchive:
    """A ``-full.tar.zst`` of a real interpreter, under the version that its name claims."""

    name: str
    version: str
    data: bytes
    interpreter: local.Interpreter


def real_archive(interpreter: local.Interpreter, folder: Path, version: str = "") -> RealArchive:
    """Pack ``interpreter`` as PBS packs: beside its tree what only a build leaves behind.

    ``version`` is what the archive claims to be, where a machine has one interpreter alone; a
    module ``goempy_line`` in the standard library has it, and ``sys.version`` has not.
    """
    version = version or interpreter.version
    platform = host_platform()
    name, tree = _tree(interpreter, folder)
    minor = Path(interpreter.stdlib).name
    buffer = io.BytesIO()
    with tarfile.TarFile(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        _add(tar, "python/PYTHON.json", python_json(version, platform.triple))
        _add(tar, f"python/install/lib/{minor}/goempy_line.py", f"NAME = {version!r}\n".encode())
        buffer.write(tree)
        tar.offset += len(tree)
    name = name.replace(f"{interpreter.version}+local", f"{version}+{PBS}")
    name = name.replace("-local.tar.zst", f"-{platform.build}-full.tar.zst")
    data = zstandard.ZstdCompressor(level=1).compress(buffer.getbuffer())
    return RealArchive(name, version, data, interpreter)


_trees: dict[str, tuple[str, bytes]] = {}
"""By executable, for this process: packing takes some seconds, and several test files do it."""


def _tree(interpreter: local.Interpreter, folder: Path) -> tuple[str, bytes]:
    """The name of the asset of ``interpreter``, and all but its version as members of a tar."""
    if interpreter.executable not in _trees:
        platform = host_platform()
        cell = Cell(local.line_of(interpreter, platform), platform)
        asset = local.make_asset(interpreter, cell, folder, run_tool)
        tree = _members(folder / asset.name, Path(interpreter.stdlib).name)
        _trees[interpreter.executable] = asset.name, tree
        (folder / asset.name).unlink()
    return _trees[interpreter.executable]


def _members(asset: Path, minor: str) -> bytes:
    """Those of ``asset`` but for its tests, and what a build leaves; nothing ends the archive."""
    buffer = io.BytesIO()
    tar = tarfile.TarFile(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT)
    for number in range(20):
        _add(tar, f"python/build/Modules/object{number}.o", b"\x7fELF" + bytes(9000))
    _add(tar, "python/build/lib/libssl.a", b"!<arch>\n" + bytes(100_000))
    with (
        zstandard.open(asset, "rb") as file,
        tarfile.open(fileobj=file, mode="r|") as made,
    ):
        for info in made:
            info.name = info.name.replace("python/", "python/install/", 1)
            if not info.name.startswith(f"python/install/lib/{minor}/test/"):
                _copy_member(tar, info, made)
    _add(tar, f"python/install/lib/lib{minor}.a", b"!<arch>\n" + bytes(100_000))
    _add(tar, f"python/install/lib/{minor}/test/test_anything.py", b"assert False\n")
    _add(tar, f"python/install/lib/{minor}/lib-dynload/_testcapi.cpython.so", b"\x7fELF")
    for library in ("cpython", "expat", "openssl-3", "sqlite", "zlib"):
        _add(tar, f"python/licenses/LICENSE.{library}.txt", b"A licence.\n" * 100)
    return buffer.getvalue()


DEBUG = b"names of variables, their types and their lines " * 400


def _copy_member(tar: tarfile.TarFile, info: tarfile.TarInfo, made: tarfile.TarFile) -> None:
    """As it is, but ELF files with debug sections: this machine's may have lost theirs."""
    file = made.extractfile(info) if info.isreg() else None
    data = file.read() if file else b""
    if data.startswith(b"\x7fELF\x02\x01"):
        data = with_debug_section(data, DEBUG)
        info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def two_lines(folder: Path) -> tuple[RealArchive, RealArchive]:
    """Two archives of different minor versions; the newest is the second."""
    every = sorted(interpreters(), key=lambda each: tuple(map(int, each.version.split("."))))
    found = [*{each.version.rpartition(".")[0]: each for each in every}.values()]
    if len(found) > 1:
        return real_archive(found[-2], folder), real_archive(found[-1], folder)
    major, minor, patch = found[0].version.split(".")
    older = f"{major}.{int(minor) - 1}.{patch}"
    return real_archive(found[0], folder, older), real_archive(found[0], folder)
