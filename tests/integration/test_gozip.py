"""The rules of Go module zips, here and in golang.org/x/mod/zip: one opinion on any files."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.module_path import base_fault, path_fault
from pipeline.formats.modzip import MAX_SPECIAL_BYTES, MAX_ZIP_BYTES, ZipFile, zip_faults
from tests.harness.go import Go

PROGRAM = Path(__file__).parents[1] / "data" / "gozip"
GO_MOD = ZipFile("go.mod", 30)


@dataclass(frozen=True)
class Verdict:
    """What x/mod/zip says of a module's files."""

    valid: list[str]
    omitted: dict[str, str]
    invalid: dict[str, str]
    size_error: str
    unicode: str
    unassigned: str

    def of(self, path: str) -> str:
        if path in self.invalid:
            return "invalid"
        return "omitted" if path in self.omitted else "valid"


@dataclass(frozen=True)
class Judge:
    """The Go program, as a process that answers."""

    process: subprocess.Popen[str]

    def ask(self, files: list[ZipFile]) -> Verdict:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        json.dump([[file.path, file.size_bytes] for file in files], self.process.stdin)
        self.process.stdin.flush()
        return Verdict(**json.loads(self.process.stdout.readline()))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gozip")
    program = folder / "gozip.exe"
    Go(folder / "modcache").run("build", "-buildvcs=false", "-o", str(program), ".", cwd=PROGRAM)
    return program


@pytest.fixture(scope="module")
def judge(program: Path) -> Iterator[Judge]:
    with subprocess.Popen(
        [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        yield Judge(process)
        assert process.stdin is not None
        process.stdin.close()


def assert_one_opinion(judge: Judge, files: list[ZipFile]) -> Verdict:
    verdict = judge.ask(files)
    faults = {fault.path: fault.what for fault in zip_faults(files)}
    too_large = faults.pop(None, "")
    assert faults.keys() == verdict.omitted.keys() | verdict.invalid.keys(), (faults, verdict)
    assert bool(too_large) == bool(verdict.size_error), (too_large, verdict)
    return verdict


DEVICES = ["con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10))]
ELEMENTS = {
    "invalid": [
        *("", ".", "..", "...", "a.", "a..", ".a.", "con", "CON.tar.gz", "Aux", "nul.", "NUL.txt"),
        *("con.", "cOM1.x", "lpt9", "COM0.", "a:b", "a*b", "a?", "a<", "a>", "a|b", "a\\b", "a'b"),
        *('a"b', "a`b", "a;b", "a\nb", "a\tb", "a\0", "\x7f", "\x80", "\xa0", "a\u3000b"),
        *("\u00b2", "\u0660", "e\u0301", "\u00bd", "☃", "€", "—", "🐍"),
        *("\u200d", "\ufeff", "\ufffd"),
        *("\u2160", "\u24b6", "\u05b0", "\ue000", "\U0010ffff", "\uff3f", "。"),
        *DEVICES,
    ],
    "valid": [
        *("a", "a.b", ".a", "..a", "a b", " a", "a ", " ", "-", "-a", "~", "!#$%&()+,-.=@[]^_{}~"),
        *("com0", "com10", "lpt", "console", "xcon", "con-", "con "),
        *("a.con", "aux~", "nul_", ".nul"),
        *("longna~1", "longna~1.txt", "~1", "a~12", "a~b", "vendors", "Vendor", "vendor", "VENDOR"),
        *("go.mods", "xgo.mod", "go.sum", "go", "LICENSE", "LICENSE.md", ".git", ".hgignore"),
        *(
            "é",
            "ß",
            "ẞ",
            "\u03c3",
            "中",
            "あ",
            "\u0627",
            "\uff41",
            "ª",
            "ʰ",
            "ǅ",
            "\N{KELVIN SIGN}",
            "\ufb05",
        ),
        *("\uff23\uff2f\uff2e", "ĸon", "\u16a0", "\U0001d400", "\U00020000", "com", "prn\u017f"),
    ],
}
PLACES = ["{}", "{}/b", "a/{}", "a/{}/b", "{}/b/c", "a/{}/b/c"]


@pytest.mark.parametrize("verdict", ELEMENTS)
@pytest.mark.parametrize("place", PLACES)
def test_each_element_in_each_place(judge: Judge, place: str, verdict: str) -> None:
    for element in ELEMENTS[verdict]:
        path = place.format(element)
        found = assert_one_opinion(judge, [GO_MOD, ZipFile(path, 1)]).of(path)
        below_vendor = element == "vendor" and path.count("/", path.index("vendor")) > 1
        assert found == ("omitted" if below_vendor else verdict), path


MODULES = {
    "left out by name": (
        ["vendor/modules.txt", "a/vendor/modules.txt", ".hg_archival.txt", "a/.hg_archival.txt"],
        ["vendor/modules.txt", ".hg_archival.txt"],
    ),
    "vendor": (
        ["vendor/a", "vendor/a/b", "a/vendor/b", "a/vendor/b/c", "b/vendor", "Vendor/A/B"],
        ["vendor/a/b", "a/vendor/b/c", "Vendor/A/B"],
    ),
    "vendor in vendor": (
        ["vendor/vendor/a", "a/vendor/vendor/b", "a/vendor/vendor", "b/vendor/c"],
        ["vendor/vendor/a", "a/vendor/vendor/b"],
    ),
    "another go.mod": (
        ["a/b", "a/c/d", "a/go.mod", "ab/c", "b/a/b"],
        ["a/b", "a/c/d", "a/go.mod"],
    ),
    "another go.mod in odd case": (["x/a/b", "x/GO.mod", "y/go.mod/z"], ["x/a/b", "x/GO.mod"]),
    "two other go.mod": (["a/go.mod", "a/b/go.mod", "a/b/c"], ["a/go.mod", "a/b/go.mod", "a/b/c"]),
    "another go.mod that is left out": (
        ["vendor/a/go.mod", "vendor/a/b", "a:/go.mod", "a:/b"],
        ["vendor/a/go.mod", "vendor/a/b", "a:/go.mod", "a:/b"],
    ),
    "root go.mod in odd case": (["Go.mod", "go.mod", "a/b"], ["Go.mod"]),
    "folder named as go.mod": (["a/GO.MOD/b", "GO.MOD/c"], ["GO.MOD/c"]),
    "case of files": (["a/N", "a/n", "A", "b"], ["a/n", "A"]),
    "case of folders": (["B/x", "b/y", "b/z", "B/y", "B/z"], ["b/y", "b/z", "B/y", "B/z"]),
    "case of refused files": (["a.", "b.", "A", "vendor/b/C", "B"], ["a.", "b.", "vendor/b/C"]),
    "case beyond ASCII": (["é", "É", "ß", "ẞ", "\u03c3", "ς", "Σ", "ss"], ["É", "ẞ", "ς", "Σ"]),
    "no case": (["İ", "i", "\u0131", "e", "é", "ﬀ", "ff", "ª", "a", "\uff4b", "k"], []),
    "signs of letters": (
        ["k", "\N{KELVIN SIGN}", "å", "\N{ANGSTROM SIGN}", "s", "\u017f", "μ", "\N{MICRO SIGN}"],
        ["\N{KELVIN SIGN}", "\N{ANGSTROM SIGN}", "\u017f", "\N{MICRO SIGN}"],
    ),
    "twice": (["a", "b", "a"], ["a"]),
    "file and folder": (["a", "a/b", "c/d", "c"], ["a/b", "c"]),
    "file and folder in another case": (["a", "A/b"], ["A/b"]),
    "no clean path": (
        ["a//b", "a/./b", "./a", "a/../b", "/a", "/", "a/", "../a", ""],
        ["a//b", "a/./b", "./a", "a/../b", "/a", "/", "a/", "../a", ""],
    ),
}


def with_go_mod(files: list[ZipFile]) -> list[ZipFile]:
    """Without one, x/mod/zip goes by what Go did before 1.24."""
    return files if any(file.path == "go.mod" for file in files) else [GO_MOD, *files]


@pytest.mark.parametrize("name", MODULES)
def test_files_that_concern_each_other(judge: Judge, name: str) -> None:
    paths, faulty = MODULES[name]
    verdict = assert_one_opinion(judge, with_go_mod([ZipFile(path, 1) for path in paths]))
    assert {path for path in paths if verdict.of(path) != "valid"} == set(faulty)


SPECIAL = MAX_SPECIAL_BYTES
SIZES = [
    ([("LICENSE", SPECIAL), ("go.mod", SPECIAL)], False),
    ([("LICENSE", SPECIAL + 1)], False),
    ([("go.mod", SPECIAL + 1)], False),
    ([("License", SPECIAL + 1), ("a/LICENSE", SPECIAL + 1)], False),
    ([("go.mod", 0), ("a", MAX_ZIP_BYTES)], False),
    ([("go.mod", 0), ("a", MAX_ZIP_BYTES + 1)], True),
    ([("go.mod", 1), ("a", MAX_ZIP_BYTES - 2), ("b", 1)], False),
    ([("go.mod", 1), ("a", MAX_ZIP_BYTES - 2), ("b", 2)], True),
    ([("go.mod", 1), ("a", MAX_ZIP_BYTES - 2), ("b", 2), ("c", 0)], True),
    ([("go.mod", 1), ("a", 1 << 62), ("b", 1)], True),
    # What is refused or left out does not count, but what is too large for its name does.
    ([("go.mod", 1), ("a", 9), ("A", MAX_ZIP_BYTES), ("b.", MAX_ZIP_BYTES)], False),
    ([("go.mod", 1), ("vendor/a/b", MAX_ZIP_BYTES), ("a/go.mod", MAX_ZIP_BYTES)], False),
    ([("go.mod", 1), ("LICENSE", MAX_ZIP_BYTES)], True),
]


@pytest.mark.parametrize(("files", "too_large"), SIZES)
def test_sizes(judge: Judge, files: list[tuple[str, int]], *, too_large: bool) -> None:
    module = with_go_mod([ZipFile(path, size) for path, size in files])
    assert bool(assert_one_opinion(judge, module).size_error) == too_large


def characters() -> Iterator[str]:
    """All that Python knows, without those of private use, which are very many."""
    for c in map(chr, range(sys.maxunicode + 1)):
        if c != "/" and unicodedata.category(c) not in {"Cn", "Co", "Cs"}:
            yield c


FOLDED_SINCE_15_1 = {"\u1fd3", "\u1fe3", "\ufb05"}


def test_every_character(judge: Judge) -> None:
    """All in one module, so that each is beside those that differ from it in case only."""
    known = set(characters())
    verdict = judge.ask([ZipFile(f"x{c}", 1) for c in sorted(known)])
    known -= set(verdict.unassigned)
    if tuple(map(int, verdict.unicode.split("."))) < (15, 1):
        known -= FOLDED_SINCE_15_1  # A newer Go would refuse them, and so do we.
    assert len(known) > 140_000
    assert_one_opinion(judge, [GO_MOD, *(ZipFile(f"x{c}", 1) for c in sorted(known))])


more_elements = ["go.mod", "GO.mod", "LICENSE", "modules.txt", ".hg_archival.txt", "n", "N", "É"]
elements = st.one_of(
    st.sampled_from([*more_elements, *itertools.chain(*ELEMENTS.values())]),
    st.sampled_from([*more_elements, "a", "A", "vendor"]),
    st.text(st.characters(max_codepoint=0x24F), max_size=4),
)
paths = st.lists(elements, min_size=1, max_size=4).map("/".join)
sizes = st.sampled_from([0, 1, SPECIAL, SPECIAL + 1, MAX_ZIP_BYTES // 2, MAX_ZIP_BYTES])


@settings(max_examples=500, deadline=None)
@given(files=st.lists(st.builds(ZipFile, paths, sizes), max_size=12))
def test_any_files(judge: Judge, files: list[ZipFile]) -> None:
    assert_one_opinion(judge, with_go_mod(files))


HOSTS = ("github.com", "example.com", "gopkg.in", "Example.com", "localhost", "-a.b", "a_b.c", "")
PATH_ELEMENTS = (
    "a", "A", "aux", "aux.go", "con1", "com1", "lpt9.x", ".a", "a.", "...", "~1", "a~1", "a~b",
    "a~", "v0", "v1", "v2", "v02", "v2.1", "x.v1", "x.v0", "x.v01", "x.v2-unstable", "internal",
    "a b", "ä", "", "a.git",
)  # fmt: skip


def test_module_paths(program: Path) -> None:
    paths = [
        "/".join(parts)
        for n in range(3)
        for parts in itertools.product(HOSTS, *[PATH_ELEMENTS] * n)
    ]
    done = subprocess.run(
        [program, "paths"], input="".join(f"{p}\n" for p in paths), capture_output=True, check=True,
        encoding="utf-8",
    )  # fmt: skip
    answers = done.stdout.splitlines()
    differing = [
        (path, ours, theirs)
        for path, theirs in zip(paths, answers, strict=True)
        if bool(ours := path_fault(path)) != bool(theirs)
    ]
    assert differing == []


@pytest.mark.parametrize(
    "path",
    [
        "github.com/a", "github.com/a/b/c", "github.com/a/internal", "example.com/vendor/a",
        "example.com/a.git/b", "gopkg.in/a.v1", "example.com/a/v2", "github.com/a/aux",
        "github.com/a/b.git", "bitbucket.org/a/b.hg", "git.corp.example/py.hg",
    ],
)  # fmt: skip
def test_module_paths_that_tags_could_not_serve(path: str) -> None:
    assert base_fault(path)


@pytest.mark.parametrize(
    "path",
    ["github.com/a/b", "git.corp.example/team/sub/py.git", "example.com", "gitlab.com/a/b/c"],
)
def test_module_paths_to_release_under(path: str) -> None:
    assert base_fault(path) == ""
