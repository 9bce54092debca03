"""What the bench ran on: the machine, the date, and the versions of all that took part."""

from __future__ import annotations

import datetime as dt
import os
import platform
from pathlib import Path

from tests.bench.model import Machine
from tests.bench.world import World
from tests.harness.project import REPOSITORY


def describe(world: World) -> Machine:
    """The machine and versions of one run; where a fact cannot be had, it is ``unknown``."""
    go = world.go.run("env", "GOVERSION", cwd=world.folder).strip()
    peers = [(tree.peer.module, tree.peer.version) for tree in world.trees]
    return Machine(
        date=dt.datetime.now(dt.UTC).date().isoformat(),
        processor=_processor(),
        processors=len(os.sched_getaffinity(0)),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        system=f"{platform.system()} {platform.release().partition('-')[0]} {platform.machine()}",
        file_system=world.file_system,
        versions=(
            ("goempy", _own_version()),
            *peers,
            ("Go", go.removeprefix("go")),
            ("Python of the pipeline", platform.python_version()),
        ),
    )


def _own_version() -> str:
    version = (REPOSITORY / "VERSION").read_text("utf-8").strip()
    return f"{version}, as in this commit"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    rows = info.read_text("utf-8").splitlines() if info.is_file() else []
    names = [row.partition(":")[2].strip() for row in rows if row.startswith("model name")]
    return names[0] if names else "unknown"
