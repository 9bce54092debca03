"""A payload as a directory tree again, and what an interpreter in it says of itself."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pipeline.formats.payload.manifest import is_dir, is_file, is_link
from pipeline.formats.payload.reader import contents_of, read_payload, verify_payload

SOUGHT = ("ssl", "sqlite3", "ctypes", "lzma", "json", "asyncio", "bz2", "zlib", "hashlib")
DESCRIBE_SCRIPT = f"""
import json, sys
found = []
for name in {SOUGHT!r}:
    try:
        __import__(name)
        found.append(name)
    except ImportError:
        continue
files = [m.__file__ for m in list(sys.modules.values()) if getattr(m, "__file__", None)]
maps = sorted({{line.split(None, 5)[5].strip() for line in open("/proc/self/maps") if "/" in line}})
try:
    from goempy_line import NAME
except ImportError:
    NAME = ""
print(json.dumps(dict(version=sys.version, modules=found, path=[p for p in sys.path if p],
                      files=files, maps=maps, prefix=sys.prefix, line=NAME)))
"""


@dataclass(frozen=True)
class InterpreterFacts:
    """``files`` are those of imported modules, ``maps`` those mapped into the process."""

    version: str
    modules: list[str]
    path: list[str]
    files: list[str]
    maps: list[str]
    prefix: str
    line: str

    def strangers(self, root: Path, *sources: str) -> list[str]:
        """What was imported from outside ``root``, or mapped from one of ``sources``."""
        inside = f"{root.resolve()}/"
        imported = [file for file in [*self.path, *self.files] if not file.startswith(inside)]
        mapped = [
            file
            for file in self.maps
            if not file.startswith(inside) and any(file.startswith(each) for each in sources)
        ]
        return imported + mapped


def parse_facts(text: str | bytes) -> InterpreterFacts:
    return InterpreterFacts(**json.loads(text))


def unpacked(folder: Path) -> dict[str, bytes]:
    """The content of each regular file of a payload, by name."""
    payload = read_payload(folder)
    verify_payload(payload)
    contents = {entry.sha256: b"".join(chunks) for entry, chunks in contents_of(payload)}
    return {e.name: contents[e.sha256] for e in payload.manifest.entries if is_file(e)}


def extract(folder: Path, target: Path) -> Path:
    """Write the tree of a payload below ``target``."""
    contents = unpacked(folder)
    for entry in read_payload(folder).manifest.entries:
        path = target / entry.name
        if is_dir(entry):
            path.mkdir(parents=True)
        elif is_link(entry):
            path.symlink_to(entry.target)
        else:
            path.write_bytes(contents[entry.name])
            path.chmod(entry.perm)
    return target


def ask_extracted(root: Path) -> InterpreterFacts:
    """Run the extracted interpreter with an empty environment."""
    command = [str(root / "bin" / "python3"), "-c", DESCRIBE_SCRIPT]
    done = subprocess.run(command, env={}, capture_output=True, text=True, check=False, cwd=root)
    assert done.returncode == 0, done.stderr
    return parse_facts(done.stdout)
