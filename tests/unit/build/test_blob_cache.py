"""Compressed blobs of earlier runs: the same bytes as without, proven, and bounded in size."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import zstandard

from pipeline.build.blob_cache import BlobCache
from pipeline.config.model import PayloadConfig
from tests.builders.payloads import FILES, NOISE, STREAM, TEXT, ZSTD, bytes_below, pack_files

OTHER = zstandard.compress(TEXT, 1)
"""A blob of the same content that packing does not make."""


def unexpected(text: str) -> None:
    raise AssertionError(text)


def open_cache(tmp_path: Path, warn: Callable[[str], None] = unexpected) -> BlobCache:
    return BlobCache(tmp_path / "blobs", warn)


def pack(tmp_path: Path, name: str, config: PayloadConfig, cache: BlobCache | None) -> Path:
    pack_files(tmp_path / name, FILES, config, cache=cache)
    return tmp_path / name


def entry_of(tmp_path: Path) -> Path:
    (entry,) = (tmp_path / "blobs").iterdir()
    return entry


def replace_entry(entry: Path, blob: bytes) -> Path:
    """Another blob under the same key and a name that proves it."""
    key = entry.name.partition("-")[0]
    entry.unlink()
    other = entry.with_name(f"{key}-{hashlib.sha256(blob).hexdigest()[:32]}.zst")
    other.write_bytes(blob)
    return other


@pytest.mark.parametrize("config", [ZSTD, STREAM])
def test_a_payload_has_the_same_bytes_with_and_without(
    tmp_path: Path, config: PayloadConfig
) -> None:
    without = bytes_below(pack(tmp_path, "without", config, None))
    assert bytes_below(pack(tmp_path, "cold", config, open_cache(tmp_path))) == without
    assert bytes_below(pack(tmp_path, "warm", config, open_cache(tmp_path))) == without
    # What zstd does not make smaller is not kept.
    assert entry_of(tmp_path).read_bytes() in without.values()


def test_what_is_kept_is_used(tmp_path: Path) -> None:
    pack(tmp_path, "cold", ZSTD, open_cache(tmp_path))
    replace_entry(entry_of(tmp_path), OTHER)
    assert OTHER in bytes_below(pack(tmp_path, "warm", ZSTD, open_cache(tmp_path))).values()


@pytest.mark.parametrize("config", [PayloadConfig(level=4), PayloadConfig("none")])
def test_other_parameters_take_nothing_of_it(tmp_path: Path, config: PayloadConfig) -> None:
    without = bytes_below(pack(tmp_path, "without", config, None))
    pack(tmp_path, "cold", ZSTD, open_cache(tmp_path))
    replace_entry(entry_of(tmp_path), OTHER)
    assert bytes_below(pack(tmp_path, "with", config, open_cache(tmp_path))) == without


def flip(entry: Path) -> None:
    data = bytearray(entry.read_bytes())
    data[-1] ^= 1
    entry.write_bytes(data)


def cut(entry: Path) -> None:
    entry.write_bytes(entry.read_bytes()[:-1])


def forge(entry: Path) -> None:
    replace_entry(entry, zstandard.compress(TEXT.replace(b"this", b"that")))


def lengthen(entry: Path) -> None:
    replace_entry(entry, zstandard.compress(TEXT + TEXT))


@pytest.mark.parametrize("damage", [flip, cut, forge, lengthen])
def test_a_damaged_entry_is_reported_and_replaced(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    without = bytes_below(pack(tmp_path, "without", ZSTD, open_cache(tmp_path)))
    name = entry_of(tmp_path).name
    damage(entry_of(tmp_path))
    damaged, warnings = entry_of(tmp_path), list[str]()
    cache = open_cache(tmp_path, warnings.append)
    assert bytes_below(pack(tmp_path, "with", ZSTD, cache)) == without
    assert len(warnings) == 1
    assert str(damaged) in warnings[0]
    assert entry_of(tmp_path).name == name
    assert bytes_below(pack(tmp_path, "again", ZSTD, open_cache(tmp_path))) == without


def test_an_entry_that_another_process_removed(tmp_path: Path) -> None:
    without = bytes_below(pack(tmp_path, "without", ZSTD, open_cache(tmp_path)))
    cache = open_cache(tmp_path)
    entry_of(tmp_path).unlink()
    assert bytes_below(pack(tmp_path, "with", ZSTD, cache)) == without
    assert entry_of(tmp_path).exists()


def test_several_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = pool.map(lambda n: pack(tmp_path, n, ZSTD, open_cache(tmp_path)), "abcd")
        first, *others = map(bytes_below, made)
    assert others == [first] * 3
    assert entry_of(tmp_path).read_bytes() in first.values()


def test_what_was_not_used_for_the_longest_time_makes_room(tmp_path: Path) -> None:
    pack(tmp_path, "cold", ZSTD, open_cache(tmp_path))
    used = entry_of(tmp_path)
    older, old = used.with_name("older-1.zst"), used.with_name("old-2.zst")
    for age, path in enumerate((old, older, used), start=1):
        if path != used:
            path.write_bytes(NOISE)
        os.utime(path, (10_000 - age, 10_000 - age))
    limit_bytes = len(NOISE) + used.stat().st_size
    pack(tmp_path, "warm", ZSTD, BlobCache(tmp_path / "blobs", unexpected, limit_bytes))
    assert set((tmp_path / "blobs").iterdir()) == {used, old}
