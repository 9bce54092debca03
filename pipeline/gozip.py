"""What a Go module zip may hold. Pure: paths and sizes in, faults out.

Source: golang.org/x/mod, packages ``zip`` (limits, collisions, what is left out) and ``module``
(``CheckFilePath``). A tag that breaks these rules can never be fetched, and never be mended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MAX_ZIP_BYTES = 500 << 20
"""Of a module, zipped as well as unpacked."""
MAX_SPECIAL_BYTES = 16 << 20
"""Of go.mod and of LICENSE."""
_PUNCTUATION = frozenset("!#$%&()+,-.=@[]^_{}~ ")
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10))]
)


@dataclass(frozen=True, slots=True)
class ZipFile:
    """A file of a module; ``path`` is relative to its root."""

    path: str
    size_bytes: int


def module_faults(files: Sequence[ZipFile]) -> Iterator[str]:
    """Why Go would refuse a module of these files, or leave some of them out: one sentence each."""
    folded: dict[str, str] = {}
    for file in files:
        if fault := path_fault(file.path):
            yield f"{file.path}: {fault}"
        if file.path in {"go.mod", "LICENSE"} and file.size_bytes > MAX_SPECIAL_BYTES:
            yield f"{file.path}: {file.size_bytes} bytes, of {MAX_SPECIAL_BYTES} at most"
        for name in _with_folders(file.path):
            other = folded.setdefault(name.casefold(), name)
            if other != name:
                yield f"{name}: differs from {other} in case only"
    total = sum(file.size_bytes for file in files)
    if total > MAX_ZIP_BYTES:
        yield f"the module has {total} bytes, of {MAX_ZIP_BYTES} at most"


def path_fault(path: str) -> str:
    """Why Go refuses a file's path or passes it over, or ``""``."""
    elements = path.split("/")
    if "vendor" in elements[:-1]:
        return "Go leaves out what is below a folder named vendor"
    if elements[-1].casefold() == "go.mod" and path != "go.mod":
        return "Go takes the folder of another go.mod for another module"
    for element in elements:
        if fault := _element_fault(element):
            return fault
    return ""


def _element_fault(element: str) -> str:
    if element in {"", ".", ".."}:
        return "not a clean relative path"
    if element.endswith("."):
        return f"{element!r} ends with a dot"
    bad = [
        c
        for c in element
        if not (c in _PUNCTUATION or (c.isalnum() if c.isascii() else c.isalpha()))
    ]
    if bad:
        return f"{bad[0]!r} is not allowed in a path"
    stem = element.split(".", 1)[0]
    if stem.casefold() in _DEVICES:
        return f"{element!r} is the name of a device on Windows"
    head, tilde, tail = stem.rpartition("~")
    if tilde and head and tail.isdecimal():
        return f"{element!r} looks like a short name of Windows"
    return ""


def _with_folders(path: str) -> Iterator[str]:
    parts = path.split("/")
    for depth in range(1, len(parts) + 1):
        yield "/".join(parts[:depth])
