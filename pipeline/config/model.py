"""Lines, platforms, cells, assets, and the tables of ``matrix.toml``, as frozen dataclasses.

Their annotations are what ``config.matrix`` checks the file by; constructing one checks nothing.
Paths inside a tree are ``/``-separated and relative to the interpreter's root (the folder that
holds ``bin/`` on Unix and ``python.exe`` on Windows) unless a docstring says otherwise.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Self, TypeAlias

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetPydanticSchema,
    PlainValidator,
    StrictBool,
    StrictInt,
    StringConstraints,
    with_config,
)
from pydantic_core import CoreSchema, core_schema

from pipeline.config.fields import ModuleBase, Name, NonEmpty, Sha256, Text, one_of

FREE_THREADED = "freethreaded"
FULL = "full"
"""An ``archive`` kind: everything that PBS built, licences included."""
LOCAL = "local"
"""The release name and archive kind of what comes from an interpreter of this machine."""

NO_BYTECODE = "none"
COMMON_BYTECODE = "common"
ALL_BYTECODE = "all"
"""How much of the standard library ships compiled."""

PIP_CELL = "pip"
"""The name, among the cells, of the payload that every tag's package ``pip`` embeds."""
RESERVED_NAMES = frozenset({"common", PIP_CELL})
"""Directories of every tag that no platform may be named after."""

_PYTHON_VERSION = re.compile(
    r"(?P<major>0|[1-9]\d*)\.(?P<minor>0|[1-9]\d*)\.(?P<patch>0|[1-9]\d*)(?P<pre>(?:a|b|rc)\d+)?"
)


@dataclass(frozen=True, slots=True)
class PythonVersion:
    """A CPython version such as ``3.14.9`` or ``3.15.0rc2``."""

    major: int
    minor: int
    patch: int
    pre: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``3.14.9``; raises ``ValueError`` that says what was expected."""
        match = _PYTHON_VERSION.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a CPython version such as 3.14.9 or 3.15.0rc2")
        return cls(
            int(match["major"]), int(match["minor"]), int(match["patch"]), match["pre"] or ""
        )

    @property
    def minor_line(self) -> str:
        """``3.14`` for 3.14.9."""
        return f"{self.major}.{self.minor}"

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}{self.pre}"


def _unreserved(text: str) -> str:
    if text in RESERVED_NAMES:
        raise ValueError(f"{text!r} is the name of a directory that every tag has")
    return text


def _version(value: object) -> PythonVersion:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a string")  # noqa: TRY004 - pydantic's rule
    return PythonVersion.parse(value)


def _release_date(text: str) -> str:
    with contextlib.suppress(ValueError):
        if datetime.strptime(text, "%Y%m%d").strftime("%Y%m%d") == text:  # noqa: DTZ007 - a date
            return text
    raise ValueError(f"{text!r} is not the date of a PBS release such as 20261021")


def _minor(text: str) -> str:
    PythonVersion.parse(f"{text}.0")
    return text


Bytecode: TypeAlias = Annotated[str, one_of(NO_BYTECODE, COMMON_BYTECODE, ALL_BYTECODE)]


@dataclass(frozen=True, slots=True)
class Platform:
    """One payload directory: what Go builds for, and the PBS triple and build that fit it."""

    name: Annotated[Name, AfterValidator(_unreserved)]
    triple: Text
    build: Text
    goos: Annotated[str, one_of("linux", "darwin", "windows")]
    goarch: Text
    libc: Annotated[str, one_of("", "musl")] = ""
    goamd64: Annotated[str, one_of("", "v2", "v3", "v4")] = ""
    wheel_tags: tuple[Text, ...] = ()
    since: Annotated[str, AfterValidator(_minor)] = ""
    """The first minor version that PBS has for it, such as ``3.11``; ``""`` is all."""
    enabled: StrictBool = True
    """Whether lines that name no platforms have it."""

    @property
    def go_pair(self) -> str:
        """``linux/amd64``: the form that Go users type."""
        return f"{self.goos}/{self.goarch}"


@dataclass(frozen=True, slots=True)
class Line:
    """One (python, pbs) pair; one tag."""

    python: Annotated[PythonVersion, PlainValidator(_version)]
    pbs: Annotated[Text, AfterValidator(_release_date)]
    variant: Annotated[str, one_of("", FREE_THREADED)] = ""
    platforms: NonEmpty[Name] | None = None
    """Platform names; ``None`` is all that are enabled."""
    bytecode: Bytecode | None = None
    """Overrides ``PayloadConfig.bytecode`` for this line."""

    @property
    def name(self) -> str:
        """``3.14.9``, or ``3.14.9t`` for a free-threaded build."""
        return f"{self.python}t" if self.variant == FREE_THREADED else str(self.python)

    @property
    def minor_name(self) -> str:
        """``3.14``, or ``3.14t``."""
        suffix = "t" if self.variant == FREE_THREADED else ""
        return f"{self.python.minor_line}{suffix}"


@dataclass(frozen=True, slots=True)
class Cell:
    """One (line, platform): one asset in, one payload out."""

    line: Line
    platform: Platform

    @property
    def name(self) -> str:
        """``3.14.9/linux-amd64``; also the payload's path below a payload directory."""
        return f"{self.line.name}/{self.platform.name}"


@dataclass(frozen=True, slots=True)
class Pin:
    """What is known of an asset before it is fetched: an ``[[asset]]`` of ``matrix.lock``."""

    release: Text
    name: Annotated[str, StringConstraints(pattern=r"^[^/\\]+$")]
    sha256: Sha256
    size_bytes: Annotated[StrictInt | None, Field(gt=0, alias="size")] = None


@dataclass(frozen=True, slots=True)
class Asset:
    """A PBS archive, pinned: nothing is unpacked that differs in size or sha256."""

    release: str
    name: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class TrimRule:
    """Files that match one of ``globs`` leave the tree for ``reason``."""

    reason: Text
    globs: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class TrimPart:
    """A part of the tree that one switch ships or drops, such as tkinter."""

    name: Name
    ship: StrictBool
    globs: NonEmpty[Text]
    needs: tuple[Name, ...] = ()
    """Parts that it does not work without."""


@dataclass(frozen=True, slots=True)
class TrimConfig:
    """``[trim]``: ``keep_…`` select files of the tree, ``drop`` removes some of them again."""

    keep_unix: tuple[Text, ...]
    keep_windows: tuple[Text, ...]
    drop: tuple[TrimRule, ...] = ()
    parts: Annotated[tuple[TrimPart, ...], Field(alias="part")] = ()
    unless_needed: tuple[Text, ...] = ()
    """Globs of libraries that leave unless a shipped ELF or Mach-O file loads them."""
    strip: StrictBool = True
    """Whether ELF files lose their debug sections and symbol tables."""


@dataclass(frozen=True, slots=True)
class PayloadConfig:
    """``[payload]``: how contents are stored."""

    codec: Annotated[str, one_of("zstd", "none")] = "zstd"
    level: Annotated[StrictInt, Field(ge=1, le=22)] = 19
    layout: Annotated[str, one_of("blobs", "stream")] = "blobs"
    """``blobs``: a file for each content, or ``stream``: all contents in one."""
    bytecode: Bytecode = NO_BYTECODE
    """Which modules of the standard library ship compiled: ``none``, ``common`` or ``all``."""
    common_bytecode: tuple[Text, ...] = ()
    """Globs of the modules that ``common`` means, relative to the standard library's folder."""


@dataclass(frozen=True, slots=True)
class Wheel:
    """A pure Python wheel of ``[pip]``, pinned by the sha256 of its file."""

    # The key of its table: an alias that no key inside the table can be.
    name: Annotated[str, Field(alias="")]
    version: Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)*$")]
    sha256: Sha256


def _wheels_schema(_source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's type
    """``[pip]`` maps names to tables; they become wheels, sorted by name."""

    def with_names(tables: object) -> object:
        if not isinstance(tables, dict):
            return tables
        return {
            n: {**each, "": n} if isinstance(each, dict) else each for n, each in tables.items()
        }

    def by_name(wheels: dict[str, Wheel]) -> tuple[Wheel, ...]:
        return tuple(wheels[name] for name in sorted(wheels))

    return core_schema.no_info_before_validator_function(
        with_names,
        core_schema.no_info_after_validator_function(by_name, handler(dict[Name, Wheel])),
    )


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class Matrix:
    """``matrix.toml``, checked: every name resolves and nothing appears twice."""

    module: ModuleBase
    lines: Annotated[NonEmpty[Line], Field(alias="line")]
    platforms: Annotated[NonEmpty[Platform], Field(alias="platform")]
    trim: TrimConfig
    archive: Annotated[str, one_of(FULL, "install_only_stripped")] = FULL
    payload: PayloadConfig = field(default_factory=PayloadConfig)
    wheels: Annotated[tuple[Wheel, ...], GetPydanticSchema(_wheels_schema), Field(alias="pip")] = ()
    """``[pip]``: what the module's package ``pip`` installs with, sorted by name."""
    source: str = ""
    """Where assets come from if nothing else is said; ``""`` is PBS at GitHub."""
    attest: StrictBool = False
    """Whether an asset is used only when its build provenance can be verified."""
