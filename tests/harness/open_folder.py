"""A folder like ``/tmp``: every user may enter it and write there."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """A new folder, which is gone afterwards; those of pytest are closed to other users."""
    with tempfile.TemporaryDirectory(prefix="goempy-test-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o1777)
        yield Path(name)
