"""Make an asset from an interpreter of this machine.

The result is an archive like PBS's own: ``python/**`` with the executable, the standard library,
the extension modules, headers and the shared libpython, where ``sysconfig`` locates them.
Installed packages and static libraries are left out. ELF search paths into the interpreter's own
directories become ``$ORIGIN``-relative, so that an extracted copy loads nothing from there. The
same interpreter gives the same bytes.
"""

from __future__ import annotations

import json
import os
import posixpath
import shutil
import stat
import tarfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import zstandard

from pipeline.config.cells import GOARCH, asset_name, platform_of
from pipeline.config.model import FREE_THREADED, LOCAL, Asset, Cell, Line, Platform, PythonVersion
from pipeline.formats.elf.scan import MAGIC, ElfFacts, scan
from pipeline.formats.elf.strip import strip
from pipeline.formats.forward_reader import BinaryFormatError, ForwardReader
from pipeline.system.errors import InterpreterError, ToolError
from pipeline.system.files import CHUNK_BYTES, disk_errors, scratch_dir, sha256_of
from pipeline.system.process import ProcessResult, error_tail

_LEFT_OUT = frozenset({"site-packages", "dist-packages", "__pycache__"})
_STATIC_LIBRARY = ".a"
"""No program loads one, and libpython's takes as much space as all else together."""
_LIBRARY_DIR = "lib"
_OLDEST = (3, 8)
"""The oldest that compiles the bytecode, and that package ``worker`` runs on."""
_SYSTEM_PREFIXES = frozenset({"/usr", "/usr/local"})
"""The libraries in these are the system's, and are not packed."""
_ASK = """
import json, os, platform, sys, sysconfig
get = sysconfig.get_config_var
prefix = os.path.realpath(sys.base_prefix)
paths = sysconfig.get_paths(vars={
    "base": prefix, "platbase": os.path.realpath(sys.base_exec_prefix),
    "installed_base": prefix, "installed_platbase": os.path.realpath(sys.base_exec_prefix),
})
info = sys.version_info
pre = {"alpha": "a", "beta": "b", "candidate": "rc"}.get(info.releaselevel, "")
print(json.dumps({
    "implementation": sys.implementation.name,
    "system": platform.system(),
    "machine": platform.machine(),
    "version": "%d.%d.%d" % info[:3] + (pre + str(info.serial) if pre else ""),
    "free_threaded": bool(get("Py_GIL_DISABLED")),
    "executable": os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable),
    "prefix": prefix,
    "stdlib": os.path.realpath(paths["stdlib"]),
    "platstdlib": os.path.realpath(paths["platstdlib"]),
    "headers": os.path.realpath(paths["include"]),
    "extensions": os.path.realpath(get("DESTSHARED") or ""),
    "library_dir": os.path.realpath(get("LIBDIR") or ""),
    "library": get("INSTSONAME") or "",
    "platlibdir": getattr(sys, "platlibdir", "lib"),
    "multiarch": get("MULTIARCH") or "",
}))
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """What an interpreter reports; directories are absolute and without links."""

    implementation: str
    system: str
    machine: str
    version: str
    free_threaded: bool
    executable: str
    prefix: str
    stdlib: str
    platstdlib: str
    headers: str
    extensions: str
    library_dir: str
    library: str
    platlibdir: str
    multiarch: str


Run = Callable[[Sequence[str]], ProcessResult]


def ask(python: str, run: Run) -> Interpreter:
    """Let ``python`` describe itself; raises ``InterpreterError`` when it cannot be packed."""
    try:
        done = run([python, "-I", "-c", _ASK])
    except ToolError as fault:
        raise _unusable(f"{python}: {fault.what}") from fault
    if done.code:
        raise _unusable(f"{python} does not run: {error_tail(done)}")
    try:
        found = Interpreter(**json.loads(done.stdout))
        faults = list(_unfit(found))
    except (ValueError, TypeError) as fault:
        raise _unusable(f"{python} does not answer as a Python interpreter does") from fault
    if faults:
        raise _unusable(f"{python} cannot be packed", faults)
    return found


def _unusable(what: str, details: Iterable[str] = ()) -> InterpreterError:
    return InterpreterError(what, details=details, hint="Name another with --python.")


def _unfit(found: Interpreter) -> Iterator[str]:
    if found.implementation != "cpython":
        yield f"it is {found.implementation}, not CPython"
    if found.system != "Linux":
        yield f"--local knows the layout of Linux interpreters, not that of {found.system}"
    if found.machine not in GOARCH:
        yield f"Go has no name for this processor ({found.machine})"
    version = PythonVersion.parse(found.version)
    if (version.major, version.minor) < _OLDEST:
        yield f"it is Python {found.version}, and 3.8 is the oldest that can be packed"
    if not Path(found.stdlib, "os.py").is_file():
        yield f"no standard library at {found.stdlib}"


def platform_for(found: Interpreter, platforms: Sequence[Platform]) -> Platform:
    """The platform of the matrix that this machine is; raises ``InterpreterError``."""
    goarch = GOARCH[found.machine]
    libc = "musl" if found.multiarch.endswith("-musl") else ""
    if platform := platform_of(platforms, "linux", goarch, libc):
        return platform
    raise InterpreterError(
        f"matrix.toml has no platform for this machine (linux/{goarch} {libc or 'glibc'})",
        hint="Add a [[platform]] for it.",
    )


def line_of(found: Interpreter, platform: Platform) -> Line:
    """The line that an interpreter is."""
    variant = FREE_THREADED if found.free_threaded else ""
    return Line(PythonVersion.parse(found.version), LOCAL, variant, (platform.name,))


def make_asset(found: Interpreter, cell: Cell, folder: Path, run: Run) -> Asset:
    """Write the archive of an interpreter, which is that of ``cell``, into ``folder``."""
    name = asset_name(cell, LOCAL)
    path = folder / name
    tree = sorted(_with_libraries(found, [*_sources(found)]), key=lambda each: each.name)
    shipped = {
        Path(each.name).name for each in tree if Path(each.name).parent == Path(_LIBRARY_DIR)
    }

    def content(entry: _ArchiveEntry) -> Path:
        search = _new_search_path(entry, found, shipped)
        return entry.path if search is None else _relocated(entry, search, scratch / "elf", run)

    with disk_errors(folder), scratch_dir(folder) as scratch:
        _write_archive(scratch / name, tree, content)
        (scratch / name).replace(path)
    return Asset(LOCAL, name, sha256_of(path), path.stat().st_size)


@dataclass(frozen=True, slots=True)
class _ArchiveEntry:
    """One entry of the archive: ``name`` relative to the tree, and the file or link target."""

    name: str
    path: Path
    target: str = ""
    elf: ElfFacts | None = None


def _file_entry(name: str, path: Path) -> _ArchiveEntry:
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return _ArchiveEntry(name, path)
        file.seek(0)
        try:
            return _ArchiveEntry(name, path, elf=scan(_reader(file)).facts)
        except BinaryFormatError:
            return _ArchiveEntry(name, path)  # no loader takes it either


def _reader(file: BinaryIO) -> ForwardReader:
    return ForwardReader(file.read, os.fstat(file.fileno()).st_size)


def _sources(found: Interpreter) -> Iterator[_ArchiveEntry]:
    version = posixpath.basename(found.stdlib)  # python3.13, or python3.13t
    yield _file_entry(f"bin/{version}", Path(found.executable))
    for link in ("bin/python3", "bin/python"):
        yield _ArchiveEntry(link, Path(found.executable), target=version)
    library_root = f"{found.platlibdir}/{version}"
    names: set[str] = set()
    for folder, root in (
        (found.stdlib, library_root),
        (found.platstdlib, library_root),
        (found.extensions, f"{library_root}/lib-dynload"),
        (found.headers, f"include/{posixpath.basename(found.headers)}"),
    ):
        for file in _files_below(Path(folder), root) if folder else ():
            if file.name not in names:
                names.add(file.name)
                yield file


def _with_libraries(found: Interpreter, tree: list[_ArchiveEntry]) -> list[_ArchiveEntry]:
    """Add libpython and, unless the prefix is the system's, the other libraries it needs."""
    wanted = [(name, source) for source in tree if source.elf for name in source.elf.needed]
    seen: set[str] = set()
    while wanted:
        name, needing = wanted.pop()
        path = _library(name, needing, found)
        if name in seen or path is None:
            continue
        seen.add(name)
        if name == found.library or found.prefix not in _SYSTEM_PREFIXES:
            source = _file_entry(f"{_LIBRARY_DIR}/{name}", path)
            tree.append(source)
            wanted += [(each, source) for each in (source.elf.needed if source.elf else ())]
    needs_libpython = any(s.elf and found.library in s.elf.needed for s in tree)
    if needs_libpython and found.library not in seen:
        raise _unusable(
            f"{found.executable} needs {found.library}, which is in none of its directories"
        )
    return tree


def _library(name: str, needing: _ArchiveEntry, found: Interpreter) -> Path | None:
    """Find one of the interpreter's libraries: by search path, in LIBDIR, or in lib."""
    facts = needing.elf
    search = [] if facts is None else [*facts.runpath, *facts.rpath]
    origin = str(needing.path.resolve().parent)
    own = [entry.replace("$ORIGIN", origin) for entry in search]
    for folder in (*own, found.library_dir, f"{found.prefix}/{_LIBRARY_DIR}"):
        path = Path(folder, name)
        if path.is_absolute() and path.is_file() and _is_own_folder(folder, found):
            return path
    return None


def _is_own_folder(folder: str, found: Interpreter) -> bool:
    """Whether a directory is the interpreter's own, and not the system's."""
    real = os.path.realpath(folder)
    if found.prefix not in _SYSTEM_PREFIXES:
        return real == found.library_dir or Path(real).is_relative_to(found.prefix)
    # Most of /usr is not Python's; the loader searches libpython's directory by default.
    return real in {found.library_dir, found.stdlib, found.extensions}


def _files_below(folder: Path, root: str) -> Iterator[_ArchiveEntry]:
    """Regular files and links; a link out of the folder becomes a copy of its target."""
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(set(folders) - _LEFT_OUT)
        inside = Path(where).relative_to(folder)
        for name in files:
            if name.endswith(_STATIC_LIBRARY):
                continue
            path = Path(where, name)
            entry = posixpath.join(root, *inside.parts, name)
            if path.is_symlink() and path.resolve().is_relative_to(folder):
                target = os.path.relpath(path.resolve(), path.parent)
                if path.exists():
                    yield _ArchiveEntry(entry, path, target=target)
            elif path.is_file():
                yield _file_entry(entry, path)


def _new_search_path(
    entry: _ArchiveEntry, found: Interpreter, shipped: Collection[str]
) -> tuple[str, ...] | None:
    """A search path that does not lead back to the original tree; ``None`` where the old one fits.

    ``shipped`` are the file names of the libraries in the archive's ``lib``.
    """
    if entry.elf is None:
        return None
    old = entry.elf.runpath or entry.elf.rpath
    foreign = [
        each for each in old if not each.startswith("$ORIGIN") and not _is_own_folder(each, found)
    ]
    folder = posixpath.relpath(_LIBRARY_DIR, posixpath.dirname(entry.name))
    here = [f"$ORIGIN/{folder}"] if {*shipped} & {*entry.elf.needed} else []
    new = (*here, *foreign)
    return None if new == old and not entry.elf.runpath else new


def _relocated(entry: _ArchiveEntry, search: Sequence[str], copy: Path, run: Run) -> Path:
    _copy_stripped(entry.path, copy)
    # RPATH and not RUNPATH: LD_LIBRARY_PATH must not put another libpython in its place.
    option = ["--force-rpath", "--set-rpath", ":".join(search)] if search else ["--remove-rpath"]
    done = run(["patchelf", *option, str(copy)])
    if done.code:
        raise ToolError(
            f"patchelf cannot change {entry.path}: {error_tail(done)}",
            hint="Name another interpreter with --python.",
        )
    return copy


def _copy_stripped(path: Path, target: Path) -> None:
    """Copy an ELF file without its debug sections.

    patchelf may put a segment behind them, which leaves a hole of their size.
    """
    with path.open("rb") as source, target.open("wb") as copy:
        plan = scan(_reader(source)).strip
        source.seek(0)
        if plan is None:
            shutil.copyfileobj(source, copy, CHUNK_BYTES)
        else:
            strip(_reader(source), plan, copy.write)
    target.chmod(0o755)


def _write_archive(
    path: Path, entries: Sequence[_ArchiveEntry], content: Callable[[_ArchiveEntry], Path]
) -> None:
    """Write a tar of ``entries``; ``content`` returns the file that holds an entry's bytes."""
    compressor = zstandard.ZstdCompressor(level=1)
    with (
        path.open("wb") as file,
        compressor.stream_writer(file, closefd=False) as stream,
        tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        for entry in entries:
            info = tarfile.TarInfo(f"python/{entry.name}")
            info.mode = 0o755 if entry.path.stat().st_mode & stat.S_IXUSR else 0o644
            if entry.target:
                info.type, info.linkname = tarfile.SYMTYPE, entry.target
                tar.addfile(info)
                continue
            with content(entry).open("rb") as data:
                info.size = os.fstat(data.fileno()).st_size
                tar.addfile(info, data)
