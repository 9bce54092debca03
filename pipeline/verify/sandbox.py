"""A module under test: programs that use it, run where nothing else can be found by chance."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.release.module_tree import TEMPLATE, template_module_path
from pipeline.system.console import Console
from pipeline.system.errors import DownloadError, PipelineError, SmokeTestError
from pipeline.system.files import disk_errors
from pipeline.system.process import ProcessResult, error_tail, run
from pipeline.verify.go import Go
from pipeline.verify.interpreter_probe import PROBE_SCRIPT, Probe, read_probe

PROGRAMS = Path(__file__).with_name("goprograms")
PROGRAMS_MODULE = "example.com/programs"
SEE_LOG = "The log has the output of the programs."
_TIMEOUT_S = 600.0
_SYSTEM_VARIABLES = ("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR")
"""Windows starts no program properly without them."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A folder that everything is written below, initially empty; ``log`` takes output."""

    go: Go
    folder: Path
    log: Callable[[str], None]

    @property
    def module(self) -> Path:
        """The module under test, where it is not fetched."""
        return self.folder / "module"

    @property
    def programs(self) -> Path:
        """The module of the programs that use it."""
        return self.folder / "programs"

    def build(self, name: str) -> Path:
        """Build one of the programs."""
        return self.go.build(f"./{name}", self.folder / f"{name}-program", cwd=self.programs)

    def run(self, program: Path, *args: str, home: Path | None = None) -> ProcessResult:
        """Run a program without PATH; without ``home``, the user's directories are unset too."""
        temp = self.folder / "temp"
        with disk_errors(temp):
            temp.mkdir(exist_ok=True)
        env = bare_environment(self.go.env, temp)
        if home is not None:
            env |= dict.fromkeys(("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"), str(home))
        done = run([str(program), *args], env=env, cwd=temp, timeout_s=_TIMEOUT_S)
        if done.code:
            self.log(done.stdout.decode("utf-8", "replace") + done.stderr)
        return done

    def probe(self, program: Path, modules: Sequence[str] = ()) -> tuple[Path, Probe]:
        """Run program ``start``, which extracts Python; returns where to, and the probe's answer.

        Raises ``SmokeTestError`` where Python does not start, or not below ``folder``.
        """
        path, probe = read_start(self.run(program, "-c", PROBE_SCRIPT, *modules))
        tree = Path(path)
        if not tree.resolve().is_relative_to(self.folder.resolve()):
            raise SmokeTestError(f"Python was extracted to {tree}, not to TMPDIR", hint=SEE_LOG)
        return tree, probe


@dataclass(frozen=True, slots=True)
class ModuleResult:
    """The result of one module; ``faults`` are sentences, none if it passed."""

    name: str
    """That of its cell or tag."""
    faults: tuple[str, ...]
    probe: Probe | None = None
    """``None`` where Python did not run."""
    has_payload: bool = True
    """For the platform that it was built for."""
    pip: str = ""
    """``ok`` where package ``pip`` was tested."""
    go_tests: str = ""
    """``ok`` and flags where the module's own tests ran."""
    seconds: float = 0.0

    @property
    def versions(self) -> tuple[str, str, str]:
        """Python, OpenSSL and SQLite; ``""`` where Python did not run."""
        probe = self.probe
        return (probe.line_name, probe.openssl, probe.sqlite) if probe else ("", "", "")

    @property
    def modules(self) -> str:
        """``70 of 71``: how many modules could be imported; ``""`` where Python did not run."""
        if self.probe is None:
            return ""
        count = len(self.probe.imported)
        return f"{count} of {count + len(self.probe.failed)}"


def in_sandbox(
    name: str, go: Go, console: Console, test: Callable[[Sandbox], ModuleResult]
) -> ModuleResult:
    """Call ``test`` with a new sandbox; an error that it raises is a fault of the module.

    Except for failures of the network: raises ``DownloadError``.
    """
    began = console.clock()
    try:
        # On Windows a file may be in use for a moment longer than the program that used it.
        with tempfile.TemporaryDirectory(prefix="goempy-", ignore_cleanup_errors=True) as folder:
            result = test(Sandbox(go, Path(folder).resolve(), console.info))
    except DownloadError:
        raise
    except PipelineError as error:
        result = ModuleResult(name, (error.what, *error.details))
    return dataclasses.replace(result, seconds=console.clock() - began)


def read_start(done: ProcessResult) -> tuple[str, Probe]:
    """Read what program ``start`` printed: Python's path, and the output of ``PROBE_SCRIPT``.

    Raises ``SmokeTestError``.
    """
    path, _end, rest = done.stdout.decode("utf-8", "replace").partition("\n")
    tail = error_tail(done)
    if not path:
        raise SmokeTestError(f"the program does not start Python: {tail}", hint=SEE_LOG)
    probe = read_probe(rest, tail)
    if done.code:
        raise SmokeTestError(f"Python ran the probe, then failed: {tail}", hint=SEE_LOG)
    return path.strip(), probe


def bare_environment(env: Mapping[str, str], temp: Path) -> dict[str, str]:
    """An environment without PATH and HOME; ``temp`` is where programs put their files."""
    bare = dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(temp))
    kept = {name: value for name, value in env.items() if name.upper() in _SYSTEM_VARIABLES}
    return {**kept, **bare, "PATH": "", "HOME": ""}


def write_programs(folder: Path, module_path: str, names: Sequence[str]) -> None:
    """Write programs into ``folder``, which becomes a module when it gets a go.mod."""
    template = template_module_path(TEMPLATE)
    for name in names:
        text = (PROGRAMS / name / "main.go").read_text("utf-8")
        target = folder / name / "main.go"
        with disk_errors(folder):
            target.parent.mkdir(parents=True, exist_ok=True)
            text = text.replace(f'"{template}/', f'"{module_path}/')
            target.write_text(text, encoding="utf-8", newline="\n")


def go_mod(module_path: str, version: str, tree: str) -> str:
    """The go.mod of programs that use the module at ``tree``, a path relative to their folder.

    Of ``version``, such as ``v2.0.0``, only the major number matters.
    """
    return (
        f"module {PROGRAMS_MODULE}\n\ngo 1.24\n\n"
        f"require {module_path} {version}\n\nreplace {module_path} => {tree}\n"
    )
