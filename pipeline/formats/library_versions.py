"""Libraries that a binary contains, by the version strings in it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping

_SIGNATURES: Mapping[str, re.Pattern[bytes]] = {
    "bdb": re.compile(rb"Berkeley DB (\d+\.\d+\.\d+)(?=[^\d.])"),
    # As BZ2_bzlibVersion() answers, with a date such as 13-Jul-2019.
    "bzip2": re.compile(rb"\x00(1\.\d+\.\d+), \d{1,2}-[A-Z][a-z]{2}-\d{4}"),
    "expat": re.compile(rb"expat_(\d+\.\d+\.\d+)(?=[^\d.])"),
    "ncurses": re.compile(rb"ncurses (\d+\.\d+)\.\d{8}"),
    # As OPENSSL_VERSION_TEXT, with a date such as 30 Sep 2025.
    "openssl": re.compile(rb"OpenSSL (\d+\.\d+\.\d+[a-z]?) +\d{1,2} [A-Z][a-z]{2} \d{4}"),
    # sqlite3_version is a bare number; above 3.30 it is not taken for Python's own version.
    "sqlite": re.compile(rb"(3\.(?<![\d.]3\.)[3-9]\d\.\d+)\x00"),
    "zlib": re.compile(rb"flate (?<=inflate |deflate )(\d+\.\d+(?:\.\d+)*) Copyright"),
    # "1.3.1.zlib-ng" names the zlib that it replaces; its own version is nowhere.
    "zlib-ng": re.compile(rb"\.zlib-ng(?<=\d\.zlib-ng)()"),
}
"""How a library states its version; the first group is the version.

Each pattern includes what follows the version: a chunk may end in the middle of a number. Each
begins with fixed bytes, and looks back for what precedes them: the regex engine finds those several
times as fast."""
_LONGEST_BYTES = 128
"""No signature is longer."""


class LibraryDetector:
    """Looks for libraries in binaries as their bytes go by."""

    def __init__(self) -> None:
        self._found: defaultdict[str, set[str]] = defaultdict(set)

    def scanner(self) -> Callable[[bytes], None]:
        """Begin a file; call the result with its bytes, in order."""
        tail = b""

        def scan(chunk: bytes) -> None:
            nonlocal tail
            window = tail + chunk  # a signature may lie across two chunks
            for name, pattern in _SIGNATURES.items():
                for match in pattern.finditer(window):
                    self._found[name].add(match[1].decode())
            tail = window[-_LONGEST_BYTES:]

        return scan

    def found(self) -> Mapping[str, str]:
        """The version of each library that is there, ``""`` where files disagree."""
        return {
            name: next(iter(versions)) if len(versions) == 1 else ""
            for name, versions in self._found.items()
        }
