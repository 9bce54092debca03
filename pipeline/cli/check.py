"""``goempy check``: a true ``go get`` of published tags on this machine."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import semver

from pipeline.cli.requests import CheckRequest
from pipeline.cli.trial import NOTHING, chosen_platform
from pipeline.cli.workspace import Session
from pipeline.config import tags
from pipeline.config.cells import all_cells
from pipeline.config.model import Platform
from pipeline.config.project import Config
from pipeline.release.module_tree import DATA
from pipeline.system.errors import CheckError, PipelineError, ToolError, UsageError
from pipeline.system.files import disk_errors
from pipeline.system.process import run
from pipeline.system.tables import Column, markdown_table
from pipeline.system.units import human_seconds
from pipeline.verify.go import Go, bare_environment, write_programs
from pipeline.verify.interpreter_probe import PROBE_SCRIPT
from pipeline.verify.smoke_test import started

_TITLES = ("tag", "platform", "Python", "OpenSSL", "SQLite", "time", "result")
_COLUMNS = tuple(Column(title) for title in _TITLES)
_WAITS_S = (5.0, 10.0, 20.0)
"""A pushed tag may need a moment until every server of a host has it."""
_PROGRAM_TIMEOUT_S = 600.0
_LINE_TAG = re.compile(r"v\d+\.\d+\.\d+(?:-py(?P<line>\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?t?))?")
_RELEASE_PYTHON = re.compile(r'^\tPython +=\s+"(?P<line>[^"]+)"$', re.MULTILINE)
_RELEASE_PLATFORM = re.compile(r'^\t"(?P<name>[^"]+)",$', re.MULTILINE)
_PRIVATE = ("GOPRIVATE", "GONOPROXY", "GONOSUMDB")
"""What keeps a module from the proxy and the checksum database; the first is the default of the
others."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a tag must be; ``""`` and ``None`` where only the tag itself can tell."""

    tag: str
    module_path: str
    line: str
    carried: bool | None
    """Whether it has a payload for the platform."""
    latest: bool
    """Whether ``@latest`` must be this tag."""


@dataclass(frozen=True, slots=True)
class FoundTag:
    """What a fetched module says in its own sources."""

    line: str
    platforms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """One tag: what its Python said, and what is wrong."""

    tag: str
    faults: tuple[str, ...]
    told: tuple[str, str, str] = (NOTHING, NOTHING, NOTHING)
    """Python, OpenSSL, SQLite."""
    carried: bool = True
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class CheckSandbox:
    """Where one tag is checked; a folder of its own, with a module cache of its own."""

    go: Go
    folder: Path
    env: Mapping[str, str]

    @property
    def program(self) -> Path:
        """The module of the program that gets the tag."""
        return self.folder / "program"


def check(request: CheckRequest, session: Session) -> None:
    """Get each tag as its users will, and run the Python in it."""
    config = session.config(request.module)
    platform = chosen_platform(request.platform, config.matrix)
    expected = what_to_expect(request.tags, config, platform)
    _need_git(session)
    env = _private_environment(session.env, config.matrix.module, platform)
    outcomes = [_check_tag(each, platform, env, session) for each in expected]
    rows = [_row(each, platform) for each in outcomes]
    session.console.table(_COLUMNS, rows)
    session.summary(f"### Checked on {platform.name}\n\n{markdown_table(_COLUMNS, rows)}")
    if faults := [f"{each.tag}: {fault}" for each in outcomes for fault in each.faults]:
        raise CheckError(
            f"tags are not what they should be on {platform.name}",
            details=faults,
            hint="They are published and cannot be changed: if it was not the network, raise "
            "VERSION, release again, and tell users.",
        )


def what_to_expect(
    names: Sequence[str], config: Config, platform: Platform
) -> tuple[Expected, ...]:
    """What each tag must be, by the matrix where it is of this VERSION, else by its name.

    No names mean all tags of VERSION. Raises ``UsageError`` for what is no release tag.
    """
    cells = all_cells(config.matrix)
    own = {config.tag_of(cell.line): cell.line for cell in cells}
    if faults := [f"{name!r}" for name in names if not _LINE_TAG.fullmatch(name)]:
        raise UsageError(
            "these are no release tags", details=faults, hint="Name tags such as v0.1.0-py3.13.17."
        )
    chosen = tuple(dict.fromkeys(names)) or tuple(sorted(own, key=tags.sort_key))
    here = {cell.line for cell in cells if cell.platform == platform}
    return tuple(
        Expected(
            name,
            tags.module_path(config.matrix.module, semver.Version.parse(name[1:])),
            own[name].name if name in own else _line_of(name),
            own[name] in here if name in own else None,
            name == config.tag_of(config.primary),
        )
        for name in chosen
    )


def _line_of(tag: str) -> str:
    match = _LINE_TAG.fullmatch(tag)
    return (match["line"] if match else None) or ""


def _need_git(session: Session) -> None:
    """Raise ``ToolError`` where go could not fetch for want of git."""
    try:
        run(["git", "--version"], env=session.env, timeout_s=60)
    except ToolError as fault:
        raise ToolError(
            f"go fetches modules with git, and {fault.what}",
            hint="Install git (in Alpine: apk add git).",
        ) from fault


def _private_environment(env: Mapping[str, str], root: str, platform: Platform) -> dict[str, str]:
    """In which go asks neither proxy nor checksum database for the module, and as ever for others.

    Those would remember for a while that a tag was not there yet.
    """
    go = Go(env, platform)
    flags = f"{go.call('env', 'GOFLAGS', cwd=Path()).strip()} -modcacherw"
    lists = go.call("env", *_PRIVATE, cwd=Path()).split("\n")
    own = {
        name: ",".join(filter(None, [known.strip(), root]))
        for name, known in zip(_PRIVATE, lists, strict=False)
    }
    return {**env, **own, "GOFLAGS": flags.strip()}


def _check_tag(
    expected: Expected, platform: Platform, env: Mapping[str, str], session: Session
) -> CheckOutcome:
    began = session.console.clock()
    session.console.info(f"getting {expected.module_path}@{expected.tag}")
    with tempfile.TemporaryDirectory(prefix="goempy-check-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        own = {**env, "GOMODCACHE": str(folder / "modules")}
        place = CheckSandbox(Go(own, platform), folder, env)
        try:
            outcome = _use(expected, place, session)
        except PipelineError as fault:
            outcome = CheckOutcome(expected.tag, (fault.what, *fault.details))
    return replace(outcome, seconds=session.console.clock() - began)


def _use(expected: Expected, place: CheckSandbox, session: Session) -> CheckOutcome:
    """Get, build and run."""
    platform, tag = place.go.platform, expected.tag
    found = _get(expected, place, session)
    carried = platform.name in found.platforms
    faults = list(release_faults(expected, found, platform.name))
    if expected.latest:
        faults += _latest_faults(expected, place, session)
    program = place.go.build("./start", place.folder / "starts", cwd=place.program)
    if not carried:
        return CheckOutcome(tag, tuple(faults), carried=False)
    faults += _embed_faults(expected, place)
    temp = place.folder / "temp"
    with disk_errors(temp):
        temp.mkdir()
    done = run(
        [str(program), "-c", PROBE_SCRIPT],
        env=bare_environment(place.env, temp),
        cwd=temp,
        timeout_s=_PROGRAM_TIMEOUT_S,
    )
    _path, portrait = started(done)
    wanted = expected.line or found.line
    if portrait.line_name != wanted:
        faults.append(f"Python says that it is {portrait.line_name}, not {wanted}")
    told = (portrait.line_name, portrait.openssl or NOTHING, portrait.sqlite or NOTHING)
    return CheckOutcome(tag, tuple(faults), told)


def _get(expected: Expected, place: CheckSandbox, session: Session) -> FoundTag:
    """``go get`` the tag into a new module, and read what it says of itself."""
    module = expected.module_path
    write_programs(place.program, module, ["start"])
    place.go.call("mod", "init", "example.com/check", cwd=place.program)
    query = f"{module}@{expected.tag}"
    _patiently(lambda: place.go.call("get", query, cwd=place.program), session)
    told = place.go.call("list", "-m", "-f", "{{.Version}}\n{{.Dir}}", module, cwd=place.program)
    version, folder = told.split("\n")[:2]
    if version != expected.tag:
        raise CheckError(f"go get {query} took {version}", hint="Look at the module's tags.")
    return read_release((Path(folder.strip()) / DATA / "release.go").read_text("utf-8"))


def read_release(text: str) -> FoundTag:
    """Read the generated file ``release.go``; raises ``CheckError``."""
    line = _RELEASE_PYTHON.search(text)
    if line is None:
        raise CheckError(
            "the module does not say which Python it has", hint="Is the tag one of goempy?"
        )
    return FoundTag(line["line"], tuple(_RELEASE_PLATFORM.findall(text)))


def release_faults(expected: Expected, found: FoundTag, platform: str) -> list[str]:
    """Where the module says something else of itself than its tag does."""
    faults = []
    if expected.line and expected.line != found.line:
        faults.append(f"the module says that it has Python {found.line}, not {expected.line}")
    if expected.carried and platform not in found.platforms:
        carried = ", ".join(found.platforms)
        faults.append(f"it has no payload for {platform}, though the matrix has; it has {carried}")
    return faults


def _embed_faults(expected: Expected, place: CheckSandbox) -> list[str]:
    """Whether the build takes the payload of the platform, and not that of a sibling."""
    package = f"{expected.module_path}/{DATA}"
    query = ("list", place.go.tags, "-f", "{{range .EmbedPatterns}}{{.}} {{end}}", package)
    embedded = place.go.call(*query, cwd=place.program).split()
    if place.go.platform.name in embedded:
        return []
    return [f"the program embeds {', '.join(embedded) or 'nothing'}"]


def _latest_faults(expected: Expected, place: CheckSandbox, session: Session) -> list[str]:
    """Whether ``@latest`` is the tag."""
    query = f"{expected.module_path}@latest"

    def ask() -> None:
        latest = place.go.call("list", "-m", "-f", "{{.Version}}", query, cwd=place.program).strip()
        if latest != expected.tag:
            raise CheckError(f"@latest is {latest}", hint="Look at the module's tags.")

    try:
        _patiently(ask, session)
    except CheckError as fault:
        return [fault.what]
    return []


def _patiently(ask: Callable[[], object], session: Session) -> None:
    """Ask again some seconds later, some times, before it is a failure."""
    for wait_s in _WAITS_S:
        try:
            ask()
        except (ToolError, CheckError) as fault:
            session.console.info(f"{fault.what}; asking again in {wait_s:g} s")
            session.sleep(wait_s)
        else:
            return
    ask()


def _row(outcome: CheckOutcome, platform: Platform) -> list[str]:
    good = "ok" if outcome.carried else "builds; has no Python for this platform"
    return [
        outcome.tag,
        platform.name,
        *outcome.told,
        human_seconds(outcome.seconds),
        "failed" if outcome.faults else good,
    ]
