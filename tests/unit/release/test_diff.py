"""How two trees, manifests and commits differ, printed so that a person finds it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.formats.payload.manifest import dump_manifest, make_manifest
from pipeline.formats.payload.model import Component, Entry, Origin, PayloadMetadata
from pipeline.release.diff import (
    TreeDiff,
    commit_rows,
    compare,
    difference_rows,
    is_manifest,
    manifest_rows,
    part_of,
)
from pipeline.system.git import GitFile

COMMIT = f"""tree {"7" * 40}
author A Tester <tester@example.com> 1700000000 +0100
committer A Tester <tester@example.com> 1700000000 +0100

v0.1.0: CPython 3.14.9

Version: 0.1.0
"""


def file(path: str, content: str = "a", mode: str = "100644") -> GitFile:
    return GitFile(path, content * 40, len(content), mode)


def rows(difference: TreeDiff) -> list[str]:
    return list(difference_rows(difference, {}))


def test_equal_trees() -> None:
    assert not compare([file("b"), file("a")], [file("a"), file("b")])


def test_every_difference_is_told_sorted_by_path() -> None:
    theirs = [file("z"), file("same"), file("m", "b"), file("run", mode="100755"), file("é")]
    ours = [file("same"), file("m", "c"), file("b"), file("run")]
    difference = compare(theirs, ours)
    assert rows(difference) == [
        "only in the rebuild: b (1 bytes, aaaaaaaaaaaa)",
        "differs: m: tag 1 bytes, bbbbbbbbbbbb, rebuild 1 bytes, cccccccccccc",
        "differs: run: tag 1 bytes, aaaaaaaaaaaa, mode 100755, rebuild 1 bytes, aaaaaaaaaaaa",
        "only in the tag: z (1 bytes, aaaaaaaaaaaa)",
        "only in the tag: é (1 bytes, aaaaaaaaaaaa)",
    ]
    assert difference.summary == (
        "5 files: 2 only in the tag, 1 only in the rebuild, 2 with other content"
    )


def test_what_differs_within_a_file_stands_below_it() -> None:
    difference = compare([file("a"), file("b")], [file("a", "b"), file("b", "c")])
    found = list(difference_rows(difference, {"a": ("one", "two")}))
    assert [row[:10] for row in found] == ["differs: a", "  one", "  two", "differs: b"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("python/internal/data/linux-amd64/files.json", True),
        ("pip/internal/data/pip/files.json", True),
        ("python/internal/data/files.json", False),
        ("files.json", False),
        ("python/internal/data/x/y/files.json", False),
    ],
)
def test_which_files_are_manifests(path: str, *, expected: bool) -> None:
    assert is_manifest(path) is expected


ENTRIES = (Entry("a.py", 0o644, 3, "aa" * 32), Entry("b.py", 0o644, 3, "bb" * 32))
MANIFEST = dump_manifest(make_manifest(ENTRIES))


def test_what_two_manifests_say_differently() -> None:
    other = make_manifest([Entry("a.py", 0o755, 4, "aa" * 32), Entry("c.py", 0o644, 3, "bb" * 32)])
    found = list(manifest_rows(dump_manifest(other), MANIFEST))
    assert found[0].startswith("contentHash: ")
    assert found[1:] == [
        "entry a.py: perm 493 -> 420, size 4 -> 3",
        "entry b.py: only in the rebuild",
        "entry c.py: only in the tag",
    ]


def test_what_two_manifests_say_of_components_and_origin() -> None:
    origin = Origin("3.14.9", "20261021", "triple", "", "ab" * 32)
    shown = PayloadMetadata(origin, components=(Component("zlib", "1.3", ("Zlib",)),))
    other = replace(origin, pbs="20261022")
    changed = PayloadMetadata(
        other, components=(Component("zlib", "1.2", ("Zlib",)), Component("x", "", ()))
    )
    theirs, ours = (dump_manifest(make_manifest(ENTRIES, about)) for about in (changed, shown))
    assert list(manifest_rows(theirs, ours)) == [
        "component x: only in the tag",
        'component zlib: version "1.2" -> "1.3"',
        'python.pbs: "20261022" -> "20261021"',
    ]


def test_a_manifest_that_contradicts_itself_is_compared_all_the_same() -> None:
    found = list(manifest_rows(MANIFEST.replace(b'"size":3', b'"size":9', 1), MANIFEST))
    assert found == ["entry a.py: size 9 -> 3"]


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b"\xff", b'{"files": [{}]}', b'{"files": 1}', b"[" * 100_000],
    ids=range(7),
)
def test_what_is_no_manifest_is_told(data: bytes) -> None:
    (row,) = manifest_rows(data, MANIFEST)
    assert row.startswith("the tag's file is not a manifest")


def test_a_manifest_that_is_only_written_otherwise() -> None:
    assert list(manifest_rows(MANIFEST + b"\n", MANIFEST)) == [
        "the same fields and entries in another order or spacing"
    ]


def test_what_two_commits_say_differently() -> None:
    other = COMMIT.replace("CPython", "Snake")
    other = other.replace(
        "author A Tester <tester@example.com> 1700000000 +0100",
        "author Mallory",
    )
    other = other.replace("\n\n", "\ngpgsig -----BEGIN\n more\n\n", 1)
    assert list(commit_rows(other, COMMIT)) == [
        "author: tag Mallory, rebuild A Tester <tester@example.com> 1700000000 +0100",
        "gpgsig: tag -----BEGIN more, rebuild none",
        "message: only in the tag: v0.1.0: Snake 3.14.9",
        "message: only in the rebuild: v0.1.0: CPython 3.14.9",
    ]


def test_commits_of_the_same_words() -> None:
    assert list(commit_rows(COMMIT, COMMIT)) == []
    assert list(commit_rows(COMMIT + "\n", COMMIT)) == [
        "the same lines in another order or spacing"
    ]


def test_a_platform_s_part_of_a_tag_wherever_it_stands() -> None:
    data = "python/internal/data"
    entries = [
        file(f"{data}/common/mine", "m"), file(f"{data}/common/theirs"), file(f"{data}/common/own"),
        file(f"{data}/linux/files.json"), file(f"{data}/linux/own", "o"),
        file(f"{data}/common/.gitattributes"), file(f"{data}/linux-v3/x"), file("go.mod"),
    ]  # fmt: skip
    found = part_of(entries, "linux", ["mine", "own", "lost"])
    assert {each.path.removeprefix(f"{data}/"): each.id[0] for each in found.values()} == {
        "linux/files.json": "a",
        "linux/own": "o",
        "linux/mine": "m",
        "common/.gitattributes": "a",
    }
    assert set(found) == {
        f"{data}/{name}"
        for name in ("linux/files.json", "linux/own", "common/mine", "common/.gitattributes")
    }
    alone = part_of(entries, "linux", ["own"])
    assert set(alone) == {f"{data}/linux/files.json", f"{data}/linux/own"}
