"""Files and directories: atomic writes, scratch directories, locks, digests."""

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

import filelock

from pipeline.system.errors import DiskError

CHUNK_BYTES = 1 << 20
_REFUSED = frozenset(
    {
        errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST, errno.ENOTDIR, errno.EISDIR,
        errno.ENAMETOOLONG, errno.ELOOP,
    }
)  # fmt: skip
"""A path that cannot be written: permissions, or something else is there."""
_SCRATCH = ".goempy-"
_LOCK = "lock"
_ABANDONED_S = 3600


@contextlib.contextmanager
def disk_errors(where: Path) -> Iterator[None]:
    """Raise a full disk or a refused write below ``where`` as a ``DiskError``."""
    try:
        yield
    except OSError as fault:
        if fault.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskError(
                f"the disk that holds {where} is full", hint="Free some space, then rerun."
            ) from fault
        if fault.errno in _REFUSED:
            raise DiskError(
                f"cannot write {fault.filename or where}: {fault.strerror}",
                hint="Name another directory, or change its permissions.",
            ) from fault
        raise


@contextlib.contextmanager
def scratch_dir(beside: Path) -> Iterator[Path]:
    """A private directory in ``beside``, on its file system; removed at the end.

    Leftovers of killed processes are removed as well: their locks ended with them.
    """
    with disk_errors(beside):
        _make_folder(beside)
        _remove_abandoned(beside)
        path = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=beside))
        lock = filelock.FileLock(path / _LOCK)
        lock.acquire()
    try:
        yield path
    finally:
        lock.release()
        shutil.rmtree(path, ignore_errors=True)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileNotFoundError as fault:  # the answer of /proc, which takes no folders
        raise PermissionError(errno.EACCES, fault.strerror, fault.filename) from fault


def _remove_abandoned(folder: Path) -> None:
    for path in folder.glob(f"{_SCRATCH}*"):
        # Another process may be removing it too; a new one may not be locked yet.
        with contextlib.suppress(FileNotFoundError, filelock.Timeout):
            if time.time() - path.stat().st_mtime > _ABANDONED_S:
                with filelock.FileLock(path / _LOCK, timeout=0):
                    shutil.rmtree(path, ignore_errors=True)


def write_atomically(path: Path, data: bytes) -> None:
    """Write ``path`` so that a reader sees the old bytes or the new ones, never a mixture.

    What exists and is not a regular file, such as ``/dev/stdout``, is written to as it is.
    """
    if path.exists() and not path.is_file():
        with disk_errors(path):
            path.write_bytes(data)
        return
    with disk_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            # mkstemp makes 0600; what is published is readable by all.
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def replace_dir(new: Path, target: Path) -> None:
    """Replace the directory ``target``, if there is one, by ``new`` (same file system)."""
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
    """Hold the lock ``name``, which one process at a time can have.

    The lock file is in the folder ``locks`` and stays. ``waiting`` is called if another process
    has the lock.
    """
    digest = hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()
    with disk_errors(locks):
        _make_folder(locks)
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
