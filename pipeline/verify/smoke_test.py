"""Use a payload's module as its users will: extract, start, import, install, test.

A module is written that carries the payload alone, and programs that use it are built and run
without PATH and HOME. What Python is, and which modules it has, is read from what they print.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.config.cells import all_cells
from pipeline.config.model import PIP_CELL, Cell, Line, Platform
from pipeline.config.project import Config
from pipeline.release.module_tree import PLATFORM_LIST, platform_list
from pipeline.release.tagging import plan_tags, read_payloads
from pipeline.system.console import Console
from pipeline.system.errors import PipelineError, SmokeTestError, ToolError
from pipeline.system.files import disk_errors
from pipeline.system.git import TreeFile
from pipeline.system.process import error_tail
from pipeline.verify.go import Go
from pipeline.verify.interpreter_probe import (
    ALL_BUILTINS,
    Probe,
    extension_modules,
    probe_faults,
)
from pipeline.verify.sandbox import SEE_LOG, Sandbox, go_mod, write_programs

_PACKAGE = "goempy_smoke_test"
_GREETING = "a wheel for this platform"
_TEST_TIMEOUT = "25m"
"""For one package, so that one that hangs is named. Go's own 10m are little for a slow runner."""
_SHOWN = 5
_FAILED_TEST = re.compile(r"^--- FAIL: (\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SmokeTest:
    """A cell, and the module that carries it alone."""

    cell: Cell
    module_path: str
    version: str
    files: tuple[TreeFile, ...]
    extensions: tuple[str, ...]
    has_pip: bool


@dataclass(frozen=True, slots=True)
class SmokeTestResult:
    """The result of one cell; ``faults`` are sentences, none if it passed.

    ``pip`` and ``go_tests`` are ``ok`` or empty, the latter with the flags of the tests.
    """

    cell: Cell
    faults: tuple[str, ...]
    seconds: float
    probe: Probe | None = None
    pip: str = ""
    go_tests: str = ""


def smoke_test_cells(
    cells: Sequence[Cell], config: Config, payloads: Path, go: Go, console: Console
) -> tuple[SmokeTestResult, ...]:
    """Test the cells, whose payloads are below ``payloads``, one after the other."""
    tested = line_to_test([cell.line for cell in cells], config.primary)
    results = []
    for cell in cells:
        began = console.clock()
        console.info(f"{cell.name}: smoke test of its module")
        try:
            test = plan_smoke_test(cell, config, payloads)
            # On Windows a file may be in use for a moment longer than the program that used it.
            with tempfile.TemporaryDirectory(
                prefix="goempy-try-", ignore_cleanup_errors=True
            ) as folder:
                sandbox = Sandbox(go, Path(folder), console.info)
                result = apply_smoke_test(test, sandbox, with_go_tests=cell.line == tested)
        except PipelineError as error:
            result = SmokeTestResult(cell, (error.what, *error.details), 0.0)
        results.append(dataclasses.replace(result, seconds=console.clock() - began))
    return tuple(results)


def line_to_test(lines: Sequence[Line], primary: Line) -> Line | None:
    """The line whose Go tests are run: the primary, else the newest."""
    if primary in lines or not lines:
        return primary if lines else None

    def age(line: Line) -> tuple[int, int, int, bool, str, bool]:
        version = line.python
        number = (version.major, version.minor, version.patch)
        return (*number, not version.pre, version.pre, not line.variant)

    return max(lines, key=age)


def plan_smoke_test(cell: Cell, config: Config, payloads: Path) -> SmokeTest:
    """The module as its tag will have it, with one platform; raises ``PayloadError``."""
    matrix = config.matrix
    if not (payloads / PIP_CELL).is_dir():
        # It is reused from an earlier tag then, and was tested there.
        matrix = dataclasses.replace(matrix, wheels=())
    found = read_payloads([cell], matrix, payloads)
    (plan,) = plan_tags(matrix, config.version, config.primary, [cell], found)
    siblings = [each.platform for each in all_cells(matrix) if each.line == cell.line]
    return SmokeTest(
        cell,
        plan.module_path,
        str(config.version),
        with_platforms(plan.files, siblings),
        extension_modules(found[cell.name].manifest),
        has_pip=PIP_CELL in found,
    )


def with_platforms(
    files: Sequence[TreeFile], platforms: Sequence[Platform]
) -> tuple[TreeFile, ...]:
    """The files of a module of one platform, whose package ``pip`` knows all of the tag's."""
    listed = TreeFile(PLATFORM_LIST, platform_list(platforms).encode())
    return tuple(listed if file.path == PLATFORM_LIST else file for file in files)


def apply_smoke_test(test: SmokeTest, sandbox: Sandbox, *, with_go_tests: bool) -> SmokeTestResult:
    """Run every check; a failed one is in ``faults``, and the Go tests run all the same."""
    faults: list[str] = []
    probe, pip, go_tests = None, "", ""
    try:
        write_module(test, sandbox)
        probe, found = _start_twice(test, sandbox)
        faults += found
        if test.has_pip:
            _install_wheel(test.cell.platform, sandbox)
            pip = "ok"
    except (ToolError, SmokeTestError) as error:
        faults.append(error.what)
    if with_go_tests:
        try:
            go_tests = run_go_tests(sandbox)
        except (ToolError, SmokeTestError) as error:
            faults.append(error.what)
    return SmokeTestResult(test.cell, tuple(faults), 0.0, probe, pip, go_tests)


def write_module(test: SmokeTest, sandbox: Sandbox) -> None:
    """Write the module, and the programs beside it."""
    write_tree(test.files, sandbox.module)
    names = ("start", "install", "use") if test.has_pip else ("start",)
    write_programs(sandbox.programs, test.module_path, names)
    text = go_mod(test.module_path, test.version, "../module")
    with disk_errors(sandbox.programs):
        (sandbox.programs / "go.mod").write_text(text, encoding="utf-8", newline="\n")
        # So that the module's dependencies are those that its authors had.
        shutil.copyfile(sandbox.module / "go.sum", sandbox.programs / "go.sum")


def write_tree(files: Sequence[TreeFile], folder: Path) -> None:
    """Write a module tree into ``folder``."""
    with disk_errors(folder):
        for file in files:
            path = folder / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            if file.source:
                shutil.copyfile(file.source, path)
            else:
                path.write_bytes(file.text)


def _start_twice(test: SmokeTest, sandbox: Sandbox) -> tuple[Probe, list[str]]:
    """The first start extracts into an empty directory, the second one writes nothing."""
    program = sandbox.build("start")
    modules = (ALL_BUILTINS, *test.extensions)
    tree, probe = sandbox.probe(program, modules)
    before = snapshot(tree)
    again, _probe = sandbox.probe(program, modules)
    faults = list(probe_faults(probe, test.cell, test.extensions))
    if again != tree:
        faults.append(f"the second start extracted to {again}, the first one to {tree}")
    elif written := changed(before, snapshot(tree)):
        shown = ", ".join(written[:_SHOWN])
        faults.append(f"the second start was not warm, it wrote {len(written)} files: {shown}")
    return probe, faults


def snapshot(folder: Path) -> Mapping[str, tuple[int, int]]:
    """Size in bytes and modification time in ns of everything below ``folder``, by path."""
    stats = {path: path.lstat() for path in folder.rglob("*")}
    return {
        path.relative_to(folder).as_posix(): (stat.st_size, stat.st_mtime_ns)
        for path, stat in stats.items()
    }


def changed(
    before: Mapping[str, tuple[int, int]], after: Mapping[str, tuple[int, int]]
) -> list[str]:
    """The paths that differ between two snapshots, sorted."""
    return sorted(path for path in {*before, *after} if before.get(path) != after.get(path))


def _install_wheel(platform: Platform, sandbox: Sandbox) -> None:
    """Let package ``pip`` install a wheel of this platform, embed it, and import it."""
    wheels, packages = sandbox.folder / "wheels", sandbox.programs / "packages"
    requirements, home = wheels / "requirements.txt", sandbox.folder / "home"
    with disk_errors(sandbox.folder):
        wheels.mkdir()
        # pip looks for settings, and finds a home without any.
        home.mkdir()
        write_wheel(wheels, platform.wheel_tags[0] if platform.wheel_tags else "any")
        requirements.write_text(f"{_PACKAGE}\n", encoding="utf-8")
    arguments = [str(requirements), str(wheels), str(packages), platform.name]
    done = sandbox.run(sandbox.build("install"), *arguments, home=home)
    if done.code:
        tail = error_tail(done, stdout=True)
        raise SmokeTestError(f"package pip fails to install a wheel: {tail}", hint=SEE_LOG)
    code = f"import {_PACKAGE}; print({_PACKAGE}.GREETING)"
    done = sandbox.run(sandbox.build("use"), "-c", code)
    if done.code or done.stdout.decode("utf-8", "replace").strip() != _GREETING:
        tail = error_tail(done, stdout=True)
        raise SmokeTestError(f"the installed wheel cannot be imported: {tail}", hint=SEE_LOG)


def write_wheel(folder: Path, tag: str) -> Path:
    """Write a wheel of one module, as small as pip accepts."""
    info = f"{_PACKAGE}-1.0.dist-info"
    path = folder / f"{_PACKAGE}-1.0-py3-none-{tag}.whl"
    contents = {
        f"{_PACKAGE}/__init__.py": f"GREETING = {_GREETING!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {_PACKAGE}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: goempy\nRoot-Is-Purelib: false\n"
        f"Tag: py3-none-{tag}\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in contents.items():
            wheel.writestr(name, text)
    return path


def run_go_tests(sandbox: Sandbox) -> str:
    """``go test ./...`` of the module, with the race detector where it works.

    Returns ``ok`` and that flag; raises ``SmokeTestError`` when they fail.
    """
    race = sandbox.go.has_race()
    flags = ["-race"] if race else []
    # -count=1: a result of an earlier run on this machine does not count.
    argv = ["test", "-count=1", f"-timeout={_TEST_TIMEOUT}", sandbox.go.tags, *flags, "./..."]
    done = sandbox.go.run(*argv, cwd=sandbox.module, race=race)
    printed = done.stdout.decode("utf-8", "replace")
    sandbox.log(printed + done.stderr)
    if done.code:
        failed = ", ".join(_FAILED_TEST.findall(printed)) or error_tail(done, stdout=True)
        raise SmokeTestError(
            f"the module's own tests fail (go {' '.join(argv)}): {failed}", hint=SEE_LOG
        )
    return " ".join(["ok", *flags])
