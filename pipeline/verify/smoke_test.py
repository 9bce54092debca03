"""Use a payload's module as its users will: extract, start, import, install, test.

A module is written that carries the payload alone, and programs that use it are built and run
without PATH and HOME. What Python is, and which modules it has, is read from what they print.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from pipeline.config.cells import all_cells
from pipeline.config.model import PIP_CELL, Cell, Line, Platform
from pipeline.config.project import Config
from pipeline.release.module_tree import PLATFORM_LIST, platform_list
from pipeline.release.tagging import TagPlan, plan_tags, read_payloads
from pipeline.system.console import Console
from pipeline.system.errors import PayloadError, SmokeTestError, ToolError
from pipeline.system.files import disk_errors
from pipeline.system.git import TreeFile
from pipeline.system.process import error_tail
from pipeline.system.units import counted
from pipeline.verify.go import Go
from pipeline.verify.interpreter_probe import (
    ALL_BUILTINS,
    Probe,
    extension_modules,
    probe_faults,
)
from pipeline.verify.sandbox import (
    SEE_LOG,
    ModuleResult,
    Sandbox,
    go_mod,
    in_sandbox,
    write_programs,
)

TESTED = ("./embed_util/...", "./internal/...", "./pip/...", "./python/...")
"""The packages of the Go module that have tests. The example serves HTTP, and to compile the
standard library for that takes as long as to compile it for all else."""
_PACKAGE = "goempy_smoke_test"
_GREETING = "a wheel for this platform"
_TEST_TIMEOUT = "25m"
"""For one package, so that one that hangs is named. Go's own 10m are little for a slow runner."""
_SHOWN = 5
_FAILED_TEST = re.compile(r"^--- FAIL: (\S+)", re.MULTILINE)


def smoke_test_cells(
    cells: Sequence[Cell], config: Config, payloads: Path, go: Go, console: Console
) -> tuple[ModuleResult, ...]:
    """Test the cells that have a payload below ``payloads``, one after the other.

    Raises ``PayloadError`` without that folder.
    """
    if not payloads.is_dir():
        raise PayloadError(
            f"there is no folder {payloads}", hint="Name the folder of payloads with --payloads."
        )
    present = [cell for cell in cells if (payloads / cell.name).is_dir()]
    if present:
        console.info(go.call("version", cwd=Path()).strip())
    tested = line_to_test([cell.line for cell in present], config.primary)
    results = []
    for cell in present:
        console.info(f"{cell.name}: smoke test of its module")
        test = partial(_test_cell, cell, config, payloads, with_go_tests=cell.line == tested)
        results.append(in_sandbox(cell.name, go, console, test))
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


def plan_module(cell: Cell, config: Config, payloads: Path) -> TagPlan:
    """The module as its tag will have it, with one platform; raises ``PayloadError``."""
    matrix = config.matrix
    if not (payloads / PIP_CELL).is_dir():
        # It is reused from an earlier tag then, and was tested there.
        matrix = dataclasses.replace(matrix, wheels=())
    found = read_payloads([cell], matrix, payloads)
    (plan,) = plan_tags(matrix, config.version, config.primary, [cell], found)
    siblings = [each.platform for each in all_cells(matrix) if each.line == cell.line]
    return dataclasses.replace(plan, files=with_platforms(plan.files, siblings))


def with_platforms(
    files: Sequence[TreeFile], platforms: Sequence[Platform]
) -> tuple[TreeFile, ...]:
    """The files of a module of one platform, whose package ``pip`` knows all of the tag's."""
    listed = TreeFile(PLATFORM_LIST, platform_list(platforms).encode())
    return tuple(listed if file.path == PLATFORM_LIST else file for file in files)


def _test_cell(
    cell: Cell, config: Config, payloads: Path, sandbox: Sandbox, *, with_go_tests: bool
) -> ModuleResult:
    """Run every check; a failed one is in ``faults``, and the Go tests run all the same."""
    plan = plan_module(cell, config, payloads)
    faults: list[str] = []
    probe, pip, go_tests = None, "", ""
    try:
        _write_module(plan, sandbox)
        probe, found = _start_twice(cell, plan, sandbox)
        faults += found
        if plan.pip:
            _install_wheel(cell.platform, sandbox)
            pip = "ok"
    except (ToolError, SmokeTestError) as error:
        faults.append(error.what)
    if with_go_tests:
        try:
            go_tests = run_go_tests(sandbox)
        except (ToolError, SmokeTestError) as error:
            faults.append(error.what)
    return ModuleResult(cell.name, tuple(faults), probe, pip=pip, go_tests=go_tests)


def _write_module(plan: TagPlan, sandbox: Sandbox) -> None:
    """Write the module, and the programs beside it."""
    write_tree(plan.files, sandbox.module)
    names = ("start", "install", "use") if plan.pip else ("start",)
    write_programs(sandbox.programs, plan.module_path, names)
    text = go_mod(plan.module_path, plan.tag, "../module")
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


def _start_twice(cell: Cell, plan: TagPlan, sandbox: Sandbox) -> tuple[Probe, list[str]]:
    """The first start extracts into an empty directory, the second one writes nothing."""
    program = sandbox.build("start")
    extensions = extension_modules(plan.payloads[0].payload.manifest)
    tree, probe = sandbox.probe(program, (ALL_BUILTINS, *extensions))
    before = snapshot(tree)
    again, _probe = sandbox.probe(program, (ALL_BUILTINS, *extensions))
    faults = list(probe_faults(probe, cell, extensions))
    if again != tree:
        faults.append(f"the second start extracted to {again}, the first one to {tree}")
    elif written := changed(before, snapshot(tree)):
        shown = ", ".join(written[:_SHOWN])
        files = counted(len(written), "file")
        faults.append(f"the second start was not warm, it wrote {files}: {shown}")
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
    """The Go module's own tests, with the race detector where it works.

    Returns ``ok`` and that flag; raises ``SmokeTestError`` when they fail.
    """
    race = sandbox.go.has_race()
    flags = ["-race"] if race else []
    # -count=1: a result of an earlier run on this machine does not count.
    argv = ["test", "-count=1", f"-timeout={_TEST_TIMEOUT}", sandbox.go.tags, *flags, *TESTED]
    done = sandbox.go.run(*argv, cwd=sandbox.module, race=race)
    printed = done.stdout.decode("utf-8", "replace")
    sandbox.log(printed + done.stderr)
    if done.code:
        failed = ", ".join(_FAILED_TEST.findall(printed)) or error_tail(done, stdout=True)
        raise SmokeTestError(
            f"the module's own tests fail (go {' '.join(argv)}): {failed}", hint=SEE_LOG
        )
    return " ".join(["ok", *flags])
