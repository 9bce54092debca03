"""The words of the design as frozen data; no module passes anything else to another.

Paths inside a tree are ``/``-separated and relative to the interpreter's own root (the folder
that holds ``bin/`` on Unix and ``python.exe`` on Windows) unless a docstring says otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

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


@dataclass(frozen=True, slots=True)
class Platform:
    """One payload directory: what Go builds for, and the PBS triple and build that fit it."""

    name: str
    triple: str
    build: str
    goos: str
    goarch: str
    libc: str = ""
    goamd64: str = ""
    wheel_tags: tuple[str, ...] = ()
    since: str = ""
    """The first minor version that PBS has for it, such as ``3.11``; ``""`` is all."""
    enabled: bool = True
    """Whether lines that name no platforms have it."""

    @property
    def go_pair(self) -> str:
        """``linux/amd64``: the form that Go users type."""
        return f"{self.goos}/{self.goarch}"


@dataclass(frozen=True, slots=True)
class Line:
    """One (python, pbs) pair; one tag."""

    python: PythonVersion
    pbs: str
    variant: str = ""
    platforms: tuple[str, ...] | None = None
    """Platform names; ``None`` is all that are enabled."""
    bytecode: str | None = None
    """What ``PayloadConfig.bytecode`` says, where this line has its own choice."""

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
    """What is known of an asset before it is fetched: a row of ``matrix.lock``."""

    release: str
    name: str
    sha256: str
    size_bytes: int | None = None


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

    reason: str
    globs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrimPart:
    """A part of the tree that one switch ships or drops, such as tkinter."""

    name: str
    ship: bool
    globs: tuple[str, ...]
    needs: tuple[str, ...] = ()
    """Parts without which it is of no use."""


@dataclass(frozen=True, slots=True)
class TrimConfig:
    """``[trim]``: ``keep`` decides what is looked at, ``drop`` what leaves it again."""

    keep_unix: tuple[str, ...]
    keep_windows: tuple[str, ...]
    drop: tuple[TrimRule, ...] = ()
    parts: tuple[TrimPart, ...] = ()
    unless_needed: tuple[str, ...] = ()
    """Globs of libraries that leave unless a shipped ELF or Mach-O file loads them."""
    strip: bool = True
    """Whether ELF files lose their debug sections and symbol tables."""


@dataclass(frozen=True, slots=True)
class PayloadConfig:
    """``[payload]``: how contents are stored."""

    codec: str = "zstd"
    level: int = 19
    layout: str = "blobs"
    """``blobs``: a file for each content, or ``stream``: all contents in one."""
    bytecode: str = NO_BYTECODE
    """Which modules of the standard library ship compiled: ``none``, ``common`` or ``all``."""
    common_bytecode: tuple[str, ...] = ()
    """Globs of the modules that ``common`` means, relative to the standard library's folder."""


@dataclass(frozen=True, slots=True)
class Wheel:
    """A pure Python wheel of ``[pip]``, pinned by the sha256 of its file."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """``matrix.toml``, checked: every name resolves and nothing stands twice."""

    module: str
    archive: str
    lines: tuple[Line, ...]
    platforms: tuple[Platform, ...]
    trim: TrimConfig
    payload: PayloadConfig
    wheels: tuple[Wheel, ...] = ()
    """``[pip]``: what the module's package ``pip`` installs with, sorted by name."""
    attest: bool = False
    """Whether an asset is used only when its build provenance can be verified."""
