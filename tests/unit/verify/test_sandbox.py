"""Programs that use the module: where they run, and what they print."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.system.errors import SmokeTestError
from pipeline.system.process import ProcessResult
from pipeline.verify.sandbox import (
    bare_environment,
    go_mod,
    read_start,
    write_programs,
)

FORK = "forge.example/you/py/v2"
ANSWER = (
    '{"version": "3.14.9", "free_threaded": false, "openssl": "", "sqlite": "",'
    ' "imported": [], "failed": {}}\n'
)


def test_a_start_prints_where_python_is_and_what() -> None:
    path, probe = read_start(ProcessResult(0, f"/somewhere/python\n{ANSWER}".encode(), ""))
    assert (path, probe.version) == ("/somewhere/python", "3.14.9")


@pytest.mark.parametrize(
    ("done", "message"),
    [
        (ProcessResult(1, b"", "no payload\n"), "does not start Python: no payload"),
        (
            ProcessResult(1, b"/p\nimporting _x\n", "signal: killed\n"),
            "while importing _x: signal: killed",
        ),
        (
            ProcessResult(1, f"/p\n{ANSWER}".encode(), "exit status 3\n"),
            "then failed: exit status 3",
        ),
    ],
)
def test_a_start_that_fails_says_how(done: ProcessResult, message: str) -> None:
    with pytest.raises(SmokeTestError, match=message):
        read_start(done)


def test_a_bare_environment_has_what_windows_needs_and_nothing_else(tmp_path: Path) -> None:
    env = {"PATH": "/bin", "HOME": "/home/me", "SystemRoot": "C:\\Windows", "PYTHONPATH": "x"}
    bare = bare_environment(env, tmp_path)
    temp = dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(tmp_path))
    assert bare == {"PATH": "", "HOME": "", "SystemRoot": "C:\\Windows", **temp}


def test_the_programs_name_the_module_of_a_fork(tmp_path: Path) -> None:
    write_programs(tmp_path, FORK, ["start", "install", "use"])
    texts = [path.read_text("utf-8") for path in sorted(tmp_path.rglob("*.go"))]
    assert len(texts) == 3
    assert all(f'"{FORK}/p' in text for text in texts)
    assert not [text for text in texts if "goempy/goempy" in text]
    assert f"replace {FORK} => ../module" in go_mod(FORK, "v2.0.0", "../module")
