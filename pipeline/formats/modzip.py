"""What a Go module zip may contain.

A tag that breaks these rules can never be fetched, and never be fixed. The rules are those for a
go.mod with go 1.24 or later, as ours has: files below a folder named vendor were treated
differently before. Which characters are letters depends on the Unicode versions of Python and Go.

Source: golang.org/x/mod, packages ``zip`` (``CheckFiles``: limits, collisions, omitted files) and
``module`` (``CheckFilePath``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MAX_ZIP_BYTES = 500 << 20
"""Of a module, zipped as well as unpacked."""
MAX_SPECIAL_BYTES = 16 << 20
"""Of go.mod and of LICENSE."""
_GO_MOD = "go.mod"
_LEFT_OUT = frozenset({".hg_archival.txt", "vendor/modules.txt"})
_PUNCTUATION = frozenset("!#$%&()+,-.=@[]^_{}~ ")
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10))]
)
# Simple foldings of Unicode 15.1, which Go has and Python's casefold has not.
_NEW_FOLDINGS = str.maketrans(
    {"\N{LATIN SMALL LIGATURE LONG S T}": "\N{LATIN SMALL LIGATURE ST}", "\u1fd3": "\u0390",
     "\u1fe3": "\u03b0"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ZipFile:
    """A file of a module; ``path`` is relative to its root."""

    path: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ZipFault:
    """Why Go refuses or omits a file; ``path`` is ``None`` for the module as a whole."""

    path: str | None
    what: str

    def __str__(self) -> str:
        return self.what if self.path is None else f"{self.path}: {self.what}"


@dataclass(frozen=True, slots=True)
class _Name:
    """A file or a folder above one, as its first mention spells it."""

    path: str
    is_folder: bool


def module_faults(files: Sequence[ZipFile]) -> Iterator[str]:
    """Why Go would refuse a module of these files or omit some of them: one sentence each."""
    return map(str, zip_faults(files))


def zip_faults(files: Sequence[ZipFile]) -> Iterator[ZipFault]:
    """At most one fault a file, in the order of ``files``; the module's own comes last."""
    modules = {_folder(file.path) for file in files if _is_nested_go_mod(file.path)}
    names: dict[str, _Name] = {}
    total = 0
    for file in files:
        what = (
            path_fault(file.path) or _module_fault(file.path, modules) or _clash(file.path, names)
        )
        if not what:
            total += file.size_bytes
            what = _size_fault(file)
        if what:
            yield ZipFault(file.path, what)
    if total > MAX_ZIP_BYTES:
        yield ZipFault(None, f"the module has {total} bytes, of {MAX_ZIP_BYTES} at most")


def path_fault(path: str) -> str:
    """Why Go refuses or omits a file with this path, or ``""``."""
    elements = path.split("/")
    if "vendor" in elements[:-2]:
        return "Go leaves out what is in folders below one named vendor"
    if path in _LEFT_OUT:
        return "Go leaves out a file of this name"
    if _is_nested_go_mod(path):
        return "Go takes the folder of another go.mod for another module"
    if path != _GO_MOD and _fold(path) == _GO_MOD:
        return "Go wants go.mod in lower case"
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
    if _fold(element.split(".", 1)[0]) in _DEVICES:
        return f"{element!r} is the name of a device on Windows"
    return ""


def _module_fault(path: str, modules: set[str]) -> str:
    """Whether a file is in another module; ``modules`` are the folders of other go.mod files."""
    for name in _names(path):
        if name.is_folder and name.path in modules:
            return f"Go leaves it out: {name.path} has a go.mod, which makes it another module"
    return ""


def _clash(path: str, names: dict[str, _Name]) -> str:
    """How a file collides with ``names``, to which it and its folders are added, or ``""``."""
    for name in _names(path):
        first = names.setdefault(_fold(name.path), name)
        own = "" if name.path == path else f"its folder {name.path} "
        if first.path != name.path:
            return f"{own}differs from {first.path} in case only"
        if first.is_folder != name.is_folder:
            return f"{name.path} is a file as well as a folder"
        if first is not name and not name.is_folder:
            return "there are two of it"
    return ""


def _size_fault(file: ZipFile) -> str:
    if file.path in {_GO_MOD, "LICENSE"} and file.size_bytes > MAX_SPECIAL_BYTES:
        return f"{file.size_bytes} bytes, of {MAX_SPECIAL_BYTES} at most"
    return ""


def _names(path: str) -> Iterator[_Name]:
    """A file, then the folders above it, from the nearest."""
    yield _Name(path, is_folder=False)
    while path := _folder(path):
        yield _Name(path, is_folder=True)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _is_nested_go_mod(path: str) -> bool:
    _, slash, base = path.rpartition("/")
    return bool(slash) and _fold(base) == _GO_MOD


def _fold(text: str) -> str:
    """Equal for all that ``strings.EqualFold`` calls equal: simple case folding."""
    if text.isascii():
        return text.lower()
    return "".join(map(_fold_character, text)).translate(_NEW_FOLDINGS)


def _fold_character(c: str) -> str:
    # Where the full folding is longer, as of ẞ, the simple one is the lower case, if it is one.
    return next((form for form in (c.casefold(), c.lower()) if len(form) == 1), c)
