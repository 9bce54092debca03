"""The machine: subprocesses, atomic files, processors. The only module that starts programs."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import filelock

from pipeline.errors import DiskError, ToolError

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


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that ran to its end."""

    code: int
    stdout: bytes
    stderr: str


def run(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    cwd: Path | None = None,
    timeout_s: float | None = None,
) -> Finished:
    """Run ``command`` without a shell and collect what it prints.

    ``env`` replaces the environment; ``None`` inherits it. Raises ``ToolError`` when the program
    does not exist, is of another machine or takes longer than ``timeout_s``; its exit code is the
    caller's to judge.
    """
    try:
        done = subprocess.run(  # noqa: S603 - callers pass argument lists, never a shell line
            list(command),
            env=None if env is None else dict(env),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            cwd=cwd,
            timeout=timeout_s,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as missing:
        raise ToolError(
            f"{command[0]} is not on this machine", remedy=f"Install {Path(command[0]).name}."
        ) from missing
    except PermissionError as refused:
        raise ToolError(
            f"{command[0]} cannot be executed", remedy="Check the path and its permissions."
        ) from refused
    except OSError as foreign:
        if foreign.errno not in _FOREIGN:
            raise
        raise ToolError(
            f"{command[0]} is no program for this machine",
            remedy="Use one that was built for this system and processor.",
        ) from foreign
    except subprocess.TimeoutExpired as late:
        raise ToolError(
            f"{command[0]} did not finish within {timeout_s:g} s",
            remedy="Run the command by hand to see what it waits for: " + " ".join(command),
        ) from late
    return Finished(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def disk_errors(where: Path) -> Iterator[None]:
    """Tell a full disk or a refused write below ``where`` as a ``DiskError``."""
    try:
        yield
    except OSError as fault:
        if fault.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskError(
                f"the disk that holds {where} is full", remedy="Free some space and run it again."
            ) from fault
        if fault.errno in _REFUSED:
            raise DiskError(
                f"cannot write {fault.filename or where}: {fault.strerror}",
                remedy="Name another directory, or change its permissions.",
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
def exclusive(name: str, locks: Path, waiting: Callable[[], None]) -> Iterator[None]:
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
