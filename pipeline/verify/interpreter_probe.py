"""What an interpreter says of itself, and what it must say: pure, texts in, findings out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pipeline.config.model import Cell
from pipeline.formats.payload.model import Manifest
from pipeline.system.errors import SmokeTestError

ALL_BUILTINS = "*"
_EXTENSION = re.compile(
    r"(?:lib[^/]*/python3\.[^/]+/lib-dynload|DLLs)/(?P<name>[^/.]+)\.(?:[^/]*\.)?(?:so|pyd)"
)
PROBE_SCRIPT = """
import importlib, json, sys, sysconfig
names = set(sys.argv[1:])
if "*" in names:
    names = names - {"*"} | set(sys.builtin_module_names)
failed = {}
for name in sorted(names):
    print("importing", name, flush=True)
    try:
        importlib.import_module(name)
    except BaseException as fault:
        failed[name] = "%s: %s" % (type(fault).__name__, fault)
def told(module, name):
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError:
        return ""
info = sys.version_info
pre = {"alpha": "a", "beta": "b", "candidate": "rc"}.get(info.releaselevel, "")
print(json.dumps({
    "version": "%d.%d.%d" % info[:3] + (pre + str(info.serial) if pre else ""),
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "openssl": told("ssl", "OPENSSL_VERSION"),
    "sqlite": told("sqlite3", "sqlite_version"),
    "imported": sorted(names - set(failed)),
    "failed": failed,
}))
"""
"""Asks Python what it is; its arguments are modules to import, ``*`` all that are built in.

It names each module before it imports it, so that one that ends the process can be told. It runs
on every line, so on Python 3.10 as well.
"""


@dataclass(frozen=True, slots=True)
class Exempt:
    """An extension module that need not import on platforms that match a glob, and why."""

    platforms: str
    module: str
    reason: str


EXEMPT: tuple[Exempt, ...] = ()
"""None: what a payload carries can be imported."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What Python says of itself; ``failed`` holds modules and their errors."""

    version: str
    free_threaded: bool
    openssl: str
    sqlite: str
    imported: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]

    @property
    def line_name(self) -> str:
        """As ``Line.name``: ``3.14.9``, or ``3.14.9t`` for a free-threaded build."""
        return f"{self.version}t" if self.free_threaded else self.version


def extension_modules(manifest: Manifest) -> tuple[str, ...]:
    """The importable names of a payload's extension modules, sorted.

    CPython keeps them in ``lib-dynload`` and, on Windows, in ``DLLs``; a name ends at the first
    dot, what follows is an ABI tag.
    """
    files = [entry.name for entry in manifest.entries if entry.sha256]
    found = [_EXTENSION.fullmatch(name) for name in files]
    return tuple(sorted({match["name"] for match in found if match}))


def read_probe(printed: str, last_words: str) -> Probe:
    """Read what ``PROBE_SCRIPT`` printed; raises ``SmokeTestError`` if Python did not finish.

    ``last_words`` tell how it ended, for the error.
    """
    rows = printed.splitlines() or [""]
    try:
        told = json.loads(rows[-1])
        return Probe(
            told["version"],
            told["free_threaded"],
            told["openssl"],
            told["sqlite"],
            tuple(told["imported"]),
            tuple(sorted(told["failed"].items())),
        )
    except (ValueError, TypeError, KeyError):
        begun = [row.removeprefix("importing ") for row in rows if row.startswith("importing ")]
        where = f"while it imported {begun[-1]}" if begun else "before it said anything"
        raise SmokeTestError(
            f"Python ended {where}: {last_words}", hint="Look at what it wrote."
        ) from None


def probe_faults(
    portrait: Probe, cell: Cell, wanted: Sequence[str], exempt: Sequence[Exempt] = EXEMPT
) -> Iterator[str]:
    """What is not as the cell promises, one sentence each."""
    if portrait.line_name != cell.line.name:
        yield f"Python says that it is {portrait.line_name}, not {cell.line.name}"
    allowed = {e.module for e in exempt if fnmatchcase(cell.platform.name, e.platforms)}
    for name, error in portrait.failed:
        if name not in allowed:
            yield f"module {name} cannot be imported: {error}"
    seen = {*portrait.imported, *(name for name, _error in portrait.failed)}
    if unseen := sorted({*wanted} - seen):
        yield f"these modules were not tried: {', '.join(unseen)}"
