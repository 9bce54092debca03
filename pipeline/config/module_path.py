"""Go module paths that this project can release under: a tag never moves, nor does its path.

Sources: golang.org/x/mod/module (CheckPath, CheckImportPath), "Go Modules Reference" (Module paths,
VCS version), ``go help importpath``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_HOST = re.compile(r"[a-z0-9.-]+")
_ELEMENT = re.compile(r"[A-Za-z0-9._~-]+")
_RESERVED = frozenset(
    {"con", "prn", "aux", "nul", *(f"{kind}{n}" for kind in ("com", "lpt") for n in range(1, 10))}
)
"""Names of Windows devices, with any extension."""
_SHORT_NAME = re.compile(r".*~\d+")
_VERSION = re.compile(r"v\d[\d.]*")
_OTHER_SYSTEMS = (".bzr", ".fossil", ".hg", ".svn")
_REPOSITORY_SUFFIXES = (".git", *_OTHER_SYSTEMS)
_THREE_ELEMENTS = ("github.com", "bitbucket.org")
"""Hosts whose repositories are ``host/owner/name``, and nothing else."""


def path_fault(path: str) -> str:
    """Why Go takes no module of this path, as ``module.CheckPath`` has it; ``""`` if it does."""
    host, *elements = path.split("/")
    if "" in (host, *elements):
        return "an element is empty"
    if not _HOST.fullmatch(host) or "." not in host or host.startswith("-"):
        return f"{host!r} is not a host name: lower-case letters, digits, dashes and a dot"
    for element in (host, *elements):
        if fault := _element_fault(element):
            return f"{element!r} {fault}"
    if host == "gopkg.in" and elements:
        return "" if re.fullmatch(r".+\.v(0|[1-9]\d*)(-unstable)?", path) else "it has no .vN"
    if elements and _VERSION.fullmatch(elements[-1]):
        wrong = elements[-1] in {"v0", "v1"} or not re.fullmatch(r"v[1-9]\d*", elements[-1])
        return f"{elements[-1]!r} is not a major version from 2 on" if wrong else ""
    return ""


def _element_fault(element: str) -> str:
    if not _ELEMENT.fullmatch(element):
        return "has characters that Go takes in no path"
    if element.startswith(".") or element.endswith("."):
        return "begins or ends with a dot"
    short = element.partition(".")[0]
    if short.lower() in _RESERVED:
        return "is the name of a device on Windows"
    if _SHORT_NAME.fullmatch(short):
        return "looks like a short name of Windows"
    return ""


def base_fault(path: str) -> str:
    """Why ``path`` cannot be the module path of matrix.toml; ``""`` if it can.

    It is without major version, which VERSION decides, and that of a whole repository: for a
    module in a folder of one, Go wants the folder in the names of tags.
    """
    if fault := path_fault(path):
        return fault
    host, *elements = path.split("/")
    if host == "gopkg.in":
        return "gopkg.in has its versions in paths of its own"
    if elements and re.fullmatch(r"v\d+", elements[-1]):
        return "the major version comes from VERSION"
    for name in ("internal", "vendor"):
        if name in elements:
            return f"Go lets no other module import a package below {name!r}"
    return _repository_fault(host, elements)


def _repository_fault(host: str, elements: Sequence[str]) -> str:
    """Why Go would not find a git repository of this path."""
    if host in _THREE_ELEMENTS:
        if len(elements) != 2:
            return f"a repository there is {host}/OWNER/NAME"
        wrong = elements[-1].endswith(_REPOSITORY_SUFFIXES)
        return "Go wants the name of a repository there without suffix" if wrong else ""
    inner = [each for each in elements[:-1] if each.endswith(_REPOSITORY_SUFFIXES)]
    if inner:
        return f"{inner[0]!r} is the repository, what follows a folder in it"
    wrong = bool(elements) and elements[-1].endswith(_OTHER_SYSTEMS)
    return "Go would not fetch it with git" if wrong else ""


def clone_address(path: str) -> str:
    """Where Go clones the module from, without its major version, by the path alone.

    ``""`` if Go asks the host for the address (``vcsPaths`` of cmd/go).
    """
    if path.partition("/")[0] in _THREE_ELEMENTS:
        return f"https://{path}"
    return f"https://{path.removesuffix('.git')}" if path.endswith(".git") else ""
