"""The go command. Nothing else runs go.

A build is for its platform alone, whatever the user's environment or ``go env -w`` choose;
everything else (proxies, caches, toolchains) is as the user has set it up.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.build.host_python import this_machine
from pipeline.config.cells import platform_of
from pipeline.config.ci_runners import build_tags
from pipeline.config.model import Platform
from pipeline.system.errors import ToolError, UsageError
from pipeline.system.network import unreachable
from pipeline.system.process import ProcessResult, error_tail, run
from pipeline.system.suggest import near_names

_TIMEOUT_S = 1800.0
_RACE = frozenset({"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64"})
"""What the race detector knows (Go documentation, "Data Race Detector"), of what PBS has."""


@dataclass(frozen=True, slots=True)
class Go:
    """The go command in the environment ``env``, building for ``platform``."""

    env: Mapping[str, str]
    platform: Platform

    def call(self, *args: str, cwd: Path) -> str:
        """Run a go command and return what it prints.

        Raises ``ToolError``, or ``DownloadError`` where it cannot reach a host.
        """
        done = self.run(*args, cwd=cwd)
        if fault := unreachable(f"go {args[0]}", done):
            raise fault
        if done.code:
            raise ToolError(
                f"go {' '.join(args)} failed: {error_tail(done, stdout=True)}",
                hint="Run it by hand to see more.",
            )
        return done.stdout.decode("utf-8", "replace")

    def run(self, *args: str, cwd: Path, race: bool = False) -> ProcessResult:
        """Run a go command; its exit code is the caller's to judge."""
        env = {
            **self.env,
            "GOOS": self.platform.goos,
            "GOARCH": self.platform.goarch,
            "GOAMD64": self.platform.goamd64 or "v1",
            "CGO_ENABLED": "1" if race else "0",
            "GOWORK": "off",
        }
        return run(["go", *args], env=env, cwd=cwd, timeout_s=_TIMEOUT_S)

    def build(self, package: str, out: Path, *, cwd: Path) -> Path:
        """Build ``package`` of the module at ``cwd``; returns the program."""
        program = out.with_suffix(".exe") if self.platform.goos == "windows" else out
        flags = ("-mod=mod", "-buildvcs=false", self.tags, "-o", str(program))
        self.call("build", *flags, package, cwd=cwd)
        return program

    @property
    def tags(self) -> str:
        """The flag for the platform; never omitted, since GOFLAGS may hold another."""
        return f"-tags={build_tags(self.platform)}"

    def has_race(self) -> bool:
        """Whether the race detector works here: it needs the platform's support and cgo."""
        if self.platform.go_pair not in _RACE or self.platform.libc:
            return False
        values = self.call("env", "GOHOSTOS", "GOHOSTARCH", "CC", cwd=Path())
        goos, goarch, *compiler = values.split()
        if self.platform.go_pair != f"{goos}/{goarch}":
            return False  # an emulator runs what is built, with the host's compiler
        path = self.env.get("PATH", "")
        return bool(compiler) and shutil.which(compiler[0], path=path) is not None


def target_platform(name: str, platforms: Sequence[Platform]) -> Platform:
    """The platform ``name``, by default that of this machine; raises ``UsageError``."""
    if name:
        known = {each.name: each for each in platforms}
        if name not in known:
            raise UsageError(
                near_names("platform", name, known),
                hint="Name a [[platform]] of matrix.toml, such as linux-amd64.",
            )
        return known[name]
    machine = this_machine()
    found = platform_of(platforms, machine.goos, machine.goarch, machine.libc)
    if found is None:
        raise UsageError(
            f"matrix.toml has no platform for this machine ({machine})",
            hint="Name one that this machine can run with --platform.",
        )
    return found
