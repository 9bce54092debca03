"""The rules of Go module zips; the end-to-end tests ask Go itself."""

from __future__ import annotations

import pytest

from pipeline.gozip import MAX_SPECIAL_BYTES, MAX_ZIP_BYTES, ZipFile, module_faults, path_fault


@pytest.mark.parametrize(
    "path",
    ["go.mod", "a/b.go", ".gitattributes", "a/é.txt", "a b/(c)", "nulls", "a/auxiliary.go", "x~y"],
)
def test_good_paths(path: str) -> None:
    assert path_fault(path) == ""


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("testdata/nul", "name of a device"),
        ("aux.py", "name of a device"),
        ("a/COM1.tar.gz", "name of a device"),
        ("vendor/a.go", "named vendor"),
        ("a/go.mod", "another module"),
        ("a/GO.MOD", "another module"),
        ("a//b", "not a clean"),
        ("../b", "not a clean"),
        ("a.", "ends with a dot"),
        ("a:b", "':' is not allowed"),
        ("a*", "not allowed"),
        ("a\\b", "not allowed"),
        ("a'b", "not allowed"),
        ("longna~1.txt", "short name"),
    ],
)
def test_bad_paths(path: str, fault: str) -> None:
    assert fault in path_fault(path)


def test_names_that_differ_in_case_only() -> None:
    files = [ZipFile("a/N", 1), ZipFile("a/n", 1), ZipFile("B/x", 1), ZipFile("b/y", 1)]
    assert list(module_faults(files)) == [
        "a/n: differs from a/N in case only",
        "b: differs from B in case only",
    ]


def test_sizes() -> None:
    half = MAX_ZIP_BYTES // 2
    assert list(module_faults([ZipFile("a", half), ZipFile("b", half)])) == []
    (fault,) = module_faults([ZipFile("a", half), ZipFile("b", half + 1)])
    assert "the module has" in fault
    (fault,) = module_faults([ZipFile("LICENSE", MAX_SPECIAL_BYTES + 1)])
    assert fault.startswith("LICENSE: ")
