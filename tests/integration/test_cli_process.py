"""The command as a person runs it: its processes, its terminal, Ctrl-C and company."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pty
import random
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import zstandard

from pipeline.config.lock import dump_lock
from pipeline.config.model import Pin
from pipeline.system.errors import (
    AssetNotFoundError,
    ConfigError,
    DiskError,
    DownloadError,
    UsageError,
)
from pipeline.system.process import processors
from tests.builders.pbs_archive import INSTALL, Tar, full_archive, unix_tree
from tests.fakes.http_server import Fault, Loopback
from tests.harness.limits import HANGS_AFTER_S
from tests.harness.peers import PBS_WINDOW_LOG
from tests.harness.project import REPOSITORY, Line, Project, matrix_text

NAME = "cpython-3.14.9+20261021-x86_64-unknown-linux-gnu-pgo+lto-full.tar.zst"
PATH = f"/20261021/{NAME}"
CELL = "3.14.9/linux-amd64"


def lock(project: Project, data: bytes) -> None:
    pin = Pin("20261021", NAME, hashlib.sha256(data).hexdigest(), len(data))
    project.write("matrix.lock", dump_lock([pin]))


def offer(project: Project, server: Loopback, data: bytes) -> None:
    """Lock the asset of ``CELL`` and serve it."""
    lock(project, data)
    server.files[PATH] = data


def command(project: Project, *argv: str | Path) -> list[str]:
    return [sys.executable, "-m", "pipeline", "--root", str(project.root), *map(str, argv)]


def environment(project: Project) -> Mapping[str, str]:
    return {**os.environ, "GOEMPY_CACHE_DIR": str(project.root.parent / "cache")}


@contextmanager
def started(project: Project, *argv: str | Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command(project, *argv),
        cwd=REPOSITORY,
        env=environment(project),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_until(what: object, timeout_s: float = HANGS_AFTER_S) -> None:
    assert callable(what)
    end = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.01)


def test_version_and_help_need_no_files(tmp_path: Path) -> None:
    for argument, expected in (("--version", "goempy 0.1.0"), ("--help", "release")):
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", argument],
            cwd=REPOSITORY, env=os.environ | {"HOME": str(tmp_path)},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert expected in done.stdout


def test_a_folder_that_is_no_checkout(tmp_path: Path) -> None:
    outcome = Project(tmp_path).run("plan")
    assert outcome.code == ConfigError.exit_code
    assert f"error: {tmp_path} has no matrix.toml" in outcome.log


@pytest.mark.parametrize(
    "argv",
    [
        ["release", "--python", "python3"],
        ["release", "--local", "--source", "github"],
        ["build", "--out", "x"],
        ["nonsense"],
        [],
    ],
)
def test_wrong_usage(project: Project, argv: list[str]) -> None:
    # argparse leaves by itself, until click reads every command.
    try:
        code = project.run(*argv).code
    except SystemExit as caught:
        code = caught.code  # type: ignore[assignment]
    assert code == UsageError.exit_code


def test_an_unknown_cell(project: Project) -> None:
    outcome = project.run("build", "3.14.9/linux-amd46", "3.1/x", "--out", "unused")
    assert outcome.code == UsageError.exit_code
    assert "no cell '3.14.9/linux-amd46'; did you mean '3.14.9/linux-amd64'?" in outcome.log
    assert "no cell '3.1/x'" in outcome.log


def test_tags_tell_what_each_holds_and_how_to_get_it(project: Project) -> None:
    rows = project.run("tags").out.splitlines()
    assert len(rows) == 2
    assert rows[1].split("  ")[0] == "v0.1.0"
    assert "linux-amd64, linux-arm64, darwin-amd64, darwin-arm64, windows-amd64" in rows[1]
    assert rows[1].rstrip().endswith("go get github.com/goempy/goempy@latest")


def test_a_dry_run_of_a_release_asks_nobody_and_writes_nothing(
    project: Project, server: Loopback, tmp_path: Path
) -> None:
    outcome = project.run(
        "release", "--dry-run", "--source", server.address, "--out", tmp_path / "out"
    )
    assert outcome.code == 0
    rows = [row.split() for row in outcome.out.splitlines()[1:]]
    assert [row[0] for row in rows][:2] == [CELL, "3.14.9/linux-arm64"]
    assert {row[1] for row in rows} == {"v0.1.0"}
    assert "would build 5 cells" in outcome.log
    assert server.requests == []
    assert not (tmp_path / "out").exists()


def test_a_plan_and_a_dry_run_count_the_same(project: Project) -> None:
    project.write("matrix.toml", matrix_text(Line(), pip=True))
    plan, dry = project.run("plan"), project.run("release", "--dry-run")
    assert "5 cells and pip, 1 line\n" in plan.log
    assert "would build 5 cells and pip from" in dry.log
    assert len(plan.out.splitlines()) == len(dry.out.splitlines())


def test_no_network_is_one_clear_error(project: Project, tmp_path: Path) -> None:
    lock(project, b"anything")
    argv = ("build", CELL, "--out", tmp_path / "out")
    outcome = project.run(*argv, env={"GOEMPY_PBS_MIRROR": "http://127.0.0.1:9"})
    assert outcome.code == DownloadError.exit_code
    assert f"error: {CELL}: cannot fetch http://127.0.0.1:9" in outcome.log
    assert outcome.log.count("attempt ") == 5
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("fault", [Fault(503), Fault(cut_after=10), Fault(429)])
def test_a_server_that_keeps_failing(
    project: Project, server: Loopback, tmp_path: Path, fault: Fault
) -> None:
    offer(project, server, full_archive(unix_tree()))
    server.faults[PATH].extend([fault] * 6)
    outcome = project.run("build", CELL, "--out", tmp_path / "out", "--source", server.address)
    assert outcome.code == DownloadError.exit_code
    assert "(tried 6 times)" in outcome.log
    assert not (tmp_path / "out").exists()


def test_offline_a_cached_asset_is_enough(
    project: Project, server: Loopback, tmp_path: Path
) -> None:
    """Also where the lock does not know its size."""
    data = full_archive(unix_tree())
    pin = Pin("20261021", NAME, hashlib.sha256(data).hexdigest())
    project.write("matrix.lock", dump_lock([pin]))
    server.files[PATH] = data
    argv = ("build", CELL, "--out", tmp_path / "out", "--source", server.address)
    assert project.run(*argv).code == 0
    server.requests.clear()
    server.files.clear()
    assert project.run(*argv).code == 0
    assert server.requests == []


def test_the_first_failure_ends_the_others(
    project: Project, server: Loopback, tmp_path: Path
) -> None:
    """Whichever cell was named first; here the other waits for a silent server."""
    offer(project, server, full_archive(unix_tree()))
    server.faults[PATH].append(Fault(stall_after=10))
    other = "3.14.9/windows-amd64"
    argv = ("build", CELL, other, "--out", tmp_path / "out", "--source", server.address)
    with started(project, *argv) as process:
        log = process.communicate(timeout=HANGS_AFTER_S)[1]
    assert process.returncode == AssetNotFoundError.exit_code
    assert f"error: {other}: " in log


def test_cells_are_built_at_the_same_time(
    project: Project, server: Loopback, tmp_path: Path
) -> None:
    """Two servers' worth of waiting, and both requests are there before either is answered."""
    if processors() < 2:
        pytest.skip("this machine has one processor, so cells are built one after the other")
    data = full_archive(unix_tree())
    names = [NAME, NAME.replace("x86_64", "aarch64")]
    pins = [Pin("20261021", n, hashlib.sha256(data).hexdigest(), len(data)) for n in names]
    project.write("matrix.lock", dump_lock(pins))
    for name in names:
        server.files[f"/20261021/{name}"] = data
        server.faults[f"/20261021/{name}"].append(Fault(stall_after=10))
    argv = ("build", CELL, "3.14.9/linux-arm64", "--out", tmp_path / "out")
    with started(project, *argv, "--source", server.address) as process:
        wait_until(lambda: len(server.requests) == 2)
        process.kill()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ALL_PROXY", "nonsense://127.0.0.1:9"),
        ("SSL_CERT_FILE", "/none/ca.pem"),
    ],
)
def test_bad_settings_of_the_network_hurt_only_who_needs_it(
    project: Project, tmp_path: Path, variable: str, value: str
) -> None:
    env = {**environment(project), variable: value}
    build = ("build", CELL, "--out", tmp_path / "out")
    expected = {("plan",): 0, build: DownloadError.exit_code}
    for argv, code in expected.items():
        done = subprocess.run(
            command(project, *argv), cwd=REPOSITORY, env=env,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
    assert variable in done.stderr


@pytest.mark.parametrize("source", ["http://host:abc/", "https://"])
def test_an_address_that_is_none(project: Project, tmp_path: Path, source: str) -> None:
    outcome = project.run("build", CELL, "--out", tmp_path / "out", "--source", source)
    assert outcome.code == UsageError.exit_code
    assert "is not a usable address" in outcome.log


def test_a_file_where_a_folder_should_be(
    project: Project, server: Loopback, tmp_path: Path
) -> None:
    offer(project, server, full_archive(unix_tree()))
    (tmp_path / "file").write_text("x")
    argv = ("build", CELL, "--source", server.address, "--out")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        outcome = project.run(*argv, out)
        assert outcome.code == DiskError.exit_code
        assert "cannot write" in outcome.log
    env = {"GOEMPY_CACHE_DIR": str(tmp_path / "file")}
    assert project.run(*argv, tmp_path / "out", env=env).code == DiskError.exit_code


def test_names_that_the_terminal_cannot_show(
    project: Project, server: Loopback, tmp_path: Path
) -> None:
    data = full_archive(unix_tree() | {"lib/python3.14/naïve.py": b"x"})
    offer(project, server, data)
    done = subprocess.run(
        command(project, "build", CELL, "--out", tmp_path / "out", "--source", server.address,
                "--explain"),
        cwd=REPOSITORY, env={**environment(project), "PYTHONIOENCODING": "ascii"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "na\\xefve.py" in done.stdout


def test_nothing_dropped_reaches_the_disk(
    project: Project, server: Loopback, tmp_path: Path
) -> None:
    """Neither build/ nor what trimming drops is in the scratch directory at any moment."""
    dropped = random.Random(8).randbytes(3000)
    extra = [(f"python/build/object{n}.o", dropped) for n in range(5)]
    tree = unix_tree() | {"lib/python3.14/test/big.py": dropped, "include/big.h": dropped}
    data = full_archive(tree, extra=extra)
    offer(project, server, data)
    written: set[str] = set()
    shim = tmp_path / "sitecustomize.py"
    shim.write_text(
        "import sys\n"
        "def hook(event, args):\n"
        "    if event == 'open' and isinstance(args[0], str) and args[1] and 'w' in args[1]:\n"
        f"        open({str(tmp_path / 'opened')!r}, 'a').write(args[0] + '\\n')\n"
        "sys.addaudithook(hook)\n"
    )
    env = {**environment(project), "PYTHONPATH": str(tmp_path)}
    argv = command(project, "build", CELL, "--out", tmp_path / "out", "--source", server.address)
    subprocess.run(argv, cwd=REPOSITORY, env=env, check=True, capture_output=True)
    written |= set((tmp_path / "opened").read_text().split())
    staged = [name for name in written if "/stage/" in name]
    assert len(staged) == 1  # every content goes through one file, which gets its hash as a name
    assert not any(hashlib.sha256(dropped).hexdigest()[:32] in name for name in written)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_while_a_server_is_silent(
    project: Project, server: Loopback, tmp_path: Path, number: signal.Signals
) -> None:
    data = full_archive(unix_tree() | {"bin/big": random.Random(3).randbytes(400_000)})
    offer(project, server, data)
    server.faults[PATH].append(Fault(stall_after=200_000))
    out = tmp_path / "out"
    argv = ("build", CELL, "--out", out, "--source", server.address)
    with started(project, *argv) as process:
        parts = tmp_path / "cache"
        wait_until(lambda: sum(p.stat().st_size for p in parts.glob("*.part")) > 0)
        process.send_signal(number)
        log = process.communicate(timeout=HANGS_AFTER_S)[1]
    assert process.returncode == 130
    assert "error: interrupted. No partial output remains; rerun to continue." in log
    assert "Traceback" not in log
    assert not out.exists()
    with started(project, *argv) as process:
        process.communicate(timeout=HANGS_AFTER_S)
    assert process.returncode == 0
    assert server.gets(PATH)[1].startswith("bytes=")


def slow_to_pack(project: Project, server: Loopback) -> None:
    """An archive that takes seconds at level 19."""
    words = [random.Random(n).randbytes(6).hex() for n in range(3000)]
    text = " ".join(random.Random(5).choices(words, k=300_000)).encode()
    data = full_archive(unix_tree() | {"bin/big": text})
    offer(project, server, data)
    matrix = (project.root / "matrix.toml").read_text("utf-8")
    project.write("matrix.toml", matrix.replace("level = 3", "level = 19"))


def test_interrupted_while_packing(project: Project, server: Loopback, tmp_path: Path) -> None:
    slow_to_pack(project, server)
    out, blobs = tmp_path / "out", tmp_path / "cache" / "blobs"
    with started(project, "build", CELL, "--out", out, "--source", server.address) as process:
        wait_until(lambda: list(blobs.glob("*.zst")))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=HANGS_AFTER_S)
    assert process.returncode == 130
    assert list(out.iterdir()) == []
    for path in blobs.iterdir():
        assert path.stem.endswith(hashlib.sha256(path.read_bytes()).hexdigest()[:32])


def test_killed_while_packing_the_next_run_is_not_disturbed(
    project: Project, server: Loopback, tmp_path: Path
) -> None:
    slow_to_pack(project, server)
    out = tmp_path / "out"
    argv = ("build", CELL, "--out", out, "--source", server.address)
    with started(project, *argv) as process:
        wait_until(lambda: list((tmp_path / "cache" / "blobs").glob("*.zst")))
        process.kill()
        process.communicate(timeout=HANGS_AFTER_S)
    assert not (out / CELL).exists()
    (left,) = out.iterdir()
    long_ago = time.time() - 2 * 3600
    os.utime(left, (long_ago, long_ago))
    with started(project, *argv) as process:
        process.communicate(timeout=HANGS_AFTER_S)
    assert process.returncode == 0
    assert [path.name for path in out.iterdir()] == ["3.14.9"]
    assert (out / CELL / "files.json").is_file()
    assert len(server.gets(PATH)) == 1  # the archive was proven in the cache


def test_two_copies_at_once_make_the_same(
    project: Project, server: Loopback, tmp_path: Path
) -> None:
    offer(project, server, full_archive(unix_tree()))
    argv = ("release", "--out", tmp_path / "out", "--source", server.address,
            "--only-platforms", "linux/amd64")  # fmt: skip
    with started(project, *argv) as one, started(project, *argv) as two:
        logs = [process.communicate(timeout=HANGS_AFTER_S)[1] for process in (one, two)]
    assert [one.returncode, two.returncode] == [0, 0], logs
    assert len(server.gets(PATH)) == 1
    assert {path.name for path in (tmp_path / "out" / "payloads").iterdir()} == {"3.14.9"}


def in_terminal(project: Project, *argv: str | Path, width: int = 80) -> str:
    """What a terminal of ``width`` columns gets from the command."""
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (24, width))
    process = subprocess.Popen(
        command(project, *argv), cwd=REPOSITORY, env={**environment(project), "TERM": "xterm"},
        stdin=follower, stdout=follower, stderr=follower,
    )  # fmt: skip
    os.close(follower)
    seen = b""
    with contextlib.suppress(OSError):  # so Linux ends a terminal without processes
        while chunk := os.read(leader, 65536):
            seen += chunk
    os.close(leader)
    assert process.wait(HANGS_AFTER_S) == 0
    return seen.decode()


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_terminal_is_too_narrow_for_a_tag(project: Project, width: int) -> None:
    everywhere = project.run("tags").out.splitlines()[1:]
    words = in_terminal(project, "tags", width=width).split()
    assert everywhere
    for row in everywhere:
        # Between the escapes of colours only white space may break what is copied.
        assert set(row.split()) <= set(words)


def test_in_a_terminal_there_are_bars_and_elsewhere_lines(
    project: Project, server: Loopback, tmp_path: Path
) -> None:
    offer(project, server, full_archive(unix_tree()))
    argv = ("build", CELL, "--out", tmp_path / "out", "--source", server.address)
    seen = in_terminal(project, *argv)
    assert "━" in seen
    assert f"{CELL}: packing" in seen
    plain = project.run("build", CELL, "--out", tmp_path / "plain", "--source", server.address)
    assert plain.code == 0
    assert f"{CELL}: packing: 100 % of" in plain.log
    assert "━" not in plain.log


@pytest.mark.skipif(sys.platform != "linux", reason="/sys takes no folders, not even root's")
def test_an_out_directory_that_cannot_be_written(project: Project, server: Loopback) -> None:
    offer(project, server, full_archive(unix_tree()))
    outcome = project.run("build", CELL, "--out", "/sys/x", "--source", server.address)
    assert outcome.code == DiskError.exit_code
    assert "cannot write" in outcome.log


def test_one_cell_stays_within_300_mib(project: Project, server: Loopback, tmp_path: Path) -> None:
    """With PBS's own window of 128 MiB, level 19, a large program, and much that is dropped."""
    matrix = (project.root / "matrix.toml").read_text("utf-8")
    project.write("matrix.toml", matrix.replace("level = 3", "level = 19"))
    chunk = random.Random(11).randbytes(1 << 20)
    tar = Tar()
    for number in range(200):
        tar.file(f"python/build/object{number}.o", chunk + bytes([number]))
    tar.file("python/build/noise.o", random.Random(3).randbytes(4 << 20))
    tar.all(INSTALL, unix_tree())
    # What it takes is a matter of sizes alone, and this is packed in a fifth of the usual time.
    half = b"".join(bytes([n % 251]) * 400 + chunk[8 * n : 8 * n + 8] for n in range(36_000))
    tar.file(f"{INSTALL}bin/large", half, mode=0o755)
    tar.file(f"{INSTALL}bin/larger", half + half[::-1], mode=0o755)
    window = PBS_WINDOW_LOG
    settings = zstandard.ZstdCompressionParameters.from_level(3, window_log=window, enable_ldm=True)
    data = zstandard.ZstdCompressor(compression_params=settings).compress(tar.tar())
    assert zstandard.get_frame_parameters(data).window_size == 1 << window
    offer(project, server, data)
    script = (
        "import resource, subprocess, sys\n"
        "code = subprocess.run(sys.argv[1:]).returncode\n"
        "print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    argv = command(project, "build", CELL, "--out", tmp_path / "out", "--source", server.address)
    done = subprocess.run(
        [sys.executable, "-c", script, *argv], cwd=REPOSITORY, env=environment(project),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    code, peak = map(int, done.stdout.splitlines()[-1].split())
    assert code == 0, done.stderr
    kibibytes = 1 if sys.platform == "linux" else 1024  # macOS counts bytes
    assert peak // kibibytes < 300 * 1024
