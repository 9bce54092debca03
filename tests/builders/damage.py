"""Files with bytes that are not theirs."""

from __future__ import annotations

import random


def patched(data: bytes, at: int, value: bytes) -> bytes:
    """``data`` with ``value`` at an offset in bytes."""
    return data[:at] + value + data[at + len(value) :]


def damage(chosen: random.Random) -> bytes:
    """One to eight bytes: any, or those that sizes and offsets are least expected to be."""
    size = chosen.randint(1, 8)
    least, most = b"\0" * size, b"\xff" * size
    return chosen.choice([chosen.randbytes(size), chosen.randbytes(size), least, most])
