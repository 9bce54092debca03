"""Published tags, fetched with a real ``go get`` and run."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import semver

from pipeline.config import tags
from pipeline.config.cells import all_cells
from pipeline.config.model import Platform
from pipeline.config.project import Config
from pipeline.release.module_tree import DATA
from pipeline.system.console import Console
from pipeline.system.errors import CheckError, PipelineError, ToolError, UsageError
from pipeline.system.process import run
from pipeline.verify.go import Go
from pipeline.verify.interpreter_probe import Probe
from pipeline.verify.sandbox import Sandbox, write_programs

_WAITS_S = (5.0, 10.0, 20.0)
"""A pushed tag may need a moment until every server of a host has it."""
_LINE_TAG = re.compile(r"v\d+\.\d+\.\d+(?:-py(?P<line>\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?t?))?")
_RELEASE_PYTHON = re.compile(r'^\tPython +=\s+"(?P<line>[^"]+)"$', re.MULTILINE)
_RELEASE_PLATFORM = re.compile(r'^\t"(?P<name>[^"]+)",$', re.MULTILINE)
_PRIVATE = ("GOPRIVATE", "GONOPROXY", "GONOSUMDB")
"""What keeps a module from the proxy and the checksum database; the first is the default of the
others."""


@dataclass(frozen=True, slots=True)
class ExpectedTag:
    """What a tag must be; ``line`` is ``""`` where the tag's name and the matrix do not say."""

    tag: str
    module_path: str
    line: str
    has_payload: bool
    """Whether the matrix says that it has a payload for the platform."""
    latest: bool
    """Whether ``@latest`` must be this tag."""


@dataclass(frozen=True, slots=True)
class FoundTag:
    """What a fetched module says in its own sources."""

    line: str
    platforms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one tag; ``probe`` is ``None`` where Python did not run."""

    tag: str
    faults: tuple[str, ...]
    probe: Probe | None = None
    has_payload: bool = True
    seconds: float = 0.0


def expected_tags(
    names: Sequence[str], config: Config, platform: Platform
) -> tuple[ExpectedTag, ...]:
    """What each tag must be, by the matrix if it is of this VERSION, else by its name.

    No names mean all tags of VERSION. Raises ``UsageError`` for what is no release tag.
    """
    cells = all_cells(config.matrix)
    lines = {config.tag_of(cell.line): cell.line for cell in cells}
    if faults := [f"{name!r}" for name in names if not _LINE_TAG.fullmatch(name)]:
        raise UsageError(
            "these are no release tags", details=faults, hint="Name tags such as v0.1.0-py3.13.17."
        )
    here = {cell.line for cell in cells if cell.platform == platform}
    return tuple(
        ExpectedTag(
            name,
            tags.module_path(config.matrix.module, semver.Version.parse(name[1:])),
            lines[name].name if name in lines else _line_of(name),
            lines.get(name) in here,
            name == config.tag_of(config.primary),
        )
        for name in dict.fromkeys(names) or sorted(lines, key=tags.sort_key)
    )


def _line_of(tag: str) -> str:
    match = _LINE_TAG.fullmatch(tag)
    return (match["line"] if match else None) or ""


def check_tags(
    expected: Sequence[ExpectedTag],
    go: Go,
    module_base: str,
    console: Console,
    sleep: Callable[[float], None],
) -> tuple[CheckResult, ...]:
    """Get each tag as its users will, and run its Python; ``module_base`` is without ``/vN``.

    Raises ``ToolError`` where go or git is missing.
    """
    _require_git(go.env)
    env = _private_environment(go, module_base)
    return tuple(_check_tag(each, Go(env, go.platform), console, sleep) for each in expected)


def _require_git(env: Mapping[str, str]) -> None:
    try:
        run(["git", "--version"], env=env, timeout_s=60)
    except ToolError as error:
        raise ToolError(
            f"go fetches modules with git, and {error.what}",
            hint="Install git (in Alpine: apk add git).",
        ) from error


def _private_environment(go: Go, module_base: str) -> dict[str, str]:
    """An environment in which go fetches the module, and no other, from its repository alone.

    The proxy and the checksum database would cache for a while that a tag does not exist yet.
    """
    flags = f"{go.call('env', 'GOFLAGS', cwd=Path()).strip()} -modcacherw"
    lists = go.call("env", *_PRIVATE, cwd=Path()).split("\n")
    private = {
        name: ",".join(filter(None, [known.strip(), module_base]))
        for name, known in zip(_PRIVATE, lists, strict=False)
    }
    return {**go.env, **private, "GOFLAGS": flags.strip()}


def _check_tag(
    expected: ExpectedTag, go: Go, console: Console, sleep: Callable[[float], None]
) -> CheckResult:
    began = console.clock()
    console.info(f"getting {expected.module_path}@{expected.tag}")
    with tempfile.TemporaryDirectory(prefix="goempy-check-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        env = {**go.env, "GOMODCACHE": str(folder / "modules")}
        sandbox = Sandbox(Go(env, go.platform), folder, console.info)
        try:
            result = _Check(expected, sandbox, console, sleep).run()
        except PipelineError as error:
            result = CheckResult(expected.tag, (error.what, *error.details))
    return replace(result, seconds=console.clock() - began)


@dataclass(frozen=True, slots=True)
class _Check:
    """The check of one tag, in a sandbox whose module cache is empty."""

    expected: ExpectedTag
    sandbox: Sandbox
    console: Console
    sleep: Callable[[float], None]

    def run(self) -> CheckResult:
        """Get, build and run."""
        expected, name = self.expected, self.sandbox.go.platform.name
        found = self._get()
        faults = [*tag_faults(expected, found, name), *self._latest_faults()]
        program = self.sandbox.build("start")
        if name not in found.platforms:
            return CheckResult(expected.tag, tuple(faults), has_payload=False)
        faults += self._embed_faults()
        _tree, probe = self.sandbox.probe(program)
        faults += probe.version_faults(expected.line or found.line)
        return CheckResult(expected.tag, tuple(faults), probe)

    def _go(self, *args: str) -> str:
        return self.sandbox.go.call(*args, cwd=self.sandbox.programs)

    def _get(self) -> FoundTag:
        """``go get`` the tag into a new module, and read what it says of itself."""
        module, tag = self.expected.module_path, self.expected.tag
        write_programs(self.sandbox.programs, module, ["start"])
        self._go("mod", "init", "example.com/check")
        query = f"{module}@{tag}"
        self._retry(lambda: self._go("get", query))
        listed = self._go("list", "-m", "-f", "{{.Version}}\n{{.Dir}}", module)
        version, folder = listed.split("\n")[:2]
        if version != tag:
            raise CheckError(f"go get {query} got {version}", hint="Look at the module's tags.")
        return read_release_file((Path(folder.strip()) / DATA / "release.go").read_text("utf-8"))

    def _latest_faults(self) -> list[str]:
        query = f"{self.expected.module_path}@latest"

        def require_latest() -> None:
            latest = self._go("list", "-m", "-f", "{{.Version}}", query).strip()
            if latest != self.expected.tag:
                raise CheckError(f"@latest is {latest}", hint="Look at the module's tags.")

        try:
            if self.expected.latest:
                self._retry(require_latest)
        except CheckError as error:
            return [error.what]
        return []

    def _embed_faults(self) -> list[str]:
        """Whether the build takes the payload of the platform, and not that of a sibling."""
        go, package = self.sandbox.go, f"{self.expected.module_path}/{DATA}"
        patterns = "{{range .EmbedPatterns}}{{.}} {{end}}"
        embedded = self._go("list", go.tags, "-f", patterns, package).split()
        if go.platform.name in embedded:
            return []
        return [f"the program embeds {', '.join(embedded) or 'nothing'}"]

    def _retry(self, attempt: Callable[[], object]) -> None:
        for wait_s in _WAITS_S:
            try:
                attempt()
            except (ToolError, CheckError) as error:
                self.console.info(f"{error.what}; retrying in {wait_s:g} s")
                self.sleep(wait_s)
            else:
                return
        attempt()


def read_release_file(text: str) -> FoundTag:
    """Read the generated file ``release.go``; raises ``CheckError``."""
    line = _RELEASE_PYTHON.search(text)
    if line is None:
        raise CheckError(
            "the module does not say which Python it has", hint="Is the tag one of goempy?"
        )
    return FoundTag(line["line"], tuple(_RELEASE_PLATFORM.findall(text)))


def tag_faults(expected: ExpectedTag, found: FoundTag, platform: str) -> Iterator[str]:
    """Where the module contradicts its tag or the matrix."""
    if expected.line and expected.line != found.line:
        yield f"the module says that it has Python {found.line}, not {expected.line}"
    if expected.has_payload and platform not in found.platforms:
        platforms = ", ".join(found.platforms)
        yield f"it has no payload for {platform}, though the matrix has; it has {platforms}"
