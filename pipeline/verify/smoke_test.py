"""Use a module of one platform as its users will: extract, start, import, install, test.

``try_module`` writes a module, builds programs with it and runs them in an environment without
PATH and HOME. What Python is, and which modules it has, is read from what these programs print.
"""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.config.model import Cell, Platform
from pipeline.release.module_tree import PLATFORM_LIST, platform_list
from pipeline.system.errors import SmokeTestError, ToolError
from pipeline.system.files import disk_errors
from pipeline.system.git import TreeFile
from pipeline.system.process import ProcessResult, run
from pipeline.verify.go import Go, bare_environment, go_mod, last_words, write_programs
from pipeline.verify.interpreter_probe import (
    ALL_BUILTINS,
    PROBE_SCRIPT,
    Probe,
    probe_faults,
    read_probe,
)

_WHEEL = "goempy_trial"
_WHEEL_SAYS = "a wheel for this platform"
_PROGRAM_TIMEOUT_S = 600.0
_TEST_TIMEOUT = "25m"
"""For one package, so that one that hangs is named. Go's own 10m are little for a slow runner."""
_SHOWN = 5
_FAILED_TEST = re.compile(r"^--- FAIL: (\S+)", re.MULTILINE)
_REMEDY = "Do not release it: nothing is tagged yet. The log above has what the programs wrote."


@dataclass(frozen=True, slots=True)
class SmokeTest:
    """What is tried: a cell, and the module that carries it alone."""

    cell: Cell
    module_path: str
    version: str
    files: tuple[TreeFile, ...]
    extensions: tuple[str, ...]
    has_pip: bool
    own_tests: bool
    """Whether the module's own tests are run too."""


@dataclass(frozen=True, slots=True)
class SmokeTestResult:
    """What came out; ``faults`` are sentences, none where all is well."""

    trial: SmokeTest
    portrait: Probe | None
    pip: str
    tests: str
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Where it is tried: ``folder`` is empty and the caller's own, ``say`` tells of steps."""

    go: Go
    folder: Path
    say: Callable[[str], None]

    @property
    def module(self) -> Path:
        """The assembled module."""
        return self.folder / "module"

    @property
    def programs(self) -> Path:
        """The module of the programs that use it."""
        return self.folder / "programs"

    def run(self, program: Path, *args: str, home: Path | None = None) -> ProcessResult:
        """Run a program; all that it extracts is below ``folder``."""
        temp = self.folder / "temp"
        with disk_errors(temp):
            temp.mkdir(exist_ok=True)
        env = bare_environment(self.go.env, temp)
        if home is not None:
            # pip looks for settings; here it finds a home without any.
            env |= dict.fromkeys(("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"), str(home))
        done = run([str(program), *args], env=env, cwd=temp, timeout_s=_PROGRAM_TIMEOUT_S)
        if done.code:
            self.say(done.stdout.decode("utf-8", "replace") + done.stderr)
        return done


def try_module(trial: SmokeTest, bench: Sandbox) -> SmokeTestResult:
    """Try everything; what fails is in ``faults``, and the rest is tried all the same."""
    faults: list[str] = []
    portrait, pip, tests = None, "", ""
    try:
        assemble(trial, bench)
        portrait = _start_twice(trial, bench, faults)
        if trial.has_pip:
            pip = _install(trial, bench)
    except (ToolError, SmokeTestError) as fault:
        faults.append(fault.what)
    if trial.own_tests:
        try:
            tests = own_tests(bench)
        except (ToolError, SmokeTestError) as fault:
            faults.append(fault.what)
    return SmokeTestResult(trial, portrait, pip, tests, tuple(faults))


def assemble(trial: SmokeTest, bench: Sandbox) -> None:
    """Write the module, and the programs beside it."""
    write_tree(trial.files, bench.module)
    names = ("start", "install", "use") if trial.has_pip else ("start",)
    write_programs(bench.programs, trial.module_path, names)
    text = go_mod(trial.module_path, trial.version, "../module")
    with disk_errors(bench.programs):
        (bench.programs / "go.mod").write_text(text, encoding="utf-8", newline="\n")
        # So that what the module depends on is what its authors had.
        shutil.copyfile(bench.module / "go.sum", bench.programs / "go.sum")


def with_platforms(
    files: Sequence[TreeFile], platforms: Sequence[Platform]
) -> tuple[TreeFile, ...]:
    """The files of a module of one platform, whose package ``pip`` knows all of the tag's."""
    listed = TreeFile(PLATFORM_LIST, platform_list(platforms).encode())
    return tuple(listed if file.path == PLATFORM_LIST else file for file in files)


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


def _start_twice(trial: SmokeTest, bench: Sandbox, faults: list[str]) -> Probe:
    """The first start extracts into an empty directory, the second one writes nothing."""
    program = bench.go.build("./start", bench.folder / "starts", cwd=bench.programs)
    wanted = (ALL_BUILTINS, *trial.extensions)
    tree, portrait = _start(bench, program, wanted)
    faults.extend(probe_faults(portrait, trial.cell, trial.extensions))
    before = snapshot(tree)
    again, _portrait = _start(bench, program, wanted)
    if again != tree:
        faults.append(f"the second start extracted to {again}, the first one to {tree}")
    elif written := changed(before, snapshot(tree)):
        shown = ", ".join(written[:_SHOWN])
        faults.append(f"the second start wrote {len(written)} files, so it is not warm: {shown}")
    return portrait


def _start(bench: Sandbox, program: Path, modules: Sequence[str]) -> tuple[Path, Probe]:
    path, portrait = started(bench.run(program, "-c", PROBE_SCRIPT, *modules))
    tree = Path(path)
    if not tree.resolve().is_relative_to(bench.folder.resolve()):
        raise SmokeTestError(f"Python was extracted to {tree}, not to TMPDIR", hint=_REMEDY)
    return tree, portrait


def started(done: ProcessResult) -> tuple[str, Probe]:
    """What program ``start`` printed: where Python is, and its probe; raises ``SmokeTestError``."""
    path, _end, rest = done.stdout.decode("utf-8", "replace").partition("\n")
    wrote = last_words(ProcessResult(done.code, b"", done.stderr))
    if not path:
        raise SmokeTestError(f"the program does not start Python: {wrote}", hint=_REMEDY)
    portrait = read_probe(rest, wrote)
    if done.code:
        raise SmokeTestError(f"Python did all it was told to, and failed: {wrote}", hint=_REMEDY)
    return path.strip(), portrait


def snapshot(folder: Path) -> Mapping[str, tuple[int, int]]:
    """Size in bytes and modification time in ns of everything below ``folder``, by path."""
    looks = {path: path.lstat() for path in folder.rglob("*")}
    return {
        path.relative_to(folder).as_posix(): (look.st_size, look.st_mtime_ns)
        for path, look in looks.items()
    }


def changed(
    before: Mapping[str, tuple[int, int]], after: Mapping[str, tuple[int, int]]
) -> list[str]:
    """The paths that differ between two snapshots, sorted."""
    return sorted(path for path in {*before, *after} if before.get(path) != after.get(path))


def _install(trial: SmokeTest, bench: Sandbox) -> str:
    """Let package ``pip`` install a wheel of this platform, embed it, and import it."""
    tags = trial.cell.platform.wheel_tags
    wheels, packages = bench.folder / "wheels", bench.programs / "packages"
    requirements = wheels / "requirements.txt"
    with disk_errors(bench.folder):
        wheels.mkdir()
        (bench.folder / "home").mkdir()
        write_wheel(wheels, tags[0] if tags else "any")
        requirements.write_text(f"{_WHEEL}\n", encoding="utf-8")
    install = bench.go.build("./install", bench.folder / "installs", cwd=bench.programs)
    argv = [str(each) for each in (requirements, wheels, packages)]
    argv.append(trial.cell.platform.name)
    done = bench.run(install, *argv, home=bench.folder / "home")
    if done.code:
        raise SmokeTestError(f"package pip does not install: {last_words(done)}", hint=_REMEDY)
    use = bench.go.build("./use", bench.folder / "uses", cwd=bench.programs)
    done = bench.run(use, "-c", f"import {_WHEEL}; print({_WHEEL}.SAYS)")
    said = done.stdout.decode("utf-8", "replace").strip()
    if done.code or said != _WHEEL_SAYS:
        raise SmokeTestError(
            f"what package pip installed cannot be imported: {last_words(done)}", hint=_REMEDY
        )
    return "ok"


def write_wheel(folder: Path, tag: str) -> Path:
    """A wheel whose module says something, as small as pip takes them."""
    info = f"{_WHEEL}-1.0.dist-info"
    path = folder / f"{_WHEEL}-1.0-py3-none-{tag}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{_WHEEL}/__init__.py", f"SAYS = {_WHEEL_SAYS!r}\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {_WHEEL}\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL",
            f"Wheel-Version: 1.0\nGenerator: goempy\nRoot-Is-Purelib: false\nTag: py3-none-{tag}\n",
        )
        wheel.writestr(f"{info}/RECORD", "")
    return path


def own_tests(bench: Sandbox) -> str:
    """``go test ./...`` of the module, with the race detector where it works.

    Returns what a table shows; raises ``SmokeTestError`` when they fail.
    """
    race = bench.go.has_race()
    flags = ["-race"] if race else []
    # -count=1: what an earlier run has seen on this machine is no trial.
    argv = ["test", "-count=1", f"-timeout={_TEST_TIMEOUT}", bench.go.tags, *flags, "./..."]
    done = bench.go.run(*argv, cwd=bench.module, race=race)
    printed = done.stdout.decode("utf-8", "replace")
    bench.say(printed + done.stderr)
    if done.code:
        failed = ", ".join(_FAILED_TEST.findall(printed)) or last_words(done)
        raise SmokeTestError(
            f"the module's own tests fail (go {' '.join(argv)}): {failed}", hint=_REMEDY
        )
    return " ".join(["ok", *flags])
