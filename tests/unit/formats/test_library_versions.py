"""Versions that libraries write into the binaries that contain them."""

from __future__ import annotations

import pytest

from pipeline.formats.library_versions import LibraryDetector

BINARY = (
    b"\x7fELF\0Berkeley DB 6.0.19: (August, 2013)\x001.0.8, 13-Jul-2019\0expat_2.7.3\0"
    b"ncurses 6.5.20240427\0OpenSSL 3.5.4 30 Sep 2025\x003.14.9\0\xff3.50.4\0"
    b" deflate 1.3.1 Copyright 1995-2024 Jean-loup Gailly\0"
)


def found(*files: bytes, step: int = 4096) -> dict[str, str]:
    detector = LibraryDetector()
    for data in files:
        see = detector.scanner()
        for start in range(0, len(data), step):
            see(data[start : start + step])
    return dict(detector.found())


@pytest.mark.parametrize("step", [1, 7, 64, 4096])
def test_versions_are_found_however_the_bytes_are_cut(step: int) -> None:
    assert found(BINARY, step=step) == {
        "bdb": "6.0.19", "bzip2": "1.0.8", "expat": "2.7.3", "ncurses": "6.5",
        "openssl": "3.5.4", "sqlite": "3.50.4", "zlib": "1.3.1",
    }  # fmt: skip


def test_two_files_that_disagree_tell_that_it_is_there_and_no_more() -> None:
    one = b"OpenSSL 3.5.4 30 Sep 2025"
    assert found(one, one) == {"openssl": "3.5.4"}
    assert found(one, b"OpenSSL 3.0.16 11 Feb 2025") == {"openssl": ""}


def test_zlib_ng_tells_the_version_that_it_stands_for_and_not_its_own() -> None:
    assert found(b"lower\0\0\x001.3.1.zlib-ng\0\0\0Z_TREES") == {"zlib-ng": ""}


def test_nothing_is_found_in_nothing() -> None:
    assert found(b"", b"MZ python") == {}
