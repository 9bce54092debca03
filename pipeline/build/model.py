"""An interpreter's tree in its archive."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Kind(enum.Enum):
    """The type of a member. A hard link is a ``FILE`` that shares another's content."""

    DIR = "dir"
    FILE = "file"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of an interpreter tree."""

    name: str
    kind: Kind
    size_bytes: int = 0
    """Of the content in the archive, before stripping."""
    executable: bool = False
    target: str = ""
    """A symlink's target, relative to the link's own folder."""
    content: int = -1
    """Ordinal of the archive member that holds a file's bytes."""
    needed: tuple[str, ...] = ()
    """File names of the libraries that an ELF or Mach-O file loads."""
