"""The machine: subprocesses, atomic files, processors. The only module that starts programs."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import filelock

from pipeline.system.errors import DiskError

CHUNK_BYTES = 1 << 20
_REFUSED = frozenset(
    {
        errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST, errno.ENOTDIR, errno.EISDIR,
        errno.ENAMETOOLONG, errno.ELOOP,
    }
)  # fmt: skip
"""A path that cannot be written as it is: forbidden, or something else stands there."""
_FOREIGN = frozenset({errno.ENOEXEC, 86})
"""A program of another system or processor; 86 is EBADARCH, which only macOS has."""
_SCRATCH = ".goempy-"
_LOCK = "lock"
_ABANDONED_S = 3600


@contextlib.contextmanager
def disk_errors(where: Path) -> Iterator[None]:
    """Tell a full disk or a refused write below ``where`` as a ``DiskError``."""
    try:
        yield
    except OSError as fault:
        if fault.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskError(
                f"the disk that holds {where} is full", hint="Free some space and run it again."
            ) from fault
        if fault.errno in _REFUSED:
            raise DiskError(
                f"cannot write {fault.filename or where}: {fault.strerror}",
                hint="Name another directory, or change its permissions.",
            ) from fault
        raise


@contextlib.contextmanager
def scratch_dir(beside: Path) -> Iterator[Path]:
    """A private directory on the file system of ``beside``; gone afterwards, whatever happens.

    What processes left that were killed is removed as well: their locks ended with them.
    """
    with disk_errors(beside):
        beside.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(beside)
        path = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=beside))
        lock = filelock.FileLock(path / _LOCK)
        lock.acquire()
    try:
        yield path
    finally:
        lock.release()
        shutil.rmtree(path, ignore_errors=True)


def _remove_abandoned(folder: Path) -> None:
    for path in folder.glob(f"{_SCRATCH}*"):
        # Another process may be at the same; and a new one may not be locked yet.
        with contextlib.suppress(FileNotFoundError, filelock.Timeout):
            if time.time() - path.stat().st_mtime > _ABANDONED_S:
                with filelock.FileLock(path / _LOCK, timeout=0):
                    shutil.rmtree(path, ignore_errors=True)


def write_atomically(path: Path, data: bytes) -> None:
    """Write ``path`` so that a reader sees the old bytes or the new ones, never a part."""
    with disk_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            # mkstemp makes 0600; what is published is for everyone to read.
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def replace_dir(new: Path, target: Path) -> None:
    """Put the finished directory ``new`` in the place of ``target`` (same file system)."""
    with disk_errors(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        while True:
            try:
                new.rename(target)
            except OSError as fault:
                if fault.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                    raise
            else:
                return
            with scratch_dir(target.parent) as aside, contextlib.suppress(FileNotFoundError):
                target.rename(aside / target.name)


@contextlib.contextmanager
def interprocess_lock(name: str, locks: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Do something that two processes must not do at once; ``name`` says what.

    The lock file is in ``locks`` and stays. ``waiting`` is called when another process is first.
    """
    digest = hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()
    with disk_errors(locks):
        locks.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(locks / f"{digest[:32]}.lock", mode=0o644)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        waiting()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def sha256_of(path: Path) -> str:
    """The hex sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy_stream(source: BinaryIO, target: BinaryIO) -> int:
    """Copy all of ``source``; returns how many bytes that were."""
    total = 0
    while chunk := source.read(CHUNK_BYTES):
        target.write(chunk)
        total += len(chunk)
    return total
