"""What an interpreter reports of itself, and what it must be. Pure."""

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
    except BaseException as error:
        failed[name] = "%s: %s" % (type(error).__name__, error)
def attribute(module, name):
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError:
        return ""
info = sys.version_info
pre = {"alpha": "a", "beta": "b", "candidate": "rc"}.get(info.releaselevel, "")
print(json.dumps({
    "version": "%d.%d.%d" % info[:3] + (pre + str(info.serial) if pre else ""),
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "openssl": attribute("ssl", "OPENSSL_VERSION"),
    "sqlite": attribute("sqlite3", "sqlite_version"),
    "imported": sorted(names - set(failed)),
    "failed": failed,
}))
"""
"""Its arguments are modules to import, ``*`` all that are built in.

It names each module before importing it, so that one that ends the process is known. It runs on
every line, so on Python 3.10 as well.
"""


@dataclass(frozen=True, slots=True)
class Exempt:
    """An extension module that need not import on platforms that match a glob, and why.

    No payload of a release has one.
    """

    platforms: str
    module: str
    reason: str


@dataclass(frozen=True, slots=True)
class Probe:
    """What Python reports of itself; ``failed`` are modules and their errors."""

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

    def version_faults(self, line_name: str) -> Iterator[str]:
        """A sentence where it is a different Python."""
        if self.line_name != line_name:
            yield f"Python reports version {self.line_name}, not {line_name}"


def extension_modules(manifest: Manifest) -> tuple[str, ...]:
    """The importable names of a payload's extension modules, sorted.

    CPython keeps them in ``lib-dynload`` and, on Windows, in ``DLLs``; a name ends at the first
    dot, what follows is an ABI tag.
    """
    files = [entry.name for entry in manifest.entries if entry.sha256]
    found = [_EXTENSION.fullmatch(name) for name in files]
    return tuple(sorted({match["name"] for match in found if match}))


def read_probe(printed: str, error_tail: str) -> Probe:
    """Read what ``PROBE_SCRIPT`` printed; raises ``SmokeTestError`` if Python did not finish.

    ``error_tail`` is how it ended, for the error.
    """
    rows = printed.splitlines() or [""]
    try:
        answer = json.loads(rows[-1])
        imported, failed = tuple(answer["imported"]), tuple(sorted(answer["failed"].items()))
        return Probe(**{**answer, "imported": imported, "failed": failed})
    except (ValueError, TypeError, KeyError):
        begun = [row.removeprefix("importing ") for row in rows if row.startswith("importing ")]
        when = f"while importing {begun[-1]}" if begun else "before it printed anything"
        raise SmokeTestError(
            f"Python ended {when}: {error_tail}", hint="The log has its output."
        ) from None


def probe_faults(
    probe: Probe, cell: Cell, wanted: Sequence[str], exempt: Sequence[Exempt] = ()
) -> Iterator[str]:
    """Where Python is not what the cell promises, one sentence each."""
    yield from probe.version_faults(cell.line.name)
    allowed = {e.module for e in exempt if fnmatchcase(cell.platform.name, e.platforms)}
    for name, error in probe.failed:
        if name not in allowed:
            yield f"module {name} cannot be imported: {error}"
    seen = {*probe.imported, *(name for name, _error in probe.failed)}
    if unseen := sorted({*wanted} - seen):
        yield f"modules not imported: {', '.join(unseen)}"
