"""What Python reports of itself, read from a real one and compared with what it must be."""

from __future__ import annotations

import ast
import os
import platform
import sqlite3
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from pipeline.config.model import FREE_THREADED, Cell, Line, Platform, PythonVersion
from pipeline.formats.payload.model import Entry, Manifest
from pipeline.system.errors import SmokeTestError
from pipeline.verify.interpreter_probe import (
    ALL_BUILTINS,
    PROBE_SCRIPT,
    Exempt,
    Probe,
    extension_modules,
    probe_faults,
    read_probe,
)

LINUX = Platform("linux-amd64", "x86_64-unknown-linux-gnu", "pgo+lto", "linux", "amd64")
LINE = Line(PythonVersion(3, 14, 9), "20261021")
CELL = Cell(LINE, LINUX)


def probed(
    version: str = "3.14.9",
    imported: tuple[str, ...] = ("_ssl", "sys"),
    failed: tuple[tuple[str, str], ...] = (),
) -> Probe:
    return Probe(
        version, free_threaded=False, openssl="", sqlite="", imported=imported, failed=failed
    )


def printed(*modules: str, path: Path | None = None) -> tuple[str, int]:
    env = {**os.environ, "PYTHONPATH": str(path)} if path else None
    command = [sys.executable, "-c", PROBE_SCRIPT, *modules]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    return done.stdout, done.returncode


def test_a_real_interpreter_is_read() -> None:
    text, code = printed(ALL_BUILTINS, "json", "goempy_no_such_module")
    assert code == 0
    probe = read_probe(text, "")
    assert probe.version == platform.python_version()
    assert probe.free_threaded == bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    assert probe.sqlite == sqlite3.sqlite_version
    assert {*sys.builtin_module_names, "json"} == {*probe.imported}
    ((name, error),) = probe.failed
    assert name == "goempy_no_such_module"
    assert error.startswith("ModuleNotFoundError: ")


def test_without_names_nothing_is_imported() -> None:
    assert read_probe(printed()[0], "").imported == ()


def test_a_module_that_ends_the_process_is_named(tmp_path: Path) -> None:
    (tmp_path / "deadly.py").write_text("import os\nos._exit(7)\n")
    text, code = printed("json", "deadly", "this_comes_later", path=tmp_path)
    assert code == 7
    with pytest.raises(SmokeTestError, match=r"ended while importing deadly: exit status 7\n"):
        read_probe(text, "exit status 7")


@pytest.mark.parametrize("text", ["", "no json\n", "[]\n", '{"version": "3.14.9"}\n', "3\n"])
def test_what_is_no_probe_is_refused(text: str) -> None:
    with pytest.raises(SmokeTestError, match="before it printed anything"):
        read_probe(text, "nothing")


def test_the_oldest_line_can_read_the_question() -> None:
    assert ast.parse(PROBE_SCRIPT, feature_version=(3, 10)).body


def test_extension_modules_are_those_of_the_manifest() -> None:
    names = {
        "lib/python3.14/lib-dynload/_ssl.cpython-314-x86_64-linux-gnu.so": "_ssl",
        "lib/python3.14t/lib-dynload/_bz2.cpython-314t-darwin.so": "_bz2",
        "lib64/python3.13/lib-dynload/_lzma.so": "_lzma",
        "DLLs/_ctypes.pyd": "_ctypes",
        "DLLs/_hashlib.cp314t-win_amd64.pyd": "_hashlib",
        "DLLs/libssl-3.dll": "",
        "DLLs/py.ico": "",
        "lib/libpython3.14.so": "",
        "lib/python3.14/lib-dynload/README.txt": "",
        "lib/python3.14/ssl.py": "",
    }
    files = [Entry(name, 0o644, 1, "ab" * 32, "none") for name in names]
    link = Entry("DLLs/_link.pyd", 0o777, target="_ctypes.pyd")
    manifest = Manifest("", (*files, link))
    assert extension_modules(manifest) == tuple(sorted(filter(None, names.values())))


def faults(probe: Probe, cell: Cell = CELL, exempt: tuple[Exempt, ...] = ()) -> list[str]:
    return list(probe_faults(probe, cell, ["_ssl"], exempt))


def test_what_is_as_promised_has_no_faults() -> None:
    assert faults(probed()) == []


def test_another_patch_is_a_fault() -> None:
    assert faults(probed("3.14.8")) == ["Python reports version 3.14.8, not 3.14.9"]


def test_a_build_with_a_gil_is_no_free_threaded_line() -> None:
    cell = Cell(Line(LINE.python, LINE.pbs, FREE_THREADED), LINUX)
    assert faults(probed(), cell) == ["Python reports version 3.14.9, not 3.14.9t"]


def test_every_module_that_fails_is_named_with_its_error() -> None:
    probe = probed(failed=(("_a", "ImportError: x"), ("_b", "OSError: y")))
    assert faults(probe) == [
        "module _a cannot be imported: ImportError: x",
        "module _b cannot be imported: OSError: y",
    ]


def test_an_exemption_holds_on_its_platforms_alone() -> None:
    probe = probed(failed=(("_a", "ImportError: x"),))
    musl, gnu = Exempt("*-musl", "_a", "no such call there"), Exempt("linux-*", "_a", "a reason")
    assert faults(probe, exempt=(gnu,)) == []
    assert len(faults(probe, exempt=(musl,))) == 1


def test_a_module_that_was_left_out_is_a_fault() -> None:
    assert faults(probed(imported=("sys",))) == ["modules not imported: _ssl"]
