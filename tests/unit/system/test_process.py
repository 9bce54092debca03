"""Programs that are run: output, codes, and those that do not run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipeline.system import process
from pipeline.system.errors import ToolError


def test_a_program_s_output_and_code() -> None:
    done = process.run(
        [sys.executable, "-c", "import sys; print(input()); sys.exit(3)"], stdin=b"hi"
    )
    assert (done.code, done.stdout.strip(), done.stderr) == (3, b"hi", "")


def test_a_missing_program() -> None:
    with pytest.raises(ToolError, match="no-such-program is not on this machine"):
        process.run(["no-such-program"])


def test_a_file_that_is_no_program(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("x")
    with pytest.raises(ToolError, match="cannot be executed"):
        process.run([str(tmp_path / "text")])


def test_a_program_that_hangs() -> None:
    with pytest.raises(ToolError, match=r"did not finish within 0\.1 s"):
        process.run([sys.executable, "-c", "import time; time.sleep(60)"], timeout_s=0.1)


def test_the_error_tail_is_a_few_lines_and_never_none() -> None:
    many = "\n".join(map(str, range(9))).encode()
    failed = process.ProcessResult(1, many, "the\n\nend\n")
    assert process.error_tail(failed) == "the; end"
    assert process.error_tail(failed, stdout=True) == "6; 7; 8; the; end"
    assert process.error_tail(failed, lines=1) == "end"
    assert process.error_tail(failed, stdout=True, first=1, lines=2) == "0; ...; the; end"
    assert (
        process.error_tail(failed, stdout=True, first=9, lines=2)
        == "0; 1; 2; 3; 4; 5; 6; 7; 8; the; end"
    )
    assert process.error_tail(process.ProcessResult(3, b"", "\n")) == "exit code 3"
    assert process.error_tail(process.ProcessResult(-9, b"", "")) == "killed by SIGKILL"
