"""Archives as python-build-standalone lays them out on each platform, small and made in memory.

What ships and what is dropped is listed here by name, so that a test need not ask the trim rules.
It is a choice of the real names: every rule and part of ``[trim]`` has something to do.

Sources: the manifests of go-embed-python 3.14.6 (names on Linux, macOS and Windows); PBS's
``build-cpython.sh`` and ``cpython-windows/build.py`` (which binaries load libpython, the names of
free-threaded builds); CPython's ``Makefile.pre.in`` (hard links) and ``PC/layout``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pipeline.config.model import FREE_THREADED, Cell
from tests.builders.elf import Builder
from tests.builders.macho import CPU_TYPES, ID, LOAD, Command, thin
from tests.builders.pbs_archive import Extension, HardLink, full_archive

Tree: TypeAlias = dict[str, bytes | str | HardLink]
"""Bytes are a file, text is a link's target."""

DT_NEEDED, DT_SONAME = 1, 14

STDLIB = """
os.py abc.py site.py pydoc.py doctest.py __future__.py __phello__/__init__.py
asyncio/__init__.py asyncio/base_events.py collections/__init__.py collections/abc.py
concurrent/futures/thread.py ctypes/macholib/fetch_macholib ctypes/macholib/fetch_macholib.bat
email/__init__.py email/architecture.rst encodings/__init__.py encodings/aliases.py
encodings/utf_8.py importlib/metadata/__init__.py json/__init__.py json/decoder.py
logging/config.py multiprocessing/dummy/__init__.py sqlite3/dbapi2.py unittest/__init__.py
unittest/case.py venv/__init__.py venv/scripts/common/activate venv/scripts/common/Activate.ps1
xml/dom/minidom.py zoneinfo/_tzpath.py
"""
STDLIB_BY_MINOR = {
    "3.14": "_pyrepl/mypy.ini annotationlib.py compression/zstd/_zstdfile.py tomllib/_parser.py",
    "3.10": "asynchat.py distutils/core.py distutils/command/build.py imp.py",
}
STDLIB_LEAVES = """
__pycache__/os.cpython-{py}.pyc ensurepip/__init__.py idlelib/__init__.py idlelib/idle.py
idlelib/Icons/idle_16.png pydoc_data/topics.py site-packages/README.txt
site-packages/pip/__init__.py site-packages/pip/__pycache__/__init__.cpython-{py}.pyc
site-packages/pip-26.3.dist-info/METADATA test/__init__.py test/test_os.py
test/support/__init__.py tkinter/__init__.py tkinter/ttk.py turtle.py turtledemo/clock.py
"""
STDLIB_LEAVES_BY_MINOR = {
    "3.14": "test/test_ctypes/test_find.py",
    "3.10": "ctypes/test/test_find.py distutils/tests/test_core.py idlelib/idle_test/test_run.py "
    "lib2to3/main.py lib2to3/tests/test_main.py sqlite3/test/dbapi.py "
    "site-packages/setuptools/__init__.py unittest/test/test_case.py",
}

UNIX = """
LICENSE.txt lib-dynload/.empty venv/scripts/posix/activate.csh
"""
UNIX_LEAVES = """
{config}/Makefile {config}/Setup.local {config}/install-sh {config}/python.o {config}/config.c
{config}/python-config.py {config}/libpython.a
"""
SCRIPT_LINKS = {"bin/idle3": "idle{minor}", "bin/pydoc3": "pydoc{minor}"}
AROUND_UNIX = """
bin/idle{minor} bin/pip bin/pip3 bin/pip{minor} bin/pydoc{minor} bin/python{name}-config
include/python{name}/Python.h lib/pkgconfig/python-{minor}.pc share/man/man1/python{minor}.1
"""
UNIX_GENERATED_BY_MINOR = {
    "3.14": "_sysconfigdata_{about}.py _sysconfig_vars_{about}.json build-details.json",
    "3.10": "_sysconfigdata_{about}.py",
}
"""What ``make install`` writes for each target."""
EXTENSIONS_LEAVE = """
_ctypes_test _testbuffer _testcapi _testimportmultiple _testmultiphase _tkinter _xxtestfuzz
xxlimited xxsubtype
"""
TERMINFO: Tree = {
    "share/terminfo/2/2621A": "2621a",
    "share/terminfo/2/2621a": b"\x1a\x01 hp 2621",
    "share/terminfo/E/Eterm": "../e/eterm",
    "share/terminfo/e/eterm": b"\x1a\x01 eterm",
}
"""On Linux: links, and names that differ in case only."""
TCL_BY_MINOR = {
    "3.14": "lib/libtcl9.0{so} lib/libtcl9tk9.0{so} lib/itcl4.3.5/libtcl9itcl4.3.5{so} "
    "lib/thread3.0.4/libtcl9thread3.0.4{so} lib/tcl9/9.0/msgcat-1.7.1.tm lib/tk9.0/button.tcl",
    "3.10": "lib/libtcl8.6{so} lib/libtk8.6{so} lib/tcl8/8.6/http-2.9.8.tm lib/tcl8.6/init.tcl "
    "lib/tk8.6/button.tcl lib/itcl4.2.2/itcl.tcl lib/thread2.8.7/ttrace.tcl",
}

WINDOWS = """
python.exe pythonw.exe python3{t}.dll python{py}{t}.dll vcruntime140.dll vcruntime140_1.dll
DLLs/_asyncio{tag}.pyd DLLs/_ctypes{tag}.pyd DLLs/_decimal{tag}.pyd DLLs/_socket{tag}.pyd
DLLs/_sqlite3{tag}.pyd DLLs/_ssl{tag}.pyd DLLs/pyexpat{tag}.pyd DLLs/unicodedata{tag}.pyd
DLLs/libcrypto{ssl}.dll DLLs/libssl{ssl}.dll DLLs/libffi-8.dll DLLs/sqlite3.dll
Lib/venv/scripts/nt/venvlauncher{t}.exe Lib/venv/scripts/nt/venvwlauncher{t}.exe
"""
WINDOWS_LEAVES = """
python.pdb python{py}{t}.pdb DLLs/_ssl{tag}.pdb DLLs/_ctypes_test{tag}.pdb
DLLs/_ctypes_test{tag}.pyd DLLs/_testcapi{tag}.pyd DLLs/_testbuffer{tag}.pyd
DLLs/_testimportmultiple{tag}.pyd DLLs/_tkinter{tag}.pyd DLLs/xxlimited{tag}.pyd
include/Python.h libs/python3{t}.lib libs/python{py}{t}.lib Scripts/.empty
"""
TK_ON_WINDOWS = {
    # Since 3.14.7 Tk 9, whose scripts are inside its DLL.
    "3.14": "DLLs/tcl90.dll DLLs/tcl9tk90.dll DLLs/libtommath.dll DLLs/zlib1.dll",
    "3.10": "DLLs/tcl86t.dll DLLs/tk86t.dll DLLs/zlib1.dll tcl/tcl8.6/init.tcl "
    "tcl/dde1.4/tcldde14.dll tcl/nmake/x86_64-w64-mingw32-nmakehlp.exe",
}

LOAD_LIBPYTHON = frozenset(
    {"3.14.9/darwin-amd64"}
    | {f"3.10.22/linux-{arch}{libc}" for arch in ("amd64", "arm64") for libc in ("", "-musl")}
    | {"3.10.22/linux-amd64-v3", "3.10.22/darwin-amd64", "3.10.22/darwin-arm64"}
)
"""The cells whose ``bin/python3`` loads libpython; that of the others is in the program itself."""

_MACHINES = {"amd64": ("x86_64", 62), "arm64": ("aarch64", 183)}
"""By GOARCH: what the names of files call it, and e_machine."""


@dataclass(frozen=True)
class Layout:
    """A cell's archive: what of its tree ``ships``, and what ``leaves``."""

    cell: Cell
    ships: Tree
    leaves: Tree
    extensions: tuple[Extension, ...]
    licenses: tuple[str, ...]
    """The texts that ship, without those of what leaves; sorted."""

    def archive(self) -> bytes:
        """The ``-full.tar.zst``."""
        return full_archive(
            {**self.leaves, **self.ships},
            version=str(self.cell.line.python),
            triple=self.cell.platform.triple,
            extensions=self.extensions,
        )

    def files(self) -> dict[str, bytes]:
        """The contents of the files that ship, as the archive has them."""
        found = {}
        for name, content in self.ships.items():
            data = self.ships[content.name] if isinstance(content, HardLink) else content
            if isinstance(data, bytes):
                found[name] = data
        return found

    def links(self) -> dict[str, str]:
        """The targets of the links that ship."""
        return {name: target for name, target in self.ships.items() if isinstance(target, str)}


def make_layout(cell: Cell) -> Layout:
    """The archive of a cell; its line is one of 3.14 or 3.10."""
    words = _words(cell)
    is_windows = cell.platform.goos == "windows"
    tree = (_windows if is_windows else _unix)(cell, words)
    extensions = tuple(_extensions(cell, words))
    gone = {"LICENSE.libX11.txt", "LICENSE.tcl.txt"}
    texts = {text for each in extensions for text in each.texts} - gone
    return Layout(cell, *tree, extensions, tuple(sorted({"LICENSE.cpython.txt", *texts})))


def _words(cell: Cell) -> dict[str, str]:
    """What the fields in the tables stand for."""
    minor, platform = cell.line.python.minor_line, cell.platform
    t = "t" if cell.line.variant == FREE_THREADED else ""
    name, py = f"{minor}{t}", minor.replace(".", "")
    words = {"minor": minor, "t": t, "name": name, "py": py}
    if platform.goos == "windows":
        arch = {"amd64": "-x64", "arm64": "-arm64"}[platform.goarch]
        ssl = f"-1_1{arch}" if minor == "3.10" else f"-3{arch}"
        return words | {"ssl": ssl, "tag": f".cp{py}t-win_{platform.goarch}" if t else ""}
    multiarch = f"{_MACHINES[platform.goarch][0]}-linux-{platform.libc or 'gnu'}"
    so, library = ".so", f"libpython{name}.so.1.0"
    if platform.goos == "darwin":
        multiarch, so, library = "darwin", ".dylib", f"libpython{name}.dylib"
    return words | {
        "multiarch": multiarch,
        "config": f"config-{name}-{multiarch}",
        "about": f"{t}_{platform.goos}_{multiarch}",
        "tag": f".cpython-{py}{t}-{multiarch}.so",
        "stdlib": f"lib/python{name}",
        "so": so,
        "libpython": library,
    }


def _named(table: str, words: Mapping[str, str]) -> list[str]:
    return table.format_map(words).split()


def _texts(root: str, table: str, words: Mapping[str, str]) -> Tree:
    return {f"{root}{name}": _text(name) for name in _named(table, words)}


def _text(name: str) -> bytes:
    """The same on every platform, as sources are."""
    return b"" if name.endswith(".empty") else f"# {name}\n".encode() * 20


def _unix(cell: Cell, words: Mapping[str, str]) -> tuple[Tree, Tree]:
    minor, stdlib = words["minor"], f"{words['stdlib']}/"
    ships = _texts(stdlib, f"{STDLIB} {STDLIB_BY_MINOR[minor]} {UNIX}", words)
    leaves = _texts(stdlib, f"{STDLIB_LEAVES} {STDLIB_LEAVES_BY_MINOR[minor]}", words)
    leaves |= _texts(stdlib, UNIX_LEAVES, words) | _texts("", AROUND_UNIX, words)
    leaves |= {name: target.format_map(words) for name, target in SCRIPT_LINKS.items()}
    for name in _named(UNIX_GENERATED_BY_MINOR[minor], words):
        ships[stdlib + name] = f"# {cell.name}\n".encode()
    if minor == "3.10":
        leaves |= {"bin/2to3": "2to3-3.10", "bin/2to3-3.10": b"#!/bin/sh\n"}
    if cell.platform.goos == "linux":
        leaves |= TERMINFO
    _add_programs(cell, words, ships, leaves)
    _add_libraries(cell, words, ships, leaves)
    return ships, leaves


def _add_programs(cell: Cell, words: Mapping[str, str], ships: Tree, leaves: Tree) -> None:
    program, plain = f"bin/python{words['name']}", f"bin/python{words['minor']}"
    ships[program] = _binary(cell, program, *_loaded_by_program(cell, words["libpython"]))
    if plain != program:
        ships[plain] = HardLink(program)
        leaves[f"{plain}-config"] = _text(plain)
    ships |= {"bin/python3": f"python{words['minor']}", "bin/python": f"python{words['minor']}"}
    leaves["bin/python3-config"] = f"python{words['minor']}-config"


def _loaded_by_program(cell: Cell, library: str) -> list[str]:
    """How PBS's programs name the libpython that they load; musl knows no $ORIGIN there."""
    if cell.name not in LOAD_LIBPYTHON:
        return []
    if cell.platform.goos == "darwin":
        return [f"@executable_path/../lib/{library}"]
    return [library if cell.platform.libc else f"$ORIGIN/../lib/{library}"]


def _add_libraries(cell: Cell, words: Mapping[str, str], ships: Tree, leaves: Tree) -> None:
    libpython, dynload = words["libpython"], f"{words['stdlib']}/lib-dynload"
    place = ships if cell.name in LOAD_LIBPYTHON else leaves
    place[f"lib/{libpython}"] = _binary(cell, libpython)
    if cell.platform.goos == "linux":
        leaves[f"lib/{libpython.removesuffix('.1.0')}"] = libpython
        leaves["lib/libpython3.so"] = _binary(cell, "libpython3.so", libpython)
    ships[f"{dynload}/_dbm{words['tag']}"] = _binary(cell, "_dbm")
    for name in EXTENSIONS_LEAVE.split():
        leaves[f"{dynload}/{name}{words['tag']}"] = _binary(cell, name)
    for name in _named(TCL_BY_MINOR[words["minor"]], words):
        leaves[name] = _binary(cell, name) if name.endswith(words["so"]) else _text(name)


def _windows(cell: Cell, words: Mapping[str, str]) -> tuple[Tree, Tree]:
    minor = words["minor"]
    ships = _texts("Lib/", f"{STDLIB} {STDLIB_BY_MINOR[minor]}", words)
    leaves = _texts("Lib/", f"{STDLIB_LEAVES} {STDLIB_LEAVES_BY_MINOR[minor]}", words)
    ships |= {name: _pe(cell, name) for name in _named(WINDOWS, words)}
    ships |= {"Lib/venv/scripts/nt/activate.bat": b"@echo off\r\n", "LICENSE.txt": b"A. HISTORY\n"}
    if words["t"]:
        # PBS copies the programs to the names that they have elsewhere.
        ships["python3.14t.exe"] = ships["python.exe"]
        ships["pythonw3.14t.exe"] = ships["pythonw.exe"]
    for name in _named(f"{WINDOWS_LEAVES} {TK_ON_WINDOWS[minor]}", words):
        leaves[name] = _pe(cell, name)
    return ships, leaves


def _binary(cell: Cell, name: str, *needed: str) -> bytes:
    """A program or library of the platform, which loads ``needed`` and the C library."""
    own = f"{cell.name}/{name}"
    if cell.platform.goos == "darwin":
        loads = [Command(LOAD, each.encode()) for each in [*needed, "/usr/lib/libSystem.B.dylib"]]
        signature = f"the signature of {own}".encode()
        commands = [Command(ID, own.encode()), *loads]
        return thin(commands, tail=signature, cpu_type=CPU_TYPES[cell.platform.goarch])
    builder = Builder(64, "little")
    builder.machine = machine_of(cell)
    builder.dynamic_strings, builder.tags = b"\0", []
    libc = "libc.so" if cell.platform.libc else "libc.so.6"
    for tag, text in [*((DT_NEEDED, each) for each in [*needed, libc]), (DT_SONAME, own)]:
        builder.tags.append((tag, len(builder.dynamic_strings)))
        builder.dynamic_strings += text.encode() + b"\0"
    return builder.build()


def machine_of(cell: Cell) -> int:
    """The e_machine of the cell's ELF files."""
    return _MACHINES[cell.platform.goarch][1]


def _pe(cell: Cell, name: str) -> bytes:
    return b"MZ" + f"{cell.name}/{name} ".encode() * 10


def _extensions(cell: Cell, words: Mapping[str, str]) -> Iterator[Extension]:
    """What PYTHON.json lists of those that are linked with other software."""
    goos, tag = cell.platform.goos, words["tag"]

    def file(name: str) -> str:
        return f"DLLs/{name}{tag}.pyd" if goos == "windows" else ""

    openssl = ("OpenSSL", "1.1") if words["minor"] == "3.10" else ("Apache-2.0", "3")
    yield Extension("_ssl", file("_ssl"), openssl[:1], (f"LICENSE.openssl-{openssl[1]}.txt",))
    yield Extension("_sqlite3", file("_sqlite3"), (), ("LICENSE.sqlite.txt",))
    dynload = f"{words.get('stdlib')}/lib-dynload"
    tkinter = file("_tkinter") or f"{dynload}/_tkinter{tag}"
    yield Extension("_tkinter", tkinter, ("TCL",), ("LICENSE.libX11.txt", "LICENSE.tcl.txt"))
    if goos == "linux":
        yield Extension("_curses", "", ("X11",), ("LICENSE.ncurses.txt",))
        dbm = f"{dynload}/_dbm{tag}"
        yield Extension("_dbm", dbm, ("Sleepycat",), ("LICENSE.bdb.txt",))
