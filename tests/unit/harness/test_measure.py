"""Runs of programs: in turns, and with what the operating system tells of each."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.harness.measure import Sample, in_turns, run_measured

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the bench measures on Linux")

ENV = {"PATH": os.environ.get("PATH", "")}
MEGABYTE = 1_000_000


def python(script: str, *args: str, **env: str) -> Sample:
    return run_measured([sys.executable, "-I", "-S", "-c", script, *args], env={**ENV, **env})


def allocating(megabytes: int) -> str:
    """A script that touches each page of so much memory."""
    return f"data = bytearray(b'x') * ({megabytes} * 1_000_000)"


def test_memory_of_a_program() -> None:
    assert 200 * MEGABYTE < python(allocating(200)).peak_bytes < 300 * MEGABYTE


def test_memory_of_a_process_that_the_program_starts() -> None:
    starts = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    assert python(starts, allocating(200)).peak_bytes > 200 * MEGABYTE


def test_own_memory_is_not_that_of_a_program() -> None:
    held = bytearray(b"x") * (200 * MEGABYTE)
    assert python("pass").peak_bytes < 100 * MEGABYTE
    assert len(held) == 200 * MEGABYTE


def test_time_of_a_busy_program() -> None:
    busy = python("import time\nwhile time.process_time() < 0.5: pass")
    assert 0.5 <= busy.cpu_s <= busy.wall_s


def test_a_program_that_waits_takes_time_but_not_the_processor() -> None:
    idle = python("import time; time.sleep(0.5)")
    assert idle.wall_s >= 0.5
    assert idle.cpu_s < idle.wall_s


def test_processor_time_of_what_the_program_starts_counts() -> None:
    busy = "import time\nwhile time.process_time() < 0.5: pass"
    starts = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    assert python(starts, busy).cpu_s >= 0.5


def test_a_program_that_fails_raises_with_what_it_wrote() -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        python("import sys; print('out'); sys.exit('what went wrong')")
    assert caught.value.returncode == 1
    assert b"what went wrong" in caught.value.stderr
    assert sys.executable in caught.value.cmd


def test_a_program_that_a_signal_ends_raises() -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert caught.value.returncode == -9


def test_a_program_that_does_not_exist_raises() -> None:
    with pytest.raises((OSError, subprocess.CalledProcessError)):
        run_measured(["/nowhere/program"], env=ENV)


def test_environment_and_folder_are_those_given(tmp_path: Path) -> None:
    script = (
        "import os, sys; os.environ['GIVEN'] == 'a b' and 'HOME' not in os.environ or sys.exit(3)\n"
        "os.getcwd() == sys.argv[1] or sys.exit(4)"
    )
    folder = str(tmp_path.resolve())
    argv = [sys.executable, "-I", "-S", "-c", script, folder]
    run_measured(argv, env={**ENV, "GIVEN": "a b"}, cwd=tmp_path)


def test_a_program_reads_nothing_and_its_words_are_not_ours() -> None:
    python("import sys; sys.stdin.read() and sys.exit(3); print('1 2 3 4 5' * 100)")


def test_much_output_does_not_stop_a_program() -> None:
    python("import sys; sys.stdout.write('x' * 10**6); sys.stderr.write('x' * 10**6)")


def test_subjects_take_turns_and_warm_ups_do_not_count() -> None:
    order: list[str] = []

    def subject(name: str) -> int:
        order.append(name)
        return len(order)

    subjects = {name: partial(subject, name) for name in "AB"}
    assert in_turns(subjects, 3, warmups=1) == {"A": (3, 5, 7), "B": (4, 6, 8)}
    assert "".join(order) == "ABABABAB"


def test_without_warm_ups_the_first_round_counts() -> None:
    assert in_turns({"only": lambda: "value"}, 2, warmups=0) == {"only": ("value", "value")}


def test_what_a_subject_raises_is_not_swallowed() -> None:
    def broken() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        in_turns({"broken": broken}, 1)
