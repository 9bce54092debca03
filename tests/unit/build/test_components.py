"""What a payload contains: PYTHON.json's licences, of what is shipped, and versions in binaries."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from pipeline.build.components import (
    component_name,
    parse_build_info,
    plan_components,
    possible_texts,
    settle_components,
)
from pipeline.formats.payload.model import Component
from pipeline.system.errors import ArchiveError
from tests.builders.pbs_archive import Extension, python_json, unix_extensions

DYNLOAD = "lib/python3.14/lib-dynload"
TEXTS = {f"licenses/{text}" for each in unix_extensions() for text in each.texts}
TEXTS |= {"licenses/LICENSE.cpython.txt", "licenses/LICENSE.expat.txt"}


def planned(*dropped: str, extensions: Sequence[Extension] = ()) -> tuple[Component, ...]:
    data = python_json("3.14.9", "x", extensions or unix_extensions())
    return plan_components(parse_build_info(data, where="a"), set(dropped))


def settled(*dropped: str, **found: str) -> tuple[Component, ...]:
    return settle_components(planned(*dropped), found or {"openssl": "3.5.4"}, TEXTS)


def names(components: Sequence[Component]) -> list[str]:
    return [each.name for each in components]


def test_cpython_comes_first_and_what_is_linked_into_it_follows() -> None:
    dropped = (f"{DYNLOAD}/_dbm.so", f"{DYNLOAD}/_tkinter.so")
    components = settled(*dropped)
    assert components[0] == Component(
        "cpython", "3.14.9", ("Python-2.0", "CNRI-Python"), ("licenses/LICENSE.cpython.txt",)
    )
    assert names(components[1:]) == ["libedit", "ncurses", "openssl", "sqlite", "zlib"]


def test_a_library_of_an_extension_goes_with_its_file() -> None:
    assert "bdb" not in names(settled(f"{DYNLOAD}/_dbm.so"))
    (found,) = [each for each in settled(f"{DYNLOAD}/_tkinter.so") if each.name == "bdb"]
    assert found.licenses == ("Sleepycat",)
    assert {"tcl", "libX11"} <= set(names(settled()))


def test_a_library_of_the_system_does_not_ship() -> None:
    """macOS has a zlib and a libedit; PYTHON.json names their licences all the same."""
    texts = ("LICENSE.zlib-ng.txt", "LICENSE.zlib.txt")
    zlib = Extension("zlib", "", ("Zlib",), texts, system=("z",))
    assert names(planned(extensions=[zlib])) == ["cpython"]
    assert names(planned(extensions=[Extension("zlib", "", ("Zlib",), texts)])) == [
        "cpython", "zlib", "zlib-ng",
    ]  # fmt: skip


def test_the_ids_of_a_library_are_its_own_not_those_of_its_neighbours() -> None:
    by_name = {each.name: each.licenses for each in settled()}
    assert by_name["libedit"] == ("BSD-3-Clause",)
    assert by_name["ncurses"] == ("X11",)
    assert by_name["openssl"] == ("Apache-2.0",)
    assert by_name["sqlite"] == ()


@pytest.mark.parametrize(
    ("version", "texts"),
    [
        ("3.5.4", ["LICENSE.openssl-3.txt"]),
        ("1.1.1w", ["LICENSE.openssl-1.1.txt"]),
        ("", ["LICENSE.openssl-1.1.txt", "LICENSE.openssl-3.txt"]),
    ],
)
def test_of_two_openssls_the_one_of_the_binaries_stays(version: str, texts: list[str]) -> None:
    found = [each for each in settled(openssl=version) if each.name == "openssl"]
    assert [each.texts for each in found] == [(f"licenses/{text}",) for text in texts]
    assert {each.version for each in found} == {version}


def test_of_zlib_and_zlib_ng_the_one_that_is_there_stays() -> None:
    assert "zlib-ng" not in names(settled())
    ng = settle_components(planned(), {"zlib-ng": ""}, TEXTS)
    assert "zlib" not in names(ng)
    (found,) = [each for each in ng if each.name == "zlib-ng"]
    assert found.licenses == ("Zlib",)


def test_what_only_the_binaries_tell_is_a_component_too() -> None:
    assert "expat" not in names(settled())
    (expat,) = [each for each in settled(expat="2.7.3") if each.name == "expat"]
    assert expat == Component("expat", "2.7.3", ("MIT",), ("licenses/LICENSE.expat.txt",))


def test_a_text_that_nobody_has_is_not_claimed() -> None:
    components = settle_components(planned(), {}, TEXTS - {"licenses/LICENSE.sqlite.txt"})
    (sqlite,) = [each for each in components if each.name == "sqlite"]
    assert sqlite.texts == ()


def test_every_text_that_may_be_asked_for_is_named_before() -> None:
    possible = set(possible_texts(planned()))
    for found in ({}, {"zlib-ng": "", "expat": "1", "openssl": "1.1.1"}):
        components = settle_components(planned(), found, possible)
        assert {text for each in components for text in each.texts} <= possible


def test_a_version_that_is_known_stays() -> None:
    components = settled(cpython="9.9.9")
    assert components[0].version == "3.14.9"


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


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"build_info": {"extensions": 3}}',
        python_json("3.14.9", "x").replace(b'["Python-2.0", "CNRI-Python"]', b'"Python-2.0"'),
    ],
    ids=range(6),
)
def test_another_python_json_is_an_error(data: bytes) -> None:
    with pytest.raises(ArchiveError, match=r"a\.tar: PYTHON\.json has no licences in a known form"):
        parse_build_info(data, where="a.tar")


def test_an_extension_in_the_core_needs_no_file() -> None:
    fields = json.loads(python_json("3.14.9", "x", [Extension("_ssl", "DLLs/_ssl.pyd")]))
    fields["build_info"]["extensions"]["_ssl"][0]["in_core"] = True
    info = parse_build_info(json.dumps(fields).encode(), where="a")
    assert info.extensions[0].file == ""
