"""Bytecode: the same bytes from every process, and importlib takes them."""

from __future__ import annotations

import errno
import json
import marshal
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.build.bytecode import worker as inside
from pipeline.build.bytecode.compile import Compiled, SourceFile, compile_sources
from pipeline.formats.marshal import FormatError, canonical, code_layout
from pipeline.sources.local_interpreter import Interpreter
from pipeline.system.errors import DiskError, ToolError, TreeError
from pipeline.system.process import ProcessResult, run
from tests.builders.interpreters import interpreters
from tests.harness.limits import HANGS_AFTER_S
from tests.harness.project import REPOSITORY

PYTHON = Path(sys.executable)
LAYOUT = code_layout(sys.version_info[:2])
EVERY_CONSTANT = """
'''A docstring of more than one line,
of nobody.'''
from __future__ import annotations
TINY = (None, True, False, ..., 0, -1, 0.0, -0.0, 1e300, 3j, -0.0j, b"", b"two words", "", "a")
LARGE = (2**31 - 1, 2**31, -2**31, -2**31 - 1, 2**200, -2**200)
TEXT = ("identifier", "two words", "é", "名前", "\\ud800", "x" * 300, "a b" * 100, ("two words",))
NESTED = ((1, (2.5, "two words"), ()), (1, (2.5, "two words"), ()))
é = lambda x, /, y=2.5, *, z="two words": x in {"two words", "r s", None, 1, 2.5, b"z", (1, "é")}
def outer(a, b):
    c = a
    class Inner:
        def method(self):
            self.one = self.two = self.three = c
            return [c + b for b in a if b in {"r s", "two words"}], a[1:2], a[1:2]
    def generator():
        try:
            yield from {b: c for b in a}
        except* ValueError:
            yield a["k":], a["k":]
    return Inner, generator
async def spool(a):
    async with a as b:
        return [c async for c in b]
"""
EVERY_CONSTANT += f"MANY = {tuple(range(1000, 1300))}\n"
SAMPLE = ("enum", "os", "tokenize", "weakref")
BUSY = """
import gc, json, logging, pathlib, random, re, sys, typing, unittest
names = json.load(sys.stdin)
texts = [pathlib.Path(path).read_text("utf-8") for _, path in names]
kept = [sys.intern(each) for text in texts for each in [*text.split(), *text.splitlines(), *text]]
gc.disable()
random.Random(4).shuffle(names)
sys.path.append(sys.argv[1])
from pipeline.build.bytecode.worker import compile_source
codes = [compile(text, "other", "exec") for text in texts]
found = {name: compile_source(name, pathlib.Path(path).read_bytes()) for name, path in names}
print(json.dumps({name: pyc.hex() for name, pyc in found.items()}))
"""


@dataclass(frozen=True)
class Places:
    """A library with one package, and where its bytecode goes."""

    library: Path
    out: Path

    def write(self, name: str, text: str) -> SourceFile:
        path = self.library / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return SourceFile(name, path)

    def compile(
        self, sources: Sequence[SourceFile], python: Path | str = PYTHON
    ) -> tuple[Compiled, ...]:
        return compile_sources(Path(python), sources, self.out, 2, run=run)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "library", tmp_path / "out")


def compiled(text: str) -> CodeType:
    return compile(text, "name.py", "exec", dont_inherit=True, optimize=0)


def spelled(text: str) -> bytes:
    return canonical(marshal.dumps(compiled(text)), LAYOUT)


def loaded(text: str) -> CodeType:
    code = marshal.loads(spelled(text))  # noqa: S302 - written a line before
    assert isinstance(code, CodeType)
    return code


def pycs(done: Sequence[Compiled]) -> dict[str, bytes]:
    return {each.name: each.path.read_bytes() for each in done}


def in_file(folder: Path, text: str) -> Path:
    path = folder / "python3"
    path.write_text(text)
    path.chmod(0o755)
    return path


# The canonical form.


def test_references_to_constants_do_not_change_it() -> None:
    code = compiled("x = (1234.5, 'two words', 99999)\ndef f(): return 'some more words'")
    alone = marshal.dumps(code)
    (values,) = [each for each in code.co_consts if isinstance(each, tuple)]
    (function,) = [each for each in code.co_consts if isinstance(each, CodeType)]
    kept = [*code.co_consts, *values, *function.co_consts]
    assert kept
    assert marshal.dumps(code) != alone
    assert canonical(marshal.dumps(code), LAYOUT) == canonical(alone, LAYOUT)


def test_strings_that_the_process_has_interned_do_not_change_it() -> None:
    text = "x = 'nobody has interned this before'"
    plain, interned = compiled(text), compiled(text)
    sys.intern(interned.co_consts[0])
    assert marshal.dumps(interned) != marshal.dumps(plain)
    assert canonical(marshal.dumps(interned), LAYOUT) == canonical(marshal.dumps(plain), LAYOUT)


def test_equal_sets_are_written_in_one_order() -> None:
    text = "x in {'m n', 'k l', None, 7, 2.5, b'z', ('m n', 7)}"
    plain, interned = compiled(text), compiled(text)
    members = next(each for each in interned.co_consts if isinstance(each, frozenset))
    kept = [sys.intern(each) if each == "m n" else each for each in members]
    assert len(kept) == 7
    assert marshal.dumps(interned) != marshal.dumps(plain)
    assert canonical(marshal.dumps(interned), LAYOUT) == canonical(marshal.dumps(plain), LAYOUT)


def test_equal_values_are_written_once_but_types_and_signs_stay_apart() -> None:
    assert spelled("x = 'two words'\ndef f(): return 'two words'").count(b"two words") == 1
    code = loaded("x = (0.0, -0.0, 0, False, 1, 1.0, True, '1', b'1')")
    (values,) = [each for each in code.co_consts if isinstance(each, tuple)]
    assert repr(values) == "(0.0, -0.0, 0, False, 1, 1.0, True, '1', b'1')"


def test_functions_that_look_alike_stay_two() -> None:
    code = loaded("x = [lambda: 0, lambda: 0]")
    first, second = (each for each in code.co_consts if isinstance(each, CodeType))
    assert first is not second


CONSTANTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(["two words", "name", "é"])
    | st.binary(),
    lambda inner: st.lists(inner, max_size=5).map(tuple),
    max_leaves=30,
)


@given(st.lists(CONSTANTS, min_size=1, max_size=6))
@settings(deadline=None)
def test_any_constants_are_loaded_as_they_were(values: list[object]) -> None:
    text = "".join(f"x{number} = {value!r}\n" for number, value in enumerate(values))
    text += f"def f(x): return x in {{{', '.join(map(repr, values))}}}, x in {{{values[0]!r}}}\n"
    code = compiled(text)
    once = canonical(marshal.dumps(code), LAYOUT)
    inside.check_same(code, once)
    assert canonical(once, LAYOUT) == once
    loaded_again = marshal.loads(once)  # noqa: S302 - written two lines before
    assert canonical(marshal.dumps(loaded_again), LAYOUT) == once


@pytest.mark.parametrize(
    "text",
    ["x = 1e999 - 1e999", "x = -(1e999 - 1e999), 0.0, -0.0", "x = " + "lambda: " * 60 + "1"],
    ids=["NaN", "its sign", "functions in functions"],
)
def test_what_compares_badly_is_loaded_as_it_was(text: str) -> None:
    inside.check_same(compiled(text), spelled(text))


def test_a_dump_that_ends_early_or_late_is_refused() -> None:
    dump = spelled("x = (2**99, 'é', 'two words', 1.5)\ndef f(): return 'two words'")
    for end in range(len(dump)):
        with pytest.raises(FormatError, match="it ends early"):
            canonical(dump[:end], LAYOUT)
    with pytest.raises(FormatError, match=f"trailing data at byte {len(dump)}"):
        canonical(dump + b"N", LAYOUT)


@pytest.mark.parametrize(
    ("dump", "reason"),
    [
        (marshal.dumps([1]), r"unknown type '\[' at byte 0"),
        (b")\x02Nr\x00\x00\x00\x00", "a reference to nothing, 0, before byte 8"),
        (b"\xa9\x01r\x00\x00\x00\x00", "a reference to nothing, 0, before byte 7"),
        (b"s\xff\xff\xff\xff", "it ends early"),
    ],
)
def test_what_code_never_holds_is_refused(dump: bytes, reason: str) -> None:
    with pytest.raises(FormatError, match=reason):
        canonical(dump, LAYOUT)


# The check of what was written.


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (spelled("x = 2"), "something else"),
        (spelled("x = True"), "something else"),
        (spelled("x = 1; y = 1"), "something else"),
        (canonical(marshal.dumps(compile("x = 1", "b.py", "exec")), LAYOUT), "something else"),
        (b"\xe3\x00", "cannot be loaded"),
    ],
)
def test_code_that_is_loaded_as_other_code_is_refused(other: bytes, reason: str) -> None:
    with pytest.raises(FormatError, match=reason):
        inside.check_same(compiled("x = 1"), other)


# Real interpreters.


def minor_of(found: Interpreter) -> tuple[int, ...]:
    return tuple(map(int, found.version.split(".")[:2]))


each_interpreter = pytest.mark.parametrize(
    "found",
    [each for each in interpreters() if minor_of(each) >= (3, 8)],
    ids=lambda each: f"{each.version}@{each.prefix}",
)


def sample_of(found: Interpreter, places: Places) -> list[SourceFile]:
    text = EVERY_CONSTANT
    if minor_of(found) < (3, 11):
        text = text.replace("except*", "except")
    sources = [SourceFile(f"{name}.py", Path(found.stdlib, f"{name}.py")) for name in SAMPLE]
    return [*sources, places.write("pkg/every_constant.py", text)]


@each_interpreter
def test_a_process_that_did_much_before_writes_the_same(found: Interpreter, places: Places) -> None:
    sources = sample_of(found, places)
    done = places.compile(sources, found.executable)
    command = [found.executable, "-W", "ignore", "-B", "-c", BUSY, str(REPOSITORY)]
    stdin = json.dumps([[source.name, str(source.path)] for source in sources]).encode()
    busy = run(command, env={"PYTHONHASHSEED": "77"}, stdin=stdin, timeout_s=HANGS_AFTER_S)
    assert busy.code == 0, busy.stderr
    hexes = json.loads(busy.stdout)
    assert [each.path.read_bytes().hex() for each in done] == [
        hexes[name] for name in sorted(hexes)
    ]


@each_interpreter
def test_importlib_takes_a_pyc_and_tells_the_real_place(found: Interpreter, places: Places) -> None:
    source = places.write("pkg/inner.py", "def fail():\n\n    raise KeyError('as it was')\n")
    (done,) = places.compile([source], found.executable)
    target = places.library / done.name
    target.parent.mkdir()
    done.path.replace(target)
    places.write("pkg/inner.py", "\n\n    the new third line\n")
    command = [found.executable, "-S", "-B", "-c", "from pkg.inner import fail; fail()"]
    ended = run(command, env={"PYTHONPATH": str(places.library)}, timeout_s=HANGS_AFTER_S)
    assert f'File "{source.path}", line 3, in fail\n    the new third line' in ended.stderr
    assert "KeyError: 'as it was'" in ended.stderr


def test_files_come_back_sorted_whatever_the_order_asked_for(places: Places) -> None:
    sources = [places.write(name, "x = 1\n") for name in ("b.py", "pkg/sub/c.py", "a.py")]
    done = places.compile(sources)
    tag = sys.implementation.cache_tag
    assert [each.name for each in done] == [
        f"__pycache__/a.{tag}.pyc",
        f"__pycache__/b.{tag}.pyc",
        f"pkg/sub/__pycache__/c.{tag}.pyc",
    ]
    assert [each.path for each in done] == [places.out / each.name for each in done]
    assert pycs(places.compile(sources[::-1])) == pycs(done)


def test_what_lies_around_is_not_imported(
    places: Places, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = places.write("a.py", "assert x, 'y'\n")
    plain = pycs(places.compile([source]))
    trap = tmp_path / "trap"
    for folder in (trap, places.out):
        folder.mkdir(exist_ok=True)
        for name in ("json", "struct", "pipeline", "sitecustomize"):
            (folder / f"{name}.py").write_text("raise SystemExit('the trap')\n")
    monkeypatch.setenv("PYTHONPATH", str(trap))
    monkeypatch.setenv("PYTHONOPTIMIZE", "2")
    monkeypatch.setenv("PYTHONNODEBUGRANGES", "1")
    monkeypatch.chdir(trap)
    assert pycs(places.compile([source])) == plain


def test_relative_paths_are_those_of_the_caller(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = places.write("a.py", "x = 1\n")
    monkeypatch.chdir(places.library)
    python = Path(os.path.relpath(PYTHON))
    (done,) = compile_sources(python, [SourceFile("a.py", Path("a.py"))], Path("out"), 1, run=run)
    assert done.path.read_bytes() == places.compile([source])[0].path.read_bytes()


# Faults.


def test_all_files_that_are_not_python_are_reported(places: Places) -> None:
    sources = [
        places.write("good.py", "x = 1\n"),
        places.write("pkg/old.py", "print 'words'\n"),
        places.write("pkg/null.py", "x = '\0'\n"),
        places.write("pkg/deep.py", "-" * 100_000 + "1\n"),  # the parser's stack overflows
    ]
    with pytest.raises(TreeError, match="cannot compile parts") as fault:
        places.compile(sources)
    assert [each.partition(":")[0] for each in fault.value.details] == [
        "pkg/deep.py",
        "pkg/null.py",
        "pkg/old.py",
    ]
    assert "SyntaxError: " in fault.value.details[2]
    assert "[trim]" in fault.value.hint


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("\x7fELF of another machine", "is not a program for this machine"),
        ("#!/no/such/loader\n", "its loader is not on this machine"),
        ("#!/bin/sh\necho it knows why >&2; exit 3\n", "it knows why"),
        ("#!/bin/sh\nexit 3\n", "exit code 3"),
        ("#!/bin/sh\nkill -ILL $$\n", "killed by SIGILL"),
        ("#!/bin/sh\necho hello\n", "it does not answer as a Python interpreter does"),
    ],
)
def test_an_interpreter_that_this_machine_cannot_run(
    places: Places, tmp_path: Path, program: str, reason: str
) -> None:
    python = in_file(tmp_path, program)
    with pytest.raises(ToolError, match=reason) as fault:
        places.compile([places.write("a.py", "x = 1\n")], python)
    assert str(python) in fault.value.what
    assert 'bytecode = "none"' in fault.value.hint


def test_an_interpreter_that_is_not_there(places: Places, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="is not on this machine"):
        places.compile([], tmp_path / "python3")


def test_a_format_of_bytecode_that_is_not_known(places: Places) -> None:
    answer = {"pycs": [], "refused": [], "unknown": [["a.py", "why"]], "os_error": None}

    def newer(*_command: object, **_options: object) -> ProcessResult:
        return ProcessResult(0, json.dumps(answer).encode(), "")

    with pytest.raises(ToolError, match="bytecode of an unknown format") as fault:
        compile_sources(PYTHON, [], places.out, 1, run=newer)
    assert fault.value.details == ("a.py: why",)


def test_a_folder_that_is_gone_is_not_made_again(tmp_path: Path) -> None:
    """A run that was stopped has removed it."""
    source, out = tmp_path / "a.py", tmp_path / "gone"
    source.write_text("x = 1\n")
    request = {"out": str(out), "sources": [["below/a.py", str(source)]]}
    argv = [str(PYTHON), "-m", inside.__name__]
    done = run(argv, cwd=REPOSITORY, stdin=json.dumps(request).encode())
    assert json.loads(done.stdout)["os_error"][0] == errno.ENOENT
    assert not out.exists()


def test_a_directory_that_cannot_be_written(places: Places) -> None:
    source = places.write("pkg/a.py", "x = 1\n")
    places.out.mkdir()
    (places.out / "pkg").write_text("in the way")
    with pytest.raises(DiskError, match=r"cannot write .*pkg"):
        places.compile([source])
