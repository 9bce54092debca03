"""What a payload contains: PYTHON.json's licences, of what is shipped, and versions in binaries."""

from __future__ import annotations

import json

import pytest

from pipeline.components import (
    VersionScout,
    component_name,
    parse_build_info,
    plan_components,
)
from pipeline.errors import ArchiveError
from pipeline.model import Component
from tests.support.archives import Extension, python_json, unix_extensions

TEXTS = {"LICENSE.cpython.txt"} | {text for each in unix_extensions() for text in each.texts}
DYNLOAD = "lib/python3.14/lib-dynload"


def components(*shipped: str) -> tuple[Component, ...]:
    info = parse_build_info(python_json("3.14.9", "x", unix_extensions()), where="a")
    return plan_components(info, set(shipped), TEXTS, where="a")


def test_cpython_comes_first_and_what_is_linked_into_it_follows() -> None:
    found = components()
    assert found[0] == Component(
        "cpython", "3.14.9", ("Python-2.0", "CNRI-Python"), ("licenses/LICENSE.cpython.txt",)
    )
    assert [each.name for each in found[1:]] == ["libedit", "ncurses", "openssl", "sqlite"]


def test_a_library_of_an_extension_counts_only_when_its_file_ships() -> None:
    assert "bdb" not in {each.name for each in components()}
    (found,) = [each for each in components(f"{DYNLOAD}/_dbm.so") if each.name == "bdb"]
    assert found.licenses == ("Sleepycat",)
    names = {each.name for each in components(f"{DYNLOAD}/_tkinter.so")}
    assert {"tcl", "libX11"} <= names


def test_the_ids_of_a_library_are_its_own_not_those_of_its_neighbours() -> None:
    by_name = {each.name: each.licenses for each in components()}
    assert by_name["libedit"] == ("BSD-3-Clause",)
    assert by_name["ncurses"] == ("X11",)
    assert by_name["openssl"] == ("Apache-2.0",)
    assert by_name["sqlite"] == ()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("LICENSE.openssl-3.txt", "openssl"),
        ("LICENSE.openssl-1.1.txt", "openssl"),
        ("LICENSE.libffi.txt", "libffi"),
        ("COPYING", "COPYING"),
    ],
)
def test_names(text: str, name: str) -> None:
    assert component_name(text) == name


def test_a_licence_that_the_archive_lacks_is_an_error_that_names_it() -> None:
    info = parse_build_info(python_json("3.14.9", "x", unix_extensions()), where="a")
    with pytest.raises(ArchiveError) as caught:
        plan_components(info, set(), TEXTS - {"LICENSE.openssl-3.txt"}, where="a.tar")
    assert caught.value.faults == ("licenses/LICENSE.openssl-3.txt",)


@pytest.mark.parametrize("data", [b"{", b"[]", b"{}", b'{"build_info": {"extensions": 3}}'])
def test_another_python_json_is_an_error(data: bytes) -> None:
    with pytest.raises(ArchiveError, match=r"a\.tar: PYTHON\.json does not tell the licences"):
        parse_build_info(data, where="a.tar")


def test_an_extension_in_the_core_needs_no_file() -> None:
    fields = json.loads(python_json("3.14.9", "x", [Extension("_ssl", "DLLs/_ssl.pyd")]))
    fields["build_info"]["extensions"]["_ssl"][0]["in_core"] = True
    info = parse_build_info(json.dumps(fields).encode(), where="a")
    assert info.extensions[0].file == ""


LIBRARIES = tuple(
    Component(name, "", ())
    for name in ("bdb", "bzip2", "expat", "libffi", "ncurses", "openssl", "sqlite", "zlib")
)
BINARY = (
    b"\x7fELF\0Berkeley DB 6.0.19: (August, 2013)\x001.0.8, 13-Jul-2019\0expat_2.7.3\0"
    b"ncurses 6.5.20240427\0OpenSSL 3.5.4 30 Sep 2025\x003.14.9\0\xff3.50.4\0"
    b" deflate 1.3.1 Copyright 1995-2024 Jean-loup Gailly\0"
)


@pytest.mark.parametrize("step", [1, 7, 64, 4096])
def test_versions_are_found_however_the_bytes_are_cut(step: int) -> None:
    scout = VersionScout(LIBRARIES)
    see = scout.watch()
    for start in range(0, len(BINARY), step):
        see(BINARY[start : start + step])
    assert {each.name: each.version for each in scout.versions(LIBRARIES)} == {
        "bdb": "6.0.19", "bzip2": "1.0.8", "expat": "2.7.3", "libffi": "", "ncurses": "6.5",
        "openssl": "3.5.4", "sqlite": "3.50.4", "zlib": "1.3.1",
    }  # fmt: skip


def test_two_files_that_disagree_tell_nothing() -> None:
    openssl = (Component("openssl", "", ()),)
    scout = VersionScout(openssl)
    scout.watch()(b"OpenSSL 3.5.4 30 Sep 2025")
    scout.watch()(b"OpenSSL 3.5.4 30 Sep 2025")
    assert scout.versions(openssl)[0].version == "3.5.4"
    scout.watch()(b"OpenSSL 3.0.16 11 Feb 2025")
    assert scout.versions(openssl) == openssl


def test_a_version_that_is_known_stays() -> None:
    known = (Component("openssl", "1.2.3", ()),)
    scout = VersionScout(known)
    scout.watch()(b"OpenSSL 3.5.4 30 Sep 2025")
    assert scout.versions(known) == known
