"""``files.json``: it round-trips, and proves itself."""

from __future__ import annotations

import json
import posixpath
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.formats.payload import manifest as format1
from pipeline.formats.payload.model import Entry, Manifest, Origin, PayloadMetadata
from pipeline.system.errors import PayloadError

SHA = "ab" * 32
ORIGIN = Origin("3.14.9", "20261021", "x86_64-unknown-linux-gnu", "", "cd" * 32)

parts = st.text(string.ascii_letters + "._-éN n", min_size=1, max_size=6).filter(
    lambda part: part not in {".", ".."}
)
sha256s = st.text("0123456789abcdef", min_size=64, max_size=64)


@st.composite
def trees(draw: st.DrawFn) -> list[Entry]:
    """Entries of any tree: every file's folders are there, links stay inside."""
    paths = draw(st.lists(st.lists(parts, min_size=1, max_size=4), max_size=12))
    entries: dict[str, Entry] = {}
    for path in paths:
        for depth in range(1, len(path)):
            folder = "/".join(path[:depth])
            if not format1.is_dir(entries.setdefault(folder, format1.dir_entry(folder))):
                break
        else:
            name = "/".join(path)
            if name not in entries:
                entries[name] = draw(leaves(name))
    return list(entries.values())


def leaves(name: str) -> st.SearchStrategy[Entry]:
    up = "../" * name.count("/")
    return st.one_of(
        st.just(format1.link_entry(name, f"{up}any/where")),
        st.just(format1.dir_entry(name)),
        st.builds(
            format1.file_entry,
            st.just(name),
            executable=st.booleans(),
            size_bytes=st.integers(0, 1 << 50),
            sha256=sha256s,
            codec=st.sampled_from(["", "zstd"]),
        ),
    )


@given(trees(), st.none() | st.just(ORIGIN), st.sampled_from(["", "ef" * 32]))
def test_round_trip(entries: list[Entry], origin: Origin | None, digest: str) -> None:
    manifest = format1.make_manifest(entries, PayloadMetadata(origin, digest))
    text = format1.dump_manifest(manifest)
    assert format1.parse_manifest(text) == manifest
    assert text == format1.dump_manifest(
        format1.make_manifest(reversed(entries), PayloadMetadata(origin, digest))
    )


def test_the_text_that_other_readers_rely_on() -> None:
    manifest = format1.make_manifest(
        [
            format1.file_entry(
                "bin/python3.14", executable=True, size_bytes=5, sha256=SHA, codec="zstd"
            ),
            format1.link_entry("bin/python3", "python3.14"),
            format1.dir_entry("bin"),
        ],
        PayloadMetadata(ORIGIN, "ef" * 32),
    )
    rows = format1.dump_manifest(manifest).decode().splitlines()
    assert rows == [
        "{",
        '"format": 1,',
        f'"contentHash": "{manifest.content_hash}",',
        (
            '"python": {"version":"3.14.9","pbs":"20261021","triple":"x86_64-unknown-linux-gnu",'
            f'"variant":"","assetSha256":"{"cd" * 32}"}},'
        ),
        f'"cell": "{"ef" * 32}",',
        '"files": [',
        '{"name":"bin","perm":2147484141},',
        '{"name":"bin/python3","perm":134218239,"symlink":"python3.14"},',
        f'{{"name":"bin/python3.14","perm":493,"size":5,"sha256":"{SHA}","codec":"zstd"}}',
        "]",
        "}",
    ]


def test_the_hash_names_the_tree_and_not_how_it_is_stored() -> None:
    def of(codec: str, *, executable: bool = False) -> str:
        entry = format1.file_entry(
            "a", executable=executable, size_bytes=1, sha256=SHA, codec=codec
        )
        return format1.make_manifest([entry]).content_hash

    assert of("") == of("zstd")
    assert of("") != of("", executable=True)


def file(name: str) -> Entry:
    return format1.file_entry(name, executable=False, size_bytes=0, sha256=SHA, codec="")


@pytest.mark.parametrize(
    ("entries", "fault"),
    [
        ([file("/a")], "not a clean relative path"),
        ([file("../a")], "not a clean relative path"),
        ([file("a//b")], "not a clean relative path"),
        ([file("a\\b")], "backslash"),
        ([file("a\nb")], "control character"),
        ([file("a\udcff")], "not valid UTF-8"),
        ([file("a"), file("a")], "is a duplicate or out of order"),
        ([file("a"), file("a/b")], "the manifest lacks its folder"),
        ([file("a/b")], "the manifest lacks its folder"),
        ([format1.link_entry("a", "/etc/passwd")], "not a relative path"),
        ([format1.link_entry("a", "../b")], "leaves the tree"),
        ([format1.link_entry("a", "")], "not a relative path"),
        ([Entry("a", 0o644, 1, "short")], "without size and sha256"),
        ([Entry("a", 0o644, 1, SHA, "lzma")], "unknown codec"),
        ([Entry("a", 0o644 | 1 << 25, 1, SHA)], "neither file, folder nor link"),
        ([Entry("a", 0o644, 1, SHA, target="b")], "a target, but not a link"),
    ],
)
def test_trees_that_cannot_be_payloads(entries: list[Entry], fault: str) -> None:
    with pytest.raises(PayloadError) as caught:
        format1.make_manifest(entries)
    assert any(fault in each for each in caught.value.details)


def changed(**fields: object) -> bytes:
    entry = format1.file_entry("a", executable=False, size_bytes=1, sha256=SHA, codec="")
    whole: dict[str, Any] = json.loads(format1.dump_manifest(format1.make_manifest([entry])))
    return json.dumps(whole | fields).encode()


def test_a_newer_format_names_both() -> None:
    with pytest.raises(PayloadError, match="has format 2, and this goempy reads format 1"):
        format1.parse_manifest(changed(format=2))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        changed(files=3),
        changed(files=[{"name": 1, "perm": 420}]),
        changed(files=[{"name": "a"}]),
        changed(files=[{"name": "a", "perm": "420"}]),
        changed(contentHash=3),
        changed(python={"version": "3"}),
    ],
    ids=range(11),
)
def test_what_is_no_manifest(data: bytes) -> None:
    with pytest.raises(PayloadError, match="is not a manifest"):
        format1.parse_manifest(data)


def test_a_manifest_that_was_edited() -> None:
    with pytest.raises(PayloadError) as caught:
        format1.parse_manifest(changed(contentHash="0" * 64))
    assert caught.value.details == ("contentHash does not match the entries",)


def test_blob_names() -> None:
    packed = format1.file_entry("a", executable=False, size_bytes=1, sha256=SHA, codec="zstd")
    assert format1.blob_name(packed) == "ab" * 16 + ".zst"
    assert format1.blob_name(file("a")) == "ab" * 16


def test_manifests_keep_every_folder_of_a_file() -> None:
    manifest: Manifest = format1.make_manifest([format1.dir_entry("a"), file("a/b")])
    names = {entry.name for entry in manifest.entries}
    assert all(posixpath.dirname(name) in {*names, ""} for name in names)
