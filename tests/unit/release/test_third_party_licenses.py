"""``THIRD_PARTY_LICENSES``: what the payloads tell, each text once, and what they do not tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.build import pack
from pipeline.build import staging as stages
from pipeline.build.compressor import compressing
from pipeline.build.trim import parents
from pipeline.config.model import PayloadConfig
from pipeline.formats.payload import manifest as format1
from pipeline.formats.payload.model import Component, Entry, Manifest, Origin, PayloadMetadata
from pipeline.formats.payload.reader import read_payload
from pipeline.release.third_party_licenses import (
    NoticeSource,
    declared_components,
    license_faults,
    third_party_licenses,
)
from pipeline.system.errors import PayloadError
from tests.builders.payloads import writer

BLOBS = PayloadConfig(level=3)
STREAM = PayloadConfig(level=3, layout="stream")
ASSET = "cpython-3.14.9+20261021-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz"
ORIGIN = Origin("3.14.9", "20261021", "x86_64-unknown-linux-gnu", "", "ab" * 32, ASSET)
LOCAL = Origin("3.12.3", "local", "x86_64-unknown-linux-gnu", "", "ab" * 32, "local.tar.zst")
CPYTHON = Component(
    "cpython", "3.14.9", ("Python-2.0", "CNRI-Python"), ("licenses/LICENSE.cpython.txt",)
)
OPENSSL = Component("openssl", "3.5.4", ("Apache-2.0",), ("licenses/LICENSE.openssl-3.txt",))
SQLITE = Component("sqlite", "", (), ("licenses/LICENSE.sqlite.txt",))
TEXTS = {
    "licenses/LICENSE.cpython.txt": b"PSF\n\nAll of it.\n",
    "licenses/LICENSE.openssl-3.txt": b"Apache\n",
    "licenses/LICENSE.sqlite.txt": b"May you do good and not evil.\n",
}
OTHERS = {"bin/python": b"\x7fELF" * 99, "lib/os.py": b"import this\n"}


def pack_payload(
    folder: Path,
    files: dict[str, bytes],
    components: tuple[Component, ...] = (),
    origin: Origin | None = ORIGIN,
    config: PayloadConfig = BLOBS,
) -> Manifest:
    """A payload of ``files`` and the folders above them."""
    with stages.staging(folder.parent) as stage, compressing(folder.parent, 1) as compressor:
        tree = pack.Tree(
            tuple(pack.PackFile(n, stage.add(writer(data))) for n, data in files.items()),
            tuple(map(format1.dir_entry, {each for name in files for each in parents(name)})),
            PayloadMetadata(origin, "", components),
        )
        return pack.pack_tree(stage, tree, folder, config, compressor).manifest


@dataclass(frozen=True)
class Row:
    """What the file says of one component."""

    licenses: str
    platforms: str
    texts: list[str]


@dataclass(frozen=True)
class Notices:
    rows: dict[str, Row]
    texts: dict[str, str]
    """By all their names, one a line."""
    silent: str
    whole: str


_STANZA = re.compile(
    r"^(\S.*)\n  Licence:   (.*(?:\n {13}.*)*)\n  Platforms: (.*(?:\n {13}.*)*)\n"
    r"  Text:      (.*(?:\n {13}.*)*)\n",
    re.MULTILINE,
)


def notices(*sources: NoticeSource) -> Notices:
    """Read the file back."""
    whole = third_party_licenses(sources).decode()
    index, *parts = whole.split("=" * 78 + "\n")
    texts, silent = {}, ""
    for part in parts:
        if part.startswith("["):
            names, _rule, text = part.partition("\n" + "-" * 78 + "\n\n")
            texts[re.sub(r"\n +", "\n", names)] = text.removesuffix("\n\n") + "\n"
        else:
            silent = part
    rows = {}
    for stanza in _STANZA.finditer(index):
        licenses, platforms, numbers = (re.sub(r"\n +", " ", each) for each in stanza.groups()[1:])
        rows[stanza[1]] = Row(licenses, platforms, numbers.split())
    return Notices(rows, {k: v.rstrip("\n") + "\n" for k, v in texts.items()}, silent, whole)


def source(folder: Path, platform: str) -> NoticeSource:
    return NoticeSource(platform, read_payload(folder))


def test_the_index_tells_what_each_payload_tells(tmp_path: Path) -> None:
    pack_payload(tmp_path / "a", TEXTS | OTHERS, (CPYTHON, OPENSSL, SQLITE))
    pack_payload(tmp_path / "b", TEXTS | OTHERS, (CPYTHON, OPENSSL))
    found = notices(source(tmp_path / "a", "linux-amd64"), source(tmp_path / "b", "windows-amd64"))
    assert found.rows == {
        "cpython 3.14.9": Row("Python-2.0, CNRI-Python", "linux-amd64, windows-amd64", ["[1]"]),
        "openssl 3.5.4": Row("Apache-2.0", "linux-amd64, windows-amd64", ["[2]"]),
        "sqlite": Row("public domain", "linux-amd64", ["[3]"]),
    }
    assert found.silent == ""


def test_each_text_follows_once_under_its_name(tmp_path: Path) -> None:
    for name in ("a", "b"):
        pack_payload(tmp_path / name, TEXTS | OTHERS, (CPYTHON, OPENSSL, SQLITE))
    found = notices(source(tmp_path / "a", "a"), source(tmp_path / "b", "b"))
    assert found.texts == {
        f"[{number}] {name}": data.decode() for number, (name, data) in enumerate(TEXTS.items(), 1)
    }


def test_texts_that_differ_in_line_ends_alone_are_one(tmp_path: Path) -> None:
    name = CPYTHON.texts[0]
    for folder, data in (("a", b"One\nTwo\n"), ("b", b"One\r\nTwo\r\n\r\n"), ("c", b"One\rTwo")):
        pack_payload(tmp_path / folder, {name: data}, (CPYTHON,))
    found = notices(*(source(tmp_path / each, each) for each in "abc"))
    assert found.texts == {f"[1] {name}": "One\nTwo\n"}
    assert found.rows["cpython 3.14.9"].platforms == "a, b, c"


def test_one_version_with_two_texts_is_two_rows(tmp_path: Path) -> None:
    name = CPYTHON.texts[0]
    for folder in "ab":
        pack_payload(tmp_path / folder, {name: folder.encode()}, (CPYTHON,))
    text = third_party_licenses([source(tmp_path / each, each) for each in "ab"]).decode()
    assert text.count("cpython 3.14.9\n") == 2
    assert "Platforms: a\n  Text:      [1]\n" in text
    assert "Platforms: b\n  Text:      [2]\n" in text


def test_a_text_with_several_names_lists_them(tmp_path: Path) -> None:
    own, vendored = "tool-1.0.dist-info/LICENSE", "other-2.dist-info/licenses/vendor/LICENSE"
    components = (
        Component("tool", "1.0", ("MIT",), (own,)),
        Component("other", "2", (), (vendored,)),
    )
    pack_payload(tmp_path / "pip", {own: b"MIT\n", vendored: b"MIT\n"}, components, None)
    found = notices(source(tmp_path / "pip", ""))
    assert found.texts == {f"[1] {vendored}\n{own}": "MIT\n"}
    # Nobody said that it is in the public domain.
    assert found.rows["other 2"] == Row("not told; see its text", "all (package pip)", ["[1]"])


def test_cpython_is_first_and_the_wheels_are_last(tmp_path: Path) -> None:
    bdb = Component("bdb", "", ("Sleepycat",), OPENSSL.texts)
    pack_payload(tmp_path / "a", TEXTS, (bdb, OPENSSL, CPYTHON))
    wheel = Component("a-tool", "1.0", ("MIT",), ("LICENSE",))
    pack_payload(tmp_path / "pip", {"LICENSE": b"MIT\n"}, (wheel,), None)
    found = notices(source(tmp_path / "a", "x"), source(tmp_path / "pip", ""))
    assert list(found.rows) == ["cpython 3.14.9", "bdb", "openssl 3.5.4", "a-tool 1.0"]


def test_long_rows_go_on_below(tmp_path: Path) -> None:
    texts = {f"licenses/LICENSE.{number}.txt": b"%d\n" % number for number in range(40)}
    pack_payload(tmp_path / "a", texts, (Component("cpython", "3", (), tuple(texts)),))
    found = notices(source(tmp_path / "a", "x"))
    assert found.rows["cpython 3"].texts == [f"[{number}]" for number in range(1, 41)]
    head = found.whole.partition("=" * 78)[0]
    assert max(map(len, head.splitlines())) <= 78


@pytest.mark.parametrize("config", [BLOBS, STREAM, PayloadConfig("none", 3, "stream")])
def test_the_layout_changes_nothing(tmp_path: Path, config: PayloadConfig) -> None:
    files = TEXTS | OTHERS | {"aaa": b"first\n" * 9}
    pack_payload(tmp_path / "blobs", files, (CPYTHON, OPENSSL, SQLITE))
    pack_payload(tmp_path / "other", files, (CPYTHON, OPENSSL, SQLITE), config=config)
    expected = third_party_licenses([source(tmp_path / "blobs", "x")])
    assert third_party_licenses([source(tmp_path / "other", "x")]) == expected
    assert b"May you do good" in expected


def test_only_the_texts_are_read(tmp_path: Path) -> None:
    manifest = pack_payload(tmp_path / "a", TEXTS | OTHERS, (CPYTHON, OPENSSL, SQLITE))
    each = source(tmp_path / "a", "x")
    for entry in manifest.entries:
        if entry.name in OTHERS:
            (tmp_path / "a" / format1.blob_name(entry)).unlink()
    assert b"Apache" in third_party_licenses([each])


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("© Someone\n".encode(), "© Someone\n"),
        ("© Someone\n".encode("latin-1"), "© Someone\n"),
        (b"\xef\xbb\xbfText\n\n\n", "Text\n"),
    ],
)
def test_texts_of_other_encodings_become_utf_8(tmp_path: Path, data: bytes, text: str) -> None:
    pack_payload(tmp_path / "a", {CPYTHON.texts[0]: data}, (CPYTHON,))
    assert list(notices(source(tmp_path / "a", "x")).texts.values()) == [text]


def test_a_text_that_the_payload_lacks_is_an_error_that_names_it(tmp_path: Path) -> None:
    pack_payload(tmp_path / "a", {CPYTHON.texts[0]: b"PSF\n"}, (CPYTHON, OPENSSL, SQLITE))
    with pytest.raises(PayloadError, match="lacks licence texts") as caught:
        third_party_licenses([source(tmp_path / "a", "x")])
    assert caught.value.details == (*OPENSSL.texts, *SQLITE.texts)


LICENSE = "lib/python3.14/LICENSE.txt"


def test_where_nothing_is_told_the_file_says_so_and_names_the_archive(tmp_path: Path) -> None:
    pack_payload(tmp_path / "a", OTHERS | {LICENSE: b"PSF\n"})
    pack_payload(tmp_path / "b", TEXTS | OTHERS, (CPYTHON, OPENSSL))
    found = notices(source(tmp_path / "a", "linux-amd64"), source(tmp_path / "b", "linux-arm64"))
    assert found.silent.startswith("Without licence texts\n")
    assert f"\n  linux-amd64: {ASSET}\n" in found.silent
    assert "linux-arm64" not in found.silent


def test_an_interpreter_that_tells_nothing_is_cpython_all_the_same(tmp_path: Path) -> None:
    pack_payload(tmp_path / "a", OTHERS | {LICENSE: b"PSF\n"}, origin=LOCAL)
    found = notices(source(tmp_path / "a", "linux-amd64"))
    assert found.rows == {"cpython 3.12.3": Row("Python-2.0", "linux-amd64", ["[1]"])}
    assert found.texts == {f"[1] {LICENSE}": "PSF\n"}
    assert "an interpreter of the machine that built it (local.tar.zst)" in found.silent


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("lib/python3.14/LICENSE.txt", True),
        ("lib64/python3.9/LICENSE.txt", True),
        ("lib/python3.14t/LICENSE.txt", True),
        ("LICENSE.txt", True),
        ("lib/python3.14/json/LICENSE.txt", False),
        ("lib/python3.14/license.py", False),
    ],
)
def test_where_cpython_installs_its_licence(tmp_path: Path, name: str, counts: bool) -> None:  # noqa: FBT001
    manifest = pack_payload(tmp_path / "a", {name: b"PSF\n"})
    (found,) = declared_components(manifest)
    assert found.texts == ((name,) if counts else ())


def test_a_link_is_no_text() -> None:
    entries = (Entry(LICENSE, format1.MODE_LINK | 0o777, target="copyright"),)
    (found,) = declared_components(Manifest("", entries, PayloadMetadata(ORIGIN)))
    assert found.texts == ()


def test_a_payload_that_is_no_interpreter_contains_what_it_tells() -> None:
    assert declared_components(Manifest("", (), PayloadMetadata())) == ()
    assert declared_components(Manifest("", (), PayloadMetadata(components=(SQLITE,)))) == (SQLITE,)


@pytest.mark.parametrize(
    ("about", "faults"),
    [
        (PayloadMetadata(ORIGIN, components=(CPYTHON, OPENSSL, SQLITE)), []),
        (PayloadMetadata(ORIGIN), [f"{ASSET} lists neither its libraries nor their licences"]),
        (
            PayloadMetadata(Origin("3.14.9", "20261021", "x86", "", "ab" * 32)),
            ["CPython 3.14.9 of 20261021 for x86 lists neither its libraries nor their licences"],
        ),
        (
            PayloadMetadata(),
            ["a payload of unknown origin lists neither its libraries nor their licences"],
        ),
        (
            PayloadMetadata(
                components=(Component("tool", "1.0", ("MIT",)), Component("other", "", ()))
            ),
            ["tool 1.0 has no licence text", "other has no licence text"],
        ),
    ],
)
def test_what_should_not_be_published(about: PayloadMetadata, faults: list[str]) -> None:
    assert list(license_faults(Manifest("", (), about))) == faults
