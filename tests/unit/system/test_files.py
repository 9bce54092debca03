"""The machine: programs that are missing, disks that are full, files that appear whole."""

from __future__ import annotations

import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.system import files
from pipeline.system.errors import DiskError


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(TypeError):
        files.write_atomically(path, "text, not bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_told_with_its_place() -> None:
    with (
        pytest.raises(DiskError, match="the disk that holds /dev is full"),
        files.disk_errors(Path("/dev")),
        Path("/dev/full").open("wb", buffering=0) as full,
    ):
        full.write(b"x")


def test_a_refused_write_is_told(tmp_path: Path) -> None:
    refused = PermissionError(13, "Permission denied", "/somewhere")
    with (
        pytest.raises(DiskError, match="cannot write /somewhere: Permission denied"),
        files.disk_errors(tmp_path),
    ):
        raise refused


def test_other_errors_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), files.disk_errors(tmp_path):
        (tmp_path / "none").read_bytes()


def test_many_at_once_in_one_folder(tmp_path: Path) -> None:
    """Scratch directories come and go, and one target is replaced by all."""

    def work(number: int) -> None:
        for _ in range(40):
            with files.scratch_dir(tmp_path) as scratch:
                (scratch / "new").mkdir()
                (scratch / "new" / "file").write_text(str(number))
                files.replace_dir(scratch / "new", tmp_path / "target")

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [None] * 4
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_one_waits_for_the_other(tmp_path: Path) -> None:
    order: list[str] = []
    entered = threading.Event()

    def second() -> None:
        entered.wait()
        with files.interprocess_lock("name", tmp_path, lambda: order.append("waiting")):
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with files.interprocess_lock("name", tmp_path, lambda: order.append("never")):
        entered.set()
        while not order:
            time.sleep(0.01)
        order.append("first")
    thread.join()
    assert order == ["waiting", "first", "second"]


def test_a_scratch_directory_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    with files.scratch_dir(tmp_path / "new") as scratch:
        assert scratch.stat().st_mode & 0o077 == 0
        (scratch / "file").write_bytes(b"x")
    assert list((tmp_path / "new").iterdir()) == []


def test_a_scratch_directory_is_gone_after_a_failure_too(tmp_path: Path) -> None:
    def work() -> None:
        with files.scratch_dir(tmp_path / "new") as scratch:
            (scratch / "file").write_bytes(b"x")
            raise KeyError

    with pytest.raises(KeyError):
        work()
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_a_device_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    files.write_atomically(pipe, b"text")
    assert os.read(reader, 10) == b"text"
    os.close(reader)
    assert pipe.is_fifo()
    with pytest.raises(DiskError, match="cannot write"):
        files.write_atomically(tmp_path, b"text")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="/proc takes no folders")
def test_a_folder_where_none_can_be_made() -> None:
    with (
        pytest.raises(DiskError, match="cannot write /proc/none"),
        files.scratch_dir(Path("/proc/none/a")),
    ):
        pass
