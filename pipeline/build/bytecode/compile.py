"""Compile standard library sources with the interpreter that will run them.

The same sources and the same Python version give the same bytes on every machine. Only a constant
that the compiler folds with ``pow`` of the machine's C library could differ; all that follows is
that such a file is not shared between platforms.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pipeline
from pipeline.system.errors import ToolError, TreeError
from pipeline.system.files import disk_errors
from pipeline.system.process import ProcessResult, error_tail

_START = (
    "import sys; sys.path[:1] = []; sys.path.append(sys.argv[1]);"
    " from pipeline.build.bytecode.worker import main; sys.path.pop(); main()"
)
_TIMEOUT_S = 900.0
_WITHOUT = 'set bytecode = "none" under [payload] in matrix.toml'


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A ``.py`` file; ``name`` is relative to the standard library: ``json/decoder.py``."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Compiled:
    """A pyc; ``name`` is relative too: ``json/__pycache__/decoder.cpython-314.pyc``."""

    name: str
    path: Path


def compile_sources(
    python: Path,
    sources: Sequence[SourceFile],
    out: Path,
    processes: int,
    *,
    run: Callable[..., ProcessResult],
) -> tuple[Compiled, ...]:
    """Compile ``sources`` into the private directory ``out``; sorted by the sources' names.

    ``python`` is an executable of the line, of which as many as ``processes`` run at a time;
    ``run`` is ``system.process.run``. Raises ``TreeError`` naming every file that is not Python,
    ``ToolError`` when this machine cannot run ``python`` or its bytecode has an unknown format, and
    ``DiskError``.
    """
    in_order = sorted(sources, key=lambda source: source.name)
    processes = max(1, min(processes, len(in_order)))
    with disk_errors(out), ThreadPoolExecutor(processes) as pool:
        out.mkdir(parents=True, exist_ok=True)
        shares = [in_order[number::processes] for number in range(processes)]
        answers = list(pool.map(lambda share: _ask(python, share, out, run), shares))
        for answer in answers:
            if answer["os_error"]:
                raise OSError(*answer["os_error"])
    _raise_faults(python, answers)
    pycs: list[list[str]] = [[]] * len(in_order)
    for number, answer in enumerate(answers):
        pycs[number::processes] = answer["pycs"]
    return tuple(Compiled(name, Path(path)) for name, path in pycs)


def _ask(
    python: Path, sources: Sequence[SourceFile], out: Path, run: Callable[..., ProcessResult]
) -> dict[str, Any]:
    request = {
        "out": str(out.absolute()),
        "sources": [[source.name, str(source.path.absolute())] for source in sources],
    }
    # Not -I: it would ignore PYTHONHASHSEED, and compilers have written sets of names in the order
    # of their hashes before. The empty environment, -S and a sys.path without its first entry
    # isolate as much.
    options = ["-S", "-B", "-X", "utf8", "-W", "ignore"]
    root = Path(pipeline.__file__).resolve().parent.parent
    try:
        done = run(
            [str(python.absolute()), *options, "-c", _START, str(root)],
            env={"PYTHONHASHSEED": "0"},
            stdin=json.dumps(request).encode(),
            cwd=out,
            timeout_s=_TIMEOUT_S,
        )
    except ToolError as fault:
        # A missing loader (musl's, on glibc) has the errno of a missing program.
        missing = isinstance(fault.__cause__, FileNotFoundError) and python.exists()
        reason = "its loader is not on this machine" if missing else fault.what
        raise _unable(python, reason) from fault
    if done.code:
        raise _unable(python, error_tail(done, lines=1))
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError as fault:
        raise _unable(python, "it does not answer as a Python interpreter does") from fault
    return answer


def _unable(python: Path, reason: str) -> ToolError:
    return ToolError(
        f"{python} cannot compile the standard library here: {reason}",
        hint="Bytecode needs an interpreter of the line that this machine can run: build on "
        f"such a machine, or {_WITHOUT}.",
    )


def _raise_faults(python: Path, answers: Sequence[dict[str, Any]]) -> None:
    def reasons(kind: str) -> list[str]:
        found = sorted(each for answer in answers for each in answer[kind])
        return [f"{name}: {reason}" for name, reason in found]

    if unknown := reasons("unknown"):
        raise ToolError(
            f"{python} writes bytecode of an unknown format",
            details=unknown,
            hint=f"Update goempy, or {_WITHOUT}.",
        )
    if refused := reasons("refused"):
        raise TreeError(
            f"{python} cannot compile parts of the standard library",
            details=refused,
            hint=f"Drop these files under [trim] in matrix.toml, or {_WITHOUT}.",
        )
