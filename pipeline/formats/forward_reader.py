"""A binary that is read once, forward only, and of which only the wanted ranges are held."""

from collections.abc import Callable, Iterable, Iterator
from typing import NoReturn, TypeAlias

Read: TypeAlias = Callable[[int], bytes]
"""Returns at most so many bytes, b"" at the end of the file."""

Extent: TypeAlias = tuple[int, int]
"""Offsets in a file: the first byte, and the one behind the last."""

CHUNK_BYTES = 256 * 1024


class BinaryFormatError(ValueError):
    """A binary is malformed, truncated, or not the one that a plan was made for."""


def fail(what: str) -> NoReturn:
    """Raise BinaryFormatError."""
    raise BinaryFormatError(what)


class ForwardReader:
    """A file of ``size`` bytes, as its headers or its archive claim.

    Never asks for more than a chunk, so a size that is too large costs nothing. Raises
    BinaryFormatError for a range beyond ``size``, and when the input ends early.
    """

    def __init__(self, read: Read, size: int) -> None:
        self.size = size
        self._read = read
        self._remembered: list[tuple[int, bytes]] = []
        self._wanted: list[Extent] = []
        self._position = 0

    def want(self, ranges: Iterable[Extent]) -> None:
        """Remember these ranges from now on, and forget the chunks outside them."""
        self._wanted = merge(ranges)
        self._remembered = [(at, data) for at, data in self._remembered if self._wants(at, data)]

    def _wants(self, at: int, data: bytes) -> bool:
        return any(start < at + len(data) and at < end for start, end in self._wanted)

    def pieces(self, end: int) -> Iterator[bytes]:
        """Yield the bytes from the current position to offset ``end``; none if it is behind."""
        if end > self.size:
            fail(f"something reaches to byte {end} of a file of {self.size} bytes")
        while self._position < end:
            data = self._exactly(min(CHUNK_BYTES, end - self._position))
            if self._wants(self._position, data):
                self._remembered.append((self._position, data))
            self._position += len(data)
            yield data

    def _exactly(self, size: int) -> bytes:
        # Short reads are joined, so that what is remembered is not a million tiny objects.
        parts: list[bytes] = []
        missing = size
        while missing > 0:
            parts.append(self._read(missing))
            if not parts[-1]:
                fail(f"the file ends at byte {self._position + size - missing} of {self.size}")
            missing -= len(parts[-1])
        return b"".join(parts)

    def advance(self, end: int) -> None:
        """Read up to offset ``end``."""
        for _ in self.pieces(end):
            continue

    def take(self, extent: Extent) -> bytes:
        """Return a range, reading up to its end. It must have been wanted when it was reached."""
        start, end = extent
        self.advance(end)
        parts = (data[max(0, start - at) : max(0, end - at)] for at, data in self._remembered)
        return b"".join(parts)

    def fetch(self, start: int, size: int) -> bytes:
        """Return ``size`` bytes from offset ``start`` and forget all others."""
        self.want([(start, start + size)])
        return self.take((start, start + size))


def merge(ranges: Iterable[Extent]) -> list[Extent]:
    """Sort ranges, drop empty ones, join those that overlap or touch."""
    merged: list[Extent] = []
    for start, end in sorted(r for r in ranges if r[0] < r[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return merged
