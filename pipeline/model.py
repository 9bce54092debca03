"""The words of the design as frozen data; no module passes anything else to another.

Paths inside a tree are ``/``-separated and relative to the interpreter's own root (the folder
that holds ``bin/`` on Unix and ``python.exe`` on Windows) unless a docstring says otherwise.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
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
LICENSES = "licenses"
"""The folder of a payload's tree that holds licence texts; also that of PBS's full archives."""

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


class Kind(enum.Enum):
    """What an entry of a tree is. A hard link is a ``FILE`` that shares another's content."""

    DIR = "dir"
    FILE = "file"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of an interpreter tree, as the first reading of its archive found it."""

    name: str
    kind: Kind
    size_bytes: int = 0
    """Of the content as it stands in the archive."""
    executable: bool = False
    target: str = ""
    """A symlink's target, relative to the link's own folder."""
    content: int = -1
    """Ordinal of the archive member that holds a file's bytes."""
    needed: tuple[str, ...] = ()
    """File names of the libraries that an ELF or Mach-O file loads."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a payload's interpreter comes from; stands in its manifest as ``python``."""

    version: str
    pbs: str
    triple: str
    variant: str
    asset_sha256: str
    asset: str = ""
    """The asset's file name."""
    attestation: str = ""
    """The workflow that signed the asset's build provenance, where that was verified."""


@dataclass(frozen=True, slots=True)
class Component:
    """Software that a payload contains, and its licences."""

    name: str
    version: str
    """``""`` where neither PYTHON.json nor the binaries tell it."""
    licenses: tuple[str, ...]
    """SPDX ids; none for what is in the public domain."""
    texts: tuple[str, ...] = ()
    """Names of the licence texts in the payload's tree."""


@dataclass(frozen=True, slots=True)
class Steps:
    """How a cell's bytes became fewer before they were packed, in bytes."""

    archive: int
    unpacked: int
    trimmed: int
    stripped: int


@dataclass(frozen=True, slots=True)
class About:
    """What a manifest says of its tree beyond the entries."""

    origin: Origin | None = None
    cell_digest: str = ""
    components: tuple[Component, ...] = ()
    steps: Steps | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a manifest.

    ``perm`` is a Go ``fs.FileMode`` as a number. ``size_bytes`` and ``sha256`` are those of the
    uncompressed content and present exactly for regular files.
    """

    name: str
    perm: int
    size_bytes: int = 0
    sha256: str = ""
    codec: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """``files.json``: entries sorted by the UTF-8 bytes of their names."""

    content_hash: str
    entries: tuple[Entry, ...]
    about: About = field(default_factory=About)
    stream: str = ""
    """The file that holds all contents, where they are not in blobs of their own."""

    @property
    def origin(self) -> Origin | None:
        """Where the interpreter comes from; ``None`` for what is no interpreter."""
        return self.about.origin

    @property
    def cell_digest(self) -> str:
        """The digest of what decided the payload's bytes."""
        return self.about.cell_digest


@dataclass(frozen=True, slots=True)
class TreeFile:
    """One file of a module tree; ``path`` is relative to the module's root.

    Its bytes are ``text`` or, where they already stand in a file, the ``stored_bytes`` of
    ``source``, or of the git blob ``object_id``.
    """

    path: str
    text: bytes = b""
    source: str = ""
    stored_bytes: int = 0
    object_id: str = ""

    @property
    def size_bytes(self) -> int:
        """How many bytes the file has."""
        return self.stored_bytes if self.source or self.object_id else len(self.text)
