"""Parts of the tree that are off by default do what they are for when they are switched on."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.extract import extract
from tests.harness.project import Line, make_project, matrix_text

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="--local packs Linux interpreters")

EXTENSION = r"""
#include <Python.h>
static PyObject *answer(PyObject *self, PyObject *args) { return PyLong_FromLong(42); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef tiny = {PyModuleDef_HEAD_INIT, "tiny", NULL, -1, methods};
PyMODINIT_FUNC PyInit_tiny(void) { return PyModule_Create(&tiny); }
"""
BUILD = """
import shlex, subprocess, sysconfig
words = lambda name: shlex.split(sysconfig.get_config_var(name) or "")
subprocess.run([*words("CC"), *words("CFLAGS"), *words("CCSHARED"), "-c", "tiny.c",
                "-I" + sysconfig.get_path("include"), "-I" + sysconfig.get_path("platinclude")],
               check=True)
module = "tiny" + sysconfig.get_config_var("EXT_SUFFIX")
subprocess.run([*words("LDSHARED"), "tiny.o", "-o", module], check=True)
"""
"""What build backends do with an extension of one file."""
PREFIXES = "import sysconfig; print(*map(str, sysconfig.get_config_vars().values()), sep='\\n')"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parts")
    project = make_project(folder)
    project.write("matrix.toml", matrix_text(Line(), parts=("ensurepip", "headers")))
    outcome = project.run("release", "--local", "--out", folder / "dist")
    assert outcome.code == 0, outcome.log
    (payload,) = (folder / "dist" / "payloads").glob("*/*")
    return extract(payload, folder / "tree")


def run(program: Path, *args: str, cwd: Path) -> str:
    done = subprocess.run(
        [program, *args], cwd=cwd, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler here")
def test_an_extension_is_compiled_against_the_headers(tree: Path, tmp_path: Path) -> None:
    python = tree / "bin" / "python3"
    (tmp_path / "tiny.c").write_text(EXTENSION)
    run(python, "-c", BUILD, cwd=tmp_path)
    assert run(python, "-c", "import tiny; print(tiny.answer())", cwd=tmp_path) == "42\n"


def test_sysconfig_does_not_name_the_tree_that_was_packed(tree: Path, tmp_path: Path) -> None:
    if sys.base_prefix == "/usr":
        pytest.skip("the prefix of this Python is the system's own")
    values = run(tree / "bin" / "python3", "-c", PREFIXES, cwd=tmp_path).split("\n")
    # Two that make used for its own way to the sources begin with "./".
    named = [each for each in values if sys.base_prefix in each and not each.startswith("./")]
    assert named == []
    assert f"{tree}/include/{next((tree / 'include').iterdir()).name}" in values


def test_venv_installs_pip(tree: Path, tmp_path: Path) -> None:
    if not list(tree.glob("lib/python3.*/ensurepip/_bundled/*.whl")):
        pytest.skip("this machine's Python has no wheels for ensurepip")
    run(tree / "bin" / "python3", "-m", "venv", "env", cwd=tmp_path)
    about = run(tmp_path / "env" / "bin" / "python", "-m", "pip", "--version", cwd=tmp_path)
    assert str(tmp_path / "env") in about
