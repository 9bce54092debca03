"""Archives of the shapes that python-build-standalone publishes, made in memory or on disk."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import zstandard

INSTALL = "python/install/"


@dataclass(frozen=True)
class HardLink:
    """Another name of a file that comes before it in the same tree."""

    name: str


@dataclass
class Tar:
    """A tar that is written member by member, also such as no honest tool would write."""

    _buffer: io.BytesIO = field(default_factory=io.BytesIO)

    def __post_init__(self) -> None:
        self._tar = tarfile.TarFile(fileobj=self._buffer, mode="w", format=tarfile.PAX_FORMAT)

    def file(self, name: str, data: bytes = b"", *, mode: int = 0o644) -> Tar:
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(data), mode
        self._tar.addfile(info, io.BytesIO(data))
        return self

    def other(self, name: str, kind: bytes, target: str = "") -> Tar:
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.mode = kind, target, 0o755
        self._tar.addfile(info)
        return self

    def folder(self, name: str) -> Tar:
        return self.other(name, tarfile.DIRTYPE)

    def link(self, name: str, target: str) -> Tar:
        return self.other(name, tarfile.SYMTYPE, target)

    def hard_link(self, name: str, target: str) -> Tar:
        return self.other(name, tarfile.LNKTYPE, target)

    def all(self, root: str, files: Mapping[str, bytes | str | HardLink]) -> Tar:
        """Bytes are files (programs below ``bin/``), text is a link's target."""
        for name, content in files.items():
            if isinstance(content, str):
                self.link(root + name, content)
            elif isinstance(content, HardLink):
                self.hard_link(root + name, root + content.name)
            else:
                self.file(root + name, content, mode=0o755 if name.startswith("bin/") else 0o644)
        return self

    def tar(self) -> bytes:
        self._tar.close()
        return self._buffer.getvalue()

    def zst(self) -> bytes:
        return zstandard.ZstdCompressor(level=3).compress(self.tar())

    def gz(self) -> bytes:
        return gzip.compress(self.tar(), mtime=0)


def unix_tree(version: str = "3.14") -> dict[str, bytes | str]:
    """The bones of an interpreter: what trimming keeps, and one file for each rule."""
    lib = f"lib/python{version}"
    return {
        f"bin/python{version}": b"#!/bin/sh\necho fake python\n",
        "bin/python3": f"python{version}",
        "bin/pip3": b"#!/bin/sh\n",
        "bin/idle3": b"#!/bin/sh\n",
        "bin/python3-config": b"#!/bin/sh\n",
        "include/Python.h": b"/* header */",
        f"lib/libpython{version}.a": b"!<arch>\n",
        f"{lib}/os.py": b"# os\n" * 50,
        f"{lib}/json/__init__.py": b"# json\n" * 50,
        f"{lib}/encodings/aliases.py": b"aliases = {}\n" * 20,
        f"{lib}/__pycache__/os.cpython-314.pyc": b"\0\0\0\0",
        f"{lib}/test/test_os.py": b"# test\n",
        f"{lib}/sqlite3/test/regression.py": b"# test\n",
        f"{lib}/unittest/test_thing.py": b"# test\n",
        f"{lib}/ensurepip/__init__.py": b"# pip\n",
        f"{lib}/idlelib/idle.py": b"# idle\n",
        f"{lib}/lib2to3/main.py": b"# 2to3\n",
        f"{lib}/pydoc_data/topics.py": b"# topics\n",
        f"{lib}/site-packages/pip/__init__.py": b"# pip\n",
        f"{lib}/turtledemo/clock.py": b"# turtle\n",
        f"{lib}/config-{version}-x86_64-linux-gnu/Makefile": b"all:\n",
        f"{lib}/lib-dynload/_testcapi.so": b"test\n",
        f"{lib}/lib-dynload/_json.so": b"extension\n",
        "share/man/man1/python3.1": b".TH",
    }


def windows_tree() -> dict[str, bytes | str]:
    return {
        "python.exe": b"MZ python",
        "python314.dll": b"MZ dll",
        "vcruntime140.dll": b"MZ runtime",
        "DLLs/_ssl.pyd": b"MZ ssl",
        "DLLs/_testcapi.pyd": b"MZ test",
        "Lib/os.py": b"# os\r\n" * 50,
        "Lib/json/__init__.py": b"# json\n" * 50,
        "Lib/test/test_os.py": b"# test\n",
        "Lib/site-packages/pip/__init__.py": b"# pip\n",
        "Scripts/pip.exe": b"MZ pip",
        "libs/python314.lib": b"lib",
        "python.pdb": b"pdb",
    }


@dataclass(frozen=True)
class Extension:
    """An extension module as PYTHON.json lists it; ``file`` is relative to the tree.

    ``system`` are libraries that it takes from the system.
    """

    name: str
    file: str = ""
    licenses: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    system: tuple[str, ...] = ()


OPENSSL = ("LICENSE.openssl-1.1.txt", "LICENSE.openssl-3.txt")
"""PBS names both versions wherever one is linked, and zlib-ng beside zlib."""
NOT_SHIPPED = frozenset({"LICENSE.zlib-ng.txt"})
"""What PYTHON.json names and PBS's archives lack."""


def unix_extensions(version: str = "3.14") -> tuple[Extension, ...]:
    """Most are linked into the interpreter; Berkeley DB and Tcl/Tk come in files of their own."""
    dynload = f"lib/python{version}/lib-dynload"
    return (
        Extension("_json", f"{dynload}/_json.so"),
        Extension("_ssl", "", ("Apache-2.0", "OpenSSL"), OPENSSL),
        Extension("_hashlib", "", ("Apache-2.0", "OpenSSL"), OPENSSL),
        Extension("zlib", "", ("Zlib",), ("LICENSE.zlib-ng.txt", "LICENSE.zlib.txt")),
        Extension("_sqlite3", "", (), ("LICENSE.sqlite.txt",)),
        Extension("_curses", "", ("X11",), ("LICENSE.ncurses.txt",)),
        Extension(
            "readline",
            "",
            ("BSD-3-Clause", "X11"),
            ("LICENSE.libedit.txt", "LICENSE.ncurses.txt"),
        ),
        Extension("_dbm", f"{dynload}/_dbm.so", ("Sleepycat",), ("LICENSE.bdb.txt",)),
        Extension(
            "_tkinter",
            f"{dynload}/_tkinter.so",
            ("MIT", "TCL"),
            ("LICENSE.libX11.txt", "LICENSE.tcl.txt"),
        ),
    )


WINDOWS_EXTENSIONS = (
    Extension("_ssl", "DLLs/_ssl.pyd", ("Apache-2.0", "OpenSSL"), OPENSSL),
    Extension("_tkinter", "DLLs/_tkinter.pyd", ("TCL",), ("LICENSE.tcl.txt",)),
    Extension("_sqlite3", "DLLs/_sqlite3.pyd", (), ("LICENSE.sqlite.txt",)),
)


def python_json(version: str, triple: str, extensions: Iterable[Extension] = ()) -> bytes:
    """The fields of PYTHON.json that PBS documents and that a reader may want."""
    return json.dumps(
        {
            "version": "8",
            "target_triple": triple,
            "build_options": "pgo+lto",
            "python_version": version,
            "python_exe": "install/bin/python3",
            "python_paths": {"stdlib": f"install/lib/python{version.rpartition('.')[0]}"},
            "python_stdlib_test_packages": ["test"],
            "libpython_link_mode": "static",
            "crt_features": ["glibc-dynamic", "glibc-max-symbol-version:2.17"],
            "licenses": ["Python-2.0", "CNRI-Python"],
            "license_path": "licenses/LICENSE.cpython.txt",
            "build_info": {
                "core": {"links": [{"name": "m", "system": True}]},
                "extensions": {each.name: [_extension(each)] for each in extensions},
            },
        }
    ).encode()


def beside_tree(version: str, triple: str, extensions: Iterable[Extension]) -> dict[str, bytes]:
    """PYTHON.json and made-up licence texts, by their names in a full archive."""
    extensions = tuple(extensions)
    texts = {text for each in extensions for text in each.texts} | {"LICENSE.cpython.txt"}
    return {
        **{f"python/licenses/{text}": text.encode() for text in sorted(texts)},
        "python/PYTHON.json": python_json(version, triple, extensions),
    }


def _extension(extension: Extension) -> dict[str, object]:
    links = [{"name": name, "system": True} for name in extension.system]
    fields: dict[str, object] = {"in_core": False, "links": links, "required": False}
    if extension.file:
        fields["shared_lib"] = f"install/{extension.file}"
    if extension.texts:
        fields["licenses"] = list(extension.licenses)
        fields["license_paths"] = [f"licenses/{name}" for name in extension.texts]
        fields["license_public_domain"] = not extension.licenses
    return fields


def full_archive(
    tree: Mapping[str, bytes | str | HardLink],
    *,
    version: str = "3.14.9",
    triple: str = "x86_64-unknown-linux-gnu",
    extra: Iterable[tuple[str, bytes]] = (),
    extensions: Iterable[Extension] | None = None,
) -> bytes:
    """A ``-full.tar.zst``: the tree, and all that PBS ships beside it."""
    if extensions is None:
        minor = version.rpartition(".")[0]
        all_of_them = WINDOWS_EXTENSIONS if "windows" in triple else unix_extensions(minor)
        extensions = [each for each in all_of_them if not each.file or each.file in tree]
    extensions = tuple(extensions)
    tar = Tar().file("python/PYTHON.json", python_json(version, triple, extensions))
    tar.file("python/build/core/Modules/main.o", b"\x7fELF object" * 100)
    tar.file("python/build/lib/libssl.a", b"!<arch>\n" * 100)
    tar.all(INSTALL, tree)
    tar.file("python/licenses/LICENSE.cpython.txt", b"PSF LICENSE AGREEMENT\n")
    for name in sorted({name for each in extensions for name in each.texts} - NOT_SHIPPED):
        tar.file(f"python/licenses/{name}", f"the licence {name}\n".encode())
    for name, data in extra:
        tar.file(name, data)
    return tar.zst()
