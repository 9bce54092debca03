"""Packing: equal contents once, the same bytes every time, and what is read back is proven."""

from __future__ import annotations

import hashlib
import random
import threading
from pathlib import Path

import pytest
import zstandard

from pipeline.build import compressor
from pipeline.build import staging as stages
from pipeline.config.model import PayloadConfig
from pipeline.formats.payload import manifest as format1
from pipeline.formats.payload.reader import read_payload, verify_payload
from pipeline.system.errors import PayloadError
from tests.builders.payloads import (
    FILES,
    NOISE,
    STREAM,
    TEXT,
    ZSTD,
    bytes_below,
    pack_files,
    writer,
)
from tests.harness.extract import unpacked


@pytest.mark.parametrize("config", [ZSTD, STREAM, PayloadConfig("none", 3, "stream")])
def test_contents_come_back(tmp_path: Path, config: PayloadConfig) -> None:
    manifest = pack_files(tmp_path / "p", FILES, config)
    assert read_payload(tmp_path / "p").manifest == manifest
    assert unpacked(tmp_path / "p") == FILES
    for entry in manifest.entries:
        assert entry.sha256 == hashlib.sha256(FILES[entry.name]).hexdigest()


@pytest.mark.parametrize("codec", ["zstd", "none"])
def test_a_stream_is_one_file_named_by_what_is_in_it(tmp_path: Path, codec: str) -> None:
    manifest = pack_files(tmp_path / "p", FILES, PayloadConfig(codec, 3, "stream"))
    joined = FILES["empty"] + FILES["noise"] + FILES["text"]  # sorted, and the twin only once
    name = hashlib.sha256(joined).hexdigest()[:32] + (".zst" if codec == "zstd" else "")
    assert manifest.stream == name
    assert set(bytes_below(tmp_path / "p")) == {"files.json", name}
    data = (tmp_path / "p" / name).read_bytes()
    assert (zstandard.decompress(data) if codec == "zstd" else data) == joined


def test_a_stream_that_zstd_does_not_make_smaller_is_raw(tmp_path: Path) -> None:
    manifest = pack_files(tmp_path / "p", {"noise": NOISE}, STREAM)
    assert manifest.stream == hashlib.sha256(NOISE).hexdigest()[:32]
    assert unpacked(tmp_path / "p") == {"noise": NOISE}


def test_both_layouts_are_the_same_tree(tmp_path: Path) -> None:
    one, two = (pack_files(tmp_path / c.layout, FILES, c) for c in (ZSTD, STREAM))
    assert one.content_hash == two.content_hash


@pytest.mark.parametrize("damage", ["flip", "cut", "longer", "swap"])
def test_a_damaged_stream(tmp_path: Path, damage: str) -> None:
    manifest = pack_files(tmp_path / "p", FILES, STREAM)
    path = tmp_path / "p" / manifest.stream
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 1
    elif damage == "cut":
        del data[-3:]
    elif damage == "longer":
        data = bytearray(zstandard.compress(NOISE + TEXT + b"more"))
    else:
        data = bytearray(zstandard.compress(TEXT + NOISE))
    path.write_bytes(data)
    with pytest.raises(PayloadError) as caught:
        verify_payload(read_payload(tmp_path / "p"))
    assert any("noise: " in f or "text: " in f or "data after" in f for f in caught.value.details)


@pytest.mark.parametrize("level", [1, 22])
def test_whatever_the_level_a_window_is_16_mib_at_most(tmp_path: Path, level: int) -> None:
    """The Go side holds one window an extraction. What repeats 13 MB further on is found."""
    noise = random.Random(2).randbytes(13 << 20)
    big = {"big": noise + noise[: 1 << 20] + bytes(1 << 20)}
    manifest = pack_files(tmp_path / "p", big, PayloadConfig(level=level))
    blob = (tmp_path / "p" / format1.blob_name(manifest.entries[0])).read_bytes()
    assert zstandard.get_frame_parameters(blob).window_size == 15 << 20
    if level == 22:
        assert len(blob) < (13 << 20) + (1 << 17)


def test_equal_contents_are_one_blob_and_noise_is_stored_raw(tmp_path: Path) -> None:
    manifest = pack_files(tmp_path / "p", FILES)
    assert len(list((tmp_path / "p").iterdir())) == 4  # three contents and the manifest
    assert {entry.name: entry.codec for entry in manifest.entries} == {
        "empty": "",
        "noise": "",
        "text": "zstd",
        "twin": "zstd",
    }


def test_codec_none_stores_all_raw(tmp_path: Path) -> None:
    manifest = pack_files(tmp_path / "p", FILES, PayloadConfig(codec="none"))
    assert {entry.codec for entry in manifest.entries} == {""}
    verify_payload(read_payload(tmp_path / "p"))


def test_the_same_bytes_whatever_the_order_and_number_of_threads(tmp_path: Path) -> None:
    pack_files(tmp_path / "one", FILES, processors=1)
    pack_files(tmp_path / "two", dict(reversed(FILES.items())), processors=8)
    assert bytes_below(tmp_path / "one") == bytes_below(tmp_path / "two")


def test_a_frame_tells_its_content_size(tmp_path: Path) -> None:
    """The Go reader allocates by it."""
    manifest = pack_files(tmp_path / "p", {"text": TEXT})
    blob = (tmp_path / "p" / format1.blob_name(manifest.entries[0])).read_bytes()
    assert zstandard.get_frame_parameters(blob).content_size == len(TEXT)


def test_a_payload_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    pack_files(tmp_path / "p", FILES)
    (tmp_path / "p" / "stray").write_bytes(b"old")
    pack_files(tmp_path / "p", {"empty": b""})
    assert set(bytes_below(tmp_path / "p")) == {"files.json", hashlib.sha256().hexdigest()[:32]}
    assert list(tmp_path.iterdir()) == [tmp_path / "p"]


def test_what_the_counter_raises_ends_the_work(tmp_path: Path) -> None:
    class EnoughError(Exception):
        pass

    def advance(_count: int) -> None:
        raise EnoughError

    stage = stages.Stage(tmp_path)
    contents = [stage.add(writer(bytes([n]) * 1000)) for n in range(50)]
    with pytest.raises(EnoughError), compressor.compressing(tmp_path, 2) as running:
        compressor.compress_all(contents, stage, tmp_path, ZSTD, running, advance)


def test_equal_contents_are_compressed_once_a_run(tmp_path: Path) -> None:
    one, two = (stages.Stage(tmp_path / name) for name in ("one", "two"))
    read, made = [0, 0], []
    with compressor.compressing(tmp_path, 2) as running:
        for number, stage in enumerate((one, two)):
            stage.folder.mkdir()
            contents = [stage.add(writer(TEXT)), stage.add(writer(NOISE))]

            def advance(count: int, number: int = number) -> None:
                read[number] += count

            made.append(
                compressor.compress_all(contents, stage, stage.folder, ZSTD, running, advance)
            )
    assert made[0] == made[1]  # the files that hold them, too
    assert read == [len(TEXT) + len(NOISE)] * 2  # and still both are at 100 %
    name = f"{hashlib.sha256(TEXT).hexdigest()[:32]}.zst"
    assert bytes_below(one.folder)[name] == bytes_below(two.folder)[name]


def test_compressors_together_stay_within_their_memory() -> None:
    """Two run at once, and the third waits."""
    budget = compressor._Budget(100)
    held, most, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal held, most
        with budget.hold(40):
            with lock:
                held += 40
                most = max(most, held)
            threading.Event().wait(0.01)
            with lock:
                held -= 40

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 40 <= most <= 80
    with budget.hold(1000):
        pass  # what alone is over the limit runs alone


def test_a_missing_blob_is_named(tmp_path: Path) -> None:
    manifest = pack_files(tmp_path / "p", FILES)
    blob = format1.blob_name(manifest.entries[1])
    (tmp_path / "p" / blob).unlink()
    with pytest.raises(PayloadError) as caught:
        read_payload(tmp_path / "p")
    assert caught.value.details == (f"blob {blob} is missing",)


@pytest.mark.parametrize("damage", ["flip", "cut", "swap", "longer"])
def test_a_damaged_blob_is_named_with_its_file(tmp_path: Path, damage: str) -> None:
    manifest = pack_files(tmp_path / "p", {"text": TEXT, "noise": NOISE})
    blob = tmp_path / "p" / format1.blob_name(manifest.entries[1])
    data = bytearray(blob.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 1
    elif damage == "cut":
        del data[-3:]
    elif damage == "swap":
        data[:] = zstandard.compress(b"import that\n" * 1000)
    else:
        data[:] = zstandard.compress(TEXT * 2)
    blob.write_bytes(data)
    with pytest.raises(PayloadError) as caught:
        verify_payload(read_payload(tmp_path / "p"))
    assert caught.value.details == ("text: its blob has different content",)


def test_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(PayloadError, match=r"has no files\.json"):
        read_payload(tmp_path)
