"""Packing: equal contents once, the same bytes every time, and what is read back is proven."""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from pipeline.errors import PayloadError
from pipeline.model import Manifest, PayloadConfig
from pipeline.payload import manifest as format1
from pipeline.payload import pack
from pipeline.payload.check import content_of, prove_payload, read_payload

ZSTD = PayloadConfig(level=3)
TEXT = b"import this\n" * 1000
NOISE = random.Random(1).randbytes(5000)
FILES = {"empty": b"", "noise": NOISE, "text": TEXT, "twin": TEXT}


def writer(data: bytes) -> Callable[[Callable[[bytes], object]], None]:
    def feed(write: Callable[[bytes], object]) -> None:
        write(data[:100])
        write(data[100:])

    return feed


def pack_files(
    folder: Path, files: dict[str, bytes], config: PayloadConfig = ZSTD, processors: int = 2
) -> Manifest:
    """A payload of flat files at ``folder``."""
    work = folder.with_name(f"{folder.name}-work")
    (work / "stage").mkdir(parents=True)
    (work / "payload").mkdir()
    stage = pack.Stage(work / "stage")
    contents = {name: stage.add(writer(data)) for name, data in files.items()}
    blobs = pack.compress_all(
        contents.values(), stage, work / "payload", config, processors=processors
    )
    manifest = format1.make_manifest(
        format1.file_entry(
            name,
            executable=False,
            size_bytes=content.size_bytes,
            sha256=content.sha256,
            codec=blobs[content.sha256].codec,
        )
        for name, content in contents.items()
    )
    pack.publish(work / "payload", manifest, folder)
    return manifest


def bytes_below(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_contents_come_back(tmp_path: Path) -> None:
    manifest = pack_files(tmp_path / "p", FILES)
    payload = read_payload(tmp_path / "p")
    prove_payload(payload)
    assert payload.manifest == manifest
    for entry in manifest.entries:
        blob = tmp_path / "p" / format1.blob_name(entry)
        assert b"".join(content_of(blob, entry)) == FILES[entry.name]
        assert entry.sha256 == hashlib.sha256(FILES[entry.name]).hexdigest()


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
    prove_payload(read_payload(tmp_path / "p"))


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
    pack_files(tmp_path / "a" / "p", FILES)
    (tmp_path / "a" / "p" / "stray").write_bytes(b"old")
    pack_files(tmp_path / "b" / "p", FILES)
    pack.publish(tmp_path / "b" / "p", format1.make_manifest([]), tmp_path / "a" / "p")
    assert "stray" not in bytes_below(tmp_path / "a" / "p")
    assert [path.name for path in (tmp_path / "a").iterdir() if "old" in path.name] == []


def test_what_the_counter_raises_ends_the_work(tmp_path: Path) -> None:
    class EnoughError(Exception):
        pass

    def advance(_count: int) -> None:
        raise EnoughError

    stage = pack.Stage(tmp_path)
    contents = [stage.add(writer(bytes([n]) * 1000)) for n in range(50)]
    with pytest.raises(EnoughError):
        pack.compress_all(contents, stage, tmp_path, ZSTD, processors=2, advance=advance)


def test_compressors_together_stay_within_their_memory() -> None:
    """At level 19 a large file takes some 90 MB, so two run at once and the third waits."""
    budget = pack._Budget(100)
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
    assert caught.value.faults == (f"blob {blob} is missing",)


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
        prove_payload(read_payload(tmp_path / "p"))
    assert caught.value.faults[0].startswith("text: blob ")


def test_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(PayloadError, match=r"has no files\.json"):
        read_payload(tmp_path)
