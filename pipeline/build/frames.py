"""How a content is cut into frames of zstd, which a Go program decodes one by one."""

from __future__ import annotations

STREAM = "stream"
BLOB_WINDOW_LOG = 24
"""16 MiB at most, whatever the level: extracting needs as much memory.

PBS's Linux binaries hold their code twice since llvm-bolt optimizes them, some 13 MB apart: 8 MiB
makes them 4 % larger.
"""
STREAM_WINDOW_LOG = 23
"""8 MiB: the contents of a stream are small, and similar ones are close together."""


def frame_sizes(size_bytes: int, layout: str) -> list[int]:
    """How much each frame of a file holds; a frame of a blob is no larger than its window.

    The interpreter of Linux, 29 MB, decodes in 36 MB instead of 43, since no decoder keeps room to
    move its window in, and by two of four cores at once. It becomes 2.2 % larger.
    """
    window_bytes = 1 << BLOB_WINDOW_LOG
    if layout == STREAM or size_bytes <= window_bytes:
        return [size_bytes]
    count = -(-size_bytes // window_bytes)
    size = -(-size_bytes // count)
    return [min(size, size_bytes - start) for start in range(0, size_bytes, size)]
