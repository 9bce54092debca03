"""Kinds of files and packages."""

from __future__ import annotations

import pytest

from pipeline.publish.breakdown import (
    LARGEST,
    ContentSize,
    FileKind,
    break_down,
    kind_of,
    package_of,
)


@pytest.mark.parametrize(
    ("name", "kind", "package"),
    [
        ("bin/python3.14", FileKind.PROGRAM, "(interpreter)"),
        ("lib/libpython3.14.so.1.0", FileKind.PROGRAM, "(interpreter)"),
        ("lib/libpython3.14t.dylib", FileKind.PROGRAM, "(interpreter)"),
        ("python.exe", FileKind.PROGRAM, "(interpreter)"),
        ("vcruntime140.dll", FileKind.PROGRAM, "(interpreter)"),
        ("lib/python3.14/lib-dynload/_json.so", FileKind.EXTENSION, "(extension modules)"),
        ("DLLs/_ssl.pyd", FileKind.EXTENSION, "(extension modules)"),
        ("DLLs/libcrypto-3-x64.dll", FileKind.EXTENSION, "(extension modules)"),
        ("lib/python3.14/os.py", FileKind.SOURCE, "(single modules)"),
        ("lib/python3.14t/json/decoder.py", FileKind.SOURCE, "json"),
        ("lib64/python3.9/xml/dom/minidom.py", FileKind.SOURCE, "xml"),
        ("Lib/json/decoder.py", FileKind.SOURCE, "json"),
        ("lib/python3.14/__pycache__/os.cpython-314.pyc", FileKind.BYTECODE, "(single modules)"),
        ("Lib/json/__pycache__/decoder.cpython-314.pyc", FileKind.BYTECODE, "json"),
        ("Lib/venv/scripts/nt/venvlauncher.exe", FileKind.PROGRAM, "venv"),
        ("licenses/LICENSE.openssl-3.txt", FileKind.LICENCE, "(licences)"),
        ("lib/python3.14/LICENSE.txt", FileKind.LICENCE, "(other files)"),
        ("lib/python3.14/email/architecture.rst", FileKind.DATA, "email"),
        ("share/terminfo/x", FileKind.DATA, "(other files)"),
    ],
)
def test_kind_and_package_of_a_path(name: str, kind: FileKind, package: str) -> None:
    assert (kind_of(name), package_of(name)) == (kind, package)


def test_the_largest_packages_have_names_and_the_rest_is_one_row() -> None:
    sizes = range(1, LARGEST + 4)
    contents = [ContentSize(FileKind.SOURCE, f"p{size:02}", size * 10, size) for size in sizes]
    packages = break_down("x", contents).packages
    assert [share.name for share in packages[:2]] == ["p23", "p22"]
    assert len(packages) == LARGEST + 1
    rest = packages[-1]
    assert (rest.name, rest.files, rest.plain_bytes, rest.packed_bytes) == ("(rest)", 3, 60, 6)
    assert break_down("x", contents[:LARGEST]).packages[-1].name == "p01"
