"""Published tags, fetched with a real ``go get`` and run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import tenacity

from pipeline.config import tags
from pipeline.config.cells import all_cells
from pipeline.config.model import Platform
from pipeline.config.project import Config
from pipeline.release.module_tree import DATA
from pipeline.system.console import Console
from pipeline.system.errors import CheckError, PipelineError, ToolError, UsageError
from pipeline.system.process import run
from pipeline.verify.go import Go
from pipeline.verify.sandbox import ModuleResult, Sandbox, in_sandbox, write_programs

_ATTEMPTS = 4
_BACKOFF = tenacity.wait_exponential(multiplier=5)
"""5, 10, 20 s: a pushed tag may need a moment until every server of a host has it."""
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


def expected_tags(
    names: Sequence[str], config: Config, platform: Platform
) -> tuple[ExpectedTag, ...]:
    """What each tag must be, by the matrix if it is of this VERSION, else by its name.

    No names mean all tags of VERSION. Raises ``UsageError`` for what is not a release tag.
    """
    cells = all_cells(config.matrix)
    lines = {config.tag_of(cell.line): cell.line for cell in cells}
    versions = {name: tags.version_of(name) for name in names or sorted(lines, key=tags.sort_key)}
    if faults := [repr(name) for name, version in versions.items() if version is None]:
        raise UsageError(
            "these are not release tags", details=faults, hint="Name tags such as v0.1.0-py3.13.17."
        )
    here = {cell.line for cell in cells if cell.platform == platform}
    return tuple(
        ExpectedTag(
            name,
            tags.module_path(config.matrix.module, version),
            lines[name].name if name in lines else name.partition("-py")[2],
            lines.get(name) in here,
            name == config.tag_of(config.primary),
        )
        for name, version in versions.items()
        if version
    )


def check_tags(
    expected: Sequence[ExpectedTag],
    go: Go,
    module_base: str,
    console: Console,
    sleep: Callable[[float], None],
) -> tuple[ModuleResult, ...]:
    """Get each tag as its users will, and run its Python; ``module_base`` is without ``/vN``.

    Raises ``ToolError`` where go or git is missing.
    """
    _require_git(go.env)
    private = Go(_private_environment(go, module_base), go.platform)

    def report(state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        reason = error.what if isinstance(error, PipelineError) else error
        console.info(f"{reason}; retrying in {state.upcoming_sleep:g} s")

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type((ToolError, CheckError)),
        stop=tenacity.stop_after_attempt(_ATTEMPTS),
        wait=_BACKOFF,
        sleep=sleep,
        before_sleep=report,
        reraise=True,
    )
    results = []
    for each in expected:
        console.info(f"getting {each.module_path}@{each.tag}")
        check = partial(_check_tag, each, retrying)
        results.append(in_sandbox(each.tag, private, console, check))
    return tuple(results)


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
    expected: ExpectedTag, retrying: tenacity.Retrying, sandbox: Sandbox
) -> ModuleResult:
    """Get, build and run."""
    modules = {"GOMODCACHE": str(sandbox.folder / "modules")}
    go = Go({**sandbox.go.env, **modules}, sandbox.go.platform)
    sandbox = replace(sandbox, go=go)
    found = _get(expected, retrying, sandbox)
    name = go.platform.name
    faults = [*tag_faults(expected, found, name), *_latest_faults(expected, retrying, sandbox)]
    program = sandbox.build("start")
    if name not in found.platforms:
        return ModuleResult(expected.tag, tuple(faults), has_payload=False)
    faults += _embed_faults(expected, sandbox)
    _tree, probe = sandbox.probe(program)
    faults += probe.version_faults(expected.line or found.line)
    return ModuleResult(expected.tag, tuple(faults), probe)


def _get(expected: ExpectedTag, retrying: tenacity.Retrying, sandbox: Sandbox) -> FoundTag:
    """``go get`` the tag into a new module, and read what it says of itself."""
    module, tag = expected.module_path, expected.tag
    write_programs(sandbox.programs, module, ["start"])
    call = partial(sandbox.go.call, cwd=sandbox.programs)
    call("mod", "init", "example.com/check")
    query = f"{module}@{tag}"
    retrying(call, "get", query)
    version, folder = call("list", "-m", "-f", "{{.Version}}\n{{.Dir}}", module).split("\n")[:2]
    if version != tag:
        raise CheckError(f"go get {query} got {version}", hint="Look at the module's tags.")
    return read_release_file((Path(folder.strip()) / DATA / "release.go").read_text("utf-8"))


def _latest_faults(
    expected: ExpectedTag, retrying: tenacity.Retrying, sandbox: Sandbox
) -> list[str]:
    query = ("list", "-m", "-f", "{{.Version}}", f"{expected.module_path}@latest")

    def require_latest() -> None:
        latest = sandbox.go.call(*query, cwd=sandbox.programs).strip()
        if latest != expected.tag:
            raise CheckError(f"@latest is {latest}", hint="Look at the module's tags.")

    try:
        if expected.latest:
            retrying(require_latest)
    except CheckError as error:
        return [error.what]
    return []


def _embed_faults(expected: ExpectedTag, sandbox: Sandbox) -> list[str]:
    """Whether the build takes the payload of the platform, and not that of a sibling."""
    go, package = sandbox.go, f"{expected.module_path}/{DATA}"
    patterns = "{{range .EmbedPatterns}}{{.}} {{end}}"
    embedded = go.call("list", go.tags, "-f", patterns, package, cwd=sandbox.programs).split()
    if go.platform.name in embedded:
        return []
    return [f"the program embeds {', '.join(embedded) or 'nothing'}"]


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
