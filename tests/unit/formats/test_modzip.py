"""The rules of Go module zips; the integration test of the same name asks Go itself."""

from __future__ import annotations

import pytest

from pipeline.formats.modzip import (
    MAX_SPECIAL_BYTES,
    MAX_ZIP_BYTES,
    ZipFile,
    module_faults,
    path_fault,
    zip_faults,
)


@pytest.mark.parametrize(
    "path",
    [
        *("go.mod", "a/b.go", ".gitattributes", "a/é.txt", "a b/(c)", "nulls", "a/auxiliary.go"),
        *("x~y", "longna~1.txt", "vendor/a.go", "a/vendor/b.go", "a/vendor", "a/.hg_archival.txt"),
    ],
)
def test_good_paths(path: str) -> None:
    assert path_fault(path) == ""


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("testdata/nul", "name of a device"),
        ("aux.py", "name of a device"),
        ("a/COM1.tar.gz", "name of a device"),
        ("vendor/a/b.go", "named vendor"),
        ("a/vendor/b/c.go", "named vendor"),
        ("vendor/modules.txt", "of this name"),
        (".hg_archival.txt", "of this name"),
        ("a/go.mod", "another module"),
        ("a/GO.MOD", "another module"),
        ("Go.mod", "lower case"),
        ("a//b", "not a clean"),
        ("../b", "not a clean"),
        ("a.", "ends with a dot"),
        ("a:b", "':' is not allowed"),
        ("a*", "not allowed"),
        ("a\\b", "not allowed"),
        ("a'b", "not allowed"),
    ],
)
def test_bad_paths(path: str, fault: str) -> None:
    assert fault in path_fault(path)


def test_names_that_differ_in_case_only() -> None:
    files = [ZipFile("a/N", 1), ZipFile("a/n", 1), ZipFile("B/x", 1), ZipFile("b/y", 1)]
    assert list(module_faults(files)) == [
        "a/n: differs from a/N in case only",
        "b/y: its folder b differs from B in case only",
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [("straße", "straẞe"), ("K", "\N{KELVIN SIGN}"), ("\u03c3", "ς"), ("\ufb05", "\ufb06")],
)
def test_case_is_that_of_unicode(first: str, second: str) -> None:
    (fault,) = module_faults([ZipFile(first, 1), ZipFile(second, 1)])
    assert fault == f"{second}: differs from {first} in case only"


def test_letters_that_only_resemble_each_other_are_no_clash() -> None:
    files = [ZipFile(name, 1) for name in ("ß", "ss", "İ", "i", "\u0131", "ﬀ", "ff")]
    assert list(module_faults(files)) == []


def test_one_name_for_two_things() -> None:
    files = [ZipFile("a", 1), ZipFile("a", 1), ZipFile("b/c", 1), ZipFile("b", 1)]
    assert list(module_faults(files)) == [
        "a: there are two of it",
        "b: b is a file as well as a folder",
    ]


def test_files_beside_another_go_mod() -> None:
    files = [ZipFile("go.mod", 1), ZipFile("a/b/c.go", 1), ZipFile("a/Go.mod", 1)]
    above, itself = module_faults(files)
    assert above.startswith("a/b/c.go: Go leaves it out: a has a go.mod")
    assert itself.startswith("a/Go.mod: ")


def test_files_that_are_left_out_do_not_count() -> None:
    files = [ZipFile("vendor/a/N", MAX_ZIP_BYTES), ZipFile("n", MAX_ZIP_BYTES), ZipFile("a.", 1)]
    assert [fault.path for fault in zip_faults(files)] == ["vendor/a/N", "a."]


def test_sizes() -> None:
    half = MAX_ZIP_BYTES // 2
    assert list(module_faults([ZipFile("a", half), ZipFile("b", half)])) == []
    (fault,) = module_faults([ZipFile("a", half), ZipFile("b", half + 1)])
    assert "the module has" in fault
    (fault,) = module_faults([ZipFile("LICENSE", MAX_SPECIAL_BYTES + 1)])
    assert fault.startswith("LICENSE: ")
