"""Frames: no larger than their window, and together the content."""

from __future__ import annotations

from pathlib import Path

import pytest
import zstandard

from pipeline.build.compress import JoinedFiles, compress
from pipeline.build.frames import BLOB_WINDOW_LOG, STREAM, frame_sizes
from pipeline.formats.payload.reader import read_payload, verify_payload
from pipeline.system.console import StoppedError
from tests.builders.payloads import ZSTD, pack_files

WINDOW_BYTES = 1 << BLOB_WINDOW_LOG


@pytest.mark.parametrize("size", [0, 1, WINDOW_BYTES, WINDOW_BYTES + 1, 29437792, 5 * WINDOW_BYTES])
def test_sizes(size: int) -> None:
    sizes = frame_sizes(size, "blobs")
    assert sum(sizes) == size
    assert all(each <= WINDOW_BYTES for each in sizes)
    assert len(sizes) == max(-(-size // WINDOW_BYTES), 1)
    assert max(sizes) - min(sizes) < len(sizes)
    assert frame_sizes(size, STREAM) == [size]


def test_a_part_ends(tmp_path: Path) -> None:
    path = tmp_path / "content"
    path.write_bytes(b"0123456789")
    read: list[int] = []
    part = JoinedFiles([path], 7, read.append)
    assert [part.read(4), part.read(4), part.read(4)] == [b"0123", b"456", b""]
    assert read == [4, 3, 0]
    assert JoinedFiles([path], 3, read.append, skipped=7).read(10) == b"789"


def test_a_large_blob_is_read_across_its_frames(tmp_path: Path) -> None:
    content = bytes(WINDOW_BYTES) + b"the end"
    manifest = pack_files(tmp_path, {"large": content}, ZSTD)
    verify_payload(read_payload(tmp_path))
    (entry,) = manifest.entries
    data = (tmp_path / f"{entry.sha256[:32]}.zst").read_bytes()
    frames = []
    while data:
        decoder = zstandard.ZstdDecompressor().decompressobj()
        frames.append(decoder.decompress(data))
        assert len(frames[-1]) == zstandard.get_frame_parameters(data).content_size
        data = decoder.unused_data
    assert b"".join(frames) == content
    assert len(frames) == len(frame_sizes(len(content), "blobs"))


def test_frames_are_compressed_apart_and_stop_together(tmp_path: Path) -> None:
    content = bytes(WINDOW_BYTES) + b"the end"
    (tmp_path / "content").write_bytes(content)
    read: list[int] = []
    blob = compress([tmp_path / "content"], len(content), tmp_path / "out", ZSTD, read.append)
    assert sum(read) == len(content)
    frames, start = [], 0
    for size in frame_sizes(len(content), ZSTD.layout):
        (tmp_path / "part").write_bytes(content[start : start + size])
        alone = compress([tmp_path / "part"], size, tmp_path / "frame", ZSTD, read.append)
        frames.append(alone.path.read_bytes())
        start += size
    assert blob.path.read_bytes() == b"".join(frames)

    def stop(_count: int) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        compress([tmp_path / "content"], len(content), tmp_path / "out", ZSTD, stop)
